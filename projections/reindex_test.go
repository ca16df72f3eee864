package projections_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/definitions"
	"fhirlog/domain/event"
	"fhirlog/domain/registry"
	"fhirlog/domain/search"
	"fhirlog/eventlog"
	"fhirlog/projections"
	"fhirlog/projections/searchindex"
	"fhirlog/projections/store"
)

// TestLifeOfACustomParameter: unknown until a reindex has completed, and new
// writes are indexed at once; then it finds everything, also as of instants before
// it was defined. Each station is what a rebuild gives, key by key.
func TestLifeOfACustomParameter(t *testing.T) {
	m := newParameterMachine(t)
	m.patients(60)
	m.patients(60)
	m.erase()
	registered := m.projections.Applied()
	m.define("string", "Patient.name.given")
	m.patients(40)
	m.status(registry.Supported)
	if _, known := m.find("nick", "Ana", m.projections.Applied(), false); known {
		t.Error("a parameter that is not indexed yet can be searched for")
	}
	m.checkNick("partly indexed", registered, true)
	m.checkRebuild()
	m.checkNick("partly indexed, after a restart", registered, true)

	job := m.reindex()
	if job.State != registry.Completed || job.Done != job.Total || job.Total == 0 || job.StartedAt == 0 {
		t.Errorf("the job ends as %+v", job)
	}
	m.status(registry.Enabled)
	m.checkNick("indexed", 0, false)
	m.patients(40)
	m.checkNick("indexed and written on", 0, false)
	m.checkRebuild()
	m.checkNick("indexed, after a restart", 0, false)

	m.define("string", "Patient.name.given.where($this.startsWith('A'))")
	m.status(registry.Supported)
	m.patients(30)
	m.checkRebuild()
	m.reindex()
	m.status(registry.Enabled)
	applied := m.projections.Applied()
	for _, name := range []string{"Ana", "Ben"} {
		want := m.want(applied, 0, func(v *patient) bool { return given(name)(v) && name == "Ana" })
		if got, known := m.find("nick", name, applied, false); !known || !slices.Equal(got, want) {
			t.Errorf("with another expression nick=%s finds %v (known: %t), want %v", name, got, known, want)
		}
	}
	m.checkRebuild()

	m.commit(commit.Command{Interaction: event.Delete, Type: "SearchParameter", ID: "nick"})
	m.status(registry.PendingDelete)
	m.patients(30)
	if _, known := m.find("nick", "Ana", m.projections.Applied(), true); known {
		t.Error("a parameter that is deleted can be searched for")
	}
	m.checkRebuild()
	m.reindex()
	m.status(registry.Deleted)
	m.checkRebuild()
	m.stop()
	if n := m.customKeys(); n > 0 {
		t.Errorf("%d keys of deleted parameters are left", n)
	}
	m.start()
}

// customKeys counts the keys of custom parameters in the store. Nobody may have
// it open.
func (m *parameterMachine) customKeys() (n int) {
	m.t.Helper()
	s, err := store.Open(m.options().Dir, store.Options{})
	if err != nil {
		m.t.Fatal(err)
	}
	err = s.Scan(store.Range{}, func(key, value []byte) (bool, error) {
		if strings.ContainsRune("idf", rune(key[0])) && key[1]&0x80 != 0 {
			n++
		}
		return true, nil
	})
	if err := errors.Join(err, s.Close()); err != nil {
		m.t.Fatal(err)
	}
	return n
}

