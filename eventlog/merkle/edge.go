package merkle

import "math/bits"

const (
	// TileHeight is how many levels of the tree a tile spans.
	TileHeight = 8
	// TileWidth is how many entries a full tile has.
	TileWidth = 1 << TileHeight
	// TileLevels is how many levels of tiles there are at most: enough for
	// MaxSize records.
	TileLevels = 6
	// MaxSize is how many records a tree has at most.
	MaxSize = 1 << (TileHeight * TileLevels)
)

// Levels are entries of the levels of tiles, level 0 first: HashSize bytes each.
type Levels [TileLevels][]byte

// Edge is a tree that only grows: its size, and the hashes of the whole subtrees
// along its right edge, which is all that growing needs. The zero value is the
// empty tree.
type Edge struct {
	size uint64
	// subtrees[l] is the hash of 2^l leaves, if bit l of size is set.
	subtrees [TileHeight * TileLevels]Hash
}

// Size is the number of leaves.
func (e *Edge) Size() uint64 { return e.size }

// Append adds a leaf, and to out what it adds to the levels of tiles; out may be
// nil. A tree of MaxSize leaves takes no more.
func (e *Edge) Append(leaf Hash, out *Levels) {
	if out != nil {
		out[0] = append(out[0], leaf[:]...)
	}
	h, level := leaf, 0
	for ; e.size>>level&1 == 1; level++ {
		h = nodeHash(&e.subtrees[level], &h)
		if tile := (level + 1) / TileHeight; out != nil && (level+1)%TileHeight == 0 && tile < TileLevels {
			out[tile] = append(out[tile], h[:]...)
		}
	}
	e.subtrees[level] = h
	e.size++
}

// Root is the hash of the tree.
func (e *Edge) Root() Hash {
	if e.size == 0 {
		return emptyRoot
	}
	level := bits.TrailingZeros64(e.size)
	h := e.subtrees[level]
	for level++; e.size>>level != 0; level++ {
		if e.size>>level&1 == 1 {
			h = nodeHash(&e.subtrees[level], &h)
		}
	}
	return h
}

// Entries is how many entries a level of tiles has in a tree of that size.
func Entries(size uint64, level int) uint64 { return size >> (TileHeight * level) }
