package commit

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/resource"
	"fhirlog/domain/search"
	"fhirlog/eventlog"
)

// memory is a Log and a State in memory. What is appended is applied at once,
// unless held is set.
type memory struct {
	mu      sync.Mutex // guards the fields below
	packed  map[*eventlog.Packed][][]byte
	packs   int
	records []eventlog.Record
	chains  map[place][]uint64 // positions of all events of a resource
	applied uint64
	held    bool          // appended records are not applied
	moved   chan struct{} // closed when applied moves, or failure is set
	failure error         // of WaitApplied
	refuse  error         // of Append
	block   chan struct{} // Append waits until it is closed, or for ctx
	waits   int           // calls of WaitApplied that had to wait
	values  map[uint64]*search.Values
	finds   int         // calls of Find
	onFind  func()      // called at the end of each Find
	set     *search.Set // in force; nil for that of the specification
}

type place struct {
	t  domain.ResourceType
	id domain.LogicalID
}

var (
	_ Log   = (*memory)(nil)
	_ State = (*memory)(nil)
)

func newMemory() *memory {
	return &memory{packed: map[*eventlog.Packed][][]byte{}, chains: map[place][]uint64{}, values: map[uint64]*search.Values{}, moved: make(chan struct{})}
}

func (m *memory) Next() eventlog.Position {
	m.mu.Lock()
	defer m.mu.Unlock()
	return eventlog.Position(len(m.records))
}

func (m *memory) Pack(bodies [][]byte) *eventlog.Packed {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := &eventlog.Packed{}
	m.packed[p] = bodies
	m.packs++
	return p
}

// instant is what the fake log gives to the commit that begins at a position.
func instant(first uint64) int64 { return int64(1000 + first) }

func (m *memory) Append(ctx context.Context, b eventlog.Batch) (eventlog.Appended, error) {
	if err := ctx.Err(); err != nil {
		return eventlog.Appended{}, err
	}
	m.mu.Lock()
	block := m.block
	m.mu.Unlock()
	if block != nil {
		select {
		case <-block:
		case <-ctx.Done():
			return eventlog.Appended{}, ctx.Err()
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refuse != nil {
		return eventlog.Appended{}, m.refuse
	}
	bodies, known := m.packed[b.Bodies]
	if !known || len(bodies) != len(b.Metadata) || len(bodies) == 0 {
		panic("a batch whose bodies are not packed alike, or are used twice")
	}
	delete(m.packed, b.Bodies)
	a := eventlog.Appended{First: eventlog.Position(len(m.records)), Count: len(bodies), Instant: instant(uint64(len(m.records)))}
	for i, metadata := range b.Metadata {
		e, err := event.Decode(metadata)
		if err != nil {
			panic(err)
		}
		position := uint64(len(m.records))
		m.records = append(m.records, eventlog.Record{
			Position: eventlog.Position(position), Instant: a.Instant, Metadata: metadata,
			Body: bodies[i], HasBody: bodies[i] != nil, CommitEnd: i == len(bodies)-1,
		})
		at := place{e.Type, e.ID}
		m.chains[at] = append(m.chains[at], position)
	}
	if !m.held {
		m.applyLocked(uint64(len(m.records)))
	}
	return a, nil
}

func (m *memory) applyLocked(applied uint64) {
	m.applied = applied
	close(m.moved)
	m.moved = make(chan struct{})
}

// hold stops applying; release applies what was appended meanwhile.
func (m *memory) hold() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held = true
}

func (m *memory) release() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held = false
	m.applyLocked(uint64(len(m.records)))
}

func (m *memory) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failure = err
	m.applyLocked(m.applied)
}

func (m *memory) waiting() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.waits
}

func (m *memory) Read(p eventlog.Position) (eventlog.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if int(p) >= len(m.records) {
		return eventlog.Record{}, eventlog.ErrNotFound
	}
	return m.records[p], nil
}

func (m *memory) Applied() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.applied
}

