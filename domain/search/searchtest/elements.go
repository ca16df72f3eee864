package searchtest

import (
	"fmt"
	"strings"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirpath"
	"fhirlog/domain/search"
)

// element is one thing that an expression gives: a place in a resource, or a
// computed value.
type element struct {
	item  fhirpath.Item
	name  string         // of the type: the first of its bases that search knows
	value fhirjson.Value // absent for a computed value
}

func (el element) get(name string) fhirjson.Value { return el.value.Get(name) }

// text is the value of a primitive.
func (el element) text() string {
	if system, ok := el.item.System(); ok && el.value.Kind() == fhirjson.Absent {
		return system.String()
	}
	switch el.value.Kind() {
	case fhirjson.String:
		return el.value.String()
	case fhirjson.True, fhirjson.False, fhirjson.Number:
		return string(el.value.Raw())
	}
	return ""
}

// takes are the FHIR types that the values of a type of parameter are made of
// (https://hl7.org/fhir/R4/search.html#ptypes, with the tables of the types'
// own sections).
var takes = map[search.ParameterType][]string{
	search.Number:  {"integer", "decimal", "Quantity", "Range"},
	search.Date:    {"date", "dateTime", "instant", "Period", "Timing"},
	search.String:  {"string", "HumanName", "Address", "ContactPoint", "Annotation", "Identifier", "CodeableConcept", "Coding", "uri"},
	search.Token:   {"Coding", "CodeableConcept", "Identifier", "ContactPoint", "code", "boolean", "integer", "decimal", "string", "uri", "date", "dateTime", "instant"},
	search.ReferTo: {"Reference", "canonical", "uri", "Resource"},
	search.Quantity: {
		"Quantity", "Money", "Range", "decimal", "integer", "SampledData", "Ratio",
	},
	search.URI:     {"uri", "canonical", "string"},
	search.Special: {"Location.position"},
}

// elements finds what the expression of a parameter gives in a version, as far
// as the parameter's type can be made of it.
func (e *Evaluator) elements(v *Version, of *search.Parameter) []element {
	key := foundKey{v.Position, of.Definition}
	if found, known := e.found[key]; known {
		return found
	}
	root := fhirpath.NewResource(e.Definitions, v.Resource)
	all := e.evaluate(of.Definition.Expression, fhirpath.Context{Root: root})
	var found []element
	if of.Type == search.Composite {
		for _, item := range all {
			found = append(found, element{item: item, value: item.Place()})
		}
	} else {
		found = e.usable(of.Type, all)
	}
	e.found[key] = found
	return found
}

// componentElements finds one component of a composite below an element.
func (e *Evaluator) componentElements(v *Version, of *search.Parameter, i int, whole element) []element {
	root := fhirpath.NewResource(e.Definitions, v.Resource)
	all := e.evaluate(of.Definition.Components[i].Expression, fhirpath.Context{Root: whole.item, Resource: root})
	return e.usable(of.Components[i].Type, all)
}

func (e *Evaluator) evaluate(expression string, context fhirpath.Context) fhirpath.Collection {
	// R4 means FHIR's dateTime, but FHIRPath knows a DateTime of its own.
	expression = strings.ReplaceAll(expression, "as(DateTime)", "as(dateTime)")
	compiled := e.expressions[expression]
	if compiled == nil {
		var err error
		if compiled, err = fhirpath.Compile(e.Definitions, expression, fhirpath.Options{}); err != nil {
			e.note(fmt.Errorf("%s: %w", expression, err))
			return nil
		}
		e.expressions[expression] = compiled
	}
	found, err := compiled.Eval(context)
	if err != nil {
		e.note(fmt.Errorf("%s: %w", expression, err))
	}
	return found
}

// usable keeps what values of a type of parameter are made of. An extension
// stands for its value.
func (e *Evaluator) usable(t search.ParameterType, items fhirpath.Collection) (found []element) {
	for _, item := range items {
		of := item.FHIRType()
		if of != nil && of.Name == "Extension" {
			found = append(found, e.usable(t, e.evaluate("value", fhirpath.Context{Root: item}))...)
			continue
		}
		el := element{item: item, value: item.Place()}
		if of == nil {
			system, ok := item.System()
			if !ok {
				continue
			}
			el.name = map[string]string{"Boolean": "boolean", "String": "string", "Integer": "integer", "Decimal": "decimal"}[system.SystemType()]
			el.value = fhirjson.Value{}
		} else if el.name = e.knownBase(t, of); of.Kind == definitions.Primitive && el.value == item.Sibling() {
			continue // extensions without a value
		}
		if el.name != "" && hasContent(el) {
			found = append(found, el)
		}
	}
	return found
}

// knownBase is the nearest of a type and its bases that a type of parameter is
// made of, empty if there is none.
func (e *Evaluator) knownBase(t search.ParameterType, of *definitions.Type) string {
	for ; of != nil; of = e.Definitions.Type(of.Base) {
		for _, name := range takes[t] {
			if of.Name == name {
				return name
			}
		}
		if of.Base == "" {
			break
		}
	}
	return ""
}

// hasContent tells whether there is anything: an empty string is no value.
func hasContent(el element) bool {
	return el.value.Kind() == fhirjson.Object || el.text() != ""
}

// members lists the values of a member, which may be one or an array.
func members(v fhirjson.Value, name string) (all []fhirjson.Value) {
	m := v.Get(name)
	if m.Kind() != fhirjson.Array {
		if m.Kind() > fhirjson.Null {
			all = append(all, m)
		}
		return all
	}
	for child := m.First(); child.Exists(); child = child.Next() {
		if child.Kind() > fhirjson.Null {
			all = append(all, child)
		}
	}
	return all
}
