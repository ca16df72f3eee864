package main

import (
	"fmt"
	"sort"
	"strings"

	"fhirlog/domain/definitions/tables"
)

const structureBase = "http://hl7.org/fhir/StructureDefinition/"

// typeName shortens the URL of a type of the specification to its name.
func typeName(url string) string { return strings.TrimPrefix(url, structureBase) }

// serveAsTypes are the profiles that the specification uses like types.
var serveAsTypes = map[string]bool{"SimpleQuantity": true, "MoneyQuantity": true}

// distilTypes makes the types with their backbones, and the invariants.
func distilTypes(structures []object) ([]tables.Type, []tables.Invariant, error) {
	var types []tables.Type
	var invariants []tables.Invariant
	for _, s := range structures {
		if !isType(s) {
			continue
		}
		made, err := distilType(s)
		if err != nil {
			return nil, nil, err
		}
		types = append(types, made...)
		invariants = append(invariants, distilInvariants(s)...)
	}
	sort.SliceStable(types, func(i, j int) bool {
		if types[i].Kind != types[j].Kind {
			return types[i].Kind < types[j].Kind
		}
		return types[i].Name < types[j].Name
	})
	sort.SliceStable(invariants, func(i, j int) bool {
		if invariants[i].Path != invariants[j].Path {
			return invariants[i].Path < invariants[j].Path
		}
		return invariants[i].Key < invariants[j].Key
	})
	return types, invariants, checkTypes(types)
}

func isType(s object) bool {
	switch s.text("kind") {
	case "resource", "complex-type", "primitive-type":
	default:
		return false
	}
	if s.text("url") != structureBase+s.text("id") || s.isExample() {
		return false
	}
	return s.text("derivation") != "constraint" || serveAsTypes[s.text("id")]
}

// distilType makes one type and the backbones below it.
func distilType(s object) ([]tables.Type, error) {
	t := tables.Type{
		Name:     s.text("id"),
		Abstract: s.flag("abstract"),
		Profile:  s.text("derivation") == "constraint",
		Base:     typeName(s.text("baseDefinition")),
	}
	elements := s.object("snapshot").objects("element")
	switch s.text("kind") {
	case "primitive-type":
		t.Kind = tables.Primitive
		t.JSON, t.Regex = primitiveForm(t.Name, elements)
		return []tables.Type{t}, nil
	case "resource":
		t.Kind = tables.Resource
	default:
		t.Kind = tables.Complex
	}
	if t.Profile {
		return []tables.Type{t}, nil
	}
	made := []tables.Type{t}
	place := map[string]int{t.Name: 0}
	for _, e := range elements[1:] {
		parent, name, err := splitPath(e.text("path"))
		if err != nil {
			return nil, err
		}
		i, ok := place[parent]
		if !ok { // the first element below an element: that one is a backbone
			i = len(made)
			place[parent] = i
			base, err := markBackbone(made, place, parent)
			if err != nil {
				return nil, err
			}
			made = append(made, tables.Type{Name: parent, Kind: tables.Backbone, Base: base})
		}
		made[i].Elements = append(made[i].Elements, distilElement(name, e, parent == t.Name && t.Kind == tables.Resource))
	}
	return made, nil
}

func splitPath(path string) (parent, name string, err error) {
	i := strings.LastIndexByte(path, '.')
	if i < 0 {
		return "", "", fmt.Errorf("element path %q has no parent", path)
	}
	return path[:i], path[i+1:], nil
}

// markBackbone notes that the element at path has elements of its own and
// returns its type, BackboneElement or Element.
func markBackbone(made []tables.Type, place map[string]int, path string) (string, error) {
	parent, name, err := splitPath(path)
	if err != nil {
		return "", err
	}
	if i, ok := place[parent]; ok {
		for j := range made[i].Elements {
			if e := &made[i].Elements[j]; e.Name == name && len(e.Types) == 1 {
				e.Backbone = true
				return e.Types[0].Code, nil
			}
		}
	}
	return "", fmt.Errorf("elements below %s, which is not there", path)
}

