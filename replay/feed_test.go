package replay_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/event"
	"fhirlog/domain/feed"
	"fhirlog/replay"
)

// listener keeps what it is told, and checks that nothing is left out: each entry and
// each mark begins where the one before has ended.
type listener struct {
	source   string
	next     uint64 // all before it is accounted for
	lines    []string
	entries  []feed.Entry
	fault    error
	eachTime func() error // after each entry
	marks    bool         // take marks
	until    uint64       // end when this is reached
}

var errSeenAll = errors.New("seen all")

func (l *listener) account(from, next uint64) {
	if from != l.next || next < from {
		l.fault = errors.Join(l.fault, fmt.Errorf("%d to %d told where %d is next", from, next, l.next))
	}
	l.next = next
}

func (l *listener) Entry(e *feed.Entry) error {
	l.account(e.From, e.Position+1)
	l.lines = append(l.lines, string(e.AppendJSON(nil, l.source)))
	l.entries = append(l.entries, *e)
	if l.eachTime != nil {
		return l.eachTime()
	}
	return nil
}

func (l *listener) Reached(from, next uint64) (bool, error) {
	if from != l.next || next < from {
		l.fault = errors.Join(l.fault, fmt.Errorf("reached from %d to %d where %d is next", from, next, l.next))
	}
	if l.marks {
		l.next = next
	}
	if l.until > 0 && next >= l.until {
		return l.marks, errSeenAll
	}
	return l.marks, nil
}

func (m *machine) feed() *replay.Feed {
	return &replay.Feed{Log: m.log, View: m.projections, Origin: "urn:test"}
}

// walked is what a feed tells.
func walked(t *testing.T, f *replay.Feed, q feed.Query, marks bool) *listener {
	t.Helper()
	l := &listener{source: f.Source(), next: q.From, marks: marks}
	if err := f.Walk(t.Context(), q, l); err != nil || l.fault != nil {
		t.Fatalf("Walk(%+v): %v, %v", q, err, l.fault)
	}
	return l
}

// TestFeedAgreesWithThePlainModel compares, after random commands, what a feed tells
// with the lists of what must be there, and with what an archive of the same folder
// tells.
func TestFeedAgreesWithThePlainModel(t *testing.T) {
	for range 3 {
		seed := uint64(time.Now().UnixNano())
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			m := newMachine(t, seed)
			for range 150 {
				m.step()
			}
			m.checkFeed()
			past := m.past()
			live := map[bool][]string{}
			for _, all := range []bool{false, true} {
				live[all] = walked(t, m.feed(), feed.Query{Until: 1 << 60, Bodies: true, Filter: feed.Filter{All: all}}, false).lines
			}
			m.stop()
			m.checkArchive(live, past)
		})
	}
}

// checkFeed compares feeds with the model.
func (m *machine) checkFeed() {
	m.t.Helper()
	total := uint64(m.log.Durable())
	all := walked(m.t, m.feed(), feed.Query{Until: total, Filter: feed.Filter{All: true}}, m.rand.IntN(2) == 0)
	if len(all.entries) != int(total) {
		m.t.Fatalf("seed %d: %d entries of %d records", m.seed, len(all.entries), total)
	}
	kept := map[uint64]modelVersion{}
	for _, versions := range m.model {
		for _, v := range versions {
			kept[v.position] = v
		}
	}
	shown := 0
	seen := walked(m.t, m.feed(), feed.Query{Until: total, Bodies: true}, m.rand.IntN(2) == 0)
	for _, e := range seen.entries {
		if e.Event.Kind == event.Erased || e.Event.Kind == event.HistoryPurged {
			continue
		}
		v, there := kept[e.Position]
		if !there || v.version != e.Event.Version || v.instant != e.Instant || v.deleted != (e.Content == feed.None) || v.deleted != (e.Body == nil) {
			m.t.Fatalf("seed %d: entry %+v; in the model %t: %+v", m.seed, e, there, v)
		}
		shown++
	}
	if shown != len(kept) {
		m.t.Fatalf("seed %d: %d versions told, %d are kept", m.seed, shown, len(kept))
	}
	for _, e := range all.entries {
		_, there := kept[e.Position]
		version := e.Event.Kind == event.Written || e.Event.Kind == event.Deleted
		if version && !there != (e.Content == feed.Erased) {
			m.t.Fatalf("seed %d: position %d is %v; kept: %t", m.seed, e.Position, e.Content, there)
		}
	}
	m.checkParts(all)
}

