package search

import "bytes"

// tokenPatterns gives the postings of a token that a value asks for
// (https://hl7.org/fhir/R4/search.html#token). A value of the form system| is
// kept by looking at the system of every value: where there is AspectSystem,
// systemPatterns is the better way.
func tokenPatterns(parts []string) []pattern {
	code := parts[len(parts)-1]
	switch {
	case len(parts) == 1:
		return anySystem(code)
	case parts[0] == "":
		return withoutSystem(code)
	case code == "":
		return []pattern{{keep: func(value []byte) bool {
			system := component(value, 1)
			return len(system) > 0 && system[0] != NoSystem && isExact(system[1:], parts[0])
		}}}
	}
	return []pattern{
		{value: AppendTokenValue(nil, parts[0], code, GivenSystem), whole: true},
		{value: AppendTokenValue(nil, parts[0], code, ImpliedSystem), whole: true},
	}
}

// systemPatterns gives the values of AspectSystem for one system.
func systemPatterns(system string) []pattern {
	return []pattern{
		{value: AppendSystem(nil, system, GivenSystem), whole: true},
		{value: AppendSystem(nil, system, ImpliedSystem), whole: true},
	}
}

// anySystem finds a code whatever its system. Codes of systems where case does
// not count are kept in lower case, so that two spellings are looked up, and of
// the lower one only the values of such systems count.
func anySystem(code string) []pattern {
	found := []pattern{{value: appendCode(nil, "", code)}}
	if !isLower(code) {
		found = append(found, pattern{value: appendCode(nil, "", lower(code)), keep: ofInsensitiveSystem})
	}
	return found
}

// withoutSystem finds a code that stands without a system; one that only the
// definition of its element implies is not written there.
func withoutSystem(code string) []pattern {
	implied := func(code string) []byte { return append(appendCode(nil, "", code), ImpliedSystem) }
	found := []pattern{
		{value: AppendTokenValue(nil, "", code, NoSystem), whole: true},
		{value: implied(code)},
	}
	if !isLower(code) {
		found = append(found, pattern{value: implied(lower(code)), keep: ofInsensitiveSystem})
	}
	return found
}

func ofInsensitiveSystem(value []byte) bool {
	system := component(value, 1)
	return len(system) > 0 && caseInsensitive(system[1:])
}

// isExact compares a component of a key, which may be a digest, with a text.
func isExact(component []byte, text string) bool {
	if len(text) <= MaxKeyText && !isDigest(component) {
		return string(component) == text
	}
	return bytes.Equal(AppendComponent(nil, component), appendExact(nil, text))
}

// ofTypePattern gives the posting of an identifier with its type
// (https://hl7.org/fhir/R4/search.html#token): system|code|value.
func ofTypePattern(parts []string) pattern {
	return pattern{value: AppendOfTypeValue(nil, parts[2], parts[0], parts[1]), whole: true}
}
