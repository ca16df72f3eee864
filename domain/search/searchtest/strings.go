package searchtest

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"

	"fhirlog/domain/fhirjson"
	"fhirlog/domain/search"
)

// plainLetters are letters whose stroke or ligature readers take for an accent or
// for two letters, although Unicode does not decompose them: a decision of
// fhirlog's.
var plainLetters = strings.NewReplacer("ß", "ss", "ø", "o", "ł", "l", "đ", "d", "ħ", "h", "ŧ", "t", "æ", "ae", "œ", "oe", "ı", "i", "ð", "d", "þ", "th")

// unmarked takes a text apart and drops marks and invisible characters.
var unmarked = transform.Chain(norm.NFKD, runes.Remove(runes.In(unicode.Mn)), runes.Remove(runes.In(unicode.Me)), runes.Remove(runes.In(unicode.Cf)))

// normalize gives the form in which strings are compared without regard to
// case, accents and white space
// (https://hl7.org/fhir/R4/search.html#string).
func normalize(text string) string {
	plain, _, err := transform.String(unmarked, text)
	if err != nil {
		return text // the chain fails for no text
	}
	return strings.Join(strings.Fields(plainLetters.Replace(strings.ToLower(cases.Fold().String(plain)))), " ")
}

// stringsOf are the texts of an element that a string parameter looks at: of a
// name or an address every part.
func stringsOf(el element) []string {
	var parts []string
	switch el.name {
	case "HumanName":
		parts = []string{"text", "family", "given", "prefix", "suffix"}
	case "Address":
		parts = []string{"text", "line", "city", "district", "state", "postalCode", "country"}
	case "ContactPoint", "Identifier":
		parts = []string{"value"}
	case "Annotation", "CodeableConcept":
		parts = []string{"text"}
	case "Coding":
		parts = []string{"display"}
	default:
		return []string{el.text()}
	}
	var all []string
	for _, part := range parts {
		for _, v := range members(el.value, part) {
			all = append(all, v.String())
		}
	}
	if el.name == "CodeableConcept" {
		for _, coding := range members(el.value, "coding") {
			if display := coding.Get("display"); display.Kind() == fhirjson.String {
				all = append(all, display.String())
			}
		}
	}
	return all
}

func stringMatches(m search.Modifier, asked string, stored []string) bool {
	for _, text := range stored {
		switch m {
		case search.Exact:
			if text == asked {
				return true
			}
		case search.Contains:
			if strings.Contains(normalize(text), normalize(asked)) {
				return true
			}
		default:
			if strings.HasPrefix(normalize(text), normalize(asked)) {
				return true
			}
		}
	}
	return false
}

// textBegins tells whether a display or text has a word from which on it goes
// as asked, from the first word of that on (the modifier :text).
func textBegins(el element, t search.ParameterType, asked string) bool {
	asked = strings.TrimLeftFunc(normalize(asked), func(r rune) bool { return !isWordRune(r) })
	if asked == "" {
		return false
	}
	for _, text := range displaysOf(el, t) {
		text = normalize(text)
		before := ' '
		for at, r := range text {
			if isWordRune(r) && !isWordRune(before) && strings.HasPrefix(text[at:], asked) {
				return true
			}
			before = r
		}
	}
	return false
}

// displaysOf are the texts beside the code, reference or identifier of an
// element; of a string parameter the strings themselves.
func displaysOf(el element, t search.ParameterType) []string {
	if t == search.String {
		return stringsOf(el)
	}
	switch el.name {
	case "Coding", "Reference":
		return []string{el.get("display").String()}
	case "CodeableConcept":
		all := []string{el.get("text").String()}
		for _, coding := range members(el.value, "coding") {
			all = append(all, coding.Get("display").String())
		}
		return all
	case "Identifier":
		return []string{el.get("type").Get("text").String()}
	}
	return nil
}

func isWordRune(r rune) bool { return unicode.In(r, unicode.L, unicode.N, unicode.Mc) }
