package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// samples are values that resources on the server have. Searches are made of
// them.
type samples struct {
	patients, families, givens, genders, birthDates           pool
	addresses, cities, postalCodes, narratives                pool
	organizations                                             pool // names
	observationTexts, conditionTexts                          pool
	categories, codes, statuses, classes, conditions, actions pool // system|code
	observationDates, encounterDates                          pool

	observationSubjects, observationEncounters, performers pool // Type/id
	encounterSubjects, participants, doctors, locations    pool
	requestSubjects, requestEncounters, requesters         pool
	anyDoctors                                             pool // whether or not something refers to them

	values, components quantities
}

// A pool holds different values in the order in which they were seen.
type pool struct {
	list []string
	seen map[string]struct{}
}

// add adds values that are new and not empty.
func (p *pool) add(values ...string) {
	for _, v := range values {
		if _, known := p.seen[v]; known || v == "" {
			continue
		}
		if p.seen == nil {
			p.seen = make(map[string]struct{})
		}
		p.seen[v] = struct{}{}
		p.list = append(p.list, v)
	}
}

// addReferences adds those that lead to a resource on the server by its id.
func (p *pool) addReferences(values ...string) {
	for _, v := range values {
		if strings.Count(v, "/") == 1 && !strings.ContainsAny(v, "?#:") {
			p.add(v)
		}
	}
}

// A quantity is a measured value, as it is written, with the code of what was
// measured.
type quantity struct{ code, value, system, unit string }

// quantities holds some of each code, so that a frequent code does not crowd
// out the others.
type quantities struct {
	list   []quantity
	byCode map[string]int
}

const quantitiesPerCode = 50

func (q *quantities) add(code []string, value any) {
	one := quantity{value: first(strs(value, "value")), system: first(strs(value, "system")), unit: first(strs(value, "code"))}
	if one.value == "" || len(code) == 0 || q.byCode[code[0]] >= quantitiesPerCode {
		return
	}
	if q.byCode == nil {
		q.byCode = make(map[string]int)
	}
	one.code = code[0]
	q.byCode[one.code]++
	q.list = append(q.list, one)
}

// samplePages are what is read: so many pages of 200 from either end.
var samplePages = []struct {
	typeName string
	pages    int
}{{"Patient", 5}, {"Organization", 2}, {"Practitioner", 1}, {"Observation", 10}, {"Encounter", 5},
	{"MedicationRequest", 5}, {"Condition", 3}, {"Procedure", 3}}

// sampledPatients is how many patients' Observations and Encounters are read
// besides: the pages alone would show those of a few.
const sampledPatients = 60

// collect reads samples from the server. The notes tell what it refused.
func collect(ctx context.Context, u *user) (*samples, []string, error) {
	s := new(samples)
	var notes []string
	note := func(query string, err error) {
		if err != nil {
			notes = append(notes, fmt.Sprintf("sampling %s: %v", query, err))
		}
	}
	for _, read := range samplePages {
		query := read.typeName + "?_count=200"
		if err := u.readPages(ctx, query, read.pages, s.add); err != nil {
			return nil, nil, fmt.Errorf("sample %s: %w", query, err)
		}
		query += "&_sort=-_lastUpdated"
		note(read.typeName+"?_sort", u.readPages(ctx, query, (read.pages+1)/2, s.add))
	}
	if len(s.patients.list) == 0 {
		return nil, nil, errors.New("no Patients on the server: load some first, with W2")
	}
	for i := range min(sampledPatients, len(s.patients.list)) {
		who := escape(s.patients.list[i*len(s.patients.list)/min(sampledPatients, len(s.patients.list))])
		for _, typeName := range []string{"Observation", "Encounter"} {
			if len(notes) < 5 {
				note(typeName+"?subject", u.readPages(ctx, typeName+"?_count=50&subject="+who, 1, s.add))
			}
		}
	}
	return s, notes, ctx.Err()
}

