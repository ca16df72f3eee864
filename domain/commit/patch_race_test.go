package commit

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/patch"
)

// counting is a patch that adds one to the identifiers of some numbers.
type counting []int

func (c counting) Apply(v fhirjson.Value) (*fhirjson.Document, error) {
	var edits []fhirjson.Edit
	i := 0
	for identifier := v.Get("identifier").First(); identifier.Exists(); identifier = identifier.Next() {
		value := identifier.Get("value")
		n, err := strconv.Atoi(value.String())
		if err != nil {
			return nil, err
		}
		for _, wanted := range c {
			if wanted == i {
				edits = append(edits, fhirjson.Edit{Start: value.Start(), End: value.End(), With: strconv.AppendQuote(nil, strconv.Itoa(n+1))})
			}
		}
		i++
	}
	return fhirjson.Parse(fhirjson.AppendCompact(nil, v, edits), fhirjson.Limits{})
}

// TestPatchesAtOnceAllTakeEffect: goroutines patch one Patient without naming a
// version, each its own counter and one that all share, while others write to the
// same log. Nothing is lost, and the versions are as many as the changes.
func TestPatchesAtOnceAllTakeEffect(t *testing.T) {
	const workers, rounds = 8, 25
	m := newMemory()
	s := newService(t, m, Options{})
	zeros := make([]string, workers+1)
	for i := range zeros {
		zeros[i] = "0"
	}
	mustCommit(t, s, update(t, "Patient", "p", patient("p", "Test", zeros...)))
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			for range rounds {
				c := Command{Interaction: event.Patch, Type: "Patient", ID: "p", Patch: counting{worker, workers}}
				if worker%2 == 1 { // the same resource, found by a search
					c = conditional(t, event.Patch, "", "family", "Test")
					c.Patch = counting{worker, workers}
				}
				if _, err := s.Commit(t.Context(), Caller{}, []Command{c, create(t, "Basic", `{"resourceType":"Basic","code":{"text":"x"}}`)}); err != nil {
					t.Errorf("Commit: %v", err)
					return
				}
			}
		})
	}
	all.Wait()
	state, err := m.Current("Patient", "p", m.Applied())
	if err != nil {
		t.Fatal(err)
	}
	want := make([]string, workers+1)
	for i := range workers {
		want[i] = strconv.Itoa(rounds)
	}
	want[workers] = strconv.Itoa(workers * rounds)
	stored := fhirjson.AppendCompact(nil, parse(t, patient("p", "Test", want...)).Get("identifier"), nil)
	got := parse(t, m.body(state.Position)).Get("identifier")
	if string(got.Raw()) != string(stored) || state.Version != 1+workers*rounds {
		t.Errorf("version %d with %s, want version %d with %s", state.Version, got.Raw(), 1+workers*rounds, stored)
	}
}

// TestJSONPatchesAtOnce is the same with a JSON Patch for each field: a test of
// the value that the goroutine knows, and its replacement. Nobody else writes there,
// so all succeed.
func TestJSONPatchesAtOnce(t *testing.T) {
	const workers, rounds = 6, 20
	m := newMemory()
	s := newService(t, m, Options{})
	mustCommit(t, s, update(t, "Patient", "p", patient("p", "Test", "0", "0", "0", "0", "0", "0")))
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			for n := range rounds {
				document := fmt.Sprintf(`[{"op":"test","path":"/identifier/%[1]d/value","value":"%[2]d"},{"op":"replace","path":"/identifier/%[1]d/value","value":"%[3]d"}]`, worker, n, n+1)
				p, err := patch.ParseJSON([]byte(document))
				if err == nil {
					_, err = s.Commit(t.Context(), Caller{}, []Command{{Interaction: event.Patch, Type: "Patient", ID: "p", Patch: p}})
				}
				if err != nil {
					t.Errorf("%s: %v", document, err)
					return
				}
			}
		})
	}
	all.Wait()
	state, err := m.Current("Patient", "p", m.Applied())
	if err != nil || state.Version != 1+workers*rounds {
		t.Errorf("version %d, %v; want %d", state.Version, err, 1+workers*rounds)
	}
}

// TestPatchesInLineAreNotAppliedInVain: patches that lose to each other are applied
// at most twice, however many there are: once when they come, and once at the head of
// their line.
func TestPatchesInLineAreNotAppliedInVain(t *testing.T) {
	const patches = 12
	m := newMemory()
	s := newService(t, m, Options{})
	mustCommit(t, s, update(t, "Patient", "p", patient("p", "Test", "0")))
	m.hold()
	other := commitLater(t.Context(), s, update(t, "Patient", "p", patient("p", "Test", "100")))
	eventually(t, "the other commit is ordered", func() bool { return m.Next() == 2 })
	var applied atomic.Int64
	var all []<-chan result
	for range patches {
		all = append(all, commitLater(t.Context(), s, Command{Interaction: event.Patch, Type: "Patient", ID: "p", Patch: counted{counting{0}, &applied}}))
	}
	eventually(t, "all have lost", func() bool { return applied.Load() == patches })
	m.release()
	for _, done := range append(all, other) {
		if r := <-done; r.err != nil {
			t.Errorf("Commit: %v", r.err)
		}
	}
	if n := applied.Load(); n > 2*patches {
		t.Errorf("%d patches were applied %d times", patches, n)
	}
	state, err := m.Current("Patient", "p", m.Applied())
	if err != nil || !strings.Contains(m.body(state.Position), `"112"`) {
		t.Errorf("%v: the last version is %s", err, m.body(state.Position))
	}
}

