package registry

import (
	"fmt"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/event"
)

// TestReviewRefuses: what may not become a search parameter. There is one, at
// SearchParameter/a with url u1 and code nick.
func TestReviewRefuses(t *testing.T) {
	long := `"` + strings.Repeat("Patient.name.given | ", 500) + `Patient.name.given"`
	for name, test := range map[string]struct {
		id    domain.LogicalID // "" creates
		url   string
		pairs []string
		kind  domain.Kind // Internal: it is fine
		says  string
	}{
		"a good one":                     {url: u2, pairs: []string{"code", `"two"`}},
		"a new expression of its own":    {id: "a", url: u1, pairs: []string{"expression", `"Patient.name.family"`}},
		"another url":                    {id: "a", url: u2},
		"the same code on another type":  {url: u2, pairs: []string{"base", `["Person"]`, "expression", `"Person.name.given"`}},
		"the same code and expression":   {url: u2},
		"no url":                         {url: u2, pairs: []string{"url", ""}, kind: domain.Invalid, says: "url"},
		"relative url":                   {url: "SearchParameter/x", kind: domain.Invalid, says: "absolute"},
		"long url":                       {url: "http://a.example/" + strings.Repeat("x", 112), kind: domain.Invalid, says: "128"},
		"longest url":                    {url: "http://a.example/" + strings.Repeat("x", 111), pairs: []string{"code", `"two"`}},
		"url in use":                     {url: u1, pairs: []string{"code", `"two"`}, kind: domain.Invalid, says: "already in use"},
		"url in use, by an update":       {id: "b", url: u1, pairs: []string{"code", `"two"`}, kind: domain.Invalid, says: "already in use"},
		"url of the specification":       {url: builtIn, pairs: []string{"code", `"two"`}, kind: domain.Invalid, says: "already in use"},
		"update of the specification":    {id: "b", url: builtIn, pairs: []string{"code", `"two"`}, kind: domain.MethodNotAllowed, says: "specification"},
		"code in use":                    {url: u2, pairs: []string{"expression", `"Patient.name.family"`}, kind: domain.Invalid, says: "nick already"},
		"code in use, with another type": {url: u2, pairs: []string{"type", `"token"`, "expression", `"Patient.gender"`}, kind: domain.Invalid, says: "nick already"},
		"code in use, on Resource":       {url: u2, pairs: []string{"base", `["Resource"]`, "type", `"token"`, "expression", `"Resource.language"`}, kind: domain.Invalid, says: "Patient has a search parameter nick"},
		"code in use, on DomainResource": {url: u2, pairs: []string{"base", `["DomainResource"]`, "type", `"string"`, "expression", `"DomainResource.text.status"`}, kind: domain.Invalid},
		"code of the specification":      {url: u2, pairs: []string{"code", `"birthdate"`}, kind: domain.Invalid, says: "birthdate"},
		"no expression":                  {url: u2, pairs: []string{"expression", ""}, kind: domain.Invalid, says: "expression"},
		"unparsable expression":          {url: u2, pairs: []string{"code", `"two"`, "expression", `"Patient.name.("`}, kind: domain.Invalid, says: ""},
		"unknown element":                {url: u2, pairs: []string{"code", `"two"`, "expression", `"Patient.nickname"`}, kind: domain.Invalid, says: "nickname"},
		"type that does not fit":         {url: u2, pairs: []string{"code", `"two"`, "type", `"date"`}, kind: domain.Invalid, says: "date"},
		"no type":                        {url: u2, pairs: []string{"code", `"two"`, "type", ""}, kind: domain.Invalid, says: "type"},
		"no base":                        {url: u2, pairs: []string{"code", `"two"`, "base", ""}, kind: domain.Invalid, says: "base"},
		"unknown base":                   {url: u2, pairs: []string{"code", `"two"`, "base", `["Patience"]`}, kind: domain.Invalid, says: "base"},
		"too long an expression":         {url: u2, pairs: []string{"code", `"two"`, "expression", long}, kind: domain.Invalid, says: "10000"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t)
			s.do("put a " + u1)
			e := written(test.id)
			if test.id == "" {
				e.Interaction, e.ID = event.Create, "new"
			}
			err := s.r.Review().Check(&e, parameter(test.url, test.pairs...))
			if domain.KindOf(err) != test.kind || (err == nil) != (test.kind == domain.Internal) {
				t.Fatalf("Check: %v; want kind %d", err, test.kind)
			}
			if err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("Check: %v; want something about %q", err, test.says)
			}
		})
	}
}

// TestReviewSeesWhatComesBefore: the changes of one commit are judged together.
func TestReviewSeesWhatComesBefore(t *testing.T) {
	s := newScript(t)
	s.do("put a " + u1)
	v := s.r.Review()
	b, c := written("b"), written("c")
	if err := v.Check(&b, parameter(u1)); err == nil {
		t.Error("a url that is in use passes")
	}
	if err := v.Check(&event.Event{Kind: event.Deleted, Type: SearchParameter, ID: "a"}, nil); err != nil {
		t.Fatal(err)
	}
	if err := v.Check(&b, parameter(u1)); err != nil {
		t.Errorf("a url that is free again: %v", err)
	}
	if err := v.Check(&c, parameter(u1)); err == nil {
		t.Error("a url that is taken again passes")
	}
}

// TestNothingChangesWhileAJobIsActive, whatever it is.
func TestNothingChangesWhileAJobIsActive(t *testing.T) {
	s := newScript(t)
	s.do("put a " + u1)
	s.do("reindex")
	again := written("a")
	for _, state := range []string{"queued", "running"} {
		for name, e := range map[string]event.Event{
			"update": again, "delete": {Kind: event.Deleted, Type: SearchParameter, ID: "a"}, "erase": {Kind: event.Erased, Type: SearchParameter, ID: "a"},
		} {
			if err := s.r.Review().Check(&e, parameter(u1)); domain.KindOf(err) != domain.Conflict {
				t.Errorf("%s, %s: %v; want a conflict", state, name, err)
			}
		}
		if _, _, err := s.r.Switch([]StatusChange{{u1, Disabled}}); domain.KindOf(err) != domain.Conflict {
			t.Errorf("%s, Switch: %v; want a conflict", state, err)
		}
		if state == "queued" {
			s.do("run")
		}
	}
	s.do("cancel")
	if err := s.r.Review().Check(&again, parameter(u1)); err != nil {
		t.Errorf("after the job: %v", err)
	}
}

func TestClientsCannotMakeTheRegistryGrow(t *testing.T) {
	s := newScript(t)
	for i := range mostInForce {
		id := domain.LogicalID(fmt.Sprint("p", i))
		s.r.Resources[id] = &Resource{}
	}
	e := written("one-more")
	if err := s.r.Review().Check(&e, parameter(u1)); domain.KindOf(err) != domain.TooCostly {
		t.Errorf("parameter %d: %v; want too costly", mostInForce+1, err)
	}
	s = newScript(t)
	for i := range mostPending + 1 {
		s.r.Numbers = append(s.r.Numbers, &Number{Number: uint32(i + 1)})
	}
	if err := s.r.Review().Check(&event.Event{Kind: event.Deleted, Type: SearchParameter, ID: "a"}, nil); domain.KindOf(err) != domain.TooCostly {
		t.Errorf("change %d without a reindex: %v; want too costly", mostPending+1, err)
	}
}
