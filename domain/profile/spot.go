package profile

import (
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirpath"
)

// spot is a value of the resource.
type spot struct {
	typ            *definitions.Type // nil if it is not known
	place, sibling fhirjson.Value    // as in fhirpath.Item
	index          int               // in its array, or noIndex
}

const noIndex = -1

func (s spot) item() fhirpath.Item { return fhirpath.NewElement(s.typ, s.place, s.sibling) }

// at is where the value stands, for messages.
func (s spot) at() fhirjson.Value {
	if s.place.Exists() {
		return s.place
	}
	return s.sibling
}

// step is one step of a path.
type step struct {
	name  string
	index int
	place fhirjson.Value
}

func (w *walk) push(name string, s spot) { w.path = append(w.path, step{name, s.index, s.at()}) }

func (w *walk) pop() { w.path = w.path[:len(w.path)-1] }

func (w *walk) spot(place, sibling fhirjson.Value, typ *definitions.Type, index int) spot {
	if place.Kind() == fhirjson.Null {
		place = fhirjson.Value{}
	}
	if sibling.Kind() == fhirjson.Null {
		sibling = fhirjson.Value{}
	}
	if typ != nil && typ.Kind == definitions.Resource {
		typ = w.d.TypeOf(place.Get("resourceType").Text())
	}
	return spot{typ, place, sibling, index}
}
