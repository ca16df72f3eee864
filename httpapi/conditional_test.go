package httpapi

import (
	"fmt"
	"strings"
	"testing"

	"fhirlog/domain/event"
)

// siblings has a patient with identifier 1 and two with identifier 2.
func siblings(t testing.TB) *service {
	sv := newService(t, Options{})
	for id, number := range map[string]string{"one": "1", "two": "2", "too": "2"} {
		sv.do("PUT /fhir/Patient/"+id, numbered(id, number)).want(201)
	}
	return sv
}

func numbered(id, number string) string {
	text := `{"resourceType":"Patient"`
	if id != "" {
		text += `,"id":"` + id + `"`
	}
	return text + `,"identifier":[{"system":"urn:x","value":"` + number + `"}]}`
}

func TestConditionalCreate(t *testing.T) {
	for _, c := range []struct {
		criteria string
		status   int
		code     string
	}{
		{"identifier=urn:x|3", 201, ""},
		{"identifier=urn:x|1", 200, ""},
		{"?identifier=urn:x%7C1", 200, ""},
		{"identifier=urn:x|1&_id=two", 201, ""},
		{"identifier=urn:x|2", 412, "required"},
		{"&", 400, "invalid"},
		{"", 400, "invalid"},
		{"identifier=", 412, "required"},
		{"nonsense=1", 400, ""},
		{"identifier=urn:x|1&nonsense=1", 400, ""},
		{"identifier=urn:x|1&gender=", 400, ""},
		{"identifier=a|b|c", 400, ""},
		{"birthdate=never", 400, ""},
		{"identifier=urn:x|1&_sort=name", 400, ""},
		{"identifier=%zz", 400, "invalid"},
	} {
		t.Run(c.criteria, func(t *testing.T) {
			sv := siblings(t)
			before := sv.model.commits
			a := sv.do("POST /fhir/Patient", "If-None-Exist: "+c.criteria, `{"resourceType":"Patient","active":true}`).want(c.status)
			switch c.status {
			case 200:
				a.header("Location", "http://example.com/fhir/Patient/one/_history/1").header("Etag", `W/"1"`).wantAt("one", "id")
				if a.Header().Get("Last-Modified") == "" {
					t.Error("no Last-Modified")
				}
			case 201:
				a.wantAt(true, "active").header("Etag", `W/"1"`)
			default:
				if c.code != "" {
					a.want(c.status, c.code)
				}
				if c.status != 412 && sv.model.commits != before {
					t.Error("something was committed")
				}
			}
		})
	}
	t.Run("what is preferred", func(t *testing.T) {
		sv := siblings(t)
		line := []string{"If-None-Exist: identifier=urn:x|1", `{"resourceType":"Patient"}`}
		sv.do("POST /fhir/Patient", append(line, "Prefer: return=minimal")...).want(200).body("")
		a := sv.do("POST /fhir/Patient", append(line, "Prefer: return=OperationOutcome")...).want(200, "informational")
		if m := a.string("issue", 0, "details", "text"); !strings.Contains(m, "already existing") {
			t.Error(m)
		}
		sv.do("POST /fhir/Patient", append(line, "Prefer: handling=strict")...).want(200)
	})
	t.Run("the command", func(t *testing.T) {
		sv := siblings(t)
		sv.do("POST /fhir/Patient", "If-None-Exist: identifier=urn:x|1", `{"resourceType":"Patient"}`).want(200)
		c := sv.model.commands[0]
		if c.Interaction != event.Create || c.Criteria == nil || c.Criteria.Criteria != 1 || c.ID != "new1" && c.ID != "" {
			t.Errorf("command %+v", c)
		}
		sv.do("POST /fhir/Patient?identifier=urn:x|1", `{"resourceType":"Patient"}`).want(201) // only the header is a condition
	})
}

