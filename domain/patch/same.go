package patch

import (
	"bytes"
	"math"
	"strconv"

	"fhirlog/domain/fhirjson"
)

// same tells whether two values are equal as RFC 6902, section 4.6, has it:
// like fhirjson.Equal, but numbers are equal if their values are, 1.0 and 1e0.
// It takes time for the smaller of the two.
func same(a, b fhirjson.Value) bool {
	if a.Kind() != b.Kind() {
		return false
	}
	switch a.Kind() {
	case fhirjson.Number:
		return sameNumber(a.Raw(), b.Raw())
	case fhirjson.String:
		return bytes.Equal(a.Text(), b.Text())
	case fhirjson.Array:
		x, y := a.First(), b.First()
		for x.Exists() && y.Exists() && same(x, y) {
			x, y = x.Next(), y.Next()
		}
		return !x.Exists() && !y.Exists()
	case fhirjson.Object:
		return sameMembers(a, b)
	}
	return true
}

// sameMembers compares objects: names are unique, so equal counts and a twin
// for each member suffice.
func sameMembers(a, b fhirjson.Value) bool {
	x, y, count := a.First(), b.First(), 0
	for x.Exists() && y.Exists() {
		x, y = x.Next(), y.Next()
		count++
	}
	if x.Exists() || y.Exists() {
		return false
	}
	twins := make(map[string]fhirjson.Value, count)
	for y = b.First(); y.Exists(); y = y.Next() {
		twins[string(y.Name())] = y
	}
	for x = a.First(); x.Exists(); x = x.Next() {
		if twin := twins[string(x.Name())]; !twin.Exists() || !same(x, twin) {
			return false
		}
	}
	return true
}

// sameNumber compares the values of two JSON numbers, exactly.
func sameNumber(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, xOK := readNumber(a)
	y, yOK := readNumber(b)
	return xOK && yOK && x.negative == y.negative && x.exponent == y.exponent && bytes.Equal(x.digits, y.digits)
}

// number is ± 0.digits times ten to the exponent, without zeros at either end
// of the digits, so that every value has one form.
type number struct {
	negative bool
	digits   []byte
	exponent int64
}

// readNumber reads a JSON number; ok is false if its exponent is out of all
// bounds.
func readNumber(text []byte) (n number, ok bool) {
	mantissa := text
	if e := bytes.IndexAny(text, "eE"); e >= 0 {
		mantissa = text[:e]
		exponent, err := strconv.ParseInt(string(text[e+1:]), 10, 64)
		if err != nil || exponent > math.MaxInt64/2 || exponent < math.MinInt64/2 {
			return number{}, false
		}
		n.exponent = exponent
	}
	if mantissa[0] == '-' {
		n.negative, mantissa = true, mantissa[1:]
	}
	whole, fraction, _ := bytes.Cut(mantissa, []byte{'.'})
	n.exponent += int64(len(whole))
	n.digits = append(append(make([]byte, 0, len(mantissa)), whole...), fraction...)
	n.digits = bytes.TrimRight(n.digits, "0")
	trimmed := bytes.TrimLeft(n.digits, "0")
	n.exponent -= int64(len(n.digits) - len(trimmed))
	n.digits = trimmed
	if len(n.digits) == 0 {
		return number{}, true
	}
	return n, true
}
