package replay_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
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
	"fhirlog/domain/patch"
	"fhirlog/domain/resource"
	"fhirlog/eventlog"
	"fhirlog/projections"
	"fhirlog/projections/store"
	"fhirlog/replay"
)

// TestRandomCommandsAgreeWithAPlainModel runs random commands against the real
// log, projections and commit service, and against lists in memory. After every
// restart, clean or not, all reads must agree; in the end a rebuild must give
// the same keys and values.
func TestRandomCommandsAgreeWithAPlainModel(t *testing.T) {
	rounds, steps := 6, 250
	if testing.Short() {
		rounds = 2
	}
	for round := range rounds {
		seed := uint64(time.Now().UnixNano()) + uint64(round)
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			m := newMachine(t, seed)
			for range steps {
				m.step()
			}
			m.checkAll()
			m.compact()
			m.renew()
			m.stop()
			m.checkRebuild()
			if m.compacted == 0 {
				t.Errorf("seed %d: nothing was ever erased: that shows little", seed)
			}
		})
	}
}

// TestATransactionLargerThanABatchOfTheStore applies one commit that Badger has
// to split, and reads it back after an unclean stop.
func TestATransactionLargerThanABatchOfTheStore(t *testing.T) {
	m := newMachine(t, 1)
	n := 30_000
	if testing.Short() {
		n = 6000
	}
	commands := make([]commit.Command, n)
	for i := range commands {
		commands[i] = commit.Command{Interaction: event.Create, Type: "Patient", Resource: m.parse(`{"resourceType":"Patient"}`)}
	}
	outcomes, err := m.commits.Commit(t.Context(), commit.Caller{}, commands)
	if err != nil {
		t.Fatal(err)
	}
	m.restartUnclean()
	page, err := m.projections.TypeHistory(t.Context(), "Patient", resource.HistoryQuery{Snapshot: m.projections.Applied(), Before: m.projections.Applied(), Count: 1})
	if err != nil || page.Total != len(commands) {
		t.Fatalf("TypeHistory: total %d, %v; want %d", page.Total, err, len(commands))
	}
	for _, o := range outcomes {
		if _, err := m.projections.Read(t.Context(), "Patient", o.Version.ID); err != nil {
			t.Fatalf("Read: %v", err)
		}
	}
	m.stop()
	m.checkRebuild()
}

// modelVersion is one version as a plain list knows it.
type modelVersion struct {
	version  domain.VersionID
	position uint64
	instant  int64
	deleted  bool
	body     string
}

type place struct {
	t  domain.ResourceType
	id domain.LogicalID
}

// machine is a server without HTTP, and the model beside it.
type machine struct {
	t    *testing.T
	rand *rand.Rand
	seed uint64
	dir  string
	now  time.Time

	log         *eventlog.Log
	projections *projections.Projections
	commits     *commit.Service
	ended       chan error

	model  map[place][]modelVersion // what is kept, oldest first
	places []place
	gone   []place

	compacted uint64 // bodies that are erased
	stale     bool   // the projections have more than the log gives, since a compaction
}

func newMachine(t *testing.T, seed uint64) *machine {
	m := &machine{
		t: t, seed: seed, rand: rand.New(rand.NewPCG(seed, 1)), dir: t.TempDir(),
		now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), model: map[place][]modelVersion{},
	}
	m.start()
	t.Cleanup(func() {
		if m.log != nil && !t.Failed() {
			m.stop()
		}
	})
	return m
}

func (m *machine) projectionOptions() projections.Options {
	return projections.Options{
		Dir: filepath.Join(m.dir, "projections"), FHIRVersion: "R4", LogIdentity: "test",
		Store: store.Options{MemTableBytes: 1 << 20},
	}
}

func (m *machine) openLog() *eventlog.Log {
	log, _, err := eventlog.Open(filepath.Join(m.dir, "log"), eventlog.Options{
		Dictionary:   dictionary.V1,
		SegmentBytes: 64 << 10,
		Clock:        func() time.Time { return m.now },
	})
	if err != nil {
		m.t.Fatalf("open log: %v", err)
	}
	return log
}

func (m *machine) start() {
	m.t.Helper()
	d, err := definitions.Load(definitions.R4)
	if err != nil {
		m.t.Fatal(err)
	}
	m.log = m.openLog()
	var rebuilt error
	if m.projections, rebuilt, err = projections.Open(m.log, m.projectionOptions()); err != nil || rebuilt != nil {
		m.t.Fatalf("open projections: %v; rebuilt: %v", err, rebuilt)
	}
	m.commits = commit.New(m.log, m.projections, d, commit.Options{
		VersioningOf: map[domain.ResourceType]commit.VersioningPolicy{"Basic": commit.NoVersion},
	})
	m.ended = make(chan error, 2)
	log, p := m.log, m.projections
	go func() { m.ended <- log.Run(context.Background()) }()
	go func() { m.ended <- p.Run(context.Background()) }()
	if err := m.projections.WaitApplied(m.t.Context(), uint64(m.log.Durable())); err != nil {
		m.t.Fatalf("apply the log: %v", err)
	}
}

