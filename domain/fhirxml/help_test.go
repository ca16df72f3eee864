package fhirxml

import (
	"testing"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// load returns the definitions of a version.
func load(t testing.TB, v definitions.Version) *definitions.Definitions {
	t.Helper()
	d, err := definitions.Load(v)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// read is Decode for the text of the JSON. It panics if the tree beside it is not
// the one that Parse makes of the text.
func read(d *definitions.Definitions, xml []byte, limits Limits) (json []byte, places *Places, err error) {
	document, places, err := Decode(d, xml, nil, limits)
	if err != nil {
		return nil, nil, err
	}
	parsed, err := fhirjson.Parse(document.Source(), fhirjson.Limits{MaxDepth: limits.MaxDepth})
	if err != nil {
		panic("Decode gave JSON that does not parse: " + err.Error())
	}
	if !identical(document.Root(), parsed.Root()) {
		panic("Decode gave a tree that is not that of its text: " + string(document.Source()))
	}
	return document.Source(), places, nil
}

// identical tells whether two trees say the same of the same text.
func identical(a, b fhirjson.Value) bool {
	if a.Kind() != b.Kind() || a.Start() != b.Start() || a.End() != b.End() || a.IsMember() != b.IsMember() ||
		a.NameStart() != b.NameStart() || string(a.Name()) != string(b.Name()) || a.HasEscapes() != b.HasEscapes() {
		return false
	}
	x, y := a.First(), b.First()
	for x.Exists() && y.Exists() {
		if !identical(x, y) {
			return false
		}
		x, y = x.Next(), y.Next()
	}
	return x.Exists() == y.Exists()
}
