package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fhirlog/domain/publicdata"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestLoadSynthea loads the transactions of synthea/dev/r4-2019 through the
// program and compares every resource with what was posted: members in their
// order and every digit, but for id, meta and the references that a transaction
// rewrites.
func TestLoadSynthea(t *testing.T) {
	files := publicdata.Files(t, "synthea", "dev", "r4-2019.*.gz")
	s := startServer(t, t.TempDir())
	stdout, stderr, err := runProgram(t, append([]string{"load", "--to", s.base}, files...)...)
	if err != nil {
		t.Fatalf("load: %v\n%s%s", err, stdout, stderr)
	}
	t.Log(stdout)
	posted := readBundles(t, files)
	count := comparePosted(t, s, posted)
	s.stop()
	checkProjections(t, s.data)

	again := startServer(t, s.data)
	if comparePosted(t, again, posted) != count {
		t.Errorf("after a restart the number of resources is not %d", count)
	}
	again.stop()
	t.Logf("%d resources of %d transactions are as they were posted", count, len(posted))
}

// TestLoadOwn does the same with transactions that are made here, so that it
// runs everywhere.
func TestLoadOwn(t *testing.T) {
	var lines bytes.Buffer
	for i := range 20 {
		lines.WriteString(strings.ReplaceAll(ownBundle, "{number}", string(rune('a'+i))) + "\n")
	}
	file := filepath.Join(t.TempDir(), "own.ndjson.gz")
	if err := os.WriteFile(file, []byte(pack(lines.String())), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, t.TempDir())
	if stdout, stderr, err := runProgram(t, "load", "--to", s.base, file); err != nil {
		t.Fatalf("load: %v\n%s%s", err, stdout, stderr)
	}
	if count := comparePosted(t, s, readBundles(t, []string{file})); count != 60 {
		t.Errorf("%d resources, want 60", count)
	}
	if stdout, _, err := runProgram(t, "load", "--to", s.base+"/nowhere", file); err == nil || !strings.Contains(stdout, "404") {
		t.Errorf("load to a wrong address: %v\n%s", err, stdout)
	}
	s.stop()
}

const ownBundle = `{"resourceType":"Bundle","type":"transaction","entry":[
	{"fullUrl":"urn:uuid:{number}1","resource":{"gender":"other","resourceType":"Patient","id":"x","identifier":[{"value":"{number}"}],"meta":{"profile":["http://example.org/p"],"versionId":"4"}},"request":{"method":"POST","url":"Patient"}},
	{"fullUrl":"urn:uuid:{number}2","resource":{"resourceType":"Observation","status":"final","code":{"text":"é\u00e9"},"subject":{"reference":"urn:uuid:{number}1"},"valueQuantity":{"value":1.200,"unit":"{number}"}},"request":{"method":"POST","url":"Observation"}},
	{"fullUrl":"urn:uuid:{number}3","resource":{"resourceType":"DiagnosticReport","status":"final","code":{"text":"{number}"},"subject":{"display":"d","reference":"urn:uuid:{number}1"},"result":[{"reference":"urn:uuid:{number}2"}]},"request":{"method":"POST","url":"DiagnosticReport"}}]}`

