package profile

import (
	"fmt"
	"strings"
	"testing"

	"fhirlog/domain/definitions"
)

func TestDerivation(t *testing.T) {
	base := constrain("base", "Patient", "Patient", "Patient.name", `"min":1,"max":"3"`, "Patient.gender", `"min":1`,
		"Patient.identifier", sliced("value", "system"), "Patient.identifier:mrn", `"max":"1"`, "Patient.identifier:mrn.system", `"fixedUri":"urn:mrn"`)
	runCases(t, definitions.R4, []rulesCase{
		{"a differential over a differential", some(constrain("p", "Patient", "base", "Patient.name", `"max":"2"`, "Patient.birthDate", `"min":1`), base), []instance{
			{patient(`"name":[{"text":"a"}],"gender":"male","birthDate":"2000"`), nil},
			{patient(``), some("error required Patient.name: The profile "+here+"p ", "error required Patient.gender: ", "error required Patient.birthDate: ")},
			{patient(`"name":[{"text":"a"},{"text":"b"},{"text":"c"}],"gender":"male","birthDate":"2000"`), some("error structure Patient.name: *at most 2 times")},
		}},
		{"a profile cannot widen its base", some(constrain("p", "Patient", "base", "Patient.name", `"min":0,"max":"*"`, "Patient.identifier:mrn", `"max":"5"`), base), []instance{
			{patient(`"gender":"male","identifier":[{"system":"urn:mrn"},{"system":"urn:mrn"}]`), some("error required Patient.name: ", "error structure Patient.identifier: *at most once")},
		}},
		{"it goes on with the slices of its base", some(constrain("p", "Patient", "base", "Patient.identifier:mrn", `"min":1`, "Patient.identifier:mrn.value", `"min":1`,
			"Patient.identifier:ssn", `"min":1`, "Patient.identifier:ssn.system", `"fixedUri":"urn:ssn"`), base), []instance{
			{patient(`"name":[{"text":"a"}],"gender":"male","identifier":[{"system":"urn:ssn"},{"system":"urn:mrn","value":"1"}]`), nil},
			{patient(`"name":[{"text":"a"}],"gender":"male","identifier":[{"system":"urn:mrn"}]`), some("error required Patient.identifier[0].value: ", "error required Patient.identifier: *ssn")},
		}},
		{"it may close the slicing of its base", some(constrain("p", "Patient", "base", "Patient.identifier", `"slicing":{"rules":"closed"}`), base), []instance{
			{patient(`"name":[{"text":"a"}],"gender":"male","identifier":[{"system":"urn:x"}]`), some("error structure Patient.identifier[0]: *allows only the slices mrn")},
		}},
		{"a snapshot stands for itself", some(strings.Replace(whole("p", "Patient", "Patient", "", "Patient.birthDate", `"min":1`), `"snapshot"`, `"differential":{"element":[{"path":"Patient.name","min":1}]},"snapshot"`, 1)), []instance{
			{patient(`"birthDate":"2000"`), nil},
			{patient(`"name":[{"text":"a"}]`), some("error required Patient.birthDate: ")},
		}},
		{"its base is not known", some(constrain("p", "Patient", "unknown")), []instance{
			{patient(``), some("error invalid Patient: *has no snapshot, and its baseDefinition " + here + "unknown is not known here.")},
		}},
		{"its base is of another type", some(constrain("p", "Patient", "q"), constrain("q", "Group", "Group")), []instance{
			{patient(``), some("error invalid Patient: *its baseDefinition is of another type.")},
		}},
		{"its base type is another", some(constrain("p", "Patient", "Observation")), []instance{
			{patient(``), some("error invalid Patient: *its baseDefinition is of another type.")},
		}},
		{"a circle of bases", some(constrain("p", "Patient", "q"), constrain("q", "Patient", "p")), []instance{
			{patient(``), some("error invalid Patient: *it is derived from itself.")},
		}},
		{"an element that the type does not have", some(constrain("p", "Patient", "Patient", "Patient.nmae", `"min":1`)), []instance{
			{patient(``), some("error invalid Patient: *it constrains Patient.nmae, which is not an element of Patient.")},
		}},
		{"a path that begins elsewhere", some(constrain("p", "Patient", "Patient", "Person.name", `"min":1`)), []instance{
			{patient(``), some("error invalid Patient: *the path Person.name, which does not begin with Patient.")},
		}},
		{"a cardinality that is none", some(constrain("p", "Patient", "Patient", "Patient.name", `"max":"many"`)), []instance{
			{patient(``), some("error invalid Patient: *has a cardinality or length that is no number: many.")},
		}},
		{"a definition of a type", some(strings.Replace(constrain("p", "Patient", "Patient"), `"constraint"`, `"specialization"`, 1)), []instance{
			{patient(``), some("error invalid Patient: *defines a type of its own")},
		}},
		{"a logical model", some(strings.Replace(constrain("p", "Patient", "Patient"), `"kind":"resource"`, `"kind":"logical"`, 1)), []instance{
			{patient(``), some("error invalid Patient: *describes a logical model")},
		}},
		{"a type that is not known", some(constrain("p", "Nothing", "Patient")), []instance{
			{patient(``), some("error invalid Patient: *a type that FHIR 4.0.1 does not have.")},
		}},
		{"a profile for another type", some(constrain("p", "Group", "Group")), []instance{
			{patient(``), some("error invalid Patient: The profile " + here + "p is for the type Group, not for Patient.")},
		}},
		{"a profile of all resources", some(constrain("p", "DomainResource", "DomainResource", "DomainResource.text", `"min":1`)), []instance{
			{patient(``), some("error required Patient.text: ")},
		}},
		{"content references", some(constrain("p", "Questionnaire", "Questionnaire", "Questionnaire.item.text", `"min":1`)), []instance{
			{resourceOf("Questionnaire", `"item":[{"text":"a","item":[{"text":"b","item":[{"linkId":"3"}]}]},{"linkId":"2"}]`),
				some("error required Questionnaire.item[0].item[0].item[0].text: ", "error required Questionnaire.item[1].text: ")},
		}},
		{"a content reference that a snapshot repeats", some(whole("p", "Questionnaire", "Questionnaire", "", "Questionnaire.item", "", "Questionnaire.item.prefix", `"max":"0"`, "Questionnaire.item.item", `"contentReference":"#Questionnaire.item"`)), []instance{
			{resourceOf("Questionnaire", `"item":[{"item":[{"prefix":"b"}]}]`), some("error structure Questionnaire.item[0].item[0].prefix: ")},
		}},
		{"a content reference to the specification", some(whole("p", "Questionnaire", "Questionnaire", "", "Questionnaire.item", "", "Questionnaire.item.prefix", `"max":"0"`, "Questionnaire.item.item", `"contentReference":"`+coreURL+`Questionnaire#Questionnaire.item"`)), []instance{
			{resourceOf("Questionnaire", `"item":[{"item":[{"prefix":"b"}]}]`), nil},
		}},
	})
}

