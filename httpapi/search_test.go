package httpapi

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"fhirlog/domain"
)

// found lists the entries of a searchset by their mode: ids of matches, then ids
// of what they include after a plus. An outcome is an exclamation mark.
func (a *answer) found() string {
	a.t.Helper()
	entries, _ := a.at("entry").([]any)
	var list []string
	for i := range entries {
		switch a.string("entry", i, "search", "mode") {
		case "outcome":
			list = append(list, "!")
		case "include":
			list = append(list, "+"+a.string("entry", i, "resource", "id"))
		default:
			list = append(list, a.string("entry", i, "resource", "id"))
		}
	}
	return strings.Join(list, " ")
}

func (a *answer) wantFound(want string) *answer {
	a.t.Helper()
	if got := a.want(200).found(); got != want {
		a.t.Fatalf("%s: found %q, want %q; body %.2000s", a.request, got, want, a.Body)
	}
	return a
}

// issues lists severity and code of the issues in the first entry.
func (a *answer) issues() string {
	a.t.Helper()
	issues, _ := a.at("entry", 0, "resource", "issue").([]any)
	var list []string
	for i := range issues {
		list = append(list, a.string("entry", 0, "resource", "issue", i, "severity")+" "+a.string("entry", 0, "resource", "issue", i, "code"))
	}
	return strings.Join(list, ", ")
}

// query decodes the query of a link.
func (a *answer) query(relation string) url.Values {
	a.t.Helper()
	u, err := url.Parse(a.link(relation))
	if err != nil {
		a.t.Fatal(err)
	}
	return u.Query()
}

// ward fills a service with patients and observations of them. Positions 0 to 9.
func ward(t testing.TB, o Options) *service {
	sv := newService(t, o)
	for _, line := range []string{ // each takes a second of the model's time
		`{"resourceType":"Patient","id":"a","active":true,"gender":"male","birthDate":"1970-01-01","name":[{"family":"Abel"}],"identifier":[{"system":"urn:x","value":"1"}]}`,
		`{"resourceType":"Patient","id":"b","active":true,"gender":"female","birthDate":"1980-05-05","name":[{"family":"Baker"}],"identifier":[{"system":"urn:x","value":"2"}],"generalPractitioner":[{"reference":"Practitioner/p"}]}`,
		`{"resourceType":"Patient","id":"c","active":false,"gender":"female","name":[{"family":"Abelard"}],"identifier":[{"system":"urn:x","value":"2"}]}`,
		`{"resourceType":"Practitioner","id":"p","active":true,"name":[{"family":"Quack"}]}`,
		observation("o1", "a", "8867-4"), observation("o2", "b", "8867-4"), observation("o3", "b", "29463-7"),
		`{"resourceType":"Patient","id":"c","active":true,"gender":"other","name":[{"family":"Zeno"}]}`,
	} {
		typ, _, _ := strings.Cut(line[len(`{"resourceType":"`):], `"`)
		_, id, _ := strings.Cut(line, `"id":"`)
		id, _, _ = strings.Cut(id, `"`)
		if a := sv.do("PUT /fhir/"+typ+"/"+id, line); a.Code >= 300 {
			t.Fatalf("%s: %d %s", line, a.Code, a.Body)
		}
	}
	sv.do("PUT /fhir/Patient/gone", patient("gone", `"active":true`)).want(201)
	sv.do("DELETE /fhir/Patient/gone").want(204)
	return sv
}

func observation(id, patient, code string) string {
	return `{"resourceType":"Observation","id":"` + id + `","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"` + code + `"}]},"subject":{"reference":"Patient/` + patient + `"},"effectiveDateTime":"2026-01-0` + id[1:] + `"}`
}

