package httpapi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"

	"fhirlog/domain"
)

// pooledBody is the size up to which buffers for bodies are used again.
const pooledBody = 64 << 10

var bodyBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 16<<10); return &b }}

// body is a request body in memory. The bytes may be used until free.
type body struct {
	bytes  []byte
	share  share
	pooled *[]byte
	json   *[]byte // a buffer for the JSON of a body in XML, if it was asked for
	whole  bool    // it came to its end
}

// free gives memory and budget back. reuse must be false if something may
// still look at the bytes.
func (b *body) free(reuse bool) {
	if b.pooled != nil && reuse && cap(b.bytes) <= pooledBody {
		*b.pooled = b.bytes[:0]
		bodyBuffers.Put(b.pooled)
	}
	if b.json != nil && reuse {
		bodyBuffers.Put(b.json)
	}
	b.bytes, b.pooled, b.json = nil, nil, nil
	b.share.release()
}

// forJSON returns space for what a body in XML is in JSON, until free. It may be
// asked for once.
func (b *body) forJSON(ctx context.Context) ([]byte, error) {
	if b.json != nil {
		return nil, nil
	}
	b.json = bodyBuffers.Get().(*[]byte)
	return (*b.json)[:0], b.share.growBy(ctx, int64(cap(*b.json)))
}

// readBody reads the body of a request into b: decompressed, at most limit
// bytes, as long as the client keeps up.
func (s *Server) readBody(ctx context.Context, w http.ResponseWriter, h *http.Request, b *body, limit int64) error {
	coded, err := contentCoding(w, h)
	if err != nil {
		return err
	}
	announced := h.ContentLength
	if coded {
		announced = -1
	}
	if announced > limit {
		return tooLarge(limit)
	}
	paced := s.newPace(ctx, w, h.Body)
	var source io.Reader = paced
	if coded {
		unzipped, err := openGzip(paced)
		if err != nil {
			return readFault(err)
		}
		defer closeGzip(unzipped)
		source = unzipped
	}
	b.pooled = bodyBuffers.Get().(*[]byte)
	b.bytes = (*b.pooled)[:0]
	if err := b.share.grow(ctx, min(int64(cap(b.bytes)), limit)); err != nil {
		return err
	}
	for {
		if len(b.bytes) == cap(b.bytes) {
			if err := b.enlarge(ctx, limit, announced); err != nil {
				return err
			}
		}
		n, err := source.Read(b.bytes[len(b.bytes):cap(b.bytes)])
		b.bytes = b.bytes[:len(b.bytes)+n]
		if int64(len(b.bytes)) > limit {
			return tooLarge(limit)
		}
		if err == io.EOF {
			paced.stop()
			b.whole = true
			return nil
		}
		if err != nil {
			return readFault(err)
		}
	}
}

// enlarge doubles the buffer, at most to what is announced or allowed, and one
// byte to see the end. What a client merely announces takes no memory.
func (b *body) enlarge(ctx context.Context, limit, announced int64) error {
	size, full := 2*int64(cap(b.bytes)), limit
	if announced >= int64(cap(b.bytes)) {
		full = announced
	}
	size = max(min(size, full+1), int64(cap(b.bytes))+1)
	if err := b.share.grow(ctx, min(size, limit)); err != nil {
		return err
	}
	larger := make([]byte, len(b.bytes), size)
	copy(larger, b.bytes)
	b.bytes = larger
	return nil
}

// nodeBytes is what fhirjson needs for a value.
const nodeBytes = 20

// reserveTree takes room in the budget for the tree of the body: a body of
// brackets and commas becomes ten times its size.
func (b *body) reserveTree(ctx context.Context) error { return b.share.growBy(ctx, treeBytes(b.bytes)) }

// treeBytes is what the tree of a JSON text takes.
func treeBytes(text []byte) int64 {
	return nodeBytes * int64(1+bytes.Count(text, []byte{','})+bytes.Count(text, []byte{'['})+bytes.Count(text, []byte{'{'}))
}

func tooLarge(limit int64) error {
	return domain.NewError(domain.TooLarge, "The body is larger than the "+bytesText(limit)+" that are read here.")
}

// readFault says what went wrong while a body was read.
func readFault(err error) error {
	var network net.Error
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return &domain.Error{Kind: domain.Timeout, Issues: []domain.Issue{{Message: "The body arrived too slowly."}}, Err: err}
	case isGzipFault(err):
		return &domain.Error{Kind: domain.Invalid, Issues: []domain.Issue{{Message: "The body is not valid gzip, although Content-Encoding says so."}}, Err: err}
	}
	return &domain.Error{Kind: domain.Invalid, Issues: []domain.Issue{{Message: "The body ended too early."}}, Err: err}
}
