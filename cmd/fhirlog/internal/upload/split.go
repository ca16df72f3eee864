package upload

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// errTooLarge tells that a value was longer than allowed. The splitter has
// passed over it.
var errTooLarge = errors.New("longer than one value may be")

// A splitter cuts a file into JSON values. The first line that is not blank
// decides how: when it holds a whole value, every line is one, and a broken
// line spoils only itself. Otherwise a value ends where its brackets close.
type splitter struct {
	in      *bufio.Reader
	max     int
	line    int // of the last line read
	decided bool
	lines   bool
}

func newSplitter(in *input, limit int) *splitter { return &splitter{in: in.Reader, max: limit} }

// next returns the next value, in memory of its own, and the line it begins
// at; io.EOF after the last.
func (s *splitter) next() (data []byte, line int, err error) {
	for {
		data, err = s.readLine(nil)
		if err != nil {
			return nil, s.line, err
		}
		if len(bytes.TrimSpace(data)) > 0 {
			break
		}
	}
	line = s.line
	var b brackets
	if !s.decided {
		s.decided, s.lines = true, b.closedBy(data)
		if !s.lines {
			return s.whole(data, line, &b)
		}
	}
	if s.lines || b.closedBy(data) {
		return bytes.TrimSpace(data), line, nil
	}
	return s.whole(data, line, &b)
}

// whole adds lines until the value is closed or the file ends; what is wrong
// with an unclosed value, its reader tells better.
func (s *splitter) whole(data []byte, line int, b *brackets) ([]byte, int, error) {
	for {
		before := len(data)
		var err error
		data, err = s.readLine(data)
		if errors.Is(err, io.EOF) {
			return bytes.TrimSpace(data), line, nil
		}
		if err != nil {
			return nil, line, err
		}
		if b.closedBy(data[before:]) {
			return bytes.TrimSpace(data), line, nil
		}
	}
}

// readLine appends the next line with its end. The last one may have none.
func (s *splitter) readLine(data []byte) ([]byte, error) {
	s.line++
	before := len(data)
	for {
		part, err := s.in.ReadSlice('\n')
		if len(data)+len(part) > s.max {
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = s.in.ReadSlice('\n')
			}
			if err != nil && !errors.Is(err, io.EOF) {
				return nil, err
			}
			return nil, errTooLarge
		}
		data = append(data, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(data) > before:
			return data, nil
		default:
			return data, err
		}
	}
}

// brackets follows the nesting of JSON text from piece to piece.
type brackets struct {
	depth    int
	inString bool
	escaped  bool
}

// closedBy takes the next piece and tells whether the outermost bracket was
// closed by it.
func (b *brackets) closedBy(text []byte) bool {
	for _, c := range text {
		switch {
		case b.escaped:
			b.escaped = false
		case b.inString:
			b.escaped = c == '\\'
			b.inString = c != '"'
		case c == '"':
			b.inString = true
		case c == '{' || c == '[':
			b.depth++
		case c == '}' || c == ']':
			b.depth--
			if b.depth <= 0 {
				return true
			}
		}
	}
	return false
}
