package replay_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/eventlog"
	"fhirlog/projections"
	"fhirlog/replay"
)

// compact erases what the model does not have any more, in the log, and most times
// in the projections as well, as the server does.
func (m *machine) compact() {
	m.t.Helper()
	kept := map[uint64]bool{}
	for _, versions := range m.model {
		for _, v := range versions {
			kept[v.position] = true
		}
	}
	var want []eventlog.Position
	if err := m.log.Scan(m.t.Context(), 0, false, func(r eventlog.Record) error {
		if r.HasBody && !kept[uint64(r.Position)] {
			want = append(want, r.Position)
		}
		return nil
	}); err != nil {
		m.t.Fatal(err)
	}
	found, err := replay.FindErasures(m.t.Context(), m.log, false)
	if err != nil {
		m.t.Fatalf("seed %d: %v", m.seed, err)
	}
	if got := slices.Collect(found.Positions()); !slices.Equal(got, want) || found.Any() != (len(want) > 0) {
		m.t.Fatalf("seed %d: to be erased are %v, want %v", m.seed, got, want)
	}
	done, err := m.log.Compact(m.t.Context(), found.Positions(), eventlog.CompactOptions{})
	if err != nil || done.Records != uint64(len(want)) {
		m.t.Fatalf("seed %d: Compact = %+v, %v, want %d records", m.seed, done, err, len(want))
	}
	m.compacted += done.Records
	m.checkAll()
	m.stale = m.stale || len(want) > 0
	if m.rand.IntN(4) > 0 {
		m.renew()
		m.checkAll()
	}
}

// renew computes the projections anew, if they have more than the log gives.
func (m *machine) renew() {
	m.t.Helper()
	if !m.stale {
		return
	}
	m.stale = false
	m.stop()
	log := m.openLog()
	o := m.projectionOptions()
	dir := o.Dir
	o.Dir = projections.SuccessorOf(dir)
	if err := replay.Rebuild(m.t.Context(), log, o, nil); err != nil {
		m.t.Fatalf("seed %d: rebuild: %v", m.seed, err)
	}
	if err := log.Close(); err != nil {
		m.t.Fatal(err)
	}
	if err := projections.Install(dir); err != nil {
		m.t.Fatal(err)
	}
	m.start()
}

// written is a log for tests: events and whether they still have their bodies.
type written []writtenEvent

type writtenEvent struct {
	event.Event
	erased bool
}

func (w written) Durable() eventlog.Position { return eventlog.Position(len(w)) }

func (w written) ReadMetadata(p eventlog.Position) (eventlog.Record, error) {
	return eventlog.Record{
		Position: p, Metadata: w[p].Append(nil), HasBody: w[p].Kind == event.Written && !w[p].erased, Erased: w[p].erased,
	}, nil
}

func (w written) Scan(_ context.Context, from eventlog.Position, _ bool, fn func(eventlog.Record) error) error {
	for p := from; p < w.Durable(); p++ {
		r, _ := w.ReadMetadata(p)
		if err := fn(r); err != nil {
			return err
		}
	}
	return nil
}

