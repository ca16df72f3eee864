package searchtest

import (
	"slices"
	"strings"

	"fhirlog/domain/search"
)

// passes tells whether a version passes a _filter
// (https://hl7.org/fhir/R4/search_filter.html).
func (e *Evaluator) passes(f *search.Filter, v *Version) bool {
	part := func(of search.Filter) bool { return e.passes(&of, v) }
	switch f.Op {
	case search.FilterTest:
		return e.holds(f.Test, v)
	case search.FilterNot:
		return !part(f.Of[0])
	case search.FilterOr:
		return slices.ContainsFunc(f.Of, part)
	}
	return !slices.ContainsFunc(f.Of, func(of search.Filter) bool { return !part(of) })
}

// compares answers one test of a _filter. ne holds where there is a value that
// is not equal.
func (e *Evaluator) compares(c *search.Criterion, v *Version) bool {
	of, o := c.Parameter, c.Operands[0]
	if of.Type == search.Composite {
		return e.composite(of, o, v)
	}
	return slices.ContainsFunc(e.elements(v, of), func(el element) bool {
		equal := func() bool { return e.elementMatches("", "", of, o, el, v) }
		switch of.Type {
		case search.String:
			return slices.ContainsFunc(stringsOf(el), func(text string) bool {
				return normalize(text) != "" && compareTexts(c.Compare, normalize(text), normalize(o.Text))
			})
		case search.Token:
			return e.compareTokens(c.Compare, o, e.tokensOf(el, v))
		case search.URI:
			url := el.text()
			if el.name == "canonical" {
				url, _, _ = strings.Cut(url, "#")
				url, _, _ = strings.Cut(url, "|")
			}
			switch c.Compare {
			case search.CompareEqual:
				return equal()
			case search.CompareNotEqual:
				return !equal()
			}
			return compareTexts(c.Compare, url, o.Text)
		case search.ReferTo:
			if c.Compare == search.CompareNotEqual {
				r := e.referenceOf(el)
				return (r.isLocal() || r.url != "") && !equal()
			}
		}
		return equal() // ordered types have the operator as their prefix
	})
}

func (e *Evaluator) compareTokens(compare search.Comparison, o search.Operand, stored []token) bool {
	return slices.ContainsFunc(stored, func(t token) bool {
		if t.code == "" && (compare != search.CompareEqual || t.system == "") {
			return false
		}
		switch compare {
		case search.CompareEqual:
			return tokenMatches(o.Parts, []token{t})
		case search.CompareNotEqual:
			return !tokenMatches(o.Parts, []token{t})
		}
		if caseMeansNothing(t.system) {
			return compareTexts(compare, strings.ToLower(t.code), strings.ToLower(o.Text))
		}
		return compareTexts(compare, t.code, o.Text)
	})
}

func compareTexts(compare search.Comparison, stored, asked string) bool {
	switch compare {
	case search.CompareNotEqual:
		return stored != asked
	case search.CompareContains:
		return strings.Contains(stored, asked)
	case search.CompareBegins:
		return strings.HasPrefix(stored, asked)
	case search.CompareEnds:
		return strings.HasSuffix(stored, asked)
	case search.CompareGreater:
		return stored > asked
	case search.CompareLess:
		return stored < asked
	case search.CompareGreaterEqual:
		return stored >= asked
	case search.CompareLessEqual:
		return stored <= asked
	}
	return stored == asked
}
