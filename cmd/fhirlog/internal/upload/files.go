package upload

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
)

// order looks whether all files are there and puts those with ".support." in
// their names first.
func order(files []string) (first, second []string, err error) {
	var errs []error
	for _, name := range files {
		if name != "-" {
			info, err := os.Stat(name)
			switch {
			case err != nil:
				errs = append(errs, err)
			case info.IsDir():
				errs = append(errs, fmt.Errorf("%s is a folder", name))
			}
		}
		if strings.Contains(filepath.Base(name), ".support.") {
			first = append(first, name)
		} else {
			second = append(second, name)
		}
	}
	return first, second, errors.Join(errs...)
}

// A counter counts what is read through it.
type counter struct {
	io.Reader
	n *atomic.Int64
}

func (c counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// An input is an open file, unzipped.
type input struct {
	*bufio.Reader
	close func() error
}

// Close closes the file.
func (i *input) Close() error { return i.close() }

const readAhead = 256 << 10

// open opens a file, or standard input for "-". Whether it is gzipped, its
// first bytes tell, not its name.
func open(name string, stdin io.Reader, read *atomic.Int64) (*input, error) {
	in := &input{close: func() error { return nil }}
	source := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		source, in.close = f, f.Close
	} else if stdin == nil {
		return nil, errors.New("there is no standard input")
	}
	in.Reader = bufio.NewReaderSize(counter{source, read}, readAhead)
	if magic, err := in.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		unzipped, err := gzip.NewReader(in.Reader)
		if err != nil {
			in.Close()
			return nil, err
		}
		in.Reader = bufio.NewReaderSize(unzipped, readAhead)
	}
	if mark, err := in.Peek(3); err == nil && bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		if _, err := in.Discard(3); err != nil {
			in.Close()
			return nil, err
		}
	}
	return in, nil
}
