package store

import (
	"crypto/aes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/fb"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/badger/v4/table"
	"github.com/dgraph-io/badger/v4/y"
	"github.com/klauspost/compress/s2"
)

// verifyTables checks every table that is in use before Badger opens it: its
// index, which is quick, or its blocks as well. Badger ends the process when the
// end of a table is damaged, at each start again, and takes the keys of a damaged
// block for missing; neither can be told apart from outside. The blocks of a
// million keys take a tenth of a second, so they are left to starts after an
// unclean stop and to Verify.
//
// A table is blocks, index, length of the index (4 bytes), checksum of the index,
// length of that checksum (4 bytes); a block is data, checksum, length of the
// checksum, all of it compressed. In an encrypted table each block, and the index,
// is encrypted on its own after that, and followed by its initialization vector;
// the checksum of the index is of what is written.
func verifyTables(dir string, key []byte, blocks bool) error {
	tables, err := tablesInUse(dir)
	if err != nil {
		return err
	}
	keys, err := openRegistry(dir, key)
	if err != nil {
		return err
	}
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	faults := make(chan error, len(tables))
	for _, t := range tables {
		free <- struct{}{}
		go func() {
			dataKey, err := keys.of(t)
			if err == nil {
				err = verifyTable(filepath.Join(dir, t.name), dataKey, blocks)
			}
			if err != nil {
				err = fmt.Errorf("table %s: %w", t.name, err)
			}
			faults <- err
			<-free
		}()
	}
	for range tables {
		err = errors.Join(err, <-faults)
	}
	return err
}

// tableInUse is a table that the manifest names.
type tableInUse struct {
	name  string
	keyID uint64 // of the key that it is encrypted under; 0 if it is not
}

// tablesInUse lists the tables that the manifest names. Others are left over
// from a stop in the middle of a write; Badger removes them.
func tablesInUse(dir string) ([]tableInUse, error) {
	f, err := os.Open(filepath.Join(dir, badger.ManifestFilename))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	manifest, _, err := badger.ReplayManifestFile(f, 0, badger.DefaultOptions(dir).WithLogger(nil))
	if err != nil {
		return nil, fmt.Errorf("read the manifest: %w", err)
	}
	tables := make([]tableInUse, 0, len(manifest.Tables))
	for id, t := range manifest.Tables {
		tables = append(tables, tableInUse{table.IDToFilename(id), t.KeyID})
	}
	return tables, nil
}

var errTableDamaged = errors.New("damaged")

func verifyTable(path string, key []byte, blocks bool) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	t := tableFile{f, info.Size(), key}
	sum, at, err := t.trailer(t.size)
	if err != nil {
		return err
	}
	index, at, err := t.trailer(at)
	if err != nil {
		return err
	}
	if !matches(index, sum) {
		return errTableDamaged
	}
	if !blocks {
		return nil
	}
	if index, err = t.decrypt(index); err != nil {
		return err
	}
	return t.verifyBlocks(fb.GetRootAsTableIndex(index, 0), at)
}

type tableFile struct {
	file *os.File
	size int64
	key  []byte // nil if it is not encrypted
}

// decrypt decrypts a block, or the index, in place.
func (t tableFile) decrypt(b []byte) ([]byte, error) {
	if t.key == nil {
		return b, nil
	}
	end := len(b) - aes.BlockSize
	if end < 0 {
		return nil, errTableDamaged
	}
	return b[:end], y.XORBlock(b[:end], b[:end], t.key, b[end:])
}

func (t tableFile) read(at, length int64) ([]byte, error) {
	if at < 0 || length < 0 || at > t.size-length {
		return nil, errTableDamaged
	}
	b := make([]byte, length)
	_, err := t.file.ReadAt(b, at)
	return b, err
}

// trailer reads what ends, with its length behind it, at a place; at is where it
// begins.
func (t tableFile) trailer(end int64) (content []byte, at int64, err error) {
	length, err := t.read(end-4, 4)
	if err != nil {
		return nil, 0, err
	}
	at = end - 4 - int64(binary.BigEndian.Uint32(length))
	content, err = t.read(at, end-4-at)
	return content, at, err
}

func (t tableFile) verifyBlocks(index *fb.TableIndex, end int64) error {
	var at fb.BlockOffset
	var plain []byte
	for i := range index.OffsetsLength() {
		if !index.Offsets(&at, i) || int64(at.Offset())+int64(at.Len()) > end {
			return errTableDamaged
		}
		raw, err := t.read(int64(at.Offset()), int64(at.Len()))
		if err == nil {
			raw, err = t.decrypt(raw)
		}
		if err != nil {
			return err
		}
		if plain, err = s2.Decode(plain[:cap(plain)], raw); err != nil || len(plain) < 4 {
			return errTableDamaged
		}
		end := len(plain) - 4
		length := int(binary.BigEndian.Uint32(plain[end:]))
		if length > end || !matches(plain[:end-length], plain[end-length:end]) {
			return errTableDamaged
		}
	}
	return nil
}

// matches compares data with its checksum, a message of Badger with the
// algorithm and the sum.
func matches(data, message []byte) bool {
	sum := pb.Checksum{}
	for len(message) > 0 {
		tag := message[0]
		value, n := binary.Uvarint(message[1:])
		if n <= 0 {
			return false
		}
		switch tag {
		case 1 << 3:
			sum.Algo = pb.Checksum_Algorithm(value)
		case 2 << 3:
			sum.Sum = value
		default:
			return false
		}
		message = message[1+n:]
	}
	if _, known := pb.Checksum_Algorithm_name[int32(sum.Algo)]; !known {
		return false
	}
	return y.VerifyChecksum(data, &sum) == nil
}
