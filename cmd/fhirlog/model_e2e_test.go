package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// remembered is a version as the model keeps it: what the server said when it
// was written.
type remembered struct {
	place    string // Type/id
	version  int
	resource string // "" for a deletion
	instant  string // "" until read, for deletions
	method   string
}

// model is what a server should hold, as a plain list of versions in the order
// they were written.
type model struct {
	t        *testing.T
	s        *server
	random   *rand.Rand
	versions []remembered
}

// TestModel carries out random changes on a server and on a list, one after the
// other, and compares every way of reading, also after a restart.
func TestModel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	m := &model{t: t, s: startServer(t, t.TempDir()), random: rand.New(rand.NewPCG(seed, 3))}
	for range 4 {
		for range 60 {
			m.change()
		}
		m.compare()
	}
	m.s.kill()
	m.s = startServer(t, m.s.data)
	m.compare()
	m.s.stop()
	checkProjections(t, m.s.data)
}

// current returns where the newest version of a place stands, -1 if it has none.
func (m *model) current(place string) int {
	for i := len(m.versions) - 1; i >= 0; i-- {
		if m.versions[i].place == place {
			return i
		}
	}
	return -1
}

// change makes a random change.
func (m *model) change() {
	typ := []string{"Patient", "Basic"}[m.random.IntN(2)]
	id := string(rune('a' + m.random.IntN(5)))
	place := typ + "/" + id
	code := fmt.Sprintf(`"language":"x-%d"`, m.random.IntN(3))
	if typ == "Basic" {
		code += `,"code":{"text":"t"}`
	}
	meta := fmt.Sprintf(`{"tag":[{"code":"t%d"}]}`, m.random.IntN(3))
	body := `{"resourceType":"` + typ + `","id":"` + id + `","meta":` + meta + `,` + code + `}`
	switch m.random.IntN(16) {
	case 12, 13:
		m.patch(place, jsonPatch, fmt.Sprintf(`[{"op":"add","path":"/language","value":"x-%d"}]`, m.random.IntN(3)), "")
	case 14:
		m.patch(place, jsonPatch, `[{"op":"add","path":"/meta/tag","value":`+mustTree(m.t, meta).get("tag").String()+`}]`, "?_meta-history=false")
	case 15:
		m.patch(place, "application/fhir+json", `{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"upsert"},{"name":"path","valueString":"`+typ+
			`"},{"name":"name","valueString":"language"},{"name":"value","valueCode":"x-`+strconv.Itoa(m.random.IntN(3))+`"}]}]}`, "")
	case 0:
		a := m.s.must(201, "POST", "/"+typ, body)
		created, err := parseTree(a.body)
		if err != nil {
			m.t.Fatal(err)
		}
		m.wrote(typ+"/"+created.get("id").string(), "POST", a)
	case 1, 2:
		m.delete(place)
	case 3:
		m.s.must(204, "DELETE", "/"+place+"?hardDelete=true", "")
		m.drop(func(v remembered) bool { return v.place == place })
	case 4:
		m.s.must(204, "DELETE", "/"+place+"/$purge-history", "")
		if last := m.current(place); last >= 0 {
			keep := m.versions[last].version
			m.drop(func(v remembered) bool { return v.place == place && v.version != keep })
		}
	case 5, 6:
		m.put(place, body, "?_meta-history=false")
	default:
		m.put(place, body, "")
	}
}

func (m *model) drop(which func(remembered) bool) {
	m.versions = slices.DeleteFunc(m.versions, which)
}

func (m *model) delete(place string) {
	last := m.current(place)
	a := m.s.must(204, "DELETE", "/"+place, "")
	switch {
	case last < 0 || m.versions[last].resource == "":
		if a.header.Get("ETag") != "" {
			m.t.Errorf("DELETE %s: ETag %s, but there was nothing to delete", place, a.header.Get("ETag"))
		}
	default:
		m.wrote(place, "DELETE", a)
	}
}

