package main

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Every resource of the crash test can be found by its marker, which is an
// identifier, and by its kind, which is a code; and by its marker under a search
// parameter that a client defines and indexes again and again.
const (
	markerSystem  = "urn:marker"
	kindSystem    = "urn:kind"
	kinds         = 4
	mostLookedFor = 150 // markers, ids and instants that are looked for after a crash
)

func markers(marker string) string {
	return fmt.Sprintf(`"identifier":[{"system":%q,"value":%q}],"code":{"text":%q,"coding":[{"system":%q,"code":"k%d"`,
		markerSystem, marker, marker, kindSystem, kindOf(marker))
}

// markerPatch puts another marker in the place of the one in a resource.
func markerPatch(marker string) string {
	return fmt.Sprintf(`[{"op":"replace","path":"/identifier/0/value","value":%q},{"op":"replace","path":"/code/text","value":%[1]q},{"op":"replace","path":"/code/coding/0/code","value":"k%d"}]`,
		marker, kindOf(marker))
}

func kindOf(marker string) int {
	kind := 0
	for _, c := range []byte(marker) {
		kind += int(c)
	}
	return kind % kinds
}

const markParameter = "http://a.example/SearchParameter/mark"

// markExpressions lead to the marker.
var markExpressions = []string{"Basic.code.text", "Basic.identifier.where(system = '" + markerSystem + "').value", "Basic.code.text | Basic.identifier.value"}

// index is a client that defines the search parameter in another way, and begins
// the job that indexes it, so that one is active most of the time.
func (w *writer) index() { w.repeat(w.defineAndReindex, 0) }

func (w *writer) defineAndReindex() error {
	a, err := w.ask("PUT", "/SearchParameter/mark", fmt.Sprintf(
		`{"resourceType":"SearchParameter","id":"mark","url":%q,"name":"mark","status":"active","description":%q,"code":"mark","base":["Basic"],"type":"string","expression":%q}`,
		markParameter, w.next(), markExpressions[w.random.IntN(len(markExpressions))]), 200, 201, 409)
	if err == nil && a.status != 409 { // a job of before the crash may be active
		err = w.keepBody(a)
	}
	if err == nil {
		w.indexing.Store(true)
		a, err = w.ask("POST", "/$reindex", "", 201)
	}
	if err != nil {
		return err
	}
	job := strings.TrimPrefix(a.header.Get("Content-Location"), w.server.base)
	for {
		if a, err = w.ask("GET", job, "", 200); err != nil {
			return err
		}
		switch status := parameterOf(a, "status"); status {
		case "Completed":
			w.indexing.Store(false)
			return nil
		case "Queued", "Running":
			time.Sleep(time.Millisecond)
		default:
			return fmt.Errorf("the job is %s", a.body)
		}
	}
}

// parameterOf is a string in a Parameters resource.
func parameterOf(a answer, name string) string {
	t, err := parseTree(a.body)
	if err != nil {
		return ""
	}
	value, _ := t.at("parameter[name=" + name + "].valueString")
	return value.string()
}

// found looks for a resource that was just written.
func (w *writer) found(id, marker string) error {
	a, err := w.ask("GET", "/Basic?_id="+id+"&identifier="+url.QueryEscape(markerSystem+"|"+marker), "", 200)
	if err != nil {
		return err
	}
	bundle, err := parseTree(a.body)
	if err == nil && bundle.get("total").string() != "1" {
		err = fmt.Errorf("Basic/%s is not found by its identifier right after it was written:\n%s", id, a.body)
	}
	return err
}

// living are the resources that there are now, by id, and what they carry.
type living struct {
	ids     map[string]string // marker by id
	markers map[string]int
	kinds   map[string]int
}

func (h *told) living() living {
	l := living{map[string]string{}, map[string]int{}, map[string]int{}}
	for place, versions := range h.versions {
		id, basic := strings.CutPrefix(place, "Basic/")
		last := versions[len(versions)-1]
		if !basic || last.resource == "" {
			continue
		}
		resource, err := parseTree([]byte(last.resource))
		if err != nil {
			continue // other tests compare the text
		}
		marker := resource.get("code").get("text").string()
		kind, _ := resource.at("code.coding[0].code")
		l.ids[id] = marker
		l.markers[marker]++
		l.kinds[kind.string()]++
	}
	return l
}

