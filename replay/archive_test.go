package replay_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/dictionary"
	"fhirlog/domain/event"
	"fhirlog/domain/feed"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/patch"
	"fhirlog/domain/resource"
	"fhirlog/eventlog"
	"fhirlog/projections"
	"fhirlog/replay"
)

// state is what the server answers for a resource as of a snapshot.
type state struct {
	kind     domain.Kind // NotFound, Deleted, or Internal for a version
	position uint64
	body     string
}

// past is what it answers for all resources as of some snapshots.
type past map[uint64]map[place]state

// past asks the projections for some of the past.
func (m *machine) past() past {
	m.t.Helper()
	p := past{0: {}, m.projections.Applied(): {}}
	for range 6 {
		if n := m.projections.Applied(); n > 0 {
			end, err := m.projections.CommitEnd(m.rand.Uint64N(n))
			if err != nil {
				m.t.Fatal(err)
			}
			p[end] = map[place]state{}
		}
	}
	for snapshot, states := range p {
		for _, at := range append(slices.Clone(m.places), m.gone...) {
			v, err := m.projections.ReadAsOf(m.t.Context(), at.t, at.id, snapshot)
			switch kind := domain.KindOf(err); {
			case err == nil:
				states[at] = state{position: v.Position, body: string(v.AppendJSON(nil))}
			case kind == domain.NotFound || kind == domain.Deleted:
				states[at] = state{kind: kind}
			default:
				m.t.Fatal(err)
			}
		}
	}
	return p
}

