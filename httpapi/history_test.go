package httpapi

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// versionsOf lists the entries of a history as id/version.
func versionsOf(a *answer) []string {
	a.t.Helper()
	entries, _ := a.at("entry").([]any)
	list := []string{}
	for _, e := range entries {
		e := e.(map[string]any)
		fullURL, _ := e["fullUrl"].(string)
		if fullURL == "" {
			continue // a warning
		}
		etag := e["response"].(map[string]any)["etag"].(string)
		list = append(list, fullURL[strings.LastIndex(fullURL, "/")+1:]+"/"+strings.Trim(etag, `W/"`))
	}
	return list
}

func (a *answer) wantVersions(want ...string) *answer {
	a.t.Helper()
	if got := versionsOf(a.want(200)); !slices.Equal(got, want) {
		a.t.Fatalf("%s: %v, want %v", a.request, got, want)
	}
	return a
}

// link returns the path and query of a link, "" if there is none.
func (a *answer) link(relation string) string {
	a.t.Helper()
	links, _ := a.at("link").([]any)
	for _, l := range links {
		if l := l.(map[string]any); l["relation"] == relation {
			u, err := url.Parse(l["url"].(string))
			if err != nil {
				a.t.Fatal(err)
			}
			return u.RequestURI()
		}
	}
	return ""
}

