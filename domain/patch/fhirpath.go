package patch

import (
	"fmt"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirpath"
)

// fhirpathPatch is a FHIRPath Patch.
type fhirpathPatch struct {
	definitions *definitions.Definitions
	operations  []pathOperation
}

// pathOperation is one operation of a FHIRPath Patch.
type pathOperation struct {
	label
	expression *fhirpath.Expression
	above      *fhirpath.Expression // of insert: what the path's last step is taken from
	step       string               // of insert: the last step of the path
	name       string               // of the element to add
	value      value
	index      int
	source     int
	to         int // the destination
	apply      func(*pathOperation, *session) error
}

// pathVerb says what an operation needs besides type and path, and how it is
// applied.
type pathVerb struct {
	needs []string
	apply func(*pathOperation, *session) error
}

// pathVerbs are the types of operation. R4 has no upsert, and calls remove
// delete; both are known from the services that fhirlog replaces.
var pathVerbs = map[string]pathVerb{
	"add":     {needs: []string{"name", "value"}, apply: (*pathOperation).add},
	"insert":  {needs: []string{"index", "value"}, apply: (*pathOperation).insert},
	"delete":  {apply: (*pathOperation).delete},
	"remove":  {apply: (*pathOperation).delete},
	"replace": {needs: []string{"value"}, apply: (*pathOperation).replace},
	"move":    {needs: []string{"source", "destination"}, apply: (*pathOperation).move},
	"upsert":  {needs: []string{"name", "value"}, apply: (*pathOperation).upsert},
}

// ParseFHIRPath reads a FHIRPath Patch, the Parameters resource of
// https://hl7.org/fhir/R4/fhirpatch.html. Parts of an operation that its type
// does not need are ignored.
func ParseFHIRPath(d *definitions.Definitions, parameters fhirjson.Value) (Patch, error) {
	if parameters.Get("resourceType").String() != "Parameters" {
		return nil, invalid("A FHIRPath Patch is a resource of type Parameters.")
	}
	list := parameters.Get("parameter")
	if list.Exists() && list.Kind() != fhirjson.Array {
		return nil, invalid("Parameters.parameter is an array of operations, not %s.", described(list.Kind()))
	}
	if count := list.Len(); count > greatestPaths {
		return nil, domain.NewError(domain.TooCostly, fmt.Sprintf("The patch has %d operations; at most %d are taken at once.", count, greatestPaths))
	}
	patch := &fhirpathPatch{definitions: d}
	for v := list.First(); v.Exists(); v = v.Next() {
		o := pathOperation{label: label{number: len(patch.operations) + 1}}
		if err := o.parse(d, v); err != nil {
			return nil, err
		}
		patch.operations = append(patch.operations, o)
	}
	return patch, nil
}

// parse reads one operation.
func (o *pathOperation) parse(d *definitions.Definitions, v fhirjson.Value) error {
	if v.Kind() != fhirjson.Object || v.Get("name").String() != "operation" {
		return o.malformed(`each parameter of a FHIRPath Patch has the name "operation".`)
	}
	parts, err := o.parts(v)
	if err != nil {
		return err
	}
	verb, known := pathVerbs[strings.ToLower(text(parts["type"]))]
	if known {
		o.verb = strings.ToLower(text(parts["type"]))
	}
	if err := o.parsePath(d, parts["path"]); err != nil {
		return err
	}
	switch part := parts["type"]; {
	case !part.Exists():
		return o.malformed("the part type is missing; expected is one of add, insert, delete, replace, move, upsert.")
	case !known:
		return o.malformed("there is no such type of operation; expected is one of add, insert, delete, replace, move, upsert as valueCode.")
	}
	o.apply = verb.apply
	for _, name := range verb.needs {
		if err := o.parsePart(d, name, parts[name]); err != nil {
			return err
		}
	}
	return nil
}

// parts collects the parts of an operation by name.
func (o *pathOperation) parts(v fhirjson.Value) (map[string]fhirjson.Value, error) {
	list := v.Get("part")
	if list.Kind() != fhirjson.Array {
		return nil, o.malformed("the parts of the operation are missing: path, type and what the type needs.")
	}
	parts := make(map[string]fhirjson.Value, 4)
	for part := list.First(); part.Exists(); part = part.Next() {
		switch name := part.Get("name").String(); name {
		case "type", "path", "name", "value", "index", "source", "destination":
			if parts[name].Exists() {
				return nil, o.malformed("the part %s is given twice.", name)
			}
			parts[name] = part
		default:
			return nil, o.malformed("a part has the name %q, which no operation takes; the parts are type, path, name, value, index, source and destination.", shown(name))
		}
	}
	return parts, nil
}

// parsePath compiles the path.
func (o *pathOperation) parsePath(d *definitions.Definitions, part fhirjson.Value) error {
	if !part.Exists() {
		return o.malformed("the part path is missing.")
	}
	if o.label.path = text(part); o.label.path == "" {
		return o.malformed("the part path has a FHIRPath as its valueString, such as Patient.name[0].")
	}
	var err error
	if o.expression, err = fhirpath.Compile(d, o.label.path, fhirpath.Options{}); err != nil {
		return o.wrap(err)
	}
	last, ok := o.expression.Node().(*fhirpath.Member)
	if o.verb != "insert" || !ok {
		return nil
	}
	o.step = last.Name
	above := "$this"
	if last.Of != nil {
		above = last.Of.String()
	}
	if o.above, err = fhirpath.Compile(d, above, fhirpath.Options{}); err != nil {
		return o.wrap(err)
	}
	return nil
}

// parsePart reads one of the parts that depend on the type.
func (o *pathOperation) parsePart(d *definitions.Definitions, name string, part fhirjson.Value) error {
	if !part.Exists() {
		return o.malformed("the part %s is missing.", name)
	}
	var ok bool
	switch name {
	case "value":
		var wrong string
		if o.value, wrong = readValue(d, part); wrong != "" {
			return o.malformed("the part value is wrong: %s", wrong)
		}
		return nil
	case "name":
		if o.name = text(part); o.name == "" {
			return o.malformed("the part name has the name of an element as its valueString.")
		}
		return nil
	case "index":
		o.index, ok = integer(part)
	case "source":
		o.source, ok = integer(part)
	case "destination":
		o.to, ok = integer(part)
	}
	if !ok {
		return o.malformed("the part %s has an index as its valueInteger; indexes begin with 0.", name)
	}
	return nil
}

// fails makes the error of an operation that the resource does not permit.
func (o *pathOperation) fails(format string, values ...any) error {
	return o.failed(shown(o.label.path), format, values...)
}

// text returns the text of a part: valueString, or another value[x] that is a
// text.
func text(part fhirjson.Value) string {
	for m := part.First(); m.Exists(); m = m.Next() {
		if strings.HasPrefix(string(m.Name()), "value") {
			return m.String()
		}
	}
	return ""
}

// integer returns the index that a part has as its valueInteger, or another
// value[x] that is an integer.
func integer(part fhirjson.Value) (int, bool) {
	for m := part.First(); m.Exists(); m = m.Next() {
		if strings.HasPrefix(string(m.Name()), "value") && m.Kind() == fhirjson.Number {
			return index(string(m.Raw()), 1<<30)
		}
	}
	return 0, false
}
