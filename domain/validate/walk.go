package validate

import (
	"fmt"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirpath"
)

// walker is the state of one walk over a resource.
type walker struct {
	*Validator
	links    func(LinkKind, fhirjson.Value)
	issues   []domain.Issue
	faults   int // those of the issues that are no warnings
	path     []step
	document *fhirjson.Document // that the values stand in
	open     []span             // the open elements of a narrative
	policy   Policy
	rules    evaluation // without meaning if policy is Off

	// memberOf and links.resolve for FHIRPath, made once.
	memberOfSet func(fhirpath.Item, string) (bool, error)
	resolve     func(string) (fhirjson.Value, error)
}

// resource checks a resource: the root, a contained one, or one inside a
// Bundle or Parameters.
func (w *walker) resource(v fhirjson.Value, expected string, contained bool) {
	if v.Kind() != fhirjson.Object {
		w.fault(codeStructure, "A resource must be a JSON object, not "+described(v.Kind())+".")
		return
	}
	t := w.resourceType(v, expected)
	if t == nil {
		return
	}
	if len(w.path) == 1 {
		w.path[0].name = t.Name
	}
	if expected != "" && t.Name != expected {
		w.fault(codeInvalid, fmt.Sprintf("The resource is of type %s where %s is expected.", t.Name, expected))
	}
	if w.policy != Off {
		w.nestedResource(v, t, contained)
		return
	}
	w.resourceMembers(v, t, contained)
}

// resourceMembers checks what is in a resource.
func (w *walker) resourceMembers(v fhirjson.Value, t *definitions.Type, contained bool) {
	seen := w.members(v, t)
	if contained {
		w.containedRules(v, t, &seen)
	}
}

// resourceType finds the type that a resource names. The member may stand
// anywhere among the others.
func (w *walker) resourceType(v fhirjson.Value, expected string) *definitions.Type {
	name := v.Get("resourceType")
	if !name.Exists() {
		if expected == "" {
			expected = "Patient"
		}
		w.fault(codeStructure, fmt.Sprintf("The resource has no resourceType, such as \"resourceType\": %q.", expected))
		return nil
	}
	if name.Kind() != fhirjson.String {
		w.fault(codeStructure, "resourceType must be a string, not "+described(name.Kind())+".")
		return nil
	}
	t := w.definitions.TypeOf(name.Text())
	if t == nil || t.Kind != definitions.Resource || t.Abstract {
		w.fault(codeNotSupported, fmt.Sprintf("%s is not a resource type of FHIR %s. Type names are case-sensitive.",
			quoted(name.Text()), w.definitions.FHIRVersion()))
		return nil
	}
	return t
}

// containedRules checks what holds for a contained resource only
// (https://hl7.org/fhir/R4/references.html#contained).
func (w *walker) containedRules(v fhirjson.Value, t *definitions.Type, seen *definitions.ElementSet) {
	if m, ok := t.Member([]byte("id")); ok && !seen.Has(m.Element.Index) {
		w.faultAt("id", fhirjson.Value{}, codeRequired, "A contained resource must have an id, by which the others refer to it.")
	}
	if m, ok := t.Member([]byte("contained")); ok && seen.Has(m.Element.Index) {
		w.faultAt("contained", v.Get("contained"), codeInvariant, "A contained resource must not contain others; they belong directly into the outer resource.")
	}
}

// members checks the members of an object against its type and returns the
// elements that are there.
func (w *walker) members(object fhirjson.Value, t *definitions.Type) (seen definitions.ElementSet) {
	count := 0
	around := w.rules.current
	if w.policy != Off {
		w.rules.current = w.book.of(t)
	}
	for v := object.First(); v.Exists() && !w.full(); v = v.Next() {
		count++
		name := v.Name()
		if len(name) > 0 && name[0] == '_' {
			w.sibling(object, v, name, t, &seen)
			continue
		}
		m, ok := t.Member(name)
		if !ok {
			if t.Kind != definitions.Resource || string(name) != "resourceType" {
				w.unknown(v, name, t)
			}
			continue
		}
		if seen.Add(m.Element.Index) && m.Element.Choice {
			w.choiceOnce(object, name, m, t)
		}
		w.member(object, v, name, m)
	}
	w.rules.current = around
	if count == 0 {
		w.fault(codeStructure, w.name()+" is an empty object; leave out what has no content.")
		return seen
	}
	for _, index := range t.Required {
		if !seen.Has(int(index)) {
			w.missing(t, &t.Elements[index])
		}
	}
	if w.policy != Off {
		w.applyRules(object, t, &seen)
	}
	return seen
}

// member checks the value or values of one element.
func (w *walker) member(object, v fhirjson.Value, name []byte, m definitions.Member) {
	e := m.Element
	w.push(e.Name, v)
	isArray := v.Kind() == fhirjson.Array
	switch {
	case isArray && !e.Repeats():
		w.fault(codeStructure, e.Name+" cannot repeat and must not be an array.")
	case !isArray && e.Repeats():
		w.fault(codeStructure, e.Name+" can repeat and must be an array, also with a single value.")
		w.value(v, m)
	case !isArray:
		w.value(v, m)
	default:
		w.items(object, v, name, m)
	}
	w.pop()
}