// counted counts how often a patch is applied.
type counted struct {
	patch.Patch
	applied *atomic.Int64
}

func (c counted) Apply(v fhirjson.Value) (*fhirjson.Document, error) {
	c.applied.Add(1)
	return c.Patch.Apply(v)
}

// TestAPatchInLineGivesUpInTime: the head of the line waits for the log, and the
// patch behind it has a deadline.
func TestAPatchInLineGivesUpInTime(t *testing.T) {
	m := newMemory()
	s := newService(t, m, Options{})
	mustCommit(t, s, update(t, "Patient", "p", patient("p", "Test", "0")))
	m.hold()
	other := commitLater(t.Context(), s, update(t, "Patient", "p", patient("p", "Test", "100")))
	eventually(t, "the other commit is ordered", func() bool { return m.Next() == 2 })
	count := Command{Interaction: event.Patch, Type: "Patient", ID: "p", Patch: counting{0}}
	head := commitLater(t.Context(), s, count)
	eventually(t, "the head waits", func() bool { return m.waiting() == 2 })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := s.Commit(ctx, Caller{}, []Command{count}); domain.KindOf(err) != domain.Timeout {
		t.Errorf("Commit behind the head: %v, want a Timeout", err)
	}
	m.release()
	for _, done := range []<-chan result{other, head} {
		if r := <-done; r.err != nil {
			t.Error(r.err)
		}
	}
	if m.Next() != 3 {
		t.Errorf("%d events, want 3", m.Next())
	}
}

// TestAPatchFollowsItsReference: between the plan and the decision, another
// resource becomes the one that a conditional reference in the patch finds. The
// patched resource is as before, so the patch is not applied again, and its content
// leads to the other one all the same.
func TestAPatchFollowsItsReference(t *testing.T) {
	m := newMemory()
	s := newService(t, m, Options{})
	mustCommit(t, s, update(t, "Patient", "p", patient("p", "Test", "p")), update(t, "Patient", "q", patient("q", "Test", "wanted")))
	m.hold()
	other := commitLater(t.Context(), s, Command{Interaction: event.Delete, Type: "Patient", ID: "q"}, update(t, "Patient", "r", patient("r", "Test", "wanted")))
	eventually(t, "the other commit is ordered", func() bool { return m.Next() == 4 })
	var applied atomic.Int64
	linked := replacing{`"name":[`, `"link":[{"other":{"reference":"Patient?identifier=s|wanted"},"type":"seealso"}],"name":[`}
	patched := commitLater(t.Context(), s, Command{Interaction: event.Patch, Type: "Patient", ID: "p", Patch: counted{linked, &applied}})
	eventually(t, "both wait", func() bool { return m.waiting() == 2 })
	m.release()
	if r := <-other; r.err != nil {
		t.Fatal(r.err)
	}
	if r := <-patched; r.err != nil {
		t.Fatal(r.err)
	}
	if body := m.body(4); !strings.Contains(body, `"reference":"Patient/r"`) || applied.Load() != 1 {
		t.Errorf("applied %d times to %s", applied.Load(), body)
	}
}

// disturbed is a patch of Patient p whose resource changes each time while it is
// applied, until somebody holds the turn.
type disturbed struct {
	t       *testing.T
	s       *Service
	takes   time.Duration
	applied int
	alone   bool // it was applied while its commit held the turn
}

// mostDisturbances ends what would go on for ever.
const mostDisturbances = 8

func (d *disturbed) Apply(v fhirjson.Value) (*fhirjson.Document, error) {
	d.applied++
	time.Sleep(d.takes)
	if d.alone = len(d.s.decider.turn) > 0; !d.alone && d.applied <= mostDisturbances {
		mustCommit(d.t, d.s, update(d.t, "Patient", "p", patient("p", "Test", strconv.Itoa(d.applied))))
	}
	return replacing{`"Test"`, `"Patched"`}.Apply(v)
}

// TestPatience: a patch that loses again and again holds up the others in the end,
// unless it takes long.
func TestPatience(t *testing.T) {
	patched := func(t *testing.T, takes time.Duration) *disturbed {
		m := newMemory()
		s := newService(t, m, Options{})
		mustCommit(t, s, update(t, "Patient", "p", patient("p", "Test", "0")))
		d := &disturbed{t: t, s: s, takes: takes}
		mustCommit(t, s, Command{Interaction: event.Patch, Type: "Patient", ID: "p", Patch: d})
		return d
	}
	t.Run("a quick patch", func(t *testing.T) {
		// Where others use the machine, a quick patch may take long now and then.
		for range 20 {
			if d := patched(t, 0); d.alone && d.applied == patience+1 {
				return
			}
		}
		t.Error("it never held the turn when it was applied for the last time")
	})
	t.Run("a slow patch", func(t *testing.T) {
		if d := patched(t, slowPatches+time.Millisecond); d.alone || d.applied != mostDisturbances+1 {
			t.Errorf("applied %d times, at last while it held the turn: %t", d.applied, d.alone)
		}
	})
}
