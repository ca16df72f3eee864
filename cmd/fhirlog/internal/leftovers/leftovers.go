// Package leftovers looks for texts in all files of a data folder, the way
// somebody would who has got hold of the disk: in the bytes as they are, and
// through every compression that fhirlog uses. It knows nothing of what a file
// ought to hold, so that it also finds what has been left over where nothing is
// expected: between frames, in the tails of files, in tables that nobody reads any
// more. It is for tests.
package leftovers

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"fhirlog/domain/dictionary"
	"fhirlog/projections/store"
	"fhirlog/projections/store/storetest"
)

// Place is where a text was found.
type Place struct {
	File string // below the folder
	How  string // "raw", "zstd", "gzip" or "table"; of what was encrypted, "sealed" or "memtable"
}

// Found are the places of each text that was found.
type Found map[string][]Place

// Find looks for texts in every file below a folder. Upper and lower case are the
// same, but for letters beyond ASCII.
func Find(dir string, texts []string) (Found, error) { return FindWith(dir, texts, nil) }

// FindWith looks as Find does, and has the keys of what is encrypted.
func FindWith(dir string, texts []string, keys store.Keys) (Found, error) {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderDicts(dictionary.V1), zstd.WithDecoderConcurrency(1), zstd.IgnoreChecksum(true))
	if err != nil {
		return nil, err
	}
	defer decoder.Close()
	f := finder{dir: dir, found: Found{}, decoder: decoder, keys: keys}
	for _, text := range texts {
		f.texts = append(f.texts, lower([]byte(text)))
	}
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		f.look(name, "raw", []byte(name)) // a name may tell something too
		content, err := os.ReadFile(path)
		if err == nil {
			err = f.file(name, content)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
	return f.found, err
}

type finder struct {
	dir     string
	keys    store.Keys // nil: of nothing
	texts   [][]byte   // in lower case
	found   Found
	decoder *zstd.Decoder
	folded  []byte
}

// file looks at the content of a file in every way.
func (f *finder) file(name string, content []byte) error {
	f.unpack(name, "raw", content)
	if f.keys != nil {
		if err := f.sealed(name, content); err != nil {
			return err
		}
	}
	if strings.HasSuffix(name, storetest.TableSuffix) || strings.HasSuffix(name, storetest.MemtableSuffix) {
		return f.badger(name, content)
	}
	return nil
}

// unpack looks at bytes as they are, and at what is packed in them.
func (f *finder) unpack(name, how string, content []byte) {
	f.look(name, how, content)
	f.hunt(content, binary.LittleEndian.AppendUint32(nil, 0xFD2FB528), func(from io.Reader) {
		if err := f.decoder.Reset(from); err == nil {
			f.look(name, "zstd", readWhatThereIs(f.decoder))
		}
	})
	f.hunt(content, []byte{0x1f, 0x8b, 8}, func(from io.Reader) {
		if plain, err := gzip.NewReader(from); err == nil {
			f.look(name, "gzip", readWhatThereIs(plain))
		}
	})
}

// hunt hands over what follows every place where some bytes stand.
func (f *finder) hunt(content, magic []byte, try func(from io.Reader)) {
	for at := 0; ; at++ {
		i := bytes.Index(content[at:], magic)
		if i < 0 {
			return
		}
		at += i
		try(bytes.NewReader(content[at:]))
	}
}

// most bounds what is unpacked from one place.
const most = 64 << 20

// readWhatThereIs reads to the end, or to the first fault: what follows a block
// is nearly always none.
func readWhatThereIs(from io.Reader) []byte {
	var plain bytes.Buffer
	_, _ = io.Copy(&plain, io.LimitReader(from, most)) // a fault ends it
	return plain.Bytes()
}

func (f *finder) look(name, how string, content []byte) {
	f.folded = append(f.folded[:0], content...)
	folded := lower(f.folded)
	for _, text := range f.texts {
		if !bytes.Contains(folded, text) {
			continue
		}
		places := f.found[string(text)]
		if n := len(places); n == 0 || places[n-1] != (Place{name, how}) {
			f.found[string(text)] = append(places, Place{name, how})
		}
	}
}

// lower makes ASCII letters small, in place.
func lower(b []byte) []byte {
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return b
}

// Missing lists which of some texts were not found, Present those that were.
func (f Found) Missing(texts []string) (list []string) {
	for _, text := range texts {
		if len(f[string(lower([]byte(text)))]) == 0 {
			list = append(list, text)
		}
	}
	return list
}

// Present tells of each text that was found where.
func (f Found) Present(texts []string) error {
	var errs []error
	for _, text := range texts {
		if places := f[string(lower([]byte(text)))]; len(places) > 0 {
			errs = append(errs, fmt.Errorf("%q is in %v", text, places))
		}
	}
	return errors.Join(errs...)
}
