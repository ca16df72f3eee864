package merkle_test

import (
	"crypto/sha256"
	"fmt"

	"fhirlog/eventlog/merkle"
)

// refRoot is MTH of RFC 6962, 2.1, word for word, over leaf hashes.
func refRoot(leaves []merkle.Hash) merkle.Hash {
	switch len(leaves) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return leaves[0]
	}
	k := refSplit(len(leaves))
	return refNode(refRoot(leaves[:k]), refRoot(leaves[k:]))
}

func refNode(l, r merkle.Hash) merkle.Hash {
	return sha256.Sum256(append(append([]byte{1}, l[:]...), r[:]...))
}

// refSplit is the largest power of two smaller than n.
func refSplit(n int) int {
	k := 1
	for 2*k < n {
		k *= 2
	}
	return k
}

// refPath is PATH of RFC 6962, 2.1.1.
func refPath(m int, leaves []merkle.Hash) []merkle.Hash {
	if len(leaves) == 1 {
		return nil
	}
	k := refSplit(len(leaves))
	if m < k {
		return append(refPath(m, leaves[:k]), refRoot(leaves[k:]))
	}
	return append(refPath(m-k, leaves[k:]), refRoot(leaves[:k]))
}

// refConsistency is PROOF of RFC 6962, 2.1.2.
func refConsistency(m int, leaves []merkle.Hash) []merkle.Hash { return refSub(m, leaves, true) }

func refSub(m int, leaves []merkle.Hash, whole bool) []merkle.Hash {
	n := len(leaves)
	if m == n {
		if whole {
			return nil
		}
		return []merkle.Hash{refRoot(leaves)}
	}
	k := refSplit(n)
	if m <= k {
		return append(refSub(m, leaves[:k], whole), refRoot(leaves[k:]))
	}
	return append(refSub(m-k, leaves[k:], false), refRoot(leaves[:k]))
}

// leafAt makes up the leaf of a position.
func leafAt(i int) merkle.Leaf {
	return merkle.Leaf{
		CommitEnd: i%3 == 0,
		Metadata:  sha256.Sum256(fmt.Appendf(nil, "metadata %d", i)),
		Body:      sha256.Sum256(fmt.Appendf(nil, "body %d", i)),
	}
}

func leavesUpTo(n int) []merkle.Hash {
	leaves := make([]merkle.Hash, n)
	for i := range leaves {
		leaf := leafAt(i)
		leaves[i] = leaf.Hash()
	}
	return leaves
}

// memory is a tree in memory.
type memory struct {
	merkle.Edge
	levels merkle.Levels
}

func treeOf(leaves []merkle.Hash) *memory {
	m := &memory{}
	for _, leaf := range leaves {
		m.Append(leaf, &m.levels)
	}
	return m
}

func (m *memory) ReadLevel(level int, from uint64, dst []byte) error {
	have := m.levels[level]
	if at := from * merkle.HashSize; at+uint64(len(dst)) <= uint64(len(have)) {
		copy(dst, have[at:])
		return nil
	}
	return fmt.Errorf("level %d has no %d bytes from entry %d on", level, len(dst), from)
}
