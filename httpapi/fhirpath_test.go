package httpapi

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
)

const labPatient = `{"resourceType":"Patient","id":"p","active":true,"birthDate":"1974-12-25","_birthDate":{"extension":[{"url":"http://x","valueDateTime":"1974-12-25T14:35:45-05:00"}]},
	"name":[{"family":"Chalmers","given":["Peter","James"]},{"given":["Jim"]}],"contact":[{"gender":"female"}],"managingOrganization":{"reference":"Organization/o"},"text":{"status":"empty","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"}}`

// asking makes the Parameters of $fhirpath out of strings by name and further
// parameters as JSON.
func asking(expression string, more ...string) string {
	quoted, _ := json.Marshal(expression)
	list := []string{`{"name":"expression","valueString":` + string(quoted) + `}`}
	return `{"resourceType":"Parameters","parameter":[` + strings.Join(append(list, more...), ",") + `]}`
}

const withPatient = `{"name":"resource","resource":` + labPatient + `}`

// resultOf returns the JSON of the parameters after the first, which tells what
// was asked.
func resultOf(a *answer) string {
	a.t.Helper()
	var document struct {
		ResourceType string
		Parameter    []json.RawMessage
	}
	if err := json.Unmarshal(a.Body.Bytes(), &document); err != nil || document.ResourceType != "Parameters" {
		a.t.Fatalf("%s: %v in %s", a.request, err, a.Body)
	}
	var results []string
	for _, p := range document.Parameter[1:] {
		results = append(results, string(p))
	}
	return strings.Join(results, "\n")
}

// placed writes a part as the answer does.
func placed(typ, path, value string) string {
	return `{"name":"` + typ + `","extension":[{"url":"` + resourcePathURL + `","valueString":"` + path + `"}],` + value + `}`
}

