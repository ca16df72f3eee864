package fhirpath

import (
	"strings"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// resolve fetches what references point to: contained resources, entries of the
// Bundle, or what the context resolves. Where nobody has it but the reference
// tells its type, a placeholder of that type stands for it, so that
// resolve() is Patient can be answered from Patient/1.
func resolve(k *call, dst Collection) (Collection, error) {
	for i := range k.in {
		it := &k.in[i]
		reference := it.place
		named := fhirjson.Value{}
		switch {
		case it.system != nil:
		case it.place.Kind() == fhirjson.Object:
			reference, named = it.place.Get("reference"), it.place.Get("type")
		}
		text := reference.String()
		if s, ok := it.system.(String); ok {
			text = string(s)
		}
		found, ok, err := k.resolve(text, it.place)
		if err != nil {
			return nil, err
		}
		if !ok {
			found.typ = k.c.referenceType(text)
			if found.typ == nil {
				found.typ = k.c.definitions.TypeOf(named.Text())
			}
			ok = found.typ != nil && found.typ.Kind == definitions.Resource
		}
		if ok {
			dst = append(dst, found)
		}
	}
	return dst, nil
}

// resolve looks for the resource itself.
func (k *call) resolve(reference string, from fhirjson.Value) (Item, bool, error) {
	if reference == "" {
		return Item{}, false, nil
	}
	container := k.r.rootResource().place
	if id, ok := strings.CutPrefix(reference, "#"); ok {
		resource := holder(container, from)
		if id == "" {
			return NewResource(k.c.definitions, resource), resource.Exists(), nil
		}
		found := contained(resource, id)
		return NewResource(k.c.definitions, found), found.Exists(), nil
	}
	if k.r.context.Resolve != nil {
		found, err := k.r.context.Resolve(reference)
		if err != nil || found.Exists() {
			return NewResource(k.c.definitions, found), err == nil, err
		}
	}
	for e := elements(container.Get("entry")); e.Exists(); e = e.Next() {
		if k.r.steps--; k.r.steps < 0 {
			break // plain answers for it
		}
		url := e.Get("fullUrl").Text()
		if string(url) == reference || len(url) > len(reference) && strings.HasSuffix(string(url), "/"+reference) {
			found := e.Get("resource")
			return NewResource(k.c.definitions, found), found.Exists(), nil
		}
	}
	return Item{}, false, nil
}

// holder returns the resource whose contained resources a place refers to: in
// a Bundle that of the entry which the place is in.
func holder(root, from fhirjson.Value) fhirjson.Value {
	if from.Document() != root.Document() {
		return root
	}
	for e := elements(root.Get("entry")); e.Exists(); e = e.Next() {
		if e.Start() <= from.Start() && from.End() <= e.End() {
			if resource := e.Get("resource"); resource.Exists() {
				return resource
			}
		}
	}
	return root
}

func contained(resource fhirjson.Value, id string) fhirjson.Value {
	for c := elements(resource.Get("contained")); c.Exists(); c = c.Next() {
		if string(c.Get("id").Text()) == id {
			return c
		}
	}
	return fhirjson.Value{}
}

// referenceType reads the type from a reference such as Patient/1,
// http://example.org/fhir/Patient/1/_history/2 or a canonical URL of that form.
func (c *compiler) referenceType(reference string) *definitions.Type {
	if at := strings.IndexAny(reference, "?#|"); at >= 0 {
		reference = reference[:at]
	}
	if version := strings.LastIndex(reference, "/_history/"); version >= 0 {
		reference = reference[:version]
	}
	id := strings.LastIndexByte(reference, '/')
	if id < 0 {
		return nil
	}
	name := reference[strings.LastIndexByte(reference[:id], '/')+1 : id]
	if !c.definitions.IsResource(name) {
		return nil
	}
	return c.definitions.Type(name)
}