// add takes the values of a resource.
func (s *samples) add(r any) bool {
	typeName := first(strs(r, "resourceType"))
	self := typeName + "/" + first(strs(r, "id"))
	code := codings(r, "code")
	switch typeName {
	case "Patient":
		s.patients.add(self)
		s.families.add(strs(r, "name", "family")...)
		s.givens.add(strs(r, "name", "given")...)
		s.genders.add(strs(r, "gender")...)
		s.birthDates.add(strs(r, "birthDate")...)
		s.addresses.add(strs(r, "address", "line")...)
		s.cities.add(strs(r, "address", "city")...)
		s.postalCodes.add(strs(r, "address", "postalCode")...)
		s.narratives.add(strs(r, "text", "div")...)
	case "Organization":
		s.organizations.add(strs(r, "name")...)
	case "Practitioner":
		s.anyDoctors.add(self)
	case "Observation":
		s.categories.add(codings(r, "category")...)
		s.codes.add(code...)
		s.observationTexts.add(strs(r, "code", "text")...)
		s.observationDates.add(strs(r, "effectiveDateTime")...)
		s.observationSubjects.addReferences(strs(r, "subject", "reference")...)
		s.observationEncounters.addReferences(strs(r, "encounter", "reference")...)
		s.performers.addReferences(strs(r, "performer", "reference")...)
		s.values.add(code, member(r, "valueQuantity"))
		for _, c := range elements(member(r, "component")) {
			s.components.add(codings(c, "code"), member(c, "valueQuantity"))
		}
	case "Encounter":
		s.statuses.add(strs(r, "status")...)
		s.classes.add(tokens(member(r, "class"))...)
		s.encounterDates.add(strs(r, "period", "start")...)
		s.encounterSubjects.addReferences(strs(r, "subject", "reference")...)
		for _, who := range strs(r, "participant", "individual", "reference") {
			s.participants.addReferences(who)
			if strings.HasPrefix(who, "Practitioner/") {
				s.doctors.addReferences(who)
			}
		}
		s.locations.addReferences(strs(r, "location", "location", "reference")...)
	case "MedicationRequest":
		s.requestSubjects.addReferences(strs(r, "subject", "reference")...)
		s.requestEncounters.addReferences(strs(r, "encounter", "reference")...)
		s.requesters.addReferences(strs(r, "requester", "reference")...)
	case "Condition":
		s.conditions.add(code...)
		s.conditionTexts.add(strs(r, "code", "text")...)
	case "Procedure":
		s.actions.add(code...)
	}
	return true
}

// codings are the tokens of a CodeableConcept, or of several.
func codings(v any, name string) []string { return tokens(member(member(v, name), "coding")) }

// tokens are Codings as system|code.
func tokens(v any) (out []string) {
	for _, c := range elements(v) {
		if code := first(strs(c, "code")); code != "" {
			out = append(out, first(strs(c, "system"))+"|"+code)
		}
	}
	return out
}

// member is the value of a member: of a list, those of all its elements.
func member(v any, name string) any {
	switch v := v.(type) {
	case map[string]any:
		return v[name]
	case []any:
		var all []any
		for _, e := range v {
			all = append(all, elements(member(e, name))...)
		}
		return all
	}
	return nil
}

// elements makes a list of what may be one or several.
func elements(v any) []any {
	if list, ok := v.([]any); ok || v == nil {
		return list
	}
	return []any{v}
}

// strs are the strings and numbers, as written, at a path.
func strs(v any, path ...string) (out []string) {
	for _, name := range path {
		v = member(v, name)
	}
	for _, e := range elements(v) {
		switch e := e.(type) {
		case string:
			out = append(out, e)
		case json.Number:
			out = append(out, e.String())
		}
	}
	return out
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// A searchAnswer is an answer read whole, to learn from.
type searchAnswer struct {
	ResourceType string
	Total        *int
	Link         []struct{ Relation, URL string }
	Entry        []struct {
		Resource map[string]any
		Search   struct{ Mode string }
	}
}

// learn gets a Bundle outside the clock and the counts.
func (u *user) learn(ctx context.Context) (*searchAnswer, error) {
	a, err := u.conn.do(ctx, "GET", u.path, nil)
	if err != nil {
		return nil, err
	}
	if a.status != 200 {
		return nil, fmt.Errorf("status %d, %s", a.status, outcomeCodes(a.body))
	}
	out := new(searchAnswer)
	d := json.NewDecoder(bytes.NewReader(a.body))
	d.UseNumber() // keeps what was written
	if err := d.Decode(out); err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	if out.ResourceType != "Bundle" {
		return nil, errors.New("answer is no Bundle")
	}
	return out, nil
}

// readPages shows the resources of some pages until visit returns false.
func (u *user) readPages(ctx context.Context, query string, pages int, visit func(resource any) bool) error {
	u.below(query)
	for range pages {
		answer, err := u.learn(ctx)
		if err != nil {
			return err
		}
		for _, e := range answer.Entry {
			if e.Search.Mode != "outcome" && !visit(e.Resource) {
				return nil
			}
		}
		next := ""
		for _, l := range answer.Link {
			if l.Relation == "next" {
				next = l.URL
			}
		}
		if next == "" {
			return nil
		}
		if u.path, err = u.run.target.follow(u.path, []byte(next)); err != nil {
			return err
		}
	}
	return nil
}

// countOf asks for the total of a search.
func (u *user) countOf(ctx context.Context, query string) (int, error) {
	u.below(query + "_summary=count")
	answer, err := u.learn(ctx)
	if err != nil {
		return 0, err
	}
	if answer.Total == nil {
		return 0, errors.New("no total")
	}
	for _, e := range answer.Entry {
		if e.Search.Mode == "outcome" {
			return 0, errors.New("the server warns about the search")
		}
	}
	return *answer.Total, nil
}
