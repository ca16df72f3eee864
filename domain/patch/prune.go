package patch

import "fhirlog/domain/fhirjson"

// prune drops arrays and objects that are empty, as far as they were opened,
// which those are that a patch has emptied or put in empty: FHIR has no empty
// arrays and objects (https://hl7.org/fhir/R4/json.html). It answers whether
// anything is left of the node itself.
func (n *node) prune() bool {
	if n.parts == nil {
		return true
	}
	pads := n.parts.kind == fhirjson.Array && n.isPadded()
	left, onlyNull := n.parts.list[:0], true
	for i := range n.parts.list {
		part := n.parts.list[i]
		switch {
		case part.prune():
			onlyNull = onlyNull && part.kind() == fhirjson.Null
		case pads:
			part = node{origin: null}
		default:
			continue
		}
		left = append(left, part)
	}
	clear(n.parts.list[len(left):])
	n.parts.list = left
	return len(left) > 0 && !(onlyNull && n.parts.kind == fhirjson.Array)
}

// isPadded tells whether an array is one of the pair of a repeating primitive,
// such as given and _given, whose elements belong together by their index: null
// stands for an element that is left empty there
// (https://hl7.org/fhir/R4/json.html#primitive).
func (n *node) isPadded() bool {
	if len(n.name) > 0 && n.name[0] == '_' {
		return true
	}
	for i := range n.parts.list {
		if n.parts.list[i].kind() == fhirjson.Null {
			return true
		}
	}
	return false
}

// null is the value null.
var null = literal("null")

// literal reads a constant text.
func literal(text string) fhirjson.Value {
	document, err := fhirjson.Parse([]byte(text), fhirjson.Limits{})
	if err != nil {
		panic(err) // the text is a constant of this package
	}
	return document.Root()
}
