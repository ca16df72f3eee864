package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/klauspost/compress/gzip"
)

// A bundleReader reads Bundles from NDJSON files, gzipped or not, one per
// line. Not safe for concurrent use.
type bundleReader struct {
	files []string // not yet opened
	file  *os.File
	lines *bufio.Reader
	line  int
}

// next returns the next Bundle, false at the end or with an error.
func (r *bundleReader) next() (bundle, bool, error) {
	for {
		if r.lines == nil {
			if len(r.files) == 0 {
				return bundle{}, false, nil
			}
			if err := r.open(r.files[0]); err != nil {
				return bundle{}, false, err
			}
			r.files = r.files[1:]
		}
		text, err := readLine(r.lines)
		if errors.Is(err, io.EOF) {
			r.close()
			continue
		}
		r.line++
		if text = bytes.TrimSpace(text); err == nil && len(text) == 0 {
			continue
		}
		one := bundle{text: text}
		if err == nil {
			one.entries, err = bundleEntries(text)
		}
		if err != nil {
			return bundle{}, false, fmt.Errorf("%s:%d: %w", r.file.Name(), r.line, err)
		}
		return one, true, nil
	}
}

func (r *bundleReader) open(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	r.file, r.line, r.lines = f, 0, bufio.NewReaderSize(f, 1<<20)
	if magic, err := r.lines.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		unzipped, err := gzip.NewReader(r.lines)
		if err != nil {
			r.close()
			return fmt.Errorf("%s: %w", name, err)
		}
		r.lines = bufio.NewReaderSize(unzipped, 1<<20)
	}
	return nil
}

func (r *bundleReader) close() {
	if r.file != nil {
		r.file.Close()
		r.file, r.lines = nil, nil
	}
}

// readLine returns one line in memory of its own. The last one need not be
// ended.
func readLine(lines *bufio.Reader) ([]byte, error) {
	line, err := lines.ReadBytes('\n')
	if errors.Is(err, io.EOF) && len(line) > 0 {
		err = nil
	}
	return line, err
}

// readSource reads Bundles into memory up to a number of bytes; the rest is
// left for a reader that starts behind them.
func readSource(files []string, limit int) (source, error) {
	var s source
	reader := &bundleReader{files: files}
	defer reader.close()
	for size := 0; size < limit; {
		one, ok, err := reader.next()
		if err != nil {
			return s, err
		}
		if !ok {
			return s, nil
		}
		s.loaded = append(s.loaded, one)
		size += len(one.text)
	}
	behind := len(s.loaded)
	s.more = func() (*bundleReader, error) {
		reader := &bundleReader{files: files}
		for range behind {
			if _, ok, err := reader.next(); !ok {
				reader.close()
				return nil, errors.Join(err, errors.New("the files became shorter"))
			}
		}
		return reader, nil
	}
	return s, nil
}

// bundleEntries checks that a text is a transaction or batch and counts its
// entries.
func bundleEntries(text []byte) (int, error) {
	d := jsontext.NewDecoder(bytes.NewReader(text))
	if d.PeekKind() != '{' {
		return 0, errors.New("not a Bundle")
	}
	if _, err := d.ReadToken(); err != nil {
		return 0, err
	}
	entries, kind := 0, ""
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return 0, err
		}
		switch {
		case name.String() == "entry" && d.PeekKind() == '[':
			entries, err = countElements(d)
		case name.String() == "type" && d.PeekKind() == '"':
			var value jsontext.Token
			if value, err = d.ReadToken(); err == nil {
				kind = value.String()
			}
		default:
			err = d.SkipValue()
		}
		if err != nil {
			return 0, err
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return 0, err
	}
	if kind != "transaction" && kind != "batch" {
		return 0, fmt.Errorf("a Bundle of type %q, want transaction or batch", kind)
	}
	return entries, nil
}

// countElements reads an array and counts its elements.
func countElements(d *jsontext.Decoder) (n int, err error) {
	if _, err = d.ReadToken(); err != nil {
		return 0, err
	}
	for ; d.PeekKind() != ']'; n++ {
		if err := d.SkipValue(); err != nil {
			return n, err
		}
	}
	_, err = d.ReadToken()
	return n, err
}
