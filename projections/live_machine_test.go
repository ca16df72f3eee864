package projections_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/definitions"
	"fhirlog/domain/dictionary"
	"fhirlog/domain/event"
	"fhirlog/domain/search"
	"fhirlog/domain/search/searchtest"
	"fhirlog/eventlog"
	"fhirlog/projections"
	"fhirlog/projections/store"
	"fhirlog/replay"
)

// liveMachine is a server without HTTP that can rebuild while it answers. Many
// goroutines may use it at once.
type liveMachine struct {
	t   *testing.T
	dir string

	definitions *definitions.Definitions
	log         *eventlog.Log
	live        *projections.Live
	commits     *commit.Service
	ended       chan error
	stopWork    context.CancelFunc
	// What the stores do before they write; nil: nothing.
	beforeWrite atomic.Pointer[func() error]
}

// unevenLog hands its newest records over now and then late, to each follower by
// itself, so that two generations are seldom equally far.
type unevenLog struct{ *eventlog.Log }

func (l unevenLog) Follow(ctx context.Context, from eventlog.Position, fn func([]eventlog.Record) error) error {
	return l.Log.Follow(ctx, from, func(records []eventlog.Record) error {
		if records[0].Position+100 > l.Durable() && rand.IntN(2) == 0 {
			time.Sleep(time.Duration(rand.IntN(6)) * time.Millisecond)
		}
		return fn(records)
	})
}

func newLiveMachine(t *testing.T) *liveMachine {
	m := &liveMachine{t: t, dir: t.TempDir()}
	var err error
	if m.definitions, err = definitions.Load(definitions.R4); err != nil {
		t.Fatal(err)
	}
	m.start()
	t.Cleanup(func() {
		if m.log != nil && !t.Failed() {
			m.stop()
		}
	})
	return m
}

func (m *liveMachine) options() projections.Options {
	return projections.Options{
		Dir: filepath.Join(m.dir, "projections"), FHIRVersion: "R4", LogIdentity: "test",
		Store: store.Options{MemTableBytes: 1 << 20, BeforeWrite: func() error {
			if do := m.beforeWrite.Load(); do != nil {
				return (*do)()
			}
			return nil
		}},
	}
}

func (m *liveMachine) openLog() *eventlog.Log {
	m.t.Helper()
	log, _, err := eventlog.Open(filepath.Join(m.dir, "log"), eventlog.Options{Dictionary: dictionary.V1, SegmentBytes: 1 << 20})
	if err != nil {
		m.t.Fatal(err)
	}
	return log
}

func (m *liveMachine) start() {
	m.t.Helper()
	m.log = m.openLog()
	live, rebuilt, err := projections.OpenLive(unevenLog{m.log}, m.options())
	if err != nil || rebuilt != nil {
		m.t.Fatalf("OpenLive: %v; rebuilt: %v", err, rebuilt)
	}
	m.live = live
	m.commits = commit.New(m.log, live, m.definitions, commit.Options{Handoff: live.Handoff, Registry: live.Registry})
	m.ended = make(chan error, 3)
	var working context.Context
	working, m.stopWork = context.WithCancel(context.Background())
	log, commits := m.log, m.commits
	go func() { m.ended <- log.Run(context.Background()) }()
	go func() { m.ended <- live.Run(context.Background()) }()
	go func() {
		m.ended <- live.Reindex(working, commits, func(err error) { m.t.Errorf("a job failed: %v", err) })
	}()
}

func (m *liveMachine) stop() {
	m.t.Helper()
	m.stopWork()
	err := errors.Join(m.log.Close(), <-m.ended, <-m.ended, <-m.ended, m.live.Close())
	m.log = nil
	if err != nil {
		m.t.Fatalf("stop: %v", err)
	}
}

// checkRebuilt compares what was live with what replay.Rebuild makes. It stops the
// machine.
func (m *liveMachine) checkRebuilt() {
	m.t.Helper()
	if m.log != nil {
		m.stop()
	}
	log := m.openLog()
	defer log.Close()
	fresh := m.options()
	fresh.Dir = filepath.Join(m.t.TempDir(), "fresh")
	if err := replay.Rebuild(m.t.Context(), log, fresh, nil); err != nil {
		m.t.Fatalf("rebuild: %v", err)
	}
	differences, keys, err := replay.Compare(m.options().Dir, fresh.Dir, store.Options{}, 5)
	if err != nil || len(differences) > 0 || keys == 0 {
		m.t.Fatalf("a rebuild differs from what was live (%d keys, %v): %v", keys, err, differences)
	}
}