func (m *machine) stop() {
	m.t.Helper()
	err := m.log.Close()
	err = errors.Join(err, <-m.ended, <-m.ended, m.projections.Close())
	m.log = nil
	if err != nil {
		m.t.Fatalf("stop: %v", err)
	}
}

// restartUnclean goes on with a copy of the folder as a kill would leave it.
func (m *machine) restartUnclean() {
	m.t.Helper()
	killed := m.killedCopy()
	m.stop()
	m.dir = killed
	m.start()
}

// killedCopy copies the folder as a kill would leave it: again, if a table came
// or went meanwhile.
func (m *machine) killedCopy() string {
	m.t.Helper()
	manifest := filepath.Join("projections", "MANIFEST")
	for range 100 {
		killed := m.t.TempDir()
		before, err := os.ReadFile(filepath.Join(m.dir, manifest))
		if err == nil {
			err = os.CopyFS(killed, os.DirFS(m.dir))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			m.t.Fatal(err)
		}
		after, again := os.ReadFile(filepath.Join(m.dir, manifest))
		if err == nil && again == nil && bytes.Equal(before, after) {
			return killed
		}
	}
	m.t.Fatal("the folder does not come to rest")
	return ""
}

func (m *machine) checkRebuild() {
	m.t.Helper()
	log := m.openLog()
	defer log.Close()
	rebuilt := m.projectionOptions()
	rebuilt.Dir = filepath.Join(m.dir, "rebuilt")
	if err := replay.Rebuild(m.t.Context(), log, rebuilt, nil); err != nil {
		m.t.Fatalf("rebuild: %v", err)
	}
	differences, keys, err := replay.Compare(m.projectionOptions().Dir, rebuilt.Dir, store.Options{}, 5)
	if err != nil || len(differences) > 0 || keys == 0 {
		m.t.Fatalf("seed %d: a rebuild differs from what was live (%d keys, %v): %v", m.seed, keys, err, differences)
	}
}

func (m *machine) step() {
	m.now = m.now.Add(time.Duration(m.rand.IntN(3)) * time.Millisecond)
	switch n := m.rand.IntN(100); {
	case n < 2:
		m.stop()
		m.start()
		m.checkAll()
	case n < 4:
		m.restartUnclean()
		m.checkAll()
	case n < 10:
		m.checkAll()
	case n < 12:
		m.compact()
	case n < 20:
		m.transaction()
	default:
		m.run(m.command())
	}
}

func (m *machine) parse(text string) fhirjson.Value {
	d, err := fhirjson.Parse([]byte(text), fhirjson.Limits{})
	if err != nil {
		m.t.Fatal(err)
	}
	return d.Root()
}

var modelTypes = []domain.ResourceType{"Patient", "Observation", "Basic"}

func (m *machine) content(t domain.ResourceType, id string) string {
	idMember := ""
	if id != "" {
		idMember = fmt.Sprintf(`"id":%q,`, id)
	}
	meta := ""
	if m.rand.IntN(3) == 0 {
		meta = fmt.Sprintf(`"meta":{"versionId":"77","tag":[{"code":"t%d"}]},`, m.rand.IntN(2))
	}
	rest := map[domain.ResourceType]string{
		"Patient":     fmt.Sprintf(`"active":%t`, m.rand.IntN(2) == 0),
		"Observation": fmt.Sprintf(`"status":"final","code":{"text":"c%d"}`, m.rand.IntN(2)),
		"Basic":       fmt.Sprintf(`"code":{"text":"b%d"}`, m.rand.IntN(2)),
	}[t]
	return fmt.Sprintf(`{"resourceType":%q,%s%s%s}`, t, idMember, meta, rest)
}

// command makes a command about a resource that exists, existed, or never did.
func (m *machine) command() commit.Command {
	t := modelTypes[m.rand.IntN(len(modelTypes))]
	if len(m.places) == 0 || m.rand.IntN(6) == 0 {
		return commit.Command{Interaction: event.Create, Type: t, Resource: m.parse(m.content(t, ""))}
	}
	p := m.places[m.rand.IntN(len(m.places))]
	switch m.rand.IntN(10) {
	case 0:
		p = place{t, domain.LogicalID(fmt.Sprintf("own-%d", m.rand.IntN(20)))}
	case 1:
		if len(m.gone) > 0 {
			p = m.gone[m.rand.IntN(len(m.gone))]
		}
	}
	c := commit.Command{Type: p.t, ID: p.id}
	switch n := m.rand.IntN(24); {
	case n >= 20:
		c.Interaction, c.Patch = event.Patch, m.newPatch()
		c.KeepNoMetaHistory = m.rand.IntN(4) == 0
	case n < 13:
		c.Interaction = event.Update
		c.Resource = m.parse(m.content(p.t, string(p.id)))
		c.KeepNoMetaHistory = m.rand.IntN(4) == 0
	case n < 17:
		c.Interaction = event.Delete
	case n < 18:
		c.Interaction = event.HardDelete
	default:
		c.Interaction = event.PurgeHistory
	}
	if m.rand.IntN(5) == 0 && c.Interaction != event.HardDelete && c.Interaction != event.PurgeHistory {
		version := fmt.Sprint(1 + m.rand.IntN(4))
		c.IfMatch = &version
	}
	return c
}

