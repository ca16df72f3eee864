package search

import (
	"slices"
	"strings"
	"unicode"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
)

// filterParser reads a _filter
// (https://hl7.org/fhir/R4/search_filter.html#3.21.3.1):
//
//	any    = all { "or" all }
//	all    = one { "and" one }
//	one    = "not" "(" any ")" | "(" any ")" | path operator value
//	value  = JSON string | characters up to white space, ")" or "]"
type filterParser struct {
	parser *queryParser
	typ    domain.ResourceType
	text   string
	at     int
	depth  int
}

func (f *filterParser) whole() (Filter, error) {
	filter, err := f.any()
	if err != nil {
		return Filter{}, harden(err)
	}
	if f.space(); f.at < len(f.text) {
		return Filter{}, f.fault("and, or, or the end is right here")
	}
	return filter, nil
}

// fault tells what is wrong and where, in characters from 1.
func (f *filterParser) fault(what string) error {
	return fault("_filter, at character %d: %s", len([]rune(f.text[:f.at]))+1, what)
}

func (f *filterParser) any() (Filter, error) { return f.joined(FilterOr, "or", f.all) }

func (f *filterParser) all() (Filter, error) { return f.joined(FilterAnd, "and", f.one) }

func (f *filterParser) joined(op FilterOp, operator string, part func() (Filter, error)) (Filter, error) {
	joined := Filter{Op: op}
	for {
		next, err := part()
		if err != nil {
			return Filter{}, err
		}
		joined.Of = append(joined.Of, next)
		if !f.keyword(operator) {
			break
		}
	}
	if len(joined.Of) == 1 {
		return joined.Of[0], nil
	}
	return joined, nil
}

func (f *filterParser) one() (Filter, error) {
	before := f.at
	if f.keyword("not") {
		if f.space(); f.peek() != '(' {
			f.at = before
			f.space()
			return Filter{}, f.fault("not is followed by a filter in parentheses")
		}
		inner, err := f.parenthesized()
		return Filter{Op: FilterNot, Of: []Filter{inner}}, err
	}
	if f.space(); f.peek() == '(' {
		return f.parenthesized()
	}
	return f.comparison()
}

func (f *filterParser) parenthesized() (Filter, error) {
	if f.depth++; f.depth > maxFilterDepth {
		return Filter{}, tooMuch("_filter nests more than %d deep", maxFilterDepth)
	}
	defer func() { f.depth-- }()
	f.at++
	inner, err := f.any()
	if err != nil {
		return Filter{}, err
	}
	if f.space(); f.peek() != ')' {
		return Filter{}, f.fault("')' is missing")
	}
	f.at++
	return inner, nil
}

// comparison reads path, operator and value.
func (f *filterParser) comparison() (Filter, error) {
	f.space()
	path := f.span(func(r rune) bool {
		return r == '_' || r == '-' || r == '.' || r == ':' || r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r))
	})
	switch {
	case path == "":
		return Filter{}, f.fault("a test is missing, such as name eq \"peter\"")
	case f.peek() == '[':
		return Filter{}, notOffered("_filter, at character %d: a filter in brackets on the values of a parameter is not possible here; a composite parameter or _has may say the same", f.at+1)
	}
	f.space()
	operator := f.span(unicode.IsLetter)
	if !isComparison(operator) {
		return Filter{}, f.fault("after " + brief(path) + " an operator is missing: eq ne co sw ew gt lt ge le ap sa eb pr po re")
	}
	f.space()
	value, err := f.value()
	if err != nil {
		return Filter{}, err
	}
	test, err := f.test(f.typ, path, operator, value, 0)
	if err != nil {
		return Filter{}, harden(err)
	}
	return Filter{Op: FilterTest, Test: &test}, nil
}

func isComparison(operator string) bool {
	if slices.Contains(filterTerminology, operator) {
		return true
	}
	for _, known := range comparisonsOf {
		if slices.Contains(known, Comparison(operator)) {
			return true
		}
	}
	return false
}

func (f *filterParser) value() (string, error) {
	if f.peek() != '"' {
		value := f.span(func(r rune) bool { return !unicode.IsSpace(r) && r != ')' && r != ']' })
		if value == "" {
			return "", f.fault("a value is missing")
		}
		return value, nil
	}
	end := f.at + 1
	for ; end < len(f.text) && f.text[end] != '"'; end++ {
		if f.text[end] == '\\' {
			end++
		}
	}
	if end >= len(f.text) {
		return "", f.fault("the text has no closing quote")
	}
	document, err := fhirjson.Parse([]byte(f.text[f.at:end+1]), fhirjson.Limits{})
	if err != nil {
		return "", f.fault("the text in quotes is not a JSON string")
	}
	value := document.Root().String()
	if value == "" {
		return "", f.fault("the value is empty")
	}
	f.at = end + 1
	return value, nil
}

// keyword goes over a word if it comes next.
func (f *filterParser) keyword(word string) bool {
	f.space()
	rest := f.text[f.at:]
	if !strings.HasPrefix(rest, word) {
		return false
	}
	if after := rest[len(word):]; after != "" && !unicode.IsSpace(rune(after[0])) && after[0] != '(' {
		return false
	}
	f.at += len(word)
	return true
}

func (f *filterParser) peek() byte {
	if f.at < len(f.text) {
		return f.text[f.at]
	}
	return 0
}

func (f *filterParser) space() {
	f.span(unicode.IsSpace)
}

// span goes over the characters that belong to something.
func (f *filterParser) span(belongs func(r rune) bool) string {
	start := f.at
	for i, r := range f.text[start:] {
		if !belongs(r) {
			f.at = start + i
			return f.text[start:f.at]
		}
	}
	f.at = len(f.text)
	return f.text[start:]
}
