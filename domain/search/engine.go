package search

import (
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirpath"
)

// engine evaluates expressions that are no paths. Parameters that clients
// define may need it; of the specification's, very few do.
type engine struct {
	definitions *definitions.Definitions
	expression  *fhirpath.Expression
}

var _ evaluator = (*engine)(nil)

// engineLimits bounds what one parameter may cost for one resource. Beyond them
// it has no values.
var engineLimits = fhirpath.Limits{MaxSteps: 200_000, MaxItems: 20_000, MaxText: 64 << 10}

// evaluated makes a program of an expression that is no path.
func (c *pathCompiler) evaluated(text string) (*program, error) {
	expression, err := fhirpath.Compile(c.definitions, text, fhirpath.Options{})
	if err != nil {
		return nil, err
	}
	return &program{late: &engine{c.definitions, expression}, key: "fhirpath " + text}, nil
}

func (e *engine) each(resource fhirjson.Value, visit func(t *definitions.Type, v fhirjson.Value)) {
	root := fhirpath.NewResource(e.definitions, resource)
	found, err := e.expression.Eval(fhirpath.Context{Root: root, Limits: engineLimits})
	if err != nil {
		return // what cannot be evaluated has no value
	}
	for _, item := range found {
		if t := item.FHIRType(); t != nil {
			visit(t, item.Place())
			continue
		}
		e.eachComputed(item, visit)
	}
}

// computedTypes are the FHIR types of values that an expression computes.
var computedTypes = map[string]string{
	"Boolean": "boolean", "String": "string", "Integer": "integer", "Decimal": "decimal", "Date": "date", "DateTime": "dateTime",
}

// eachComputed visits a value that does not stand in the resource.
func (e *engine) eachComputed(item fhirpath.Item, visit func(t *definitions.Type, v fhirjson.Value)) {
	value, ok := item.System()
	if !ok {
		return
	}
	t := e.definitions.Type(computedTypes[value.SystemType()])
	if t == nil {
		return
	}
	text := []byte(value.String())
	if t.JSON == definitions.JSONString {
		text = fhirjson.AppendQuoted(nil, value.String())
	}
	if document, err := fhirjson.Parse(text, fhirjson.Limits{}); err == nil {
		visit(t, document.Root())
	}
}