func TestConditionalUpdate(t *testing.T) {
	for _, c := range []struct {
		query, body string
		headers     []string
		status      int
		code        string
		id          string // of the resource answered, "*" for any
	}{
		{"identifier=urn:x|3", numbered("", "3"), nil, 201, "", "*"},
		{"identifier=urn:x|3", numbered("mine", "3"), nil, 201, "", "mine"},
		{"identifier=urn:x|1", `{"resourceType":"Patient","active":true}`, nil, 200, "", "one"},
		{"identifier=urn:x|1", numbered("one", "9"), nil, 200, "", "one"},
		{"identifier=urn:x|1", numbered("two", "1"), nil, 400, "invalid", ""},
		{"identifier=urn:x|2", numbered("", "2"), nil, 412, "required", ""},
		{"identifier=urn:x|1", numbered("", "9"), []string{`If-Match: W/"1"`}, 200, "", "one"},
		{"identifier=urn:x|1", numbered("", "9"), []string{`If-Match: W/"7"`}, 412, "conflict", ""},
		{"identifier=urn:x|1", numbered("", "9"), []string{"If-None-Match: *"}, 412, "required", ""},
		{"identifier=urn:x|1", numbered("", "9"), []string{"If-Match: 1"}, 400, "invalid", ""},
		{"identifier=urn:x|1&_meta-history=false&_pretty=true&_format=json", numbered("", "9"), nil, 200, "", "one"},
		{"identifier=urn:x|1", numbered("", "9"), []string{"Prefer: handling=strict"}, 200, "", "one"},
		{"", numbered("", "9"), nil, 400, "invalid", ""},
		{"_pretty=true", numbered("", "9"), nil, 400, "invalid", ""},
		{"identifier=", numbered("", "9"), nil, 412, "required", ""},
		{"nonsense=1", numbered("", "9"), nil, 400, "", ""},
		{"identifier=urn:x|1&nonsense=1", numbered("", "9"), nil, 400, "", ""},
		{"identifier=urn:x|1&_meta-history=0", numbered("", "9"), nil, 400, "invalid", ""},
		{"identifier=urn:x|1", `{"resourceType":"Group"}`, nil, 400, "", ""},
		{"identifier=urn:x|1", "", []string{"Content-Type: application/fhir+json"}, 400, "invalid", ""},
	} {
		t.Run(c.query+" "+strings.Join(c.headers, " "), func(t *testing.T) {
			sv := siblings(t)
			more := c.headers
			if c.body != "" {
				more = append(more, c.body)
			}
			a := sv.do("PUT /fhir/Patient?"+c.query, more...).want(c.status)
			if c.code != "" {
				a.want(c.status, c.code)
			}
			if c.id != "" && c.id != "*" {
				a.wantAt(c.id, "id")
			}
			if located := a.Header().Get("Location") != ""; located != (c.status == 201) {
				t.Errorf("Location given: %v", located)
			}
		})
	}
}

func TestConditionalDelete(t *testing.T) {
	for _, c := range []struct {
		query  string
		status int
		code   string
		etag   string
		items  string
		left   int // of three
	}{
		{"identifier=urn:x|1", 204, "", `W/"2"`, "", 2},
		{"identifier=urn:x|9", 204, "", "", "", 3},
		{"identifier=urn:x|2", 412, "required", "", "", 3},
		{"identifier=urn:x|2&_count=1", 412, "required", "", "", 3},
		{"identifier=urn:x|1&_count=1", 204, "", `W/"2"`, "1", 2},
		{"identifier=urn:x|2&_count=2", 204, "", "", "2", 1},
		{"identifier=urn:x|1,urn:x|2&_count=2", 204, "", "", "2", 1},
		{"identifier=urn:x|1,urn:x|2&_count=100", 204, "", "", "3", 0},
		{"identifier=urn:x|9&_count=100", 204, "", "", "0", 3},
		{"identifier=urn:x|1&hardDelete=true", 204, "", "", "", 2},
		{"identifier=urn:x|2&_hardDelete=true&_count=10&_pretty=true", 204, "", "", "2", 1},
		{"identifier=urn:x|1&_count=0", 400, "invalid", "", "", 3},
		{"identifier=urn:x|1&_count=101", 400, "invalid", "", "", 3},
		{"identifier=urn:x|1&_count=-1", 400, "invalid", "", "", 3},
		{"identifier=urn:x|1&_count=many", 400, "invalid", "", "", 3},
		{"identifier=urn:x|1&hardDelete=1", 400, "invalid", "", "", 3},
		{"", 400, "invalid", "", "", 3},
		{"hardDelete=true", 412, "required", "", "", 3},
		{"_count=100", 412, "required", "", "", 3},
		{"_tag=", 412, "required", "", "", 3},
		{"nonsense=1", 400, "", "", "", 3},
		{"identifier=urn:x|1&nonsense=1", 400, "", "", "", 3},
		{"identifier=urn:x|1&_tag=", 400, "", "", "", 3},
		{"identifier:nonsense=1", 400, "", "", "", 3},
	} {
		t.Run(c.query, func(t *testing.T) {
			sv := siblings(t)
			a := sv.do("DELETE /fhir/Patient?"+c.query).want(c.status).header("Etag", c.etag).header("Items-Deleted", c.items)
			if c.code != "" {
				a.want(c.status, c.code)
			}
			sv.do("GET /fhir/Patient?_summary=count").wantAt(float64(c.left), "total")
		})
	}
	t.Run("what is preferred", func(t *testing.T) {
		sv := siblings(t)
		a := sv.do("DELETE /fhir/Patient?identifier=urn:x|2&_count=9", "Prefer: return=OperationOutcome, handling=strict").want(200, "informational").header("Items-Deleted", "2")
		if m := a.string("issue", 0, "diagnostics"); !strings.HasSuffix(m, ": 2.") {
			t.Error(m)
		}
		sv.do("DELETE /fhir/Patient?identifier=urn:x|1", `If-Match: "1"`).want(400, "invalid")
		sv.do("DELETE /fhir/Patient?identifier=urn:x|1", "If-None-Match: *").want(400, "invalid")
	})
	t.Run("the command", func(t *testing.T) {
		sv := siblings(t)
		sv.do("DELETE /fhir/Patient?identifier=urn:x|1&_count=7&_revinclude=Observation:subject&_includesCount=5", `If-Match: W/"1"`).want(204)
		c := sv.model.commands[0]
		if c.Interaction != event.Delete || c.Limit != 7 || c.IfMatch == nil || len(c.Criteria.RevInclude) != 1 || c.Criteria.IncludesCount != 5 || c.Criteria.Criteria != 1 {
			t.Errorf("command %+v", c)
		}
	})
	t.Run("erased", func(t *testing.T) {
		sv := siblings(t)
		sv.do("DELETE /fhir/Patient?identifier=urn:x|1&hardDelete=true").want(204)
		sv.do("GET /fhir/Patient/one").want(404)
		if c := sv.model.commands[0]; c.Interaction != event.HardDelete || c.Limit != 0 || c.ID != "" {
			t.Errorf("command %+v", c)
		}
	})
}

