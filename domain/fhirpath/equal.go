package fhirpath

import (
	"cmp"

	"fhirlog/domain/fhirjson"
)

// equalCollections is the operator =: unknown if a side is empty or a pair of
// items cannot be decided (https://hl7.org/fhirpath/N1/#equality).
func (r *run) equalCollections(a, b Collection) truth {
	if len(a) == 0 || len(b) == 0 {
		return unknown
	}
	if len(a) != len(b) {
		return no
	}
	result := yes
	for i := range a {
		switch r.equal(&a[i], &b[i]) {
		case no:
			return no
		case unknown:
			result = unknown
		}
	}
	return result
}

// equal compares two items. Each comparison costs a step, trees one for each
// part; the caller looks whether there are any left.
func (r *run) equal(a, b *Item) truth {
	r.steps--
	if a.isText() {
		r.steps -= (a.place.End() - a.place.Start()) / 256
		if b.isText() {
			return truthOf(string(a.place.Text()) == string(b.place.Text()))
		}
		if s, ok := b.system.(String); ok {
			return truthOf(string(a.place.Text()) == string(s))
		}
	}
	va, okA := a.System()
	vb, okB := b.System()
	switch {
	case okA && okB:
		r.charge(va)
		r.charge(vb)
		return equalSystem(va, vb)
	case okA || okB:
		return no
	case a.place.Exists() && b.place.Exists():
		return truthOf(r.equalTree(a.place, b.place))
	}
	return truthOf(a.sibling.Exists() && b.sibling.Exists() && !a.place.Exists() && !b.place.Exists() && r.equalTree(a.sibling, b.sibling))
}

// isText tells whether an item is a primitive whose value is a String, which can
// be compared without copying it.
func (it *Item) isText() bool {
	return it.typ != nil && isTextFormat(it.typ.Format) && it.place.Kind() == fhirjson.String
}

// equalSystem compares two System values.
func equalSystem(a, b System) truth {
	switch a := a.(type) {
	case Boolean:
		b, ok := b.(Boolean)
		return truthOf(ok && a == b)
	case String:
		b, ok := b.(String)
		return truthOf(ok && a == b)
	case TypeInfo:
		b, ok := b.(TypeInfo)
		return truthOf(ok && a == b)
	}
	order, known, same := compareSystem(a, b)
	switch {
	case !same:
		return no
	case !known:
		return unknown
	}
	return truthOf(order == 0)
}

// compareSystem orders two values of the same sort: numbers and quantities,
// dates and dateTimes, times, strings. same is false if they are not.
func compareSystem(a, b System) (order int, known, same bool) {
	switch va := a.(type) {
	case String:
		if vb, ok := b.(String); ok {
			return cmp.Compare(va, vb), true, true
		}
	case Integer:
		if vb, ok := b.(Integer); ok {
			return cmp.Compare(va, vb), true, true
		}
	case *Temporal:
		vb, ok := b.(*Temporal)
		if !ok || (va.kind == timeKind) != (vb.kind == timeKind) {
			return 0, false, false
		}
		order, known = compareTemporal(va, vb)
		return order, known, true
	}
	if da, ok := asDecimal(a); ok {
		if db, ok := asDecimal(b); ok {
			return da.Cmp(db.Decimal), true, true
		}
	}
	qa, okA := asQuantity(a)
	qb, okB := asQuantity(b)
	if !okA || !okB {
		return 0, false, false
	}
	order, known = compareQuantity(qa, qb)
	return order, known, true
}

// asDecimal converts a number implicitly.
func asDecimal(v System) (Decimal, bool) {
	switch v := v.(type) {
	case Integer:
		return decimalOf(v), true
	case Decimal:
		return v, true
	}
	return Decimal{}, false
}

// asQuantity converts a number or quantity implicitly.
func asQuantity(v System) (*Quantity, bool) {
	if q, ok := v.(*Quantity); ok {
		return q, true
	}
	d, ok := asDecimal(v)
	return &Quantity{Value: d, Unit: "1"}, ok
}

// equalTree compares JSON: members in any order, numbers by value.
func (r *run) equalTree(a, b fhirjson.Value) bool {
	r.steps--
	if a == b || r.steps < 0 {
		return true
	}
	if a.Kind() != b.Kind() {
		return false
	}
	switch a.Kind() {
	case fhirjson.Object:
		return r.equalObjects(a, b, (*run).equalTree)
	case fhirjson.Array:
		a, b = a.First(), b.First()
		for a.Exists() && b.Exists() {
			if !r.equalTree(a, b) {
				return false
			}
			a, b = a.Next(), b.Next()
		}
		return a.Exists() == b.Exists()
	case fhirjson.Number:
		return equalNumbers(a, b)
	case fhirjson.String:
		r.steps -= (a.End() - a.Start()) / 256
		return string(a.Text()) == string(b.Text())
	}
	return true
}

func equalNumbers(a, b fhirjson.Value) bool {
	if string(a.Raw()) == string(b.Raw()) {
		return true
	}
	da, okA := parseDecimal(string(a.Raw()))
	db, okB := parseDecimal(string(b.Raw()))
	return okA && okB && da.Cmp(db.Decimal) == 0
}

// equalObjects compares members by name. Objects with the same order of members
// take one walk; finding the others costs steps.
func (r *run) equalObjects(a, b fhirjson.Value, equal func(r *run, a, b fhirjson.Value) bool) bool {
	size := b.Len()
	if a.Len() != size {
		return false
	}
	mb := b.First()
	for ma := a.First(); ma.Exists(); ma = ma.Next() {
		other := mb
		if string(ma.Name()) != string(mb.Name()) {
			if r.steps -= size; r.steps < 0 {
				return true
			}
			other = b.Get(string(ma.Name()))
		}
		if !other.Exists() || !equal(r, ma, other) {
			return false
		}
		mb = mb.Next()
	}
	return true
}