func TestElementsWithoutIDs(t *testing.T) {
	elements := `{"path":"Patient"},{"path":"Patient.identifier","slicing":{"discriminator":[{"type":"value","path":"system"}],"rules":"open"}},
		{"path":"Patient.identifier","sliceName":"mrn","max":"1"},{"path":"Patient.identifier.system","fixedUri":"urn:mrn"},{"path":"Patient.identifier.value","min":1},
		{"path":"Patient.identifier","sliceName":"ssn"},{"path":"Patient.identifier.system","fixedUri":"urn:ssn"},
		{"path":"Patient.name.family","min":1}`
	odd := strings.NewReplacer(`{"path":"Patient.identifier.value"`, `{"id":"x.y.z","path":"Patient.identifier.value"`).Replace(elements)
	for name, list := range map[string]string{"none": elements, "odd": odd} {
		t.Run(name, func(t *testing.T) {
			va, _ := newValidator(t, definitions.R4, strings.Replace(constrain("p", "Patient", "Patient"), `"element":[]`, `"element":[`+list+`]`, 1))
			expect(t, va, patient(`"identifier":[{"system":"urn:mrn"},{"system":"urn:ssn"},{"system":"urn:mrn","value":"1"}],"name":[{"text":"a"}]`), []string{here + "p"},
				"error structure Patient.identifier: *the slice mrn", "error required Patient.identifier[0].value: ", "error required Patient.name[0].family: ")
		})
	}
}

