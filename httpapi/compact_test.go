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

// compactor is a Compactor that does nothing by itself.
type compactor struct {
	known    []Compaction // the latest last
	refusal  error
	canceled []string
}

func (c *compactor) BeginCompaction() (Compaction, error) {
	if active, ok := c.ActiveCompaction(); ok {
		return active, nil
	}
	if c.refusal != nil {
		return Compaction{}, c.refusal
	}
	c.known = append(c.known, Compaction{ID: fmt.Sprint("c", len(c.known)+1), State: RebuildRunning, Began: 2000, Total: 2000})
	return *c.last(), nil
}

func (c *compactor) last() *Compaction { return &c.known[len(c.known)-1] }

func (c *compactor) ActiveCompaction() (Compaction, bool) {
	if len(c.known) == 0 || c.last().State != RebuildRunning {
		return Compaction{}, false
	}
	return *c.last(), true
}

func (c *compactor) CompactionByID(id string) (Compaction, bool) {
	for _, k := range c.known {
		if k.ID == id {
			return k, true
		}
	}
	return Compaction{}, false
}

func (c *compactor) CancelCompaction(id string) error {
	if k, _ := c.CompactionByID(id); k.State != RebuildRunning {
		return domain.NewError(domain.Invalid, "it has ended")
	}
	c.canceled = append(c.canceled, id)
	return nil
}

func newCompacted(t testing.TB, version definitions.Version) (*service, *compactor) {
	t.Helper()
	d, err := definitions.Load(version)
	if err != nil {
		t.Fatal(err)
	}
	m, c := newModel(d), &compactor{}
	s, err := New(Dependencies{Writer: m, Reader: m, Searcher: m, Definitions: d, Compactor: c},
		Options{Clock: m.now, NewID: func() string { return "request-1" }})
	if err != nil {
		t.Fatal(err)
	}
	return &service{t: t, s: s, model: m}, c
}

// TestCompact: how a compaction begins, is looked at, and ends.
func TestCompact(t *testing.T) {
	sv, c := newCompacted(t, definitions.R4)
	expect := func(an *answer, parts ...string) {
		t.Helper()
		for _, part := range parts {
			part, unwanted := strings.CutPrefix(part, "no ")
			if strings.Contains(an.Body.String(), part) == unwanted {
				t.Errorf("%s: %s; there: %t, want the opposite", an.request, an.Body, unwanted)
			}
		}
	}
	sv.do("GET /fhir/$compact").want(405, "not-supported").header("Allow", "POST, GET, HEAD")
	sv.do("GET /fhir/_operations/compact/c1").want(404, "not-found")
	sv.do("DELETE /fhir/_operations/compact/c1").want(404, "not-found")
	c.refusal = domain.NewError(domain.Unavailable, "there is no room")
	sv.do("POST /fhir/$compact").want(503)
	c.refusal = nil

	expect(sv.do("POST /fhir/$compact").want(201).header("Content-Location", "http://example.com/fhir/_operations/compact/c1").wantAt("c1", "id"),
		`"name":"id","valueString":"c1"`, `"status","valueString":"Running"`, `"startTime","valueDateTime":"1970-01-01T00:00:02.000Z"`,
		`"progress","valueDecimal":0.0`, "no endTime", "no failureDetails")
	sv.do("POST /fhir/$compact", `{"resourceType":"Parameters"}`).want(201).header("Content-Location", "http://example.com/fhir/_operations/compact/c1")
	c.last().Done, c.last().Erased, c.last().Freed = 500, 7, 12345
	for _, path := range []string{"/fhir/$compact", "/fhir/_operations/compact/c1"} {
		expect(sv.do("GET "+path).want(200), `"versionsErased","valueDecimal":7`, `"logBytesFreed","valueDecimal":12345`, `"progress","valueDecimal":25.0`)
	}
	sv.do("DELETE /fhir/_operations/compact/c1").want(202).body("")
	if len(c.canceled) != 1 {
		t.Errorf("canceled: %v", c.canceled)
	}
	*c.last() = Compaction{ID: "c1", State: RebuildCompleted, Began: 2000, Ended: 3000}
	expect(sv.do("GET /fhir/_operations/compact/c1").want(200), `"Completed"`, `"endTime","valueDateTime":"1970-01-01T00:00:03.000Z"`, `"progress","valueDecimal":100.0`)
	sv.do("DELETE /fhir/_operations/compact/c1").want(400, "invalid")
	sv.do("GET /fhir/$compact").want(405)
	*c.last() = Compaction{ID: "c1", State: RebuildFailed, Failure: "why", Total: 3, Done: 1}
	expect(sv.do("GET /fhir/_operations/compact/c1").want(200), `"Failed"`, `"failureDetails","valueString":"why"`, `"progress","valueDecimal":33.3`)
}

func TestCompactRefusals(t *testing.T) {
	sv, c := newCompacted(t, definitions.R4)
	for name, body := range map[string]string{"no Parameters": `{"resourceType":"Patient"}`, "not JSON": `{`, "no object": `[]`} {
		if an := sv.do("POST /fhir/$compact", body); an.Code != 400 || len(c.known) > 0 {
			t.Errorf("%s: status %d, want 400; %s", name, an.Code, an.Body)
		}
	}
	an := sv.do("POST /fhir", `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"POST","url":"$compact"},"resource":{"resourceType":"Parameters"}}]}`)
	if strings.Contains(an.Body.String(), "201") || len(c.known) > 0 {
		t.Errorf("in a batch: %d %s", an.Code, an.Body)
	}
	sv.do("DELETE /fhir/$compact").want(405)
	sv.do("GET /fhir/Patient/$compact").want(404)
}

// TestCompactIsDescribed in every version, validly; and only where it is offered.
func TestCompactIsDescribed(t *testing.T) {
	for _, version := range definitions.Versions() {
		sv, _ := newCompacted(t, version)
		an := sv.do("GET /fhir/OperationDefinition/compact").want(200)
		d, err := fhirjson.Parse(an.Body.Bytes(), fhirjson.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for _, issue := range validate.New(sv.s.fhir).Resource(d.Root(), "", nil) {
			t.Errorf("%s: %s %v", version, issue.Message, issue.Expression)
		}
		if metadata := sv.do("GET /fhir/metadata").want(200).Body.String(); !strings.Contains(metadata, "/OperationDefinition/compact") {
			t.Errorf("%s: it is not in /metadata", version)
		}
	}
	plain := newService(t, Options{})
	plain.do("POST /fhir/$compact").want(404)
	if metadata := plain.do("GET /fhir/metadata").want(200).Body.String(); strings.Contains(metadata, "/OperationDefinition/compact") {
		t.Error("/metadata tells of a compaction that is not offered")
	}
}
