package httpapi

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/definitions"
	"fhirlog/domain/event"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/registry"
	"fhirlog/domain/validate"
)

// administration is an Administrator and Jobs over nothing but a registry.
type administration struct {
	t     testing.TB
	r     *registry.Registry
	ids   int
	total uint64 // of the active job
	done  uint64
}

func (a *administration) apply(e event.Event, body []byte) {
	a.t.Helper()
	r, err := a.r.Apply(a.r.Through, int64(1000*(1+a.r.Through)), &e, body)
	if err != nil {
		a.t.Fatal(err)
	}
	a.r = r
}

// define defines a search parameter of Patients.
func (a *administration) define(code string) {
	a.t.Helper()
	a.apply(event.Event{Kind: event.Written, Type: registry.SearchParameter, ID: domain.LogicalID(code)}, []byte(fmt.Sprintf(
		`{"resourceType":"SearchParameter","url":"http://a.example/%s","code":%q,"base":["Patient"],"type":"string","expression":"Patient.name.given"}`, code, code)))
}

func (a *administration) change(job registry.Job, to registry.JobState) {
	a.t.Helper()
	job.State = to
	body, err := job.Body()
	if err != nil {
		a.t.Fatal(err)
	}
	a.apply(event.Event{Kind: event.JobChanged, ID: domain.LogicalID(job.ID)}, body)
}

func (a *administration) Registry() *registry.Registry { return a.r }

func (a *administration) Progress(job string) (total, done uint64, known bool) {
	return a.total, a.done, a.total > 0
}

func (a *administration) Reindex(_ context.Context, _ commit.Caller, wanted registry.ReindexRequest) (registry.Job, error) {
	a.ids++
	job, isNew := a.r.NewReindex(fmt.Sprint("job-", a.ids), wanted)
	if isNew {
		a.change(*job, registry.Queued)
		job = a.r.Active()
	}
	return *job, nil
}

func (a *administration) CancelJob(_ context.Context, _ commit.Caller, id string) error {
	job, err := a.r.Cancel(id)
	if err == nil {
		a.change(*job, registry.Canceled)
	}
	return err
}

func (a *administration) SwitchParameters(_ context.Context, _ commit.Caller, changes []registry.StatusChange) ([]registry.StatusResult, error) {
	results, body, err := a.r.Switch(changes)
	if body != nil {
		a.apply(event.Event{Kind: event.ParameterStatus}, body)
	}
	return results, err
}

func newAdministered(t testing.TB, version definitions.Version) (*service, *administration) {
	t.Helper()
	a := &administration{t: t}
	return newServiceOf(t, version, Options{}, func(d *Dependencies) {
		a.r = registry.New(d.Definitions)
		d.Administrator, d.Jobs = a, a
	}), a
}

const birthdateURL = "http://hl7.org/fhir/SearchParameter/individual-birthdate"

// urlsOf lists the URLs and states in an answer of $status.
func (a *answer) states() string {
	a.t.Helper()
	var list []string
	parameters, _ := a.at("parameter").([]any)
	for i := range parameters {
		list = append(list, a.string("parameter", i, "part", 0, "valueUri")+"="+a.string("parameter", i, "part", 1, "valueString"))
	}
	return strings.Join(list, " ")
}

func TestParameterStates(t *testing.T) {
	sv, a := newAdministered(t, definitions.R4)
	a.define("one")
	a.define("two")
	for query, want := range map[string]string{
		"code=one":                            "http://a.example/one=Supported",
		"code=one,two":                        "http://a.example/one=Supported http://a.example/two=Supported",
		"code=one&code=one,two":               "http://a.example/one=Supported",
		"url=http://a.example/two":            "http://a.example/two=Supported",
		"url=http://a.example/two&code=two":   "http://a.example/two=Supported",
		"url=" + birthdateURL:                 birthdateURL + "=Enabled",
		"resourcetype=Patient&code=one":       "http://a.example/one=Supported",
		"resourcetype=Patient&code=_id":       "http://hl7.org/fhir/SearchParameter/Resource-id=Enabled",
		"resourcetype=Nonsense":               "",
		"code=nonsense":                       "",
		"url=http://a.example/x&code=one":     "",
		"code=one&_format=json&_pretty=false": "http://a.example/one=Supported",
	} {
		if got := sv.do("GET /fhir/SearchParameter/$status?"+query).want(200).wantAt("Parameters", "resourceType").states(); got != want {
			t.Errorf("?%s: %q, want %q", query, got, want)
		}
		if strings.Contains(query, "_format") {
			continue
		}
		if got := sv.do("POST /fhir/SearchParameter/$status", "Content-Type: application/x-www-form-urlencoded", query).want(200).states(); got != want {
			t.Errorf("form %s: %q, want %q", query, got, want)
		}
	}
	if n := len(strings.Fields(sv.do("GET /fhir/SearchParameter/$status").want(200).states())); n < 1000 {
		t.Errorf("without criteria %d search parameters are listed", n)
	}
	sv.do("GET /fhir/SearchParameter/$status?code=one&url=http://a.example/two").want(404, "not-found")
	sv.do("GET /fhir/SearchParameter/$status?code=one&resourcetype=Observation").want(404, "not-found")
	sv.do("GET /fhir/SearchParameter/$status?code=one&name=x").want(400, "invalid")
	sv.do("DELETE /fhir/SearchParameter/$status").want(405).header("Allow", "GET, HEAD, POST, PUT")
	sv.do("GET /fhir/Patient/$status").want(404)
}