func TestSearch(t *testing.T) {
	sv := ward(t, Options{})
	t.Run("the Bundle", func(t *testing.T) {
		a := sv.do("GET /fhir/Patient?name=abel").wantFound("a").wantAt("Bundle", "resourceType").wantAt("searchset", "type").wantAt("request-1", "id").wantAt(1.0, "total")
		a.wantAt("2026-01-01T00:00:10.000Z", "meta", "lastUpdated").wantAt("http://example.com/fhir/Patient/a", "entry", 0, "fullUrl").wantAt("match", "entry", 0, "search", "mode")
		a.wantAt("1", "entry", 0, "resource", "meta", "versionId").header("Etag", "").header("Last-Modified", "").header("Content-Type", contentTypeFHIR[0])
		if got := a.link("self"); got != "/fhir/Patient?name=abel" {
			t.Errorf("self is %s", got)
		}
	})
	sv.do("PUT /fhir/List/l", `{"resourceType":"List","id":"l","status":"current","mode":"working","entry":[{"item":{"reference":"Patient/a"}},{"item":{"reference":"Patient/b"},"deleted":true},{"item":{"reference":"Patient/c"}}]}`).want(201)
	for _, c := range []struct{ line, want string }{
		{"/Patient", "a b c"},
		{"/Patient?gender=female", "b"},
		{"/Patient?gender=female,male", "a b"},
		{"/Patient?gender=female&gender=female", "b"},
		{"/Patient?gender:not=female", "a c"},
		{"/Patient?birthdate=lt1975", "a"},
		{"/Patient?birthdate:missing=true", "c"},
		{"/Patient?identifier=urn:x|2", "b"},
		{"/Patient?name:exact=abel", ""},
		{"/Patient?_id=c,b,gone", "b c"},
		{"/Patient?_lastUpdated=gt2026-01-01T00:00:05Z", "c"},
		{"/Patient?_has:Observation:subject:code=29463-7", "b"},
		{"/Observation?subject=Patient/b", "o2 o3"},
		{"/Observation?subject:Patient.name=baker&code=8867-4", "o2"},
		{"/Observation?patient:Patient.gender=male", "o1"},
		{"/Patient?_sort=-birthdate", "b a c"},
		{"/Patient?_sort=birthdate", "c a b"},
		{"/Patient?_sort=-_lastUpdated", "c b a"},
		{"/?_type=Patient,Practitioner&_id=a,p,o1", "a p"},
		{"?_id=a,p,o1", "a p o1"},
		{"/Patient/b/Observation", "o2 o3"},
		{"/Patient/b/Observation?code=29463-7", "o3"},
		{"/Patient/none/Observation", ""},
		{"/Practitioner/p/Patient", "b"},
		{"/Observation?_include=Observation:subject&code=29463-7", "o3 +b"},
		{"/Patient?_revinclude=Observation:subject&_id=b", "b +o2 +o3"},
		{"/Observation?_include=Observation:subject&_include:iterate=Patient:general-practitioner&_id=o3", "o3 +b +p"},
		{"/Patient?_include=Patient:general-practitioner&_id=a", "a"},
		{"/Patient?_list=l", "a c"},
		{"/Patient?_not-referenced=*:*", ""},
		{"/Patient?_not-referenced=Observation:subject", "c"},
		{"/Patient?_filter=gender eq male or birthdate gt 1975", "a b"},
	} {
		t.Run("GET "+c.line, func(t *testing.T) { sv.do("GET /fhir" + strings.ReplaceAll(c.line, " ", "%20")).wantFound(c.want) })
	}
	t.Run("an empty result has no entry", func(t *testing.T) {
		sv.do("GET /fhir/Patient?name=nobody").want(200).wantAt(nil, "entry").wantAt(0.0, "total")
	})
	t.Run("shapes", func(t *testing.T) {
		a := sv.do("GET /fhir/Patient?_id=a&_elements=gender&_pretty=true").wantFound("a").wantAt("SUBSETTED", "entry", 0, "resource", "meta", "tag", 0, "code").wantAt("male", "entry", 0, "resource", "gender")
		if a.at("entry", 0, "resource", "birthDate") != nil || !strings.Contains(a.Body.String(), "\n  \"entry\": [\n") {
			t.Errorf("body %s", a.Body)
		}
		if q := a.query("self"); q.Get("_elements") != "gender" || q.Get("_pretty") != "true" {
			t.Errorf("self is %v", q)
		}
		sv.do("GET /fhir/Patient?_summary=true").wantFound("a b c").wantAt("SUBSETTED", "entry", 0, "resource", "meta", "tag", 0, "code")
		sv.do("GET /fhir/Patient?_summary=true&_elements=name").want(400, "invalid")
	})
	t.Run("HEAD and conditions", func(t *testing.T) {
		sv.do("HEAD /fhir/Patient").want(200).body("")
		sv.do("GET /fhir/Patient", "If-None-Match: *", "If-Modified-Since: Thu, 01 Jan 2099 00:00:00 GMT").wantFound("a b c")
	})
	t.Run("plain JSON", func(t *testing.T) {
		sv.do("GET /fhir/Patient", "Accept: application/json").want(200).header("Content-Type", contentTypeJSON[0])
		sv.do("GET /fhir/Patient?_format=xml").want(200).header("Content-Type", "application/fhir+xml; charset=utf-8")
	})
	t.Run("the searcher fails", func(t *testing.T) {
		sv.model.fail = errors.New("disk gone")
		defer func() { sv.model.fail = nil }()
		sv.do("GET /fhir/Patient").want(500, "exception")
	})
}

