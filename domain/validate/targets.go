package validate

import (
	"bytes"
	"fmt"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// structureBase is where the URLs of types begin.
const structureBase = "http://hl7.org/fhir/StructureDefinition/"

// linkRules checks what a reference or canonical leads to, as far as it is known
// without looking for it (https://hl7.org/fhir/R4/references.html).
func (w *walker) linkRules(v fhirjson.Value, m definitions.Member) {
	switch m.Type {
	case w.types.reference:
		if v.Kind() == fhirjson.Object {
			w.referenceRules(v, targetsOf(m))
		}
	case w.types.codeable: // R5: the targets are those of its reference
		if inner := v.Get("reference"); inner.Kind() == fhirjson.Object {
			name := w.name()
			w.push("reference", inner)
			w.referenceTarget(inner, name, targetsOf(m))
			w.pop()
		}
	case w.types.canonical:
		if text := v.Text(); len(text) > 0 {
			w.canonicalRules(text, targetsOf(m))
		}
	}
}

// targetsOf returns the targets that an element permits to links of a type.
func targetsOf(m definitions.Member) []string {
	for i := range m.Element.Types {
		if ref := &m.Element.Types[i]; ref.Type == m.Type {
			return ref.Targets
		}
	}
	return nil
}

// referenceRules checks a Reference.
func (w *walker) referenceRules(v fhirjson.Value, targets []string) {
	reference := v.Get("reference")
	text := reference.Text()
	if len(text) > 1 && text[0] == '#' && !w.rules.links.inContained(text[1:]).Exists() {
		w.findingAt("reference", reference, codeInvariant,
			"The rule ref-1 does not hold: the reference begins with '#', and the resource contains none that has the id behind it.")
		return
	}
	w.referenceTarget(v, w.name(), targets)
}

// referenceTarget checks the type that a Reference leads to, the one of an element.
func (w *walker) referenceTarget(v fhirjson.Value, element string, targets []string) {
	reference, stated := v.Get("reference"), v.Get("type")
	found := w.leadsTo(reference.Text())
	if found == nil {
		if name := typeIn(w.rules.links.below(reference.Text())); isTypeName(name) && w.definitions.TypeOf(name) == nil {
			w.findingAt("reference", reference, codeStructure, fmt.Sprintf("The reference leads to %s, which is no resource type of FHIR %s.", quoted(name), w.definitions.FHIRVersion()))
		}
	} else if !w.allows(targets, found) {
		w.findingAt("reference", reference, codeStructure, fmt.Sprintf("%s may not refer to a resource of type %s; it refers to %s.", element, found.Name, oneOf(targets)))
	}
	if stated.Kind() != fhirjson.String { // Reference.type is not in STU3
		return
	}
	named := w.typeNamed(bytes.TrimPrefix(stated.Text(), []byte(structureBase)))
	switch {
	case named == nil:
	case found != nil && named != found:
		w.findingAt("type", stated, codeStructure, fmt.Sprintf("The type says %s, and the reference leads to a resource of type %s.", named.Name, found.Name))
	case found == nil && !w.allows(targets, named):
		w.findingAt("type", stated, codeStructure, fmt.Sprintf("%s may not refer to a resource of type %s; it refers to %s.", element, named.Name, oneOf(targets)))
	}
}

// canonicalRules checks where a canonical leads, of which the type is known if it
// is a fragment or lies below a base of this service.
func (w *walker) canonicalRules(text []byte, targets []string) {
	text, _, _ = bytes.Cut(text, []byte{'|'})
	link := w.rules.links.below(text)
	if len(text) < 2 || text[0] != '#' && len(link) == len(text) {
		return
	}
	found := w.leadsTo(text)
	switch {
	case found == nil && text[0] == '#':
		w.finding(domain.Fault, codeInvariant, "The URL begins with '#', and the resource contains none that has the id behind it.")
	case found != nil && !w.allows(targets, found):
		w.finding(domain.Fault, codeStructure, fmt.Sprintf("%s may not refer to a resource of type %s; it refers to %s.", w.name(), found.Name, oneOf(targets)))
	}
}

// findingAt is finding for an element below the current path.
func (w *walker) findingAt(name string, place fhirjson.Value, code, message string) {
	w.push(name, place)
	w.finding(domain.Fault, code, message)
	w.pop()
}

// isTypeName tells whether a name looks like that of a type.
func isTypeName(name []byte) bool {
	if len(name) == 0 || name[0] < 'A' || name[0] > 'Z' {
		return false
	}
	return bytes.IndexFunc(name, func(r rune) bool { return r|0x20 < 'a' || r|0x20 > 'z' }) < 0
}

// oneOf lists the targets of a reference.
func oneOf(targets []string) string {
	if len(targets) == 1 {
		return targets[0]
	}
	return strings.Join(targets[:len(targets)-1], ", ") + " or " + targets[len(targets)-1]
}