func TestHistory(t *testing.T) {
	sv := newService(t, Options{})
	sv.do("PUT /fhir/Patient/a", patient("a", "")).want(201)               // 00:00:01
	sv.do("PUT /fhir/Patient/b", patient("b", "")).want(201)               // 00:00:02
	sv.do("PUT /fhir/Patient/a", patient("a", `"active":true`)).want(200)  // 00:00:03
	sv.do("PUT /fhir/Basic/c", basic("c")).want(201)                       // 00:00:04
	sv.do("DELETE /fhir/Patient/a").want(204)                              // 00:00:05
	sv.do("PUT /fhir/Patient/a", patient("a", `"active":false`)).want(200) // 00:00:06
	sv.do("POST /fhir/Basic", basic("x")).want(201)                        // 00:00:07

	t.Run("instance", func(t *testing.T) {
		a := sv.do("GET /fhir/Patient/a/_history").wantVersions("a/4", "a/3", "a/2", "a/1")
		a.wantAt("Bundle", "resourceType").wantAt("history", "type").wantAt(4.0, "total").wantAt("request-1", "id")
		a.wantAt("http://example.com/fhir/Patient/a", "entry", 0, "fullUrl").wantAt("PUT", "entry", 0, "request", "method").wantAt("Patient/a", "entry", 0, "request", "url")
		a.wantAt("200 OK", "entry", 0, "response", "status").wantAt("2026-01-01T00:00:06.000Z", "entry", 0, "response", "lastModified").wantAt(false, "entry", 0, "resource", "active")
		a.wantAt(nil, "entry", 1, "resource").wantAt("DELETE", "entry", 1, "request", "method").wantAt("204 No Content", "entry", 1, "response", "status").wantAt(`W/"3"`, "entry", 1, "response", "etag")
		a.wantAt("201 Created", "entry", 3, "response", "status")
	})
	t.Run("unknown id", func(t *testing.T) { sv.do("GET /fhir/Patient/zz/_history").want(404, "not-found") })
	t.Run("type", func(t *testing.T) {
		a := sv.do("GET /fhir/Basic/_history").wantVersions("new1/1", "c/1").wantAt("POST", "entry", 0, "request", "method").wantAt("Basic", "entry", 0, "request", "url")
		a.wantAt("201 Created", "entry", 0, "response", "status")
	})
	t.Run("system", func(t *testing.T) {
		sv.do("GET /fhir/_history").wantVersions("new1/1", "a/4", "a/3", "c/1", "a/2", "b/1", "a/1").wantAt(7.0, "total")
	})
	for _, c := range []struct {
		query string
		want  []string
	}{
		{"_since=2026-01-01T00:00:05Z", []string{"a/4", "a/3"}},
		{"_since=2026-01-01T00:00:05.001Z", []string{"a/4"}},
		{"_since=2026-01-01T01:00:05%2B01:00", []string{"a/4", "a/3"}},
		{"_since=2026-01-01T01:00:05+01:00", []string{"a/4", "a/3"}},
		{"_since=2027", []string{}},
		{"_before=2026-01-01T00:00:03Z", []string{"b/1", "a/1"}},
		{"_before=2026", []string{}},
		{"_since=2026-01-01T00:00:02Z&_before=2026-01-01T00:00:06Z", []string{"a/3", "a/2", "b/1"}},
		{"_at=2026-01-01T00:00:04Z", []string{"a/2", "b/1"}},
		{"_at=2026-01-01T00:00:05.500Z", []string{"b/1"}},
		{"_at=2026-01-01T00:00", []string{"a/4", "a/3", "a/2", "b/1", "a/1"}},
		{"_at=2026-01-01T00:00:03Z", []string{"a/2", "b/1"}},
		{"_at=2025", []string{}},
		{"_at=2026-01-01", []string{"a/4", "a/3", "a/2", "b/1", "a/1"}},
		{"_sort=_lastUpdated", []string{"a/1", "b/1", "a/2", "a/3", "a/4"}},
		{"_sort=-_lastUpdated&_count=2", []string{"a/4", "a/3"}},
		{"_sort=_lastUpdated&_since=2026-01-01T00:00:03Z", []string{"a/2", "a/3", "a/4"}},
	} {
		t.Run(c.query, func(t *testing.T) { sv.do("GET /fhir/Patient/_history?" + c.query).wantVersions(c.want...) })
	}
	for _, query := range []string{"_since=yesterday", "_since=2026-13", "_since=", "_before=x", "_before=2027", "_at=2026-02-30", "_at=2026-01-01T1:00:00Z",
		"_at=2026&_since=2026", "_at=2026&_before=2025", "_sort=name", "_sort=", "_sort=_lastUpdated,name", "_count=-1", "_count=x", "_count=", "_count=1x",
		"_count=1&_count=2", "ct=", "ct=abc", "ct=AAAAAAAAAAAA", "_summary=x"} {
		t.Run(query, func(t *testing.T) { sv.do("GET /fhir/Patient/_history?"+query).want(400, "invalid") })
	}
	t.Run("only the total", func(t *testing.T) {
		for _, query := range []string{"_count=0", "_summary=count"} {
			a := sv.do("GET /fhir/Patient/_history?"+query).wantVersions().wantAt(5.0, "total").wantAt(nil, "entry")
			if a.link("next") != "" || a.link("self") == "" {
				t.Errorf("links %v", a.at("link"))
			}
		}
	})
	t.Run("the total where it takes a walk", func(t *testing.T) {
		sv.do("GET /fhir/Patient/_history?_at=2026-01-01T00:00:04Z&_summary=count").wantVersions().wantAt(2.0, "total")
		sv.do("GET /fhir/Patient/_history?_at=2026-01-01T00:00:04Z&_count=1").wantVersions("a/2").wantAt(nil, "total")
	})
	t.Run("a large _count is lowered with a warning", func(t *testing.T) {
		for _, count := range []string{"5000", "99999999999", "99999999999999999999999"} {
			a := sv.do("GET /fhir/Basic/_history?_count="+count).wantVersions("new1/1", "c/1")
			a.wantAt("OperationOutcome", "entry", 2, "resource", "resourceType").wantAt("warning", "entry", 2, "resource", "issue", 0, "severity")
			a.wantAt("GET", "entry", 2, "request", "method").wantAt("200 OK", "entry", 2, "response", "status")
		}
	})
	t.Run("unknown parameters", func(t *testing.T) {
		sv.do("GET /fhir/Basic/_history?name=x").wantVersions("new1/1", "c/1").wantAt("warning", "entry", 2, "resource", "issue", 0, "severity")
		sv.do("GET /fhir/Basic/_history?name=x", "Prefer: handling=strict").want(400, "invalid")
	})
	t.Run("shaped and pretty", func(t *testing.T) {
		a := sv.do("GET /fhir/Patient/a/_history?_elements=gender&_pretty=true").wantVersions("a/4", "a/3", "a/2", "a/1").wantAt("SUBSETTED", "entry", 0, "resource", "meta", "tag", 0, "code")
		if a.at("entry", 0, "resource", "active") != nil || !strings.Contains(a.Body.String(), "\n  \"entry\": [\n    {\n") {
			t.Errorf("body %s", a.Body)
		}
	})
	t.Run("HEAD", func(t *testing.T) {
		a := sv.do("HEAD /fhir/Patient/a/_history").want(200).body("")
		a.header("Content-Length", sv.do("GET /fhir/Patient/a/_history").Header().Get("Content-Length"))
	})
	t.Run("erased", func(t *testing.T) {
		sv.do("DELETE /fhir/Patient/b?hardDelete=true").want(204)
		sv.do("GET /fhir/Patient/_history?_before=2026-01-01T00:00:03Z").wantVersions("a/1")
	})
}