// readBundles reads the transactions of files by the identifiers of their first
// entry, a Patient.
func readBundles(t *testing.T, files []string) map[string][]*tree {
	t.Helper()
	bundles := map[string][]*tree{}
	for _, file := range files {
		packed, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		text, err := gzip.NewReader(packed)
		if err != nil {
			t.Fatal(err)
		}
		var value bytes.Buffer
		for lines := bufio.NewReader(text); ; {
			line, err := lines.ReadBytes('\n')
			value.Write(line)
			if bundle, broken := parseTree(value.Bytes()); broken == nil {
				entries := bundle.get("entry").items()
				key := entries[0].get("resource").get("identifier").String()
				if bundles[key] != nil {
					t.Fatalf("two transactions begin with the Patient %s", key)
				}
				bundles[key] = entries
				value.Reset()
			}
			if err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if err := packed.Close(); err != nil {
			t.Fatal(err)
		}
		if len(bytes.TrimSpace(value.Bytes())) > 0 {
			t.Fatalf("%s ends within a value", file)
		}
	}
	return bundles
}

// comparePosted walks the history of a server, oldest first: it must be the
// transactions, each whole and in the order of its entries.
func comparePosted(t *testing.T, s *server, posted map[string][]*tree) (count int) {
	t.Helper()
	seen := map[string]bool{}
	var waiting []*tree // what is stored of a transaction that is not complete
	for path := "/_history?_count=1000&_sort=_lastUpdated"; path != ""; {
		page, err := parseTree(s.must(200, "GET", path, "").body)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range page.get("entry").items() {
			count++
			waiting = append(waiting, entry)
			key := waiting[0].get("resource").get("identifier").String()
			bundle := posted[key]
			if bundle == nil || seen[key] {
				t.Fatalf("a transaction begins with %s", waiting[0])
			}
			if len(waiting) == len(bundle) {
				seen[key] = true
				compareTransaction(t, s, bundle, waiting)
				waiting = nil
			}
		}
		next, _ := page.at("link[relation=next].url")
		path = strings.TrimPrefix(next.string(), s.base)
	}
	if len(waiting) > 0 || len(seen) != len(posted) {
		t.Errorf("%d of %d transactions are there, and %d entries more", len(seen), len(posted), len(waiting))
	}
	return count
}

// compareTransaction compares stored entries with posted ones.
func compareTransaction(t *testing.T, s *server, posted, stored []*tree) {
	t.Helper()
	moved := map[string]string{}
	for i, entry := range posted {
		moved[entry.get("fullUrl").string()] = strings.TrimPrefix(stored[i].get("fullUrl").string(), s.base+"/")
	}
	for i, entry := range posted {
		place := strings.TrimPrefix(stored[i].get("fullUrl").string(), s.base)
		got, want := stored[i].get("resource"), entry.get("resource").rewritten("", moved)
		if difference := differs(got, want, place); difference != "" {
			t.Errorf("%s: %s", place, difference)
		}
		if read := s.must(200, "GET", place, ""); string(read.body) != got.String() && !equalText(read.body, got) {
			t.Errorf("GET %s: got\n%s\nand the history has\n%s", place, read.body, got)
		}
	}
}

func equalText(body []byte, want *tree) bool {
	got, err := parseTree(body)
	return err == nil && got.String() == want.String()
}

// differs says how a stored resource is not the posted one; "" if it is.
func differs(got, want *tree, place string) string {
	_, id, _ := strings.Cut(place[1:], "/")
	switch {
	case got.get("id").string() != id:
		return "its id is " + got.get("id").string()
	case got.get("meta").get("versionId").string() != "1" || got.get("meta").get("lastUpdated").string() == "":
		return "its meta is " + got.get("meta").String()
	case got.get("meta").without("versionId", "lastUpdated").String() != want.get("meta").without("versionId", "lastUpdated").String():
		return "its meta is " + got.get("meta").String() + ", posted was " + want.get("meta").String()
	}
	if g, w := got.without("id", "meta").String(), want.without("id", "meta").String(); g != w {
		return "it is\n" + g + "\nposted was\n" + w
	}
	return ""
}

// without returns an object without some of its members, and an empty one for
// nothing.
func (t *tree) without(names ...string) *tree {
	rest := &tree{kind: '{'}
	if t == nil {
		return rest
	}
	for i, name := range t.names {
		if !slices.Contains(names, name) {
			rest.names, rest.children = append(rest.names, name), append(rest.children, t.children[i])
		}
	}
	return rest
}

// rewritten returns the tree with its references at their new places.
func (t *tree) rewritten(name string, moved map[string]string) *tree {
	after := *t
	if to, ok := moved[t.text]; ok && t.kind == '"' && name == "reference" {
		after.text = to
	}
	after.children = make([]*tree, len(t.children))
	for i, child := range t.children {
		if t.kind == '{' {
			name = t.names[i]
		}
		after.children[i] = child.rewritten(name, moved)
	}
	return &after
}

// TestDiffers shows that the comparison can fail.
func TestDiffers(t *testing.T) {
	const stored = `{"resourceType":"Patient","id":"a","meta":{"versionId":"1","lastUpdated":"2020","profile":["p"]},"active":true,"extension":[{"valueDecimal":1.0},{"reference":"Patient/b"}]}`
	for _, c := range []struct {
		name, posted string
		same         bool
	}{
		{"same", `{"resourceType":"Patient","id":"z","meta":{"profile":["p"],"versionId":"7"},"active":true,"extension":[{"valueDecimal":1.0},{"reference":"urn:b"}]}`, true},
		{"meta elsewhere", `{"active":true,"meta":{"profile":["p"]},"extension":[{"valueDecimal":1.0},{"reference":"urn:b"}]}`, false},
		{"digit", `{"resourceType":"Patient","meta":{"profile":["p"]},"active":true,"extension":[{"valueDecimal":1.00},{"reference":"urn:b"}]}`, false},
		{"order", `{"active":true,"resourceType":"Patient","meta":{"profile":["p"]},"extension":[{"valueDecimal":1.0},{"reference":"urn:b"}]}`, false},
		{"profile", `{"resourceType":"Patient","meta":{"profile":["q"]},"active":true,"extension":[{"valueDecimal":1.0},{"reference":"urn:b"}]}`, false},
		{"reference", `{"resourceType":"Patient","meta":{"profile":["p"]},"active":true,"extension":[{"valueDecimal":1.0},{"reference":"urn:c"}]}`, false},
	} {
		got, err := parseTree([]byte(stored))
		if err != nil {
			t.Fatal(err)
		}
		want, err := parseTree([]byte(c.posted))
		if err != nil {
			t.Fatal(err)
		}
		if difference := differs(got, want.rewritten("", map[string]string{"urn:b": "Patient/b"}), "/Patient/a"); (difference == "") != c.same {
			t.Errorf("%s: %q", c.name, difference)
		}
	}
	if got, _ := parseTree([]byte(stored)); differs(got, got, "/Patient/b") == "" {
		t.Error("another id is no difference")
	}
}
