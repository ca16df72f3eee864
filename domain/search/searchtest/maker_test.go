package searchtest

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/search"
)

// everything is what a Maker must ask about with success: types of parameters
// with modifiers and prefixes, and what else there is.
var everything = strings.Fields(`
	string string:exact string:contains string:text string:missing
	token token:not token:text token:of-type token:missing
	reference reference:identifier reference:text reference:type reference:missing
	uri uri:above uri:below uri:missing
	date-eq date-ne date-gt date-lt date-ge date-le date-sa date-eb date-ap date:missing
	number-eq number-ne number-gt number-lt number-ge number-le number-sa number-eb number-ap
	quantity-eq quantity-ne quantity-gt quantity-lt quantity-ge quantity-le quantity-sa quantity-eb quantity-ap
	composite special chain _has _filter _id _id:not _lastUpdated _content _text _list _not-referenced
	compartment system sort include revinclude`)

// TestMakerAsksEverything: each kind of question finds something.
func TestMakerAsksEverything(t *testing.T) {
	d := load(t)
	set, err := search.NewSet(d, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(5, 5))
	g, w := NewGenerator(r, 12), NewWorld()
	for i := range 500 {
		v := Version{Position: uint64(i), Type: g.Type(), ID: g.ID(), Number: domain.VersionID(i + 1), Instant: int64(i)}
		document, err := fhirjson.Parse(g.Resource(v.Type, v.ID), fhirjson.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		v.Resource = document.Root()
		w.Add(v, false)
	}
	e := NewEvaluator(d, set, w)
	e.Now = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	m := NewMaker(r, e)
	m.Look(500)
	found := map[string]int{}
	for range 8000 {
		ask := m.Ask()
		q, err := search.Parse(d, set, ask)
		if err != nil {
			if domain.KindOf(err) == domain.Internal {
				t.Fatal(err)
			}
			continue
		}
		matches, err := e.Search(ask, q, 500)
		if err != nil {
			t.Fatal(err)
		}
		if len(matches) == 0 {
			continue
		}
		for _, kind := range kindsOf(ask, q) {
			found[kind]++
		}
	}
	for _, kind := range everything {
		if found[kind] == 0 {
			t.Errorf("no search with %s found anything", kind)
		}
	}
	if t.Failed() {
		t.Log(slices.Sorted(maps.Keys(found)))
	}
}

// kindsOf names what a question is about.
func kindsOf(ask search.Ask, q *search.Query) []string {
	kinds := map[string]bool{
		"compartment": ask.Compartment != "", "system": len(ask.Types) == 0, "sort": len(q.Sort) > 0,
		"include": len(q.Include) > 0, "revinclude": len(q.RevInclude) > 0,
	}
	for _, scope := range q.Parsed {
		for i := range scope.Criteria {
			addKind(kinds, &scope.Criteria[i])
		}
	}
	var list []string
	for kind, is := range kinds {
		if is {
			list = append(list, kind)
		}
	}
	return list
}

func addKind(kinds map[string]bool, c *search.Criterion) {
	switch {
	case c.Chain != nil:
		kinds["chain"] = true
		for _, target := range c.Chain {
			addKind(kinds, &target.Criteria[0])
		}
		return
	case c.Parameter == nil:
		kinds[strings.TrimSuffix(c.Code+":"+string(c.Modifier), ":")] = true
		return
	}
	kind := string(c.Parameter.Type)
	switch {
	case c.Target != "":
		kind += ":type"
	case c.Modifier != "":
		kind += ":" + string(c.Modifier)
	case c.Operands[0].Prefix != "":
		kind += "-" + string(c.Operands[0].Prefix)
	}
	kinds[kind] = true
}
