package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"
)

// maxValue is the largest value that is kept in one piece. Badger refuses values
// above a part of its memtable, and a client decides how large some of ours
// are: a resource may refer to a hundred thousand others.
func maxValue(memTable int64) int { return int(memTable / 32) }

// A larger value is kept in chunks of maxValue under keys of their own, which are
// written before the key itself:
//
//	chunkPrefix key number   the chunk; number 4 bytes, big-endian
//	key                      uvarint length of the value; marked as inChunks
const (
	chunkPrefix = "\xffchunk" // no other key begins like this
	inChunks    = 1           // the user's meta byte of an entry
)

// ChunksOf is the prefix of the chunks of all keys that begin with prefix.
func ChunksOf(prefix []byte) []byte { return append([]byte(chunkPrefix), prefix...) }

func chunkKey(key []byte, number uint32) []byte {
	return binary.BigEndian.AppendUint32(ChunksOf(key), number)
}

// chunks are the writes that a large value becomes.
func (w write) chunks(size int) []write {
	var parts []write
	rest := w.value
	for number := uint32(0); len(rest) > 0; number++ {
		n := min(len(rest), size)
		parts = append(parts, write{key: chunkKey(w.key, number), value: rest[:n]})
		rest = rest[n:]
	}
	return append(parts, write{key: w.key, value: binary.AppendUvarint(nil, uint64(len(w.value))), meta: inChunks})
}

// deleteChunks removes the chunks of a key, if its value is in chunks.
func deleteChunks(txn *badger.Txn, key []byte) error {
	item, err := txn.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) || err == nil && item.UserMeta() != inChunks {
		return nil
	}
	for number := uint32(0); err == nil; number++ {
		if _, err = txn.Get(chunkKey(key, number)); err == nil {
			err = txn.Delete(chunkKey(key, number))
		}
	}
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil
	}
	return err
}

var errChunks = errors.New("a large value of the projections is damaged; remove the projections folder to rebuild it")

// value hands over the value of an item, put together if it is in chunks.
func value(txn *badger.Txn, item *badger.Item, use func(value []byte) error) error {
	if item.UserMeta() != inChunks {
		return item.Value(use)
	}
	var whole []byte
	err := item.Value(func(encoded []byte) error {
		length, size := binary.Uvarint(encoded)
		if size <= 0 || length > 1<<32 {
			return errChunks
		}
		whole = make([]byte, 0, length)
		return nil
	})
	for number := uint32(0); err == nil && len(whole) < cap(whole); number++ {
		var chunk *badger.Item
		if chunk, err = txn.Get(chunkKey(item.Key(), number)); err != nil {
			return fmt.Errorf("%w: %w", errChunks, err)
		}
		err = chunk.Value(func(part []byte) error {
			if len(part) == 0 || len(part) > cap(whole)-len(whole) {
				return errChunks
			}
			whole = append(whole, part...)
			return nil
		})
	}
	if err != nil {
		return err
	}
	return use(whole)
}
