package profile

import (
	"context"
	"testing"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// FuzzValidate checks any resource against any definition: whatever they are, the
// check ends, in a bounded time and with bounded issues, and gives the same
// twice.
func FuzzValidate(f *testing.F) {
	for _, text := range clinicDefinitions() {
		f.Add(text, clinicPatient())
	}
	f.Add(constrain("p", "Patient", "Patient", "Patient.identifier", sliced("value", "system", `"rules":"closed"`), "Patient.identifier:a", `"min":1`, "Patient.identifier:a.system", `"fixedUri":"urn:a"`, "Patient.identifier:a/b.use", `"patternCode":"old"`), patient(`"identifier":[{"system":"urn:a"},{"_system":{"id":"x"}}],"birthDate":null`))
	f.Add(constrain("p", "Observation", "Observation", "Observation.value[x]", sliced("type", "$this"), "Observation.valueQuantity", `"min":1`, "Observation.component", sliced("exists", "value.ofType(Quantity)"), "Observation.component:x", ""), observation(`"valueQuantity":{"value":1},"component":[{"valueString":1},[],null]`))
	f.Add(constrain("p", "Questionnaire", "Questionnaire", "Questionnaire.item.text", `"min":1,"maxLength":1,"minValueString":"a"`), resourceOf("Questionnaire", `"item":[{"item":[{"item":{}}]}]`))
	f.Add(whole("p", "Bundle", "Bundle", "", "Bundle.entry", sliced("profile", "resource"), "Bundle.entry:x.resource", `"type":[{"code":"Bundle","profile":["`+here+`p"]}]`), resourceOf("Bundle", `"entry":[{"resource":{"resourceType":"Bundle","entry":[{"resource":{}}]}}]`))
	f.Add(extensionOf("x", `"context":[{"type":"fhirpath","expression":"name"},{"type":"extension","expression":"x"}],"contextInvariant":["false"]`), patient(`"modifierExtension":[{"url":"`+here+`x"}],"_birthDate":{"extension":[{"url":"`+here+`x","extension":{}}]}`))
	f.Fuzz(func(t *testing.T, definition, resource string) {
		parsed, err := fhirjson.Parse([]byte(definition), fhirjson.Limits{MaxDepth: 60})
		if err != nil {
			return
		}
		content, err := fhirjson.Parse([]byte(resource), fhirjson.Limits{MaxDepth: 60})
		if err != nil {
			return
		}
		for _, version := range []definitions.Version{definitions.R4, definitions.STU3} {
			d, err := definitions.Load(version)
			if err != nil {
				t.Fatal(err)
			}
			va := New(d, &shelf{resources: []fhirjson.Value{parsed.Root()}}, func() time.Time { return noon })
			start := time.Now()
			first, err := va.Validate(context.Background(), content.Root(), []string{parsed.Root().Get("url").String()})
			if err != nil && domain.KindOf(err) != domain.TooCostly {
				t.Fatalf("%s: %v", version, err)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Fatalf("%s: took %v", version, took)
			}
			if len(first) > 2*mostIssues {
				t.Fatalf("%s: %d issues", version, len(first))
			}
			second, again := va.Validate(context.Background(), content.Root(), []string{parsed.Root().Get("url").String()})
			if err == nil && (again != nil || len(first) != len(second)) {
				t.Fatalf("%s: first\n%v\nthen\n%v, %v", version, told(first), told(second), again)
			}
		}
	})
}
