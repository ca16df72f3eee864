package faultfs

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// Survival says what of the unsynced survives a power cut.
type Survival int

// The choices of fate.
const (
	Nothing    Survival = iota // only what was synced
	Everything                 // the disk was quick
	Pieces                     // pieces of any length, in any order
)

// Restart ends the process: locks and handles are gone, what was written stays.
// Faults are disarmed.
func (f *FS) Restart() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.restartLocked()
}

func (f *FS) restartLocked() {
	f.life++
	f.locks = map[string]bool{}
	f.halted, f.failAt, f.operations = false, 0, 0
}

// PowerCut ends the process and the machine. What was not synced is lost, or
// survives as told; random chooses the pieces.
func (f *FS) PowerCut(survival Survival, random *rand.Rand) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.restartLocked()
	for _, dir := range slices.Sorted(maps.Keys(f.changes)) {
		changes := f.changes[dir]
		for _, c := range changes[:survivors(survival, len(changes), random)] {
			c.apply(f.durable)
		}
	}
	f.changes = map[string][]change{}
	f.names = map[string]*node{}
	for _, path := range slices.Sorted(maps.Keys(f.durable)) {
		n := f.durable[path]
		n.loseUnsynced(survival, random)
		f.names[path] = n
	}
}

// survivors tells how many of n changes in order survive.
func survivors(survival Survival, n int, random *rand.Rand) int {
	switch survival {
	case Nothing:
		return 0
	case Everything:
		return n
	}
	return random.IntN(n + 1)
}

func (n *node) loseUnsynced(survival Survival, random *rand.Rand) {
	if survival == Everything || survival == Pieces && random.IntN(2) == 0 {
		n.persistSize()
	}
	if survival != Nothing {
		for _, e := range n.dirty {
			n.persistPieces(e, survival, random)
		}
	}
	n.content = slices.Clone(n.durable)
	n.dirty, n.resized = nil, false
}

// persistPieces makes some of a range durable.
func (n *node) persistPieces(e extent, survival Survival, random *rand.Rand) {
	if survival == Everything {
		n.persist(e)
		return
	}
	for e.from < e.to {
		piece := extent{e.from, min(e.to, e.from+1+random.IntN(600))}
		if random.IntN(2) == 0 {
			n.persist(piece)
		}
		e.from = piece.to
	}
}

// Flip changes one byte of a file, durably, by exclusive or.
func (f *FS) Flip(path string, offset int, with byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.names[path]
	n.content[offset] ^= with
	n.durable = slices.Clone(n.content)
}

// Content gives a copy of what a file holds, nil when there is none.
func (f *FS) Content(path string) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := f.names[path]; n != nil {
		return append([]byte{}, n.content...)
	}
	return nil
}

// SetContent makes a durable file with that content.
func (f *FS) SetContent(path string, content []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := &node{content: slices.Clone(content), durable: slices.Clone(content)}
	f.names[path], f.durable[path] = n, n
}

// Names lists all files.
func (f *FS) Names() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.names))
}

// Clone gives an independent copy of the files, without faults, as a new
// process would find them.
func (f *FS) Clone() *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := New()
	c.capacity = f.capacity
	copies := map[*node]*node{}
	copyOf := func(n *node) *node {
		if n == nil {
			return nil
		}
		if copies[n] == nil {
			d := *n
			d.content, d.durable, d.dirty = slices.Clone(n.content), slices.Clone(n.durable), slices.Clone(n.dirty)
			copies[n] = &d
		}
		return copies[n]
	}
	for path, n := range f.names {
		c.names[path] = copyOf(n)
	}
	for path, n := range f.durable {
		c.durable[path] = copyOf(n)
	}
	for dir, changes := range f.changes {
		for _, ch := range changes {
			c.changes[dir] = append(c.changes[dir], change{ch.from, ch.to, copyOf(ch.node)})
		}
	}
	return c
}
