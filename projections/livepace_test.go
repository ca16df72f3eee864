package projections

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"fhirlog/eventlog"
)

// commits makes records of commits of some sizes.
func commits(sizes ...int) (records []eventlog.Record) {
	for _, size := range sizes {
		for i := range size {
			records = append(records, eventlog.Record{Position: eventlog.Position(len(records)), CommitEnd: i == size-1})
		}
	}
	return records
}

// TestPiecesAreWholeCommits and end where the log ended at the beginning.
func TestPiecesAreWholeCommits(t *testing.T) {
	small := slices.Repeat([]int{1}, 3*pieceRecords)
	for name, test := range map[string]struct {
		records []eventlog.Record
		till    eventlog.Position
		want    []int
	}{
		"small commits":             {commits(small...), 10_000, []int{pieceRecords, pieceRecords, pieceRecords}},
		"one large commit":          {commits(1000), 10_000, []int{1000}},
		"a large one behind others": {commits(pieceRecords-1, 500, 1), 10_000, []int{pieceRecords + 499, 1}},
		"less than a piece":         {commits(2, 3), 10_000, []int{5}},
		"beyond the end":            {commits(small...), 0, []int{3 * pieceRecords}},
		"across the end":            {commits(small...), pieceRecords, []int{pieceRecords, 2 * pieceRecords}},
	} {
		t.Run(name, func(t *testing.T) {
			log := newScript()
			log.records = test.records
			var got []int
			next := 0
			enough := errors.New("enough")
			err := gentleLog{log, &Live{}, test.till}.Follow(t.Context(), 0, func(records []eventlog.Record) error {
				if int(records[0].Position) != next || !records[len(records)-1].CommitEnd {
					t.Errorf("%d records from %d, want whole commits from %d", len(records), records[0].Position, next)
				}
				got, next = append(got, len(records)), next+len(records)
				if next == len(test.records) {
					return enough
				}
				return nil
			})
			if err != enough || !slices.Equal(got, test.want) {
				t.Errorf("pieces of %v, %v; want %v", got, err, test.want)
			}
		})
	}
}

// TestARebuildRestsWhileOthersAsk, as long as it works, and not when nobody does.
func TestARebuildRestsWhileOthersAsk(t *testing.T) {
	for name, test := range map[string]struct {
		asked bool
		till  eventlog.Position
		want  time.Duration
	}{
		"nobody asks":      {false, 1000, 3 * time.Second},
		"somebody asks":    {true, 1000, 6 * time.Second},
		"at the log's end": {true, 0, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log, live := newScript(), &Live{}
				log.records = commits(pieceRecords, pieceRecords, pieceRecords)
				ctx, cancel := context.WithCancel(t.Context())
				began, took := time.Now(), time.Duration(0)
				time.AfterFunc(time.Hour, cancel)
				err := gentleLog{log, live, test.till}.Follow(ctx, 0, func(records []eventlog.Record) error {
					took = time.Since(began) + time.Second
					time.Sleep(time.Second)
					if test.asked {
						live.asked.Add(1)
					}
					return nil
				})
				if !errors.Is(err, context.Canceled) {
					t.Errorf("Follow: %v", err)
				}
				if test.asked && test.till > 0 {
					took += time.Second // the last rest is behind the last piece
				}
				if took != test.want {
					t.Errorf("it took %v, want %v", took, test.want)
				}
			})
		})
	}
}
