package main

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/search"
	"fhirlog/domain/search/searchtest"
)

// bench is a running server, and the plain evaluator on what its history tells.
type bench struct {
	t           *testing.T
	s           *server
	rand        *rand.Rand
	seed        uint64
	definitions *definitions.Definitions
	set         *search.Set
	world       *searchtest.World
	evaluator   *searchtest.Evaluator
	maker       *searchtest.Maker
	snapshot    uint64 // events in the world

	asked, found, refused int
}

// newBench makes a bench for a server. Its random numbers come from
// FHIRLOG_SEARCH_SEED, or are others at each run.
func newBench(t *testing.T, s *server) *bench {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if value := os.Getenv("FHIRLOG_SEARCH_SEED"); value != "" {
		var err error
		if seed, err = strconv.ParseUint(value, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	b := &bench{t: t, s: s, seed: seed, rand: rand.New(rand.NewPCG(seed, 4))}
	var err error
	if b.definitions, err = definitions.Load(definitions.R4); err != nil {
		t.Fatal(err)
	}
	if b.set, err = search.NewSet(b.definitions, nil); err != nil {
		t.Fatal(err)
	}
	return b
}

// rounds is how many times the questions of an ordinary run are asked: the value
// of FHIRLOG_SEARCH_ROUNDS.
func rounds(t *testing.T) int {
	value := os.Getenv("FHIRLOG_SEARCH_ROUNDS")
	if value == "" {
		return 1
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 {
		t.Fatalf("FHIRLOG_SEARCH_ROUNDS is %q; right is a number of rounds", value)
	}
	return n
}

// readWorld makes the world of the server's history, oldest first. As long as
// nothing was erased, the place in it is the position in the log.
func (b *bench) readWorld() {
	b.t.Helper()
	b.world, b.snapshot = searchtest.NewWorld(), 0
	for path := "/_history?_count=1000&_sort=_lastUpdated"; path != ""; {
		page := parseJSON(b.t, b.s.must(200, "GET", path, "").body)
		for entry := page.Get("entry").First(); entry.Exists(); entry = entry.Next() {
			b.world.Add(historyVersion(b.t, entry, b.snapshot), false)
			b.snapshot++
		}
		path = strings.TrimPrefix(linkOf(page, "next"), b.s.base)
	}
	b.evaluator = searchtest.NewEvaluator(b.definitions, b.set, b.world)
	b.evaluator.Bases, b.evaluator.Now = []string{b.s.base + "/"}, time.Now()
	b.maker = searchtest.NewMaker(b.rand, b.evaluator)
	b.maker.NoNow = true
	b.maker.Look(b.snapshot)
}

func historyVersion(t *testing.T, entry fhirjson.Value, position uint64) searchtest.Version {
	t.Helper()
	segments := strings.Split(entry.Get("fullUrl").String(), "/")
	n := len(segments)
	v := searchtest.Version{
		Position: position, Type: domain.ResourceType(segments[n-2]), ID: domain.LogicalID(segments[n-1]),
		Resource: entry.Get("resource"), Deleted: entry.Get("request").Get("method").String() == "DELETE",
	}
	etag := strings.Trim(entry.Get("response").Get("etag").String(), `W/"`)
	at, err := time.Parse(time.RFC3339, entry.Get("response").Get("lastModified").String())
	if err != nil {
		t.Fatalf("a history entry without an instant: %v\n%.300s", err, entry.Raw())
	}
	if v.Number, err = domain.ParseVersionID(etag); err != nil {
		t.Fatalf("a history entry without a version: %v\n%.300s", err, entry.Raw())
	}
	v.Instant = at.UnixMilli()
	return v
}

func parseJSON(t testing.TB, body []byte) fhirjson.Value {
	t.Helper()
	d, err := fhirjson.Parse(body, fhirjson.Limits{MaxNodes: 1 << 30})
	if err != nil {
		t.Fatalf("%v\n%.500s", err, body)
	}
	return d.Root()
}

// linkOf is the link of a Bundle with a relation, or "".
func linkOf(bundle fhirjson.Value, relation string) string {
	for link := bundle.Get("link").First(); link.Exists(); link = link.Next() {
		if link.Get("relation").String() == relation {
			return link.Get("url").String()
		}
	}
	return ""
}

// row is an entry of a search, as Type/id/version.
type row = string

func rowOf(v *searchtest.Version) row {
	return string(v.Type) + "/" + string(v.ID) + "/" + v.Number.String()
}

func rowsOf(versions []*searchtest.Version) []row {
	rows := make([]row, len(versions))
	for i, v := range versions {
		rows[i] = rowOf(v)
	}
	return rows
}

// rows are the entries of a Bundle with a mode, in order.
func rows(bundle fhirjson.Value, mode string) []row {
	all := []row{}
	for entry := bundle.Get("entry").First(); entry.Exists(); entry = entry.Next() {
		if r := entry.Get("resource"); entry.Get("search").Get("mode").String() == mode {
			all = append(all, r.Get("resourceType").String()+"/"+r.Get("id").String()+"/"+r.Get("meta").Get("versionId").String())
		}
	}
	return all
}

// sameRows compares without regard to order.
func sameRows(a, b []row) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