func TestSearchFaults(t *testing.T) {
	sv := ward(t, Options{})
	for _, line := range []string{
		"/Patient?birthdate=never", "/Patient?birthdate=xx2020", "/Patient?gender:above=x", "/Patient?name:missing=maybe", "/Patient?name:nonsense=x",
		"/Observation?code.name=x", "/Observation?subject.birthdate=x", "/Patient?_count=-1", "/Patient?_count=x", "/Patient?_count=1&_count=2", "/Patient?_total=many", "/Patient?_summary=x",
		"/Patient?_include=Patient", "/Patient?_include=Patient:nonsense", "/Patient?_includesCount=0", "/Patient?_includesCount=x",
		"/Patient?ct=", "/Patient?ct=x", "/Patient?ct=a&ct=b", "/Patient?_asOf=x", "/Patient?_asOf=1&_asOf=2", "/Patient/a b/Observation",
		"/Patient/$includes", "/Patient/$includes?_include=Patient:organization", "/Patient/$includes?includesCt=x", "/$includes?includesCt=x",
	} {
		t.Run(line, func(t *testing.T) {
			a := sv.do("GET /fhir"+strings.ReplaceAll(line, " ", "%20")).want(400).wantAt("OperationOutcome", "resourceType")
			if a.string("issue", 0, "diagnostics") == "" {
				t.Error("no reason is given")
			}
		})
	}
	t.Run("unknown parameters are left out and told", func(t *testing.T) {
		a := sv.do("GET /fhir/Patient?nonsense=1&gender=male&_count=5&=x&empty=").wantFound("! a").wantAt("OperationOutcome", "entry", 0, "resource", "resourceType").wantAt(nil, "entry", 0, "fullUrl")
		if issues := a.issues(); !strings.HasPrefix(issues, "warning not-supported") {
			t.Errorf("issues %s", issues)
		}
		for _, relation := range []string{"self", "first"} {
			if q := a.query(relation); q.Has("nonsense") || q.Has("empty") || q.Get("gender") != "male" || q.Get("_count") != "5" {
				t.Errorf("%s is %v", relation, q)
			}
		}
		sv.do("GET /fhir/Patient?nonsense=1&gender=male", "Prefer: handling=strict").want(400)
		sv.do("GET /fhir/Patient?gender=male&_count=3&_pretty=true&_format=json", "Prefer: handling=strict").wantFound("a")
	})
	t.Run("includesCt belongs elsewhere", func(t *testing.T) {
		a := sv.do("GET /fhir/Patient?gender=male&includesCt=x").wantFound("! a")
		if a.issues() != "information informational" || a.query("self").Has("includesCt") {
			t.Errorf("issues %s, self %v", a.issues(), a.query("self"))
		}
		sv.do("GET /fhir/Patient?gender=male&includesCt=x", "Prefer: handling=strict").want(400, "invalid")
	})
}

func TestSearchTotals(t *testing.T) {
	sv := ward(t, Options{})
	for _, c := range []struct {
		query string
		total any
		found string
	}{
		{"", 3.0, "a b"},
		{"_total=accurate", 3.0, "a b"},
		{"_total=estimate", 3.0, "a b"},
		{"_total=none", nil, "a b"},
		{"birthdate=gt1900&_total=accurate", 2.0, "a b"},
		{"_summary=count", 3.0, ""},
		{"_count=0", 3.0, ""},
		{"_count=0&_total=none", 3.0, ""},
		{"birthdate=gt1900&_count=0", 2.0, ""},
	} {
		t.Run(c.query, func(t *testing.T) {
			query := c.query
			if !strings.Contains(query, "_count") {
				query = "_count=2&" + query
			}
			a := sv.do("GET /fhir/Patient?"+query).wantFound(c.found).wantAt(c.total, "total")
			if c.found == "" && (a.link("self") == "" || a.link("first") != "" || a.link("next") != "") {
				t.Errorf("links %v", a.at("link"))
			}
			if next := a.link("next"); next != "" {
				sv.do("GET "+next).wantFound(strings.TrimSpace(strings.TrimPrefix("c", "b"))).wantAt(c.total, "total")
			}
		})
	}
	t.Run("not counted where that takes a walk", func(t *testing.T) {
		sv.do("GET /fhir/Patient?birthdate=gt1900&_count=1").wantFound("a").wantAt(nil, "total")
		sv.model.asked = nil
		sv.do("GET /fhir/Patient?birthdate=gt1900").wantFound("a b")
		sv.do("GET /fhir/Patient?gender=male").wantFound("a")
		if asked := sv.model.asked; asked[0].Total != !asked[0].Query.Walks || !asked[1].Total {
			t.Errorf("totals asked for: %v, %v", asked[0].Total, asked[1].Total)
		}
	})
	t.Run("known where one page has all", func(t *testing.T) {
		sv.do("GET /fhir/Patient?birthdate=gt1900").wantFound("a b").wantAt(2.0, "total")
		sv.do("GET /fhir/Patient?birthdate=gt2900").wantFound("").wantAt(0.0, "total")
		sv.do("GET /fhir/Patient?birthdate=gt1900&_total=none").wantFound("a b").wantAt(nil, "total")
		a := sv.do("GET /fhir/Patient?birthdate=gt1900&_count=1")
		sv.do("GET "+a.link("next")).wantFound("b").wantAt(nil, "total")
	})
	t.Run("a large _count", func(t *testing.T) {
		a := sv.do("GET /fhir/Patient?_count=5000").wantFound("! a b c")
		if !strings.HasPrefix(a.issues(), "warning ") || a.query("self").Get("_count") != "1000" || sv.model.asked[len(sv.model.asked)-1].Count != 1000 {
			t.Errorf("issues %s, self %v", a.issues(), a.query("self"))
		}
	})
}

