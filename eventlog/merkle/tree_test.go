package merkle_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"fhirlog/eventlog/merkle"
)

func TestLeaf_is_what_the_drawing_says(t *testing.T) {
	leaf := leafAt(3)
	data := []byte{1, 1}
	data = append(append(data, leaf.Metadata[:]...), leaf.Body[:]...)
	if len(data) != merkle.LeafSize {
		t.Fatalf("%d bytes, and LeafSize is %d", len(data), merkle.LeafSize)
	}
	if got, want := leaf.Hash(), tlog.RecordHash(data); got != want {
		t.Errorf("leaf hash %v, and tlog gives %v", got, want)
	}
	leaf.CommitEnd = false
	data[1] = 0
	if got, want := leaf.Hash(), tlog.RecordHash(data); got != want {
		t.Errorf("leaf hash in the middle of a commit %v, and tlog gives %v", got, want)
	}
}

func TestEdge_gives_the_root_of_RFC_6962(t *testing.T) {
	leaves := leavesUpTo(1100)
	var e merkle.Edge
	for n := 0; ; n++ {
		if e.Size() != uint64(n) {
			t.Fatalf("size %d after %d leaves", e.Size(), n)
		}
		if got, want := e.Root(), refRoot(leaves[:n]); got != want {
			t.Fatalf("root of %d leaves %v, want %v", n, got, want)
		}
		if n == len(leaves) {
			return
		}
		e.Append(leaves[n], nil)
	}
}

// bigSize is a tree with three levels of tiles.
const bigSize = 1<<16 + 3*256 + 77

func TestLevels_are_tlogs_tiles(t *testing.T) {
	leaves := leavesUpTo(bigSize)
	m := treeOf(leaves)
	stored := &tlogTree{}
	for _, leaf := range leaves {
		stored.add(t, leaf)
	}
	for _, tile := range tlog.NewTiles(merkle.TileHeight, 0, bigSize) {
		want, err := tlog.ReadTileData(tile, stored)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, tile.W*merkle.HashSize)
		if err := m.ReadLevel(tile.L, uint64(tile.N)*merkle.TileWidth, got); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("tile %v differs from tlog's, %v", tile, err)
		}
	}
	for level := range merkle.TileLevels {
		if got := uint64(len(m.levels[level]) / merkle.HashSize); got != merkle.Entries(bigSize, level) {
			t.Errorf("level %d has %d entries, want %d", level, got, merkle.Entries(bigSize, level))
		}
	}
}

// tlogTree is a tree as tlog stores it.
type tlogTree struct {
	hashes []tlog.Hash
	count  int64
}

func (s *tlogTree) ReadHashes(indexes []int64) (out []tlog.Hash, err error) {
	for _, i := range indexes {
		out = append(out, s.hashes[i])
	}
	return out, nil
}

func (s *tlogTree) add(t testing.TB, leaf tlog.Hash) {
	more, err := tlog.StoredHashesForRecordHash(s.count, leaf, s)
	if err != nil {
		t.Fatal(err)
	}
	s.hashes = append(s.hashes, more...)
	s.count++
}

func TestPaths_are_those_of_RFC_6962_and_check(t *testing.T) {
	leaves := leavesUpTo(600)
	m := treeOf(leaves)
	random := rand.New(rand.NewPCG(1, 1))
	sizes := []int{1, 2, 3, 7, 8, 255, 256, 257, 511, 512, 513, 600}
	for range 20 {
		sizes = append(sizes, 1+random.IntN(600))
	}
	for _, n := range sizes {
		root := refRoot(leaves[:n])
		if got, err := merkle.RootAt(m, uint64(n)); err != nil || got != root {
			t.Fatalf("RootAt(%d) = %v, %v, want %v", n, got, err, root)
		}
		for _, i := range []int{0, n / 2, n - 1, random.IntN(n)} {
			path, err := merkle.InclusionPath(m, uint64(n), uint64(i))
			if err != nil || !slices.Equal(path, refPath(i, leaves[:n])) {
				t.Fatalf("InclusionPath(%d, %d) = %v, %v", n, i, path, err)
			}
			if err := tlog.CheckRecord(path, int64(n), root, int64(i), leaves[i]); err != nil {
				t.Fatalf("CheckRecord(%d, %d) = %v", n, i, err)
			}
		}
		for _, from := range []int{1, n / 2, n - 1, n, 1 + random.IntN(n)} {
			if from == 0 {
				continue
			}
			path, err := merkle.ConsistencyPath(m, uint64(from), uint64(n))
			if err != nil || !slices.Equal(path, refConsistency(from, leaves[:n])) {
				t.Fatalf("ConsistencyPath(%d, %d) = %v, %v", from, n, path, err)
			}
			if err := tlog.CheckTree(path, int64(n), root, int64(from), refRoot(leaves[:from])); err != nil {
				t.Fatalf("CheckTree(%d, %d) = %v", from, n, err)
			}
		}
	}
	if _, err := merkle.InclusionPath(m, 5, 5); err == nil {
		t.Error("a path for a record that is not there")
	}
	if _, err := merkle.ConsistencyPath(m, 6, 5); err == nil {
		t.Error("a path from a larger tree")
	}
	if path, err := merkle.ConsistencyPath(m, 0, 5); err != nil || path != nil {
		t.Errorf("from the empty tree: %v, %v", path, err)
	}
}

