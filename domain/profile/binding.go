package profile

import (
	"fmt"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/valueset"
)

func (b *binding) required() bool { return b != nil && b.strength == definitions.Required }

// bindings checks the codes of a value against the value sets it is bound to
// (https://hl7.org/fhir/R4/terminologies.html#strength).
func (w *walk) bindings(s *shape, v spot) {
	b := s.binding
	if b.greatest != "" && !b.required() {
		w.bindingTo(s, v, b.greatest, domain.Fault)
	}
	switch {
	case b.valueSet == "":
	case b.strength == definitions.Required:
		w.bindingTo(s, v, b.valueSet, domain.Fault)
	case b.strength == definitions.Extensible:
		w.bindingTo(s, v, b.valueSet, domain.Warning)
	}
}

// bindingTo checks the codes of a value against one value set. An extensible binding
// is content with a text alone.
func (w *walk) bindingTo(s *shape, v spot, url string, severity domain.Severity) {
	if w.trying && severity != domain.Fault {
		return
	}
	if severity == domain.Warning && v.typ != nil && v.typ.Name == "CodeableConcept" && !v.place.Get("coding").First().Exists() {
		return
	}
	answer, reason := w.contains(v, url)
	switch answer {
	case valueset.Outside:
		word := "a code"
		if severity == domain.Warning {
			word = "a code, if one fits,"
		}
		w.report(severity, codeCodeInvalid, fmt.Sprintf("%s%s to have %s of the value set %s%s.", w.demands(), s.name, word, shown(url), w.permitted(url)))
	case valueset.Unknown:
		severity := domain.Information
		if s.binding.required() || url == s.binding.greatest {
			severity = domain.Warning
		}
		w.once(severity, codeNotSupported, "The codes of "+shown(s.id)+" could not be checked against the value set "+shown(url)+": "+reason)
	}
}

// mostListed is how many codes of a value set a message lists.
const mostListed = 20

// permitted lists the codes of a small value set, for a message.
func (w *walk) permitted(url string) string {
	set, _, err := w.known.valueSet(w.ctx, url)
	if err != nil || set == nil {
		return ""
	}
	codes, systems, ok := set.List(mostListed)
	if !ok {
		return ""
	}
	return ": " + shown(strings.Join(codes, ", ")) + " of " + shown(strings.Join(systems, " or "))
}

// contains says whether a value has a code of a value set. Of a concept one
// coding is enough.
func (w *walk) contains(v spot, url string) (valueset.Answer, string) {
	set, cost, err := w.known.valueSet(w.ctx, url)
	w.left -= cost
	if err != nil {
		if e, told := asDomain(err); told {
			return valueset.Unknown, e.Issues[0].Message
		}
		w.err = err
		return valueset.Unknown, ""
	}
	if set == nil {
		return valueset.Unknown, "it is not known here."
	}
	if v.place.Kind() == fhirjson.String {
		return w.ask(set, "", false, string(v.place.Text()))
	}
	coding := v.place
	if v.typ != nil && v.typ.Name == "CodeableConcept" || v.place.Get("coding").Exists() {
		best, reason := valueset.Outside, ""
		for coding = items(v.place.Get("coding")); coding.Exists(); coding = coding.Next() {
			switch answer, why := w.coding(set, coding); answer {
			case valueset.Inside:
				return valueset.Inside, ""
			case valueset.Unknown:
				best, reason = valueset.Unknown, why
			}
		}
		return best, reason
	}
	return w.coding(set, coding)
}

// coding asks about a Coding or a Quantity.
func (w *walk) coding(set *valueset.Set, v fhirjson.Value) (valueset.Answer, string) {
	code := v.Get("code")
	if !code.Exists() {
		return valueset.Outside, ""
	}
	return w.ask(set, v.Get("system").String(), true, code.String())
}

func (w *walk) ask(set *valueset.Set, system string, coded bool, code string) (valueset.Answer, string) {
	w.left -= set.Steps()
	if coded {
		return set.Contains(system, code)
	}
	return set.ContainsCode(code)
}

// memberOf is the function memberOf() of FHIRPath.
func (w *walk) memberOf(v spot, url string) (bool, error) {
	answer, reason := w.contains(v, url)
	if answer == valueset.Unknown {
		if w.err != nil {
			return false, w.err
		}
		return false, domain.NewError(domain.NotSupported, "the value set "+shown(url)+" could not be consulted: "+reason)
	}
	return answer == valueset.Inside, nil
}