// verifySearch compares what searches find with what the history says is there.
func verifySearch(t *testing.T, s *server, h *told, random *rand.Rand) {
	t.Helper()
	l := h.living()
	verifyPages(t, s, l)
	count := func(want int, path string, headers ...string) {
		t.Helper()
		if got := s.total(path, headers...); got != want {
			t.Errorf("GET %s: total %d, want %d", path, got, want)
		}
	}
	for kind := range kinds {
		name := fmt.Sprint("k", kind)
		count(l.kinds[name], "/Basic?_summary=count&code="+url.QueryEscape(kindSystem+"|"+name))
	}
	indexed := awaitIndexed(s, h)
	for _, marker := range sample(h.markers, random) {
		value := url.QueryEscape(marker)
		count(l.markers[marker], "/Basic?_summary=count&identifier="+url.QueryEscape(markerSystem)+"|"+value)
		if indexed {
			count(l.markers[marker], "/Basic?_summary=count&mark:exact="+value, "Prefer: handling=strict")
		}
	}
	for _, place := range sample(h.versions, random) {
		id, basic := strings.CutPrefix(place, "Basic/")
		want := 0
		if _, there := l.ids[id]; there && basic {
			want = 1
		}
		count(want, "/Basic?_id="+id)
	}
	for _, at := range sample(h.instants, random)[:min(20, len(h.instants))] {
		count(h.livedAt(at), "/Basic?_summary=count&_asOf="+at)
	}
}

// verifyPages reads all pages of all resources.
func verifyPages(t *testing.T, s *server, l living) {
	t.Helper()
	left := len(l.ids)
	seen := map[string]bool{}
	for path := "/Basic?_count=500"; path != ""; {
		page, err := parseTree(s.must(200, "GET", path, "").body)
		if err != nil {
			t.Fatal(err)
		}
		if total := page.get("total").string(); total != strconv.Itoa(left) {
			t.Errorf("GET %s: total %s, want %d", path, total, left)
		}
		for _, entry := range page.get("entry").items() {
			id, marker := entry.get("resource").get("id").string(), entry.get("resource").get("code").get("text").string()
			if want, there := l.ids[id]; !there || want != marker || seen[id] {
				t.Errorf("GET %s: Basic/%s with %q; want %q, there: %t, seen before: %t", path, id, marker, want, there, seen[id])
			}
			seen[id] = true
		}
		next, _ := page.at("link[relation=next].url")
		path = strings.TrimPrefix(next.string(), s.base)
	}
	if len(seen) != left {
		t.Errorf("all pages have %d resources, want %d", len(seen), left)
	}
}

// awaitIndexed waits until no job is active, and lets one run if the search
// parameter is not indexed. It is false if there is no parameter.
func awaitIndexed(s *server, h *told) bool {
	s.t.Helper()
	if len(h.versions["SearchParameter/mark"]) == 0 {
		return false
	}
	if a, err := s.ask("GET", "/$reindex", ""); err == nil && a.status == 200 {
		s.await("/_operations/reindex/"+parameterOf(a, "id"), "status", `"Completed"`)
	}
	states := s.must(200, "GET", "/SearchParameter/$status?url="+markParameter, "")
	switch {
	case strings.Contains(string(states.body), `"Supported"`):
		job := s.must(201, "POST", "/$reindex", "").header.Get("Content-Location")
		s.await(strings.TrimPrefix(job, s.base), "status", `"Completed"`)
	case !strings.Contains(string(states.body), `"Enabled"`):
		s.t.Errorf("the state of the search parameter is %s", states.body)
	}
	return true
}

// livedAt is how many resources there were at an instant.
func (h *told) livedAt(instant string) (n int) {
	for place, versions := range h.versions {
		lived := false
		for i, at := range h.times[place] {
			if at <= instant {
				lived = versions[i].resource != ""
			}
		}
		if lived && strings.HasPrefix(place, "Basic/") {
			n++
		}
	}
	return n
}

// sample chooses some of the keys of a map.
func sample[V any](of map[string]V, random *rand.Rand) []string {
	keys := make([]string, 0, len(of))
	for key := range of {
		if key != "" {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	random.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	return keys[:min(len(keys), mostLookedFor)]
}
