package httpapi

import (
	"fmt"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/validate"
)

// rebuilder is a Rebuilder that does nothing by itself.
type rebuilder struct {
	known    []Rebuild // the latest last
	refusal  error
	canceled []string
}

func (b *rebuilder) BeginRebuild() (Rebuild, error) {
	if active, ok := b.ActiveRebuild(); ok {
		return active, nil
	}
	if b.refusal != nil {
		return Rebuild{}, b.refusal
	}
	b.known = append(b.known, Rebuild{ID: fmt.Sprint("r", len(b.known)+1), State: RebuildRunning, Began: 2000, Total: 2000})
	return *b.last(), nil
}

func (b *rebuilder) last() *Rebuild { return &b.known[len(b.known)-1] }

func (b *rebuilder) ActiveRebuild() (Rebuild, bool) {
	if len(b.known) == 0 || b.last().State != RebuildRunning {
		return Rebuild{}, false
	}
	return *b.last(), true
}

func (b *rebuilder) RebuildByID(id string) (Rebuild, bool) {
	for _, r := range b.known {
		if r.ID == id {
			return r, true
		}
	}
	return Rebuild{}, false
}

func (b *rebuilder) CancelRebuild(id string) error {
	if r, _ := b.RebuildByID(id); r.State != RebuildRunning {
		return domain.NewError(domain.Invalid, "it has ended")
	}
	b.canceled = append(b.canceled, id)
	return nil
}

func newRebuilt(t testing.TB, version definitions.Version) (*service, *rebuilder) {
	t.Helper()
	d, err := definitions.Load(version)
	if err != nil {
		t.Fatal(err)
	}
	m, b := newModel(d), &rebuilder{}
	s, err := New(Dependencies{Writer: m, Reader: m, Searcher: m, Definitions: d, Rebuilder: b},
		Options{Clock: m.now, NewID: func() string { return "request-1" }})
	if err != nil {
		t.Fatal(err)
	}
	return &service{t: t, s: s, model: m}, b
}

// TestRebuild: how a rebuild begins, is looked at, and ends.
func TestRebuild(t *testing.T) {
	sv, b := newRebuilt(t, definitions.R4)
	expect := func(an *answer, parts ...string) {
		t.Helper()
		for _, part := range parts {
			part, unwanted := strings.CutPrefix(part, "no ")
			if strings.Contains(an.Body.String(), part) == unwanted {
				t.Errorf("%s: %s; there: %t, want the opposite", an.request, an.Body, unwanted)
			}
		}
	}
	sv.do("GET /fhir/$rebuild").want(405, "not-supported").header("Allow", "POST, GET, HEAD")
	sv.do("GET /fhir/_operations/rebuild/r1").want(404, "not-found")
	sv.do("DELETE /fhir/_operations/rebuild/r1").want(404, "not-found")
	b.refusal = domain.NewError(domain.Conflict, "a job is active")
	sv.do("POST /fhir/$rebuild").want(409, "conflict")
	b.refusal = nil

	expect(sv.do("POST /fhir/$rebuild").want(201).header("Content-Location", "http://example.com/fhir/_operations/rebuild/r1").wantAt("r1", "id"),
		`"name":"id","valueString":"r1"`, `"status","valueString":"Running"`, `"startTime","valueDateTime":"1970-01-01T00:00:02.000Z"`,
		`"progress","valueDecimal":0.0`, "no endTime", "no failureDetails")
	sv.do("POST /fhir/$rebuild", `{"resourceType":"Parameters"}`).want(201).header("Content-Location", "http://example.com/fhir/_operations/rebuild/r1")
	b.last().Applied = 1999
	for _, path := range []string{"/fhir/$rebuild", "/fhir/_operations/rebuild/r1"} {
		expect(sv.do("GET "+path).want(200), `"recordsTotal","valueDecimal":2000`, `"recordsApplied","valueDecimal":1999`, `"progress","valueDecimal":99.9`)
	}
	sv.do("DELETE /fhir/_operations/rebuild/r1").want(202).body("")
	if len(b.canceled) != 1 {
		t.Errorf("canceled: %v", b.canceled)
	}
	*b.last() = Rebuild{ID: "r1", State: RebuildCompleted, Began: 2000, Ended: 3000}
	expect(sv.do("GET /fhir/_operations/rebuild/r1").want(200), `"Completed"`, `"endTime","valueDateTime":"1970-01-01T00:00:03.000Z"`, `"progress","valueDecimal":100.0`)
	sv.do("DELETE /fhir/_operations/rebuild/r1").want(400, "invalid")
	sv.do("GET /fhir/$rebuild").want(405)
	*b.last() = Rebuild{ID: "r1", State: RebuildFailed, Failure: "why", Total: 3, Applied: 1}
	expect(sv.do("GET /fhir/_operations/rebuild/r1").want(200), `"Failed"`, `"failureDetails","valueString":"why"`, `"progress","valueDecimal":33.3`)
}

func TestRebuildRefusals(t *testing.T) {
	sv, b := newRebuilt(t, definitions.R4)
	for name, body := range map[string]string{"no Parameters": `{"resourceType":"Patient"}`, "not JSON": `{`, "no object": `[]`} {
		if an := sv.do("POST /fhir/$rebuild", body); an.Code != 400 || len(b.known) > 0 {
			t.Errorf("%s: status %d, want 400; %s", name, an.Code, an.Body)
		}
	}
	for _, kind := range []string{"batch", "transaction"} {
		an := sv.do("POST /fhir", `{"resourceType":"Bundle","type":"`+kind+`","entry":[{"request":{"method":"POST","url":"$rebuild"},"resource":{"resourceType":"Parameters"}}]}`)
		if strings.Contains(an.Body.String(), "201") || len(b.known) > 0 {
			t.Errorf("%s: %d %s", kind, an.Code, an.Body)
		}
	}
	sv.do("DELETE /fhir/$rebuild").want(405)
	sv.do("GET /fhir/Patient/$rebuild").want(404)
}

// TestRebuildIsDescribed in every version, validly; and only where it is offered.
func TestRebuildIsDescribed(t *testing.T) {
	for _, version := range definitions.Versions() {
		sv, _ := newRebuilt(t, version)
		an := sv.do("GET /fhir/OperationDefinition/rebuild").want(200)
		d, err := fhirjson.Parse(an.Body.Bytes(), fhirjson.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for _, issue := range validate.New(sv.s.fhir).Resource(d.Root(), "", nil) {
			t.Errorf("%s: %s %v", version, issue.Message, issue.Expression)
		}
		if metadata := sv.do("GET /fhir/metadata").want(200).Body.String(); !strings.Contains(metadata, "/OperationDefinition/rebuild") {
			t.Errorf("%s: it is not in /metadata", version)
		}
	}
	plain := newService(t, Options{})
	plain.do("POST /fhir/$rebuild").want(404)
	if metadata := plain.do("GET /fhir/metadata").want(200).Body.String(); strings.Contains(metadata, "/OperationDefinition/rebuild") {
		t.Error("/metadata tells of a rebuild that is not offered")
	}
}