func basic(id string) string {
	return `{"resourceType":"Basic","id":"` + id + `","code":{"text":"x"}}`
}

func TestHistoryPaging(t *testing.T) {
	for _, order := range []string{"_lastUpdated", "-_lastUpdated"} {
		for _, size := range []int{1, 3, 5, 120} {
			t.Run(fmt.Sprint(order, " ", size), func(t *testing.T) {
				sv := newService(t, Options{})
				var all []string
				for i := range 300 {
					id := fmt.Sprintf("p%d", i)
					sv.do("PUT /fhir/Basic/"+id, basic(id)).want(201)
					all = append(all, id+"/1")
				}
				if order[0] == '-' {
					slices.Reverse(all)
				}
				if size < 5 {
					all = all[:10*size] // enough pages
				}
				first := fmt.Sprintf("/fhir/Basic/_history?_count=%d&_sort=%s", size, order)
				var pages []string
				var seen []string
				for at := first; at != "" && len(seen) < len(all); {
					a := sv.do("GET " + at).want(200)
					a.wantAt(300.0, "total")
					pages = append(pages, strings.Join(versionsOf(a), " "))
					seen = append(seen, versionsOf(a)...)
					if (a.link("previous") != "") != (len(pages) > 1) {
						t.Fatalf("page %d: previous is %q", len(pages), a.link("previous"))
					}
					last := a.link("previous")
					at = a.link("next")
					sv.do("PUT /fhir/Basic/more", basic("more")) // must not disturb
					if len(seen) < len(all) {
						continue
					}
					for i := len(pages) - 2; i >= 0; i-- {
						b := sv.do("GET " + last).want(200)
						if got := strings.Join(versionsOf(b), " "); got != pages[i] {
							t.Fatalf("back on page %d: %s, want %s", i, got, pages[i])
						}
						if next := strings.Join(versionsOf(sv.do("GET "+b.link("next"))), " "); next != pages[i+1] {
							t.Fatalf("forth to page %d: %s, want %s", i+1, next, pages[i+1])
						}
						last = b.link("previous")
					}
					if last != "" {
						t.Fatalf("before the first page: %s", last)
					}
					if got := strings.Join(versionsOf(sv.do("GET "+a.link("first"))), " "); got != pages[0] {
						t.Fatalf("first: %s, want %s", got, pages[0])
					}
				}
				if !slices.Equal(seen, all) {
					t.Fatalf("saw %v, want %v", seen, all)
				}
			})
		}
	}
	t.Run("a token is good for its own history only", func(t *testing.T) {
		sv := newService(t, Options{})
		for i := range 5 {
			sv.do("PUT /fhir/Basic/a", `{"resourceType":"Basic","id":"a","code":{"text":"`+fmt.Sprint(i)+`"}}`)
		}
		next := sv.do("GET /fhir/Basic/a/_history?_count=2").link("next")
		_, query, _ := strings.Cut(next, "?")
		sv.do("GET "+next).wantVersions("a/3", "a/2")
		sv.do("GET /fhir/Basic/a/_history?" + query).want(200)
		sv.do("GET /fhir/Basic/_history?"+query).want(400, "invalid")
		sv.do("GET /fhir/Basic/b/_history?"+query).want(400, "invalid")
		sv.do("GET "+next+"&_since=2026").want(400, "invalid")
		sv.do("GET "+next+"A").want(400, "invalid")
		newService(t, Options{}).do("GET "+next).want(400, "invalid") // a snapshot that is not there
	})
}