func (m *model) put(place, body, query string) {
	last := m.current(place)
	if last < 0 {
		m.wrote(place, "PUT", m.s.must(201, "PUT", "/"+place+query, body))
		return
	}
	a := m.s.must(200, "PUT", "/"+place+query, body)
	if m.versions[last].resource == "" {
		m.wrote(place, "PUT", a)
		return
	}
	m.replaced(place, "PUT", query, a)
}

const jsonPatch = "application/json-patch+json"

// patch changes what is there. That the answer is what the patch leads to is for
// other tests to say; here it is compared with what is read later.
func (m *model) patch(place, contentType, body, query string) {
	status := 200
	switch last := m.current(place); {
	case last < 0:
		status = 404
	case m.versions[last].resource == "":
		status = 410
	}
	a := m.s.must(status, "PATCH", "/"+place+query, body, "Content-Type: "+contentType)
	if status == 200 {
		m.replaced(place, "PATCH", query, a)
	}
}

// replaced remembers what took the place of a version that was no deletion, if
// anything did.
func (m *model) replaced(place, method, query string, a answer) {
	before := m.versions[m.current(place)]
	old, new := mustTree(m.t, before.resource), mustTree(m.t, string(a.body))
	sameMeta := old.get("meta").get("tag").String() == new.get("meta").get("tag").String()
	sameRest := old.without("meta").String() == new.without("meta").String()
	switch {
	case sameMeta && sameRest:
		if string(a.body) != before.resource {
			m.t.Errorf("%s %s with what is there: got\n%s\nwant\n%s", method, place, a.body, before.resource)
		}
		return
	case sameRest && query != "":
		m.drop(func(v remembered) bool { return v.place == place && v.version == before.version })
		before.version++
		m.remember(place, method, a, before.version)
		return
	}
	m.wrote(place, method, a)
}

