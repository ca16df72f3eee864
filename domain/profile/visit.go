package profile

import (
	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// visit goes through a value and all that is below it: resources are checked
// against the profiles they declare, extensions against their definitions. The
// path is that of the value's element, from the resource that it belongs to.
func (w *walk) visit(v spot, path string) {
	if !w.spend() || len(w.path) > deepest || v.typ == nil {
		return
	}
	if v.typ.Kind == definitions.Resource {
		resource, container := w.resource, w.container
		w.enter(v)
		defer func() { w.resource, w.container = resource, container }()
		path = v.typ.Name
		w.declared(v)
	}
	holder, object := holderOf(w.d, v.typ), v.place
	if v.typ.Kind == definitions.Primitive {
		object = v.sibling
	}
	for m := object.First(); m.Exists(); m = m.Next() {
		name := m.Name()
		if len(name) > 0 && name[0] == '_' {
			if found, ok := holder.Member(name[1:]); ok {
				w.siblings(object, m, found, path)
			}
			continue
		}
		found, ok := holder.Member(name)
		if !ok || found.Type == nil || found.Type.Kind == definitions.Primitive {
			continue
		}
		w.visitAll(v, m, found, path)
	}
}

// visitAll visits the value or the values of a member.
func (w *walk) visitAll(holder spot, m fhirjson.Value, found definitions.Member, path string) {
	below := path + "." + found.Element.Name
	visit := func(v spot) {
		w.push(found.Element.Name, v)
		if found.Type.Name == "Extension" {
			w.extension(holder, v, found.Element.Name == "modifierExtension", path)
		}
		w.visit(v, below)
		w.pop()
	}
	if m.Kind() != fhirjson.Array {
		visit(w.spot(m, fhirjson.Value{}, found.Type, noIndex))
		return
	}
	i := 0
	for item := m.First(); item.Exists() && w.err == nil; item = item.Next() {
		visit(w.spot(item, fhirjson.Value{}, found.Type, i))
		i++
	}
}

// siblings visits the extensions of primitives.
func (w *walk) siblings(object, m fhirjson.Value, found definitions.Member, path string) {
	start := len(w.spots)
	w.add(object.Get(string(m.Name()[1:])), m, found.Type)
	values := w.spots[start:]
	for _, v := range values {
		if v.sibling.Kind() != fhirjson.Object {
			continue
		}
		w.push(found.Element.Name, v)
		w.visit(v, path+"."+found.Element.Name)
		w.pop()
	}
	w.spots = w.spots[:start]
}

// declared checks a resource against the profiles in its meta.profile.
func (w *walk) declared(v spot) {
	for p := items(v.place.Get("meta").Get("profile")); p.Exists(); p = p.Next() {
		if p.Kind() == fhirjson.String && w.spend() {
			w.named(p.String(), v, domain.Warning)
		}
	}
}
