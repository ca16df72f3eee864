package projections

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/resource"
	"fhirlog/eventlog"
)

// plain is what a log shows as of a snapshot and a horizon, found by going through it.
type plain struct {
	snapshot, horizon uint64
	events            []event.Event
	removed           map[uint64]bool    // by events below the horizon
	last              map[place][]uint64 // the versions below the snapshot since the last erasure by then
}

func plainly(t *testing.T, records []eventlog.Record, snapshot, horizon uint64) *plain {
	t.Helper()
	v := &plain{snapshot: snapshot, horizon: horizon, removed: map[uint64]bool{}, last: map[place][]uint64{}}
	living := map[place][]uint64{}
	for i := range records[:horizon] {
		e, err := event.Decode(records[i].Metadata)
		if err != nil {
			t.Fatal(err)
		}
		v.events = append(v.events, e)
		at, position := place{e.Type, e.ID}, uint64(i)
		gone := living[at]
		switch e.Kind {
		case event.Written, event.Deleted:
			if e.DropsPrevious && len(gone) > 0 {
				v.removed[gone[len(gone)-1]] = true
			}
			living[at] = append(slices.Clone(gone), position)
		case event.HistoryPurged:
			for _, p := range gone[:len(gone)-1] {
				v.removed[p] = true
			}
		case event.Erased:
			for _, p := range gone {
				v.removed[p] = true
			}
			living[at] = nil
		}
		if position < snapshot {
			v.last[at] = living[at]
		}
		if e.Kind == event.Erased { // also of what was there at the snapshot
			if all := v.last[at]; len(all) > 0 && slices.Contains(gone, all[0]) {
				v.last[at] = nil
			}
		}
	}
	return v
}

// kept are the positions of a type, or of a resource of it.
func (v *plain) kept(t domain.ResourceType, id domain.LogicalID) (positions []uint64) {
	for i := range v.events[:v.snapshot] {
		e := &v.events[i]
		version := e.Kind == event.Written || e.Kind == event.Deleted
		if version && (t == "" || e.Type == t) && (id == "" || e.ID == id) && !v.removed[uint64(i)] {
			positions = append(positions, uint64(i))
		}
	}
	return positions
}

// startOf is the version of a resource that was current at a moment.
func (v *plain) startOf(at place, moment uint64) uint64 {
	start := moment
	for _, p := range v.kept(at.t, at.id) {
		if p < moment {
			start = p
		}
	}
	if start < moment && v.events[start].Kind == event.Deleted {
		return moment
	}
	return start
}

// history is the page of a query; id may be "".
func (v *plain) history(t domain.ResourceType, id domain.LogicalID, q resource.HistoryQuery) resource.HistoryPage {
	var all []uint64
	total := 0
	for _, p := range v.kept(t, id) {
		inside := p >= q.From && p < min(q.Before, q.Snapshot)
		if q.CurrentAt > 0 {
			e := &v.events[p]
			inside = p < min(q.Before, q.Snapshot) && (p >= q.CurrentAt || v.startOf(place{e.Type, e.ID}, q.CurrentAt) == p)
		}
		if !inside {
			continue
		}
		total++
		if !q.HasStart || walksDown(q) && p <= q.Start || !walksDown(q) && p >= q.Start {
			all = append(all, p)
		}
	}
	if walksDown(q) {
		slices.Reverse(all)
	}
	if q.Count == 0 {
		return resource.HistoryPage{Total: total}
	}
	return pageOf(all, total, q)
}

