package searchtest

import (
	"strings"

	"fhirlog/domain/search"
)

// uriMatches compares uris as they are written
// (https://hl7.org/fhir/R4/search.html#uri). Of a canonical, the version counts
// if it is asked for, with or without the fragment. URNs have no hierarchy, so
// none is above or below anything.
func uriMatches(m search.Modifier, o search.Operand, el element) bool {
	whole := el.text()
	url, version, fragment := whole, "", ""
	if el.name == "canonical" {
		before, after, found := strings.Cut(whole, "#")
		if found && before != "" {
			fragment = "#" + after
		} else {
			before = whole
		}
		url, version, _ = strings.Cut(before, "|")
	}
	switch m {
	case search.Above:
		return url != "" && strings.HasPrefix(o.Text, url) && !strings.HasPrefix(url, "urn:")
	case search.Below:
		return strings.HasPrefix(url, o.Text) && !strings.HasPrefix(url, "urn:")
	}
	if url != o.Parts[0] {
		return false
	}
	return len(o.Parts) < 2 || o.Parts[1] == "" || o.Parts[1] == version || o.Parts[1] == version+fragment
}