// hashes are those of all files in a folder, with their modes.
func hashes(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		info, errInfo := d.Info()
		found[path] = fmt.Sprintf("%x %v %v", sha256.Sum256(text), info.Mode(), info.ModTime())
		return errors.Join(err, errInfo)
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func openArchive(t *testing.T, dir string) *replay.Archive {
	t.Helper()
	a, err := replay.OpenArchive(filepath.Join(dir, "log"), "urn:test", eventlog.Options{Dictionary: dictionary.V1, SegmentBytes: 64 << 10})
	if err == nil {
		err = a.Survey(t.Context(), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// checkArchive compares what an archive tells with what was live, and that it leaves
// the folder as it is.
func (m *machine) checkArchive(live map[bool][]string, p past) {
	m.t.Helper()
	before := hashes(m.t, m.dir)
	a := openArchive(m.t, m.dir)
	for all, want := range live {
		got := walked(m.t, &a.Feed, feed.Query{Until: 1 << 60, Bodies: true, Filter: feed.Filter{All: all}}, false).lines
		if !slices.Equal(got, want) {
			m.t.Errorf("seed %d: the archive tells\n%q\nand the server told\n%q", m.seed, got, want)
		}
	}
	for snapshot, states := range p {
		for at, want := range states {
			m.checkPast(a, at, snapshot, want)
		}
	}
	for from, former := range p {
		for to, latter := range p {
			if from <= to {
				m.checkRevisions(a, from, to, former, latter)
			}
		}
	}
	m.checkIndex(a, p)
	if err := a.Close(); err != nil {
		m.t.Error(err)
	}
	if after := hashes(m.t, m.dir); !mapsEqual(before, after) {
		m.t.Errorf("seed %d: the folder was changed", m.seed)
	}
}

func mapsEqual(a, b map[string]string) bool {
	for key, value := range a {
		if b[key] != value {
			return false
		}
	}
	return len(a) == len(b)
}

// checkPast compares a state with what the server answered.
func (m *machine) checkPast(a *replay.Archive, at place, snapshot uint64, want state) {
	m.t.Helper()
	life, err := a.Life(m.t.Context(), at.t, at.id)
	if err != nil {
		m.t.Fatal(err)
	}
	e := life.At(snapshot)
	got := state{kind: domain.NotFound}
	switch {
	case e == nil || e.Event.Kind == event.Erased || e.Content == feed.Erased:
	case e.Event.Kind == event.Deleted:
		got.kind = domain.Deleted
	default:
		stored, err := a.Stored(e)
		if err != nil {
			m.t.Fatal(err)
		}
		e.SetBody(stored)
		got = state{position: e.Position, body: string(e.Body)}
	}
	if got != want {
		m.t.Fatalf("seed %d: %v as of %d: %+v, the server answered %+v", m.seed, at, snapshot, got, want)
	}
}

// checkRevisions compares what changed between two snapshots with their states.
func (m *machine) checkRevisions(a *replay.Archive, from, to uint64, former, latter map[place]state) {
	m.t.Helper()
	told := map[place]*replay.Revision{}
	err := a.Revisions(m.t.Context(), from, to, feed.Filter{}, func(r *replay.Revision) error {
		told[place{r.Type, r.ID}] = r
		return nil
	})
	if err != nil {
		m.t.Fatal(err)
	}
	for at, now := range latter {
		was, r := former[at], told[at]
		wasThere, isThere := was.body != "", now.body != ""
		switch {
		case r == nil && was != now && (wasThere || isThere):
			m.t.Fatalf("seed %d: %v from %d to %d: nothing told; it was %+v and is %+v", m.seed, at, from, to, was, now)
		case r == nil:
		case r.Outcome == replay.Updated && isThere && r.Before.Content == feed.Present:
			m.checkPatch(r)
		case r.Outcome == replay.Updated && isThere && r.Before.Content == feed.Erased && !wasThere:
		case r.Outcome == replay.Created && isThere && !wasThere:
		case r.Outcome == replay.Deleted && !isThere && now.kind == domain.Deleted:
		case r.Outcome == replay.Gone && !isThere:
		default:
			m.t.Fatalf("seed %d: %v from %d to %d: %s; it was %+v and is %+v", m.seed, at, from, to, r.Outcome, was, now)
		}
	}
}

// checkPatch applies the patch of a revision as PATCH would.
func (m *machine) checkPatch(r *replay.Revision) {
	m.t.Helper()
	text, err := r.AppendPatch(nil)
	if err != nil {
		m.t.Fatal(err)
	}
	p, err := patch.ParseJSON(text)
	if err != nil {
		m.t.Fatal(err)
	}
	made, err := p.Apply(m.parse(string(r.Before.Body)))
	if err != nil {
		m.t.Fatal(err)
	}
	// As a write would store it: with meta, whatever is in it.
	stored, _ := resource.AppendStored(nil, made.Root(), r.ID, nil)
	if !fhirjson.Equal(m.parse(string(stored)), m.parse(string(r.After.Body))) {
		m.t.Fatalf("seed %d: %s\nmakes %s\nof    %s\nwant  %s", m.seed, text, stored, r.Before.Body, r.After.Body)
	}
}

// checkIndex compares the projections of an archive, new ones, with the server.
func (m *machine) checkIndex(a *replay.Archive, p past) {
	m.t.Helper()
	o := m.projectionOptions()
	o.Dir = filepath.Join(m.t.TempDir(), "index")
	x, err := a.Project(m.t.Context(), o, nil)
	if err != nil {
		m.t.Fatal(err)
	}
	for snapshot, states := range p {
		for at, want := range states {
			v, err := x.ReadAsOf(m.t.Context(), at.t, at.id, snapshot)
			if want.body == "" && domain.KindOf(err) != want.kind || want.body != "" && (err != nil || string(v.AppendJSON(nil)) != want.body) {
				m.t.Fatalf("seed %d: ReadAsOf(%v, %d): %v, want %+v", m.seed, at, snapshot, err, want)
			}
		}
	}
	if err := x.Close(); err != nil {
		m.t.Fatal(err)
	}
}

var _ replay.View = (*projections.Projections)(nil)

// TestArchiveOfATornLog reads what a crash has left, and leaves it as it is.
func TestArchiveOfATornLog(t *testing.T) {
	m := newMachine(t, 7)
	for range 60 {
		m.run(m.command())
	}
	killed := m.killedCopy()
	m.stop()
	names, err := filepath.Glob(filepath.Join(killed, "log", "*.seg"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	last := slices.Max(names)
	f, err := os.OpenFile(last, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("torn"), tail(t, last)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for _, left := range []string{"prepared-00000099.tmp", "compact-00000001.tmp"} {
		if err := os.WriteFile(filepath.Join(killed, "log", left), []byte("unfinished"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := hashes(t, killed)
	a := openArchive(t, killed)
	if got := walked(t, &a.Feed, feed.Query{Until: 1 << 60, Filter: feed.Filter{All: true}}, false); len(got.entries) != int(a.Applied()) || len(got.entries) < 20 {
		t.Errorf("%d entries of %d", len(got.entries), a.Applied())
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if !mapsEqual(before, hashes(t, killed)) {
		t.Error("the folder was changed")
	}
}

// tail is where the zeros at the end of a file begin, rounded up to eight.
func tail(t *testing.T, path string) int64 {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	end := len(text)
	for end > 0 && text[end-1] == 0 {
		end--
	}
	return int64(end+7) / 8 * 8
}

// TestArchiveThatIsServed refuses a folder that a server has, and keeps servers from
// one that is read.
func TestArchiveThatIsServed(t *testing.T) {
	m := newMachine(t, 1)
	if _, err := replay.OpenArchive(filepath.Join(m.dir, "log"), "urn:test", eventlog.Options{Dictionary: dictionary.V1}); !errors.Is(err, eventlog.ErrLocked) {
		t.Errorf("OpenArchive of a folder in use: %v", err)
	}
	m.stop()
	a := openArchive(t, m.dir)
	b := openArchive(t, m.dir) // readers do not disturb each other
	if _, _, err := eventlog.Open(filepath.Join(m.dir, "log"), eventlog.Options{Dictionary: dictionary.V1}); !errors.Is(err, eventlog.ErrLocked) {
		t.Errorf("Open of a folder that is read: %v", err)
	}
	if err := errors.Join(a.Close(), b.Close()); err != nil {
		t.Error(err)
	}
	if _, err := replay.OpenArchive(filepath.Join(m.dir, "nothing"), "urn:test", eventlog.Options{Dictionary: dictionary.V1}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("OpenArchive of nothing: %v", err)
	}
}

// TestArchiveHidesDefinitionsToo: versions of a SearchParameter that were purged keep
// their bodies for the sake of the index, and are told as little as all others.
func TestArchiveHidesDefinitionsToo(t *testing.T) {
	m := newMachine(t, 1)
	for _, name := range []string{"one", "two"} {
		body := `{"resourceType":"SearchParameter","id":"s","url":"http://example.org/s","name":"` + name + `","status":"active","description":"d","code":"s","base":["Patient"],"type":"token","expression":"Patient.active"}`
		if _, err := m.commits.Commit(t.Context(), commit.Caller{}, []commit.Command{{Interaction: event.Update, Type: "SearchParameter", ID: "s", Resource: m.parse(body)}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := m.commits.Commit(t.Context(), commit.Caller{}, []commit.Command{{Interaction: event.PurgeHistory, Type: "SearchParameter", ID: "s"}}); err != nil {
		t.Fatal(err)
	}
	live := walked(t, m.feed(), feed.Query{Until: 3, Bodies: true}, false)
	m.stop()
	a := openArchive(t, m.dir)
	defer a.Close()
	got := walked(t, &a.Feed, feed.Query{Until: 3, Bodies: true}, false)
	if !slices.Equal(got.lines, live.lines) || !slices.Equal(positions(got.entries), []uint64{1, 2}) {
		t.Errorf("told %v, the server told %v", got.lines, live.lines)
	}
}
