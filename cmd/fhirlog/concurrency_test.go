package main

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// together runs a client several times at once and waits for all.
func together(clients int, client func(number int)) {
	var all sync.WaitGroup
	for number := range clients {
		all.Go(func() { client(number) })
	}
	all.Wait()
}

func patientNamed(id, name string) string {
	return `{"resourceType":"Patient","id":"` + id + `","name":[{"text":"` + name + `"}]}`
}

func versionOf(a answer) int {
	version, err := strconv.Atoi(strings.Trim(a.header.Get("ETag"), `W/"`))
	if err != nil {
		return -1
	}
	return version
}

// TestConcurrency lets many clients write the same resources at once: the
// outcome must be one that some order of the requests explains.
func TestConcurrency(t *testing.T) {
	s := startServer(t, t.TempDir())
	// ask reports what must not happen, without ending the client.
	ask := func(t *testing.T, method, path, body string, headers ...string) answer {
		a, err := s.ask(method, path, body, headers...)
		if err != nil {
			t.Errorf("%s %s: %v", method, path, err)
		}
		return a
	}

	t.Run("of updates with the same If-Match one wins", func(t *testing.T) {
		s.must(201, "PUT", "/Patient/match", patientNamed("match", "first"))
		const clients, rounds = 12, 15
		var winners sync.Map // version → name
		for version := 1; version <= rounds; version++ {
			var won, lost atomic.Int64
			together(clients, func(number int) {
				name := fmt.Sprintf("client %d for version %d", number, version+1)
				a := ask(t, "PUT", "/Patient/match", patientNamed("match", name), fmt.Sprintf(`If-Match: W/"%d"`, version))
				switch {
				case a.status == 200 && versionOf(a) == version+1:
					won.Add(1)
					winners.Store(version+1, name)
				case a.status == 412:
					lost.Add(1)
				default:
					t.Errorf("If-Match version %d: got %d with %s", version, a.status, a.header.Get("ETag"))
				}
			})
			if won.Load() != 1 || lost.Load() != clients-1 {
				t.Fatalf("version %d: %d won and %d lost, want 1 and %d", version, won.Load(), lost.Load(), clients-1)
			}
		}
		winners.Range(func(version, name any) bool {
			a := s.must(200, "GET", fmt.Sprintf("/Patient/match/_history/%d", version), "")
			if !strings.Contains(string(a.body), `"`+name.(string)+`"`) {
				t.Errorf("version %d is not that of %s: %s", version, name, a.body)
			}
			return true
		})
	})

	t.Run("updates without If-Match make versions without gaps", func(t *testing.T) {
		const clients, writes = 12, 20
		var names sync.Map // version → name
		together(clients, func(number int) {
			for i := range writes {
				name := fmt.Sprintf("write %d of client %d", i, number)
				a := ask(t, "PUT", "/Patient/plain", patientNamed("plain", name))
				version := versionOf(a)
				if other, taken := names.LoadOrStore(version, name); taken {
					t.Errorf("version %d was given to %q and to %q", version, other, name)
				}
				if version == 1 && a.status != 201 || version != 1 && a.status != 200 {
					t.Errorf("version %d got %d", version, a.status)
				}
				read := ask(t, "GET", "/Patient/plain", "")
				if got := versionOf(read); got < version || got == version && string(read.body) != string(a.body) {
					t.Errorf("after writing version %d, version %d is read: %s", version, got, read.body)
				}
			}
		})
		h := readHistory(t, s).versions["Patient/plain"]
		if len(h) != clients*writes {
			t.Fatalf("%d versions, want %d", len(h), clients*writes)
		}
		for i, v := range h {
			name, _ := names.Load(i + 1)
			if v.version != i+1 || !strings.Contains(v.resource, fmt.Sprintf(`"%v"`, name)) {
				t.Errorf("version %d of %v is %+v", i+1, name, v)
			}
		}
	})

	t.Run("patches of one resource all take effect", func(t *testing.T) {
		const clients, patches = 8, 20
		zeros := strings.Repeat(`,{"system":"urn:count","value":"0"}`, clients)[1:]
		s.must(201, "PUT", "/Patient/patched", `{"resourceType":"Patient","id":"patched","identifier":[`+zeros+`]}`)
		var versions sync.Map
		together(clients, func(number int) {
			at := fmt.Sprintf("/identifier/%d/value", number)
			for n := range patches {
				path, patch, kind := "/Patient/patched", fmt.Sprintf(`[{"op":"test","path":%q,"value":"%d"},{"op":"replace","path":%[1]q,"value":"%[3]d"}]`, at, n, n+1), jsonPatch
				switch number % 4 {
				case 1:
					path = "/Patient?_id=patched"
				case 2:
					kind = "application/fhir+json"
					patch = fmt.Sprintf(`{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"replace"},{"name":"path","valueString":"Patient.identifier[%d].value"},{"name":"value","valueString":"%d"}]}]}`, number, n+1)
				}
				a := ask(t, "PATCH", path, patch, "Content-Type: "+kind)
				if a.status != 200 {
					t.Errorf("PATCH of %s to %d: got %d: %s", at, n+1, a.status, a.body)
					return
				}
				if _, taken := versions.LoadOrStore(versionOf(a), number); taken {
					t.Errorf("version %d was given twice", versionOf(a))
				}
			}
		})
		h := readHistory(t, s).versions["Patient/patched"]
		want := strings.ReplaceAll(zeros, `"0"`, fmt.Sprintf(`"%d"`, patches))
		if last := h[len(h)-1]; len(h) != 1+clients*patches || !strings.Contains(last.resource, want) {
			t.Errorf("%d versions, want %d; the last is %s", len(h), 1+clients*patches, last.resource)
		}
	})

	t.Run("of creations with If-None-Match one wins", func(t *testing.T) {
		for round := range 10 {
			id := fmt.Sprintf("once-%d", round)
			var created, refused atomic.Int64
			together(12, func(number int) {
				switch a := ask(t, "PUT", "/Patient/"+id, patientNamed(id, fmt.Sprint(number)), "If-None-Match: *"); a.status {
				case 201:
					created.Add(1)
				case 412:
					refused.Add(1)
				default:
					t.Errorf("got %d: %s", a.status, a.body)
				}
			})
			if created.Load() != 1 || refused.Load() != 11 {
				t.Fatalf("%d created, %d refused", created.Load(), refused.Load())
			}
		}
	})

	t.Run("deletions and updates alternate in one history", func(t *testing.T) {
		var versions sync.Map
		together(8, func(number int) {
			for i := range 15 {
				var a answer
				if number%2 == 0 {
					a = ask(t, "DELETE", "/Patient/both", "")
				} else {
					a = ask(t, "PUT", "/Patient/both", patientNamed("both", fmt.Sprintf("%d of %d", i, number)))
				}
				if a.header.Get("ETag") == "" {
					continue
				}
				if _, taken := versions.LoadOrStore(versionOf(a), a.status); taken {
					t.Errorf("version %d was given twice", versionOf(a))
				}
			}
		})
		for i, v := range readHistory(t, s).versions["Patient/both"] {
			status, _ := versions.Load(i + 1)
			if v.version != i+1 || (v.resource == "") != (status == 204) {
				t.Errorf("version %d was answered with %v and is %+v", i+1, status, v)
			}
		}
	})

	t.Run("transactions do not mix", func(t *testing.T) {
		var done atomic.Int64
		together(8, func(number int) {
			for i := range 10 {
				ids := []string{"left", "right"}
				if number%2 == 0 {
					ids[0], ids[1] = ids[1], ids[0]
				}
				name := fmt.Sprintf("%d of %d", i, number)
				entry := func(id string) string {
					return `{"resource":` + patientNamed(id, name) + `,"request":{"method":"PUT","url":"Patient/` + id + `"}}`
				}
				a := ask(t, "POST", "/", `{"resourceType":"Bundle","type":"transaction","entry":[`+entry(ids[0])+","+entry(ids[1])+`]}`)
				switch a.status {
				case 200:
					done.Add(1)
				case 409:
				default:
					t.Errorf("got %d: %s", a.status, a.body)
				}
			}
		})
		h := readHistory(t, s).versions
		left, right := h["Patient/left"], h["Patient/right"]
		if len(left) != len(right) || int64(len(left)) != done.Load() {
			t.Fatalf("%d transactions made %d and %d versions", done.Load(), len(left), len(right))
		}
		nameOf := func(v kept) string {
			parsed, err := parseTree([]byte(v.resource))
			if err != nil {
				t.Fatal(err)
			}
			return parsed.get("name").String()
		}
		for i := range left {
			if nameOf(left[i]) != nameOf(right[i]) {
				t.Errorf("version %d is of %s on the left and of %s on the right", i+1, nameOf(left[i]), nameOf(right[i]))
			}
		}
	})
	s.stop()
	checkProjections(t, s.data)
}
