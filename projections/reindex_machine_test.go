package projections_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/definitions"
	"fhirlog/domain/dictionary"
	"fhirlog/domain/event"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/registry"
	"fhirlog/domain/search"
	"fhirlog/eventlog"
	"fhirlog/projections"
	"fhirlog/projections/store"
	"fhirlog/replay"
)

// parameterMachine is a server without HTTP whose clients define search
// parameters, with a list of all versions of Patients beside it.
type parameterMachine struct {
	t    *testing.T
	rand *rand.Rand
	seed uint64
	dir  string

	log         *eventlog.Log
	projections *projections.Projections
	commits     *commit.Service
	ended       chan error // of the log, the applier and the worker
	stopWork    context.CancelFunc
	working     bool          // a worker is started with the rest
	late        chan struct{} // if set, the log is followed when it is closed
	beforeWrite func() error

	versions []patient // by position
	latest   map[domain.LogicalID]int
}

// patient is one version of a Patient in the model.
type patient struct {
	position uint64
	id       domain.LogicalID
	given    []string
	born     string
	deleted  bool
	ended    uint64 // position of what ended it
	removed  bool
}

func newParameterMachine(t *testing.T) *parameterMachine {
	seed := uint64(time.Now().UnixNano())
	m := &parameterMachine{t: t, seed: seed, rand: rand.New(rand.NewPCG(seed, 5)), dir: t.TempDir(), working: true, latest: map[domain.LogicalID]int{}}
	m.start()
	t.Cleanup(func() {
		if m.log != nil && !t.Failed() {
			m.stop()
		}
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	})
	return m
}

func (m *parameterMachine) options() projections.Options {
	return projections.Options{
		Dir: filepath.Join(m.dir, "projections"), FHIRVersion: "R4", LogIdentity: "test",
		Store: store.Options{MemTableBytes: 1 << 20, BeforeWrite: func() error {
			if m.beforeWrite != nil {
				return m.beforeWrite()
			}
			return nil
		}},
	}
}

func (m *parameterMachine) openLog() *eventlog.Log {
	log, _, err := eventlog.Open(filepath.Join(m.dir, "log"), eventlog.Options{Dictionary: dictionary.V1, SegmentBytes: 4 << 20})
	if err != nil {
		m.t.Fatal(err)
	}
	return log
}

func (m *parameterMachine) start() {
	m.t.Helper()
	d, err := definitions.Load(definitions.R4)
	if err != nil {
		m.t.Fatal(err)
	}
	m.log = m.openLog()
	var rebuilt error
	if m.projections, rebuilt, err = projections.Open(m.log, m.options()); err != nil || rebuilt != nil {
		m.t.Fatalf("Open: %v; rebuilt: %v", err, rebuilt)
	}
	log, p := m.log, m.projections
	o := commit.Options{Registry: p.Registry}
	if m.rand.IntN(2) == 0 {
		o.Handoff = p.Handoff
	}
	m.commits = commit.New(log, p, d, o)
	m.ended = make(chan error, 3)
	go func() { m.ended <- log.Run(context.Background()) }()
	late := m.late
	go func() {
		if late != nil {
			<-late
		}
		m.ended <- p.Run(context.Background())
	}()
	m.stopWork = func() {}
	if m.working {
		m.work()
	}
	if err := p.WaitApplied(m.t.Context(), uint64(m.log.Durable())); err != nil {
		m.t.Fatal(err)
	}
}

// work starts a worker.
func (m *parameterMachine) work() {
	ctx, cancel := context.WithCancel(context.Background())
	worked := make(chan error, 1)
	p, commits := m.projections, m.commits
	go func() {
		worked <- p.Reindex(ctx, commits, func(err error) { m.t.Errorf("a job failed: %v", err) })
	}()
	m.stopWork = func() {
		m.t.Helper()
		cancel()
		if err := <-worked; err != nil {
			m.t.Errorf("Reindex: %v", err)
		}
		m.stopWork = func() {}
	}
}

func (m *parameterMachine) stop() {
	m.t.Helper()
	m.stopWork()
	err := m.log.Close()
	err = errors.Join(err, <-m.ended, <-m.ended, m.projections.Close())
	m.log = nil
	if err != nil {
		m.t.Fatalf("stop: %v", err)
	}
}

func (m *parameterMachine) restart() { m.t.Helper(); m.stop(); m.start() }

