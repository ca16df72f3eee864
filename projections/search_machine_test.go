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
	"fhirlog/domain/search/searchtest"
	"fhirlog/eventlog"
	"fhirlog/projections"
	"fhirlog/projections/store"
	"fhirlog/replay"
)

// base is the URL of the service that the resources are written for.
const base = "http://127.0.0.1/fhir/"

// searchMachine is a server without HTTP, and the world beside it.
type searchMachine struct {
	t    *testing.T
	rand *rand.Rand
	seed uint64
	dir  string
	now  time.Time

	definitions *definitions.Definitions
	log         *eventlog.Log
	projections *projections.Projections
	commits     *commit.Service
	ended       chan error
	ids         int

	world     *searchtest.World
	generator *searchtest.Generator
	evaluator *searchtest.Evaluator
	maker     *searchtest.Maker

	asked, refused, found, faults int
	again                         int    // answers that were asked for again
	held                          []held // since the last start
	refusals                      []string
}

func newSearchMachine(t *testing.T, seed uint64) *searchMachine {
	r := rand.New(rand.NewPCG(seed, 3))
	m := &searchMachine{
		t: t, rand: r, seed: seed, dir: t.TempDir(), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		world: searchtest.NewWorld(), generator: searchtest.NewGenerator(r, 12),
	}
	m.generator.Bases = []string{base}
	var err error
	if m.definitions, err = definitions.Load(definitions.R4); err != nil {
		t.Fatal(err)
	}
	m.start()
	m.evaluator = searchtest.NewEvaluator(m.definitions, m.projections.Parameters(), m.world)
	m.evaluator.Bases, m.evaluator.Now = []string{base}, m.now
	m.maker = searchtest.NewMaker(r, m.evaluator)
	t.Cleanup(func() {
		if m.log != nil && !t.Failed() {
			m.stop()
		}
	})
	return m
}

func (m *searchMachine) options() projections.Options {
	return projections.Options{
		Dir: filepath.Join(m.dir, "projections"), FHIRVersion: "R4", LogIdentity: "test",
		Store: store.Options{MemTableBytes: 1 << 20},
	}
}

func (m *searchMachine) openLog() *eventlog.Log {
	log, _, err := eventlog.Open(filepath.Join(m.dir, "log"), eventlog.Options{
		Dictionary: dictionary.V1, SegmentBytes: 1 << 20, Clock: func() time.Time { return m.now },
	})
	if err != nil {
		m.t.Fatalf("open log: %v", err)
	}
	return log
}

// start opens the folder; at one start in two, values are handed over by the
// commits, at the others they are all extracted by the applier.
func (m *searchMachine) start() {
	m.t.Helper()
	m.log = m.openLog()
	p, rebuilt, err := projections.Open(m.log, m.options())
	if err != nil || rebuilt != nil {
		m.t.Fatalf("seed %d: open projections: %v; rebuilt: %v", m.seed, err, rebuilt)
	}
	m.projections, m.held = p, nil
	o := commit.Options{
		VersioningOf: map[domain.ResourceType]commit.VersioningPolicy{"Basic": commit.NoVersion},
		NewID: func() domain.LogicalID {
			m.ids++
			return domain.LogicalID(fmt.Sprintf("new-%d", m.ids))
		},
	}
	if m.rand.IntN(2) == 0 {
		o.Handoff = p.Handoff
	}
	if m.evaluator != nil {
		m.evaluator.Set = p.Parameters()
	}
	m.commits = commit.New(m.log, p, m.definitions, o)
	m.ended = make(chan error, 2)
	log := m.log
	go func() { m.ended <- log.Run(context.Background()) }()
	go func() { m.ended <- p.Run(context.Background()) }()
	if err := p.WaitApplied(m.t.Context(), uint64(m.log.Durable())); err != nil {
		m.t.Fatalf("seed %d: apply the log: %v", m.seed, err)
	}
}

func (m *searchMachine) stop() {
	m.t.Helper()
	err := m.log.Close()
	err = errors.Join(err, <-m.ended, <-m.ended, m.projections.Close())
	m.log = nil
	if err != nil {
		m.t.Fatalf("seed %d: stop: %v", m.seed, err)
	}
}

// restart stops and starts again. In one of three cases the projections go on
// from an older state of their folder, as after a kill.
func (m *searchMachine) restart() {
	m.t.Helper()
	old := ""
	if m.rand.IntN(3) == 0 {
		m.stop()
		old = filepath.Join(m.t.TempDir(), "old")
		if err := os.CopyFS(old, os.DirFS(m.options().Dir)); err != nil {
			m.t.Fatal(err)
		}
		m.start()
		m.write(30)
	}
	m.stop()
	if old != "" {
		err := errors.Join(os.RemoveAll(m.options().Dir), os.Rename(old, m.options().Dir))
		if err != nil {
			m.t.Fatal(err)
		}
	}
	m.start()
}

