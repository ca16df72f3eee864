package projections

import (
	"errors"
	"fmt"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/resource"
	"fhirlog/eventlog"
)

// withoutIDs is a copy of a log of which the ids of some records are erased, and the
// bodies with them.
func (s *script) withoutIDs(t testing.TB, positions ...int) *script {
	t.Helper()
	erased := s.upTo(len(s.records))
	for _, p := range positions {
		r := &erased.records[p]
		stub, err := event.Stub(r.Metadata)
		if err != nil {
			t.Fatal(err)
		}
		r.Metadata, r.MetadataErased = stub, true
		r.Erased, r.HasBody, r.Body = r.HasBody, false, nil
	}
	return erased
}

// upTo is a copy of the first records of a log.
func (s *script) upTo(n int) *script {
	part := newScript()
	part.records = append(part.records, s.records[:n]...)
	return part
}

// livesLog is a log with two lives of Patient/a, of which the first is hard deleted with
// all that may happen to a resource, and a Basic whose history is not kept. It says
// which records have the ids of what was hard deleted.
func livesLog() (log *script, erased []int) {
	log = newScript()
	log.commit(write("Patient", "a"))        // 0
	log.commit(write("Patient", "b"))        // 1
	log.commit(write("Patient", "a"))        // 2
	log.commit(purge("Patient", "a"))        // 3
	log.commit(write("Basic", "c"))          // 4
	log.commit(write("Patient", "a"))        // 5
	log.commit(replaceVersion("Basic", "c")) // 6
	log.commit(remove("Patient", "a"))       // 7
	log.commit(erase("Patient", "a"))        // 8
	log.commit(write("Patient", "b"))        // 9
	log.commit(erase("Basic", "c"))          // 10
	log.commit(write("Patient", "a"))        // 11
	return log, []int{0, 2, 3, 4, 5, 6, 7, 8, 10}
}

// TestErasedIDs opens projections of every length, made while the log had the ids, with
// a log that has them no more: what was hard deleted is not there, and all else is.
func TestErasedIDs(t *testing.T) {
	whole, erased := livesLog()
	without := whole.withoutIDs(t, erased...)
	for _, cut := range []int{0, 1, 3, 6, 8, 9, 10, 12} {
		t.Run(fmt.Sprint("cut at ", cut), func(t *testing.T) {
			dir := t.TempDir()
			build(t, whole.upTo(cut), dir)
			checkLives(t, without, dir)
		})
	}
	t.Run("a compaction that was interrupted", func(t *testing.T) {
		dir := t.TempDir()
		build(t, whole.upTo(6), dir)
		checkLives(t, whole.withoutIDs(t, erased[:4]...), dir)
	})
}

func checkLives(t *testing.T, log *script, dir string) {
	t.Helper()
	p := open(t, log, dir)
	defer run(t, p)()
	catchUp(t, p)
	ctx, applied := t.Context(), p.Applied()
	for id, version := range map[domain.LogicalID]domain.VersionID{"a": 1, "b": 2} {
		if v, err := p.Read(ctx, "Patient", id); err != nil || v.Version != version {
			t.Errorf("Read %s = version %d, %v; want %d", id, v.Version, err, version)
		}
		if page, err := p.InstanceHistory(ctx, "Patient", id, resource.HistoryQuery{Snapshot: applied, Before: applied, Count: 10}); err != nil || page.Total != int(version) {
			t.Errorf("history of %s: %d, %v", id, page.Total, err)
		}
	}
	if state, err := p.Current("Basic", "c", applied); err != nil || state.Exists {
		t.Errorf("the erased Basic is there: %+v, %v", state, err)
	}
	if v, err := p.ReadAsOf(ctx, "Patient", "a", 7); domain.KindOf(err) != domain.NotFound {
		t.Errorf("the first life is there: %+v, %v", v, err)
	}
	if page, err := p.TypeHistory(ctx, "", resource.HistoryQuery{Snapshot: applied, Before: applied, Count: 10}); err != nil || page.Total != 3 {
		t.Errorf("history of all: %d, %v; want 3", page.Total, err)
	}
	if matches := len(findAll(t, p, applied)); matches != 2 {
		t.Errorf("%d patients are found, want 2", matches)
	}
	for position := range uint64(len(log.records)) {
		if _, err := p.version(position); log.records[position].MetadataErased && domain.KindOf(err) != domain.NotFound {
			t.Errorf("the version at %d = %v, want that there is none", position, err)
		}
		// Who has found it just before is told to ask again.
		if _, id, err := p.Identify(position); log.records[position].MetadataErased != (domain.KindOf(err) == domain.Unavailable) || err == nil && id == "" {
			t.Errorf("Identify(%d) = %q, %v", position, id, err)
		}
	}
}

// findAll finds the patients that are current.
func findAll(t *testing.T, p *Projections, snapshot uint64) (positions []uint64) {
	t.Helper()
	if err := p.Shown(0, snapshot, func(position uint64) (bool, error) {
		e, err := p.lookup(position)
		if err == nil && e.Type == "Patient" {
			if state, failed := p.Current("Patient", e.ID, snapshot); failed == nil && state.Position == position {
				positions = append(positions, position)
			}
		}
		return true, err
	}); err != nil {
		t.Fatal(err)
	}
	return positions
}

// TestErasedIDsOfSearchParameters: a registry that knows of one whose erasure has no id
// is computed anew, and no other.
func TestErasedIDsOfSearchParameters(t *testing.T) {
	whole := newScript()
	whole.commit(write("Patient", "a"))            // 0
	whole.commit(write("SearchParameter", "gone")) // 1
	whole.commit(write("SearchParameter", "kept")) // 2
	whole.commit(write("Patient", "a"))            // 3
	whole.commit(erase("SearchParameter", "gone")) // 4
	without := whole.withoutIDs(t, 1, 4)
	for _, cut := range []int{1, 2, 4, 5} {
		dir := t.TempDir()
		build(t, whole.upTo(cut), dir)
		p, rebuilt, err := Open(without, testOptions(dir))
		if err != nil || errors.Is(rebuilt, errParameterUnknown) != (cut == 2 || cut == 4) {
			t.Fatalf("cut at %d: rebuilt %v, %v", cut, rebuilt, err)
		}
		stop := run(t, p)
		catchUp(t, p)
		if r := p.Registry(); r.Resources["gone"] != nil || r.Resources["kept"] == nil || r.Last != 2 {
			t.Errorf("cut at %d: the registry has %+v, %d counted", cut, r.Resources, r.Last)
		}
		stop()
	}
}

// TestErasedIDsThatCannotBeRead: a log that cannot be read is no fault of the folder.
func TestErasedIDsThatCannotBeRead(t *testing.T) {
	whole, _ := livesLog()
	dir := t.TempDir()
	build(t, whole.upTo(3), dir)
	broken := whole.upTo(3)
	broken.add(eventlog.Record{Position: 3, Metadata: []byte("no event"), CommitEnd: true})
	if _, rebuilt, err := Open(broken, testOptions(dir)); rebuilt != nil || !errors.Is(err, errReadAhead) {
		t.Errorf("Open: rebuilt %v, %v; want errReadAhead", rebuilt, err)
	}
}