func distilElement(name string, e object, ofResource bool) tables.Element {
	made := tables.Element{
		Name:     strings.TrimSuffix(name, "[x]"),
		Min:      e.number("min"),
		Max:      bound(e.text("max")),
		Choice:   strings.HasSuffix(name, "[x]"),
		Summary:  e.flag("isSummary"),
		Modifier: e.flag("isModifier"),
	}
	if r := e.texts("representation"); len(r) > 0 {
		made.Representation = r[0]
	}
	if r := e.text("contentReference"); r != "" {
		made.ContentReference = r[strings.IndexByte(r, '#')+1:]
	}
	for _, t := range e.objects("type") {
		code := typeCode(t)
		if name == "id" { // the packages disagree: a resource has an id, an element a string
			code = "string"
			if ofResource {
				code = "id"
			}
		}
		addTypeRef(&made, code, t)
	}
	addBinding(&made, e.object("binding"))
	return made
}

// typeCode returns the FHIR type of a type reference. FHIRPath system types
// carry theirs in an extension.
func typeCode(t object) string {
	code := t.text("code")
	if code != "" && !strings.HasPrefix(code, "http://hl7.org/fhirpath/System.") {
		return code
	}
	if fhirType := t.extension("structuredefinition-fhir-type"); fhirType != "" {
		return fhirType
	}
	return "string"
}

// addTypeRef adds a type to an element. STU3 repeats the type for each target.
func addTypeRef(e *tables.Element, code string, t object) {
	var ref *tables.TypeRef
	for i := range e.Types {
		if e.Types[i].Code == code {
			ref = &e.Types[i]
		}
	}
	if ref == nil {
		e.Types = append(e.Types, tables.TypeRef{Code: code})
		ref = &e.Types[len(e.Types)-1]
	}
	for _, url := range t.texts("targetProfile") {
		ref.Targets = append(ref.Targets, typeName(url))
	}
	for _, url := range t.texts("profile") {
		ref.Profiles = append(ref.Profiles, typeName(url))
	}
	sort.Strings(ref.Targets)
}

var strengths = map[string]tables.Strength{
	"example": tables.Example, "preferred": tables.Preferred, "extensible": tables.Extensible, "required": tables.Required,
}

func addBinding(e *tables.Element, binding object) {
	url := binding.text("valueSet")
	if url == "" { // STU3
		url = binding.text("valueSetUri") + binding.object("valueSetReference").text("reference")
	}
	strength := strengths[binding.text("strength")]
	if url == "" || strength == tables.Unbound {
		return
	}
	e.Binding = &tables.Binding{
		Strength:    strength,
		ValueSet:    unversioned(url),
		MaxValueSet: unversioned(binding.extension("elementdefinition-maxValueSet")),
	}
}

// unversioned cuts the version off a canonical URL.
func unversioned(url string) string {
	url, _, _ = strings.Cut(url, "|")
	return url
}

func bound(max string) int {
	if max == "*" {
		return tables.Unbounded
	}
	n := 0
	fmt.Sscan(max, &n)
	return n
}

// primitiveForm returns the JSON form of a primitive and its published regex.
// No package states the JSON form of all primitives: it is a rule of
// https://hl7.org/fhir/json.html#primitive.
func primitiveForm(name string, elements []object) (tables.JSONKind, string) {
	regex := ""
	for _, e := range elements {
		if e.text("path") != name+".value" {
			continue
		}
		for _, t := range e.objects("type") {
			regex = t.extension("regex")
			if regex == "" {
				regex = t.extension("structuredefinition-regex")
			}
		}
	}
	switch name {
	case "boolean":
		return tables.JSONBoolean, regex
	case "integer", "decimal", "positiveInt", "unsignedInt":
		return tables.JSONNumber, regex
	}
	return tables.JSONString, regex
}

// checkTypes sees to it that every type an element names is there.
func checkTypes(types []tables.Type) error {
	known := map[string]bool{}
	for _, t := range types {
		known[t.Name] = true
	}
	for _, t := range types {
		for _, e := range t.Elements {
			if len(e.Types) == 0 && !known[e.ContentReference] {
				return fmt.Errorf("%s.%s has neither a type nor a known content reference", t.Name, e.Name)
			}
			for _, ref := range e.Types {
				if !known[ref.Code] {
					return fmt.Errorf("%s.%s: type %q has no definition", t.Name, e.Name, ref.Code)
				}
			}
		}
	}
	return nil
}