func mustTree(t *testing.T, text string) *tree {
	parsed, err := parseTree([]byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return parsed
}

// wrote remembers a version that follows those before.
func (m *model) wrote(place, method string, a answer) {
	version := 1
	if last := m.current(place); last >= 0 {
		version = m.versions[last].version + 1
	}
	m.remember(place, method, a, version)
}

func (m *model) remember(place, method string, a answer, version int) {
	if versionOf(a) != version {
		m.t.Errorf("%s %s: got ETag %s, want version %d", method, place, a.header.Get("ETag"), version)
	}
	v := remembered{place: place, version: version, method: method, resource: string(a.body)}
	if len(a.body) > 0 {
		v.instant = mustTree(m.t, v.resource).get("meta").get("lastUpdated").string()
	}
	m.versions = append(m.versions, v)
}

// compare reads everything in many ways.
func (m *model) compare() {
	m.learnInstants()
	places := map[string]bool{"": true, "/Patient": true, "/Basic": true}
	for _, v := range m.versions {
		places["/"+v.place] = true
	}
	for place := range places {
		m.compareHistory(place, "", func(remembered) bool { return true })
		for range 3 {
			if len(m.versions) == 0 {
				break
			}
			at := m.versions[m.random.IntN(len(m.versions))].instant
			m.compareHistory(place, "&_since="+at, func(v remembered) bool { return v.instant >= at })
			m.compareHistory(place, "&_before="+at, func(v remembered) bool { return v.instant < at })
			m.compareHistory(place, "&_at="+at, func(v remembered) bool { return m.currentAt(v, at) })
		}
	}
	for i, v := range m.versions {
		a, err := m.s.ask("GET", fmt.Sprintf("/%s/_history/%d", v.place, v.version), "")
		if err != nil || v.resource != "" && (a.status != 200 || string(a.body) != v.resource) || v.resource == "" && a.status != 410 {
			m.t.Errorf("GET %s version %d: %d %v\n%s\nwant\n%s", v.place, v.version, a.status, err, a.body, v.resource)
		}
		if i != m.current(v.place) {
			continue
		}
		a, err = m.s.ask("GET", "/"+v.place, "")
		if err != nil || v.resource != "" && (a.status != 200 || string(a.body) != v.resource) || v.resource == "" && a.status != 410 {
			m.t.Errorf("GET %s: %d %v\n%s\nwant\n%s", v.place, a.status, err, a.body, v.resource)
		}
	}
}

// learnInstants asks when deletions were: their answers do not tell.
func (m *model) learnInstants() {
	for i := range m.versions {
		if v := &m.versions[i]; v.instant == "" {
			page := mustTree(m.t, string(m.s.must(200, "GET", "/"+v.place+"/_history?_count=1000", "").body))
			for _, entry := range page.get("entry").items() {
				if entry.get("response").get("etag").string() == fmt.Sprintf(`W/"%d"`, v.version) {
					v.instant = entry.get("response").get("lastModified").string()
				}
			}
		}
	}
}

// currentAt says whether a version was the current one of its resource at a
// moment. A resource that was deleted then had none.
func (m *model) currentAt(v remembered, at string) bool {
	if v.instant > at || v.resource == "" {
		return false
	}
	for _, other := range m.versions {
		if other.place == v.place && other.version > v.version && other.instant <= at {
			return false
		}
	}
	return true
}

// compareHistory walks a history in pages of some size, forward and back.
func (m *model) compareHistory(place, filter string, belongs func(remembered) bool) {
	var want []remembered
	known := false
	for _, v := range m.versions {
		if within("/"+v.place, place) || place == "" {
			known = true
			if belongs(v) {
				want = append(want, v)
			}
		}
	}
	if strings.Count(place, "/") == 2 && !known {
		m.s.must(404, "GET", place+"/_history", "")
		return
	}
	sort := "&_sort=_lastUpdated"
	if m.random.IntN(2) == 0 {
		slices.Reverse(want)
		sort = []string{"", "&_sort=-_lastUpdated"}[m.random.IntN(2)]
	}
	count := 1 + m.random.IntN(len(want)+3)
	path := fmt.Sprintf("%s/_history?_count=%d%s%s", place, count, sort, filter)
	var pages []string
	at := 0
	for link := path; link != ""; {
		body := m.s.steady(m.s.must(200, "GET", link, "").body)
		page := mustTree(m.t, body)
		for _, entry := range page.get("entry").items() {
			if at >= len(want) {
				m.t.Fatalf("GET %s: more than the %d entries there should be: %s", path, len(want), entry)
			}
			m.compareEntry(path, entry, want[at])
			at++
		}
		if total := page.get("total"); total != nil && total.string() != strconv.Itoa(len(want)) {
			m.t.Errorf("GET %s: total %s, want %d", path, total, len(want))
		}
		pages = append(pages, page.get("entry").String())
		m.compareBack(path, page, pages)
		next, _ := page.at("link[relation=next].url")
		link = strings.TrimPrefix(next.string(), "{base}")
	}
	if at != len(want) {
		m.t.Errorf("GET %s: %d entries, want %d", path, at, len(want))
	}
}

// compareBack follows the link to the page before.
func (m *model) compareBack(path string, page *tree, pages []string) {
	back, _ := page.at("link[relation=previous].url")
	if (back == nil) != (len(pages) == 1) {
		m.t.Errorf("GET %s: page %d has a link %q to the one before", path, len(pages), back.string())
	}
	if back == nil {
		return
	}
	before := mustTree(m.t, m.s.steady(m.s.must(200, "GET", strings.TrimPrefix(back.string(), "{base}"), "").body))
	if got := before.get("entry").String(); got != pages[len(pages)-2] {
		m.t.Errorf("GET %s: the page before page %d is\n%s\nwant\n%s", path, len(pages), got, pages[len(pages)-2])
	}
}

func (m *model) compareEntry(path string, entry *tree, want remembered) {
	resource := ""
	if r := entry.get("resource"); r != nil {
		resource = r.String()
	}
	got := remembered{
		place:    strings.TrimPrefix(entry.get("fullUrl").string(), "{base}/"),
		resource: resource,
		instant:  entry.get("response").get("lastModified").string(),
		method:   entry.get("request").get("method").string(),
	}
	got.version, _ = strconv.Atoi(strings.Trim(entry.get("response").get("etag").string(), `W/"`))
	if got != want {
		m.t.Errorf("GET %s: got\n%+v\nwant\n%+v", path, got, want)
	}
}