// saved copies the folder of the projections as it is, for rewind.
func (m *parameterMachine) saved() string {
	m.t.Helper()
	m.stop()
	old := filepath.Join(m.t.TempDir(), "old")
	if err := os.CopyFS(old, os.DirFS(m.options().Dir)); err != nil {
		m.t.Fatal(err)
	}
	m.start()
	return old
}

// rewind restarts with an older state of the folder: what a stop may lose.
func (m *parameterMachine) rewind(old string) {
	m.t.Helper()
	m.stop()
	if err := errors.Join(os.RemoveAll(m.options().Dir), os.CopyFS(m.options().Dir, os.DirFS(old))); err != nil {
		m.t.Fatal(err)
	}
	m.start()
}

// checkRebuild compares what is live with a rebuild, and goes on.
func (m *parameterMachine) checkRebuild() {
	m.t.Helper()
	m.stop()
	log := m.openLog()
	rebuilt := m.options()
	rebuilt.Dir = filepath.Join(m.t.TempDir(), "rebuilt")
	if err := errors.Join(replay.Rebuild(m.t.Context(), log, rebuilt, nil), log.Close()); err != nil {
		m.t.Fatalf("rebuild: %v", err)
	}
	differences, keys, err := replay.Compare(m.options().Dir, rebuilt.Dir, store.Options{}, 8)
	if err != nil || len(differences) > 0 || keys == 0 {
		m.t.Fatalf("seed %d: a rebuild differs from what was live (%d keys, %v): %v", m.seed, keys, err, differences)
	}
	m.start()
}

func parsed(t testing.TB, text string) fhirjson.Value {
	t.Helper()
	d, err := fhirjson.Parse([]byte(text), fhirjson.Limits{})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return d.Root()
}

// commit carries out commands, which must succeed.
func (m *parameterMachine) commit(commands ...commit.Command) []commit.Outcome {
	m.t.Helper()
	outcomes, err := m.commits.Commit(m.t.Context(), commit.Caller{RequestID: "r"}, commands)
	if err != nil {
		m.t.Fatalf("Commit: %v", err)
	}
	return outcomes
}

// patients writes versions of random Patients in one commit.
func (m *parameterMachine) patients(n int) {
	m.t.Helper()
	var commands []commit.Command
	var written []patient
	used := map[domain.LogicalID]bool{}
	for range n {
		v := patient{id: domain.LogicalID(fmt.Sprint("p", m.rand.IntN(3*n+50))), born: fmt.Sprintf("19%02d", m.rand.IntN(100)), ended: 1 << 62}
		if used[v.id] {
			continue
		}
		used[v.id] = true
		given := `["` + m.name() + `"]`
		for range m.rand.IntN(3) {
			v.given = append(v.given, m.name())
		}
		if len(v.given) > 0 {
			given = `["` + v.given[0] + `"`
			for _, name := range v.given[1:] {
				given += `,"` + name + `"`
			}
			given += `]`
		} else {
			v.given = []string{given[2 : len(given)-2]}
		}
		at, exists := m.latest[v.id]
		if exists && !m.versions[at].deleted && m.rand.IntN(5) == 0 {
			v.deleted = true
			commands = append(commands, commit.Command{Interaction: event.Delete, Type: "Patient", ID: v.id})
		} else {
			text := fmt.Sprintf(`{"resourceType":"Patient","id":%q,"name":[{"given":%s}],"birthDate":%q,"extension":[{"url":"u","valueInteger":%d}]}`,
				v.id, given, v.born, m.rand.Uint32()>>1)
			commands = append(commands, commit.Command{Interaction: event.Update, Type: "Patient", ID: v.id, Resource: parsed(m.t, text)})
		}
		written = append(written, v)
	}
	for i, o := range m.commit(commands...) {
		v := written[i]
		v.position = o.Version.Position
		if at, exists := m.latest[v.id]; exists {
			m.versions[at].ended = v.position
		}
		m.latest[v.id] = len(m.versions)
		m.versions = append(m.versions, v)
	}
}

func (m *parameterMachine) name() string {
	return []string{"Ana", "Ben", "Cem", "Dov", "Eve"}[m.rand.IntN(5)]
}

