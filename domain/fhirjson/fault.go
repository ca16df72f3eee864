package fhirjson

import (
	"bytes"
	"fmt"
)

// SyntaxError says why a text is not strict JSON, and where. It names member
// names but never the content of values, which may be a patient's.
type SyntaxError struct {
	Offset  int64  // byte offset of the fault
	Line    int    // from 1
	Column  int    // in characters, from 1
	Path    string // the element at fault, such as Patient.name[0].given; "$" stands for a root without known resourceType
	Message string // what is wrong, in plain words
}

// Error puts everything in one sentence.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d (byte %d), at %s: %s", e.Line, e.Column, e.Offset, e.Path, e.Message)
}

// place says how the place of a fault relates to what the parser has open.
type place uint8

const (
	outside     place = iota // before or after the root value
	inContainer              // in the innermost open container
	inValue                  // in the value of the latest node
)

// fault describes what is wrong at offset.
func (p *parser) fault(offset int, at place, message string) *SyntaxError {
	line, column := position(p.src, offset)
	return &SyntaxError{Offset: int64(offset), Line: line, Column: column, Path: p.path(at), Message: message}
}

// path writes the path of what the parser has open.
func (p *parser) path(at place) string {
	if len(p.nodes) == 0 {
		return "$"
	}
	open := p.frames
	if at == outside {
		open = nil
	}
	path := appendRootName(nil, p.src, p.nodes)
	for depth := range open {
		index := open[depth].last
		if depth+1 < len(open) {
			index = open[depth+1].node
		} else if at != inValue {
			break
		}
		path = appendStep(path, p.src, &p.nodes[index], int(open[depth].count)-1)
		if len(path) > greatestPath {
			return string(cutText(path, greatestPath))
		}
	}
	return string(path)
}

func (p *parser) tooDeep(i int) *SyntaxError {
	return p.fault(i, inValue, fmt.Sprintf("arrays and objects are nested too deeply; at most %d levels are read", p.maxDepth))
}

func (p *parser) tooMany(i int) *SyntaxError {
	return p.fault(i, inContainer, fmt.Sprintf("there are too many values; at most %d are read", p.maxNodes))
}

// notClosed tells that neither a comma nor the end of the container f stands
// at i.
func (p *parser) notClosed(i int, f *frame) *SyntaxError {
	if i >= len(p.src) {
		return p.fault(i, inContainer, fmt.Sprintf("the text ends before the %s is closed with '%c'", f.kind(), f.close))
	}
	return p.fault(i, inContainer, fmt.Sprintf("expected ',' or '%c' after the %s, found %s", f.close, f.part(), describe(p.src[i])))
}

func (p *parser) danglingComma(i int, f *frame) *SyntaxError {
	return p.fault(i, inContainer, fmt.Sprintf("a comma must be followed by another %s, not by the end of the %s", f.part(), f.kind()))
}

func (p *parser) noColon(i int) *SyntaxError {
	return p.fault(i, inValue, "expected ':' after the name of a member, found "+describeAt(p.src, i))
}

func (p *parser) longName(n *node) *SyntaxError {
	return p.fault(int(n.name), inContainer, fmt.Sprintf("the name of a member is longer than %d bytes", greatestName))
}

// duplicate tells that the member n of the innermost object repeats a name.
func (p *parser) duplicate(n *node) *SyntaxError {
	name := appendQuotedName(nil, decodedName(p.src, n))
	fault := p.fault(int(n.name), inContainer, "the object has more than one member named "+string(name))
	fault.Path = string(appendStep([]byte(fault.Path), p.src, n, 0))
	return fault
}

func (f *frame) kind() string {
	if f.close == '}' {
		return "object"
	}
	return "array"
}

func (f *frame) part() string {
	if f.close == '}' {
		return "member"
	}
	return "element"
}

// noValue explains why no value begins at i.
func noValue(src []byte, i int) string {
	c := src[i]
	switch {
	case bytes.HasPrefix(src[i:], []byte("NaN")), bytes.HasPrefix(src[i:], []byte("Infinity")):
		return "NaN and Infinity are not JSON numbers"
	case c == '+':
		return "a number must not begin with '+'"
	case c == '.':
		return "a number must have a digit before its decimal point"
	case c|0x20 >= 'a' && c|0x20 <= 'z':
		return "expected a value, found a word that is not true, false or null"
	}
	return "expected a value, found " + describe(c)
}

// describeAt is describe, also for the end of the text.
func describeAt(src []byte, i int) string {
	if i >= len(src) {
		return "the end of the text"
	}
	return describe(src[i])
}

// describe tells what sort of character c is. It names only characters that
// are JSON's own: others may belong to a value with a stray quote in it.
func describe(c byte) string {
	switch {
	case bytes.IndexByte([]byte("{}[]:,"), c) >= 0:
		return "'" + string(rune(c)) + "'"
	case c == '"':
		return "a double quote"
	case c == '\'':
		return "a single quote; JSON writes strings in double quotes"
	case c == '/':
		return "a slash; JSON has no comments"
	case c|0x20 >= 'a' && c|0x20 <= 'z':
		return "a letter"
	case isDigit(c):
		return "a digit"
	case c < ' ' || c == 0x7F:
		return "a control character"
	case c >= 0x80:
		return "a character outside ASCII"
	}
	return "a character that has no meaning there"
}
