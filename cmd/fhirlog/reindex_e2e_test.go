package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// nickParameter is a search parameter of Patients.
const nickParameter = `{"resourceType":"SearchParameter","id":"nick","url":"http://a.example/SearchParameter/nick","name":"nick","status":"active",
	"description":"given names","code":"nick","base":["Patient"],"type":"string","expression":"Patient.name.given"}`

// total is the number of matches of a search.
func (s *server) total(path string, headers ...string) int {
	s.t.Helper()
	var bundle struct {
		Total int `json:"total"`
	}
	a := s.must(200, "GET", path, "", headers...)
	if err := json.Unmarshal(a.body, &bundle); err != nil {
		s.t.Fatal(err)
	}
	return bundle.Total
}

// jobValue is the value of a parameter in what is told of a job, as JSON.
func (s *server) jobValue(path, name string) string {
	s.t.Helper()
	var p struct {
		Parameter []map[string]json.RawMessage `json:"parameter"`
	}
	if err := json.Unmarshal(s.must(200, "GET", path, "").body, &p); err != nil {
		s.t.Fatal(err)
	}
	for _, one := range p.Parameter {
		if string(one["name"]) == `"`+name+`"` {
			for member, value := range one {
				if member != "name" {
					return string(value)
				}
			}
		}
	}
	return ""
}

// await asks until the answer is what is waited for.
func (s *server) await(path, name, value string) {
	s.t.Helper()
	got := ""
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if got = s.jobValue(path, name); got == value {
			return
		}
	}
	s.t.Fatalf("%s of %s stays %s, want %s\n%s", name, path, got, value, s.stderr.String())
}

// givenNames writes n Patients called Ann, Ben or Cem by turns.
func (s *server) givenNames(n int) {
	s.t.Helper()
	names := [...]string{"Ann", "Ben", "Cem"}
	for n > 0 {
		var entries []string
		for range min(n, 3000) {
			entries = append(entries, fmt.Sprintf(`{"request":{"method":"POST","url":"Patient"},"resource":{"resourceType":"Patient","name":[{"given":[%q]}]}}`, names[n%3]))
			n--
		}
		s.must(200, "POST", "", `{"resourceType":"Bundle","type":"transaction","entry":[`+strings.Join(entries, ",")+`]}`)
	}
}

// TestReindexSurvivesAKill: the server is killed while it indexes what a search
// parameter was defined too late for. It goes on at the next start, and then finds
// everything, also as of the time before.
func TestReindexSurvivesAKill(t *testing.T) {
	s := startServer(t, t.TempDir())
	const before, after = 33_000, 300
	s.givenNames(before)
	s.must(201, "PUT", "/SearchParameter/nick", nickParameter)
	s.givenNames(after)
	const search = "/Patient?nick=Ann&_total=accurate&_count=1"
	if got := s.total(search, "x-ms-use-partial-indices: "); got != after/3 {
		t.Errorf("before the reindex %d are found in the partial index, want %d", got, after/3)
	}
	s.must(400, "GET", search, "", "Prefer: handling=strict")
	begun := s.must(201, "POST", "/$reindex", `{"resourceType":"Parameters","parameter":[{"name":"queryDelayIntervalInMilliseconds","valueInteger":1500}]}`)
	link := begun.header.Get("Content-Location")
	job, found := strings.CutPrefix(link, s.base)
	if !found {
		t.Fatalf("Content-Location: %s", link)
	}
	for s.jobValue(job, "resourcesSuccessfullyReindexed") == "0" {
		time.Sleep(5 * time.Millisecond)
	}
	if progress := s.jobValue(job, "progress"); progress == "100.0" || progress == "0.0" {
		t.Errorf("progress is %s while it runs", progress)
	}
	s.must(409, "DELETE", "/SearchParameter/nick", "")
	s.must(409, "PUT", "/SearchParameter/nick", strings.Replace(nickParameter, "given names", "others", 1))
	s.kill()

	s = startServer(t, s.data)
	s.givenNames(3)
	s.await(job, "status", `"Completed"`)
	if done := s.jobValue(job, "resourcesSuccessfullyReindexed"); done != fmt.Sprint(before) {
		t.Errorf("%s resources are said to be done, want %d", done, before)
	}
	if got, want := s.total(search), (before+after+3)/3; got != want {
		t.Errorf("after the reindex %d are found, want %d", got, want)
	}
	const earlier = 15_000 // the end of a commit
	if got := s.total(search + "&_asOf=" + fmt.Sprint(earlier-1)); got != earlier/3 {
		t.Errorf("as of a time before the parameter %d are found, want %d", got, earlier/3)
	}
	s.must(405, "GET", "/$reindex", "")
	s.kill()

	s = startServer(t, s.data) // what the kill took of the index is made up for
	if got, want := s.total(search), (before+after+3)/3; got != want {
		t.Errorf("after a second kill %d are found, want %d", got, want)
	}
	s.must(204, "DELETE", "/SearchParameter/nick", "")
	begun = s.must(201, "POST", "/$reindex", "")
	s.await(strings.TrimPrefix(begun.header.Get("Content-Location"), s.base), "status", `"Completed"`)
	states := s.must(200, "GET", "/SearchParameter/$status?url=http://a.example/SearchParameter/nick", "")
	if !strings.Contains(string(states.body), `"Deleted"`) {
		t.Errorf("the state of a deleted parameter is %s", states.body)
	}
	s.stop()
	checkProjections(t, s.data)
}

