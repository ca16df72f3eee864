package eventlog

import (
	"context"
	"errors"

	"fhirlog/eventlog/record"
)

// followRecords bounds a group handed to a follower, unless one commit is larger.
const followRecords = 4096

// errEnough ends a scan when a group is full.
var errEnough = errors.New("enough")

// Follow calls fn with the records from a position on, in order, in groups of
// whole commits, and waits for more; it returns when the context is done, when
// fn returns an error, or with ErrClosed or ErrOutcomeUnknown when the log
// ended. Records carry metadata only. fn must neither change nor keep them: a
// recent group is shared with other followers, others are overwritten.
func (l *Log) Follow(ctx context.Context, from Position, fn func([]Record) error) error {
	var f follower
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if from >= l.Durable() {
			if err := l.WaitDurable(ctx, from+1); err != nil {
				return err
			}
			continue
		}
		l.mu.Lock()
		records := l.tail.from(from)
		l.mu.Unlock()
		if records == nil {
			var err error
			if records, err = f.readGroup(ctx, l, from); err != nil {
				return err
			}
		}
		for len(records) > 0 {
			n := wholeCommits(records)
			if err := fn(records[:n:n]); err != nil {
				return err
			}
			from = records[n-1].Position + 1
			records = records[n:]
		}
	}
}

// wholeCommits tells how many records make up to followRecords, in whole
// commits, at least one commit.
func wholeCommits(records []Record) int {
	if len(records) <= followRecords {
		return len(records)
	}
	end := 0
	for i := range records {
		if i >= followRecords && end > 0 {
			break
		}
		if records[i].CommitEnd {
			end = i + 1
		}
	}
	return end
}

// follower holds the memory for groups that come from disk.
type follower struct {
	records  []Record
	metadata []byte
}

// readGroup reads about followRecords records in whole commits.
func (f *follower) readGroup(ctx context.Context, l *Log, from Position) ([]Record, error) {
	f.records, f.metadata = f.records[:0], f.metadata[:0]
	err := l.scanRuns(ctx, from, l.Durable(), func(_ *segment, _ int64, run *record.Run, first int) error {
		for i := first; i < len(run.Entries); i++ {
			r := makeRecord(run, i)
			start := len(f.metadata)
			f.metadata = append(f.metadata, r.Metadata...)
			r.Metadata = f.metadata[start:len(f.metadata):len(f.metadata)]
			f.records = append(f.records, r)
		}
		if len(f.records) >= followRecords && run.Flags&record.FlagLast != 0 {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	return f.records, nil
}
