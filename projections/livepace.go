package projections

import (
	"context"
	"time"

	"fhirlog/eventlog"
)

// gentleLog is the log of a generation that a rebuild makes. Up to where the log
// reached at its beginning, it hands the records over in small pieces, and lets the
// generation rest as long as each has taken, if anybody asks the live one anything
// meanwhile: then a rebuild takes half of the processors, in short turns. Beyond,
// there is no rest, so that it catches up with what is written now.
type gentleLog struct {
	Log
	live *Live
	till eventlog.Position
}

// pieceRecords is about how many records a piece has; it takes some milliseconds.
const pieceRecords = 128

// Follow is Log's.
func (g gentleLog) Follow(ctx context.Context, from eventlog.Position, fn func([]eventlog.Record) error) error {
	return g.Log.Follow(ctx, from, func(records []eventlog.Record) error {
		for len(records) > 0 {
			if records[0].Position >= g.till {
				return fn(records)
			}
			n := piece(records)
			asked, began := g.live.asked.Load(), time.Now()
			if err := fn(records[:n:n]); err != nil {
				return err
			}
			records = records[n:]
			if g.live.asked.Load() == asked {
				continue
			}
			select {
			case <-time.After(time.Since(began)):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
}

// piece is how many of some records are a piece: whole commits.
func piece(records []eventlog.Record) int {
	for n := pieceRecords; n < len(records); n++ {
		if records[n-1].CommitEnd {
			return n
		}
	}
	return len(records)
}