// newPatch makes a patch of what every resource may have.
func (m *machine) newPatch() patch.Patch {
	document := fmt.Sprintf(`[{"op":"add","path":"/language","value":"x-%d"}]`, m.rand.IntN(2))
	if m.rand.IntN(2) == 0 {
		document = fmt.Sprintf(`[{"op":"add","path":"/meta/tag","value":[{"code":"p%d"}]}]`, m.rand.IntN(2))
	}
	p, err := patch.ParseJSON([]byte(document))
	if err != nil {
		m.t.Fatal(err)
	}
	return p
}

// patched is what a patch must store.
func (m *machine) patched(c commit.Command, last modelVersion) fhirjson.Value {
	made, err := c.Patch.Apply(m.parse(last.body))
	if err != nil {
		m.t.Fatal(err)
	}
	return made.Root()
}

func (m *machine) transaction() {
	var commands []commit.Command
	used := map[place]bool{}
	for range 1 + m.rand.IntN(6) {
		c := m.command()
		p := place{c.Type, c.ID}
		if c.ID == "" || !used[p] {
			commands = append(commands, c)
		}
		used[p] = true
	}
	m.run(commands...)
}

// run commits and brings the model to what must be true now.
func (m *machine) run(commands ...commit.Command) {
	m.t.Helper()
	outcomes, err := m.commits.Commit(m.t.Context(), commit.Caller{RequestID: "r"}, commands)
	fails := slices.ContainsFunc(commands, func(c commit.Command) bool {
		kept := m.model[place{c.Type, c.ID}]
		switch {
		case c.Interaction == event.Patch && (len(kept) == 0 || kept[len(kept)-1].deleted):
			return true
		case c.IfMatch == nil:
			return false
		}
		return len(kept) == 0 || kept[len(kept)-1].version.String() != *c.IfMatch
	})
	if fails != (err != nil) {
		m.t.Fatalf("seed %d: Commit(%+v): %v; should fail: %t", m.seed, commands, err, fails)
	}
	if err != nil {
		if kind := domain.KindOf(err); kind != domain.VersionMismatch && kind != domain.NotFound && kind != domain.Deleted {
			m.t.Fatalf("seed %d: Commit: kind %d: %v", m.seed, kind, err)
		}
		return
	}
	for i, o := range outcomes {
		m.apply(commands[i], o)
	}
}

func (m *machine) apply(c commit.Command, o commit.Outcome) {
	m.t.Helper()
	p := place{c.Type, c.ID}
	if c.Interaction == event.Create {
		p.id = o.Version.ID
	}
	kept := slices.Clone(m.model[p]) // what a moment of before shares stays as it is
	var last modelVersion
	if len(kept) > 0 {
		last = kept[len(kept)-1]
	}
	want := commit.Nothing
	switch c.Interaction {
	case event.Create, event.Update, event.Patch:
		content := c.Resource
		if c.Interaction == event.Patch {
			content = m.patched(c, last)
		}
		stored, _ := resource.AppendStored(nil, content, p.id, nil)
		metaOnly := len(kept) > 0 && !last.deleted && resource.SameButMeta(stored, []byte(last.body))
		switch {
		case len(kept) > 0 && !last.deleted && last.body == string(stored):
			want = commit.Unchanged
		case last.version == 0:
			want = commit.Created
		default:
			want = commit.Updated
		}
		if want != commit.Unchanged {
			if p.t == "Basic" || c.KeepNoMetaHistory && metaOnly {
				kept = kept[:max(0, len(kept)-1)]
			}
			kept = append(kept, modelVersion{last.version + 1, o.Version.Position, o.Version.Instant, false, string(stored)})
		}
		if !slices.Contains(m.places, p) {
			m.places = append(m.places, p)
		}
	case event.Delete:
		if len(kept) > 0 && !last.deleted {
			want = commit.Deleted
			if p.t == "Basic" {
				kept = kept[:len(kept)-1]
			}
			kept = append(kept, modelVersion{last.version + 1, o.Version.Position, o.Version.Instant, true, ""})
		}
	case event.HardDelete:
		if len(kept) > 0 {
			want = commit.Deleted
			kept = nil
			m.gone = append(m.gone, p)
		}
	case event.PurgeHistory:
		if len(kept) > 1 {
			want = commit.Purged
			kept = kept[len(kept)-1:]
		}
	}
	if o.Change != want {
		m.t.Fatalf("seed %d: %v of %v: change %d, want %d", m.seed, c.Interaction, p, o.Change, want)
	}
	m.model[p] = kept
}