// TestAnswersAreOfOneMoment asks as of moments before what was applied since: before
// it is in the store, before it is published, and long after. All answers are what a
// plain look at the log gives.
func TestAnswersAreOfOneMoment(t *testing.T) {
	rounds := 3
	if testing.Short() {
		rounds = 1
	}
	for range rounds {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			m := &moments{t: t, seed: seed, r: rand.New(rand.NewPCG(seed, 3)), log: newScript()}
			m.p = open(t, m.log, t.TempDir())
			for range 60 {
				m.step()
			}
			if m.missing < 50 || m.found < 500 {
				t.Errorf("seed %d: %d histories, %d of nothing: that shows little", seed, m.found, m.missing)
			}
			if err := m.p.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

type moments struct {
	t    *testing.T
	seed uint64
	r    *rand.Rand
	log  *script
	p    *Projections

	held           [][2]uint64 // snapshots and horizons
	found, missing int
}

// step writes something, applies it, and asks at each stage of that.
func (m *moments) step() {
	before := len(m.log.records)
	for range 1 + m.r.IntN(6) {
		var changes []change
		used := map[place]bool{}
		for range 1 + m.r.IntN(3) {
			at := place{[]domain.ResourceType{"Basic", "Patient"}[m.r.IntN(2)], domain.LogicalID(fmt.Sprint(m.r.IntN(4)))}
			if used[at] {
				continue
			}
			used[at] = true
			c := write(at.t, at.id)
			if _, exists := m.log.last[at]; exists {
				c = []change{c, c, replaceVersion(at.t, at.id), remove(at.t, at.id), erase(at.t, at.id), purge(at.t, at.id)}[m.r.IntN(6)]
			}
			changes = append(changes, c)
		}
		m.log.commit(changes...)
	}
	records := m.log.records[before:]
	b := m.p.store.NewBatch()
	if err := m.p.applyRecords(b, records); err != nil {
		m.t.Fatal(err)
	}
	m.ask()
	if err := m.p.commit(b, false); err != nil {
		m.t.Fatal(err)
	}
	m.ask()
	m.p.gate.publish(m.p.appliedThrough())
	applied := m.p.Applied()
	m.held = append(m.held, [2]uint64{applied, applied}, [2]uint64{m.r.Uint64N(applied + 1), applied})
	m.ask()
}

func (m *moments) ask() {
	m.t.Helper()
	m.askNow()
	for range min(4, len(m.held)) {
		at := m.held[len(m.held)-1-m.r.IntN(min(len(m.held), 12))]
		v := plainly(m.t, m.log.records, at[0], at[1])
		for range 6 {
			q := m.query(at[0], at[1])
			t, id := domain.ResourceType("Basic"), domain.LogicalID(fmt.Sprint(m.r.IntN(4)))
			got, err := m.p.InstanceHistory(m.t.Context(), t, id, q)
			if v.last[place{t, id}] == nil {
				m.missing++
				if domain.KindOf(err) != domain.NotFound {
					m.t.Fatalf("seed %d: history of %s, %+v: %+v, %v; want NotFound", m.seed, id, q, got, err)
				}
			} else {
				m.compare(string(id), q, got, err, v.history(t, id, q))
			}
			t = []domain.ResourceType{"Basic", "Patient", ""}[m.r.IntN(3)]
			got, err = m.p.TypeHistory(m.t.Context(), t, q)
			want := v.history(t, "", q)
			if q.CurrentAt > 0 {
				want.Total = -1
			}
			m.compare("type "+string(t), q, got, err, want)
		}
	}
}

func (m *moments) query(snapshot, horizon uint64) resource.HistoryQuery {
	q := resource.HistoryQuery{
		Snapshot: snapshot, Horizon: horizon, Before: snapshot, Count: m.r.IntN(12),
		Ascending: m.r.IntN(2) == 0, Backward: m.r.IntN(2) == 0,
	}
	if m.r.IntN(2) == 0 {
		q.Start, q.HasStart = m.r.Uint64N(snapshot+1), true
	}
	switch m.r.IntN(4) {
	case 0:
		q.From = m.r.Uint64N(snapshot + 1)
		q.Before = q.From + m.r.Uint64N(snapshot+2-q.From)
	case 1:
		q.CurrentAt = m.r.Uint64N(snapshot + 1)
	}
	return q
}

func (m *moments) compare(what string, q resource.HistoryQuery, got resource.HistoryPage, err error, want resource.HistoryPage) {
	m.t.Helper()
	m.found++
	if err != nil || got.Total != want.Total || q.Count > 0 && got.More != want.More || !slices.Equal(got.Positions, want.Positions) {
		m.t.Fatalf("seed %d, %d applied of %d: history of %s, %+v:\ngot  %+v, %v\nwant %+v", m.seed, m.p.Applied(), len(m.log.records), what, q, got, err, want)
	}
	if _, err := entriesOf(m.p, got); err != nil {
		m.t.Fatal(err)
	}
}

// askNow reads single resources, as of what is applied and as of the past.
func (m *moments) askNow() {
	m.t.Helper()
	applied := m.p.Applied()
	for _, snapshot := range []uint64{applied, m.r.Uint64N(applied + 1)} {
		v := plainly(m.t, m.log.records, snapshot, applied)
		for id := range 4 {
			at := place{"Basic", domain.LogicalID(fmt.Sprint(id))}
			versions := v.last[at]
			current, state := uint64(event.NoPosition), domain.NotFound
			if n := len(versions); n > 0 && !v.removed[versions[n-1]] {
				current, state = versions[n-1], domain.Internal // no error
				if v.events[current].Kind == event.Deleted {
					state = domain.Deleted
				}
			}
			got, err := m.p.ReadAsOf(m.t.Context(), at.t, at.id, snapshot)
			if domain.KindOf(err) != state || err == nil && got.Position != current {
				m.t.Fatalf("seed %d: ReadAsOf(%s, %d of %d) = %+v, %v; want %d", m.seed, at.id, snapshot, applied, got, err, current)
			}
			if snapshot < applied {
				continue
			}
			for number := range domain.VersionID(9) {
				wanted := slices.IndexFunc(versions, func(p uint64) bool { return v.events[p].Version == number && !v.removed[p] })
				got, err := m.p.ReadVersion(m.t.Context(), at.t, at.id, number)
				if wanted < 0 != (domain.KindOf(err) == domain.NotFound) || wanted >= 0 && (err != nil || got.Position != versions[wanted]) {
					m.t.Fatalf("seed %d: ReadVersion(%s, %d) of %d applied = %+v, %v; want %v", m.seed, at.id, number, applied, got, err, versions)
				}
			}
		}
	}
}