// change is a searchParameterStatus in a body.
func switching(url, status string) string {
	return `{"name":"searchParameterStatus","part":[{"name":"url","valueUrl":"` + url + `"},{"name":"status","valueString":"` + status + `"}]}`
}

func TestSwitchParameters(t *testing.T) {
	sv, a := newAdministered(t, definitions.R4)
	a.define("one")
	put := func(parameters ...string) *answer {
		t.Helper()
		return sv.do("PUT /fhir/SearchParameter/$status", `{"resourceType":"Parameters","parameter":[`+strings.Join(parameters, ",")+`]}`)
	}
	put(switching("http://a.example/one", "Disabled"), switching("http://a.example/none", "Disabled"), switching(birthdateURL, "Enabled")).want(200).
		wantAt("batch-response", "type").
		wantAt("OperationOutcome", "entry", 0, "resource", "resourceType").wantAt("400 Bad Request", "entry", 0, "response", "status").
		wantAt("not-found", "entry", 0, "resource", "issue", 0, "code").wantAt("invalid", "entry", 0, "resource", "issue", 1, "code").
		wantAt("Parameters", "entry", 1, "resource", "resourceType").
		wantAt("PendingDisable", "entry", 1, "resource", "parameter", 0, "part", 1, "valueString")
	sv.do("GET /fhir/SearchParameter/$status?code=one").want(200).wantAt("PendingDisable", "parameter", 0, "part", 1, "valueString")
	put(switching("http://a.example/one", "Supported")).want(200).wantAt("Parameters", "entry", 0, "resource", "resourceType")
	put(switching(birthdateURL, "Disabled")).want(200)
	sv.do("GET /fhir/SearchParameter/$status?code=birthdate").want(200).wantAt("PendingDisable", "parameter", 0, "part", 1, "valueString")
	for name, body := range map[string]string{
		"no Parameters":       `{"resourceType":"Patient"}`,
		"nothing to switch":   `{"resourceType":"Parameters"}`,
		"parameter no list":   `{"resourceType":"Parameters","parameter":{}}`,
		"no name":             `{"resourceType":"Parameters","parameter":[{"valueString":"x"}]}`,
		"another name":        `{"resourceType":"Parameters","parameter":[{"name":"status","valueString":"x"}]}`,
		"no parts":            `{"resourceType":"Parameters","parameter":[{"name":"searchParameterStatus"}]}`,
		"no url":              `{"resourceType":"Parameters","parameter":[{"name":"searchParameterStatus","part":[{"name":"status","valueString":"Disabled"}]}]}`,
		"no status":           `{"resourceType":"Parameters","parameter":[{"name":"searchParameterStatus","part":[{"name":"url","valueString":"x"}]}]}`,
		"a part without name": `{"resourceType":"Parameters","parameter":[{"name":"searchParameterStatus","part":["url"]}]}`,
		"not JSON":            `{`,
	} {
		if a := sv.do("PUT /fhir/SearchParameter/$status", body); a.Code != 400 {
			t.Errorf("%s: status %d, want 400; %s", name, a.Code, a.Body)
		}
	}
	sv.do("PUT /fhir/SearchParameter/$status", "Content-Type: text/plain", "x").want(415)
	_, _ = a.Reindex(t.Context(), commit.Caller{}, registry.ReindexRequest{})
	put(switching("http://a.example/one", "Disabled")).want(409, "conflict")
}

