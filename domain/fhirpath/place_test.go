package fhirpath

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"fhirlog/domain/definitions"
)

const bundleJSON = `{"resourceType": "Bundle", "type": "collection", "entry": [
	{"fullUrl": "urn:a", "resource": ` + patientJSON + `},
	{"resource": ` + observationJSON + `},
	{"resource": {"resourceType": "Ghost", "odd-name": [{"is": 1}]}}]}`

// TestPlacesOf shows the paths of elements, and that they lead back to them.
func TestPlacesOf(t *testing.T) {
	d := load(t, definitions.R4)
	for _, test := range []struct{ resource, expression, want string }{
		{patientJSON, "$this", "Patient"},
		{patientJSON, "name.given", "Patient.name[0].given[0], Patient.name[0].given[1], Patient.name[1].given[0]"},
		{patientJSON, "name.given.extension.value", "Patient.name[0].given[1].extension[0].value"},
		{patientJSON, "name[1] | name[0].family | gender", "Patient.name[1], Patient.name[0].family, Patient.gender"},
		{patientJSON, "deceased.extension", "Patient.deceased.extension[0]"},
		{patientJSON, "deceased", "Patient.deceased"},
		{patientJSON, "birthDate.extension.url | birthDate.id", "Patient.birthDate.extension[0].url, Patient.birthDate.id"},
		{patientJSON, "multipleBirth | contained.name", "Patient.multipleBirth, Patient.contained[0].name"},
		{observationJSON, "component.value.ofType(Quantity).value | value", "Observation.component[0].value.value, Observation.value"},
		{bundleJSON, "entry.resource.ofType(Observation).value.code", "Bundle.entry[1].resource.value.code"},
		{bundleJSON, "entry.resource.`odd-name`.is", "Bundle.entry[2].resource.`odd-name`[0].is"},
		{patientJSON, "name.count() | 'a'", "-, -"},
		{patientJSON, "generalPractitioner[0].resolve() | generalPractitioner[1].resolve()", "Patient.contained[1], -"},
	} {
		context := at(t, d, test.resource)
		places := NewPlaces(d, context.Root.Place())
		items := evalIn(t, d, test.expression, context)
		var got []string
		for _, it := range items {
			path, ok := places.Of(it)
			if !ok {
				got = append(got, "-")
				continue
			}
			got = append(got, path)
			back := evalIn(t, d, path, context)
			if len(back) != 1 || back[0].Place() != it.Place() {
				t.Errorf("%s leads to %d items, not to the one", path, len(back))
			}
		}
		if text := strings.Join(got, ", "); text != test.want {
			t.Errorf("%s stands at %s, want %s", test.expression, text, test.want)
		}
	}
}

// TestPlacesInAnyOrder asks for elements in the order of the document, backwards
// and alternately; the paths are the same.
func TestPlacesInAnyOrder(t *testing.T) {
	d := load(t, definitions.R4)
	context := at(t, d, bundleJSON)
	items := evalIn(t, d, "descendants()", context)
	var want []string
	for _, it := range items {
		path, ok := NewPlaces(d, context.Root.Place()).Of(it)
		if !ok {
			t.Fatal("a descendant has no place")
		}
		want = append(want, path)
	}
	places := NewPlaces(d, context.Root.Place())
	check := func(i int) {
		if got, _ := places.Of(items[i]); got != want[i] {
			t.Errorf("item %d stands at %s, want %s", i, got, want[i])
		}
	}
	for i := range items {
		check(i)
	}
	for i := range slices.Backward(items) {
		check(i)
		check(i * 7 % len(items))
	}
	if _, ok := NewPlaces(d, parse(t, "[1]")).Of(items[0]); ok {
		t.Error("an item of another document has a place")
	}
}

// evalIn evaluates an expression that must not fail.
func evalIn(t *testing.T, d *definitions.Definitions, expression string, context Context) Collection {
	t.Helper()
	e, err := Compile(d, expression, Options{})
	if err != nil {
		t.Fatal(err)
	}
	items, err := e.Eval(context)
	if err != nil {
		t.Fatal(err)
	}
	return items
}

func TestStopped(t *testing.T) {
	d := load(t, definitions.R4)
	enough := errors.New("enough")
	asked := 0
	context := Context{Stopped: func() error {
		if asked++; asked == 3 {
			return enough
		}
		return nil
	}}
	e, err := Compile(d, "(1).repeat($this + 1)", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Eval(context); !errors.Is(err, enough) || asked != 3 {
		t.Errorf("the evaluation ended with %v after it asked %d times", err, asked)
	}
	if _, err := e.Eval(Context{Stopped: context.Stopped, Limits: Limits{MaxSteps: 100}}); err == nil || errors.Is(err, enough) {
		t.Errorf("the evaluation ended with %v, want the limit of steps", err)
	}
}

// TestAppendFHIR writes System values as FHIR.
func TestAppendFHIR(t *testing.T) {
	for _, test := range []struct{ expression, want string }{
		{"1 = 1", "boolean true"},
		{"'a\\n\"'", `string "a\n\""`},
		{"2147483647", "integer 2147483647"},
		{"2147483648", ""},
		{"1.50", "decimal 1.50"},
		{"@2024-02", `date "2024-02"`},
		{"@2024-02-03T", `dateTime "2024-02-03"`},
		{"@2024-02-03T04:05:06.1Z", `dateTime "2024-02-03T04:05:06.1Z"`},
		{"@2024-02-03T04:05:06", ""},
		{"@2024-02-03T04Z", ""},
		{"@T04:05:06", `time "04:05:06"`},
		{"@T04:05", ""},
		{"3 'mg'", `Quantity {"value":3,"unit":"mg","system":"http://unitsofmeasure.org","code":"mg"}`},
		{"3 days", `Quantity {"value":3,"unit":"days"}`},
		{"3 'drops/fortnight'", `Quantity {"value":3,"unit":"drops/fortnight"}`},
		{"(1).type()", ""},
	} {
		items, err := eval(t, test.expression, "")
		if err != nil || len(items) != 1 {
			t.Fatal(items, err)
		}
		v, _ := items[0].System()
		json, name := AppendFHIR(nil, load(t, definitions.R4), v)
		if got := strings.TrimSpace(name + " " + string(json)); got != test.want {
			t.Errorf("%s becomes %s, want %s", test.expression, got, test.want)
		}
	}
	if json, name := AppendFHIR(nil, load(t, definitions.R5), Integer(1<<40)); string(json)+name != `"1099511627776"integer64` {
		t.Errorf("in R5 a large number becomes %s %s", json, name)
	}
}