// TestReindexOverManyBlocks: blocks in the store and in memory, the one in which
// the parameter was defined among both, dates as well as texts.
func TestReindexOverManyBlocks(t *testing.T) {
	m := newParameterMachine(t)
	for range 5 {
		m.patients(5000)
	}
	m.define("date", "Patient.birthDate")
	registered := m.projections.Applied()
	for range 4 {
		m.patients(5000)
	}
	if registered < searchindex.BlockSize {
		t.Fatalf("only %d positions before the parameter", registered)
	}
	begun := time.Now()
	job := m.reindex()
	t.Logf("%d resources in %v", job.Total, time.Since(begun))
	applied := m.projections.Applied()
	for _, snapshot := range []uint64{applied, registered - 1, registered / 2, searchindex.BlockSize} {
		for _, year := range []string{"1950", "1999"} {
			got, known := m.find("nick", year, snapshot, false)
			if want := m.want(snapshot, 0, func(v *patient) bool { return v.born == year }); !known || !slices.Equal(got, want) {
				t.Errorf("at %d of %d: nick=%s finds %d (known: %t), want %d", snapshot, applied, year, len(got), known, len(want))
			}
		}
	}
	m.checkRebuild()
	m.commit(commit.Command{Interaction: event.HardDelete, Type: "SearchParameter", ID: "nick"})
	m.reindex()
	m.checkRebuild()
	m.stop()
	if n := m.customKeys(); n > 0 {
		t.Errorf("%d keys of an erased parameter are left", n)
	}
	m.start()
}

var errCut = errors.New("cut by the test")

