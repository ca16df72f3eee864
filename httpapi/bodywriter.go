package httpapi

import (
	"net/http"
	"strconv"
	"sync"

	"github.com/klauspost/compress/gzip"

	"fhirlog/domain/definitions"
)

// streamAbove is the size from which a body that is written piece by piece is
// sent on instead of gathered.
const streamAbove = 64 << 10

// bodyWriter gathers the body of an answer in buf. Small bodies are sent at
// once with their length; of large ones, only a piece is in memory at a time.
type bodyWriter struct {
	buf []byte // append to it, then call flushIfLarge

	out      pacedWriter
	status   int
	head     bool // the client wants the headers only
	dropped  bool // a part of the body was left unsent for that reason
	pretty   bool
	xml      *definitions.Definitions // what XML is written by; nil for JSON
	depth    int                      // XML: the elements that are open
	comma    bool                     // JSON: the object at hand has a member already
	json     []byte                   // a resource on its way to XML
	indent   indenter
	scratch  []byte // what buf becomes when it is made pretty or compressed
	compress int    // size to compress from; 0 never
	zip      *gzip.Writer
	started  bool // headers are sent
	err      error
}

var bodyWriters = sync.Pool{New: func() any { return &bodyWriter{buf: make([]byte, 0, 8<<10)} }}

// newBodyWriter takes a writer from the pool; free puts it back.
func (s *Server) newBodyWriter(w http.ResponseWriter, h *http.Request, status int) *bodyWriter {
	b := bodyWriters.Get().(*bodyWriter)
	*b = bodyWriter{
		buf: b.buf[:0], scratch: b.scratch[:0], json: b.json[:0], status: status, head: h.Method == http.MethodHead,
		out: pacedWriter{
			w: w, control: http.NewResponseController(w),
			grace: s.options.SlowGrace, most: s.options.BundleTimeout, rate: int64(s.options.MinBytesPerSecond),
		},
	}
	if !s.options.NoCompression && acceptsGzip(h.Header) {
		b.compress = s.options.CompressAbove
	}
	return b
}

func (b *bodyWriter) free() {
	if b.zip != nil {
		gzipWriters.Put(b.zip)
		b.zip = nil
	}
	if max(cap(b.buf), cap(b.scratch), cap(b.json)) > 4*streamAbove {
		return
	}
	b.out = pacedWriter{}
	bodyWriters.Put(b)
}

// flushIfLarge sends what has gathered if it is much. Its error says that the
// client is gone, and repeats.
func (b *bodyWriter) flushIfLarge() error {
	if len(b.buf) >= streamAbove {
		b.flush()
	}
	return b.err
}

func (b *bodyWriter) flush() {
	if b.err != nil || b.head {
		b.dropped = true
		b.buf = b.buf[:0]
		return
	}
	if !b.started {
		b.started = true
		if b.compress > 0 {
			b.out.w.Header()["Content-Encoding"] = encodingGzip
			b.zip = gzipWriters.Get().(*gzip.Writer)
			b.zip.Reset(&b.out)
		}
		b.out.w.WriteHeader(b.status)
	}
	piece := b.buf
	if b.pretty && b.xml == nil {
		b.scratch = b.indent.append(b.scratch[:0], piece)
		piece = b.scratch
	}
	if b.zip != nil {
		_, b.err = b.zip.Write(piece)
	} else {
		_, b.err = b.out.Write(piece)
	}
	b.buf = b.buf[:0]
}

// finish sends the rest, or all of a small body.
func (b *bodyWriter) finish() error {
	if b.started {
		b.flush()
		if b.zip != nil && b.err == nil {
			b.err = b.zip.Close()
		}
		return b.err
	}
	if b.pretty && len(b.buf) > 0 {
		if b.xml == nil {
			b.scratch = b.indent.append(b.scratch[:0], b.buf)
			b.buf, b.scratch = b.scratch, b.buf
		}
		b.buf = append(b.buf, '\n')
	}
	header := b.out.w.Header()
	if b.compress > 0 && (b.dropped || len(b.buf) >= b.compress) {
		header["Content-Encoding"] = encodingGzip
		b.gzipWhole()
	}
	if !b.dropped {
		header["Content-Length"] = []string{strconv.Itoa(len(b.buf))}
	}
	b.out.w.WriteHeader(b.status)
	if !b.head {
		_, b.err = b.out.Write(b.buf)
	}
	return b.err
}

// gzipWhole compresses buf in memory.
func (b *bodyWriter) gzipWhole() {
	sink := appendWriter{b.scratch[:0]}
	z := gzipWriters.Get().(*gzip.Writer)
	z.Reset(&sink)
	_, _ = z.Write(b.buf) // an appendWriter does not fail
	_ = z.Close()
	gzipWriters.Put(z)
	b.scratch = b.buf
	b.buf = sink.bytes
}

// appendWriter is a slice to write to.
type appendWriter struct{ bytes []byte }

func (a *appendWriter) Write(p []byte) (int, error) {
	a.bytes = append(a.bytes, p...)
	return len(p), nil
}
