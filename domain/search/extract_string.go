package search

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"fhirlog/domain/fhirjson"
)

// The bounds of AspectText: bytes of a key, and words that begin one.
const (
	MaxTextKey   = 48
	maxTextWords = 12
)

func presentOnly(x *extractor, a *action, _ fhirjson.Value) { x.present(a) }

func textString(x *extractor, a *action, v fhirjson.Value) {
	if text, ok := textBytes(v); ok {
		x.present(a)
		x.addString(a, text)
	}
}

// addString adds a string with the beginnings of its words.
func (x *extractor) addString(a *action, exact []byte) {
	normalized := x.normalize(exact)
	if len(normalized) == 0 {
		return
	}
	if x.start(a, AspectValue) {
		x.key = appendStringValue(x.key, exact, normalized)
		x.posting(a)
	}
	x.addNormalText(a, normalized)
}

// normalize gives the normalized form of a text, valid until the next call. The
// same text often comes several times in a row: for several parameters, and as
// display and text of a concept.
func (x *extractor) normalize(text []byte) []byte {
	if isNormalASCII(text) {
		return text
	}
	if !bytes.Equal(text, x.normalizedFrom) {
		x.normalized = appendNormalized(x.normalized[:0], text)
		x.normalizedFrom = text
	}
	return x.normalized
}

// addText adds the beginnings of the words of a display or text.
func (x *extractor) addText(a *action, v fhirjson.Value) {
	text, ok := textBytes(v)
	if !ok || a.part >= 0 || x.lastTextSlot == a.slot && bytes.Equal(text, x.lastText) {
		return
	}
	x.lastTextSlot, x.lastText = a.slot, text
	x.addNormalText(a, x.normalize(text))
}

func (x *extractor) addNormalText(a *action, normalized []byte) {
	if x.wholeTexts {
		if x.start(a, AspectText) {
			x.key = appendComponent(x.key, normalized)
			x.addPosting()
		}
		return
	}
	inWord, words := false, 0
	for i := 0; i < len(normalized); {
		r, size := rune(normalized[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(normalized[i:])
		}
		isPart := isWordRune(r)
		if isPart && !inWord && x.start(a, AspectText) {
			if words == maxTextWords {
				x.key = appendMoreWords(x.key)
				x.addPosting()
				return
			}
			x.key = appendComponent(x.key, cutText(normalized[i:], MaxTextKey))
			x.addPosting()
			words++
		}
		inWord = isPart
		i += size
	}
}

// appendMoreWords appends what stands in AspectText for a text of which not all
// words are there. No word begins so.
func appendMoreWords(dst []byte) []byte { return append(dst, moreWords, 0) }

const moreWords = 2

// isWordRune tells whether a normalized character belongs to a word.
func isWordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return asciiWord[r&0x7f]
	}
	return unicode.In(r, unicode.L, unicode.N, unicode.Mc)
}

// asciiWord is isWordRune for ASCII.
var asciiWord = func() (is [utf8.RuneSelf]bool) {
	for r := range is {
		is[r] = r >= 'a' && r <= 'z' || r >= '0' && r <= '9'
	}
	return is
}()

// nameString adds every part of a HumanName.
func nameString(x *extractor, a *action, v fhirjson.Value) {
	x.present(a)
	for m := v.First(); m.Exists(); m = m.Next() {
		switch string(m.Name()) {
		case "text", "family", "given", "prefix", "suffix":
			x.addStrings(a, m)
		}
	}
}

// addressString adds every part of an Address.
func addressString(x *extractor, a *action, v fhirjson.Value) {
	x.present(a)
	for m := v.First(); m.Exists(); m = m.Next() {
		switch string(m.Name()) {
		case "text", "line", "city", "district", "state", "postalCode", "country":
			x.addStrings(a, m)
		}
	}
}

// addStrings adds a string or each of several.
func (x *extractor) addStrings(a *action, v fhirjson.Value) {
	if v.Kind() == fhirjson.Array {
		for element := v.First(); element.Exists(); element = element.Next() {
			x.addStrings(a, element)
		}
		return
	}
	if text, ok := textBytes(v); ok {
		x.addString(a, text)
	}
}

func contactString(x *extractor, a *action, v fhirjson.Value) { textString(x, a, v.Get("value")) }

func identifierString(x *extractor, a *action, v fhirjson.Value) { textString(x, a, v.Get("value")) }

func annotationString(x *extractor, a *action, v fhirjson.Value) { textString(x, a, v.Get("text")) }

func codingString(x *extractor, a *action, v fhirjson.Value) { textString(x, a, v.Get("display")) }

func conceptString(x *extractor, a *action, v fhirjson.Value) {
	textString(x, a, v.Get("text"))
	for coding := v.Get("coding").First(); coding.Exists(); coding = coding.Next() {
		codingString(x, a, coding)
	}
}