// TestAReindexGoesOnAfterAnyCut: the store takes n writes more, and then nothing,
// for many n, between blocks and in the middle of a batch. The next start goes on
// with the job, and the end is that of a rebuild.
func TestAReindexGoesOnAfterAnyCut(t *testing.T) {
	m := newParameterMachine(t)
	for range 4 {
		m.patients(5000)
	}
	m.define("string", "Patient.name.given | Patient.birthDate")
	m.patients(20)
	before := m.saved()
	cuts := 0
	for n := int64(1); ; n += 1 + n/2 {
		m.working = false
		m.rewindAll(before)
		job, err := m.commits.Reindex(t.Context(), commit.Caller{}, registry.ReindexRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if cut := m.cutAfter(n, job.ID); !cut {
			break
		}
		cuts++
		m.working = true
		m.start()
		if job := m.awaitJob(job.ID); job.State != registry.Completed || job.Done != job.Total {
			t.Fatalf("after %d writes: the job ends as %+v", n, job)
		}
		m.checkNick(fmt.Sprintf("cut after %d writes", n), 0, false)
		if cuts%3 == 1 { // each rebuild takes a while
			m.checkRebuild()
		}
	}
	if cuts < 4 {
		t.Errorf("only %d cuts before the job was through", cuts)
	}
}

// rewindAll restarts with an older folder whatever jobs there were since: they
// have completed, and what they did is undone in the log by defining the parameter
// anew.
func (m *parameterMachine) rewindAll(before string) {
	m.t.Helper()
	m.rewind(before)
	m.commit(commit.Command{Interaction: event.Delete, Type: "SearchParameter", ID: "nick"})
	m.define("string", "Patient.name.given | Patient.birthDate")
	m.checkNick("defined anew", m.projections.Applied()-1, true)
}

// cutAfter lets a worker work until the store has taken n writes, and stops all.
// It is false if the job has ended before.
func (m *parameterMachine) cutAfter(n int64, job string) bool {
	m.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var writes atomic.Int64
	var cut atomic.Bool
	m.beforeWrite = func() error {
		if cut.Load() || writes.Add(1) > n {
			cut.Store(true)
			cancel()
			return errCut
		}
		return nil
	}
	worked := make(chan error, 1)
	go func() { worked <- m.projections.Reindex(ctx, m.commits, func(error) {}) }()
	for !m.projections.Registry().Job(job).State.Ended() && ctx.Err() == nil {
		time.Sleep(100 * time.Microsecond)
	}
	cancel()
	err := <-worked
	closed := errors.Join(m.log.Close(), <-m.ended, <-m.ended)
	m.beforeWrite = nil
	closed = errors.Join(closed, m.projections.Close())
	m.log = nil
	if err != nil || closed != nil && !errors.Is(closed, errCut) {
		m.t.Fatalf("after %d writes: %v, %v", n, err, closed)
	}
	if !cut.Load() {
		m.start()
	}
	return cut.Load()
}

// TestWhatAStopHasLostIsMadeUpFor: the log knows of a job that has completed, and
// the folder is from before; also of one that removed a parameter.
func TestWhatAStopHasLostIsMadeUpFor(t *testing.T) {
	m := newParameterMachine(t)
	for range 4 {
		m.patients(5000)
	}
	empty := m.saved()
	m.define("string", "Patient.name.given")
	m.patients(30)
	defined := m.saved()
	m.reindex()
	m.patients(30)
	enabled := m.saved()
	for name, old := range map[string]string{"before the parameter": empty, "before the job": defined} {
		m.rewind(old)
		m.status(registry.Enabled)
		m.checkNick("with the folder of "+name, 0, false)
		m.checkRebuild()
	}
	m.commit(commit.Command{Interaction: event.Delete, Type: "SearchParameter", ID: "nick"})
	m.reindex()
	m.patients(10)
	for name, old := range map[string]string{"before the parameter": empty, "before the job": defined, "before the deletion": enabled} {
		m.rewind(old)
		m.status(registry.Deleted)
		m.checkRebuild()
		m.stop()
		if n := m.customKeys(); n > 0 {
			t.Errorf("with the folder of %s: %d keys of a deleted parameter are left", name, n)
		}
		m.start()
	}
}

// TestWritesGoOnDuringAReindex, and nothing is found twice or missing after it.
func TestWritesGoOnDuringAReindex(t *testing.T) {
	m := newParameterMachine(t)
	for range 4 {
		m.patients(5000)
	}
	m.define("string", "Patient.name.given")
	job, err := m.commits.Reindex(t.Context(), commit.Caller{}, registry.ReindexRequest{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.commits.Commit(t.Context(), commit.Caller{}, []commit.Command{{Interaction: event.Delete, Type: "SearchParameter", ID: "nick"}})
	if !m.projections.Registry().Job(job.ID).State.Ended() && domain.KindOf(err) != domain.Conflict {
		t.Errorf("a parameter is deleted during a reindex: %v", err)
	}
	writes := 0
	for !m.projections.Registry().Job(job.ID).State.Ended() {
		m.patients(200)
		m.find("nick", "Ana", m.projections.Applied(), true)
		writes++
	}
	t.Logf("%d commits during the job", writes)
	m.checkNick("after a job beside writes", 0, false)
	m.checkRebuild()
}

// TestACanceledJobLeavesTheParameterPending, and the next one completes it,
// without waiting for the pause of the one before.
func TestACanceledJobLeavesTheParameterPending(t *testing.T) {
	m := newParameterMachine(t)
	for range 4 {
		m.patients(5000)
	}
	m.define("string", "Patient.name.given")
	job, err := m.commits.Reindex(t.Context(), commit.Caller{}, registry.ReindexRequest{Limits: registry.Limits{DelayMillis: 500_000}})
	if err != nil {
		t.Fatal(err)
	}
	for _, done, _ := m.projections.Progress(job.ID); done == 0; _, done, _ = m.projections.Progress(job.ID) {
		time.Sleep(time.Millisecond)
	}
	if err := m.commits.CancelJob(t.Context(), commit.Caller{}, job.ID); err != nil {
		t.Fatal(err)
	}
	m.status(registry.Supported)
	if err := m.commits.CancelJob(t.Context(), commit.Caller{}, job.ID); domain.KindOf(err) != domain.Invalid {
		t.Errorf("a second cancel: %v", err)
	}
	if next := m.reindex(); next.State != registry.Completed || next.Done != next.Total {
		t.Errorf("the next job ends as %+v", next)
	}
	m.checkNick("completed by a second job", 0, false)
	m.checkRebuild()
}

// TestEqualParametersAtOnce: of many equal creates one wins.
func TestEqualParametersAtOnce(t *testing.T) {
	m := newParameterMachine(t)
	const tries = 12
	results := make(chan error, tries)
	text := nick("x", nickURL, "string", "Patient.name.given")
	for range tries {
		resource := parsed(t, text)
		go func() {
			_, err := m.commits.Commit(t.Context(), commit.Caller{}, []commit.Command{{Interaction: event.Create, Type: "SearchParameter", Resource: resource}})
			results <- err
		}()
	}
	won := 0
	for range tries {
		if err := <-results; err == nil {
			won++
		} else if domain.KindOf(err) != domain.Invalid {
			t.Errorf("a create beside its equals: %v", err)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d equal parameters were created", won, tries)
	}
	jobs := make(chan string, tries)
	for range tries {
		go func() {
			job, err := m.commits.Reindex(t.Context(), commit.Caller{}, registry.ReindexRequest{Limits: registry.Limits{DelayMillis: 500}})
			if err != nil {
				t.Error(err)
			}
			jobs <- job.ID
		}()
	}
	first := <-jobs
	for range tries - 1 {
		if id := <-jobs; id != first && m.projections.Registry().Job(first).EndedAt == 0 {
			t.Errorf("two jobs at once: %s and %s", first, id)
		}
	}
}

// TestValuesOfAnOldSetAreNotTaken: a write that was prepared before a parameter
// was defined, and ordered after it, is indexed under it all the same.
func TestValuesOfAnOldSetAreNotTaken(t *testing.T) {
	m := newParameterMachine(t)
	old := m.projections.Parameters()
	m.define("string", "Patient.name.given")
	from := m.projections.Applied()
	d, err := definitions.Load(definitions.R4)
	if err != nil {
		t.Fatal(err)
	}
	m.commits = commit.New(m.log, m.projections, d, commit.Options{
		Registry: m.projections.Registry,
		Handoff: func(first eventlog.Position, _ *search.Set, values []*search.Values) {
			for i := range values {
				values[i] = new(search.Values) // whatever the old set extracts, nick is not in it
			}
			m.projections.Handoff(first, old, values)
		},
	})
	for range 20 {
		m.patients(3)
	}
	m.checkNick("handed over with values of an old set", from, true)
}

// TestAJobMayBeginBeforeTheLogIsFollowed: a start whose worker is ahead of the
// applier. What a job has taken out of the index, nobody fills in again.
func TestAJobMayBeginBeforeTheLogIsFollowed(t *testing.T) {
	m := newParameterMachine(t)
	m.patients(30)
	m.define("string", "Patient.name.given")
	m.reindex()
	m.commit(commit.Command{Interaction: event.Delete, Type: "SearchParameter", ID: "nick"})
	m.stopWork()
	job, err := m.commits.Reindex(t.Context(), commit.Caller{}, registry.ReindexRequest{})
	if err != nil || len(job.Remove) == 0 {
		t.Fatalf("a job that removes the parameter: %+v, %v", job, err)
	}
	job.State = registry.Running
	if changed, err := m.commits.ChangeJob(t.Context(), &job); err != nil || !changed {
		t.Fatalf("ChangeJob: %t, %v", changed, err)
	}
	m.working, m.late = false, make(chan struct{})
	m.stop()
	m.start()
	worked := make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		worked <- m.projections.Reindex(ctx, firstEnding{m.commits, m.late}, func(err error) { t.Errorf("the job failed: %v", err) })
	}()
	m.awaitJob(job.ID)
	stop()
	if err := <-worked; err != nil {
		t.Fatal(err)
	}
	m.late = nil
	m.checkRebuild()
}

// firstEnding closes a channel when a job is about to end.
type firstEnding struct {
	projections.Administrator
	ending chan struct{}
}

func (a firstEnding) ChangeJob(ctx context.Context, job *registry.Job) (bool, error) {
	if job.State.Ended() {
		close(a.ending)
	}
	return a.Administrator.ChangeJob(ctx, job)
}
