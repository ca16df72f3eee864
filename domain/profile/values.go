package profile

import (
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// gather appends the values of an element to w.spots.
func (w *walk) gather(v spot, name string, choice bool) {
	object := v.place
	if v.typ != nil && v.typ.Kind == definitions.Primitive {
		object = v.sibling // the id and the extensions of a primitive
	}
	for m := object.First(); m.Exists(); m = m.Next() {
		w.left--
		stated := m.Name()
		sibling := len(stated) > 0 && stated[0] == '_'
		if sibling {
			stated = stated[1:]
		}
		if len(stated) < len(name) || string(stated[:len(name)]) != name || !choice && len(stated) != len(name) {
			continue
		}
		var typ *definitions.Type
		if v.typ != nil {
			found, ok := holderOf(w.d, v.typ).Member(stated)
			if !ok || found.Element.Name != name {
				continue
			}
			typ = found.Type
		}
		switch {
		case !sibling:
			w.add(m, object.Get("_"+string(stated)), typ)
		case !object.Get(string(stated)).Exists():
			w.add(fhirjson.Value{}, m, typ)
		}
	}
}

// add appends the values of a member and of its sibling, which may both be lists.
func (w *walk) add(m, sibling fhirjson.Value, typ *definitions.Type) {
	if m.Kind() != fhirjson.Array && sibling.Kind() != fhirjson.Array {
		w.spots = append(w.spots, w.spot(m, sibling, typ, noIndex))
		return
	}
	a, b := items(m), items(sibling)
	for i := 0; a.Exists() || b.Exists(); i++ {
		w.spots = append(w.spots, w.spot(a, b, typ, i))
		w.left--
		a, b = a.Next(), b.Next()
	}
}

func items(v fhirjson.Value) fhirjson.Value {
	if v.Kind() == fhirjson.Array {
		return v.First()
	}
	return fhirjson.Value{}
}

// isA says that a type is another or derived from it. A constraint that serves as
// a type, such as SimpleQuantity, is the type that it constrains.
func isA(d *definitions.Definitions, t, base *definitions.Type) bool {
	if base.Profile && t != base {
		base = d.Type(base.Base)
	}
	for ; t != nil; t = d.Type(t.Base) {
		if t == base {
			return true
		}
	}
	return base != nil && base.Name == "Resource"
}
