package fhirpath

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// TestLimits evaluates what would go on for ever or take all memory.
func TestLimits(t *testing.T) {
	d := load(t, definitions.R4)
	for _, test := range []struct {
		expression string
		limits     Limits
		want       string
	}{
		{"(1).repeat($this + 1)", Limits{MaxSteps: 10_000}, "more than 10000 steps"},
		{"'ab'.repeat($this & $this)", Limits{MaxText: 1000}, "a string has more than 1000 bytes"},
		{"'a'.repeat($this.replace('', 'aa'))", Limits{MaxText: 1000}, "a string has more than 1000 bytes"},
		{"(1 | 2 | 3).aggregate($total | $this | $total.select($this * 7 + $total.count()), 0).select($this).count() > 0 and " +
			"(1).repeat($this + 1 | $this * 3).exists()", Limits{MaxItems: 1000}, "more than 1000 items"},
		{"name.select(%context.descendants()).select(%context.descendants()).count()", Limits{MaxItems: 100}, "more than 100 items"},
		{"text.div.matches(id + 'x{900}' + 'y{900}')", Limits{MaxSteps: 10_000}, "more than 10000 steps"},
		{"'a'.matches('" + strings.Repeat("x{1000}", 30) + "')", Limits{}, "has more than 20000 states"},
		{"'a'.matches(%context.id)", Limits{MaxRegex: 1}, "a regular expression has at most 1 bytes"},
		{"descendants().select(%context.descendants()).select(%context.descendants()).count()", Limits{MaxSteps: 100_000}, "more than 100000 steps"},
		{"(descendants() | %context.descendants()).select(%context.descendants()) ~ descendants()", Limits{MaxSteps: 5_000}, "more than 5000 steps"},
	} {
		e, err := Compile(d, test.expression, Options{})
		if err == nil {
			context := at(t, d, patientJSON)
			context.Limits = test.limits
			_, err = e.Eval(context)
		}
		if err == nil || !strings.Contains(err.Error(), test.want) || domain.KindOf(err) != domain.TooCostly {
			t.Errorf("%s: %v, want %q", test.expression, err, test.want)
		}
	}
}

// TestLongChains compiles and evaluates the deepest trees that the length of an
// expression permits.
func TestLongChains(t *testing.T) {
	for _, expression := range []string{
		"1" + strings.Repeat("+1", 30_000),
		"a" + strings.Repeat(".a", 30_000),
		"1" + strings.Repeat("|1", 30_000),
		"true" + strings.Repeat(" and true", 7_000),
		"$this" + strings.Repeat("[0]", 20_000),
	} {
		if _, err := eval(t, expression, patientJSON); err != nil {
			t.Errorf("%.20s…: %v", expression, err)
		}
	}
}

func TestHugeNumbers(t *testing.T) {
	runCases(t, `{"resourceType":"Observation","valueQuantity":{"value":1e999999999,"code":"g"},"component":[{"valueQuantity":{"value":1e-300,"unit":"g"}}]}`, []evalCase{
		{"value.value", "decimal"},
		{"value.value + 1", ""},
		{"component.value.value * component.value.value * component.value.value", ""},
		{"component.value.value + 1 > 1", "true"},
		{"component.value.value.round(2)", "0.00"},
		{"9.power(999).power(999)", ""},
		{"1e5", "!the end of the expression or an operator is expected"},
	})
}

// TestPlaces shows that items know where they stand.
func TestPlaces(t *testing.T) {
	for expression, want := range map[string]string{
		"name[0].given":                    "Patient.name[0].given[0] Patient.name[0].given[1]",
		"telecom.where(system = 'email')":  "Patient.telecom[1]",
		"deceased":                         "Patient._deceasedBoolean",
		"birthDate | birthDate.extension":  "Patient.birthDate Patient._birthDate.extension[0]",
		"contained.where(id = 'doc')":      "Patient.contained[1]",
		"name.given.count()":               "-",
		"generalPractitioner[1].resolve()": "-",
	} {
		items, err := eval(t, expression, patientJSON)
		if err != nil {
			t.Fatal(err)
		}
		var places []string
		for _, it := range items {
			if place := it.Place(); place.Exists() {
				places = append(places, place.Path())
			} else {
				places = append(places, "-")
			}
		}
		if got := strings.Join(places, " "); got != want {
			t.Errorf("%s stands at %s, want %s", expression, got, want)
		}
	}
	items, err := eval(t, "generalPractitioner[1].resolve()", patientJSON)
	if err != nil || len(items) != 1 || !items[0].IsPlaceholder() || items[0].FHIRType().Name != "Organization" {
		t.Errorf("the placeholder is %v, %v", items, err)
	}
}

