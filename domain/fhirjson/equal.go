package fhirjson

import "bytes"

// Equal tells whether two values say the same: objects by their members in any
// order, arrays in order, strings decoded, numbers digit by digit (1.0 is not
// 1.00). White space and the spelling of strings make no difference. Two
// absent values are equal.
func Equal(a, b Value) bool {
	if a.Exists() && b.Exists() && bytes.Equal(a.Raw(), b.Raw()) {
		return true
	}
	return equal(a, b)
}

func equal(a, b Value) bool {
	kind := a.Kind()
	if kind != b.Kind() {
		return false
	}
	switch kind {
	case Number:
		return bytes.Equal(a.Raw(), b.Raw())
	case String:
		return bytes.Equal(a.Text(), b.Text())
	case Array:
		return equalElements(a.First(), b.First())
	case Object:
		return equalMembers(a, b)
	}
	return true
}

func equalElements(a, b Value) bool {
	for a.Exists() && b.Exists() {
		if !equal(a, b) {
			return false
		}
		a, b = a.Next(), b.Next()
	}
	return !a.Exists() && !b.Exists()
}

// equalMembers first walks both objects side by side, since mostly the order
// agrees; members from the first difference on are found by name.
func equalMembers(a, b Value) bool {
	x, y := a.First(), b.First()
	for x.Exists() && y.Exists() && equalNames(x, y) {
		if !equal(x, y) {
			return false
		}
		x, y = x.Next(), y.Next()
	}
	if !x.Exists() || !y.Exists() {
		return !x.Exists() && !y.Exists()
	}
	return equalUnordered(x, y)
}

// equalUnordered compares the members from x on with those from y on. Names
// are unique on each side, so equal counts and a twin for each x suffice.
func equalUnordered(x, y Value) bool {
	count := remaining(x)
	if count != remaining(y) {
		return false
	}
	find := func(name []byte) Value {
		for v := y; v.Exists(); v = v.Next() {
			if bytes.Equal(v.Name(), name) {
				return v
			}
		}
		return Value{}
	}
	if count > fewMembers {
		byName := make(map[string]Value, count)
		for v := y; v.Exists(); v = v.Next() {
			byName[string(v.Name())] = v
		}
		find = func(name []byte) Value { return byName[string(name)] }
	}
	for ; x.Exists(); x = x.Next() {
		if twin := find(x.Name()); !twin.Exists() || !equal(x, twin) {
			return false
		}
	}
	return true
}

func remaining(v Value) int {
	count := 0
	for ; v.Exists(); v = v.Next() {
		count++
	}
	return count
}

func equalNames(a, b Value) bool { return bytes.Equal(a.Name(), b.Name()) }
