package commit

import (
	"math/rand/v2"
	"slices"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/search"
)

// TestReliance tells what may give a search another answer.
func TestReliance(t *testing.T) {
	d := newDecider(0)
	mark := func(text string) []uint64 {
		v := new(search.Values)
		parameters().Extract(v, parse(t, text))
		return d.appendMarks(nil, "Patient", v)
	}
	chained := search.Chained{Targets: []search.Scope{{Type: "Organization", Where: search.And{}}}}
	patients := func(where search.Expr) *search.Query {
		return &search.Query{Scopes: []search.Scope{{Type: "Patient", Where: where}}, Criteria: 1}
	}
	for name, c := range map[string]struct {
		query          *search.Query
		anything       bool
		matching       string // content that the search may find
		other, allowed string // content that it cannot find; allowed may be taken for it
	}{
		"a token":               {query: query(t, "Patient", "identifier", "s|1"), matching: patient("", "x", "0", "1"), other: patient("", "x", "2")},
		"one of several tokens": {query: query(t, "Patient", "identifier", "s|1,s|2"), matching: patient("", "x", "2"), other: patient("", "x", "3")},
		"a token of any system": {query: query(t, "Patient", "identifier", "1"), matching: patient("", "x", "1"), other: patient("", "x", "11")},
		"a token and a name":    {query: query(t, "Patient", "identifier", "s|1", "family", "x"), matching: patient("", "x", "1"), other: patient("", "x", "3")},
		"the beginning of one":  {query: query(t, "Patient", "family", "x"), matching: patient("", "xy"), allowed: patient("", "y")},
		"a word":                {query: query(t, "Patient", "_content", "xyz"), matching: patient("", "xyz"), allowed: patient("", "abc")},
		"all but a token":       {query: query(t, "Patient", "identifier:not", "s|1"), matching: patient("", "xy", "2"), allowed: patient("", "y", "1")},
		"a chain":               {query: patients(chained), anything: true},
		"a chain among others":  {query: patients(search.And{search.Or{search.Not{Of: chained}}, search.Match{Key: search.Key(20, search.AspectValue), Whole: true}}), anything: true},
		"has":                   {query: patients(search.Referenced{}), anything: true},
		"a list":                {query: patients(search.Listed{}), anything: true},
		"not referenced":        {query: patients(search.Unreferenced{}), anything: true},
		"checked, of a chain":   {query: patients(search.Checked{Of: chained}), anything: true},
		"of several types":      {query: &search.Query{Scopes: []search.Scope{{Type: "Patient"}, {Type: "Basic"}}}, anything: true},
		"of all types":          {query: &search.Query{Scopes: []search.Scope{{}}}, anything: true},
		"of another type":       {query: &search.Query{Scopes: []search.Scope{{Type: "Basic"}}}, anything: true},
	} {
		t.Run(name, func(t *testing.T) {
			r := d.reliance("Patient", c.query)
			if r.anything != c.anything {
				t.Fatalf("relies on anything: %t, want %t", r.anything, c.anything)
			}
			if c.anything {
				return
			}
			if !slices.ContainsFunc(mark(c.matching), r.has) {
				t.Errorf("content that matches does not count")
			}
			if c.other != "" && slices.ContainsFunc(mark(c.other), r.has) {
				t.Errorf("content that cannot match counts")
			}
			if c.allowed != "" && !slices.ContainsFunc(mark(c.allowed), r.has) {
				t.Errorf("content of the type does not count")
			}
		})
	}
	key := search.AppendComponent(search.Key(20, search.AspectValue), "k")
	if d.ofKey(d.ofType("A"), key) == d.ofKey(d.ofType("B"), key) {
		t.Error("marks of one key are the same for two types")
	}
	ids := patients(search.And{search.And{search.Match{Key: key[:6]}, search.Not{}}, search.IDs{"a", "b"}})
	if r := d.reliance("Patient", ids); len(r.marks) > 0 || r.anything || !slices.Equal(r.resources, []uint64{d.key("Patient", "a"), d.key("Patient", "b")}) {
		t.Errorf("a search for ids relies on %+v", r)
	}
}

// TestRing compares what the ring says with a list of everything, also beyond its
// limits.
func TestRing(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 2))
	old, young := new(search.Set), new(search.Set)
	kept := newRing(5)
	var all []marked
	next := uint64(5)
	conflicts, holds, forgotten := 0, 0, 0
	for round := range ringCommits * 5 / 4 {
		c := marked{first: next, end: next + 1 + r.Uint64N(4), set: young}
		if r.IntN(50) == 0 {
			c.set = old
		}
		size := r.IntN(6)
		if r.IntN(4000) == 0 {
			size = ringMarks/2 + r.IntN(ringMarks)
		}
		for range size {
			c.marks = append(c.marks, 1+r.Uint64N(1<<24))
		}
		if len(c.marks) > 0 && len(c.marks) < 6 {
			c.marks[0] = r.Uint64N(20)
		}
		kept.add(c)
		all = append(all, c)
		next = c.end
		if kept.marks > ringMarks || kept.count > ringCommits {
			t.Fatalf("seed %d: %d commits with %d marks are remembered", seed, kept.count, kept.marks)
		}
		if round%11 != 0 {
			continue
		}
		on := reliance{anything: r.IntN(20) == 0}
		for range r.IntN(20) {
			on.marks = append(on.marks, r.Uint64N(1000))
		}
		on.index()
		back := r.IntN(30)
		if round > ringCommits && r.IntN(10) == 0 {
			back = len(all) - 1 - r.IntN(1000) // long ago
		}
		snapshot := all[max(0, len(all)-1-back)].first
		want := uint64(0)
		for _, c := range all[max(0, len(all)-1-back):] {
			met := slices.ContainsFunc(c.marks, func(m uint64) bool { return slices.Contains(on.marks, m) })
			if on.anything || met || c.set != young && len(c.marks) > 0 {
				want = c.end
			}
		}
		switch got := kept.changed(snapshot, &on, young); {
		case snapshot < kept.from:
			forgotten++
			if got != kept.from {
				t.Fatalf("seed %d: a snapshot that is too old waits for %d, want %d", seed, got, kept.from)
			}
		case got != want:
			t.Fatalf("seed %d: changed(%d) = %d, want %d", seed, snapshot, got, want)
		case got == 0:
			holds++
		default:
			conflicts++
		}
		if got := kept.changed(next, &on, young); got != 0 {
			t.Fatalf("seed %d: nothing came after %d, and the answer is %d", seed, next, got)
		}
	}
	if conflicts == 0 || holds == 0 || forgotten == 0 {
		t.Errorf("seed %d: %d conflicts, %d holds, %d too old: the test reached too little", seed, conflicts, holds, forgotten)
	}
	if got := kept.changed(4, &reliance{}, young); got != kept.from {
		t.Errorf("a snapshot before everything waits for %d", got)
	}
}

// TestHugeCommitsAreForgotten instead of remembered in part.
func TestHugeCommitsAreForgotten(t *testing.T) {
	d := newDecider(0)
	huge := &claim{written: []uint64{1}, marks: make([]uint64, ringMarks+1)}
	d.remember(huge, 0)
	on := d.reliance(domain.ResourceType("Patient"), query(t, "Patient", "identifier", "s|1"))
	if got := d.conflict(&claim{snapshot: 0, searched: &on}); got != 1 {
		t.Errorf("a plan from before waits for %d, want 1", got)
	}
	if got := d.conflict(&claim{snapshot: 1, searched: &on}); got != 0 {
		t.Errorf("a plan from after waits for %d", got)
	}
}