// erase erases a random Patient.
func (m *parameterMachine) erase() {
	m.t.Helper()
	for id := range m.latest {
		m.commit(commit.Command{Interaction: event.HardDelete, Type: "Patient", ID: id})
		for i := range m.versions {
			if m.versions[i].id == id {
				m.versions[i].removed = true
			}
		}
		delete(m.latest, id)
		return
	}
}

const nickURL = "http://a.example/SearchParameter/nick"

// nick is a SearchParameter of the code nick.
func nick(id, url, typ, expression string) string {
	return fmt.Sprintf(`{"resourceType":"SearchParameter","id":%q,"url":%q,"name":"nick","status":"active","description":"d",
		"code":"nick","base":["Patient"],"type":%q,"expression":%q}`, id, url, typ, expression)
}

// define writes a SearchParameter with the code nick.
func (m *parameterMachine) define(typ, expression string) {
	m.t.Helper()
	m.commit(commit.Command{Interaction: event.Update, Type: "SearchParameter", ID: "nick", Resource: parsed(m.t, nick("nick", nickURL, typ, expression))})
}

// reindex begins a job and waits for its end.
func (m *parameterMachine) reindex() registry.Job {
	m.t.Helper()
	job, err := m.commits.Reindex(m.t.Context(), commit.Caller{}, registry.ReindexRequest{})
	if err != nil {
		m.t.Fatalf("Reindex: %v", err)
	}
	return m.awaitJob(job.ID)
}

func (m *parameterMachine) awaitJob(id string) registry.Job {
	m.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if job := m.projections.Registry().Job(id); job.State.Ended() {
			return *job
		}
	}
	m.t.Fatalf("job %s does not end: %+v", id, m.projections.Registry().Job(id))
	return registry.Job{}
}

func (m *parameterMachine) status(want registry.Status) {
	m.t.Helper()
	if got, _ := m.projections.Registry().StatusOf(nickURL); got != want {
		m.t.Fatalf("the state is %s, want %s", got, want)
	}
}

// find searches Patients by a criterion as of a snapshot; known is false where the
// criterion was left out.
func (m *parameterMachine) find(name, value string, snapshot uint64, partial bool) (positions []uint64, known bool) {
	m.t.Helper()
	p := m.projections
	d, _ := definitions.Load(definitions.R4)
	q, err := search.Parse(d, p.Parameters(), search.Ask{
		Types: []domain.ResourceType{"Patient"}, Pairs: []search.Pair{{Name: name, Value: value}}, PartialIndices: partial, Now: time.Now(),
	})
	if err != nil {
		m.t.Fatalf("Parse %s=%s: %v", name, value, err)
	}
	page, err := p.Search(m.t.Context(), search.PageRequest{Query: q, Snapshot: snapshot, Count: 1 << 20, Total: true})
	if err != nil {
		m.t.Fatalf("Search %s=%s: %v", name, value, err)
	}
	if page.Total != len(page.Matches) {
		m.t.Fatalf("Search %s=%s: %d matches, total %d", name, value, len(page.Matches), page.Total)
	}
	return page.Matches, q.Criteria > 0
}

// want lists the current versions as of a snapshot, from a position on, that hold.
func (m *parameterMachine) want(snapshot, from uint64, holds func(v *patient) bool) (positions []uint64) {
	for i := range m.versions {
		v := &m.versions[i]
		if v.position < snapshot && v.position >= from && v.ended >= snapshot && !v.deleted && !v.removed && holds(v) {
			positions = append(positions, v.position)
		}
	}
	return positions
}

func given(name string) func(v *patient) bool {
	return func(v *patient) bool { return slices.Contains(v.given, name) }
}

// checkNick compares searches by given names with the model, now and as of random
// instants.
func (m *parameterMachine) checkNick(when string, from uint64, partial bool) {
	m.t.Helper()
	applied := m.projections.Applied()
	for range 12 {
		snapshot := applied
		if m.rand.IntN(3) > 0 {
			snapshot = m.rand.Uint64N(applied + 1)
		}
		name := m.name()
		got, known := m.find("nick", name, snapshot, partial)
		if want := m.want(snapshot, from, given(name)); !known || !slices.Equal(got, want) {
			m.t.Fatalf("seed %d: %s, at %d of %d: nick=%s finds %d (known: %t), want %d\n%v\n%v", m.seed, when, snapshot, applied, name, len(got), known, len(want), got, want)
		}
	}
}
