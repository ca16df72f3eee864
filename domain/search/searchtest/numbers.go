package searchtest

import (
	"math/big"
	"regexp"
	"strconv"

	"fhirlog/domain/fhirjson"
	"fhirlog/domain/search"
	"fhirlog/domain/ucum"
)

// number is an exact number, nil for an open end.
type number = *big.Rat

var numberForm = regexp.MustCompile(`^[+-]?\d+(?:\.(\d+))?(?:[eE]([+-]?\d+))?$`)

// parseNumber reads a number, and half a unit of its last digit: what it may
// have been rounded from (https://hl7.org/fhir/R4/search.html#number).
func parseNumber(text string) (n, half number, ok bool) {
	parts := numberForm.FindStringSubmatch(text)
	if parts == nil {
		return nil, nil, false
	}
	n, ok = new(big.Rat).SetString(text)
	exponent := 0
	if parts[2] != "" {
		exponent, _ = strconv.Atoi(parts[2]) // digits, as the expression says
	}
	half, halfOK := new(big.Rat).SetString("5e" + strconv.Itoa(exponent-len(parts[1])-1))
	return n, half, ok && halfOK
}

// numberOf is the number of an element, from low to high.
func numberOf(el element) (low, high number, ok bool) {
	switch el.name {
	case "Quantity":
		return quantityNumber(el.value)
	case "Range":
		return rangeNumber(el.value)
	}
	n, _, ok := parseNumber(el.text())
	return n, n, ok
}

// quantityNumber reads value and comparator: "<5" is all that lies below 5.
func quantityNumber(v fhirjson.Value) (low, high number, ok bool) {
	n, _, ok := parseNumber(string(v.Get("value").Raw()))
	low, high = n, n
	switch comparator := v.Get("comparator").String(); comparator {
	case "<", "<=":
		low = nil
	case ">", ">=":
		high = nil
	}
	return low, high, ok
}

func rangeNumber(v fhirjson.Value) (low, high number, ok bool) {
	low, _, lowOK := parseNumber(string(v.Get("low").Get("value").Raw()))
	high, _, highOK := parseNumber(string(v.Get("high").Get("value").Raw()))
	return low, high, (lowOK || highOK) && (!lowOK || !highOK || low.Cmp(high) <= 0)
}

// number compares by a prefix; convert, if not nil, puts what is asked for into
// the unit of what is stored.
func (e *Evaluator) number(prefix search.Prefix, text string, low, high number, convert func(number) number) bool {
	asked, half, ok := parseNumber(text)
	if !ok {
		return false
	}
	if convert == nil {
		convert = func(n number) number { return n }
	}
	var (
		sum     = func(a, b number) number { return new(big.Rat).Add(a, b) }
		exact   = convert(asked)
		least   = convert(sum(asked, new(big.Rat).Neg(half)))
		above   = convert(sum(asked, half))
		tenth   = new(big.Rat).Mul(new(big.Rat).Abs(asked), big.NewRat(1, 10))
		reach   = sum(half, tenth)
		lowest  = convert(sum(asked, new(big.Rat).Neg(reach)))
		highest = convert(sum(asked, reach))
		equal   = low != nil && high != nil && low.Cmp(least) >= 0 && high.Cmp(above) < 0
	)
	switch prefix {
	case search.NotEqual:
		return !equal
	case search.Less:
		return low == nil || low.Cmp(exact) < 0
	case search.Greater:
		return high == nil || high.Cmp(exact) > 0
	case search.LessEqual:
		return low == nil || low.Cmp(exact) <= 0
	case search.GreaterEqual:
		return high == nil || high.Cmp(exact) >= 0
	case search.StartsAfter:
		return low != nil && low.Cmp(exact) > 0
	case search.EndsBefore:
		return high != nil && high.Cmp(exact) < 0
	case search.Approximate:
		return (low == nil || low.Cmp(highest) <= 0) && (high == nil || high.Cmp(lowest) >= 0)
	}
	return equal
}

const ucumSystem = "http://unitsofmeasure.org"

// quantity is a number with its unit.
type quantity struct {
	low, high          number
	system, code, unit string
}

func quantityOf(el element) (q quantity, ok bool) {
	v := el.value
	switch el.name {
	case "decimal", "integer":
		n, _, ok := parseNumber(el.text())
		return quantity{low: n, high: n}, ok
	case "SampledData":
		return q, false
	case "Ratio": // how much there is in what the denominator tells
		v = v.Get("numerator")
	case "Range":
		q.low, q.high, ok = rangeNumber(v)
		if low := v.Get("low"); low.Get("code").Exists() || low.Get("unit").Exists() {
			v = low
		} else {
			v = v.Get("high")
		}
	}
	if el.name != "Range" {
		q.low, q.high, ok = quantityNumber(v)
	}
	q.system, q.code, q.unit = v.Get("system").String(), v.Get("code").String(), v.Get("unit").String()
	if el.name == "Money" {
		q.system, q.code = "urn:iso:std:iso:4217", v.Get("currency").String()
	}
	return q, ok
}

// quantityMatches compares with number, number|system, number|system|code or
// number||code (https://hl7.org/fhir/R4/search.html#quantity). Units of UCUM that
// measure the same thing are converted.
func (e *Evaluator) quantityMatches(o search.Operand, el element) bool {
	stored, ok := quantityOf(el)
	if !ok {
		return false
	}
	var convert func(number) number
	switch system, code := o.Parts[1], o.Parts[2]; {
	case system == "" && code == "":
	case system == "":
		if stored.code != code && stored.unit != code {
			return false
		}
	case stored.system != system:
		return false
	case code == "" || code == stored.code:
	case system != ucumSystem:
		return false
	default:
		asked, err1 := ucum.Parse(code)
		held, err2 := ucum.Parse(stored.code)
		if err1 != nil || err2 != nil || !asked.Comparable(held) {
			return false
		}
		convert = func(n number) number { return held.FromBase(asked.ToBase(n)) }
	}
	return e.number(o.Prefix, o.Text, stored.low, stored.high, convert)
}
