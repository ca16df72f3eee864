package search

import (
	"slices"
	"strings"
)

// prefixes are all comparisons of ordered values.
var prefixes = []Prefix{Equal, NotEqual, Greater, Less, GreaterEqual, LessEqual, StartsAfter, EndsBefore, Approximate}

// cutPrefix takes the prefix off an ordered value. Such values begin with a
// digit or a sign, so that two letters can only be a prefix.
func cutPrefix(code, raw string) (Prefix, string, error) {
	letters := 0
	for letters < len(raw) && (raw[letters]|0x20 >= 'a' && raw[letters]|0x20 <= 'z') {
		letters++
	}
	if letters == 0 {
		return Equal, raw, nil
	}
	if prefix := Prefix(raw[:letters]); slices.Contains(prefixes, prefix) {
		return prefix, raw[letters:], nil
	}
	return "", "", fault("the value %s of %s begins with letters that are no prefix; possible are %s", brief(raw), code, listed(prefixes))
}

// numberOperand parses [prefix]number
// (https://hl7.org/fhir/R4/search.html#number).
func (p *queryParser) numberOperand(code, raw string) (Operand, error) {
	prefix, rest, err := cutPrefix(code, resolveEscapes(raw))
	if err != nil {
		return Operand{}, err
	}
	return decimalOperand(code, prefix, rest)
}

func decimalOperand(code string, prefix Prefix, text string) (Operand, error) {
	number, ok := ParseDecimal(text)
	if !ok {
		return Operand{}, fault("the value %s of %s is not a number, such as 100, 5.40 or 1e-3, of at most %d digits", brief(text), code, maxDigits)
	}
	return Operand{Text: text, Prefix: prefix, number: number}, nil
}

// quantityOperand parses [prefix]number, number|system, number|system|code and
// number||code (https://hl7.org/fhir/R4/search.html#quantity).
func (p *queryParser) quantityOperand(code, raw string) (Operand, error) {
	parts := splitUnescaped(raw, '|')
	if len(parts) > 3 {
		return Operand{}, fault("the value %s of %s has %d parts joined by '|'; right are at most 3: number|system|code", brief(raw), code, len(parts))
	}
	operand, err := p.numberOperand(code, parts[0])
	if err != nil {
		return Operand{}, err
	}
	operand.Parts = make([]string, 3)
	for i, part := range parts {
		operand.Parts[i] = resolveEscapes(part)
	}
	operand.Parts[0] = operand.Text
	return operand, nil
}

// dateOperand parses [prefix]date. A plus sign that a URL turned into a space
// is taken for a plus sign, as nothing else can stand there.
func (p *queryParser) dateOperand(code, raw string) (Operand, error) {
	prefix, rest, err := cutPrefix(code, resolveEscapes(raw))
	if err != nil {
		return Operand{}, err
	}
	return timeOperand(code, prefix, rest)
}

func timeOperand(code string, prefix Prefix, text string) (Operand, error) {
	spelled := text
	if zone := len(text) - len("+00:00"); zone > 0 && text[zone] == ' ' && strings.IndexByte(text, 'T') > 0 {
		spelled = text[:zone] + "+" + text[zone+1:]
	}
	low, high, ok := ParseDate(spelled)
	if !ok {
		return Operand{}, fault("the value %s of %s is not a date, such as 2024, 2024-05, 2024-05-31 or 2024-05-31T12:30:00Z", brief(text), code)
	}
	return Operand{Text: spelled, Prefix: prefix, low: low, high: high}, nil
}
