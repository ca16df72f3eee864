package search

import (
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Normalize gives the form in which strings are compared without regard to
// case, accents and white space
// (https://hl7.org/fhir/R4/search.html#string): compatibility decomposition
// (NFKD), combining marks and invisible format characters dropped, case
// folded, runs of white space made one space, none at either end. So "MÜLLER",
// "Müller" and "mu\u0308ller" are the same. Normalizing again changes nothing.
func Normalize(s string) string {
	if isNormalASCII(s) {
		return s
	}
	return string(appendNormalized(make([]byte, 0, len(s)+8), []byte(s)))
}

// isNormalASCII tells whether s is ASCII that normalizing leaves as it is.
func isNormalASCII[T string | []byte](s T) bool {
	space := true // as if a space stood before the first character
	for i := range len(s) {
		c := s[i]
		if c >= utf8.RuneSelf || c >= 'A' && c <= 'Z' || c >= '\t' && c <= '\r' || c == ' ' && space {
			return false
		}
		space = c == ' '
	}
	return len(s) == 0 || !space
}

// appendNormalized appends the normalized form of s.
func appendNormalized(dst, s []byte) []byte {
	n := normalizer{dst: dst, start: len(dst)}
	for i, c := range s {
		if c >= utf8.RuneSelf {
			n.decompose(s[i:])
			return n.dst
		}
		n.addASCII(c)
	}
	return n.dst
}

// normalizer appends characters one by one. A space is held back until
// something follows it, so that none stands at the end.
type normalizer struct {
	dst   []byte
	start int // where the normalized text begins in dst
	space bool
}

func (n *normalizer) addASCII(c byte) {
	switch {
	case c == ' ' || c >= '\t' && c <= '\r':
		n.space = true
		return
	case c >= 'A' && c <= 'Z':
		c += 'a' - 'A'
	}
	n.flushSpace()
	n.dst = append(n.dst, c)
}

func (n *normalizer) flushSpace() {
	if n.space && len(n.dst) > n.start {
		n.dst = append(n.dst, ' ')
	}
	n.space = false
}

// decompose adds a text that has characters beyond ASCII.
func (n *normalizer) decompose(s []byte) {
	parts := decomposers.Get().(*norm.Iter)
	parts.Init(norm.NFKD, s)
	for !parts.Done() {
		for part := parts.Next(); len(part) > 0; {
			r, size := utf8.DecodeRune(part)
			part = part[size:]
			n.add(r)
		}
	}
	parts.Init(norm.NFKD, nil) // keep nothing of the text
	decomposers.Put(parts)
}

// decomposers saves an allocation for each text.
var decomposers = sync.Pool{New: func() any { return new(norm.Iter) }}

func (n *normalizer) add(r rune) {
	if r < utf8.RuneSelf {
		n.addASCII(byte(r))
		return
	}
	switch {
	case unicode.IsSpace(r):
		n.space = true
		return
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return
	}
	n.flushSpace()
	r = foldRune(r)
	if plain, ok := unaccented[r]; ok {
		n.dst = append(n.dst, plain...)
		return
	}
	n.dst = utf8.AppendRune(n.dst, r)
}

// foldRune gives one character for all that differ only in case. Upper case
// comes first, since several characters may share one, as σ and ς share Σ.
func foldRune(r rune) rune { return unicode.ToLower(unicode.ToUpper(r)) }

// unaccented are the folded letters whose stroke or ligature Unicode does not
// decompose, although readers take them for an accent or for two letters.
var unaccented = map[rune]string{
	'ß': "ss", 'ø': "o", 'ł': "l", 'đ': "d", 'ħ': "h", 'ŧ': "t",
	'æ': "ae", 'œ': "oe", 'ð': "d", 'þ': "th",
}
