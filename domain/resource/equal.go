package resource

import (
	"bytes"

	"fhirlog/domain/fhirjson"
)

// SameContent says whether two stored bodies hold the same content: the same
// tree, members in any order, numbers digit by digit. It costs a comparison of
// bytes unless there is a chance that the trees are equal and the bytes are not.
func SameContent(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	if !mayBeSameTree(a, b) {
		return false
	}
	return sameTree(a, b, "")
}

// SameButMeta says whether two stored bodies differ in nothing outside meta.
func SameButMeta(a, b []byte) bool { return sameTree(a, b, "meta") }

// mayBeSameTree is false when the trees must differ: bodies are compact, so
// without alternative spellings of characters equal trees are made of the same
// bytes in another order.
func mayBeSameTree(a, b []byte) bool {
	if hasAlternativeSpelling(a) || hasAlternativeSpelling(b) {
		return true
	}
	if len(a) != len(b) {
		return false
	}
	var balance [256]int32
	for i := range a {
		balance[a[i]]++
		balance[b[i]]--
	}
	return balance == [256]int32{}
}

func hasAlternativeSpelling(body []byte) bool {
	return bytes.Contains(body, []byte(`\u`)) || bytes.Contains(body, []byte(`\/`))
}

// sameTree compares the members of two bodies, but for one that is left out.
func sameTree(a, b []byte, except string) bool {
	left, errA := fhirjson.Parse(a, fhirjson.Limits{})
	right, errB := fhirjson.Parse(b, fhirjson.Limits{})
	if errA != nil || errB != nil {
		return false // stored bodies parse; a damaged one equals nothing
	}
	if except == "" {
		return fhirjson.Equal(left.Root(), right.Root())
	}
	if left.Root().Len() != right.Root().Len() {
		return false
	}
	for m := left.Root().First(); m.Exists(); m = m.Next() {
		name := string(m.Name())
		if other := right.Root().Get(name); name != except && !(other.Exists() && fhirjson.Equal(m, other)) {
			return false
		}
	}
	return true
}