func TestFind(t *testing.T) {
	first := constrain("p", "Patient", "Patient", "Patient.name", `"min":1`)
	second := strings.Replace(constrain("p", "Patient", "Patient", "Patient.gender", `"min":1`), `"version":"1"`, `"version":"2"`, 1)
	va, s := newValidator(t, definitions.R4, first, second)
	for _, c := range []struct{ url, want string }{
		{here + "p", "error required Patient.gender: "},
		{here + "p|1", "error required Patient.name: "},
		{here + "p|2", "error required Patient.gender: "},
		{here + "p|3", "error not-found Patient: The profile " + here + "p|3 is not known here"},
		{here + "q", "error not-found Patient: The profile " + here + "q is not known here"},
		{coreURL + "Patient", ""},
		{coreURL + "DomainResource", ""},
		{coreURL + "Group", "error invalid Patient: The profile " + coreURL + "Group is for the type Group, not for Patient."},
	} {
		want := some(c.want)
		if c.want == "" {
			want = nil
		}
		expect(t, va, patient(``), []string{c.url}, want...)
	}
	finds := s.finds.Load()
	expect(t, va, patient(``), []string{here + "p", here + "q"}, "error required Patient.gender: ", "error not-found ")
	if s.finds.Load() != finds {
		t.Errorf("the library was asked %d times for what is known", s.finds.Load()-finds)
	}
	s.put(t, strings.Replace(constrain("p", "Patient", "Patient", "Patient.photo", `"min":1`), `"version":"1"`, `"version":"3"`, 1))
	expect(t, va, patient(``), []string{here + "p"}, "error required Patient.photo: ")
}

func TestDeclared(t *testing.T) {
	va, _ := newValidator(t, definitions.R4, constrain("p", "Patient", "Patient", "Patient.name", `"min":1`), constrain("bad", "Patient", "unknown"),
		strings.Replace(constrain("abstract", "Patient", "p"), `"kind"`, `"abstract":true,"kind"`, 1))
	declares := `"meta":{"profile":["` + here + `p"]}`
	expect(t, va, patient(declares), nil, "error required Patient.name: ")
	expect(t, va, patient(declares), []string{here + "p"}, "error required Patient.name: ")
	expect(t, va, patient(`"meta":{"profile":["`+here+`q"]}`), nil, "warning not-found Patient: The profile "+here+"q is not known here")
	expect(t, va, patient(`"meta":{"profile":["`+here+`bad"]}`), nil, "warning invalid Patient: The StructureDefinition "+here+"bad cannot be used")
	expect(t, va, patient(`"meta":{"profile":["`+coreURL+`Patient"]}`), nil)
	expect(t, va, patient(`"meta":{"profile":["`+here+`abstract"]}`), nil, "warning invalid Patient: *is abstract", "error required Patient.name: ")
	expect(t, va, patient(``), []string{here + "abstract"}, "error required Patient.name: ")
	expect(t, va, resourceOf("Group", `"contained":[`+patient(`"id":"a",`+declares)+`]`), nil, "error required Group.contained[0].name: ")
	expect(t, va, resourceOf("Bundle", `"entry":[{"resource":`+patient(``)+`},{"resource":`+patient(declares)+`}]`), nil, "error required Bundle.entry[1].resource.name: ")
	expect(t, va, resourceOf("Parameters", `"parameter":[{"name":"x","resource":`+patient(declares)+`}]`), nil, "error required Parameters.parameter[0].resource.name: ")
}