func (m *memory) WaitApplied(ctx context.Context, upTo uint64) error {
	for first := true; ; first = false {
		m.mu.Lock()
		moved, failure, done := m.moved, m.failure, m.applied >= upTo
		if first && !done {
			m.waits++
		}
		m.mu.Unlock()
		if done {
			return nil
		}
		if failure != nil {
			return failure
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (m *memory) Current(t domain.ResourceType, id domain.LogicalID, snapshot uint64) (resource.State, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if snapshot > m.applied {
		return resource.State{}, fmt.Errorf("snapshot %d is beyond what is applied, %d", snapshot, m.applied)
	}
	var s resource.State
	for _, position := range m.visibleLocked(place{t, id}) {
		if position >= snapshot {
			break
		}
		e, err := event.Decode(m.records[position].Metadata)
		if err != nil {
			return s, err
		}
		switch e.Kind {
		case event.Erased:
			s = resource.State{}
		case event.HistoryPurged:
			s.Old = false
		default:
			s = resource.State{
				Exists: true, Position: position, Version: e.Version, Deleted: e.Kind == event.Deleted,
				Old: s.Exists && (s.Old || !e.DropsPrevious),
			}
		}
	}
	return s, nil
}

// visibleLocked returns the positions of the events of a resource that can still
// be seen: an erasure that is applied hides all before it, at any snapshot.
func (m *memory) visibleLocked(at place) []uint64 {
	chain := m.chains[at]
	for i := len(chain) - 1; i >= 0; i-- {
		e, err := event.Decode(m.records[chain[i]].Metadata)
		if err != nil {
			panic(err)
		}
		if e.Kind == event.Erased && chain[i] < m.applied {
			return chain[i+1:]
		}
	}
	return chain
}

// events decodes what was appended from a position on.
func (m *memory) events(t *testing.T, from int) (list []event.Event) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.records[from:] {
		e, err := event.Decode(r.Metadata)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, e)
	}
	return list
}

func (m *memory) body(position uint64) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return string(m.records[position].Body)
}

// newService makes a Service over a memory; new resources get the ids new1,
// new2, ….
func newService(t testing.TB, m *memory, o Options) *Service {
	t.Helper()
	if o.NewID == nil {
		var mu sync.Mutex
		n := 0
		o.NewID = func() domain.LogicalID {
			mu.Lock()
			defer mu.Unlock()
			n++
			return domain.LogicalID(fmt.Sprintf("new%d", n))
		}
	}
	return New(m, m, r4(), o)
}

func parse(t testing.TB, text string) fhirjson.Value {
	t.Helper()
	d, err := fhirjson.Parse([]byte(text), fhirjson.Limits{})
	if err != nil {
		t.Fatalf("Parse(%s): %v", text, err)
	}
	return d.Root()
}

func create(t testing.TB, resourceType domain.ResourceType, text string) Command {
	t.Helper()
	return Command{Interaction: event.Create, Type: resourceType, Resource: parse(t, text)}
}

func update(t testing.TB, resourceType domain.ResourceType, id domain.LogicalID, text string) Command {
	t.Helper()
	return Command{Interaction: event.Update, Type: resourceType, ID: id, Resource: parse(t, text)}
}

// basic is a Basic of a certain id and content.
func basic(id, code string) string {
	return fmt.Sprintf(`{"resourceType":"Basic","id":%q,"code":{"text":%q}}`, id, code)
}

// testCaller says of itself all that there is to say.
var testCaller = Caller{
	Author: "author", RequestID: "request", Agent: "agent/1", Address: netip.MustParseAddr("192.0.2.7"), Reason: "reason",
}

func mustCommit(t testing.TB, s *Service, commands ...Command) []Outcome {
	t.Helper()
	outcomes, err := s.Commit(t.Context(), testCaller, commands)
	if err != nil {
		t.Fatalf("Commit(%+v): %v", commands, err)
	}
	return outcomes
}

// eventually waits until a condition that another goroutine brings about holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(100 * time.Microsecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after 10 s: %s does not hold", what)
		}
	}
}
