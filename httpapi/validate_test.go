package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// profilesFake knows one profile, which demands a birth date.
type profilesFake struct{ asked []string }

const birthProfile = "http://example.org/birth"

func (p *profilesFake) Validate(_ context.Context, resource fhirjson.Value, profiles []string) ([]domain.Issue, error) {
	p.asked = append(p.asked, strings.Join(profiles, " "))
	switch {
	case slices.Contains(profiles, "http://example.org/broken"):
		return nil, errors.New("the store of profiles is broken")
	case slices.Contains(profiles, birthProfile) && !resource.Get("birthDate").Exists():
		line, column := resource.Document().Position(resource.Start())
		return []domain.Issue{{Code: "required", Message: "birthDate must be there.", Expression: []string{"Patient.birthDate"}, Line: line, Column: column}}, nil
	}
	return nil, nil
}

func (p *profilesFake) Supported(context.Context, domain.ResourceType) ([]string, error) {
	return nil, nil
}

func (p *profilesFake) State(context.Context) (string, error) { return "", nil }

// findings returns severity, code and first expression of each issue in an answer.
func (a *answer) findings() (all []string) {
	a.t.Helper()
	var outcome struct {
		ResourceType string
		Issue        []struct {
			Severity, Code string
			Expression     []string
		}
	}
	if err := json.Unmarshal(a.Body.Bytes(), &outcome); err != nil || outcome.ResourceType != "OperationOutcome" {
		a.t.Fatalf("%s: no OperationOutcome: %s", a.request, a.Body)
	}
	for _, i := range outcome.Issue {
		all = append(all, strings.TrimSpace(i.Severity+" "+i.Code+" "+strings.Join(i.Expression, " ")))
	}
	return all
}

const (
	narrated = `"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"}`
	allOK    = "information informational"
)

