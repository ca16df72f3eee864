package search

import (
	"strings"

	"fhirlog/domain"
)

// textOperand takes a text as it is; it must have something to search for.
func (p *queryParser) textOperand(code, raw string) (Operand, error) {
	text := resolveEscapes(raw)
	if Normalize(text) == "" {
		return Operand{}, fault("the value %s of %s has no letter or digit to search for", brief(text), code)
	}
	return Operand{Text: text}, nil
}

// splitParts splits a value at '|' and resolves the escapes of the parts.
func splitParts(raw string) []string {
	parts := splitUnescaped(raw, '|')
	for i, part := range parts {
		parts[i] = resolveEscapes(part)
	}
	return parts
}

// tokenOperand parses code, system|code, |code and system|
// (https://hl7.org/fhir/R4/search.html#token).
func (p *queryParser) tokenOperand(code, raw string) (Operand, error) {
	operand := Operand{Text: resolveEscapes(raw), Parts: splitParts(raw)}
	switch {
	case len(operand.Parts) > 2:
		return Operand{}, fault("the value %s of %s has %d parts joined by '|'; right are at most 2: system|code", brief(raw), code, len(operand.Parts))
	case strings.Join(operand.Parts, "") == "":
		return Operand{}, fault("a value of %s has neither a system nor a code; right is code, system|code, |code or system|", code)
	}
	return operand, nil
}

// ofTypeOperand parses system|code|value of :of-type
// (https://hl7.org/fhir/R4/search.html#token).
func (p *queryParser) ofTypeOperand(code, raw string) (Operand, error) {
	operand := Operand{Text: resolveEscapes(raw), Parts: splitParts(raw)}
	if len(operand.Parts) != 3 || operand.Parts[0] == "" || operand.Parts[1] == "" || operand.Parts[2] == "" {
		return Operand{}, fault("a value of %s:of-type is system|code|value: system and code of the identifier's type, and its value, none of them empty", code)
	}
	return operand, nil
}

// referenceOperand parses id, Type/id, an absolute URL or a canonical
// (https://hl7.org/fhir/R4/search.html#reference).
func (p *queryParser) referenceOperand(of *Parameter, target domain.ResourceType, raw string) (Operand, error) {
	parts := splitParts(raw)
	operand := Operand{Text: strings.Join(parts, "|"), Parts: parts}
	if len(parts) > 2 {
		return Operand{}, fault("the value %s of %s has more than one '|'; right is url|version, or a reference without any", brief(raw), of.Code)
	}
	_, typ, _, url, fragment, ok := ParseReference(operand.Text)
	switch {
	case !ok && len(parts) == 1 && looksLikeReference(parts[0]):
		return operand, nil // such as organization/123, which exists nowhere
	case ok && fragment != "":
		return Operand{}, notOffered("the value %s of %s has a fragment, which says where in a resource; right is a reference to a whole resource", brief(raw), of.Code)
	case !ok || url == "" && len(parts) > 1:
		return Operand{}, fault("the value %s of %s is not a reference; right is Type/id, id, or an absolute URL", brief(raw), of.Code)
	case target != "" && url == "" && typ != "" && typ != string(target):
		return Operand{}, fault("the value of %s:%s refers to %s; right is %s/id or id alone", of.Code, target, typ, target)
	}
	return operand, nil
}

// looksLikeReference tells whether a text has the form of a reference, with a
// type or an id that cannot be.
func looksLikeReference(text string) bool {
	typ, id, found := strings.Cut(text, "/")
	return found && typ != "" && id != "" && !strings.ContainsAny(text, " \t\r\n")
}

// uriOperand takes a uri as it is. Only where the parameter holds canonicals, a
// '|' separates the version (https://hl7.org/fhir/R4/references.html#canonical).
func uriOperand(of *Parameter, raw string) Operand {
	operand := Operand{Text: resolveEscapes(raw)}
	operand.Parts = []string{operand.Text}
	if holdsCanonicals(of) {
		if parts := splitUnescaped(raw, '|'); len(parts) > 1 {
			last := len(parts) - 1
			operand.Parts = []string{
				resolveEscapes(strings.Join(parts[:last], "|")),
				resolveEscapes(parts[last]),
			}
		}
	}
	return operand
}

// maxAbove bounds a uri that others are looked for above: each of its
// beginnings is one.
const maxAbove = 2000

// aboveOperand and belowOperand take a URL as it is. Names (urn:) have no
// hierarchy (https://hl7.org/fhir/R4/search.html#uri).
func aboveOperand(of *Parameter, raw string) (Operand, error) {
	operand, err := belowOperand(of, raw)
	if err == nil && len(operand.Text) > maxAbove {
		err = tooMuch("the value of %s:above is longer than %d bytes", of.Code, maxAbove)
	}
	return operand, err
}

func belowOperand(of *Parameter, raw string) (Operand, error) {
	operand := uriOperand(of, raw)
	if strings.HasPrefix(operand.Text, urn) {
		return operand, fault("the value %s of %s is a URN, which has nothing above or below it; a URL is right, or the parameter without modifier", brief(raw), of.Code)
	}
	return operand, nil
}
