package search

import (
	"slices"
	"strings"

	"fhirlog/domain/fhirjson"
)

// texts finds what has a text in which a word begins in one of several ways
// (:text). The index knows the beginning of each text from its first words on, up
// to MaxTextKey bytes; what is longer, and texts of more words, are compared with
// the resource: the latter once with all that is asked for.
func (c *compiler) texts(of *Parameter, operands []Operand) Expr {
	set := c.parser.set
	checked := func(found Expr, with ...string) Expr {
		return Checked{Of: found, Accept: func(resource fhirjson.Value) bool { return set.hasText(resource, of.Slot, with) }}
	}
	var any Or
	var asked []string
	for _, operand := range operands {
		normalized := fromFirstWord(Normalize(operand.Text))
		asked = append(asked, normalized)
		short := cutText(normalized, MaxTextKey)
		found := pattern{value: AppendOpen(nil, short)}.match(of.Slot, AspectText)
		if len(short) == len(normalized) {
			any = append(any, found)
		} else {
			any = append(any, checked(found, normalized))
		}
	}
	many := pattern{value: appendMoreWords(nil), whole: true}.match(of.Slot, AspectText)
	return append(any, checked(many, asked...))
}

// hasText tells whether one of the texts of a slot goes on in one of the ways
// from one of its words on.
func (s *Set) hasText(resource fhirjson.Value, slot Slot, with []string) (has bool) {
	var values Values
	x := newExtractor(s, &values, resource)
	x.wholeTexts = true
	x.extract()
	x.release()
	values.Each(func(e Entry) {
		if !has && e.Kind == Posting && SlotOf(e.Key) == slot && AspectOf(e.Key) == AspectText {
			text := string(component(ValueOf(e.Key), 0))
			has = slices.ContainsFunc(with, func(one string) bool { return wordBegins(text, one) })
		}
	})
	return has
}

// fromFirstWord leaves out what stands before the first word of a normalized
// text, if there is a word.
func fromFirstWord(normalized string) string {
	if at := strings.IndexFunc(normalized, isWordRune); at >= 0 {
		return normalized[at:]
	}
	return normalized
}

// wordBegins tells whether a text goes on with another from one of its words on.
func wordBegins(text, with string) bool {
	inWord := false
	for i, r := range text {
		isPart := isWordRune(r)
		if isPart && !inWord && strings.HasPrefix(text[i:], with) {
			return true
		}
		inWord = isPart
	}
	return false
}

// words compiles a _content or _text.
func (c *compiler) words(cr *Criterion, slot Slot) Expr {
	var any Or
	for _, operand := range cr.Operands {
		any = append(any, c.wordsExpr(operand.Words, slot))
	}
	return flat(any)
}

func (c *compiler) wordsExpr(w *Words, slot Slot) Expr {
	c.lookups++
	switch w.Op {
	case AllOf:
		all := make(And, len(w.Of))
		for i := range w.Of {
			all[i] = c.wordsExpr(&w.Of[i], slot)
		}
		return all
	case AnyOf:
		any := make(Or, len(w.Of))
		for i := range w.Of {
			any[i] = c.wordsExpr(&w.Of[i], slot)
		}
		return any
	case NoneOf:
		return Not{c.wordsExpr(&w.Of[0], slot)}
	case Beginning:
		return pattern{value: AppendOpen(nil, w.Text)}.match(slot, AspectValue)
	case Phrase:
		return c.phrase(w.Phrase, slot)
	}
	return pattern{value: AppendComponent(nil, w.Text), whole: true}.match(slot, AspectValue)
}

// phrase finds the resources with all words of a phrase, and looks whether they
// follow each other in one text.
func (c *compiler) phrase(phrase []string, slot Slot) Expr {
	c.walks = true
	var all And
	for i, word := range phrase {
		if isIndexedWord(word) && !slices.Contains(phrase[:i], word) {
			all = append(all, pattern{value: AppendComponent(nil, word), whole: true}.match(slot, AspectValue))
		}
	}
	holds := func(text string) bool { return containsPhrase(textWords(text), phrase) }
	if slot == SlotText {
		return Checked{Of: all, Accept: func(resource fhirjson.Value) bool {
			return holds(string(appendPlain(nil, resource.Get("text").Get("div").Text())))
		}}
	}
	set := c.parser.set
	return Checked{Of: all, Accept: func(resource fhirjson.Value) bool {
		return set.anyText(resource, holds)
	}}
}

func containsPhrase(words, phrase []string) bool {
	for i := range words {
		if len(words)-i < len(phrase) {
			return false
		}
		if slices.Equal(words[i:i+len(phrase)], phrase) {
			return true
		}
	}
	return false
}

// anyText looks for a text that passes a test among those that _content is
// about.
func (s *Set) anyText(resource fhirjson.Value, test func(text string) bool) bool {
	shape := s.shapes[string(resource.Get("resourceType").Text())]
	return shape != nil && s.anyTextBelow(shape, resource, test)
}

func (s *Set) anyTextBelow(of *shape, object fhirjson.Value, test func(text string) bool) bool {
	for v := object.First(); v.Exists(); v = v.Next() {
		i := of.find(v.Name())
		if i < 0 {
			continue
		}
		member := &of.members[i]
		found := eachOf(v, func(one fhirjson.Value) bool {
			switch {
			case member.text == plainText:
				return test(one.String())
			case member.text == xhtmlText:
				return test(string(appendPlain(nil, one.Text())))
			case one.Kind() != fhirjson.Object || member.text != innerText:
				return false
			case member.resource:
				return s.anyText(one, test)
			}
			return member.shape != nil && s.anyTextBelow(member.shape, one, test)
		})
		if found {
			return true
		}
	}
	return false
}

// eachOf calls visit for a value, or for each element if it is an array, until
// one is true.
func eachOf(v fhirjson.Value, visit func(one fhirjson.Value) bool) bool {
	if v.Kind() != fhirjson.Array {
		return visit(v)
	}
	for element := v.First(); element.Exists(); element = element.Next() {
		if visit(element) {
			return true
		}
	}
	return false
}
