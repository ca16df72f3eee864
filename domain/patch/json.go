package patch

import (
	"errors"
	"fmt"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
)

// jsonPatch is a JSON Patch (RFC 6902).
type jsonPatch []jsonOperation

// jsonOperation is one operation of a JSON Patch.
type jsonOperation struct {
	label
	path, from pointer
	value      fhirjson.Value
	apply      func(*jsonOperation, *tree) error
}

// jsonVerb says what an operation needs and how it is applied.
type jsonVerb struct {
	from, value bool
	apply       func(*jsonOperation, *tree) error
}

var jsonVerbs = map[string]jsonVerb{
	"add":     {value: true, apply: (*jsonOperation).add},
	"remove":  {apply: (*jsonOperation).remove},
	"replace": {value: true, apply: (*jsonOperation).replace},
	"move":    {from: true, apply: (*jsonOperation).move},
	"copy":    {from: true, apply: (*jsonOperation).copy},
	"test":    {value: true, apply: (*jsonOperation).test},
}

// ParseJSON reads a JSON Patch document
// (https://hl7.org/fhir/R4/http.html#patch, RFC 6902): an array of operations.
// Members of an operation that the RFC does not know are ignored, as it says.
func ParseJSON(document []byte) (Patch, error) {
	parsed, err := fhirjson.Parse(document, fhirjson.Limits{})
	if err != nil {
		wrong, ok := errors.AsType[*fhirjson.SyntaxError](err)
		if !ok {
			return nil, err
		}
		return nil, &domain.Error{Kind: domain.Invalid, Issues: []domain.Issue{{
			Code:    "structure",
			Message: fmt.Sprintf("The JSON Patch is not valid JSON: line %d, column %d: %s.", wrong.Line, wrong.Column, wrong.Message),
		}}}
	}
	root := parsed.Root()
	if root.Kind() != fhirjson.Array {
		return nil, invalid(`A JSON Patch is an array of operations such as [{"op": "replace", "path": "/active", "value": true}], not %s.`, described(root.Kind()))
	}
	if count := root.Len(); count > greatestOperations {
		return nil, domain.NewError(domain.TooCostly, fmt.Sprintf("The patch has %d operations; at most %d are taken at once.", count, greatestOperations))
	}
	patch := make(jsonPatch, 0, root.Len())
	for v := root.First(); v.Exists(); v = v.Next() {
		o := jsonOperation{label: label{number: len(patch) + 1}}
		if err := o.parse(v); err != nil {
			return nil, err
		}
		patch = append(patch, o)
	}
	return patch, nil
}

// parse reads one operation.
func (o *jsonOperation) parse(v fhirjson.Value) error {
	if v.Kind() != fhirjson.Object {
		return o.malformed(`an operation is an object with "op" and "path", not %s.`, described(v.Kind()))
	}
	if op := v.Get("op"); op.Kind() == fhirjson.String {
		if _, ok := jsonVerbs[op.String()]; ok {
			o.verb = op.String()
		}
	}
	var err error
	if o.path, err = o.pointer(v, "path"); err != nil {
		return err
	}
	o.label.path = v.Get("path").String()
	verb, ok := jsonVerbs[o.verb]
	switch op := v.Get("op"); {
	case !op.Exists():
		return o.malformed(`"op" is missing; expected is one of add, remove, replace, move, copy, test.`)
	case !ok:
		return o.malformed(`there is no such "op"; expected is one of add, remove, replace, move, copy, test, in lower case.`)
	}
	o.apply = verb.apply
	if verb.from {
		if o.from, err = o.pointer(v, "from"); err != nil {
			return err
		}
	}
	if verb.value {
		if o.value = v.Get("value"); !o.value.Exists() {
			return o.malformed(`"value" is missing.`)
		}
	}
	return nil
}

// pointer reads one of the pointers of an operation.
func (o *jsonOperation) pointer(v fhirjson.Value, name string) (pointer, error) {
	text := v.Get(name)
	switch {
	case !text.Exists():
		return nil, o.malformed(`%q is missing.`, name)
	case text.Kind() != fhirjson.String:
		return nil, o.malformed(`%q is a JSON Pointer in a string, such as "/name/0/family", not %s.`, name, described(text.Kind()))
	}
	p, wrong := parsePointer(text.String())
	if wrong != "" {
		return nil, o.malformed("%q is wrong: %s", name, wrong)
	}
	return p, nil
}

// Apply implements Patch.
func (p jsonPatch) Apply(resource fhirjson.Value) (*fhirjson.Document, error) {
	t := newTree(resource)
	if err := p.run(t); err != nil {
		return nil, err
	}
	return t.finish()
}

// run applies the operations in order, exactly as RFC 6902 says.
func (p jsonPatch) run(t *tree) error {
	for i := range p {
		err := p[i].apply(&p[i], t)
		if wrong := t.afford(); wrong != "" {
			return p[i].tooCostly(wrong)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// described names a kind with its article.
func described(kind fhirjson.Kind) string {
	switch kind {
	case fhirjson.Array, fhirjson.Object:
		return "an " + kind.String()
	case fhirjson.Number, fhirjson.String:
		return "a " + kind.String()
	}
	return kind.String()
}