// TestReindexCanBeCanceled while it waits between two blocks. It is the active
// job until then, and the next one need not wait for it.
func TestReindexCanBeCanceled(t *testing.T) {
	s := startServer(t, t.TempDir())
	s.givenNames(18_000)
	s.must(201, "PUT", "/SearchParameter/nick", nickParameter)
	const slow = `{"resourceType":"Parameters","parameter":[{"name":"queryDelayIntervalInMilliseconds","valueInteger":500000}]}`
	begun := s.must(201, "POST", "/$reindex", slow)
	link := begun.header.Get("Content-Location")
	job := strings.TrimPrefix(link, s.base)
	for s.jobValue(job, "resourcesSuccessfullyReindexed") == "0" {
		time.Sleep(5 * time.Millisecond)
	}
	if again := s.must(201, "POST", "/$reindex", ""); again.header.Get("Content-Location") != link {
		t.Errorf("while %s is active, another begins: %s", link, again.header.Get("Content-Location"))
	}
	if active, id := s.jobValue("/$reindex", "id"), s.jobValue(job, "id"); active != id {
		t.Errorf("the active job is %s, want %s", active, id)
	}
	s.must(409, "PUT", "/SearchParameter/$status", `{"resourceType":"Parameters","parameter":[{"name":"searchParameterStatus",`+
		`"part":[{"name":"url","valueUri":"http://a.example/SearchParameter/nick"},{"name":"status","valueString":"Disabled"}]}]}`)
	s.must(202, "DELETE", job, "")
	s.await(job, "status", `"Canceled"`)
	s.must(400, "DELETE", job, "")
	s.must(400, "GET", "/Patient?nick=Ann", "", "Prefer: handling=strict")

	next := strings.TrimPrefix(s.must(201, "POST", "/$reindex", "").header.Get("Content-Location"), s.base)
	s.await(next, "status", `"Completed"`)
	if got := s.total("/Patient?nick=Ann&_total=accurate&_count=1"); got != 6000 {
		t.Errorf("%d are found, want 6000", got)
	}
	s.stop()
	checkProjections(t, s.data)
}

// TestSearchParametersAreValidated for single requests, in Bundles, and by
// criteria.
func TestSearchParametersAreValidated(t *testing.T) {
	s := startServer(t, t.TempDir())
	s.must(201, "PUT", "/SearchParameter/nick", nickParameter)
	body := func(id string, replace ...string) string {
		return strings.NewReplacer(append(replace, `"id":"nick"`, `"id":"`+id+`"`)...).Replace(nickParameter)
	}
	other := []string{"SearchParameter/nick\"", "SearchParameter/other\"", `"code":"nick"`, `"code":"other"`}
	wrong := body("b", append(other, "Patient.name.given", "Patient.nonsense")...)
	standard := body("c", "http://a.example/SearchParameter/nick", "http://hl7.org/fhir/SearchParameter/individual-birthdate")
	for _, try := range []struct {
		status             int
		method, path, body string
		header             string
	}{
		{400, "PUT", "/SearchParameter/b", wrong, ""},
		{400, "POST", "/SearchParameter", wrong, ""},
		{400, "POST", "/SearchParameter", wrong, "If-None-Exist: url=http://a.example/SearchParameter/other"},
		{400, "PUT", "/SearchParameter?url=http://a.example/SearchParameter/other", wrong, ""},
		{400, "POST", "/SearchParameter", body("b"), ""},
		{405, "PUT", "/SearchParameter/c", standard, ""},
		{400, "POST", "/SearchParameter", standard, ""},
		{400, "POST", "", `{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"PUT","url":"SearchParameter/b"},"resource":` + wrong + `}]}`, ""},
		{400, "POST", "", `{"resourceType":"Bundle","type":"transaction","entry":[` +
			`{"request":{"method":"PUT","url":"SearchParameter/d"},"resource":` + body("d", other...) + `},` +
			`{"request":{"method":"PUT","url":"SearchParameter/e"},"resource":` + body("e", other...) + `}]}`, ""},
		{200, "POST", "/SearchParameter", body("b"), "If-None-Exist: url=http://a.example/SearchParameter/nick"},
		{200, "PUT", "/SearchParameter/nick", nickParameter, ""},
	} {
		headers := []string{}
		if try.header != "" {
			headers = append(headers, try.header)
		}
		s.must(try.status, try.method, try.path, try.body, headers...)
	}
	batch := s.must(200, "POST", "", `{"resourceType":"Bundle","type":"batch","entry":[`+
		`{"request":{"method":"PUT","url":"SearchParameter/b"},"resource":`+wrong+`},`+
		`{"request":{"method":"PUT","url":"SearchParameter/d"},"resource":`+body("d", other...)+`}]}`)
	if text := string(batch.body); !strings.Contains(text, `"400 Bad Request"`) || !strings.Contains(text, `"201 Created"`) {
		t.Errorf("a batch with a good and a wrong search parameter: %s", text)
	}
	if got := s.total("/SearchParameter?_total=accurate"); got != 2 {
		t.Errorf("%d search parameters are there, want 2", got)
	}
	s.stop()
}
