package httpapi

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
)

// contentCoding tells whether a body is compressed with gzip, the one coding
// read here.
func contentCoding(w http.ResponseWriter, h *http.Request) (gzipped bool, err error) {
	given := h.Header["Content-Encoding"]
	if len(given) == 0 {
		return false, nil
	}
	coding := strings.TrimSpace(strings.Join(given, ","))
	switch {
	case coding == "", strings.EqualFold(coding, "identity"):
		return false, nil
	case strings.EqualFold(coding, "gzip"), strings.EqualFold(coding, "x-gzip"):
		return true, nil
	}
	w.Header()["Accept-Encoding"] = encodingGzip // RFC 9110, 15.5.16
	return false, unsupportedMedia("Bodies are read uncompressed or with Content-Encoding: gzip only.")
}

var (
	gzipReaders = sync.Pool{New: func() any { return new(gzip.Reader) }}
	gzipWriters = sync.Pool{New: func() any {
		w, _ := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed) // the level is valid
		return w
	}}
)

func openGzip(source io.Reader) (*gzip.Reader, error) {
	r := gzipReaders.Get().(*gzip.Reader)
	if err := r.Reset(source); err != nil {
		gzipReaders.Put(r)
		return nil, err
	}
	return r, nil
}

func closeGzip(r *gzip.Reader) { gzipReaders.Put(r) }

func isGzipFault(err error) bool {
	var corrupt flate.CorruptInputError
	return errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.As(err, &corrupt)
}

// bytesText writes a limit as people read it.
func bytesText(n int64) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return strconv.FormatInt(n>>20, 10) + " MiB"
	case n >= 1<<10 && n%(1<<10) == 0:
		return strconv.FormatInt(n>>10, 10) + " KiB"
	}
	return strconv.FormatInt(n, 10) + " bytes"
}