// TestReindexJobs: how a job begins, is looked at, and ends.
func TestReindexJobs(t *testing.T) {
	sv, a := newAdministered(t, definitions.R4)
	a.define("one")
	named := func(an *answer, name string) any {
		t.Helper()
		list, _ := an.at("parameter").([]any)
		for _, p := range list {
			p := p.(map[string]any)
			if p["name"] == name {
				for _, value := range []string{"valueString", "valueDecimal", "valueDateTime"} {
					if v, ok := p[value]; ok {
						return v
					}
				}
			}
		}
		return nil
	}
	expect := func(an *answer, pairs ...any) {
		t.Helper()
		for i := 0; i < len(pairs); i += 2 {
			if got := named(an, pairs[i].(string)); got != pairs[i+1] {
				t.Errorf("%s: %s is %v, want %v", an.request, pairs[i], got, pairs[i+1])
			}
		}
	}
	sv.do("GET /fhir/$reindex").want(405, "not-supported").header("Allow", "POST, GET, HEAD")
	sv.do("GET /fhir/_operations/reindex/job-1").want(404, "not-found")
	sv.do("DELETE /fhir/_operations/reindex/job-1").want(404, "not-found")

	begun := sv.do("POST /fhir/$reindex").want(201).header("Content-Location", "http://example.com/fhir/_operations/reindex/job-1")
	expect(begun, "id", "job-1", "status", "Queued", "queuedTime", "1970-01-01T00:00:02.000Z", "startTime", nil, "endTime", nil, "progress", 0.0,
		"resources", "Patient", "searchParams", "http://a.example/one", "maximumNumberOfResourcesPerQuery", 10000.0,
		"maximumNumberOfResourcesPerWrite", 1000.0, "queryDelayIntervalInMilliseconds", 0.0, "failureDetails", nil)
	again := sv.do("POST /fhir/$reindex", `{"resourceType":"Parameters"}`).want(201).header("Content-Location", "http://example.com/fhir/_operations/reindex/job-1")
	expect(again, "id", "job-1")

	a.change(*a.r.Active(), registry.Running)
	a.total, a.done = 2000, 1999
	for _, path := range []string{"/fhir/$reindex", "/fhir/_operations/reindex/job-1"} {
		expect(sv.do("GET "+path).want(200), "status", "Running", "startTime", "1970-01-01T00:00:03.000Z",
			"totalResourcesToReindex", 2000.0, "resourcesSuccessfullyReindexed", 1999.0, "progress", 99.9)
	}
	sv.do("DELETE /fhir/_operations/reindex/job-1").want(202).body("")
	expect(sv.do("GET /fhir/_operations/reindex/job-1").want(200), "status", "Canceled", "endTime", "1970-01-01T00:00:04.000Z")
	sv.do("DELETE /fhir/_operations/reindex/job-1").want(400, "invalid")

	a.total = 0
	sv.do("POST /fhir/$reindex", `{"resourceType":"Parameters","parameter":[{"name":"maximumNumberOfResourcesPerQuery","valueInteger":5},
		{"name":"maximumNumberOfResourcesPerWrite","valueString":"6"},{"name":"queryDelayIntervalInMilliseconds","valueDecimal":7},
		{"name":"targetDataStoreUsagePercentage","valueInteger":80},{"name":"somethingElse","valueString":"x"}]}`).want(201)
	expect(sv.do("GET /fhir/$reindex").want(200), "maximumNumberOfResourcesPerQuery", 5.0, "maximumNumberOfResourcesPerWrite", 6.0, "queryDelayIntervalInMilliseconds", 7.0)
	done := *a.r.Active()
	done.Total, done.Done = 12, 12
	a.change(done, registry.Completed)
	expect(sv.do("GET /fhir/_operations/reindex/"+done.ID).want(200), "status", "Completed", "progress", 100.0, "totalResourcesToReindex", 12.0)
	failed, _ := a.Reindex(t.Context(), commit.Caller{}, registry.ReindexRequest{})
	failed.Failure = "why"
	a.change(failed, registry.Failed)
	expect(sv.do("GET /fhir/_operations/reindex/"+failed.ID).want(200), "status", "Failed", "failureDetails", "why")
}

