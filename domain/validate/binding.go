package validate

import (
	"fmt"
	"strings"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// greatestCodeList is how many permitted codes a message names.
const greatestCodeList = 12

// binding checks a Coding or CodeableConcept against a required binding: of a
// concept, one coding must be from the value set
// (https://hl7.org/fhir/R4/terminologies.html#required).
func (w *walker) binding(v fhirjson.Value, t *definitions.Type, b *definitions.Binding) {
	switch t {
	case w.coding:
		if !isCoding(v, b.Codes) {
			w.fault(codeCodeInvalid, fmt.Sprintf("%s must be a coding of the value set %s: %s.", w.name(), b.ValueSet, permitted(b.Codes, true)))
		}
	case w.concept:
		for coding := v.Get("coding").First(); coding.Exists(); coding = coding.Next() {
			if isCoding(coding, b.Codes) {
				return
			}
		}
		w.fault(codeCodeInvalid, fmt.Sprintf("%s must have a coding of the value set %s: %s.", w.name(), b.ValueSet, permitted(b.Codes, true)))
	}
}

func isCoding(v fhirjson.Value, codes *definitions.Codes) bool {
	return codes.Has(v.Get("system").Text(), v.Get("code").Text())
}

// permitted lists the codes of a value set, or counts them if there are many.
func permitted(codes *definitions.Codes, systems bool) string {
	if codes.Len() > greatestCodeList {
		return fmt.Sprintf("one of its %d codes", codes.Len())
	}
	var names []string
	var in string
	codes.All(func(system, code string) bool {
		names = append(names, code)
		if systems && !strings.Contains(in, system) {
			in += " of " + system
		}
		return true
	})
	return strings.Join(names, ", ") + in
}