func TestConditionalEntries(t *testing.T) {
	sv := siblings(t)
	items := []item{
		{line: "POST Patient", resource: numbered("", "1"), more: `"ifNoneExist":"identifier=urn:x|1"`},
		{line: "POST Patient", resource: numbered("", "5"), more: `"ifNoneExist":"identifier=urn:x|5"`},
		{line: "PUT Patient?identifier=urn:x|1", resource: `{"resourceType":"Patient","gender":"other","identifier":[{"system":"urn:x","value":"1"}]}`},
		{line: "GET Patient?identifier=urn:x|1"},
		{line: "GET Patient/one"},
		{line: "DELETE Patient?identifier=urn:x|9"},
	}
	t.Run("transaction", func(t *testing.T) {
		a := sv.do("POST /fhir", bundleOf("transaction", items...)).wantStatuses("200 201 200 200 200 204")
		a.wantAt("http://example.com/fhir/Patient/one/_history/1", "entry", 0, "response", "location").wantAt(`W/"1"`, "entry", 0, "response", "etag")
		a.wantAt("searchset", "entry", 3, "resource", "type").wantAt("other", "entry", 3, "resource", "entry", 0, "resource", "gender")
		a.wantAt("other", "entry", 4, "resource", "gender") // what the transaction wrote
	})
	t.Run("batch", func(t *testing.T) {
		sv.do("POST /fhir", bundleOf("batch", items...)).wantStatuses("200 200 200 200 200 204")
		sv.do("POST /fhir", bundleOf("batch", item{line: "DELETE Patient?identifier=urn:x|2&_count=7"}, item{line: "DELETE Patient?nonsense=1"},
			item{line: "POST Patient/_search?identifier=urn:x|1"}, item{line: "POST Patient/_search?identifier=urn:x|1", resource: `{"resourceType":"Binary","contentType":"x"}`},
			item{line: "GET Patient?_count=1"}, item{line: "GET ?_type=Patient&_summary=count"}, item{line: "GET Patient/one/*"})).wantStatuses("204 400 200 400 200 200 200")
	})
	t.Run("a failure says nothing of others", func(t *testing.T) {
		sv := siblings(t)
		a := sv.do("POST /fhir", bundleOf("transaction", item{line: "DELETE Patient?identifier=urn:x|2"})).want(412, "processing").wantAt("required", "issue", 1, "code")
		if text := a.Body.String(); strings.Contains(text, "two") || strings.Contains(text, "too") {
			t.Errorf("body %s", text)
		}
		sv.do("POST /fhir", bundleOf("transaction", item{line: "DELETE Patient?identifier=urn:x|2&_count=1"})).want(412)
		sv.do("POST /fhir", bundleOf("transaction", item{line: "DELETE Patient?identifier=urn:x|2&_count=2"})).want(400, "processing")
		sv.do("POST /fhir", bundleOf("transaction", item{line: "DELETE Patient?identifier=urn:x|1&_count=1"})).wantStatuses("204")
	})
	t.Run("a past read in a transaction", func(t *testing.T) {
		sv := siblings(t)
		a := sv.do("POST /fhir", bundleOf("transaction", item{line: "PUT Patient/one", resource: patient("one", "")}, item{line: "GET Patient/one?_asOf=2"}, item{line: "GET Patient/one"})).wantStatuses("200 200 200")
		a.wantAt("1", "entry", 1, "resource", "meta", "versionId").wantAt("2", "entry", 2, "resource", "meta", "versionId")
	})
	t.Run("what a conditional delete removed is gone for the reads", func(t *testing.T) {
		sv := siblings(t)
		sv.do("POST /fhir", bundleOf("transaction", item{line: "DELETE Patient?identifier=urn:x|1"}, item{line: "GET Patient/one"})).wantStatuses("204 410")
	})
	t.Run("long queries", func(t *testing.T) {
		long := "identifier=" + strings.Repeat("a,", longestQuery/2)
		sv.do("POST /fhir", bundleOf("batch", item{line: "GET Patient?" + long}, item{line: "POST Patient", resource: numbered("", "1"), more: `"ifNoneExist":"` + long + `"`})).wantStatuses("400 400")
		many := "identifier=" + strings.Repeat("a,", 5000)
		small := newService(t, Options{MaxBodyBytes: 1 << 20, MaxBodyBytesInFlight: 1 << 20})
		small.do("POST /fhir", bundleOf("batch", item{line: "GET Patient?" + many}, item{line: "GET Patient?" + many}, item{line: "GET Patient?" + many})).want(413, "invalid")
		if n := small.s.bodies.used.Load(); n != 0 {
			t.Errorf("%d bytes are still held", n)
		}
	})
}