func TestFHIRPath(t *testing.T) {
	sv := newService(t, Options{})
	for _, test := range []struct {
		name, expression string
		more             []string
		want             string
	}{
		{"primitives with their places", "name.given", nil, `{"name":"result","part":[` +
			placed("string", "Patient.name[0].given[0]", `"valueString":"Peter"`) + `,` + placed("string", "Patient.name[0].given[1]", `"valueString":"James"`) + `,` +
			placed("string", "Patient.name[1].given[0]", `"valueString":"Jim"`) + `]}`},
		{"a primitive with an extension", "birthDate", nil, `{"name":"result","part":[` +
			placed("date", "Patient.birthDate", `"valueDate":"1974-12-25","_valueDate":{"extension":[{"url":"http://x","valueDateTime":"1974-12-25T14:35:45-05:00"}]}`) + `]}`},
		{"a complex type", "name.last()", nil, `{"name":"result","part":[` + placed("HumanName", "Patient.name[1]", `"valueHumanName":{"given":["Jim"]}`) + `]}`},
		{"a part of a resource", "contact", nil, `{"name":"result","part":[{"name":"Patient.contact","extension":[{"url":"` + resourcePathURL +
			`","valueString":"Patient.contact[0]"},{"url":"` + jsonValueURL + `","valueString":"{\"gender\":\"female\"}"}]}]}`},
		{"a type without value[x]", "text.div", nil, `{"name":"result","part":[{"name":"xhtml","extension":[{"url":"` + resourcePathURL +
			`","valueString":"Patient.text.div"},{"url":"` + jsonValueURL + `","valueString":"\"<div xmlns=\\\"http://www.w3.org/1999/xhtml\\\">x</div>\""}]}]}`},
		{"a whole resource", "$this", []string{`{"name":"resource","resource":{"resourceType":"Basic","id":"b"}}`},
			`{"name":"result","part":[` + placed("Basic", "Basic", `"resource":{"resourceType":"Basic","id":"b"}`) + `]}`},
		{"what is calculated", "name.count() | 1.50 | active.not() | @2024 | 3 'mg' | 'x'", nil, `{"name":"result","part":[{"name":"integer","valueInteger":2},` +
			`{"name":"decimal","valueDecimal":1.50},{"name":"boolean","valueBoolean":false},{"name":"date","valueDate":"2024"},` +
			`{"name":"Quantity","valueQuantity":{"value":3,"unit":"mg","system":"http://unitsofmeasure.org","code":"mg"}},{"name":"string","valueString":"x"}]}`},
		{"what FHIR has no type for", "active.type() | @T10 | @2024-01-01T10", nil,
			`{"name":"result","part":[{"name":"SimpleTypeInfo","valueString":"FHIR.boolean"},{"name":"Time","valueString":"10"},{"name":"DateTime","valueString":"2024-01-01T10"}]}`},
		{"an empty string", "''", nil, `{"name":"result","part":[{"name":"empty-string"}]}`},
		{"nothing", "deceased", nil, `{"name":"result"}`},
		{"no resource", "1 + 1", []string{}, `{"name":"result","part":[{"name":"integer","valueInteger":2}]}`},
		{"a context", "given.count()", []string{withPatient, `{"name":"context","valueString":"name"}`},
			`{"name":"result","valueString":"Patient.name[0]","part":[{"name":"integer","valueInteger":2}]}` + "\n" +
				`{"name":"result","valueString":"Patient.name[1]","part":[{"name":"integer","valueInteger":1}]}`},
		{"a context without a place", "$this * 2", []string{`{"name":"context","valueString":"1 | 2"}`},
			`{"name":"result","valueString":"1 | 2[0]","part":[{"name":"integer","valueInteger":2}]}` + "\n" +
				`{"name":"result","valueString":"1 | 2[1]","part":[{"name":"integer","valueInteger":4}]}`},
		{"variables", "%a & '-' & %r.id | %none | %context.id | %resource.id",
			[]string{withPatient, `{"name":"variables","part":[{"name":"a","valueCode":"x"},{"name":"r","resource":{"resourceType":"Basic","id":"b"}},{"name":"none"}]}`},
			`{"name":"result","part":[{"name":"string","valueString":"x-b"},` + placed("id", "Patient.id", `"valueId":"p"`) + `]}`},
		{"traces", "name.first().trace('n', given).family.trace('empty', {})", nil, `{"name":"result","part":[` + placed("string", "Patient.name[0].family", `"valueString":"Chalmers"`) + `,` +
			`{"name":"trace","valueString":"n","part":[` + placed("string", "Patient.name[0].given[0]", `"valueString":"Peter"`) + `,` +
			placed("string", "Patient.name[0].given[1]", `"valueString":"James"`) + `]},{"name":"trace","valueString":"empty"}]}`},
		{"a resource as text", "id", []string{`{"name":"resource","extension":[{"url":"` + jsonValueURL + `","valueString":"{\"resourceType\":\"Basic\",\"id\":\"b\"}"}]}`},
			`{"name":"result","part":[` + placed("id", "Basic.id", `"valueId":"b"`) + `]}`},
		{"a resource as XML", "id", []string{`{"name":"resource","extension":[{"url":"` + xmlValueURL + `","valueString":"<Basic xmlns=\"http://hl7.org/fhir\"><id value=\"b\"/></Basic>"}]}`},
			`{"name":"result","part":[` + placed("id", "Basic.id", `"valueId":"b"`) + `]}`},
		{"a value set", "gender.memberOf('http://hl7.org/fhir/ValueSet/administrative-gender') | %c.memberOf('http://hl7.org/fhir/ValueSet/administrative-gender')",
			[]string{`{"name":"resource","resource":{"resourceType":"Patient","gender":"male"}}`,
				`{"name":"variables","part":[{"name":"c","valueCodeableConcept":{"coding":[{"code":"x"},{"system":"http://other.example","code":"male"}]}}]}`},
			`{"name":"result","part":[{"name":"boolean","valueBoolean":true},{"name":"boolean","valueBoolean":false}]}`},
		{"what is not valid", "birthDate | name", []string{`{"name":"resource","resource":{"resourceType":"Patient","birthDate":5,"name":["x"]}}`},
			`{"name":"result","part":[{"name":"date","extension":[{"url":"` + resourcePathURL + `","valueString":"Patient.birthDate"},{"url":"` + jsonValueURL + `","valueString":"5"}]},` +
				`{"name":"HumanName","extension":[{"url":"` + resourcePathURL + `","valueString":"Patient.name[0]"},{"url":"` + jsonValueURL + `","valueString":"\"x\""}]}]}`},
		{"a clock", "now() = %t", []string{`{"name":"variables","part":[{"name":"t","valueDateTime":"2026-01-01T00:00:00Z"}]}`},
			`{"name":"result","part":[{"name":"boolean","valueBoolean":true}]}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if sv.t = t; test.more == nil {
				test.more = []string{withPatient}
			}
			a := sv.do("POST /fhir/$fhirpath", asking(test.expression, test.more...)).want(200)
			a.wantAt("Parameters", "resourceType").wantAt("parameters", "parameter", 0, "name")
			if got := resultOf(a); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// TestFHIRPathAsked shows what the answer repeats.
func TestFHIRPathAsked(t *testing.T) {
	sv := newService(t, Options{SoftwareVersion: "1.2.3"})
	a := sv.do("POST /fhir/$fhirpath", asking("given.nick", withPatient, `{"name":"context","valueString":"name"}`, `{"name":"validate","valueBoolean":true}`,
		`{"name":"variables","part":[{"name":"a","valueCode":"x"}]}`)).want(200)
	for i, want := range []string{"evaluator", "parseDebugTree", "validation", "context", "expression", "resource", "variables"} {
		a.wantAt(want, "parameter", 0, "part", i, "name")
	}
	a.wantAt("fhirlog 1.2.3 (R4)", "parameter", 0, "part", 0, "valueString")
	a.wantAt(`{"ExpressionType":"ChildExpression","Name":"nick","Arguments":[{"ExpressionType":"ChildExpression","Name":"given","Arguments":`+
		`[{"ExpressionType":"AxisExpression","Name":"builtin.that"}],"Position":0,"Length":5}],"Position":6,"Length":4}`, "parameter", 0, "part", 1, "valueString")
	a.wantAt("warning", "parameter", 0, "part", 2, "resource", "issue", 0, "severity")
	a.wantAt("The FHIRPath expression, column 7: string has no element 'nick'", "parameter", 0, "part", 2, "resource", "issue", 0, "diagnostics")
	a.wantAt("Chalmers", "parameter", 0, "part", 5, "resource", "name", 0, "family")

	a = sv.do("POST /fhir/$fhirpath", asking("'a'.length() in (1 | %x[0]) and $this is Patient or -1 > {}", `{"name":"validate","valueBoolean":true}`,
		`{"name":"variables","part":[{"name":"x"}]}`)).want(200)
	if tree := a.string("parameter", 0, "part", 1, "valueString"); !json.Valid([]byte(tree)) {
		t.Errorf("the tree is not JSON: %s", tree)
	}
}

func TestFHIRPathStored(t *testing.T) {
	sv := newService(t, Options{})
	sv.do("PUT /fhir/Patient/p", labPatient).want(201)
	sv.do("PUT /fhir/Organization/o", `{"resourceType":"Organization","id":"o","name":"Acme"}`).want(201)
	sv.do("PUT /fhir/Organization/o", `{"resourceType":"Organization","id":"o","name":"New"}`).want(200)

	name := func(a *answer) string { return a.want(200).string("parameter", 1, "part", 0, "valueString") }
	for want, a := range map[string]*answer{
		"Chalmers": sv.do("GET /fhir/Patient/p/$fhirpath?expression=name.family"),
		"James":    sv.do("GET /fhir/Patient/p/$fhirpath?expression=given[1]&context=name.first()"),
		"Peter":    sv.do("POST /fhir/Patient/p/$fhirpath", asking("name.given.first()")),
		"Jim":      sv.do("POST /fhir/Patient/p/$fhirpath?expression=name[1].given"),
		"New":      sv.do("GET /fhir/Patient/p/$fhirpath?expression=managingOrganization.resolve().name"),
		"Acme":     sv.do("GET /fhir/Patient/p/$fhirpath?expression=managingOrganization.resolve().name&_asOf=1"),
		"Chalmers Acme": sv.do("POST /fhir/$fhirpath", asking("name.family & ' ' & 'Organization/o/_history/1'.resolve().name",
			`{"name":"resource","valueReference":{"reference":"http://example.com/fhir/Patient/p"}}`)),
	} {
		if got := name(a); got != want {
			t.Errorf("%s gives %q, want %q", a.request, got, want)
		}
	}
	sv.do("DELETE /fhir/Organization/o").want(204)
	a := sv.do("GET /fhir/Patient/p/$fhirpath?expression=managingOrganization.resolve()").want(200)
	a.wantAt("Organization", "parameter", 1, "part", 0, "name").wantAt(nil, "parameter", 1, "part", 0, "resource")
	sv.do("GET /fhir/Organization/o/$fhirpath?expression=name").want(410, "deleted")
	sv.do("GET /fhir/Patient/none/$fhirpath?expression=name").want(404, "not-found")
	sv.do("GET /fhir/Patient/no_id/$fhirpath?expression=name").want(404, "not-found")

	batch := sv.do("POST /fhir", bundleOf("batch",
		item{line: "GET Patient/p/$fhirpath?expression=name.family"}, item{line: "POST $fhirpath", resource: asking("1 + 1")},
		item{line: "POST Patient/p/$fhirpath?expression=id"}, item{line: "POST $fhirpath?expression=1%2B"})).want(200)
	batch.wantAt("Chalmers", "entry", 0, "resource", "parameter", 1, "part", 0, "valueString")
	batch.wantAt(2.0, "entry", 1, "resource", "parameter", 1, "part", 0, "valueInteger")
	batch.wantAt("p", "entry", 2, "resource", "parameter", 1, "part", 0, "valueId")
	batch.wantAt("400 Bad Request", "entry", 3, "response", "status")
}

func TestFHIRPathRefusals(t *testing.T) {
	sv := newService(t, Options{})
	large, _ := json.Marshal(strings.Repeat("x", 200_000))
	for _, test := range []struct{ name, body, code, message string }{
		{"no expression", `{"resourceType":"Parameters"}`, "invalid", "There is no expression"},
		{"not a Parameters", labPatient, "invalid", "is a Parameters resource"},
		{"a broken expression", asking("name..given", withPatient), "invalid", "The FHIRPath expression, column 6:"},
		{"a broken context", asking("name", withPatient, `{"name":"context","valueString":"x y"}`), "invalid", "The FHIRPath context, column 3:"},
		{"an unknown function", asking("name.foo()"), "invalid", "column 6: there is no function 'foo'"},
		{"a fault of the evaluation", asking("name.given + 1", withPatient), "invalid", "column 12:"},
		{"an unknown variable", asking("%x"), "invalid", "there is no variable '%x'"},
		{"a reserved variable", asking("%resource", `{"name":"variables","part":[{"name":"resource","valueCode":"a"}]}`), "invalid", "a meaning of its own"},
		{"an expression twice", asking("1", `{"name":"expression","valueString":"2"}`), "invalid", "more than once"},
		{"an expression that is a number", `{"resourceType":"Parameters","parameter":[{"name":"expression","valueInteger":1}]}`, "invalid", "is a valueString"},
		{"two resources", asking("1", withPatient, withPatient), "invalid", "more than one resource"},
		{"a resource elsewhere", asking("1", `{"name":"resource","valueString":"http://other.example/Patient/1"}`), "invalid", "nothing is fetched from elsewhere"},
		{"an unknown type", asking("1", `{"name":"resource","resource":{"resourceType":"Ghost"}}`), "not-supported", "no resource type"},
		{"broken XML", asking("1", `{"name":"resource","extension":[{"url":"`+xmlValueURL+`","valueString":"<Patient"}]}`), "structure", "not a resource in XML"},
		{"a broken text", asking("1", `{"name":"resource","extension":[{"url":"`+jsonValueURL+`","valueString":"{"}]}`), "structure", "not well-formed JSON"},
		{"a value set nobody knows", asking("id.memberOf('http://x')", withPatient), "not-supported", "memberOf()"},
		{"an endless expression", asking("(1).repeat($this + 1)"), "too-costly", "more than"},
		{"a result too large", asking("(1|2|3|4|5|6|7|8).select((1|2|3|4|5|6|7|8)).select(%x)", `{"name":"variables","part":[{"name":"x","valueString":`+string(large)+`}]}`), "too-costly", "The result is larger"},
		{"traces too large", asking("(1|2|3|4|5|6|7|8).select((1|2|3|4|5|6|7|8)).trace('x', %x).count()", `{"name":"variables","part":[{"name":"x","valueString":`+string(large)+`}]}`), "too-costly", "The result is larger"},
	} {
		t.Run(test.name, func(t *testing.T) {
			sv.t = t
			a := sv.do("POST /fhir/$fhirpath", test.body).want(400, test.code)
			if got := a.string("issue", 0, "diagnostics"); !strings.Contains(got, test.message) {
				t.Errorf("the answer is %q, want %q", got, test.message)
			}
		})
	}
	sv.t = t
	sv.do("POST /fhir/$fhirpath", asking("1", `{"name":"typo","valueString":"x"}`)).want(200)
	sv.do("POST /fhir/$fhirpath", "Prefer: handling=strict", asking("1", `{"name":"typo","valueString":"x"}`)).want(400, "invalid")
	sv.do("POST /fhir/$fhirpath?expression=1").want(200)
	sv.do("GET /fhir/$fhirpath?expression=1").want(405)
	sv.do("PUT /fhir/Patient/p", labPatient).want(201)
	sv.do("POST /fhir/Patient/p/$fhirpath", asking("1", withPatient)).want(400, "invalid")

	closed := newService(t, Options{Withheld: map[domain.ResourceType][]string{"Organization": {"read"}}})
	closed.do("PUT /fhir/Organization/o", `{"resourceType":"Organization","id":"o","name":"Acme"}`).want(201)
	closed.do("GET /fhir/Organization/o/$fhirpath?expression=name").want(405, "forbidden")
	closed.do("POST /fhir/$fhirpath", asking("1", `{"name":"resource","valueString":"Organization/o"}`)).want(405, "forbidden")
	if got := resultOf(closed.do("POST /fhir/$fhirpath", asking("'Organization/o'.resolve().name")).want(200)); got != `{"name":"result"}` {
		t.Errorf("resolve() reads what cannot be read: %s", got)
	}
}

// TestFHIRPathInXML asks for XML, also of what XML cannot write.
func TestFHIRPathInXML(t *testing.T) {
	sv := newService(t, Options{})
	a := sv.do("POST /fhir/$fhirpath", "Accept: application/fhir+xml", asking("name.family", withPatient)).want(200)
	if want := `<name value="string"/><valueString value="Chalmers"/>`; !strings.Contains(a.Body.String(), want) {
		t.Errorf("the answer is %s, want %s in it", a.Body, want)
	}
	odd := asking("name", `{"name":"resource","resource":{"resourceType":"Patient","birthDate":[[5]],"name":["x"]}}`)
	sv.do("POST /fhir/$fhirpath", odd).want(200)
	if a := sv.do("POST /fhir/$fhirpath", "Accept: application/fhir+xml", odd); a.Code != 400 || !strings.Contains(a.Body.String(), "cannot be written as XML") {
		t.Errorf("status %d: %s", a.Code, a.Body)
	}
	a = sv.do("POST /fhir", "Accept: application/fhir+xml", bundleOf("batch", item{line: "POST $fhirpath", resource: odd}, item{line: "POST $fhirpath?expression=1"})).want(200)
	if body := a.Body.String(); !strings.Contains(body, "400 Bad Request") || !strings.Contains(body, `<valueInteger value="1"/>`) {
		t.Errorf("the batch is answered by %s", body)
	}
}

// TestFHIRPathStopped ends an evaluation whose client has gone.
func TestFHIRPathStopped(t *testing.T) {
	sv := newService(t, Options{})
	ctx, leave := context.WithCancel(t.Context())
	h := httptest.NewRequest("POST", "/fhir/$fhirpath?expression=now()", nil).WithContext(ctx)
	leave()
	sv.send(h).want(408, "timeout")
}

// TestFHIRPathVersions evaluates in each FHIR version with what is its own.
func TestFHIRPathVersions(t *testing.T) {
	for version, want := range map[definitions.Version]string{
		definitions.STU3: `{"name":"result","part":[{"name":"Patient.animal","extension":[{"url":"` + resourcePathURL + `","valueString":"Patient.animal"},{"url":"` + jsonValueURL + `","valueString":"{\"id\":\"a\"}"}]}]}`,
		definitions.R4:   `{"name":"result"}`,
		definitions.R4B:  `{"name":"result"}`,
		definitions.R5:   `{"name":"result"}`,
	} {
		sv := newServiceOf(t, version, Options{})
		a := sv.do("POST /fhir/$fhirpath", asking("animal", `{"name":"resource","resource":{"resourceType":"Patient","animal":{"id":"a"}}}`)).want(200)
		if got := resultOf(a); got != want {
			t.Errorf("%s: got %s, want %s", version, got, want)
		}
		if got := sv.do("GET /fhir/OperationDefinition/fhirpath").want(200).string("code"); got != "fhirpath" {
			t.Errorf("%s: the operation is described as %q", version, got)
		}
	}
	r5 := newServiceOf(t, definitions.R5, Options{})
	a := r5.do("POST /fhir/$fhirpath", asking("4294967296")).want(200)
	a.wantAt("4294967296", "parameter", 1, "part", 0, "valueInteger64")
}

// FuzzFHIRPath evaluates whatever it likes on whatever it likes. The answer is
// FHIR, or says what is wrong.
func FuzzFHIRPath(f *testing.F) {
	for _, seed := range [][3]string{
		{"name.given", "", labPatient},
		{"trace('x', given).family | %resource.id", "name", labPatient},
		{"descendants().select($this | children()).type()", "", labPatient},
		{"text.div | contact | birthDate.extension.value + 1 year", "", labPatient},
		{"$this", "descendants()", labPatient},
		{"children()", "", `{"resourceType":"Patient","_gender":[],"name":[null,[{"x":1}]],"birthDate":{"a":[]},"contained":[1,{"resourceType":"X"}]}`},
		{"value", "", `{"resourceType":"Observation","valueQuantity":3,"_valueString":"x","valueCode":"y"}`},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	sv := newService(f, Options{})
	f.Fuzz(func(t *testing.T, expression, context, resource string) {
		sv.t = t
		quoted, _ := json.Marshal(context)
		body := asking(expression, `{"name":"validate","valueBoolean":true}`, `{"name":"context","valueString":`+string(quoted)+`}`, `{"name":"resource","resource":`+resource+`}`)
		a := sv.do("POST /fhir/$fhirpath", body)
		if a.Code >= 500 || !json.Valid(a.Body.Bytes()) {
			t.Fatalf("status %d: %s", a.Code, a.Body)
		}
		if a.Code == 200 && (strings.Contains(a.Body.String(), `[]`) && !strings.Contains(body, `[]`) || a.string("resourceType") != "Parameters") {
			t.Fatalf("not FHIR: %s", a.Body)
		}
	})
}

// BenchmarkFHIRPath is one $fhirpath on a small resource, HTTP included but for the
// network.
func BenchmarkFHIRPath(b *testing.B) {
	sv := newService(b, Options{})
	body := asking("name.where(given.exists()).given", withPatient)
	b.ReportAllocs()
	for b.Loop() {
		sv.do("POST /fhir/$fhirpath", body).want(200)
	}
}
