package httpapi

import (
	"fmt"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/validate"
)

// idleRuns are Runs that do nothing by themselves.
type idleRuns struct {
	known    []Run // the latest last
	refusal  error
	canceled []string
}

func (i *idleRuns) Begin(commit.Caller) (Run, error) {
	if active, ok := i.Active(); ok {
		return active, nil
	}
	if i.refusal != nil {
		return Run{}, i.refusal
	}
	i.known = append(i.known, Run{ID: fmt.Sprint("r", len(i.known)+1), State: RunActive, Began: 2000, Total: 2000})
	return *i.last(), nil
}

func (i *idleRuns) last() *Run { return &i.known[len(i.known)-1] }

func (i *idleRuns) Active() (Run, bool) {
	if len(i.known) == 0 || i.last().State != RunActive {
		return Run{}, false
	}
	return *i.last(), true
}

func (i *idleRuns) ByID(id string) (Run, bool) {
	for _, r := range i.known {
		if r.ID == id {
			return r, true
		}
	}
	return Run{}, false
}

func (i *idleRuns) Cancel(id string) error {
	if r, _ := i.ByID(id); r.State != RunActive {
		return domain.NewError(domain.Invalid, "it has ended")
	}
	i.canceled = append(i.canceled, id)
	return nil
}

// runCases are the kinds of runs, each with what only it tells.
var runCases = []struct {
	name    string
	offer   func(*Dependencies, Runs)
	advance Run // half way
	told    []string
	unknown string
}{
	{"rebuild", func(d *Dependencies, r Runs) { d.Rebuilds = r }, Run{Done: 1999},
		[]string{`"recordsTotal","valueDecimal":2000`, `"recordsApplied","valueDecimal":1999`, `"progress","valueDecimal":99.9`, "no versionsErased"},
		"There is no such rebuild here."},
	{"compact", func(d *Dependencies, r Runs) { d.Compactions = r }, Run{Done: 500, Erased: 7, Freed: 12345},
		[]string{`"versionsErased","valueDecimal":7`, `"logBytesFreed","valueDecimal":12345`, `"progress","valueDecimal":25.0`, "no recordsApplied"},
		"There is no such compaction here."},
}

func newRunning(t testing.TB, version definitions.Version, offer func(*Dependencies, Runs)) (*service, *idleRuns) {
	t.Helper()
	runs := &idleRuns{}
	return newServiceOf(t, version, Options{}, func(d *Dependencies) { offer(d, runs) }), runs
}

// TestRuns: how a run begins, is looked at, and ends.
func TestRuns(t *testing.T) {
	for _, c := range runCases {
		t.Run(c.name, func(t *testing.T) {
			sv, runs := newRunning(t, definitions.R4, c.offer)
			expect := func(an *answer, parts ...string) {
				t.Helper()
				for _, part := range parts {
					part, unwanted := strings.CutPrefix(part, "no ")
					if strings.Contains(an.Body.String(), part) == unwanted {
						t.Errorf("%s: %s; there: %t, want the opposite", an.request, an.Body, unwanted)
					}
				}
			}
			operation, first := "/fhir/$"+c.name, "/fhir/_operations/"+c.name+"/r1"
			sv.do("GET "+operation).want(405, "not-supported").header("Allow", "POST, GET, HEAD")
			expect(sv.do("GET "+first).want(404, "not-found"), c.unknown)
			expect(sv.do("DELETE "+first).want(404, "not-found"), c.unknown)
			runs.refusal = domain.NewError(domain.Conflict, "a job is active")
			sv.do("POST "+operation).want(409, "conflict")
			runs.refusal = domain.NewError(domain.Unavailable, "there is no room")
			sv.do("POST " + operation).want(503)
			runs.refusal = nil

			expect(sv.do("POST "+operation).want(201).header("Content-Location", "http://example.com"+first).wantAt("r1", "id"),
				`"name":"id","valueString":"r1"`, `"status","valueString":"Running"`, `"startTime","valueDateTime":"1970-01-01T00:00:02.000Z"`,
				`"progress","valueDecimal":0.0`, "no endTime", "no failureDetails")
			sv.do("POST "+operation, `{"resourceType":"Parameters"}`).want(201).header("Content-Location", "http://example.com"+first)
			runs.last().Done, runs.last().Erased, runs.last().Freed = c.advance.Done, c.advance.Erased, c.advance.Freed
			for _, path := range []string{operation, first} {
				expect(sv.do("GET "+path).want(200), c.told...)
			}
			sv.do("DELETE " + first).want(202).body("")
			if len(runs.canceled) != 1 {
				t.Errorf("canceled: %v", runs.canceled)
			}
			*runs.last() = Run{ID: "r1", State: RunCompleted, Began: 2000, Ended: 3000}
			expect(sv.do("GET "+first).want(200), `"Completed"`, `"endTime","valueDateTime":"1970-01-01T00:00:03.000Z"`, `"progress","valueDecimal":100.0`)
			sv.do("DELETE "+first).want(400, "invalid")
			sv.do("GET " + operation).want(405)
			*runs.last() = Run{ID: "r1", State: RunFailed, Failure: "why", Total: 3, Done: 1}
			expect(sv.do("GET "+first).want(200), `"Failed"`, `"failureDetails","valueString":"why"`, `"progress","valueDecimal":33.3`)
			sv.do("POST "+operation).want(201).header("Content-Location", "http://example.com/fhir/_operations/"+c.name+"/r2")
		})
	}
}

