package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// ledger is what clients know of a server: what it acknowledged, and what they
// asked for without learning the outcome. It outlives the server.
type ledger struct {
	mu           sync.Mutex
	writes       map[string]map[int]string // by place and version: the resource as acknowledged, "" for a deletion
	transactions map[string]attempt        // by marker
	erased       map[string]bool           // places whose hard delete was asked for; true if it was acknowledged
	purged       map[string]bool           // places whose history may have lost its beginning
}

// attempt is a transaction: how many resources carry its marker, and what is
// known of its outcome.
type attempt struct {
	size    int
	outcome outcome
}

type outcome int

const (
	unknown outcome = iota
	done
	refused
)

func newLedger() *ledger {
	return &ledger{writes: map[string]map[int]string{}, transactions: map[string]attempt{}, erased: map[string]bool{}, purged: map[string]bool{}}
}

// acknowledge notes a version that the server said it has.
func (l *ledger) acknowledge(place string, version int, resource string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.writes[place] == nil {
		l.writes[place] = map[int]string{}
	}
	if _, twice := l.writes[place][version]; twice {
		return fmt.Errorf("version %d of %s was acknowledged to two writers", version, place)
	}
	l.writes[place][version] = resource
	return nil
}

func (l *ledger) transaction(marker string, a attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.transactions[marker] = a
}

func (l *ledger) erase(place string, acknowledged bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.erased[place] = acknowledged
}

// kept is what a history says of one version.
type kept struct {
	version  int
	resource string // "" for a deletion
}

// told is everything that a server's history says.
type told struct {
	versions map[string][]kept   // by place, oldest first
	markers  map[string]int      // how many versions carry a marker
	times    map[string][]string // by place, when its versions were written
	instants map[string]bool     // all of these
	total    int
}

// verify compares the ledger with the history of a server, and that with what
// searches find.
func (l *ledger) verify(t *testing.T, s *server, random *rand.Rand) {
	t.Helper()
	h := readHistory(t, s)
	for _, fault := range l.compare(h) {
		t.Error(fault)
	}
	l.verifyCurrent(t, s, h)
	verifySearch(t, s, h, random)
}

// compare says where a history contradicts the ledger or itself.
func (l *ledger) compare(h *told) []string {
	var faults []string
	for place, versions := range h.versions {
		for i, v := range versions {
			if v.version != i+1 && !l.purged[place] {
				faults = append(faults, fmt.Sprintf("%s: version %d stands at place %d of its history", place, v.version, i+1))
				break
			}
		}
	}
	for place, versions := range l.writes {
		faults = append(faults, l.compareWrites(place, versions, h.versions[place])...)
	}
	for marker, a := range l.transactions {
		found := h.markers[marker]
		switch {
		case found != 0 && found != a.size:
			faults = append(faults, fmt.Sprintf("transaction %s: %d of %d resources are there", marker, found, a.size))
		case found == 0 && a.outcome == done:
			faults = append(faults, fmt.Sprintf("transaction %s was acknowledged and is lost", marker))
		case found != 0 && a.outcome == refused:
			faults = append(faults, fmt.Sprintf("transaction %s was refused and is there", marker))
		}
	}
	slices.Sort(faults)
	return faults[:min(len(faults), 30)]
}

// compareWrites looks for each acknowledged version of one resource.
func (l *ledger) compareWrites(place string, versions map[int]string, found []kept) []string {
	var faults []string
	acknowledged, asked := l.erased[place]
	switch {
	case acknowledged && len(found) > 0:
		return []string{place + " is back after its hard delete"}
	case asked && len(found) == 0:
		return nil
	}
	for version, resource := range versions {
		if version > len(found) {
			faults = append(faults, fmt.Sprintf("%s: version %d was acknowledged and is lost; the history has %d", place, version, len(found)))
		} else if found[version-1].resource != resource {
			faults = append(faults, fmt.Sprintf("%s: version %d was acknowledged as\n%s\nand is\n%s", place, version, resource, found[version-1].resource))
		}
	}
	return faults
}

// verifyCurrent reads each resource and compares it with the end of its history.
func (l *ledger) verifyCurrent(t *testing.T, s *server, h *told) {
	for place, versions := range h.versions {
		a, err := s.ask("GET", "/"+place, "")
		if err != nil {
			t.Fatal(err)
		}
		last := versions[len(versions)-1]
		tag := fmt.Sprintf(`W/"%d"`, last.version)
		switch {
		case last.resource == "" && a.status != 410, last.resource != "" && a.status != 200:
			t.Errorf("GET %s: %d, but its history ends with %+v", place, a.status, last)
		case a.header.Get("ETag") != tag:
			t.Errorf("GET %s: ETag %s, but its history ends with %s", place, a.header.Get("ETag"), tag)
		case last.resource != "" && string(a.body) != last.resource:
			t.Errorf("GET %s: got\n%s\nbut its history ends with\n%s", place, a.body, last.resource)
		}
	}
	for place := range l.erased {
		if len(h.versions[place]) == 0 {
			s.must(404, "GET", "/"+place, "")
		}
	}
}