// TestBatchKeepsOrder: what is decided by criteria comes out as if the entries
// were carried out one after the other.
func TestBatchKeepsOrder(t *testing.T) {
	sv := newService(t, Options{})
	for round := range 20 {
		number := fmt.Sprint("n", round)
		var items []item
		for range 5 {
			items = append(items, item{line: "POST Patient", resource: `{"resourceType":"Patient"}`})
		}
		items = append(items,
			item{line: "POST Patient", resource: numbered("", number)},
			item{line: "POST Patient", resource: numbered("", number), more: `"ifNoneExist":"identifier=urn:x|` + number + `"`},
			item{line: "POST Patient", resource: numbered("", number)},
			item{line: "POST Patient", resource: numbered("", number), more: `"ifNoneExist":"identifier=urn:x|` + number + `"`},
			item{line: "PUT Patient?identifier=urn:x|other" + number, resource: numbered("", "other"+number)},
			item{line: "PUT Patient?identifier=urn:x|other" + number, resource: numbered("", "other"+number)},
			item{line: "PUT Patient/z", resource: patient("z", "")})
		want := "201 201 201 201 201 201 200 201 412 201 200 200"
		if round == 0 {
			want = "201 201 201 201 201 201 200 201 412 201 200 201"
		}
		sv.do("POST /fhir", bundleOf("batch", items...)).wantStatuses(want)
	}
}

func TestTogether(t *testing.T) {
	sv := newService(t, Options{})
	entryOf := func(line string, i item) *entry {
		text := bundleOf("batch", i)
		content, err := sv.s.parse([]byte(text), "The body")
		if err != nil {
			t.Fatal(err)
		}
		j := &job{s: sv.s, outer: &request{content: content, base: "http://example.com/fhir", memory: &share{of: sv.s.bodies}}}
		if err := j.open(t.Context()); err != nil || j.entries[0].fault != nil {
			t.Fatal(line, err, j.entries[0].fault)
		}
		return &j.entries[0]
	}
	plain := entryOf("plain", item{line: "POST Patient", resource: `{"resourceType":"Patient","name":[{"text":"why?"}]}`})
	create := entryOf("create", item{line: "POST Patient", resource: `{"resourceType":"Patient"}`, more: `"ifNoneExist":"identifier=1"`})
	change := entryOf("update", item{line: "PUT Patient?identifier=1", resource: `{"resourceType":"Patient"}`})
	refers := entryOf("reference", item{line: "POST Patient", resource: `{"resourceType":"Patient","generalPractitioner":[{"reference" : "Practitioner?identifier=1"}]}`})
	for name, c := range map[string]struct {
		entries []*entry
		logic   processingLogic
		want    int
	}{
		"plain":             {[]*entry{plain, plain, plain}, sequential, 3},
		"before a create":   {[]*entry{plain, plain, create}, sequential, 2},
		"a create":          {[]*entry{create, plain, plain}, sequential, 1},
		"before an update":  {[]*entry{plain, change, plain}, sequential, 1},
		"before references": {[]*entry{plain, plain, refers, plain}, sequential, 2},
		"references":        {[]*entry{refers}, sequential, 1},
		"in parallel":       {[]*entry{create, refers, change, plain}, parallel, 4},
		"unknown logic":     {[]*entry{plain, create}, unknownLogic, 1},
	} {
		if got := (&job{logic: c.logic}).together(c.entries); got != c.want {
			t.Errorf("%s: %d together, want %d", name, got, c.want)
		}
	}
}