// put writes a Patient with a family name and some given ones.
func (m *liveMachine) put(id domain.LogicalID, family string, given ...string) (commit.Outcome, error) {
	text := fmt.Sprintf(`{"resourceType":"Patient","id":%q,"name":[{"family":%q,"given":["%s"]}]}`, id, family, strings.Join(append(given, "Any"), `","`))
	outcomes, err := m.commits.Commit(m.t.Context(), commit.Caller{RequestID: "r"}, []commit.Command{
		{Interaction: event.Update, Type: "Patient", ID: id, Resource: parsed(m.t, text)},
	})
	if err != nil {
		return commit.Outcome{}, err
	}
	return outcomes[0], nil
}

// fill writes n Patients named Fill in a few commits.
func (m *liveMachine) fill(name string, n int) {
	m.t.Helper()
	for from := 0; from < n; from += 2000 {
		var commands []commit.Command
		for i := from; i < min(from+2000, n); i++ {
			id := domain.LogicalID(fmt.Sprint(name, i))
			text := fmt.Sprintf(`{"resourceType":"Patient","id":%q,"name":[{"family":"Fill","given":["G%d"]}]}`, id, i%7)
			commands = append(commands, commit.Command{Interaction: event.Update, Type: "Patient", ID: id, Resource: parsed(m.t, text)})
		}
		if _, err := m.commits.Commit(m.t.Context(), commit.Caller{}, commands); err != nil {
			m.t.Fatalf("Commit: %v", err)
		}
	}
}

// query parses the criteria of a search for Patients, such as family=x.
func (m *liveMachine) query(criteria ...string) (*search.Query, error) {
	ask := search.Ask{Types: []domain.ResourceType{"Patient"}, Now: time.Now(), Strict: true}
	for _, c := range criteria {
		name, value, _ := strings.Cut(c, "=")
		ask.Pairs = append(ask.Pairs, search.Pair{Name: name, Value: value})
	}
	return search.Parse(m.definitions, m.live.Parameters(), ask)
}

// pages follows all pages of a search as of a snapshot.
func (m *liveMachine) pages(snapshot uint64, count int, criteria ...string) ([]uint64, error) {
	q, err := m.query(criteria...)
	if err != nil {
		return nil, err
	}
	find := func(r search.PageRequest) (search.Page, error) { return m.live.Search(m.t.Context(), r) }
	all, err := searchtest.Follow(find, q, snapshot, count)
	return all.Matches, err
}

// liveClient writes resources of its own, and some that it shares with others, and
// looks after each write whether it is there.
type liveClient struct {
	*liveMachine
	name   string
	rand   *rand.Rand
	shared *sharedVersions
	count  int
	pins   []pin
}

// sharedVersions are the newest versions of some resources that anybody has seen.
type sharedVersions [4]atomic.Uint64

// pin is a search as of a snapshot with its answer.
type pin struct {
	snapshot uint64
	criteria []string
	count    int
	matches  []uint64
}

func (c *liveClient) act() error {
	switch c.rand.IntN(8) {
	case 0, 1, 2:
		return c.writeAndFind()
	case 3:
		return c.writeShared()
	case 4, 5:
		return c.readShared()
	case 6:
		return c.pinSearch()
	}
	return c.createOnce()
}

// writeAndFind writes a resource, and reads, searches and lists it at once.
func (c *liveClient) writeAndFind() error {
	c.count++
	id, family := domain.LogicalID(fmt.Sprintf("%s-%d", c.name, c.rand.IntN(5))), fmt.Sprintf("%sx%d", c.name, c.count)
	o, err := c.put(id, family, "G"+fmt.Sprint(c.rand.IntN(7)))
	if err != nil {
		return err
	}
	v, err := c.live.Read(c.t.Context(), "Patient", id)
	if err != nil || v.Position != o.Version.Position {
		return fmt.Errorf("right after %s was written at %d it is read at %d, %w", id, o.Version.Position, v.Position, err)
	}
	found, err := c.pages(c.live.Applied(), 10, "family="+family)
	if err != nil || !slices.Equal(found, []uint64{o.Version.Position}) {
		return fmt.Errorf("right after %s was written at %d a search finds %v, %w", id, o.Version.Position, found, err)
	}
	return nil
}

// writeShared writes a resource that others write too.
func (c *liveClient) writeShared() error {
	n := c.rand.IntN(len(c.shared))
	c.count++
	o, err := c.put(domain.LogicalID(fmt.Sprint("shared", n)), fmt.Sprintf("%sx%d", c.name, c.count))
	if err != nil {
		return err
	}
	c.saw(n, uint64(o.Version.Version))
	return nil
}

