package search

import (
	"bytes"
	"html"
	"unicode/utf8"
)

// The bounds of a word that _content and _text index, in bytes.
const (
	minWord = 2
	maxWord = 40
)

// textWords gives all words of a text, in order: runs of letters and digits of
// the normalized text.
func textWords(text string) []string {
	var all []string
	eachWord([]byte(Normalize(text)), func(word []byte) { all = append(all, string(word)) })
	return all
}

// eachWord calls visit for the words of a normalized text.
func eachWord(normalized []byte, visit func(word []byte)) {
	begin := -1
	for i := 0; i <= len(normalized); {
		size, isPart := 1, false
		if i < len(normalized) {
			r := rune(normalized[i])
			if r >= utf8.RuneSelf {
				r, size = utf8.DecodeRune(normalized[i:])
			}
			isPart = isWordRune(r)
		}
		switch {
		case isPart && begin < 0:
			begin = i
		case !isPart && begin >= 0:
			visit(normalized[begin:i])
			begin = -1
		}
		i += size
	}
}

// words adds the words of a text to _content.
func (x *extractor) words(text []byte) {
	if bytes.Equal(text, x.lastContent) {
		return // display and text of a concept, mostly
	}
	x.lastContent = text
	eachWord(x.normalize(text), func(word []byte) { x.addWord(SlotContent, word) })
}

func (x *extractor) addWord(slot Slot, word []byte) {
	if len(word) < minWord || len(word) > maxWord {
		return
	}
	x.key = appendComponent(AppendKey(x.key[:0], slot, AspectValue), word)
	x.addPosting()
}

// narrative adds the words of XHTML: to _content, and to _text if it is the
// narrative of the resource itself.
func (x *extractor) narrative(xhtml []byte) {
	x.normalizedFrom = nil // it may be the text that is overwritten now
	x.text = appendPlain(x.text[:0], xhtml)
	eachWord(x.normalize(x.text), func(word []byte) {
		x.addWord(SlotContent, word)
		if x.within == 0 {
			x.addWord(SlotText, word)
		}
	})
}

// appendPlain appends what a reader sees of XHTML. Tags part words: most of
// them begin a line or a cell.
func appendPlain(dst, xhtml []byte) []byte {
	for len(xhtml) > 0 {
		switch xhtml[0] {
		case '<':
			end := indexByte(xhtml, '>')
			if end < 0 {
				return dst
			}
			dst, xhtml = append(dst, ' '), xhtml[end+1:]
			continue
		case '&':
			if end := indexByte(xhtml[:min(len(xhtml), 12)], ';'); end > 0 {
				dst = append(dst, html.UnescapeString(string(xhtml[:end+1]))...)
				xhtml = xhtml[end+1:]
				continue
			}
		}
		dst, xhtml = append(dst, xhtml[0]), xhtml[1:]
	}
	return dst
}