// finish stops, and compares what was live with a rebuild.
func (m *searchMachine) finish() {
	m.t.Helper()
	if m.t.Failed() {
		return
	}
	m.t.Logf("%d searches compared, %d of them with matches, %d once more later; %d questions were no search", m.asked, m.found, m.again, m.refused)
	if m.found*6 < m.asked || m.refused > m.asked {
		m.t.Errorf("seed %d: the questions are not good enough; refused were for example\n%q", m.seed, m.refusals[:min(20, len(m.refusals))])
	}
	m.stop()
	log := m.openLog()
	defer log.Close()
	rebuilt := m.options()
	rebuilt.Dir = filepath.Join(m.dir, "rebuilt")
	if err := replay.Rebuild(m.t.Context(), log, rebuilt, nil); err != nil {
		m.t.Fatalf("seed %d: rebuild: %v", m.seed, err)
	}
	differences, keys, err := replay.Compare(m.options().Dir, rebuilt.Dir, store.Options{}, 5)
	if err != nil || len(differences) > 0 || keys == 0 {
		m.t.Fatalf("seed %d: a rebuild differs from what was live (%d keys, %v): %v", m.seed, keys, err, differences)
	}
}

// fill writes many small resources at once.
func (m *searchMachine) fill(n int) {
	m.t.Helper()
	filler := m.parse([]byte(`{"resourceType":"Basic","code":{"coding":[{"code":"filler"}]}}`))
	commands := make([]commit.Command, n)
	for i := range commands {
		commands[i] = commit.Command{Interaction: event.Create, Type: "Basic", Resource: filler}
	}
	m.commit(commands)
}

// write makes random changes, singly and in transactions.
func (m *searchMachine) write(n int) {
	m.t.Helper()
	for n > 0 {
		m.now = m.now.Add(time.Duration(m.rand.IntN(4)) * time.Millisecond)
		var commands []commit.Command
		used := map[string]bool{}
		for range 1 + m.rand.IntN(5)*m.rand.IntN(3) {
			c := m.command()
			if place := string(c.Type) + "/" + string(c.ID); c.ID == "" || !used[place] {
				used[place] = true
				commands = append(commands, c)
			}
		}
		n -= len(commands)
		m.commit(commands)
	}
}

func (m *searchMachine) command() commit.Command {
	t := m.generator.Type()
	if m.rand.IntN(6) == 0 {
		return commit.Command{Interaction: event.Create, Type: t, Resource: m.parse(m.generator.Resource(t, ""))}
	}
	c := commit.Command{Interaction: event.Update, Type: t, ID: m.generator.ID()}
	places := m.world.Places()
	if n := m.rand.IntN(12); n < 3 && len(places) > 0 {
		at := places[m.rand.IntN(len(places))]
		c.Type, c.ID = at.Type, at.ID
		c.Interaction = []event.Interaction{event.Delete, event.HardDelete, event.PurgeHistory}[n]
		return c
	}
	c.Resource = m.parse(m.generator.Resource(t, c.ID))
	return c
}

func (m *searchMachine) parse(text []byte) fhirjson.Value {
	m.t.Helper()
	d, err := fhirjson.Parse(text, fhirjson.Limits{})
	if err != nil {
		m.t.Fatalf("%v\n%s", err, text)
	}
	return d.Root()
}

// commit carries out commands and tells the world of them.
func (m *searchMachine) commit(commands []commit.Command) {
	m.t.Helper()
	outcomes, err := m.commits.Commit(m.t.Context(), commit.Caller{RequestID: "r", Bases: []string{base}}, commands)
	if err != nil {
		m.t.Fatalf("seed %d: Commit: %v", m.seed, err)
	}
	for i, o := range outcomes {
		c := commands[i]
		v := searchtest.Version{
			Position: o.Version.Position, Type: c.Type, ID: o.Version.ID, Number: o.Version.Version, Instant: o.Version.Instant,
			Deleted: o.Version.Deleted,
		}
		switch o.Change {
		case commit.Created, commit.Updated:
			v.Resource = m.parse(slices.Clone(o.Version.Body))
			m.world.Add(v, c.Type == "Basic")
		case commit.Deleted:
			if c.Interaction == event.HardDelete {
				m.world.Erase(c.Type, c.ID)
			} else {
				m.world.Add(v, c.Type == "Basic")
			}
		case commit.Purged:
			m.world.Purge(c.Type, c.ID)
		}
	}
}
