package searchtest

import (
	"slices"
	"strings"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// token is a code with its system, which may be written beside it or be implied
// by the definition of the element.
type token struct {
	system, code string
	implied      bool
}

// tokensOf are the tokens of an element
// (https://hl7.org/fhir/R4/search.html#token).
func (e *Evaluator) tokensOf(el element, v *Version) []token {
	switch el.name {
	case "Coding":
		return []token{coding(el.value)}
	case "CodeableConcept":
		var all []token
		for _, c := range members(el.value, "coding") {
			all = append(all, coding(c))
		}
		return all
	case "Identifier":
		return []token{{system: el.get("system").String(), code: el.get("value").String()}}
	case "ContactPoint":
		return []token{{code: el.get("value").String()}}
	case "code":
		system := e.impliedSystem(el, v)
		return []token{{system: system, code: el.text(), implied: system != ""}}
	}
	return []token{{code: el.text()}}
}

func coding(v fhirjson.Value) token {
	return token{system: v.Get("system").String(), code: v.Get("code").String()}
}

// coded keeps the tokens that have a code.
func coded(all []token) []token {
	return slices.DeleteFunc(slices.Clone(all), func(t token) bool { return t.code == "" })
}

// tokenMatches compares with code, system|code, |code or system|.
func tokenMatches(parts []string, stored []token) bool {
	code := parts[len(parts)-1]
	return slices.ContainsFunc(stored, func(t token) bool {
		sameCode := t.code != "" && (t.code == code || caseMeansNothing(t.system) && strings.EqualFold(t.code, code))
		switch {
		case len(parts) == 1:
			return sameCode
		case parts[0] == "":
			return sameCode && (t.system == "" || t.implied)
		case code == "":
			return t.system == parts[0]
		}
		return sameCode && t.system == parts[0]
	})
}

// caseMeansNothing tells of which systems the codes are the same in upper and
// lower case: LOINC (https://hl7.org/fhir/R4/loinc.html) and languages (RFC 5646).
func caseMeansNothing(system string) bool {
	return system == "http://loinc.org" || system == "urn:ietf:bcp:47"
}

// isOfType compares an Identifier with system|code of its type and its value.
func isOfType(el element, parts []string) bool {
	if el.name != "Identifier" || el.get("value").String() != parts[2] {
		return false
	}
	for _, c := range members(el.get("type"), "coding") {
		if tokenMatches(parts[:2], []token{coding(c)}) {
			return true
		}
	}
	return false
}

// identifierIs compares the identifier of a logical reference.
func identifierIs(el element, parts []string) bool {
	of := el.get("identifier")
	t := token{system: of.Get("system").String(), code: of.Get("value").String()}
	return el.name == "Reference" && t.code != "" && tokenMatches(parts, []token{t})
}

// impliedCodes is where the codes of an element come from.
type impliedCodes struct {
	systems []string
	codes   *definitions.Codes
}

// largeValueSets have too many codes to be listed; all are of one system.
var largeValueSets = map[string]string{
	"mimetypes": "urn:ietf:bcp:13", "languages": "urn:ietf:bcp:47", "all-languages": "urn:ietf:bcp:47", "currencies": "urn:iso:std:iso:4217",
}

// impliedSystem is the system that the binding of a code's element implies: the
// only one of the value set, or the first that has the code.
func (e *Evaluator) impliedSystem(el element, v *Version) string {
	of := e.definitionOf(v, el.value)
	if of == nil || of.Binding == nil {
		return ""
	}
	known := e.implied[of]
	if known == nil {
		known = &impliedCodes{codes: of.Binding.Codes}
		name, ofFHIR := strings.CutPrefix(of.Binding.ValueSet, "http://hl7.org/fhir/ValueSet/")
		if large := largeValueSets[name]; ofFHIR && large != "" {
			known.systems, known.codes = []string{large}, nil
		} else if known.codes != nil {
			for system := range systemsOf(known.codes) {
				known.systems = append(known.systems, system)
			}
		}
		e.implied[of] = known
	}
	if len(known.systems) == 1 {
		return known.systems[0]
	}
	for _, system := range known.systems {
		if known.codes.Has([]byte(system), []byte(el.text())) {
			return system
		}
	}
	return ""
}

// systemsOf gives each system of codes once, in their order.
func systemsOf(codes *definitions.Codes) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		seen := map[string]bool{"": true}
		codes.All(func(system, _ string) bool {
			if seen[system] {
				return true
			}
			seen[system] = true
			return yield(system)
		})
	}
}

// definitionOf finds the definition of the element at a place, by walking there
// from the resource.
func (e *Evaluator) definitionOf(v *Version, place fhirjson.Value) (found *definitions.Element) {
	at, t := v.Resource, e.Definitions.TypeOf(v.Resource.Get("resourceType").Text())
	for at != place {
		child := at.First()
		for child.Exists() && (child.Start() > place.Start() || place.End() > child.End()) {
			child = child.Next()
		}
		switch {
		case !child.Exists():
			return nil
		case at.Kind() == fhirjson.Array: // its definition is that of the array
		case t == nil:
			return nil
		default:
			m, ok := t.Member(child.Name())
			if !ok {
				return nil
			}
			found, t = m.Element, m.Type
		}
		if child.Kind() == fhirjson.Object && child.Get("resourceType").Exists() {
			t = e.Definitions.TypeOf(child.Get("resourceType").Text())
		}
		at = child
	}
	return found
}
