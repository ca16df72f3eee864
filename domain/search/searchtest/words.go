package searchtest

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/search"
)

// textKey names the texts of a version that _content or _text looks at.
type textKey struct {
	position uint64
	code     string
}

// wordsOf gives the words of each text: for _content those of every string and
// markdown in the resource and what it contains, and of its narratives; for
// _text those of its own narrative (https://hl7.org/fhir/R4/search.html#text).
func (e *Evaluator) wordsOf(v *Version, code string) [][]string {
	key := textKey{v.Position, code}
	if known, ok := e.texts[key]; ok {
		return known
	}
	var texts []string
	if code == "_text" {
		texts = append(texts, visibleText(v.Resource.Get("text").Get("div").String()))
	} else {
		e.collectTexts(&texts, v.Resource, nil)
	}
	var all [][]string
	for _, text := range texts {
		all = append(all, strings.FieldsFunc(normalize(text), func(r rune) bool { return !isWordRune(r) }))
	}
	e.texts[key] = all
	return all
}

// collectTexts walks through an object of a type; a resource tells its type.
func (e *Evaluator) collectTexts(texts *[]string, v fhirjson.Value, t *definitions.Type) {
	if of := e.Definitions.TypeOf(v.Get("resourceType").Text()); of != nil {
		t = of
	}
	if t == nil {
		return
	}
	for m := v.First(); m.Exists(); m = m.Next() {
		name := string(m.Name())
		known, ok := t.Member(m.Name())
		child := known.Type
		if !ok {
			if _, isMember := t.Member([]byte(strings.TrimPrefix(name, "_"))); !isMember {
				continue
			}
			child = e.Definitions.Type("Element") // the sibling of a primitive
		}
		for _, one := range members(v, name) {
			switch {
			case one.Kind() == fhirjson.Object:
				e.collectTexts(texts, one, child)
			case one.Kind() != fhirjson.String:
			case child.Name == "xhtml":
				*texts = append(*texts, visibleText(one.String()))
			case child.Name == "markdown" || child.Name == "string" && name != "id" && (t.Name != "Reference" || name != "reference"):
				*texts = append(*texts, one.String())
			}
		}
	}
}

// visibleText is what a reader sees of XHTML, with a space for each tag.
func visibleText(xhtml string) string {
	decoder := xml.NewDecoder(strings.NewReader(xhtml))
	decoder.Strict, decoder.Entity = false, xml.HTMLEntity
	var text strings.Builder
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) || err != nil {
			return text.String()
		}
		if data, ok := token.(xml.CharData); ok {
			text.Write(data)
		} else {
			text.WriteByte(' ')
		}
	}
}

// hasWords tells whether texts meet a condition on their words.
func (e *Evaluator) hasWords(w *search.Words, texts [][]string) bool {
	holds := func(of *search.Words) bool { return e.hasWords(of, texts) }
	switch w.Op {
	case search.AllOf:
		for i := range w.Of {
			if !holds(&w.Of[i]) {
				return false
			}
		}
		return true
	case search.AnyOf:
		for i := range w.Of {
			if holds(&w.Of[i]) {
				return true
			}
		}
		return false
	case search.NoneOf:
		return !holds(&w.Of[0])
	}
	return slices.ContainsFunc(texts, func(words []string) bool {
		switch w.Op {
		case search.Word:
			return slices.Contains(words, w.Text)
		case search.Beginning:
			return slices.ContainsFunc(words, func(word string) bool { return strings.HasPrefix(word, w.Text) })
		}
		return followEachOther(words, w.Phrase)
	})
}

func followEachOther(words, phrase []string) bool {
	for i := range words {
		if len(words)-i >= len(phrase) && slices.Equal(words[i:i+len(phrase)], phrase) {
			return true
		}
	}
	return false
}
