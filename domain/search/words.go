package search

import (
	"slices"
	"strings"
	"unicode"

	"fhirlog/domain"
)

// Words is the condition of a _content or _text: words, phrases, and what and,
// or, not and parentheses make of them. The specification leaves the language
// open and uses these in its example
// (https://hl7.org/fhir/R4/search.html#text).
type Words struct {
	Op WordsOp
	Of []Words // of AllOf and AnyOf, and the one of NoneOf
	// Text, of a Word or its Beginning, is normalized. A Phrase keeps its words,
	// normalized, in order.
	Text   string
	Phrase []string
}

// WordsOp says what a Words is.
type WordsOp uint8

// The kinds of Words.
const (
	AllOf     WordsOp = iota + 1
	AnyOf             // one of them holds
	NoneOf            // its only part does not hold
	Word              // the word stands in the text
	Beginning         // a word begins so: written with a '*' behind it
	Phrase            // the words follow each other: written in double quotes
)

// wordsCriterion parses _content and _text.
func (p *queryParser) wordsCriterion(_ domain.ResourceType, c Criterion, modifier, value string) (Criterion, error) {
	if _, err := only(c.Code, modifier); err != nil {
		return c, err
	}
	alternatives, err := p.alternatives(value)
	if err != nil {
		return c, err
	}
	for _, alternative := range alternatives {
		operand := Operand{Text: resolveEscapes(alternative)}
		w := wordsParser{parser: p, code: c.Code, rest: operand.Text}
		words, err := w.all()
		if err != nil {
			return c, err
		}
		operand.Words = &words
		c.Operands = append(c.Operands, operand)
	}
	err = c.needOperands()
	return c, err
}

// wordsParser reads, with the operators in any case:
//
//	any  = all { "or" all }
//	all  = part { ["and"] part }
//	part = "not" part | "(" any ")" | word ["*"] | '"' words '"'
type wordsParser struct {
	parser *queryParser
	code   string
	rest   string
	depth  int
}

func (w *wordsParser) all() (Words, error) {
	words, err := w.any()
	if err == nil && w.peek() != "" {
		err = fault("the value of %s has a ')' without a '('", w.code)
	}
	return words, err
}

func (w *wordsParser) any() (Words, error) {
	return w.joined(AnyOf, "or", func() (Words, error) {
		return w.joined(AllOf, "and", w.part)
	})
}

// joined reads parts with an operator between them, which is optional for and.
func (w *wordsParser) joined(op WordsOp, operator string, part func() (Words, error)) (Words, error) {
	joined := Words{Op: op}
	for {
		next, err := part()
		if err != nil {
			return Words{}, err
		}
		joined.Of = append(joined.Of, next)
		switch token := w.peek(); {
		case strings.EqualFold(token, operator):
			w.next()
		case op == AllOf && token != "" && token != ")" && !strings.EqualFold(token, "or"):
		case len(joined.Of) == 1:
			return joined.Of[0], nil
		default:
			return joined, nil
		}
	}
}

func (w *wordsParser) part() (Words, error) {
	if w.depth++; w.depth > maxFilterDepth {
		return Words{}, tooMuch("the value of %s nests more than %d deep", w.code, maxFilterDepth)
	}
	defer func() { w.depth-- }()
	switch token := w.next(); {
	case token == "" || token == ")" || strings.EqualFold(token, "and") || strings.EqualFold(token, "or"):
		return Words{}, fault("the value of %s lacks a word%s; words in quotes stand for themselves", w.code, before(token))
	case token == "(":
		inner, err := w.any()
		if err == nil && w.next() != ")" {
			err = fault("the value of %s lacks a ')'", w.code)
		}
		return inner, err
	case strings.EqualFold(token, "not"):
		inner, err := w.part()
		return Words{Op: NoneOf, Of: []Words{inner}}, err
	default:
		return w.term(token)
	}
}

func before(token string) string {
	if token == "" {
		return " at its end"
	}
	return " before " + brief(token)
}

// term makes a condition of one word, or of several in quotes. What looks like
// one word to the client may be several to the index, as in x-ray.
func (w *wordsParser) term(token string) (Words, error) {
	if err := w.parser.take(1); err != nil {
		return Words{}, err
	}
	quoted := token[0] == '"'
	open := !quoted && strings.HasSuffix(token, "*")
	words := textWords(strings.TrimSuffix(token, "*"))
	indexed := slices.ContainsFunc(words, isIndexedWord)
	switch {
	case len(words) == 0 || len(words) == 1 && !indexed || quoted && !indexed:
		return Words{}, fault("the value %s of %s has no word of %d to %d letters or digits to search for", brief(token), w.code, minWord, maxWord)
	case len(words) > maxPhrase:
		return Words{}, tooMuch("a phrase of %s has more than %d words", w.code, maxPhrase)
	case len(words) == 1 && open:
		return Words{Op: Beginning, Text: words[0]}, nil
	case len(words) == 1:
		return Words{Op: Word, Text: words[0]}, nil
	case open:
		return Words{}, fault("the value %s of %s has a '*' behind several words; right is one word before it", brief(token), w.code)
	}
	return Words{Op: Phrase, Phrase: words}, nil
}

const maxPhrase = 100

// isIndexedWord tells whether the index has a word; very short and very long
// ones it has not.
func isIndexedWord(word string) bool { return len(word) >= minWord && len(word) <= maxWord }

func (w *wordsParser) peek() string {
	token, _ := w.token()
	return token
}

func (w *wordsParser) next() string {
	token, rest := w.token()
	w.rest = rest
	return token
}

// token returns the next parenthesis, quoted text with its first quote, or
// text without white space; "" at the end.
func (w *wordsParser) token() (token, rest string) {
	s := strings.TrimLeftFunc(w.rest, unicode.IsSpace)
	switch {
	case s == "":
		return "", ""
	case s[0] == '(' || s[0] == ')':
		return s[:1], s[1:]
	case s[0] == '"':
		if end := strings.IndexByte(s[1:], '"'); end >= 0 {
			return s[:1+end], s[end+2:]
		}
		return s, ""
	}
	for i, r := range s {
		if unicode.IsSpace(r) || r == '(' || r == ')' || r == '"' {
			return s[:i], s[i:]
		}
	}
	return s, ""
}
