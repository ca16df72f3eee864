package main

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"
)

// A builder makes shapes out of samples. Each shape gets up to variants
// queries, drawn once: the same seed and data give the same searches.
type builder struct {
	samples *samples
	rng     random
	shapes  []shape
	missing []string // shapes for which nothing was sampled
	guessed bool     // by the draw under way
}

const variants = 500

// add adds a shape of searches. Draw returns the criteria after the question
// mark, escaped.
func (b *builder) add(name string, draw func() (string, hits)) *shape {
	typeName, _, _ := strings.Cut(name, "?")
	b.shapes = append(b.shapes, shape{name: name, typeName: typeName, op: opSearch, count: pageSize})
	s := &b.shapes[len(b.shapes)-1]
	known, guesses := make(map[string]bool), 0
	for range variants {
		b.guessed = false
		criteria, found := draw()
		if b.guessed {
			guesses++
			if found == some {
				found = someOrNone
			}
		}
		if !known[criteria] {
			known[criteria] = true
			s.queries = append(s.queries, query{path: typeName + "?" + strings.TrimPrefix(criteria+"&", "&") + fmt.Sprint("_count=", pageSize),
				hits: found, total: -1})
		}
	}
	if guesses > variants/2 {
		b.missing = append(b.missing, name)
	}
	return s
}

// pick draws a value; what else there is when nothing was sampled.
func (b *builder) pick(p *pool, otherwise string) string {
	if len(p.list) == 0 {
		b.guessed = true
		return otherwise
	}
	return p.list[b.rng.below(uint64(len(p.list)))]
}

// one draws from a list.
func (b *builder) one(list ...string) string { return list[b.rng.below(uint64(len(list)))] }

// seldom is true once in sixteen times, when a search is to find nothing.
func (b *builder) seldom() bool { return b.rng.below(16) == 0 }

// prefixOf cuts a value after at least three characters.
func (b *builder) prefixOf(v string) string {
	n := utf8.RuneCountInString(v)
	if n <= 3 {
		return v
	}
	keep := 3 + int(b.rng.below(uint64(n-2)))
	return strings.TrimSpace(string([]rune(v)[:keep]))
}

// middleOf cuts out some characters of a value that are not at its beginning.
func (b *builder) middleOf(v string) string {
	text := []rune(v)
	if len(text) < 7 {
		return v
	}
	from := 1 + int(b.rng.below(uint64(len(text)-5)))
	if cut := strings.TrimSpace(string(text[from : from+4])); len(cut) >= 3 {
		return cut
	}
	return string(text[1:5])
}

// word draws a word of letters from a text or an XHTML narrative.
func (b *builder) word(text string) string {
	var words []string
	for part := range strings.SplitSeq(text, "<") {
		_, after, found := strings.Cut(part, ">")
		if !found {
			after = part
		}
		for _, w := range strings.Fields(after) {
			if len(w) > 3 && strings.IndexFunc(w, func(r rune) bool { return r < 'A' || r > 'z' || r > 'Z' && r < 'a' }) < 0 {
				words = append(words, w)
			}
		}
	}
	if len(words) == 0 {
		b.guessed = true
		return "nothing"
	}
	return b.one(words...)
}

// escape makes a value fit for a URL.
func escape(v string) string { return url.QueryEscape(v) }

// fhirText escapes what separates values in FHIR searches.
func fhirText(v string) string {
	return strings.NewReplacer(`\`, `\\`, `,`, `\,`, `$`, `\$`, `|`, `\|`).Replace(v)
}

// fhirToken escapes a token but for its bar.
func fhirToken(v string) string {
	system, code, _ := strings.Cut(v, "|")
	return fhirText(system) + "|" + fhirText(code)
}

// codeOf is the token's code for itself.
func codeOf(token string) string {
	_, code, found := strings.Cut(token, "|")
	if !found {
		return fhirText(token)
	}
	return fhirText(code)
}