// TestLargeSearch writes more than is gathered before it is sent.
func TestLargeSearch(t *testing.T) {
	sv := newService(t, Options{})
	for i := range 200 {
		id := fmt.Sprintf("b%d", i)
		sv.do("PUT /fhir/Basic/"+id, `{"resourceType":"Basic","id":"`+id+`","code":{"text":"`+strings.Repeat("x", 1000)+`"}}`).want(201)
	}
	a := sv.do("GET /fhir/Basic?_count=150").want(200).header("Content-Length", "")
	if n := len(strings.Fields(a.found())); n != 150 || a.link("next") == "" {
		t.Errorf("%d entries, links %v", n, a.at("link"))
	}
	z := sv.do("GET /fhir/Basic?_count=150", "Accept-Encoding: gzip").want(200).header("Content-Encoding", "gzip")
	if got := unzipped(t, z.Body.Bytes()); len(got) != a.Body.Len() {
		t.Errorf("compressed answer of %d bytes, want %d", len(got), a.Body.Len())
	}
	reads := 0
	sv.model.onRead = func(uint64) { reads++ }
	sv.do("HEAD /fhir/Basic?_count=150").want(200).body("")
	if reads > 100 {
		t.Errorf("%d versions read for an answer without body", reads)
	}
}

func TestExplain(t *testing.T) {
	sv := ward(t, Options{})
	a := sv.do("GET /fhir/Patient?gender=male&_explain=true").wantFound("! a")
	if a.issues() != "information informational, information informational, information informational" {
		t.Errorf("issues %s", a.issues())
	}
	a.wantAt("Patient: Patient.gender=male·…", "entry", 0, "resource", "issue", 0, "diagnostics")
	a.wantAt("found 1", "entry", 0, "resource", "issue", 2, "diagnostics")
	ids := "a"
	for i := range 300 {
		ids += fmt.Sprintf(",somebody%d", i)
	}
	a = sv.do("GET /fhir/Patient?_explain=true&_id=" + ids).wantFound("! a")
	if line := a.string("entry", 0, "resource", "issue", 0, "diagnostics"); len(line) > 2*longestExplanation || !strings.HasSuffix(line, "…") {
		t.Errorf("a line of %d bytes", len(line))
	}
	a = sv.do("GET /fhir/Patient/a/*?_explain=true&_count=1").wantFound("! o1") // in all types of the compartment
	issues, _ := a.at("entry", 0, "resource", "issue").([]any)
	if len(issues) != mostExplanations+1+2 {
		t.Errorf("%d lines", len(issues))
	}
	a.wantAt("found 1", "entry", 0, "resource", "issue", len(issues)-1, "diagnostics")
	sv.do("GET /fhir/Patient?gender=male&_explain=false").wantFound("a")
}

func TestWithheldSearch(t *testing.T) {
	sv := ward(t, Options{Withheld: map[domain.ResourceType][]string{"Patient": {"search-type"}}})
	for _, line := range []string{"GET /fhir/Patient", "POST /fhir/Patient/_search", "GET /fhir", "POST /fhir/_search", "GET /fhir/Patient/a/*", "GET /fhir/Practitioner/p/Patient",
		"GET /fhir/Patient/$includes", "DELETE /fhir/Patient?name=x"} {
		sv.do(line).want(405, "forbidden")
	}
	sv.do("PUT /fhir/Patient?identifier=1", `{"resourceType":"Patient"}`).want(405, "forbidden")
	sv.do("POST /fhir/Patient", "If-None-Exist: identifier=1", `{"resourceType":"Patient"}`).want(405, "forbidden")
	sv.do("GET /fhir/Patient/b/Observation").wantFound("o2 o3")
	sv.do("GET /fhir/Observation").wantFound("o1 o2 o3")
}
