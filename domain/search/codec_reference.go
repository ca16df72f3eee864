package search

import "fhirlog/domain"

// ParseReference takes a reference apart, as it stands in Reference.reference,
// in a canonical or in a search value
// (https://hl7.org/fhir/R4/references.html#literal):
//
//	Type/id, Type/id/_history/version   id, typ, version
//	id                                  id
//	an absolute URL, urn:…              url and version; id and typ as well where
//	                                    the URL ends in Type/id
//	url|version                         url, version
//	#fragment, url|version#fragment     fragment, without the sign
//
// It does not know which types there are: a typ is a name that begins with a
// capital.
func ParseReference(text string) (id, typ, version, url, fragment string, ok bool) {
	r, ok := parseReference(text)
	return r.id, r.typ, r.version, r.url, r.fragment, ok
}

// reference is the parts of a reference; those that it does not have are empty.
type reference[T string | []byte] struct{ id, typ, version, url, fragment T }

func parseReference[T string | []byte](text T) (r reference[T], ok bool) {
	marked := false
	if at := indexByte(text, '#'); at >= 0 {
		text, r.fragment, marked = text[:at], text[at+1:], true
	}
	switch {
	case len(text) == 0:
		return r, marked && len(r.fragment) > 0
	case hasScheme(text):
		return r, r.parseURL(text)
	}
	return r, r.parseLocal(text)
}

// historyStep stands before the version in the URL of a version.
const historyStep = "/_history/"

// parseLocal reads id, Type/id and Type/id/_history/version.
func (r *reference[T]) parseLocal(text T) bool {
	if at := lastHistory(text); at >= 0 {
		text, r.version = text[:at], text[at+len(historyStep):]
	}
	at := indexByte(text, '/')
	if at < 0 {
		r.id = text
		return isID(text) && len(r.version) == 0
	}
	r.typ, r.id = text[:at], text[at+1:]
	return isTypeName(r.typ) && isID(r.id)
}

// parseURL splits the version off an absolute URL, and finds id and type where
// it ends as the URL of a resource does.
func (r *reference[T]) parseURL(text T) bool {
	if at := indexByte(text, '|'); at >= 0 {
		r.url, r.version = text[:at], text[at+1:]
		return len(r.url) > 0
	}
	if at := lastHistory(text); at >= 0 {
		text, r.version = text[:at], text[at+len(historyStep):]
	}
	r.url = text
	if last := lastSlash(text); last > 0 && isID(text[last+1:]) {
		before := lastSlash(text[:last])
		if before > 0 && isTypeName(text[before+1:last]) {
			r.typ, r.id = text[before+1:last], text[last+1:]
		}
	}
	return true
}

// lastHistory finds the step before a version at the end of a text, or gives -1.
func lastHistory[T string | []byte](text T) int {
	last := lastSlash(text)
	if begin := last - len(historyStep) + 1; begin > 0 && string(text[begin:last+1]) == historyStep && isID(text[last+1:]) {
		return begin
	}
	return -1
}

func indexByte[T string | []byte](text T, c byte) int {
	for i := range len(text) {
		if text[i] == c {
			return i
		}
	}
	return -1
}

func lastSlash[T string | []byte](text T) int {
	for i := len(text) - 1; i >= 0; i-- {
		if text[i] == '/' {
			return i
		}
	}
	return -1
}

// hasScheme tells whether a text begins as an absolute URI does (RFC 3986, 3.1).
func hasScheme[T string | []byte](text T) bool {
	for i := range len(text) {
		c := text[i]
		switch {
		case c == ':':
			return i > 0
		case c|0x20 >= 'a' && c|0x20 <= 'z':
		case i > 0 && (c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.'):
		default:
			return false
		}
	}
	return false
}

func isID[T string | []byte](text T) bool {
	if len(text) == 0 || len(text) > domain.MaxLogicalID {
		return false
	}
	for i := range len(text) {
		c := text[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' {
			return false
		}
	}
	return true
}

func isTypeName[T string | []byte](text T) bool {
	if len(text) == 0 || len(text) > domain.MaxLogicalID || text[0] < 'A' || text[0] > 'Z' {
		return false
	}
	for i := range len(text) {
		if c := text[i]; c|0x20 < 'a' || c|0x20 > 'z' {
			return false
		}
	}
	return true
}