func TestReindexTargets(t *testing.T) {
	sv, a := newAdministered(t, definitions.R4)
	a.define("one")
	for parameter, fills := range map[string]int{
		`{"name":"targetResourceTypes","valueString":"Patient, Observation"}`:      1,
		`{"name":"targetResourceTypes","valueString":"Observation"}`:               0,
		`{"name":"targetSearchParameterTypes","valueString":"String"}`:             1,
		`{"name":"targetSearchParameterTypes","valueString":"token,date"}`:         0,
		`{"name":"targetResourceTypes","valueString":""},{"name":"somethingElse"}`: 1,
	} {
		sv.do("POST /fhir/$reindex", `{"resourceType":"Parameters","parameter":[`+parameter+`]}`).want(201)
		job := a.r.Active()
		if len(job.Fill) != fills {
			t.Errorf("%s: %d parameters are to be completed, want %d", parameter, len(job.Fill), fills)
		}
		a.change(*job, registry.Canceled)
	}
	for name, body := range map[string]string{
		"no Parameters":         `{"resourceType":"Patient"}`,
		"no resource":           `{}`,
		"not JSON":              `[]`,
		"no number":             `{"resourceType":"Parameters","parameter":[{"name":"maximumNumberOfResourcesPerQuery","valueString":"many"}]}`,
		"no value":              `{"resourceType":"Parameters","parameter":[{"name":"maximumNumberOfResourcesPerWrite"}]}`,
		"negative delay":        `{"resourceType":"Parameters","parameter":[{"name":"queryDelayIntervalInMilliseconds","valueInteger":-1}]}`,
		"delay without an end":  `{"resourceType":"Parameters","parameter":[{"name":"queryDelayIntervalInMilliseconds","valueInteger":500001}]}`,
		"unknown type":          `{"resourceType":"Parameters","parameter":[{"name":"targetResourceTypes","valueString":"Patient,Patience"}]}`,
		"unknown kind of value": `{"resourceType":"Parameters","parameter":[{"name":"targetSearchParameterTypes","valueString":"text"}]}`,
	} {
		if an := sv.do("POST /fhir/$reindex", body); an.Code != 400 || a.r.Active() != nil {
			t.Errorf("%s: status %d, want 400, and no job; %s", name, an.Code, an.Body)
		}
	}
}

// TestIndexValues shows what a resource is found by.
func TestIndexValues(t *testing.T) {
	sv, _ := newAdministered(t, definitions.R4)
	sv.do("PUT /fhir/Patient/a", patient("a", `"name":[{"family":"Öst"}],"identifier":[{"system":"http://s","value":"7"}],"birthDate":"2001-02-03"`)).want(201)
	for _, method := range []string{"GET", "POST"} {
		an := sv.do(method+" /fhir/Patient/a/$reindex").want(200).wantAt("Parameters", "resourceType")
		for _, want := range []string{`"family","valueString":"Öst"`, `"identifier","valueString":"http://s|7"`, `"birthdate","valueString":"2001-02-03T00:00:00Z to before 2001-02-04T00:00:00Z"`} {
			if !strings.Contains(an.Body.String(), want) {
				t.Errorf("%s: %s is missing in %s", method, want, an.Body)
			}
		}
		sv.do(method+" /fhir/Patient/none/$reindex").want(404, "not-found")
	}
	sv.do("POST /fhir/Patient/a/$reindex", `{"resourceType":"Patient"}`).want(400)
	sv.do("DELETE /fhir/Patient/a").want(204)
	sv.do("GET /fhir/Patient/a/$reindex").want(410, "deleted")
}

// TestBundlesDoNotAdminister: a job is no part of a transaction.
func TestBundlesDoNotAdminister(t *testing.T) {
	sv, a := newAdministered(t, definitions.R4)
	for _, kind := range []string{"batch", "transaction"} {
		an := sv.do("POST /fhir", `{"resourceType":"Bundle","type":"`+kind+`","entry":[{"request":{"method":"POST","url":"$reindex"},"resource":{"resourceType":"Parameters"}}]}`)
		if strings.Contains(an.Body.String(), "201") || a.r.Active() != nil {
			t.Errorf("%s: %d %s", kind, an.Code, an.Body)
		}
	}
}

// TestAdministrationIsDescribed in every version, validly; and only where there
// is any.
func TestAdministrationIsDescribed(t *testing.T) {
	for _, version := range definitions.Versions() {
		sv, _ := newAdministered(t, version)
		validator := validate.New(sv.s.fhir)
		metadata := sv.do("GET /fhir/metadata").want(200).Body.String()
		for _, name := range []string{"reindex", "resource-reindex", "search-parameter-status"} {
			an := sv.do("GET /fhir/OperationDefinition/" + name).want(200)
			d, err := fhirjson.Parse(an.Body.Bytes(), fhirjson.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			for _, issue := range validator.Resource(d.Root(), "", nil) {
				t.Errorf("%s: %s: %s %v", version, name, issue.Message, issue.Expression)
			}
			if !strings.Contains(metadata, "/OperationDefinition/"+name) {
				t.Errorf("%s: %s is not in /metadata", version, name)
			}
		}
	}
	plain := newService(t, Options{})
	plain.do("POST /fhir/$reindex").want(404)
	if metadata := plain.do("GET /fhir/metadata").want(200).Body.String(); strings.Contains(metadata, "reindex") {
		t.Error("/metadata tells of a reindex that is not there")
	}
}
