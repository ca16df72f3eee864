package fhirjson

import (
	"bytes"
	"unicode/utf8"
)

// markEvery is the distance in bytes of the places whose line and column are
// kept once a position was asked for, so that asking for many positions of a
// large text does not count from its beginning each time.
const markEvery = 1 << 10

// mark is the line and the column of a place, both from 0.
type mark struct{ line, column int32 }

// Position tells in which line and column the byte at offset stands. Both
// count from 1; columns count characters, and a line ends with its line feed.
// If the text was made from another one, see Locate, it is the place there.
func (d *Document) Position(offset int) (line, column int) {
	if d.locate != nil {
		return d.locate(offset)
	}
	offset = min(max(offset, 0), len(d.src))
	if len(d.src) < 16*markEvery {
		return position(d.src, offset)
	}
	marks := d.marks.Load()
	if marks == nil { // made twice at worst
		made := makeMarks(d.src)
		marks = &made
		d.marks.Store(marks)
	}
	i := offset / markEvery
	at := (*marks)[i].after(d.src[i*markEvery : offset])
	return int(at.line) + 1, int(at.column) + 1
}

// Locate makes Position tell the places of the text that the document was made
// from, such as XML. It must be called before the document is shared.
func (d *Document) Locate(position func(offset int) (line, column int)) { d.locate = position }

func makeMarks(src []byte) []mark {
	marks := make([]mark, 1, len(src)/markEvery+1)
	for at := markEvery; at <= len(src); at += markEvery {
		marks = append(marks, marks[len(marks)-1].after(src[at-markEvery:at]))
	}
	return marks
}

// after is the place behind a text that begins at m.
func (m mark) after(text []byte) mark {
	if last := bytes.LastIndexByte(text, '\n'); last >= 0 {
		m.line += int32(bytes.Count(text[:last+1], []byte{'\n'}))
		m.column = 0
		text = text[last+1:]
	}
	for _, c := range text {
		if utf8.RuneStart(c) {
			m.column++
		}
	}
	return m
}

// position counts from the beginning, in text that may not even be UTF-8.
func position(src []byte, offset int) (line, column int) {
	before := src[:min(max(offset, 0), len(src))]
	lineStart := bytes.LastIndexByte(before, '\n') + 1
	return bytes.Count(before, []byte{'\n'}) + 1, utf8.RuneCount(before[lineStart:]) + 1
}
