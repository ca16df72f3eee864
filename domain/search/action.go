package search

import (
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// action makes index values of what a path leads to.
type action struct {
	slot Slot
	typ  ParameterType
	add  adder
	// part is the number of a component among those that are collected for
	// composites, or -1: then values become entries.
	part int
	// codes and systems say where a code comes from, if its element is bound to
	// codes that are known.
	codes   *definitions.Codes
	systems []string
}

// adder adds the values of one FHIR type, which v is of.
type adder func(x *extractor, a *action, v fhirjson.Value)

// adders has an adder for each type of parameter and the FHIR types that it can
// be made of (https://hl7.org/fhir/R4/search.html#ptypes). Types
// derived from one of these are treated as it is.
var adders = map[ParameterType]map[string]adder{
	String: {
		"string": textString, "HumanName": nameString, "Address": addressString, "ContactPoint": contactString, "Annotation": annotationString,
		"Identifier": identifierString, "CodeableConcept": conceptString, "Coding": codingString, "uri": textString,
	},
	Token: {
		"Coding": codingToken, "CodeableConcept": conceptToken, "Identifier": identifierToken, "ContactPoint": contactToken,
		"code": codeToken, "boolean": rawToken, "integer": rawToken, "decimal": rawToken, "integer64": textToken,
		"string": textToken, "uri": textToken, "date": textToken, "dateTime": textToken, "instant": textToken,
		"CodeableReference": codeableToken,
	},
	ReferTo: {
		"Reference": referenceValue, "canonical": canonicalReference, "uri": canonicalReference, "CodeableReference": codeableReference,
		"Resource": resourceReference,
	},
	Date: {
		"date": instantDate, "dateTime": instantDate, "instant": instantDate, "Period": periodDate, "Timing": timingDate,
	},
	Number: {
		"integer": plainNumber, "decimal": plainNumber, "integer64": plainNumber, "Quantity": quantityNumber, "Range": rangeNumber,
	},
	Quantity: {
		"Quantity": quantityValue, "Money": moneyQuantity, "Range": rangeQuantity, "decimal": plainQuantity, "integer": plainQuantity,
		"SampledData": presentOnly, "Ratio": ratioQuantity,
	},
	URI: {
		"uri": uriValue, "canonical": canonicalURI, "string": uriValue,
	},
	Special: {
		"Location.position": positionNear,
	},
}

// adder finds how a FHIR type becomes values of a type of parameter, nil if
// it does not.
func (c *pathCompiler) adder(t ParameterType, of *definitions.Type) adder {
	for of != nil {
		if found := adders[t][of.Name]; found != nil {
			return found
		}
		of = c.definitions.Type(of.Base)
	}
	return nil
}

// action makes the action for the values of a path.
func (c *pathCompiler) action(slot Slot, t ParameterType, p path) *action {
	a := &action{slot: slot, typ: t, part: -1, add: c.adder(t, p.typ)}
	if p.holds {
		a.add = trueToken
	}
	a.codes, a.systems = systemsOfPath(c, t, p)
	return a
}

// systemsOfPath says where the codes of a path come from, if it is known.
func systemsOfPath(c *pathCompiler, t ParameterType, p path) (codes *definitions.Codes, systems []string) {
	if t != Token || p.of == nil || p.of.Binding == nil || !c.isA(p.typ, "code") {
		return nil, nil
	}
	return systemsOf(p.of.Binding)
}

// openSystems are the systems of value sets whose codes are too many to be
// listed in the definitions.
var openSystems = map[string]string{
	"http://hl7.org/fhir/ValueSet/mimetypes":     "urn:ietf:bcp:13",
	"http://hl7.org/fhir/ValueSet/languages":     "urn:ietf:bcp:47",
	"http://hl7.org/fhir/ValueSet/all-languages": "urn:ietf:bcp:47",
	"http://hl7.org/fhir/ValueSet/currencies":    currencySystem,
}

// systemsOf lists the systems that the codes of a binding come from.
func systemsOf(b *definitions.Binding) (codes *definitions.Codes, systems []string) {
	if system := openSystems[b.ValueSet]; system != "" {
		return nil, []string{system}
	}
	if b.Codes == nil {
		return nil, nil
	}
	b.Codes.All(func(system, _ string) bool {
		if system != "" && (len(systems) == 0 || systems[len(systems)-1] != system) {
			systems = append(systems, system)
		}
		return true
	})
	return b.Codes, systems
}

// visit makes the values of v.
func (a *action) visit(x *extractor, v fhirjson.Value) bool {
	x.run(a, v)
	return true
}
