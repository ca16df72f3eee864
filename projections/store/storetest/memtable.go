package storetest

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/dgraph-io/badger/v4/y"
)

// MemtableSuffix ends the names of the files that LogEntries reads.
const MemtableSuffix = ".mem"

// A memtable log begins with the number of its key (8 bytes) and twelve bytes of the
// initialization vector, which each entry completes with its offset. An entry is a byte
// each for what Badger and what we know of it, the lengths of key and value and a time
// (varints), key and value, encrypted, and a checksum (4 bytes).
const memtableHead = 8 + 12

// LogEntries hands over every key and value in an encrypted memtable log, given as the
// content of its file, up to the first that is none.
func LogEntries(content []byte, keys []DataKey, visit func(key, value []byte)) error {
	if len(content) < memtableHead {
		return nil
	}
	number := binary.BigEndian.Uint64(content)
	for _, key := range keys {
		if key.KeyId == number {
			return logEntries(content, key.Data, visit)
		}
	}
	return nil // not encrypted, or under a key that is gone
}

func logEntries(content, dataKey []byte, visit func(key, value []byte)) error {
	for at := memtableHead; at+2 < len(content); {
		from := at + 2
		var numbers [3]uint64 // lengths of key and value, time of expiry
		for i := range numbers {
			n, size := binary.Uvarint(content[from:])
			if size <= 0 {
				return nil
			}
			numbers[i] = n
			from += size
		}
		rest := uint64(len(content) - from)
		if numbers[0] == 0 || numbers[0] > rest || numbers[1] > rest-numbers[0] || rest-numbers[0]-numbers[1] < crc32.Size {
			return nil
		}
		end := from + int(numbers[0]+numbers[1])
		if crc32.Checksum(content[at:end], y.CastagnoliCrcTable) != binary.BigEndian.Uint32(content[end:]) {
			return nil
		}
		iv := binary.BigEndian.AppendUint32(append([]byte(nil), content[8:memtableHead]...), uint32(at))
		plain, err := y.XORBlockAllocate(content[from:end], dataKey, iv)
		if err != nil {
			return err
		}
		visit(plain[:numbers[0]], plain[numbers[0]:])
		at = end + crc32.Size
	}
	return nil
}