func (c *liveClient) saw(n int, version uint64) {
	for {
		seen := c.shared[n].Load()
		if seen >= version || c.shared[n].CompareAndSwap(seen, version) {
			return
		}
	}
}

// readShared reads a resource in one of several ways: never less than what
// anybody has seen before.
func (c *liveClient) readShared() error {
	n := c.rand.IntN(len(c.shared))
	id := domain.LogicalID(fmt.Sprint("shared", n))
	seen := c.shared[n].Load()
	applied := c.live.Applied()
	var version domain.VersionID
	switch c.rand.IntN(3) {
	case 0:
		v, err := c.live.Read(c.t.Context(), "Patient", id)
		if err != nil && (seen > 0 || domain.KindOf(err) != domain.NotFound) {
			return err
		}
		version = v.Version
	case 1:
		state, err := c.live.Current("Patient", id, applied)
		if err != nil {
			return err
		}
		version = state.Version
	default:
		found, err := c.pages(applied, 5, "_id="+string(id))
		if err != nil {
			return err
		}
		if len(found) == 1 {
			v, err := c.live.ReadAt(c.t.Context(), found[0])
			if err != nil {
				return err
			}
			version = v.Version
		}
	}
	if uint64(version) < seen {
		return fmt.Errorf("%s is at version %d, and was seen at %d before", id, version, seen)
	}
	c.saw(n, uint64(version))
	if now := c.live.Applied(); now < applied {
		return fmt.Errorf("%d records are applied, and were %d before", now, applied)
	}
	return nil
}

// pinSearch asks something as of a snapshot, and again what was asked earlier.
func (c *liveClient) pinSearch() error {
	questions := [][]string{{"given=G" + fmt.Sprint(c.rand.IntN(7))}, {"family=Fill"}, {"family=" + c.name, "_sort=given"}, {"_id=shared0,shared1,shared2"}}
	if len(c.pins) < 12 {
		p := pin{snapshot: c.live.Applied(), criteria: questions[c.rand.IntN(len(questions))], count: 100 + c.rand.IntN(300)}
		var err error
		if p.matches, err = c.pages(p.snapshot, p.count, p.criteria...); err != nil {
			return err
		}
		c.pins = append(c.pins, p)
		return nil
	}
	p := &c.pins[c.rand.IntN(len(c.pins))]
	matches, err := c.pages(p.snapshot, p.count, p.criteria...)
	if err != nil || !slices.Equal(matches, p.matches) {
		return fmt.Errorf("as of %d, %v finds %d, and found %d before, %w", p.snapshot, p.criteria, len(matches), len(p.matches), err)
	}
	return nil
}

// createOnce has all clients create one resource, each if there is none.
func (c *liveClient) createOnce() error {
	number := c.live.Applied() / 100
	q := fmt.Sprintf("identifier=once|%d", number)
	text := fmt.Sprintf(`{"resourceType":"Patient","identifier":[{"system":"once","value":"%d"}]}`, number)
	criteria, err := c.query(q)
	if err != nil {
		return err
	}
	_, err = c.commits.Commit(c.t.Context(), commit.Caller{}, []commit.Command{
		{Interaction: event.Create, Type: "Patient", Resource: parsed(c.t, text), Criteria: criteria},
	})
	if err != nil {
		return fmt.Errorf("create once: %w", err)
	}
	found, err := c.pages(c.live.Applied(), 5, q)
	if err != nil || len(found) != 1 {
		return fmt.Errorf("%s is there %d times, %w", q, len(found), err)
	}
	return nil
}

// load runs clients until stop is called, which tells how often they acted.
func (m *liveMachine) load(clients int) (stop func() int64) {
	seed := uint64(time.Now().UnixNano())
	m.t.Logf("seed %d", seed)
	done := make(chan struct{})
	var running sync.WaitGroup
	var acts atomic.Int64
	shared := new(sharedVersions)
	for i := range clients {
		c := &liveClient{liveMachine: m, name: fmt.Sprint("c", i), rand: rand.New(rand.NewPCG(seed, uint64(i))), shared: shared}
		running.Go(func() {
			for {
				if err := c.act(); err != nil {
					m.t.Errorf("client %d: %v", i, err)
					return
				}
				acts.Add(1)
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	return func() int64 {
		close(done)
		running.Wait()
		return acts.Load()
	}
}
