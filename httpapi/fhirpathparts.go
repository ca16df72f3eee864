package httpapi

import (
	"strconv"
	"strings"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirpath"
)

// partsWriter writes parameters with parts, up to a size.
type partsWriter struct {
	definitions *definitions.Definitions
	parameter   *definitions.Type
	places      *fhirpath.Places
	dst         []byte
	most        int
}

func newPartsWriter(d *definitions.Definitions, resource fhirjson.Value) *partsWriter {
	return &partsWriter{definitions: d, parameter: d.Type("Parameters.parameter"), places: fhirpath.NewPlaces(d, resource), most: evaluationResult}
}

// bound begins to count the results: what stands before them has bounds of its
// own.
func (w *partsWriter) bound() { w.most = len(w.dst) + evaluationResult }

// over tells whether the results are larger than they may be. What follows is
// not written.
func (w *partsWriter) over() bool { return len(w.dst) > w.most }

// finish returns the whole resource.
func (w *partsWriter) finish() []byte {
	return append(w.dst, "]}"...)
}

// open begins a parameter with parts, and close ends it.
func (w *partsWriter) open(name string) {
	w.begin(name)
	w.dst = append(w.dst, `,"part":[`...)
}

func (w *partsWriter) close() { w.dst = append(w.dst, "]}"...) }

// next separates list members.
func (w *partsWriter) next() {
	if n := len(w.dst); n > 0 && w.dst[n-1] != '[' {
		w.dst = append(w.dst, ',')
	}
}

// begin begins a parameter, and end ends it.
func (w *partsWriter) begin(name string) {
	w.next()
	w.dst = fhirjson.AppendQuoted(append(w.dst, `{"name":`...), name)
}

func (w *partsWriter) end() { w.dst = append(w.dst, '}') }

// text writes a parameter with a string.
func (w *partsWriter) text(name, value string) {
	w.begin(name)
	w.value("valueString", value)
	w.end()
}

// value writes a string as a member, unless it is empty, which FHIR has none of.
func (w *partsWriter) value(member, text string) {
	if text != "" {
		w.dst = append(fhirjson.AppendQuoted(append(w.dst, ','), member), ':')
		w.dst = fhirjson.AppendQuoted(w.dst, text)
	}
}

// parts writes items as the parts of the parameter that is begun.
func (w *partsWriter) parts(items fhirpath.Collection) { w.partsAnd(items, nil) }

// partsAnd writes items, and after them parts that another has written.
func (w *partsWriter) partsAnd(items fhirpath.Collection, more *partsWriter) {
	if len(items) == 0 && (more == nil || len(more.dst) == 0) {
		return // FHIR has no empty arrays
	}
	w.dst = append(w.dst, `,"part":[`...)
	for i := range items {
		if w.over() {
			break
		}
		w.item(items[i])
	}
	if more != nil && len(more.dst) > 0 {
		w.next()
		w.dst = append(w.dst, more.dst...)
	}
	w.dst = append(w.dst, ']')
}

// pathOr returns the path of an item, or what else tells it from others.
func (w *partsWriter) pathOr(it fhirpath.Item, expression string, i int) string {
	if path, ok := w.places.Of(it); ok {
		return path
	}
	return expression + "[" + strconv.Itoa(i) + "]"
}

// item writes one item of a result: its type as the name, its place, and its
// value in the way that its type permits.
func (w *partsWriter) item(it fhirpath.Item) {
	t := it.FHIRType()
	if t == nil && !it.Place().Exists() {
		w.system(it)
		return
	}
	w.begin(it.Type().Name)
	path, _ := w.places.Of(it)
	if it.IsPlaceholder() {
		w.end()
		return
	}
	place, member := it.Place(), "valueX"
	if t != nil {
		member = valueMember(it.Type().Name)
	}
	m, ok := w.parameter.Member([]byte(member))
	switch {
	case t != nil && t.Kind == definitions.Resource:
		w.extensions(path, fhirjson.Value{})
		w.raw("resource", place)
	case !ok || !m.Element.Choice || place != it.Sibling() && !isWrittenAs(place, m.Type.JSON):
		w.extensions(path, place)
	default:
		w.extensions(path, fhirjson.Value{})
		if place != it.Sibling() {
			w.raw(member, place)
		}
		if it.Sibling().Exists() {
			w.raw("_"+member, it.Sibling())
		}
	}
	w.end()
}

func valueMember(typeName string) string {
	return "value" + strings.ToUpper(typeName[:1]) + typeName[1:]
}

// isWrittenAs tells whether a value has the JSON form of its type; what is evaluated
// need not be valid.
func isWrittenAs(v fhirjson.Value, form definitions.JSONKind) bool {
	switch form {
	case definitions.JSONString:
		return v.Kind() == fhirjson.String
	case definitions.JSONNumber:
		return v.Kind() == fhirjson.Number
	case definitions.JSONBoolean:
		return v.Kind() == fhirjson.True || v.Kind() == fhirjson.False
	}
	return v.Kind() == fhirjson.Object
}

// system writes a value that was calculated. What FHIR has no type for is a
// string beside the name of its type.
func (w *partsWriter) system(it fhirpath.Item) {
	v, _ := it.System()
	json, name := fhirpath.AppendFHIR(nil, w.definitions, v)
	switch {
	case v == fhirpath.String(""):
		w.begin("empty-string")
	case name == "":
		w.begin(v.SystemType())
		w.value("valueString", v.String())
	default:
		w.begin(name)
		w.dst = append(append(w.dst, `,"`+valueMember(name)+`":`...), json...)
	}
	w.end()
}

// raw writes JSON as a member.
func (w *partsWriter) raw(member string, v fhirjson.Value) {
	w.dst = fhirjson.AppendCompact(append(w.dst, `,"`+member+`":`...), v, nil)
}

// extensions writes where an item stands, and as a text what has no value[x] of
// its own, such as a part of a resource.
func (w *partsWriter) extensions(path string, v fhirjson.Value) {
	if path == "" && !v.Exists() {
		return
	}
	w.dst = append(w.dst, `,"extension":[`...)
	extension := func(url, text string) {
		w.next()
		w.dst = append(w.dst, `{"url":"`+url+`","valueString":`...)
		w.dst = append(fhirjson.AppendQuoted(w.dst, text), '}')
	}
	if path != "" {
		extension(resourcePathURL, path)
	}
	if v.Exists() {
		extension(jsonValueURL, string(fhirjson.AppendCompact(nil, v, nil)))
	}
	w.dst = append(w.dst, ']')
}
