package search

import (
	"bytes"
	"slices"
	"strings"
)

// holdsCanonicals tells whether a '|' in values of the parameter separates a
// version.
func holdsCanonicals(of *Parameter) bool { return slices.Contains(of.Yields, "canonical") }

// uriPatterns gives the postings of a uri, or of a canonical in the version
// asked for, in any if there is none
// (https://hl7.org/fhir/R4/search.html#uri).
func uriPatterns(parts []string) []pattern {
	if len(parts) > 1 && parts[1] != "" {
		return []pattern{{value: AppendURIValue(nil, parts[0], parts[1]), whole: true}}
	}
	return []pattern{{value: appendExact(nil, parts[0])}}
}

// partPatterns gives the second postings of canonicals that refer to a part of
// what is asked for: url|version#part.
func partPatterns(parts []string) []pattern {
	if len(parts) < 2 || parts[1] == "" {
		return nil // any version will do
	}
	return []pattern{{value: AppendOpen(appendExact(nil, parts[0]), parts[1]+"#")}}
}

const urn = "urn:"

// belowPattern finds the uris that begin with one. URNs have no hierarchy, so
// none is below anything.
func belowPattern(uri string) pattern {
	p := pattern{value: AppendOpen(nil, uri)}
	if strings.HasPrefix(urn, uri) {
		p.keep = func(value []byte) bool { return !bytes.HasPrefix(value, []byte(urn)) }
	}
	return p
}

// abovePatterns finds the uris that one begins with.
func abovePatterns(uri string) []pattern {
	var found []pattern
	for end := range uri {
		if end > 0 {
			found = append(found, pattern{value: appendExact(nil, uri[:end])})
		}
	}
	return append(found, pattern{value: appendExact(nil, uri)})
}

// uriText keeps the uris that pass a test.
func uriText(test func(uri []byte) bool) pattern {
	return pattern{keep: func(value []byte) bool { return test(component(value, 0)) }}
}