func TestResumeEdge_goes_on_where_the_tree_was(t *testing.T) {
	leaves := leavesUpTo(1500)
	whole := treeOf(leaves)
	for _, n := range []int{0, 1, 255, 256, 300, 512, 1023, 1024, 1499, 1500} {
		e, err := merkle.ResumeEdge(whole, uint64(n))
		if err != nil {
			t.Fatalf("ResumeEdge(%d) = %v", n, err)
		}
		for _, leaf := range leaves[n:] {
			e.Append(leaf, nil)
		}
		if e.Size() != whole.Size() || e.Root() != whole.Root() {
			t.Errorf("resumed at %d, the root of 1500 is %v, want %v", n, e.Root(), whole.Root())
		}
	}
	if _, err := merkle.ResumeEdge(whole, 1501); err == nil {
		t.Error("a tree resumes with more leaves than it has")
	}
	if _, err := merkle.ResumeEdge(whole, merkle.MaxSize+1); err == nil {
		t.Error("a tree of more than MaxSize leaves")
	}
}

func TestAudit(t *testing.T) {
	leaves := leavesUpTo(40)
	checkpoint := func(n int) merkle.Checkpoint {
		return merkle.Checkpoint{Origin: "o", Size: uint64(n), Root: refRoot(leaves[:n])}
	}
	history := []merkle.Checkpoint{checkpoint(0), checkpoint(10), checkpoint(10), checkpoint(25), checkpoint(40)}
	run := func(history []merkle.Checkpoint, leaves []merkle.Hash) error {
		a, err := merkle.NewAudit(history)
		for _, leaf := range leaves {
			if err == nil {
				err = a.Add(leaf, nil)
			}
		}
		if err == nil {
			err = a.End()
		}
		return err
	}
	if err := run(history, leaves); err != nil {
		t.Errorf("the log as it was: %v", err)
	}
	if err := run(history, append(leaves[:40:40], leaves[0])); err != nil {
		t.Errorf("the log went on: %v", err)
	}
	changed := slices.Clone(leaves)
	changed[17][3] ^= 1
	if err, ok := run(history, changed).(*merkle.AlteredError); !ok || err.From != 10 || err.Until != 25 {
		t.Errorf("record 17 changed: %v", err)
	}
	if err, ok := run(history, leaves[:39]).(*merkle.ShorterError); !ok || err.Size != 39 || err.Signed != 40 {
		t.Errorf("one record short: %v", err)
	}
	other := checkpoint(10)
	other.Root[0] ^= 1
	if err, ok := run([]merkle.Checkpoint{checkpoint(10), other}, leaves).(*merkle.AlteredError); !ok || err.From != 10 || err.Until != 10 {
		t.Errorf("two of the same size: %v", err)
	}
	if err := run([]merkle.Checkpoint{checkpoint(10), checkpoint(9)}, leaves); err == nil {
		t.Error("sizes decrease, and nobody minds")
	}
}

func BenchmarkAppend(b *testing.B) {
	leaf := leafAt(1)
	var e merkle.Edge
	var out merkle.Levels
	b.ReportAllocs()
	for b.Loop() {
		e.Append(leaf.Hash(), &out)
		if len(out[0]) >= 1<<20 {
			for i := range out {
				out[i] = out[i][:0]
			}
		}
	}
}

func BenchmarkInclusionPath(b *testing.B) {
	m := treeOf(leavesUpTo(1 << 18))
	for i := uint64(0); b.Loop(); i++ {
		if _, err := merkle.InclusionPath(m, 1<<18-1, i*7919%(1<<18-1)); err != nil {
			b.Fatal(err)
		}
	}
}
