package projections_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/event"
	"fhirlog/eventlog"
	"fhirlog/projections"
	"fhirlog/replay"
)

// compactLog removes from a log what is erased; ids too, but gently.
func compactLog(t *testing.T, log *eventlog.Log, gently bool) uint64 {
	t.Helper()
	found, err := replay.FindErasures(t.Context(), log, gently)
	if err != nil {
		t.Fatal(err)
	}
	options, ids := eventlog.CompactOptions{Gently: gently}, uint64(0)
	if !gently {
		options, ids = found.WithIDs(options), found.IDs
		if err := commit.AnnounceErasedIDs(t.Context(), log, commit.Caller{}, found.IDPositions()); err != nil {
			t.Fatal(err)
		}
	}
	done, err := log.Compact(t.Context(), found.Positions(), options)
	if err != nil || done.Records != found.Named+found.Replaced || done.Metadata != ids {
		t.Fatalf("Compact = %+v, %v; to be erased were %d and %d", done, err, found.Named, found.Replaced)
	}
	return done.Records
}

// renew computes the projections anew from the log.
func (m *searchMachine) renew() {
	m.t.Helper()
	m.stop()
	log := m.openLog()
	o := m.options()
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

// TestSearchAgreesAfterCompactions is TestSearchAgreesWithThePlainEvaluator with
// compactions: the same searches find the same, at the head and as of past
// positions, while the index still has values that the log has not, when a part of
// it is made again by a restart, and when all of it is.
func TestSearchAgreesAfterCompactions(t *testing.T) {
	for round := range effort(t) {
		seed := seedOf(t, round)
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			m := newSearchMachine(t, seed)
			erased := uint64(0)
			for range 3 {
				m.write(130)
				erased += compactLog(t, m.log, false)
				m.question(30)
				if m.rand.IntN(2) == 0 {
					m.restart()
					m.question(30)
				}
				m.renew()
				m.question(30)
			}
			if erased == 0 {
				t.Errorf("seed %d: nothing was erased: that shows little", seed)
			}
			m.finish()
		})
	}
}

// TestCompactionUnderLoad compacts and rebuilds again and again while clients
// write, read and search: pages as of old snapshots stay what they were, and what
// was erased is not found.
func TestCompactionUnderLoad(t *testing.T) {
	m := newLiveMachine(t)
	m.fill("first", 1500)
	stop := m.load(3)
	erased := uint64(0)
	for round := range 2 {
		family := fmt.Sprint("Secret", round)
		for i := range 20 {
			id := domain.LogicalID(fmt.Sprint("secret", round, "-", i))
			for version := range 2 {
				if _, err := m.put(id, family, fmt.Sprint("of ", i), fmt.Sprint("in version ", version)); err != nil {
					t.Fatal(err)
				}
			}
			interaction := event.HardDelete
			if i%2 == 0 {
				interaction = event.PurgeHistory
				if _, err := m.put(id, "Kept"); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := m.commits.Commit(t.Context(), commit.Caller{}, []commit.Command{{Interaction: interaction, Type: "Patient", ID: id}}); err != nil {
				t.Fatal(err)
			}
		}
		erased += compactLog(t, m.log, true)
		if _, err := m.live.Rebuild(t.Context()); err != nil {
			t.Fatalf("Rebuild = %v", err)
		}
		applied := m.live.Applied()
		for _, snapshot := range []uint64{applied / 2, applied} {
			if found, err := m.pages(snapshot, 10, "family="+family); err != nil || len(found) > 0 {
				t.Errorf("as of %d, what was erased is found at %v, %v", snapshot, found, err)
			}
		}
	}
	t.Logf("%d acts of clients, %d versions erased", stop(), erased)
	if want := uint64(2 * 20 * 2); erased != want {
		t.Errorf("%d versions were erased, want %d", erased, want)
	}
	m.checkRebuilt()
	if left, _ := filepath.Glob(filepath.Join(m.dir, "log", "*.tmp")); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}