// checkParts compares feeds of parts, filtered, with the feed of all.
func (m *machine) checkParts(all *listener) {
	m.t.Helper()
	for range 20 {
		q := feed.Query{From: m.rand.Uint64N(uint64(len(all.entries)) + 1), Filter: feed.Filter{All: true}}
		q.Until = q.From + m.rand.Uint64N(uint64(len(all.entries))+1-q.From)
		switch m.rand.IntN(3) {
		case 0:
			q.Filter.Types = []domain.ResourceType{"Patient", "Basic"}
		case 1:
			q.Filter.Interactions = 1<<event.Delete | 1<<event.Patch
		}
		got := walked(m.t, m.feed(), q, m.rand.IntN(2) == 0)
		var want []uint64
		for _, e := range all.entries[q.From:q.Until] {
			if q.Filter.Wants(&e.Event) {
				want = append(want, e.Position)
			}
		}
		if !slices.Equal(want, positions(got.entries)) {
			m.t.Fatalf("seed %d: %+v tells %v, want %v", m.seed, q, positions(got.entries), want)
		}
	}
}

func positions(entries []feed.Entry) []uint64 {
	var list []uint64
	for _, e := range entries {
		list = append(list, e.Position)
	}
	return list
}

// TestFeedWhileOthersWrite follows from all sides while clients write: every follower is
// told each event once, in order, and can go on wherever it stopped. One is slow, and
// nobody waits for it.
func TestFeedWhileOthersWrite(t *testing.T) {
	m := newMachine(t, 1)
	const writers, each = 4, 100
	total := uint64(writers * each * 3 / 2)
	var running sync.WaitGroup
	var followers []*listener
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	follow := func(l *listener, q feed.Query) {
		q.Follow, q.Heartbeat = true, time.Millisecond
		l.source, l.next, l.until = "urn:test", q.From, total
		followers = append(followers, l)
		running.Go(func() {
			if err := m.feed().Walk(ctx, q, l); !errors.Is(err, errSeenAll) {
				l.fault = errors.Join(l.fault, fmt.Errorf("Walk: %w", err))
			}
		})
	}
	follow(&listener{}, feed.Query{Bodies: true})
	follow(&listener{marks: true}, feed.Query{})
	follow(&listener{marks: true}, feed.Query{Filter: feed.Filter{Types: []domain.ResourceType{"Basic"}}})
	follow(&listener{eachTime: func() error { time.Sleep(time.Millisecond); return nil }}, feed.Query{})
	resumed := &resumer{random: rand.New(rand.NewPCG(1, 2)), total: total}
	running.Go(func() { resumed.run(ctx, m.feed()) })
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			for i := range each {
				commands := []commit.Command{{Interaction: event.Create, Type: "Patient", Resource: m.parse(`{"resourceType":"Patient"}`)}}
				if i%2 == w%2 {
					commands = append(commands, commit.Command{Interaction: event.Create, Type: "Basic", Resource: m.parse(`{"resourceType":"Basic","code":{"text":"x"}}`)})
				}
				if _, err := m.commits.Commit(t.Context(), commit.Caller{}, commands); err != nil {
					t.Errorf("Commit: %v", err)
				}
			}
		})
	}
	writing.Wait()
	if got := uint64(m.log.Durable()); got != total {
		t.Fatalf("%d records, want %d", got, total)
	}
	running.Wait()
	for i, l := range followers {
		want := int(total)
		if i == 2 {
			want = writers * each / 2
		}
		if l.fault != nil || len(l.entries) != want {
			t.Errorf("follower %d: %d entries, want %d; %v", i, len(l.entries), want, l.fault)
		}
	}
	if resumed.fault != nil || resumed.next != total || resumed.walks < 3 {
		t.Errorf("who begins again and again: %d of %d in %d walks, %v", resumed.next, total, resumed.walks, resumed.fault)
	}
}

