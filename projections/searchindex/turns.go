package searchindex

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// sortBytes bounds the memory of all sorts at work together: a sort of many
// matches takes a good part of it, and the others wait for their turn.
const sortBytes = 128 << 20

// Estimates of what a sort takes for each match.
const (
	bytesOfMatch = 24  // its position, and its place in the order
	bytesOfRank  = 8   // for each key
	bytesOfText  = 160 // while matches are ranked by text: the text, and what finds it
	fewSorted    = 4096
)

// turns lets as many sorts work at once as there is memory for.
type turns struct {
	memory *semaphore.Weighted
	most   int64
}

func newTurns(bytes int64) *turns { return &turns{semaphore.NewWeighted(bytes), bytes} }

// take waits until there is memory for sorting matches by a number of keys. What
// would need more than all of it has all of it. A few matches need not wait.
func (t *turns) take(ctx context.Context, matches, keys int) (done func(), err error) {
	if matches <= fewSorted {
		return func() {}, nil
	}
	bytes := min(t.most, int64(matches)*int64(bytesOfMatch+keys*bytesOfRank+bytesOfText))
	if err := t.memory.Acquire(ctx, bytes); err != nil {
		return nil, err
	}
	return func() { t.memory.Release(bytes) }, nil
}