// TestLargeHistory reads a page that has several chunks and is larger than what
// is gathered before it is sent.
func TestLargeHistory(t *testing.T) {
	sv := newService(t, Options{})
	for i := range 250 {
		sv.do(fmt.Sprintf("PUT /fhir/Basic/b%d", i), fmt.Sprintf(`{"resourceType":"Basic","id":"b%d","code":{"text":"%s"}}`, i, strings.Repeat("x", 1000))).want(201)
	}
	a := sv.do("GET /fhir/Basic/_history?_count=200").want(200).header("Content-Length", "")
	if n := len(versionsOf(a)); n != 200 || a.link("next") == "" {
		t.Errorf("%d entries, links %v", n, a.at("link"))
	}
	if n := len(versionsOf(sv.do("GET " + a.link("next")))); n != 50 {
		t.Errorf("%d entries on the last page", n)
	}
	z := sv.do("GET /fhir/Basic/_history?_count=200", "Accept-Encoding: gzip").want(200).header("Content-Encoding", "gzip")
	if unzipped(t, z.Body.Bytes()) != a.Body.String() {
		t.Error("compressed answer differs")
	}
	sv.do("HEAD /fhir/Basic/_history?_count=200").want(200).body("").header("Content-Length", "")
}

func TestParsePeriod(t *testing.T) {
	for _, c := range []struct {
		text       string
		first, end string
	}{
		{"2026", "2026-01-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z"},
		{"2024-02", "2024-02-01T00:00:00.000Z", "2024-03-01T00:00:00.000Z"},
		{"2024-02-29", "2024-02-29T00:00:00.000Z", "2024-03-01T00:00:00.000Z"},
		{"2024-02-29T12:30", "2024-02-29T12:30:00.000Z", "2024-02-29T12:31:00.000Z"},
		{"2024-02-29T12:30:15Z", "2024-02-29T12:30:15.000Z", "2024-02-29T12:30:16.000Z"},
		{"2024-02-29T12:30:15.2-02:00", "2024-02-29T14:30:15.200Z", "2024-02-29T14:30:15.300Z"},
		{"2024-02-29T12:30:15.25", "2024-02-29T12:30:15.250Z", "2024-02-29T12:30:15.260Z"},
		{"2024-02-29T12:30:15.25678901Z", "2024-02-29T12:30:15.256Z", "2024-02-29T12:30:15.257Z"},
		{"2024-02-29T12:30Z", "2024-02-29T12:30:00.000Z", "2024-02-29T12:31:00.000Z"},
		{"2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z", "2017-01-01T00:00:01.000Z"}, // a leap second
		{"2016-12-31T23:59:60.5+00:00", "2017-01-01T00:00:00.500Z", "2017-01-01T00:00:00.600Z"},
		{"0001-01-01T00:00:00+14:00", "0000-12-31T10:00:00.000Z", "0000-12-31T10:00:01.000Z"},
		{"9999-12-31", "9999-12-31T00:00:00.000Z", "10000-01-01T00:00:00.000Z"},
		{"0000", "", ""}, {"0000-01-01T00:00:00Z", "", ""}, {"2016-12-31T23:59:61Z", "", ""},
		{"2023-02-29", "", ""}, {"2024-2-9", "", ""}, {"24", "", ""}, {"", "", ""}, {"2024-01-01T", "", ""}, {"2024-01-01T12", "", ""},
		{"2024-01-01T25:00Z", "", ""}, {"2024-01-01T12:30:15.", "", ""}, {"2024-01-01T12:30:15,5Z", "", ""},
		{"2024-01-01T1:30:15Z", "", ""}, {"2024-01-01T12:30:15+1", "", ""}, {"2024-01-01 12:30:15", "", ""}, {"abcd", "", ""},
	} {
		p, ok := parsePeriod(c.text)
		if !ok && c.first == "" {
			continue
		}
		const layout = "2006-01-02T15:04:05.000Z"
		first, end := utc(p.first).Format(layout), utc(p.end).Format(layout)
		if !ok || first != c.first || end != c.end {
			t.Errorf("parsePeriod(%q) = %s to %s, %v; want %q to %q", c.text, first, end, ok, c.first, c.end)
		}
	}
}