// items checks the values of a repeating element.
func (w *walker) items(object, array fhirjson.Value, name []byte, m definitions.Member) {
	e, count := m.Element, 0
	var beside besides
	for item := array.First(); item.Exists() && !w.full(); item = item.Next() {
		w.at(count, item)
		if item.Kind() == fhirjson.Null && m.Type.Kind == definitions.Primitive {
			w.nullItem(object, name, count, &beside)
		} else {
			w.value(item, m)
		}
		count++
	}
	w.at(noIndex, array)
	switch {
	case w.full():
	case count == 0:
		w.fault(codeStructure, e.Name+" is an empty array; leave out what has no content.")
	case count < e.Min:
		w.fault(codeRequired, fmt.Sprintf("%s must be there at least %d times, not %d.", e.Name, e.Min, count))
	case e.Max != definitions.Unbounded && count > e.Max:
		w.fault(codeStructure, fmt.Sprintf("%s may be there at most %d times, not %d.", e.Name, e.Max, count))
	}
}

// value checks one value of an element.
func (w *walker) value(v fhirjson.Value, m definitions.Member) {
	t := m.Type
	switch {
	case v.Kind() == fhirjson.Null:
		w.fault(codeStructure, w.name()+" is null; leave out what has no value.")
	case t.Kind == definitions.Primitive:
		w.primitive(v, m.Element, t)
		if w.policy != Off {
			w.elementRules(v, m, nil)
		}
	case len(w.path) > MaxDepth:
		w.fault(codeStructure, fmt.Sprintf("Elements are nested deeper than %d levels.", MaxDepth))
	case t.Kind == definitions.Resource:
		w.resource(v, "", m.Element.Name == "contained")
	case v.Kind() != fhirjson.Object:
		w.fault(codeStructure, fmt.Sprintf("%s must be a JSON object, not %s.", w.name(), described(v.Kind())))
	default:
		seen := w.members(v, t)
		if t == w.extension {
			w.extensionRule(t, &seen)
		}
		if b := m.Element.Binding; b != nil && b.Codes != nil {
			w.binding(v, t, b)
		}
		if w.policy != Off {
			w.elementRules(v, m, &seen)
		}
	}
}

// extensionRule is ext-1: an extension has a value or extensions, not both.
func (w *walker) extensionRule(t *definitions.Type, seen *definitions.ElementSet) {
	nested, _ := t.Member([]byte("extension"))
	value, _ := t.Member([]byte("valueString"))
	hasNested, hasValue := seen.Has(nested.Element.Index), seen.Has(value.Element.Index)
	switch {
	case hasNested && hasValue:
		w.fault(codeInvariant, "An extension has either a value or extensions, not both.")
	case !hasNested && !hasValue:
		w.fault(codeInvariant, "An extension must have a value or extensions.")
	}
}

// unknown reports a member that the type does not have, with a proposal if one
// is near.
func (w *walker) unknown(v fhirjson.Value, name []byte, t *definitions.Type) {
	message := fmt.Sprintf("%s is not an element of %s.", quoted(name), t.Name)
	for known, m := range t.Members() {
		if strings.EqualFold(known, string(name)) {
			message += fmt.Sprintf(" Names are case-sensitive: %s is one.", known)
			break
		}
		if m.Element.Choice && (string(name) == m.Element.Name || string(name) == m.Element.Name+"[x]") {
			message += fmt.Sprintf(" The name of a choice ends in its type: %s.", choiceNames(t, m.Element))
			break
		}
	}
	w.faultAt(pathName(name), v, codeStructure, message)
}

// missing reports a required element that is not there.
func (w *walker) missing(t *definitions.Type, e *definitions.Element) {
	if e.Choice {
		w.faultAt(e.Name, fhirjson.Value{}, codeRequired, fmt.Sprintf("%s must have %s.", t.Name, choiceNames(t, e)))
		return
	}
	w.faultAt(e.Name, fhirjson.Value{}, codeRequired, fmt.Sprintf("%s must have the element %s.", t.Name, e.Name))
}

// choiceNames lists the JSON names of a choice, cut after a few.
func choiceNames(t *definitions.Type, e *definitions.Element) string {
	const shown = 8
	var names []string
	for name, m := range t.Members() {
		if m.Element == e {
			names = append(names, name)
		}
	}
	if len(names) > shown {
		names = append(names[:shown], "…")
	}
	return "one of " + strings.Join(names, ", ")
}

// choiceOnce reports a choice that is there with two types. It is called when
// an element of a choice was met before, which may as well have been the _name
// sibling of the same member.
func (w *walker) choiceOnce(object fhirjson.Value, name []byte, m definitions.Member, t *definitions.Type) {
	for v := object.First(); v.Exists(); v = v.Next() {
		other := v.Name()
		if len(other) > 0 && other[0] == '_' {
			other = other[1:]
		}
		if string(other) == string(name) {
			continue
		}
		if found, ok := t.Member(other); ok && found.Element == m.Element {
			w.faultAt(m.Element.Name, v, codeStructure, fmt.Sprintf("%s[x] can have one value only: %s and %s exclude each other.",
				m.Element.Name, other, name))
			return
		}
	}
}
