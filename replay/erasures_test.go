package replay_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/commit"
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
		e, err := event.Decode(r.Metadata)
		if r.HasBody && !kept[uint64(r.Position)] && !e.Kind.Administrative() {
			want = append(want, r.Position)
		}
		return err
	}); err != nil {
		m.t.Fatal(err)
	}
	found, err := replay.FindErasures(m.t.Context(), m.log, false)
	if err != nil {
		m.t.Fatalf("seed %d: %v", m.seed, err)
	}
	if got := slices.Collect(found.Positions()); !slices.Equal(got, want) || found.Any(false) != (len(want) > 0) {
		m.t.Fatalf("seed %d: to be erased are %v, want %v", m.seed, got, want)
	}
	options, ids := eventlog.CompactOptions{}, map[eventlog.Position]bool{}
	if m.rand.IntN(2) == 0 {
		options, ids = found.WithIDs(options), m.erasedLives()
		if err := commit.AnnounceErasedIDs(m.t.Context(), m.log, commit.Caller{}, found.IDPositions()); err != nil {
			m.t.Fatal(err)
		}
		if err := m.projections.WaitApplied(m.t.Context(), uint64(m.log.Durable())); err != nil {
			m.t.Fatal(err)
		}
	}
	done, err := m.log.Compact(m.t.Context(), found.Positions(), options)
	if err != nil || done.Records != uint64(len(want)) || done.Metadata != uint64(len(ids)) {
		m.t.Fatalf("seed %d: Compact = %+v, %v, want %d records and %d ids", m.seed, done, err, len(want), len(ids))
	}
	m.compacted += done.Records
	m.checkIDs(ids)
	m.checkAll()
	m.stale = m.stale || len(want) > 0 || len(ids) > 0
	if m.rand.IntN(4) > 0 {
		m.renew()
		m.checkAll()
	}
}

// erasedLives lists what the log tells, by id, of lives of resources that were hard
// deleted.
func (m *machine) erasedLives() map[eventlog.Position]bool {
	m.t.Helper()
	lives, erased := map[place][]eventlog.Position{}, map[eventlog.Position]bool{}
	if err := m.log.Scan(m.t.Context(), 0, false, func(r eventlog.Record) error {
		e, err := event.Decode(r.Metadata)
		if err != nil || e.ID == "" {
			return err
		}
		p := place{e.Type, e.ID}
		lives[p] = append(lives[p], r.Position)
		if e.Kind == event.Erased {
			for _, position := range lives[p] {
				erased[position] = true
			}
			delete(lives, p)
		}
		return nil
	}); err != nil {
		m.t.Fatal(err)
	}
	return erased
}

