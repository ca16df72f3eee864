package xmltext

import "unicode/utf8"

// Lines finds lines and columns in a text, for those who ask for many: it goes
// through the text once. It is safe for concurrent use.
type Lines struct {
	src   []byte
	marks []lineMark // where every markEvery-th byte stands
}

// lineMark is a line and a column, both from 0.
type lineMark struct{ line, column uint32 }

const markEvery = 4 << 10

// NewLines goes through a text, which must not be changed as long as the Lines are
// in use.
func NewLines(src []byte) *Lines {
	l := &Lines{src: src, marks: make([]lineMark, 1, len(src)/markEvery+1)}
	for at := markEvery; at <= len(src); at += markEvery {
		l.marks = append(l.marks, l.marks[len(l.marks)-1].after(src[at-markEvery:at]))
	}
	return l
}

// Position tells what the function Position tells.
func (l *Lines) Position(offset int) (line, column int) {
	offset = min(max(offset, 0), len(l.src))
	i := offset / markEvery
	at := l.marks[i].after(l.src[i*markEvery : offset])
	return int(at.line) + 1, int(at.column) + 1
}

// after is the place behind a text that begins at m.
func (m lineMark) after(text []byte) lineMark {
	for _, c := range text {
		switch {
		case c == '\n':
			m.line++
			m.column = 0
		case utf8.RuneStart(c):
			m.column++
		}
	}
	return m
}