// resumer leaves after a few entries, and goes on.
type resumer struct {
	random      *rand.Rand
	total, next uint64
	walks       int
	fault       error
}

func (r *resumer) run(ctx context.Context, f *replay.Feed) {
	errEnough := errors.New("enough")
	for r.next < r.total && r.fault == nil && ctx.Err() == nil {
		left := 1 + r.random.IntN(60)
		l := &listener{source: "urn:test", next: r.next, until: r.total}
		l.eachTime = func() error {
			if left--; left == 0 {
				return errEnough
			}
			return nil
		}
		err := f.Walk(ctx, feed.Query{From: r.next, Follow: true}, l)
		if !errors.Is(err, errEnough) && !errors.Is(err, errSeenAll) {
			r.fault = fmt.Errorf("Walk: %w", err)
		}
		r.fault = errors.Join(r.fault, l.fault)
		r.next = l.next
		r.walks++
	}
}

// TestFeedHidesWhatIsErasedMeanwhile erases while a slow reader is in the middle.
func TestFeedHidesWhatIsErasedMeanwhile(t *testing.T) {
	m := newMachine(t, 1)
	for i := range 10 {
		id := fmt.Sprint("p", i)
		m.run(commit.Command{Interaction: event.Update, Type: "Patient", ID: domain.LogicalID(id), Resource: m.parse(`{"resourceType":"Patient","id":"` + id + `"}`)})
	}
	l := &listener{source: "urn:test"}
	l.eachTime = func() error {
		if len(l.entries) == 3 {
			m.run(commit.Command{Interaction: event.HardDelete, Type: "Patient", ID: "p7"})
			time.Sleep(50 * time.Millisecond) // a slow reader
		}
		return nil
	}
	if err := m.feed().Walk(t.Context(), feed.Query{Until: 10, Bodies: true}, l); err != nil || l.fault != nil {
		t.Fatal(err, l.fault)
	}
	if got := positions(l.entries); !slices.Equal(got, []uint64{0, 1, 2, 3, 4, 5, 6, 8, 9}) {
		t.Errorf("told %v", got)
	}
}

// TestFeedEnds says how.
func TestFeedEnds(t *testing.T) {
	m := newMachine(t, 1)
	m.run(commit.Command{Interaction: event.Create, Type: "Patient", Resource: m.parse(`{"resourceType":"Patient"}`)})
	t.Run("at the end of what there is", func(t *testing.T) {
		if l := walked(t, m.feed(), feed.Query{From: 1, Until: 1 << 60}, true); l.next != 1 {
			t.Errorf("reached %d", l.next)
		}
	})
	t.Run("with its context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l := &listener{source: "urn:test", eachTime: func() error { cancel(); return nil }}
		if err := m.feed().Walk(ctx, feed.Query{Follow: true}, l); !errors.Is(err, context.Canceled) {
			t.Errorf("Walk: %v", err)
		}
	})
	t.Run("with the log", func(t *testing.T) {
		l := &listener{source: "urn:test"}
		ended := make(chan error, 1)
		began := make(chan struct{})
		l.eachTime = func() error { close(began); return nil }
		go func() { ended <- m.feed().Walk(context.Background(), feed.Query{Follow: true}, l) }()
		<-began
		m.stop()
		if err := <-ended; err == nil {
			t.Error("Walk goes on without a log")
		}
	})
}