func TestBundles(t *testing.T) {
	va, _ := newValidator(t, definitions.R4,
		constrain("tall", "Patient", "Patient", "Patient.active", `"min":1`),
		constrain("p", "Observation", "Observation", "Observation.subject", `"type":[{"code":"Reference","targetProfile":["`+here+`tall"]}],"constraint":[{"key":"k","severity":"error","human":"h","expression":"resolve().gender.exists()"}]`))
	bundle := func(reference, members string) string {
		return resourceOf("Bundle", `"entry":[{"fullUrl":"urn:uuid:1","resource":`+patient(`"id":"a",`+members)+`},{"resource":`+observation(`"meta":{"profile":["`+here+`p"]},"subject":{"reference":"`+reference+`"}`)+`}]`)
	}
	good := `"active":true,"gender":"male"`
	expect(t, va, bundle("urn:uuid:1", good), nil)
	expect(t, va, bundle("Patient/a", good), nil)
	expect(t, va, bundle("Patient/b", good), nil, "error invariant Bundle.entry[1].resource.subject: ")
	expect(t, va, bundle("urn:uuid:1", `"active":true`), nil, "error invariant Bundle.entry[1].resource.subject: ")
	expect(t, va, bundle("Patient/a", `"gender":"male"`), nil, "error structure Bundle.entry[1].resource.subject: *what it refers to does not conform")
}

func TestPlaces(t *testing.T) {
	va, _ := newValidator(t, definitions.R4, constrain("p", "Patient", "Patient", "Patient.name", `"min":1`, "Patient.gender", `"fixedCode":"male"`))
	text := "{\"resourceType\":\"Patient\",\n  \"gender\": \"female\"}"
	issues, err := va.Validate(t.Context(), parse(t, text), []string{here + "p"})
	if err != nil || len(issues) != 2 {
		t.Fatalf("got %v, %v", told(issues), err)
	}
	for _, want := range []struct {
		code         string
		line, column int
	}{{"required", 1, 1}, {"value", 2, 3}} {
		found := false
		for _, i := range issues {
			found = found || i.Code == want.code && i.Line == want.line && i.Column == want.column
		}
		if !found {
			t.Errorf("no issue %s at %d:%d in %+v", want.code, want.line, want.column, issues)
		}
	}
	for _, i := range issues {
		if strings.Contains(i.Message, "female") {
			t.Errorf("the message quotes the resource: %s", i.Message)
		}
	}
}

// TestPlaceOfCount tells where the element stands that is there too often, too
// rarely or not at all.
func TestPlaceOfCount(t *testing.T) {
	va, _ := newValidator(t, definitions.R4, constrain("p", "Patient", "Patient", "Patient.name", `"max":"0"`, "Patient.telecom", `"min":2`, "Patient.deceased[x]", `"max":"0"`))
	issues, err := va.Validate(t.Context(), parse(t, "{\"resourceType\":\"Patient\",\n\"name\":[{\"text\":\"a\"}],\n \"telecom\":[{\"value\":\"1\"}],\n  \"deceasedBoolean\":false}"), []string{here + "p"})
	if err != nil || len(issues) != 3 {
		t.Fatalf("got %v, %v", told(issues), err)
	}
	for i, want := range [][2]int{{2, 9}, {3, 13}, {4, 3}} {
		if got := [2]int{issues[i].Line, issues[i].Column}; got != want {
			t.Errorf("%s: at %v, want %v", issues[i].Message, got, want)
		}
	}
}

func TestSupported(t *testing.T) {
	va, s := newValidator(t, definitions.R4, constrain("b", "Patient", "Patient"), constrain("a", "Patient", "Patient"), constrain("c", "Group", "Group"),
		extensionOf("x", `"context":[]`))
	// HL7's own example for R4 is a profile of a resource that calls itself a complex-type.
	s.put(t, strings.Replace(constrain("d", "Composition", "Composition"), `"kind":"resource"`, `"kind":"complex-type"`, 1))
	for typ, want := range map[string]string{"Patient": here + "a " + here + "b", "Group": here + "c", "Composition": here + "d", "Basic": "", "Extension": ""} {
		got, err := va.Supported(t.Context(), resourceType(typ))
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("Supported(%s) = %v, %v, want %s", typ, got, err, want)
		}
	}
	s.fail = fmt.Errorf("the disk is gone")
	if _, err := va.Supported(t.Context(), "Patient"); err != s.fail {
		t.Errorf("got %v, want %v", err, s.fail)
	}
	if _, err := va.Validate(t.Context(), parse(t, patient(``)), nil); err != s.fail {
		t.Errorf("got %v, want %v", err, s.fail)
	}
}
