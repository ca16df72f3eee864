package search

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/definitions/tables"
)

func customDefinition(typ, expression string, base ...string) definitions.SearchParameter {
	return definitions.SearchParameter{URL: "http://example.org/SearchParameter/own", Code: "own", Type: typ, Base: base, Expression: expression}
}

func TestCheckCustom(t *testing.T) {
	d, err := definitions.Load(definitions.R4)
	if err != nil {
		t.Fatal(err)
	}
	change := func(change func(def *definitions.SearchParameter)) definitions.SearchParameter {
		def := customDefinition("token", "Patient.gender", "Patient")
		change(&def)
		return def
	}
	tests := []struct {
		name string
		def  definitions.SearchParameter
		want string // part of the message; empty: it is right
	}{
		{"right", customDefinition("token", "Patient.gender", "Patient"), ""},
		{"extension", customDefinition("string", "Patient.extension('http://example.org/e').value", "Patient"), ""},
		{"extension_of_one_type", customDefinition("string", "Patient.extension('http://example.org/e').value.as(string)", "Patient"), ""},
		{"extension_of_a_primitive", customDefinition("date", "Patient.birthDate.extension('http://example.org/e').value", "Patient"), ""},
		{"engine", customDefinition("string", "Patient.name.given.first() + Patient.name.family.first()", "Patient"), ""},
		{"several_types", customDefinition("date", "Patient.birthDate | Person.birthDate", "Patient", "Person"), ""},
		{"all_types", customDefinition("token", "Resource.language", "Resource"), ""},
		{"composite", change(func(def *definitions.SearchParameter) {
			def.Type, def.Expression = "composite", "Patient.contact"
			def.Components = []tables.Component{{Definition: "http://hl7.org/fhir/SearchParameter/Patient-gender", Expression: "gender"}, {Definition: "http://example.org/x", Expression: "name.family"}}
		}), ""},
		{"same_as_the_specification's", change(func(def *definitions.SearchParameter) { def.Code, def.Expression = "active", "Patient.active" }), ""},
		{"no_url", change(func(def *definitions.SearchParameter) { def.URL = "" }), "no url"},
		{"relative_url", change(func(def *definitions.SearchParameter) { def.URL = "SearchParameter/x" }), "not absolute"},
		{"long_url", change(func(def *definitions.SearchParameter) { def.URL += strings.Repeat("x", 128) }), "128 are possible"},
		{"taken_url", change(func(def *definitions.SearchParameter) { def.URL = specification + "Patient-active" }), "specification's parameter active"},
		{"no_code", change(func(def *definitions.SearchParameter) { def.Code = "" }), "its code"},
		{"code_with_colon", change(func(def *definitions.SearchParameter) { def.Code = "a:b" }), "its code"},
		{"code_with_underscore", change(func(def *definitions.SearchParameter) { def.Code = "_own" }), "its code"},
		{"taken_code", change(func(def *definitions.SearchParameter) { def.Code = "name" }), "has a parameter name already"},
		{"taken_code_of_all_types", change(func(def *definitions.SearchParameter) { def.Code, def.Base = "_tag", []string{"Resource"} }), "its code"},
		{"no_base", change(func(def *definitions.SearchParameter) { def.Base = nil }), "no base"},
		{"unknown_base", change(func(def *definitions.SearchParameter) { def.Base = []string{"Patience"} }), `"Patience"`},
		{"base_is_no_resource", change(func(def *definitions.SearchParameter) { def.Base = []string{"HumanName"} }), `"HumanName"`},
		{"no_expression", change(func(def *definitions.SearchParameter) { def.Expression = "" }), "no expression"},
		{"broken_expression", change(func(def *definitions.SearchParameter) { def.Expression = "Patient.gender." }), "olumn"},
		{"unknown_element", change(func(def *definitions.SearchParameter) { def.Expression = "Patient.gendre" }), `Patient has no element "gendre"`},
		{"unknown_element_below", change(func(def *definitions.SearchParameter) { def.Expression = "Patient.contact.nome" }), `Patient.contact has no element "nome"`},
		{"unknown_element_in_one_branch", change(func(def *definitions.SearchParameter) { def.Expression = "Patient.gender | Patient.gendre" }), `"gendre"`},
		{"unknown_element_in_a_condition", change(func(def *definitions.SearchParameter) { def.Expression = "Patient.telecom.where(sistem = 'phone')" }), `"sistem"`},
		{"unknown_function", change(func(def *definitions.SearchParameter) { def.Expression = "Patient.gender.fetch()" }), "fetch"},
		{"other_type", change(func(def *definitions.SearchParameter) { def.Expression = "Person.gender" }), "nothing about the base Patient"},
		{"impossible_type_of_element", change(func(def *definitions.SearchParameter) { def.Expression = "Patient.deceased.as(Quantity)" }), `"Quantity"`},
		{"no_type", change(func(def *definitions.SearchParameter) { def.Type = "" }), "its type"},
		{"special_type", change(func(def *definitions.SearchParameter) { def.Type = "special" }), "its type"},
		{"unsuitable_type", change(func(def *definitions.SearchParameter) { def.Type = "quantity" }), "type quantity cannot be made"},
		{"unsuitable_element", change(func(def *definitions.SearchParameter) { def.Expression = "Patient.contact" }), "Patient.contact"},
		{"resolve_of_no_reference", change(func(def *definitions.SearchParameter) { def.Expression = "Patient.gender.where(resolve() is Patient)" }), "resolve()"},
		{"resolve_is_no_resource", change(func(def *definitions.SearchParameter) {
			def.Type, def.Expression = "reference", "Patient.link.other.where(resolve() is Thing)"
		}), `"Thing"`},
		{"composite_without_components", change(func(def *definitions.SearchParameter) { def.Type, def.Expression = "composite", "Patient.contact" }), "two components"},
		{"composite_with_a_wrong_component", change(func(def *definitions.SearchParameter) {
			def.Type, def.Expression = "composite", "Patient.contact"
			def.Components = []tables.Component{{Expression: "gender"}, {Expression: "height"}}
		}), `"height"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := CheckCustom(d, test.def)
			switch {
			case test.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want an error with %q", err, test.want)
			case err != nil && domain.KindOf(err) != domain.Invalid:
				t.Errorf("%v is of kind %d", err, domain.KindOf(err))
			case err != nil:
				if fault, ok := errors.AsType[*domain.Error](err); !ok || len(fault.Issues[0].Expression) != 1 {
					t.Errorf("%v does not say which element is at fault", err)
				}
			}
		})
	}
}

func TestCustomValues(t *testing.T) {
	tests := []struct {
		typ, expression, resource string
		want                      []string
	}{
		{"string", "Patient.extension('http://example.org/e').value", `{"resourceType":"Patient","extension":[{"url":"http://example.org/e","valueString":"A"},{"url":"http://example.org/f","valueString":"B"},{"url":"http://example.org/e","valueInteger":1}]}`, []string{"present", "value[a][A]", "text[a]"}},
		{"token", "Patient.extension('http://example.org/e')", `{"resourceType":"Patient","extension":[{"url":"http://example.org/e","valueCode":"A"}]}`, []string{"present", "value[A][2]"}},
		{"date", "Patient.birthDate.extension('http://example.org/e').value", `{"resourceType":"Patient","_birthDate":{"extension":[{"url":"http://example.org/e","valueDateTime":"1970"}]}}`, []string{"present", "value 1970-01-01T00:00:00Z..1971-01-01T00:00:00Z"}},
		{"string", "Patient.contact.name.family", `{"resourceType":"Patient","contact":[{"name":{"family":"x"}},{},{"name":{"family":"y"}}]}`, []string{"present", "value[x][]", "text[x]", "value[y][]", "text[y]"}},
		{"string", "Patient.name[1].family", `{"resourceType":"Patient","name":[{"family":"x"},{"family":"y"}]}`, []string{"present", "value[y][]", "text[y]"}},
		{"string", "Patient.name.first().family", `{"resourceType":"Patient","name":[{"family":"x"},{"family":"y"}]}`, []string{"present", "value[x][]", "text[x]"}},
		{"string", "Patient.name.where(use = 'official' and family.exists()).given", `{"resourceType":"Patient","name":[{"use":"official","family":"a","given":["x"]},{"use":"official","given":["y"]},{"family":"a","given":["z"]}]}`, []string{"present", "value[x][]", "text[x]"}},
		{"string", "Patient.name.where(use = 'old' or use = 'maiden').family", `{"resourceType":"Patient","name":[{"use":"old","family":"x"},{"use":"maiden","family":"y"},{"family":"z"}]}`, []string{"present", "value[x][]", "text[x]", "value[y][]", "text[y]"}},
		{"string", "Patient.name.where(use.empty()).family", `{"resourceType":"Patient","name":[{"use":"old","family":"x"},{"family":"z"}]}`, []string{"present", "value[z][]", "text[z]"}},
		{"string", "Patient.name.where(use.exists().not()).family", `{"resourceType":"Patient","name":[{"use":"old","family":"x"},{"family":"z"}]}`, []string{"present", "value[z][]", "text[z]"}},
		{"string", "Patient.name.where(use != 'old').family", `{"resourceType":"Patient","name":[{"use":"old","family":"x"},{"use":"usual","family":"y"},{"family":"z"}]}`, []string{"present", "value[y][]", "text[y]"}},
		{"token", "Patient.name.exists()", `{"resourceType":"Patient","name":[{"family":"x"}]}`, []string{"present", "value[true][2]"}},
		{"token", "Patient.name.count() > 1", `{"resourceType":"Patient","name":[{"family":"x"}]}`, []string{"present", "value[false][2]"}},
		{"number", "Patient.name.count()", `{"resourceType":"Patient","name":[{"family":"x"},{"family":"y"}]}`, []string{"present", "value 2..2"}},
		{"string", "Patient.name.select(given.first() + ' ' + family)", `{"resourceType":"Patient","name":[{"family":"Li","given":["Eva","B"]}]}`, []string{"present", "value[eva li][Eva Li]", "text[eva li]", "text[li]"}},
		{"string", "Patient.name.skip(1).family", `{"resourceType":"Patient","name":[{"family":"x"},{"family":"y"}]}`, []string{"present", "value[y][]", "text[y]"}},
		{"reference", "Patient.link.other.resolve()", `{"resourceType":"Patient","link":[{"other":{"reference":"Patient/2"}}]}`, []string{"value[2][Patient][]", "forward [2][Patient][]", "present[Patient]"}},
	}
	for _, test := range tests {
		t.Run(test.expression, func(t *testing.T) {
			def := customDefinition(test.typ, test.expression, "Patient")
			set := loadSet(t, definitions.R4, Custom{Number: 7, Definition: def})
			if err := CheckCustom(set.definitions, def); err != nil {
				t.Error(err)
			}
			if slot := set.Find("Patient", "own").Slot; slot != firstCustomSlot+7 {
				t.Errorf("slot %d", slot)
			}
			checkValues(t, set, test.resource, "own", test.want...)
		})
	}
}

func TestCustomInSet(t *testing.T) {
	plain := loadSet(t, definitions.R4)
	shared := customDefinition("date", "Patient.birthDate | Person.birthDate", "Patient", "Person")
	hidden := definitions.SearchParameter{URL: "http://example.org/SearchParameter/active", Code: "active", Type: "token", Base: []string{"Patient"}, Expression: "Patient.active"}
	set := loadSet(t, definitions.R4, Custom{Number: 0, Definition: shared, Pending: true}, Custom{Number: 1, Definition: hidden})
	if set.Digest() != plain.Digest() {
		t.Error("custom parameters change the digest of the others")
	}
	for _, resource := range []domain.ResourceType{"Patient", "Person"} {
		if p := set.Find(resource, "own"); p == nil || !p.Pending || !p.Shared || p.Slot != firstCustomSlot {
			t.Errorf("%s.own = %+v", resource, p)
		}
		if len(set.Of(resource)) != len(plain.Of(resource))+1 {
			t.Errorf("%s has %d parameters", resource, len(set.Of(resource)))
		}
	}
	if p := set.Find("Patient", "active"); p.URL == hidden.URL {
		t.Error("a custom parameter takes the place of one of the specification's")
	}
	if of := set.ByURL(hidden.URL); len(of) != 1 || of[0].Slot != firstCustomSlot+1 {
		t.Errorf("ByURL = %v", of)
	}
	found := slices.ContainsFunc(extractAll(set, parseResource(t, `{"resourceType":"Patient","active":true}`)), func(e Entry) bool { return SlotOf(e.Key) == firstCustomSlot+1 })
	if !found {
		t.Error("a parameter with the code of another has no values")
	}
	wrong := customDefinition("token", "Patient.gendre", "Patient")
	if _, err := NewSet(set.definitions, []Custom{{Definition: wrong}}); err == nil || !strings.Contains(err.Error(), wrong.URL) {
		t.Errorf("NewSet with a wrong custom parameter: %v", err)
	}
	if _, err := NewSet(set.definitions, []Custom{{Number: mostCustom + 1, Definition: shared}}); err == nil {
		t.Error("NewSet takes a number beyond the slots")
	}
}

// TestEngineIsBounded checks that an expression that never ends costs little.
func TestEngineIsBounded(t *testing.T) {
	def := customDefinition("string", "Patient.descendants().select(%resource.descendants()).select(%resource.descendants()).toString()", "Patient")
	set := loadSet(t, definitions.R4, Custom{Definition: def})
	resource := `{"resourceType":"Patient","name":[` + strings.Repeat(`{"family":"x"},`, 200) + `{}]}`
	if got := valuesOf(set, parseResource(t, resource), "own"); len(got) != 0 {
		t.Errorf("%d values", len(got))
	}
}
