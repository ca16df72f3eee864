package search

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"
)

// stringBegins finds the strings that begin with a text
// (https://hl7.org/fhir/R4/search.html#string).
func (c *compiler) stringBegins(of *Parameter, text string) Expr {
	prefix, cut := AppendStringPrefix(nil, text)
	if !cut {
		return pattern{value: prefix}.match(of.Slot, AspectValue)
	}
	full := Normalize(text)
	return c.longText(of, pattern{value: prefix, keep: StringIsCut}, func(text string) bool {
		return strings.HasPrefix(Normalize(text), full)
	})
}

// stringIs finds the strings that are a text, to the letter.
func stringIs(of *Parameter, text string) Expr {
	return pattern{value: AppendStringValue(nil, text), whole: true}.match(of.Slot, AspectValue)
}

// stringPasses finds the strings whose normalized text passes a test.
func (c *compiler) stringPasses(of *Parameter, test func(normalized []byte) bool) Expr {
	whole := pattern{keep: func(value []byte) bool { return !normalizedIsCut(value) && test(component(value, 0)) }}
	long := c.longText(of, pattern{keep: normalizedIsCut}, func(text string) bool { return test([]byte(Normalize(text))) })
	return Or{whole.match(of.Slot, AspectValue), long}
}

// normalizedIsCut tells whether the normalized text of a value may be cut. A
// text is cut at the end of a character, so it has almost the full length.
func normalizedIsCut(value []byte) bool {
	return StringIsCut(value) && len(component(value, 0)) > MaxKeyText-utf8.UTFMax
}

// stringContains finds the strings with one of several parts; it goes through all
// of them once.
func (c *compiler) stringContains(of *Parameter, texts ...string) Expr {
	parts := make([][]byte, len(texts))
	for i, text := range texts {
		parts[i] = []byte(Normalize(text))
	}
	return c.stringPasses(of, func(normalized []byte) bool {
		return slices.ContainsFunc(parts, func(part []byte) bool { return bytes.Contains(normalized, part) })
	})
}

// stringCompares finds the strings that a test of a _filter is true for, without
// regard to case and accents.
func (c *compiler) stringCompares(of *Parameter, compare Comparison, text string) Expr {
	switch compare {
	case CompareBegins:
		return c.stringBegins(of, text)
	case CompareContains:
		return c.stringContains(of, text)
	case CompareEqual:
		if normalized := Normalize(text); len(normalized) <= MaxKeyText-utf8.UTFMax {
			return pattern{value: AppendComponent(nil, normalized)}.match(of.Slot, AspectValue)
		}
	}
	return c.stringPasses(of, textTest(compare, []byte(Normalize(text))))
}

// textTest is the test of a comparison on texts that are both normalized, or
// both are not.
func textTest(compare Comparison, with []byte) func(text []byte) bool {
	switch compare {
	case CompareContains:
		return func(text []byte) bool { return bytes.Contains(text, with) }
	case CompareBegins:
		return func(text []byte) bool { return bytes.HasPrefix(text, with) }
	case CompareEnds:
		return func(text []byte) bool { return bytes.HasSuffix(text, with) }
	case CompareNotEqual:
		return func(text []byte) bool { return !bytes.Equal(text, with) }
	case CompareGreater:
		return func(text []byte) bool { return bytes.Compare(text, with) > 0 }
	case CompareLess:
		return func(text []byte) bool { return bytes.Compare(text, with) < 0 }
	case CompareGreaterEqual:
		return func(text []byte) bool { return bytes.Compare(text, with) >= 0 }
	case CompareLessEqual:
		return func(text []byte) bool { return bytes.Compare(text, with) <= 0 }
	}
	return func(text []byte) bool { return bytes.Equal(text, with) }
}