// TestFindErasures writes events as kind, resource and position before, such as
// "write a1 of 0"; ! says that it drops that one, ~ that its body is gone.
func TestFindErasures(t *testing.T) {
	for _, c := range []struct {
		name            string
		log             string
		named, replaced uint64
		want            []eventlog.Position
	}{
		{"an empty log", "", 0, 0, nil},
		{"history is kept", "write a; write a 0; delete a 1; write a 2", 0, 0, nil},
		{"hard delete", "write a; write b; write a 0; erase a 2; write b 1", 2, 0, []eventlog.Position{0, 2}},
		{"hard delete of what was deleted", "write a; delete a 0; erase a 1", 1, 0, []eventlog.Position{0}},
		{"two lives, one of them erased", "write a; erase a 0; write a; write a 2", 1, 0, []eventlog.Position{0}},
		{"two lives, both erased", "write a; erase a 0; write a; write a 2; erase a 3", 3, 0, []eventlog.Position{0, 2, 3}},
		{"history purged", "write a; write a 0; write a 1; purge a 2; write a 2", 2, 0, []eventlog.Position{0, 1}},
		{"purged twice", "write a; write a 0; purge a 1; write a 1; purge a 3", 2, 0, []eventlog.Position{0, 1}},
		{"purged when deleted", "write a; delete a 0; purge a 1", 1, 0, []eventlog.Position{0}},
		{"purged, then erased", "write a; write a 0; purge a 1; erase a 1", 2, 0, []eventlog.Position{0, 1}},
		{"replaced", "write a; write a! 0; write a 1; write a! 2", 0, 2, []eventlog.Position{0, 2}},
		{"replaced by a deletion", "write a; delete a! 0", 0, 1, []eventlog.Position{0}},
		{"replaced, then erased", "write a; write a! 0; erase a 1", 2, 0, []eventlog.Position{0, 1}},
		{"gone already", "write a~; write a! 0; write b~; erase b 2", 0, 0, nil},
		{"a part is gone already", "write a~; write a 0; erase a 1", 1, 0, []eventlog.Position{1}},
		{"a definition that was replaced or purged stays", "write P; write P! 0; write P 1; purge P 2", 0, 0, nil},
		{"a definition that is hard deleted goes", "write P; write P! 0; purge P 1; erase P 1", 2, 0, []eventlog.Position{0, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := replay.FindErasures(t.Context(), parseWritten(t, c.log), false)
			if err != nil {
				t.Fatal(err)
			}
			got := slices.Collect(e.Positions())
			if !slices.Equal(got, c.want) || e.Named != c.named || e.Replaced != c.replaced {
				t.Errorf("got %v, %d named, %d replaced; want %v, %d, %d", got, e.Named, e.Replaced, c.want, c.named, c.replaced)
			}
		})
	}
}

func parseWritten(t *testing.T, text string) (w written) {
	kinds := map[string]event.Kind{"write": event.Written, "delete": event.Deleted, "erase": event.Erased, "purge": event.HistoryPurged}
	for line := range strings.SplitSeq(text, "; ") {
		if line == "" {
			continue
		}
		var kind, id string
		e := writtenEvent{Event: event.Event{Interaction: event.Update, Type: "Patient", Version: 1, Previous: event.NoPosition}}
		if n, err := fmt.Sscan(line, &kind, &id, &e.Previous); n < 2 || n == 2 && strings.Count(line, " ") != 1 {
			t.Fatalf("%q: %v", line, err)
		}
		e.Kind = kinds[kind]
		id, e.DropsPrevious = strings.CutSuffix(id, "!")
		id, e.erased = strings.CutSuffix(id, "~")
		if e.ID = domain.LogicalID(id); id == "P" {
			e.Type = "SearchParameter"
		}
		w = append(w, e)
	}
	return w
}

func TestFindErasuresOfADamagedLog(t *testing.T) {
	if _, err := replay.FindErasures(t.Context(), damaged{parseWritten(t, "write a; write a 0")}, true); err == nil || !strings.Contains(err.Error(), "position 1") {
		t.Errorf("got %v, want the position that cannot be read", err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	dir := t.TempDir()
	log, _, err := eventlog.Open(filepath.Join(dir, "log"), eventlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if _, err := replay.FindErasures(ended, log, true); err != nil {
		t.Errorf("an empty log: %v", err)
	}
}

// damaged has metadata that nobody understands at position 1.
type damaged struct{ written }

func (d damaged) Scan(ctx context.Context, from eventlog.Position, bodies bool, fn func(eventlog.Record) error) error {
	return d.written.Scan(ctx, from, bodies, func(r eventlog.Record) error {
		if r.Position == 1 {
			r.Metadata = bytes.Repeat([]byte{9}, 9)
		}
		return fn(r)
	})
}
