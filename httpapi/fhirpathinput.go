package httpapi

import (
	"context"
	"errors"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirpath"
)

// The extensions with which the FHIRPath Lab carries what has no place in a
// Parameters, and tells where an item stands.
const (
	jsonValueURL    = "http://fhir.forms-lab.com/StructureDefinition/json-value"
	xmlValueURL     = "http://fhir.forms-lab.com/StructureDefinition/xml-value"
	resourcePathURL = "http://fhir.forms-lab.com/StructureDefinition/resource-path"
)

// asked is an expression that a client asks for, and where it stands in the body;
// the query has no such place.
type asked struct{ name, text, at string }

// given tells whether there is one.
func (a asked) given() bool { return a.text != "" }

// explain tells of which expression an error is.
func (a asked) explain(err error) error {
	known, ok := errors.AsType[*domain.Error](err)
	if !ok || len(known.Issues) == 0 {
		return err
	}
	issue := known.Issues[0]
	issue.Message = strings.Replace(issue.Message, "FHIRPath,", "The FHIRPath "+a.name+",", 1)
	if a.at != "" {
		issue.Expression = []string{a.at}
	}
	return &domain.Error{Kind: known.Kind, Issues: []domain.Issue{issue}, Err: known.Err}
}

// evaluation is one invocation of $fhirpath.
type evaluation struct {
	s *Server
	r *request

	expression, context asked
	resource            fhirpath.Item // none if zero
	stored              string        // the name of a resource that is stored here
	variables           map[string]fhirpath.Collection
	given               []fhirjson.Value // the parameters that have them
	validate            bool
}

// read reads the query and the body of the request.
func (e *evaluation) read(ctx context.Context) error {
	e.expression.name, e.context.name = "expression", "context"
	for _, into := range []*asked{&e.expression, &e.context} {
		var err error
		if into.text, _, err = e.r.query.one(into.name); err != nil {
			return err
		}
	}
	if e.r.id != "" {
		if _, err := domain.ParseLogicalID(e.r.id); err != nil {
			return neverExisted(e.r, err)
		}
		if err := e.readStored(ctx, e.r.typ+"/"+e.r.id, ""); err != nil {
			return err
		}
	}
	if err := e.r.bodyParameters(func(name string, p fhirjson.Value, at string) error { return e.take(ctx, name, p, at) }); err != nil {
		return err
	}
	if !e.expression.given() {
		return invalid("There is no expression: it stands in the parameter expression, as a string, of the body or the query.")
	}
	return nil
}

// take reads one parameter of the body.
func (e *evaluation) take(ctx context.Context, name string, p fhirjson.Value, at string) error {
	switch name {
	case "expression":
		return e.expression.take(p, at)
	case "context":
		return e.context.take(p, at)
	case "resource":
		return e.takeResource(ctx, p, at)
	case "variables":
		return e.takeVariables(p, at)
	case "validate":
		v := valueIn(p)
		if e.validate = v.Kind() == fhirjson.True; !e.validate && v.Kind() != fhirjson.False {
			return invalid("validate is a valueBoolean.", at)
		}
	case "terminologyserver": // nobody outside is asked
	default:
		if e.r.prefer.strict {
			return invalid("There is no parameter "+printable(name, 64)+" here; there are expression, context, resource, variables and validate.", at)
		}
	}
	return nil
}

func (a *asked) take(p fhirjson.Value, at string) error {
	v := valueIn(p)
	switch {
	case a.given():
		return invalid("The parameter "+a.name+" is given more than once.", at)
	case v.Kind() != fhirjson.String:
		return invalid("The parameter "+a.name+" is a valueString with an expression of FHIRPath.", at)
	}
	a.text, a.at = v.String(), at
	return nil
}

// takeResource takes a resource: itself, as a text of JSON, or by its name if it
// is stored here.
func (e *evaluation) takeResource(ctx context.Context, p fhirjson.Value, at string) error {
	if e.resource != (fhirpath.Item{}) {
		return invalid("There is more than one resource: the path names one, or the body has one.", at)
	}
	found := p.Get("resource")
	for x := p.Get("extension").First(); x.Exists() && !found.Exists(); x = x.Next() {
		var err error
		if found, err = e.written(ctx, x); err != nil {
			return err
		}
	}
	if !found.Exists() {
		v := valueIn(p)
		if v.Kind() == fhirjson.Object {
			v = v.Get("reference")
		}
		if v.Kind() != fhirjson.String {
			return invalid("The parameter resource has a resource, or a string such as Patient/1 that names one stored here.", at)
		}
		return e.readStored(ctx, v.String(), at)
	}
	item := fhirpath.NewResource(e.s.fhir, found)
	if item.FHIRType() == nil || !e.s.fhir.IsResource(item.FHIRType().Name) {
		return notSupported("FHIR "+e.s.fhir.FHIRVersion()+" has no resource type "+printable(found.Get("resourceType").String(), 64)+".", at)
	}
	e.resource = item
	return nil
}

// written reads a resource that is written in an extension; absent if the extension
// is another one.
func (e *evaluation) written(ctx context.Context, x fhirjson.Value) (fhirjson.Value, error) {
	text := x.Get("valueString").Text()
	switch x.Get("url").String() {
	default:
		return fhirjson.Value{}, nil
	case jsonValueURL:
	case xmlValueURL:
		if err := e.reserve(ctx, xmlBytes(text)); err != nil {
			return fhirjson.Value{}, err
		}
		document, _, err := e.s.decodeXML(text, nil)
		if err != nil {
			return fhirjson.Value{}, err
		}
		return document.Root(), nil
	}
	if err := e.reserve(ctx, int64(len(text))+treeBytes(text)); err != nil {
		return fhirjson.Value{}, err
	}
	return e.s.parse(text, "The resource")
}

// takeVariables takes variables: parts with a value or a resource, an empty
// collection without either. Parts of the same name are one collection.
func (e *evaluation) takeVariables(p fhirjson.Value, at string) error {
	parameter := e.s.fhir.Type("Parameters.parameter")
	for part := p.Get("part").First(); part.Exists(); part = part.Next() {
		name := part.Get("name").String()
		if name == "" || fhirpath.IsReserved(name) {
			return invalid("The name of a variable cannot be "+printable(name, 64)+", which is empty or has a meaning of its own.", at)
		}
		values := e.variables[name]
		for m := part.First(); m.Exists(); m = m.Next() {
			found, ok := parameter.Member(m.Name())
			switch {
			case string(m.Name()) == "resource" && m.Kind() == fhirjson.Object:
				values = append(values, fhirpath.NewResource(e.s.fhir, m))
			case ok && found.Element.Choice:
				values = append(values, fhirpath.NewElement(found.Type, m, part.Get("_"+string(m.Name()))))
			case string(m.Name()) == "part":
				return invalid("A variable has a value or a resource, not parts.", at)
			}
		}
		e.variables[name] = values
	}
	e.given = append(e.given, p)
	return nil
}
