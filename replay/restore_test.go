package replay_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"fhirlog/domain/commit"
	"fhirlog/domain/dictionary"
	"fhirlog/domain/event"
	"fhirlog/domain/feed"
	"fhirlog/eventlog"
	"fhirlog/replay"
	"fhirlog/replay/backup"
)

// earlier is what the model was at some moment.
type earlier struct {
	size   uint64
	model  map[place][]modelVersion
	places []place
	gone   []place
}

// TestRestoresAgreeWithThePlainModel runs random commands, restarts, compactions and
// backups, and restores random moments: each is the server that there was, but for what
// has been compacted away since, which is erased there as well.
func TestRestoresAgreeWithThePlainModel(t *testing.T) {
	rounds := 3
	if testing.Short() {
		rounds = 1
	}
	lost := 0
	for round := range rounds {
		seed := uint64(time.Now().UnixNano()) + uint64(round)
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			m, target := newMachine(t, seed), t.TempDir()
			var moments []earlier
			for range 100 {
				m.step()
				if m.rand.IntN(3) == 0 && m.log.Next() > 0 {
					moments = append(moments, m.earlier())
				}
				if m.rand.IntN(12) == 0 && m.log.Next() > 0 {
					m.backUp(target)
				}
			}
			m.compact()
			m.backUp(target)
			for range 3 {
				lost += m.checkRestored(target, moments[m.rand.IntN(len(moments))])
			}
		})
	}
	if lost == 0 && !testing.Short() {
		t.Error("nothing was ever lost to a compaction: that shows little")
	}
}

func (m *machine) earlier() earlier {
	p := earlier{uint64(m.log.Next()), maps.Clone(m.model), slices.Clone(m.places), slices.Clone(m.gone)}
	for place, versions := range p.model {
		p.model[place] = slices.Clone(versions)
	}
	return p
}

func (m *machine) backUp(dir string) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.dir, "fhirlog.json"), []byte("{}"), 0o600); err != nil {
		m.t.Fatal(err)
	}
	target, err := backup.OpenFolderToWrite(eventlog.Disk(), dir)
	if err != nil {
		m.t.Fatal(err)
	}
	_, err = backup.Run(m.t.Context(), backup.Source{Dir: m.dir, Identity: "test", Log: eventlog.Options{Dictionary: dictionary.V1}}, target, backup.Options{})
	if err := errors.Join(err, target.Close()); err != nil {
		m.t.Fatalf("seed %d: backup: %v", m.seed, err)
	}
}

// checkRestored restores a moment, and tells how many resources had lost contents.
func (m *machine) checkRestored(target string, p earlier) int {
	m.t.Helper()
	stored, err := backup.Open(m.t.Context(), backup.OpenFolder(eventlog.Disk(), target))
	if err != nil {
		m.t.Fatal(err)
	}
	until, err := feed.ParseMoment(strconv.FormatUint(p.size-1, 10))
	if err != nil {
		m.t.Fatal(err)
	}
	r := &machine{
		t: m.t, seed: m.seed, rand: rand.New(rand.NewPCG(m.seed, p.size)), dir: filepath.Join(m.t.TempDir(), "data"), now: m.now,
		model: maps.Clone(p.model), places: slices.Clone(p.places), gone: slices.Clone(p.gone),
	}
	restored, err := stored.Restore(m.t.Context(), backup.RestoreOptions{
		Dir: r.dir, Log: eventlog.Options{Dictionary: dictionary.V1}, Until: until, Finish: func(*backup.Restored, []byte) error { return nil },
	})
	if err != nil || restored.Records != p.size {
		m.t.Fatalf("seed %d: restore %d records: %+v, %v", m.seed, p.size, restored, err)
	}
	r.start()
	lost, err := replay.FindLost(m.t.Context(), r.log)
	if err != nil {
		m.t.Fatal(err)
	}
	got := map[place]bool{}
	var commands []commit.Command
	for _, l := range lost.Resources {
		got[place{l.Type, l.ID}] = l.Former
		commands = append(commands, commit.Command{Interaction: event.HardDelete, Type: l.Type, ID: l.ID})
		if l.Former {
			commands[len(commands)-1].Interaction = event.PurgeHistory
		}
	}
	want, unknown := r.lost()
	if !maps.Equal(got, want) || unknown > 0 && len(lost.IDs) == 0 {
		m.t.Fatalf("seed %d: of %d records these have lost contents: %v, and ids %v; want %v, and ids of %d resources", m.seed, p.size, got, lost.IDs, want, unknown)
	}
	if len(commands) > 0 {
		r.run(commands...)
	}
	if err := commit.AnnounceErasedIDs(m.t.Context(), r.log, commit.Caller{}, slices.Values(lost.IDs)); err != nil {
		m.t.Fatal(err)
	}
	if err := r.projections.WaitApplied(m.t.Context(), uint64(r.log.Durable())); err != nil {
		m.t.Fatal(err)
	}
	r.checkIDs(nil)
	r.checkAll()
	for range 10 {
		r.step()
	}
	r.renew()
	r.checkAll()
	r.stop()
	r.checkRebuild()
	return len(lost.Resources) + len(lost.IDs)
}

// lost finds in the model what the log has no content of, and whether the current
// version has its. What the log has no id of it takes out of the model: that was hard
// deleted after the moment.
func (m *machine) lost() (lost map[place]bool, unknown int) {
	m.t.Helper()
	lost = map[place]bool{}
	for p, versions := range m.model {
		missing, whole, ids := false, false, 0
		for _, v := range versions {
			r, err := m.log.ReadMetadata(eventlog.Position(v.position))
			if err != nil {
				m.t.Fatal(err)
			}
			missing = missing || r.Erased
			whole = r.HasBody
			if r.MetadataErased {
				ids++
			}
		}
		switch {
		case ids > 0 && ids < len(versions):
			m.t.Errorf("seed %d: %d of %d versions have no id", m.seed, ids, len(versions))
		case ids > 0:
			unknown++
			m.model[p], m.gone = nil, append(m.gone, p)
		case missing:
			lost[p] = whole
		}
	}
	return lost, unknown
}
