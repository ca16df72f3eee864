package fhirpath

import (
	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// The functions that FHIR adds (https://hl7.org/fhir/R4/fhirpath.html#functions).

// extension returns the extensions with a URL.
func extension(k *call, dst Collection) (Collection, error) {
	url, ok, err := k.text(0)
	t := k.c.definitions.Type("Extension")
	if !ok || err != nil || t == nil {
		return dst, err
	}
	for i := range k.in {
		it := &k.in[i]
		holder := it.place
		if it.typ != nil && it.typ.JSON != definitions.NotPrimitive {
			holder = it.sibling
		}
		for e := elements(holder.Get("extension")); e.Exists(); e = e.Next() {
			if string(e.Get("url").Text()) == url {
				dst = append(dst, Item{typ: t, place: e})
			}
		}
	}
	return dst, nil
}

// hasExtension tells whether there is such an extension. R5 uses it without
// defining it.
func hasExtension(k *call, dst Collection) (Collection, error) {
	found, err := extension(k, k.r.take())
	if err != nil {
		return nil, err
	}
	dst = appendBoolean(dst, len(found) > 0)
	k.r.give(found)
	return dst, nil
}

// isPrimitive tells whether an item is a primitive with a value.
func (it *Item) isPrimitive() bool {
	if it.system != nil {
		return true
	}
	switch it.place.Kind() {
	case fhirjson.Absent, fhirjson.Null, fhirjson.Array, fhirjson.Object:
		return false
	}
	return true
}

func hasValue(k *call, dst Collection) (Collection, error) {
	return appendBoolean(dst, len(k.in) == 1 && k.in[0].isPrimitive()), nil
}

// getValue returns the System value of a single primitive.
func getValue(k *call, dst Collection) (Collection, error) {
	if len(k.in) == 1 && k.in[0].isPrimitive() {
		v, _ := k.in[0].System()
		return appendSystem(dst, v), nil
	}
	return dst, nil
}

// checkModifiers fails at a modifier extension that the caller does not know.
func checkModifiers(k *call, dst Collection) (Collection, error) {
	known := map[string]bool{}
	for i := range k.args {
		url, ok, err := k.text(i)
		if err != nil {
			return nil, err
		}
		known[url] = ok
	}
	for i := range k.in {
		for e := elements(k.in[i].place.Get("modifierExtension")); e.Exists(); e = e.Next() {
			if !known[e.Get("url").String()] {
				return nil, k.fault("found a modifier extension that is not among its arguments")
			}
		}
	}
	return append(dst, k.in...), nil
}

// conformsTo asks the context.
func conformsTo(k *call, dst Collection) (Collection, error) {
	profile, ok, err := k.text(0)
	if !ok || err != nil || len(k.in) == 0 {
		return dst, err
	}
	if len(k.in) > 1 {
		return nil, k.fault("is called on a single item, and there are %d", len(k.in))
	}
	if k.r.context.ConformsTo == nil {
		return nil, k.missing("validation of profiles")
	}
	conforms, err := k.r.context.ConformsTo(k.in[0], profile)
	return appendBoolean(dst, conforms), err
}

// missing is the error of a function that needs something of the context.
func (k *call) missing(what string) error {
	return k.c.fault(k.n.At, domain.NotSupported, "%s() needs %s, which is not at hand here", k.n.Name, what)
}

// memberOf asks the context.
func memberOf(k *call, dst Collection) (Collection, error) {
	valueSet, ok, err := k.text(0)
	if !ok || err != nil || len(k.in) == 0 {
		return dst, err
	}
	if len(k.in) > 1 {
		return nil, k.fault("is called on a single item, and there are %d", len(k.in))
	}
	if k.r.context.MemberOf == nil {
		return nil, k.missing("terminology")
	}
	member, err := k.r.context.MemberOf(k.in[0], valueSet)
	return appendBoolean(dst, member), err
}

// subsumes is subsumes() and subsumedBy().
func subsumes(k *call, dst Collection) (Collection, error) {
	a, b := k.in, k.args[0]
	if k.n.Name == "subsumedBy" {
		a, b = b, a
	}
	if len(a) == 0 || len(b) == 0 {
		return dst, nil
	}
	if len(a) > 1 || len(b) > 1 {
		return nil, k.fault("compares two single items")
	}
	if k.r.context.Subsumes == nil {
		return nil, k.missing("terminology")
	}
	subsumed, err := k.r.context.Subsumes(a[0], b[0])
	return appendBoolean(dst, subsumed), err
}