// readHistory walks the whole history of a server, oldest first.
func readHistory(t *testing.T, s *server) *told {
	t.Helper()
	h := &told{versions: map[string][]kept{}, markers: map[string]int{}, times: map[string][]string{}, instants: map[string]bool{}}
	before, entries := "", 0
	for path := "/_history?_count=1000&_sort=_lastUpdated"; path != ""; {
		page, err := parseTree(s.must(200, "GET", path, "").body)
		if err != nil {
			t.Fatalf("GET %s: %v", path, err)
		}
		h.total, _ = strconv.Atoi(page.get("total").string())
		for _, entry := range page.get("entry").items() {
			entries++
			place := strings.TrimPrefix(entry.get("fullUrl").string(), s.base+"/")
			version, err := strconv.Atoi(strings.Trim(entry.get("response").get("etag").string(), `W/"`))
			if err != nil {
				t.Fatal(err)
			}
			v := kept{version: version}
			if r := entry.get("resource"); r != nil {
				v.resource = r.String()
				h.markers[r.get("code").get("text").string()]++
			}
			h.versions[place] = append(h.versions[place], v)
			at := entry.get("response").get("lastModified").string()
			if at < before {
				t.Errorf("%s version %d of %s follows one of %s", place, version, at, before)
			}
			before = at
			h.times[place], h.instants[at] = append(h.times[place], at), true
		}
		next, _ := page.at("link[relation=next].url")
		path = strings.TrimPrefix(next.string(), s.base)
	}
	if entries != h.total {
		t.Errorf("the history says it has %d versions, and shows %d", h.total, entries)
	}
	return h
}

// TestLedger shows that the comparison can fail.
func TestLedger(t *testing.T) {
	l := newLedger()
	l.writes = map[string]map[int]string{
		"Basic/a":    {1: "one", 2: ""},
		"Basic/gone": {1: "x"},
		"Basic/ask":  {1: "y"},
	}
	l.erased = map[string]bool{"Basic/gone": true, "Basic/ask": false}
	l.transactions = map[string]attempt{"done": {2, done}, "refused": {2, refused}, "unknown": {2, unknown}}
	good := func() *told {
		return &told{
			versions: map[string][]kept{"Basic/a": {{1, "one"}, {2, ""}, {3, "of somebody else"}}},
			markers:  map[string]int{"done": 2},
		}
	}
	if faults := l.compare(good()); len(faults) > 0 {
		t.Errorf("a history without fault: %q", faults)
	}
	if err := l.acknowledge("Basic/a", 2, "x"); err == nil {
		t.Error("a version was acknowledged twice without a fault")
	}
	for _, c := range []struct {
		want  string
		spoil func(*told)
	}{
		{"version 2 was acknowledged and is lost", func(h *told) { h.versions["Basic/a"] = h.versions["Basic/a"][:1] }},
		{"version 1 was acknowledged and is lost", func(h *told) { delete(h.versions, "Basic/a") }},
		{"version 1 was acknowledged as", func(h *told) { h.versions["Basic/a"][0].resource = "two" }},
		{"version 2 was acknowledged as", func(h *told) { h.versions["Basic/a"][1].resource = "not deleted" }},
		{"version 4 stands at place 3", func(h *told) { h.versions["Basic/a"][2].version = 4 }},
		{"is back after its hard delete", func(h *told) { h.versions["Basic/gone"] = []kept{{1, "x"}} }},
		{"version 1 was acknowledged as", func(h *told) { h.versions["Basic/ask"] = []kept{{1, "z"}} }},
		{"1 of 2 resources are there", func(h *told) { h.markers["done"] = 1 }},
		{"1 of 2 resources are there", func(h *told) { h.markers["unknown"] = 1 }},
		{"was acknowledged and is lost", func(h *told) { delete(h.markers, "done") }},
		{"was refused and is there", func(h *told) { h.markers["refused"] = 2 }},
	} {
		h := good()
		c.spoil(h)
		if faults := l.compare(h); len(faults) == 0 || !strings.Contains(faults[0], c.want) {
			t.Errorf("got %q, want a fault that says %q", faults, c.want)
		}
	}
	whole := good()
	whole.markers["unknown"], whole.versions["Basic/ask"] = 2, []kept{{1, "y"}}
	if faults := l.compare(whole); len(faults) > 0 {
		t.Errorf("what was under way may be there: %q", faults)
	}
}