func TestRunRefusals(t *testing.T) {
	for _, c := range runCases {
		t.Run(c.name, func(t *testing.T) {
			sv, runs := newRunning(t, definitions.R4, c.offer)
			for name, body := range map[string]string{"no Parameters": `{"resourceType":"Patient"}`, "not JSON": `{`, "no object": `[]`} {
				if an := sv.do("POST /fhir/$"+c.name, body); an.Code != 400 || len(runs.known) > 0 {
					t.Errorf("%s: status %d, want 400; %s", name, an.Code, an.Body)
				}
			}
			for _, kind := range []string{"batch", "transaction"} {
				an := sv.do("POST /fhir", `{"resourceType":"Bundle","type":"`+kind+`","entry":[{"request":{"method":"POST","url":"$`+c.name+`"},"resource":{"resourceType":"Parameters"}}]}`)
				if strings.Contains(an.Body.String(), "201") || len(runs.known) > 0 {
					t.Errorf("%s: %d %s", kind, an.Code, an.Body)
				}
			}
			sv.do("DELETE /fhir/$" + c.name).want(405)
			sv.do("GET /fhir/Patient/$" + c.name).want(404)
		})
	}
}

// TestRunsAreDescribed in every version, validly; and only where they are offered.
func TestRunsAreDescribed(t *testing.T) {
	for _, c := range runCases {
		t.Run(c.name, func(t *testing.T) {
			for _, version := range definitions.Versions() {
				sv, _ := newRunning(t, version, c.offer)
				an := sv.do("GET /fhir/OperationDefinition/" + c.name).want(200)
				d, err := fhirjson.Parse(an.Body.Bytes(), fhirjson.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				for _, issue := range validate.New(sv.s.fhir).Resource(d.Root(), "", nil) {
					t.Errorf("%s: %s %v", version, issue.Message, issue.Expression)
				}
				metadata := sv.do("GET /fhir/metadata").want(200).Body.String()
				for _, other := range runCases {
					if there := strings.Contains(metadata, "/OperationDefinition/"+other.name); there != (other.name == c.name) {
						t.Errorf("%s: /metadata tells of %s: %t", version, other.name, there)
					}
				}
			}
			plain := newService(t, Options{})
			plain.do("POST /fhir/$" + c.name).want(404)
			if metadata := plain.do("GET /fhir/metadata").want(200).Body.String(); strings.Contains(metadata, "/OperationDefinition/"+c.name) {
				t.Error("/metadata tells of what is not offered")
			}
		})
	}
}