// TestContext uses everything that a caller can supply.
func TestContext(t *testing.T) {
	d := load(t, definitions.R4)
	other := parse(t, `{"resourceType":"Organization","id":"7","name":"Seven"}`)
	var traced []string
	context := at(t, d, patientJSON)
	context.Variables = map[string]Collection{"limit": {NewItem(Integer(2))}}
	context.Resolve = func(reference string) (fhirjson.Value, error) {
		if reference == "Organization/7" {
			return other, nil
		}
		return fhirjson.Value{}, nil
	}
	context.MemberOf = func(item Item, valueSet string) (bool, error) { return item.String() == "female", nil }
	context.Subsumes = func(a, b Item) (bool, error) { return a.String() < b.String(), nil }
	context.ConformsTo = func(item Item, profile string) (bool, error) { return profile == item.Type().Name, nil }
	context.Trace = func(name string, items Collection) { traced = append(traced, fmt.Sprint(name, len(items))) }
	for expression, want := range map[string]string{
		"name.count() = %limit":                              "true",
		"generalPractitioner.resolve().name":                 "'Seven'",
		"gender.memberOf('x')":                               "true",
		"'a'.subsumes('b') and 'a'.subsumedBy('b').not()":    "true",
		"conformsTo('Patient')":                              "true",
		"name.trace('a').given.trace('b', length()).count()": "3",
	} {
		e, err := Compile(d, expression, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := e.Eval(context); err != nil || show(got) != want {
			t.Errorf("%s = %s, %v, want %s", expression, show(got), err, want)
		}
	}
	if got := strings.Join(traced, " "); got != "a2 b3" {
		t.Errorf("traced %q", got)
	}
}

func TestBundle(t *testing.T) {
	runCases(t, `{"resourceType":"Bundle","entry":[
		{"fullUrl":"http://example.org/Patient/1","resource":{"resourceType":"Patient","id":"1","name":[{"family":"A"}],"managingOrganization":{"reference":"#o"},
			"contained":[{"resourceType":"Organization","id":"o","name":"Own"}]}},
		{"fullUrl":"urn:uuid:2","resource":{"resourceType":"Observation","subject":{"reference":"Patient/1"},"hasMember":[{"reference":"urn:uuid:2"}]}}]}`, []evalCase{
		{"Bundle.entry.resource.ofType(Observation).subject.resolve().name.family", "'A'"},
		{"entry.resource.hasMember.resolve().hasMember.reference", "'urn:uuid:2'"},
		{"entry.resource.managingOrganization.resolve().name", "'Own'"},
		{"entry.resource.where(Patient.name.exists()).id", "'1'"},
	})
}

func TestSingleAs(t *testing.T) {
	d := load(t, definitions.R4)
	e, err := Compile(d, "name.as(HumanName)", Options{SingleAs: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Eval(at(t, d, patientJSON)); err == nil || !strings.Contains(err.Error(), "'as' takes a single item, and there are 2") {
		t.Errorf("as() on two items: %v", err)
	}
}

func TestTest(t *testing.T) {
	d := load(t, definitions.R4)
	for expression, want := range map[string][2]bool{
		"name.exists()":         {true, true},
		"link.exists()":         {false, true},
		"{}":                    {false, false},
		"link.url = 'x'":        {false, false},
		"false | name.exists()": {true, true},
		"gender":                {true, true},
	} {
		e, err := Compile(d, expression, Options{})
		if err != nil {
			t.Fatal(err)
		}
		holds, known, err := e.Test(at(t, d, patientJSON))
		if err != nil || [2]bool{holds, known} != want {
			t.Errorf("%s: holds %v, known %v, %v, want %v", expression, holds, known, err, want)
		}
	}
}

// TestConcurrentUse evaluates one expression in many goroutines, for the race
// detector.
func TestConcurrentUse(t *testing.T) {
	d := load(t, definitions.R4)
	e, err := Compile(d, "telecom.where(system = 'phone').select(value & rank.toString()) | name.given.first()", Options{})
	if err != nil {
		t.Fatal(err)
	}
	context := at(t, d, patientJSON)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 100 {
				if got, err := e.Eval(context); err != nil || show(got) != "'12', '21', 'Ann'" {
					t.Errorf("%s, %v", show(got), err)
					return
				}
			}
		})
	}
	group.Wait()
}

// TestUnknownTypes navigates JSON that the definitions do not describe.
func TestUnknownTypes(t *testing.T) {
	runCases(t, `{"resourceType":"Widget","size":[1,2.5,null],"part":{"name":"a","ok":true}}`, []evalCase{
		{"size", "1, 2.5"},
		{"part.name & 'b'", "'ab'"},
		{"part.ok", "true"},
		{"descendants().count()", "7"},
		{"is(Patient)", "false"},
	})
}

// TestErrorsQuoteNothing: what a patient's record says stays out of messages.
func TestErrorsQuoteNothing(t *testing.T) {
	const secret = `{"resourceType":"Patient","id":"secret(","gender":"secret","birthDate":"secret","name":[{"family":"secret"},{"family":"secret"}]}`
	for _, expression := range []string{
		"'a'.matches(id)", "'a'.replaceMatches(id, '')", "gender + 1", "gender < 1", "name.family + 'a'", "-gender", "name[gender]", "name.single()", "name.skip(gender)",
		"gender.abs()", "'a'.encode(gender)", "'a'.escape(gender)", "defineVariable(gender).defineVariable(gender)", "checkModifiers(name)", "gender.memberOf(id)",
		"name.where(family.exists()).aggregate($this + 1)", "iif(gender, 1)", "'a'.matches('b', gender)", "name.join()",
	} {
		_, err := eval(t, expression, secret)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", expression, err)
		}
	}
}
