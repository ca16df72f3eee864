package fhirpath

import (
	"strings"
	"unicode"

	"github.com/cockroachdb/apd/v3"

	"fhirlog/domain/fhirjson"
)

// equivalentCollections is the operator ~: the same items in any order, and
// empty is equivalent to empty (https://hl7.org/fhirpath/N1/#equivalence).
func (r *run) equivalentCollections(a, b Collection) bool {
	if len(a) != len(b) {
		return false
	}
	return inAnyOrder(len(a), func(i, j int) bool { return r.equivalent(&a[i], &b[j]) })
}

// inAnyOrder tells whether each of n things on the left has a partner of its
// own on the right.
func inAnyOrder(n int, match func(i, j int) bool) bool {
	taken := make([]bool, n)
	for i := range n {
		found := false
		for j := 0; j < n && !found; j++ {
			if !taken[j] && match(i, j) {
				taken[j], found = true, true
			}
		}
		if !found {
			return false
		}
	}
	return true
}

// equivalent compares two items.
func (r *run) equivalent(a, b *Item) bool {
	if r.steps--; r.steps < 0 {
		return true
	}
	va, okA := a.System()
	vb, okB := b.System()
	switch {
	case okA && okB:
		r.charge(va)
		r.charge(vb)
		return equivalentSystem(va, vb)
	case okA || okB || !a.place.Exists() || !b.place.Exists():
		return false
	}
	return r.equivalentTree(a.place, b.place)
}

// equivalentSystem compares strings without regard to case and white space,
// numbers and quantities with the precision of the less precise one.
func equivalentSystem(a, b System) bool {
	if sa, ok := a.(String); ok {
		sb, ok := b.(String)
		return ok && equivalentText(string(sa), string(sb))
	}
	if da, ok := asDecimal(a); ok {
		if db, ok := asDecimal(b); ok {
			digits := min(places(da.Decimal), places(db.Decimal))
			return roundTo(da.Decimal, digits, apd.RoundHalfUp).Cmp(roundTo(db.Decimal, digits, apd.RoundHalfUp)) == 0
		}
	}
	qa, okA := a.(*Quantity)
	qb, okB := b.(*Quantity)
	if okA && okB {
		return equivalentQuantity(qa, qb)
	}
	return equalSystem(a, b) == yes
}

func equivalentText(a, b string) bool {
	return a == b || strings.EqualFold(normalSpace(a), normalSpace(b))
}

// normalSpace makes all white space the same.
func normalSpace(s string) string {
	if strings.IndexFunc(s, unicode.IsSpace) < 0 {
		return s
	}
	return strings.Join(strings.Fields(s), " ")
}

// equivalentTree compares JSON: arrays in any order as well.
func (r *run) equivalentTree(a, b fhirjson.Value) bool {
	r.steps--
	if a == b || r.steps < 0 {
		return true
	}
	if a.Kind() != b.Kind() {
		return false
	}
	switch a.Kind() {
	case fhirjson.Object:
		return r.equalObjects(a, b, (*run).equivalentTree)
	case fhirjson.Array:
		as, bs := values(a), values(b)
		return len(as) == len(bs) && inAnyOrder(len(as), func(i, j int) bool { return r.equivalentTree(as[i], bs[j]) })
	case fhirjson.Number:
		da, okA := parseDecimal(string(a.Raw()))
		db, okB := parseDecimal(string(b.Raw()))
		return okA && okB && equivalentSystem(da, db)
	case fhirjson.String:
		r.steps -= (a.End() - a.Start()) / 64
		return equivalentText(a.String(), b.String())
	}
	return true
}

// values lists the elements of an array.
func values(array fhirjson.Value) []fhirjson.Value {
	var list []fhirjson.Value
	for v := array.First(); v.Exists(); v = v.Next() {
		list = append(list, v)
	}
	return list
}