func TestValidate(t *testing.T) {
	sv := newService(t, Options{Withheld: map[domain.ResourceType][]string{"Group": {"create"}}})
	sv.do("PUT /fhir/Patient/a", `{"resourceType":"Patient","id":"a",`+narrated+`}`).want(201)
	sv.do("PUT /fhir/Patient/gone", `{"resourceType":"Patient","id":"gone"}`).want(201)
	sv.do("DELETE /fhir/Patient/gone").want(204)
	good := `{"resourceType":"Patient",` + narrated + `}`
	inParameters := func(more string) string {
		return `{"resourceType":"Parameters","parameter":[` + more + `{"name":"resource","resource":` + good + `}]}`
	}
	tests := []struct {
		name, line, body string
		status           int
		want             []string
	}{
		{"all is well", "POST /fhir/Patient/$validate", good, 200, []string{allOK}},
		{"a recommendation", "POST /fhir/Patient/$validate", `{"resourceType":"Patient"}`, 200, []string{"warning invariant Patient"}},
		{"a fault", "POST /fhir/Patient/$validate", `{"resourceType":"Patient","gender":"x",` + narrated + `}`, 200, []string{"error code-invalid Patient.gender"}},
		{"another type", "POST /fhir/Patient/$validate", `{"resourceType":"Basic","code":{"text":"x"},` + narrated + `}`, 200, []string{"error invalid Basic"}},
		{"no type", "POST /fhir/Patient/$validate", `{}`, 200, []string{"error structure Resource"}},
		{"no object", "POST /fhir/Patient/$validate", `[]`, 200, []string{"error invalid"}},
		{"no JSON", "POST /fhir/Patient/$validate", `{"resourceType":"Patient","active":yes}`, 200, []string{"error structure Patient.active"}},
		{"in Parameters", "POST /fhir/Patient/$validate", inParameters(``), 200, []string{allOK}},
		{"Parameters without resource", "POST /fhir/Patient/$validate", `{"resourceType":"Parameters"}`, 400, nil},
		{"two resources", "POST /fhir/Patient/$validate", inParameters(`{"name":"resource","resource":{"resourceType":"Patient"}},`), 400, nil},
		{"a resource that is none", "POST /fhir/Patient/$validate", `{"resourceType":"Parameters","parameter":[{"name":"resource","valueString":"x"}]}`, 400, nil},
		{"create", "POST /fhir/Patient/$validate?mode=create", good, 200, []string{allOK}},
		{"create that is switched off", "POST /fhir/Group/$validate?mode=create", `{"resourceType":"Group","type":"person","actual":true,` + narrated + `}`, 200, []string{"error not-supported"}},
		{"create by id", "POST /fhir/Patient/a/$validate?mode=create", good, 400, nil},
		{"mode in both", "POST /fhir/Patient/$validate?mode=create", inParameters(`{"name":"mode","valueCode":"create"},`), 200, []string{allOK}},
		{"modes that differ", "POST /fhir/Patient/$validate?mode=update", inParameters(`{"name":"mode","valueCode":"create"},`), 400, nil},
		{"unknown mode", "POST /fhir/Patient/$validate?mode=x", good, 400, nil},
		{"update without id", "POST /fhir/Patient/$validate?mode=update", good, 200, []string{"error invalid Patient.id"}},
		{"update by type", "POST /fhir/Patient/$validate?mode=update", `{"resourceType":"Patient","id":"a",` + narrated + `}`, 200, []string{allOK}},
		{"update", "POST /fhir/Patient/a/$validate?mode=update", `{"resourceType":"Patient","id":"a",` + narrated + `}`, 200, []string{allOK}},
		{"update of another", "POST /fhir/Patient/a/$validate?mode=update", `{"resourceType":"Patient","id":"b",` + narrated + `}`, 200, []string{"error invalid Patient.id"}},
		{"another id without mode", "POST /fhir/Patient/a/$validate", `{"resourceType":"Patient","id":"b",` + narrated + `}`, 200, []string{"error invalid Patient.id"}},
		{"no id without mode", "POST /fhir/Patient/a/$validate", good, 200, []string{allOK}},
		{"delete", "POST /fhir/Patient/a/$validate?mode=delete", "", 200, []string{allOK}},
		{"delete by type", "POST /fhir/Patient/$validate?mode=delete", good, 400, nil},
		{"delete of nothing", "POST /fhir/Patient/none/$validate?mode=delete", "", 404, nil},
		{"delete of what is deleted", "POST /fhir/Patient/gone/$validate?mode=delete", "", 410, nil},
		{"delete that is switched off", "GET /fhir/AuditEvent/a/$validate?mode=delete", "", 404, nil},
		{"stored", "GET /fhir/Patient/a/$validate", "", 200, []string{allOK}},
		{"stored, for an update", "GET /fhir/Patient/a/$validate?mode=update", "", 200, []string{allOK}},
		{"stored, with POST", "POST /fhir/Patient/a/$validate", "", 200, []string{allOK}},
		{"stored nowhere", "GET /fhir/Patient/none/$validate", "", 404, nil},
		{"no id at all", "GET /fhir/Patient/a_b/$validate", "", 404, nil},
		{"deleted", "GET /fhir/Patient/gone/$validate", "", 410, nil},
		{"profile, none known", "POST /fhir/Patient/$validate?profile=" + birthProfile, good, 400, nil},
		{"mode profile without one", "POST /fhir/Patient/$validate?mode=profile", good, 400, nil},
		{"of the system", "POST /fhir/$validate", good, 404, nil},
		{"with GET by type", "GET /fhir/Patient/$validate", "", 405, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			with := []string{"Content-Type: application/fhir+json"}
			if test.body != "" {
				with = append(with, test.body)
			}
			a := sv.do(test.line, with...).want(test.status)
			if got := a.findings(); test.want != nil && !slices.Equal(got, test.want) {
				t.Errorf("%s: %q, want %q; %s", test.line, got, test.want, a.Body)
			}
		})
	}
}

// TestValidateUpdateCannotCreate is about servers where an update may not create.
func TestValidateUpdateCannotCreate(t *testing.T) {
	sv := newService(t, Options{NoUpdateCreate: true})
	a := sv.do("POST /fhir/Patient/$validate?mode=update", `{"resourceType":"Patient","id":"none",`+narrated+`}`).want(200)
	if got := a.findings(); !slices.Equal(got, []string{"error not-found Patient.id"}) {
		t.Errorf("%q", got)
	}
}

