package validate

import (
	"fmt"
	"strings"

	"fhirlog/domain"
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

// extensible checks a Coding or CodeableConcept against an extensible binding, if all
// codes of the value set are known: codings are to be from it if any of it fits,
// which nobody can tell here, so it is a warning. A text alone says that none fits
// (https://hl7.org/fhir/R4/terminologies.html#extensible).
func (w *walker) extensible(v fhirjson.Value, t *definitions.Type, b *definitions.Binding) {
	first := v.Get("coding").First()
	switch {
	case t == w.coding:
		first = v
	case t != w.concept || !first.Exists():
		return
	}
	codes := w.definitions.ValueSet(b.ValueSet)
	if codes == nil {
		return
	}
	for coding := first; coding.Exists(); coding = coding.Next() {
		if isCoding(coding, codes) {
			return
		}
		if t == w.coding {
			break
		}
	}
	w.report(domain.Warning, codeCodeInvalid, fmt.Sprintf("%s should have a coding of the value set %s, unless none of it fits: %s.", w.name(), b.ValueSet, permitted(codes, true)))
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