// checkIDs sees that these records have no id, and that all of the log verifies.
func (m *machine) checkIDs(erased map[eventlog.Position]bool) {
	m.t.Helper()
	var audit replay.ErasureAudit
	if err := m.log.Scan(m.t.Context(), 0, true, func(r eventlog.Record) error {
		e, err := event.Decode(r.Metadata)
		if err != nil || erased[r.Position] && !r.MetadataErased || e.IDErased != (e.ID == "" && !e.Kind.Administrative()) {
			return fmt.Errorf("record %d is %+v, %v, of which the id is to be erased: %t", r.Position, e, err, erased[r.Position])
		}
		erasure, matters, err := replay.ErasureOf(&r)
		if matters {
			audit.Add(&erasure)
		}
		return errors.Join(err, r.Verify())
	}); err != nil {
		m.t.Fatalf("seed %d: %v", m.seed, err)
	}
	if position, unnamed := audit.Unnamed(); unnamed {
		m.t.Fatalf("seed %d: no event has taken what is erased at %d", m.seed, position)
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
	if err := projections.Install(projections.Options{Dir: dir}); err != nil {
		m.t.Fatal(err)
	}
	m.start()
}

// written is a log for tests: events and whether they still have their bodies.
type written []writtenEvent

type writtenEvent struct {
	event.Event
	erased bool
	stub   bool            // the metadata are erased
	ids    event.Positions // whose ids it takes
}

func (w written) Durable() eventlog.Position { return eventlog.Position(len(w)) }

func (w written) ReadMetadata(p eventlog.Position) (eventlog.Record, error) {
	return eventlog.Record{
		Position: p, Metadata: w[p].Append(nil), HasBody: w[p].Kind == event.Written && !w[p].erased || w[p].ids != nil, Erased: w[p].erased,
		MetadataErased: w[p].stub,
	}, nil
}

func (w written) Read(p eventlog.Position) (eventlog.Record, error) {
	r, err := w.ReadMetadata(p)
	if w[p].ids != nil {
		r.Body = event.AppendPositions(nil, w[p].ids)
	}
	return r, err
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
// "write a1 of 0"; ! says that it drops that one, ~ that its body is gone, ? that its id
// is, and its body if it had one.
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

// TestFindErasedIDs: the ids of what was hard deleted go from everything that was about
// that life of it.
func TestFindErasedIDs(t *testing.T) {
	for _, c := range []struct {
		name string
		log  string
		want []eventlog.Position
	}{
		{"an empty log", "", nil},
		{"nothing is hard deleted", "write a; write a 0; delete a 1; purge a 2", nil},
		{"hard delete", "write a; write b; write a 0; erase a 2; write b 1", []eventlog.Position{0, 2, 3}},
		{"of what was deleted", "write a; delete a 0; erase a 1", []eventlog.Position{0, 1, 2}},
		{"of what was purged", "write a; write b; write b 1; purge b 2; write a 0; purge a 4; write a 4; erase a 6", []eventlog.Position{0, 4, 5, 6, 7}},
		{"of what was replaced", "write a; write a! 0; erase a 1", []eventlog.Position{0, 1, 2}},
		{"of what is there again", "write a; erase a 0; write a; write a 2", []eventlog.Position{0, 1}},
		{"two lives", "write a; erase a 0; write a; purge a 2; erase a 2", []eventlog.Position{0, 1, 2, 3, 4}},
		{"bodies are gone already", "write a~; write a~ 0; erase a 1", []eventlog.Position{0, 1, 2}},
		{"a part is done", "write a?; purge a? 0; write a 0; erase a 2", []eventlog.Position{2, 3}},
		{"all is done", "write a?; write b; delete a? 0; erase a? 2", nil},
		{"of a search parameter", "write P; purge P 0; erase P 0", []eventlog.Position{0, 1, 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := replay.FindErasures(t.Context(), parseWritten(t, c.log), false)
			if err != nil {
				t.Fatal(err)
			}
			got := slices.Collect(e.WithIDs(eventlog.CompactOptions{}).Metadata)
			if !slices.Equal(got, c.want) || e.IDs != uint64(len(c.want)) {
				t.Errorf("got %v, %d; want %v", got, e.IDs, c.want)
			}
			if e.Any(true) != (len(c.want) > 0 || e.Any(false)) {
				t.Errorf("Any = %t and %t", e.Any(false), e.Any(true))
			}
		})
	}
}

// TestFindLost: a log that ends before what takes its erasures knows what is lost.
func TestFindLost(t *testing.T) {
	for _, c := range []struct {
		name      string
		log       string
		resources []replay.LostResource
		ids       []eventlog.Position
	}{
		{"nothing is lost", "write a?; erase a? 0; ids 0 1; write b", nil, nil},
		{"ids", "write a?; write b; write a? 0; erase a? 2", nil, []eventlog.Position{0, 2, 3}},
		{"ids of which some are announced", "write a?; erase a? 0; ids 0 1; write a?; purge a? 3", nil, []eventlog.Position{3, 4}},
		{"bodies", "write b~; write b 0; write a~; write c", []replay.LostResource{{Type: "Patient", ID: "b", Former: true}, {Type: "Patient", ID: "a"}}, nil},
		{"both", "write a?; write b~", []replay.LostResource{{Type: "Patient", ID: "b"}}, []eventlog.Position{0}},
		{"the first part of a life", "write a?; write a 0", nil, []eventlog.Position{0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := replay.FindLost(t.Context(), parseWritten(t, c.log))
			if err != nil || !slices.Equal(got.Resources, c.resources) || !slices.Equal(got.IDs, c.ids) {
				t.Errorf("got %+v, %v; want %+v, %v", got, err, c.resources, c.ids)
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
		if list, ok := strings.CutPrefix(line, "ids "); ok {
			e := writtenEvent{Event: event.Event{Kind: event.IDsErased, Interaction: event.Administer, Previous: event.NoPosition}}
			for field := range strings.FieldsSeq(list) {
				position, err := strconv.ParseUint(field, 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				e.ids.Add(position)
			}
			w = append(w, e)
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
		if id, e.stub = strings.CutSuffix(id, "?"); e.stub {
			e.erased = e.Kind == event.Written
			e.IDErased = true
		}
		if e.ID = domain.LogicalID(id); id == "P" {
			e.Type = "SearchParameter"
		}
		if e.IDErased {
			e.ID = ""
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
