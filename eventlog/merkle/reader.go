package merkle

import (
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// LevelReader gives entries of the levels of tiles. It is called concurrently if
// what uses it is.
type LevelReader interface {
	// ReadLevel fills dst, a multiple of HashSize, with the entries of a level from
	// one on.
	ReadLevel(level int, from uint64, dst []byte) error
}

// ResumeEdge gives the edge of the tree of that size.
func ResumeEdge(r LevelReader, size uint64) (*Edge, error) {
	if size > MaxSize {
		return nil, fmt.Errorf("tree of %d records: the most are %d", size, uint64(MaxSize))
	}
	e := &Edge{size: size}
	for level := range bits.Len64(size) {
		if size>>level&1 == 0 {
			continue
		}
		first := size >> (level + 1) << 1 // in units of 2^level
		h, err := subtree(r, level, first)
		if err != nil {
			return nil, err
		}
		e.subtrees[level] = h
	}
	return e, nil
}

// subtree is the hash of the n-th subtree of 2^level leaves.
func subtree(r LevelReader, level int, n uint64) (Hash, error) {
	tile, rest := level/TileHeight, level%TileHeight
	if tile >= TileLevels {
		return Hash{}, fmt.Errorf("there is no level %d of tiles", tile)
	}
	var memory [TileWidth / 2 * HashSize]byte
	entries := memory[:HashSize<<rest]
	if err := r.ReadLevel(tile, n<<rest, entries); err != nil {
		return Hash{}, err
	}
	for ; len(entries) > HashSize; entries = entries[:len(entries)/2] {
		for i := 0; i < len(entries); i += 2 * HashSize {
			h := nodeHash((*Hash)(entries[i:]), (*Hash)(entries[i+HashSize:]))
			copy(entries[i/2:], h[:])
		}
	}
	return Hash(entries), nil
}

// hashReader lets package tlog read levels of tiles.
type hashReader struct{ levels LevelReader }

// ReadHashes implements tlog.HashReader.
func (r hashReader) ReadHashes(indexes []int64) ([]Hash, error) {
	hashes := make([]Hash, len(indexes))
	for i, index := range indexes {
		level, n := tlog.SplitStoredHashIndex(index)
		h, err := subtree(r.levels, level, uint64(n))
		if err != nil {
			return nil, err
		}
		hashes[i] = h
	}
	return hashes, nil
}

// RootAt is the root of the tree of that size.
func RootAt(r LevelReader, size uint64) (Hash, error) {
	e, err := ResumeEdge(r, size)
	if err != nil {
		return Hash{}, err
	}
	return e.Root(), nil
}

// InclusionPath proves that a tree of that size has a leaf at a position.
func InclusionPath(r LevelReader, size, position uint64) ([]Hash, error) {
	if position >= size || size > MaxSize {
		return nil, fmt.Errorf("no record %d in a tree of %d", position, size)
	}
	return tlog.ProveRecord(int64(size), int64(position), hashReader{r})
}

// ConsistencyPath proves that the tree of size from is the beginning of the one
// of size to. Anything begins with the empty tree: its path is empty.
func ConsistencyPath(r LevelReader, from, to uint64) ([]Hash, error) {
	if from > to || to > MaxSize {
		return nil, fmt.Errorf("a tree of %d records is not the beginning of one of %d", from, to)
	}
	if from == 0 {
		return nil, nil
	}
	return tlog.ProveTree(int64(to), int64(from), hashReader{r})
}
