package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"
)

// dataKeys are the keys that Badger makes for its files, every ten days another
// one, and keeps in a file of its own, encrypted under the key of the folder.
type dataKeys struct {
	encrypted bool
	registry  *badger.KeyRegistry // nil if not encrypted
}

// openRegistry reads the keys of a folder, if it has a key.
func openRegistry(dir string, key []byte) (dataKeys, error) {
	if err := verifyRegistry(filepath.Join(dir, badger.KeyRegistryFileName)); err != nil {
		return dataKeys{}, fmt.Errorf("the registry of keys: %w", err)
	}
	if key == nil {
		return dataKeys{}, nil
	}
	registry, err := badger.OpenKeyRegistry(badger.KeyRegistryOptions{Dir: dir, ReadOnly: true, EncryptionKey: key})
	if err != nil {
		return dataKeys{}, fmt.Errorf("read the registry of keys: %w", err)
	}
	return dataKeys{true, registry}, nil
}

// of returns the key of a table; nil if none is encrypted.
func (k dataKeys) of(t tableInUse) ([]byte, error) {
	if !k.encrypted {
		if t.keyID != 0 {
			return nil, ErrNoKey
		}
		return nil, nil
	}
	if t.keyID == 0 {
		return nil, errPlain
	}
	key, err := k.registry.DataKey(t.keyID)
	if err != nil {
		return nil, fmt.Errorf("its key: %w", err)
	}
	return key.Data, nil
}

// The registry is an initialization vector, twelve bytes that tell whether the key
// is the right one, and the keys: each its length (4 bytes), a checksum (4 bytes),
// and itself.
const (
	registryHead = 16 + 12
	longestKey   = 1 << 10 // far more than one takes
)

// verifyRegistry looks at the lengths in the registry. Badger believes them, and
// takes as much memory as they say; the rest has checksums that Badger looks at.
func verifyRegistry(path string) error {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(content) < registryHead {
		return errTableDamaged
	}
	for rest := content[registryHead:]; len(rest) > 0; {
		if len(rest) < 8 {
			return errTableDamaged
		}
		length := binary.BigEndian.Uint32(rest)
		if length > longestKey || int(length) > len(rest)-8 {
			return errTableDamaged
		}
		rest = rest[8+length:]
	}
	return nil
}
