package merkle

import (
	"crypto/sha256"

	"golang.org/x/mod/sumdb/tlog"

	"fhirlog/eventlog/record"
)

// Hash is a node of the tree.
type Hash = tlog.Hash

// HashSize is the size of a Hash in bytes.
const HashSize = tlog.HashSize

// LeafSize is how many bytes a leaf is hashed from; see the package comment.
const LeafSize = 2 + 2*record.CommitmentSize

const (
	leafForm      = 0x01
	leafCommitEnd = 1

	leafPrefix = 0x00
	nodePrefix = 0x01
)

// Leaf is what the tree commits to of one record.
type Leaf struct {
	CommitEnd bool // the last record of its commit
	Metadata  [record.CommitmentSize]byte
	Body      [record.CommitmentSize]byte
}

// Hash is the leaf's hash.
func (l *Leaf) Hash() Hash {
	var in [1 + LeafSize]byte
	in[0], in[1] = leafPrefix, leafForm
	if l.CommitEnd {
		in[2] = leafCommitEnd
	}
	copy(in[3:], l.Metadata[:])
	copy(in[3+record.CommitmentSize:], l.Body[:])
	return sha256.Sum256(in[:])
}

// nodeHash is tlog.NodeHash, without its allocation.
func nodeHash(left, right *Hash) Hash {
	var in [1 + 2*HashSize]byte
	in[0] = nodePrefix
	copy(in[1:], left[:])
	copy(in[1+HashSize:], right[:])
	return sha256.Sum256(in[:])
}

// emptyRoot is the root of a tree without leaves (RFC 6962, 2.1).
var emptyRoot = Hash(sha256.Sum256(nil))
