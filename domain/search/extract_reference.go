package search

import "fhirlog/domain/fhirjson"

// referenceValue adds where a Reference leads, by its literal form, its
// identifier and its display.
func referenceValue(x *extractor, a *action, v fhirjson.Value) {
	var literal, typ []byte
	var identifier, display fhirjson.Value
	for m := v.First(); m.Exists(); m = m.Next() {
		switch string(m.Name()) {
		case "reference":
			literal = m.Text()
		case "type":
			typ = m.Text()
		case "identifier":
			identifier = m
		case "display":
			display = m
		}
	}
	x.addReference(a, literal, typ)
	if identifier.Exists() {
		system, value, _ := identifierParts(identifier)
		x.addToken(a, AspectIdentifier, system, value, markOf(system))
	}
	x.addText(a, display)
}

// addReference adds the literal form of a reference, and the type of its
// target, which may be given beside it.
func (x *extractor) addReference(a *action, literal, typ []byte) {
	r, ok := parseReference(literal)
	switch {
	case !ok:
	case len(r.url) > 0:
		if x.start(a, AspectValue) {
			x.key = appendURLValue(x.key, r.url, r.version)
			x.posting(a)
			if !hasURN(r.url) {
				x.forward(a)
			}
		}
		if x.set.plans[string(r.typ)] != nil {
			typ = r.typ
		}
	case len(r.id) > 0:
		if len(r.typ) > 0 {
			typ = r.typ
		}
		if x.start(a, AspectValue) {
			x.key = appendReferenceValue(x.key, r.id, typ, r.version)
			x.posting(a)
			if len(typ) > 0 {
				x.forward(a)
			}
		}
	default:
		typ = x.containedType(r.fragment)
	}
	x.addTarget(a, typ)
}

// addTarget says that there is a reference to a type; empty if it is not known.
func (x *extractor) addTarget(a *action, typ []byte) {
	if x.start(a, AspectPresent) {
		x.key = AppendComponent(x.key, typ)
		x.addPosting()
	}
}

func hasURN(url []byte) bool { return len(url) > 4 && string(url[:4]) == "urn:" }

// containedType is the type of the contained resource with an id.
func (x *extractor) containedType(id []byte) []byte {
	for c := x.resource.Get("contained").First(); c.Exists(); c = c.Next() {
		if string(c.Get("id").Text()) == string(id) {
			return c.Get("resourceType").Text()
		}
	}
	return nil
}

// targetType is the type that a Reference, canonical or uri leads to, as far as
// it tells by itself.
func (x *extractor) targetType(v fhirjson.Value) []byte {
	literal := v.Text()
	if v.Kind() == fhirjson.Object {
		literal = v.Get("reference").Text()
	}
	r, ok := parseReference(literal)
	switch {
	case ok && len(r.typ) > 0 && (len(r.url) == 0 || x.set.plans[string(r.typ)] != nil):
		return r.typ
	case ok && len(r.url) == 0 && len(r.id) == 0:
		return x.containedType(r.fragment)
	}
	return v.Get("type").Text()
}

// canonicalReference adds a canonical or uri as a reference.
func canonicalReference(x *extractor, a *action, v fhirjson.Value) {
	text, ok := textBytes(v)
	if !ok {
		return
	}
	r, ok := parseReference(text)
	if !ok || len(r.url) == 0 {
		x.addReference(a, text, nil)
		return
	}
	if x.start(a, AspectValue) {
		x.key = appendURLValue(x.key, r.url, r.version)
		x.posting(a)
		x.forward(a)
	}
	x.addTarget(a, nil)
}

// codeableReference is R5's CodeableReference.
func codeableReference(x *extractor, a *action, v fhirjson.Value) {
	if r := v.Get("reference"); r.Exists() {
		referenceValue(x, a, r)
	}
}

// resourceReference stands for a resource within a Bundle as if it were a
// reference to it: Bundle.composition and Bundle.message. It is not one that
// can be followed.
func resourceReference(x *extractor, a *action, v fhirjson.Value) {
	typ := v.Get("resourceType").Text()
	if id := v.Get("id").Text(); isID(id) && x.start(a, AspectValue) {
		x.key = appendReferenceValue(x.key, id, typ, nil)
		x.posting(a)
	}
	x.addTarget(a, typ)
}