func TestValidateProfiles(t *testing.T) {
	p := &profilesFake{}
	sv := newServiceOf(t, definitions.R4, Options{}, func(d *Dependencies) { d.Profiles = p })
	good := `{"resourceType":"Patient",` + narrated + `}`
	named := func(url string) string {
		return `{"resourceType":"Parameters","parameter":[{"name":"profile","valueUri":"` + url + `"},{"name":"resource","resource":` + good + `}]}`
	}
	lacks := []string{"error required Patient.birthDate"}
	tests := []struct {
		name, line, body string
		status           int
		want             []string
		asked            string // the profiles that were named
	}{
		{"none named", "POST /fhir/Patient/$validate", good, 200, []string{allOK}, ""},
		{"in the query", "POST /fhir/Patient/$validate?profile=" + birthProfile, good, 200, lacks, birthProfile},
		{"in Parameters", "POST /fhir/Patient/$validate", named(birthProfile), 200, lacks, birthProfile},
		{"as a mode", "POST /fhir/Patient/$validate?mode=profile&profile=" + birthProfile, good, 200, lacks, birthProfile},
		{"with a version", "POST /fhir/Patient/$validate?profile=" + birthProfile + "|1", good, 200, []string{allOK}, birthProfile + "|1"},
		{"twice, the same", "POST /fhir/Patient/$validate?profile=" + birthProfile, named(birthProfile), 200, lacks, birthProfile},
		{"twice", "POST /fhir/Patient/$validate?profile=" + birthProfile, named("http://example.org/other"), 400, nil, ""},
		{"no URL", "POST /fhir/Patient/$validate?profile=birth", good, 400, nil, ""},
		{"empty", "POST /fhir/Patient/$validate?profile=", good, 400, nil, ""},
		{"that cannot be looked at", "POST /fhir/Patient/$validate?profile=http://example.org/broken", good, 500, nil, "http://example.org/broken"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p.asked = nil
			a := sv.do(test.line, test.body).want(test.status)
			if got := a.findings(); test.want != nil && !slices.Equal(got, test.want) {
				t.Errorf("%s: %q, want %q", test.line, got, test.want)
			}
			if asked := strings.Join(p.asked, ", "); asked != test.asked {
				t.Errorf("%s: asked for %q, want %q", test.line, asked, test.asked)
			}
		})
	}
	// A resource without a type has no profile either.
	p.asked = nil
	if sv.do("POST /fhir/Patient/$validate", `{"resourceType":"Nothing"}`).want(200); p.asked != nil {
		t.Errorf("asked for profiles of a resource that is of no type: %q", p.asked)
	}
}

// TestIssuePlaces has the places of faults that are found before and beside the
// validation.
func TestIssuePlaces(t *testing.T) {
	sv := newService(t, Options{})
	for _, test := range []struct{ line, body, want string }{
		{"POST /fhir/Patient", "{\n \"resourceType\": \"Patient\",\n \"active\": yes}", "Line[3] Col[12]"},
		{"POST /fhir/Patient/$validate", "{\n \"resourceType\": \"Patient\",\n \"active\": yes}", "Line[3] Col[12]"},
		{"POST /fhir/Patient/a/$validate?mode=update", "{\"resourceType\": \"Patient\",\n \"id\": \"b\"," + narrated + "}", "Line[2] Col[2]"},
		{"POST /fhir/Patient/$validate", "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"resource\",\"resource\":{\"resourceType\":\"Patient\",\n\"gender\":\"x\"}}]}", "Line[2] Col[1]"},
	} {
		var outcome struct {
			Issue []struct {
				Location  []string
				Extension []struct {
					URL          string
					ValueInteger int
				}
			}
		}
		a := sv.do(test.line, test.body)
		if err := json.Unmarshal(a.Body.Bytes(), &outcome); err != nil || len(outcome.Issue) == 0 {
			t.Fatalf("%s: %v: %s", test.line, err, a.Body)
		}
		issue := outcome.Issue[0]
		if len(issue.Location) != 1 || issue.Location[0] != test.want || len(issue.Extension) != 2 {
			t.Errorf("%s: %s, want %s", test.line, a.Body, test.want)
		}
	}
	if a := sv.do("POST /fhir/Patient/$validate", "Accept: text/html", `{"resourceType":"Patient"}`); a.Code != http.StatusNotAcceptable {
		t.Errorf("what cannot be answered: %d", a.Code)
	}
}
