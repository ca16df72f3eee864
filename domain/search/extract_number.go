package search

import (
	"math"
	"strconv"

	"fhirlog/domain/fhirjson"
)

// numberKey is the NumberKey of a number as it is written; integer64 is written
// as a string. Numbers beyond what a float64 holds are infinite.
func numberKey(v fhirjson.Value) (key int64, ok bool) {
	var digits []byte
	switch v.Kind() {
	case fhirjson.Number:
		digits = v.Raw()
	case fhirjson.String:
		digits = v.Text()
	}
	if f, ok := simpleFloat(digits); ok {
		return NumberKey(f), true
	}
	if len(digits) == 0 || digits[0] != '-' && (digits[0] < '0' || digits[0] > '9') {
		return 0, false // among them the words that ParseFloat takes
	}
	f, err := strconv.ParseFloat(string(digits), 64)
	return NumberKey(f), (err == nil || math.IsInf(f, 0)) && !math.IsNaN(f)
}

var powersOfTen = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// simpleFloat reads numbers of at most 15 digits without exponent, of which
// digits and power of ten are both exact, so that one division rounds rightly.
func simpleFloat(text []byte) (f float64, ok bool) {
	negative := len(text) > 0 && text[0] == '-'
	if negative {
		text = text[1:]
	}
	if len(text) == 0 || len(text) > 16 {
		return 0, false
	}
	var digits uint64
	count, point := 0, -1
	for i, c := range text {
		switch {
		case c >= '0' && c <= '9':
			digits = digits*10 + uint64(c-'0')
			count++
		case c == '.' && point < 0 && i > 0:
			point = count
		default:
			return 0, false
		}
	}
	if count == 0 || count > 15 || point == count {
		return 0, false
	}
	f = float64(digits)
	if point >= 0 {
		f /= powersOfTen[count-point]
	}
	if negative {
		f = -f
	}
	return f, true
}

// plainNumber adds an integer or decimal.
func plainNumber(x *extractor, a *action, v fhirjson.Value) {
	if key, ok := numberKey(v); ok {
		x.present(a)
		if x.start(a, AspectValue) {
			x.column(a, key, key)
		}
	}
}

// quantityNumber adds the value of a Quantity without its unit.
func quantityNumber(x *extractor, a *action, v fhirjson.Value) {
	q := quantityParts(v)
	x.present(a)
	if q.known && x.start(a, AspectValue) {
		x.column(a, q.low, q.high)
	}
}

// rangeNumber adds a Range without its unit; an end that is missing is open.
func rangeNumber(x *extractor, a *action, v fhirjson.Value) {
	x.present(a)
	if q := rangeParts(v); q.known && x.start(a, AspectValue) {
		x.column(a, q.low, q.high)
	}
}

// quantity is the parts of a Quantity or Range. A comparator makes one side
// open: "< 5" is what lies below 5.
type quantity struct {
	code, system, unit []byte
	low, high          int64
	known              bool // there is a value
}

func quantityParts(v fhirjson.Value) (q quantity) {
	var comparator []byte
	for m := v.First(); m.Exists(); m = m.Next() {
		switch string(m.Name()) {
		case "value":
			q.low, q.known = numberKey(m)
			q.high = q.low
		case "comparator":
			comparator = m.Text()
		case "unit":
			q.unit = m.Text()
		case "system":
			q.system = m.Text()
		case "code":
			q.code = m.Text()
		}
	}
	if len(comparator) > 0 {
		switch comparator[0] {
		case '<':
			q.low = math.MinInt64
		case '>':
			q.high = math.MaxInt64
		}
	}
	return q
}

func rangeParts(v fhirjson.Value) quantity {
	low, high := quantityParts(v.Get("low")), quantityParts(v.Get("high"))
	q := low
	if len(low.code) == 0 && len(low.unit) == 0 {
		q.code, q.system, q.unit = high.code, high.system, high.unit
	}
	if !low.known {
		q.low = math.MinInt64
	}
	if q.high = high.high; !high.known {
		q.high = math.MaxInt64
	}
	q.known = (low.known || high.known) && q.low <= q.high
	return q
}

// addQuantity adds a quantity in its unit.
func (x *extractor) addQuantity(a *action, q quantity) {
	x.present(a)
	if q.known && x.start(a, AspectValue) {
		x.key = appendQuantityValue(x.key, q.code, q.system, q.unit)
		x.column(a, q.low, q.high)
	}
}

func quantityValue(x *extractor, a *action, v fhirjson.Value) { x.addQuantity(a, quantityParts(v)) }

func rangeQuantity(x *extractor, a *action, v fhirjson.Value) { x.addQuantity(a, rangeParts(v)) }

// ratioQuantity adds the numerator of a Ratio: how much there is in the amount
// that the denominator tells.
func ratioQuantity(x *extractor, a *action, v fhirjson.Value) {
	x.addQuantity(a, quantityParts(v.Get("numerator")))
}

// plainQuantity adds a number that has no unit.
func plainQuantity(x *extractor, a *action, v fhirjson.Value) {
	if key, ok := numberKey(v); ok {
		x.addQuantity(a, quantity{low: key, high: key, known: true})
	}
}

const currencySystem = "urn:iso:std:iso:4217"

var currencyBytes = []byte(currencySystem)

// moneyQuantity adds a Money: the currency is its code. STU3 has it as a
// Quantity.
func moneyQuantity(x *extractor, a *action, v fhirjson.Value) {
	q := quantityParts(v)
	if currency, ok := textBytes(v.Get("currency")); ok {
		q.code, q.system = currency, currencyBytes
	}
	x.addQuantity(a, q)
}

// positionNear adds latitude and longitude.
func positionNear(x *extractor, a *action, v fhirjson.Value) {
	latitude, ok1 := numberKey(v.Get("latitude"))
	longitude, ok2 := numberKey(v.Get("longitude"))
	x.present(a)
	if ok1 && ok2 && x.start(a, AspectValue) {
		x.column(a, latitude, longitude)
	}
}
