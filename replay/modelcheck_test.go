package replay_test

import (
	"cmp"
	"slices"

	"fhirlog/domain"
	"fhirlog/domain/resource"
)

// checkAll compares every read with the model.
func (m *machine) checkAll() {
	m.t.Helper()
	byType := map[domain.ResourceType][]modelVersion{}
	for p, kept := range m.model {
		m.checkResource(p, kept)
		byType[p.t] = append(byType[p.t], kept...)
		byType[""] = append(byType[""], kept...)
	}
	for t, versions := range byType {
		slices.SortFunc(versions, func(a, b modelVersion) int { return cmp.Compare(a.position, b.position) })
		m.checkHistory("history of type "+string(t), versions, func(q resource.HistoryQuery) (resource.HistoryPage, error) {
			return m.projections.TypeHistory(m.t.Context(), t, q)
		})
		m.checkCurrentAt(t)
	}
}

func (m *machine) checkResource(p place, kept []modelVersion) {
	m.t.Helper()
	ctx := m.t.Context()
	got, err := m.projections.Read(ctx, p.t, p.id)
	switch {
	case len(kept) == 0:
		m.expectKind("Read", err, domain.NotFound)
	case kept[len(kept)-1].deleted:
		m.expectKind("Read", err, domain.Deleted)
	default:
		m.expectVersion("Read", got, err, kept[len(kept)-1])
	}
	next := 0
	for v := domain.VersionID(1); v < 12; v++ {
		got, err := m.projections.ReadVersion(ctx, p.t, p.id, v)
		if next < len(kept) && kept[next].version == v {
			m.expectVersion("ReadVersion", got, err, kept[next])
			next++
			continue
		}
		if len(kept) == 0 || v <= kept[len(kept)-1].version {
			m.expectKind("ReadVersion", err, domain.NotFound)
		}
	}
	if len(kept) == 0 {
		_, err := m.projections.InstanceHistory(ctx, p.t, p.id, resource.HistoryQuery{Snapshot: m.projections.Applied(), Before: 1 << 60, Count: 3})
		m.expectKind("InstanceHistory", err, domain.NotFound)
		return
	}
	m.checkHistory("history of "+string(p.t), kept, func(q resource.HistoryQuery) (resource.HistoryPage, error) {
		return m.projections.InstanceHistory(ctx, p.t, p.id, q)
	})
}

func (m *machine) expectKind(what string, err error, kind domain.Kind) {
	m.t.Helper()
	if err == nil || domain.KindOf(err) != kind {
		m.t.Fatalf("seed %d: %s: %v; want kind %d", m.seed, what, err, kind)
	}
}

func (m *machine) expectVersion(what string, got resource.Version, err error, want modelVersion) {
	m.t.Helper()
	if err != nil || got.Version != want.version || got.Position != want.position || got.Deleted != want.deleted ||
		string(got.Body) != want.body || got.Instant != want.instant {
		m.t.Fatalf("seed %d: %s: got %+v, %v; want %+v", m.seed, what, got, err, want)
	}
}

// entries reads the versions of a page.
func (m *machine) entries(page resource.HistoryPage) []resource.Version {
	m.t.Helper()
	entries := make([]resource.Version, len(page.Positions))
	for i, position := range page.Positions {
		var err error
		if entries[i], err = m.projections.ReadAt(m.t.Context(), position); err != nil {
			m.t.Fatalf("seed %d: ReadAt(%d): %v", m.seed, position, err)
		}
	}
	return entries
}

// checkHistory walks random ranges in pages, both ways and in both orders.
func (m *machine) checkHistory(what string, all []modelVersion, read func(resource.HistoryQuery) (resource.HistoryPage, error)) {
	m.t.Helper()
	applied := m.projections.Applied()
	q := resource.HistoryQuery{
		Snapshot: applied, Before: applied, Count: 1 + m.rand.IntN(5),
		Ascending: m.rand.IntN(2) == 0, Backward: m.rand.IntN(2) == 0,
	}
	if m.rand.IntN(2) == 0 {
		q.From = m.rand.Uint64N(applied + 1)
		q.Before = q.From + m.rand.Uint64N(applied+2-q.From)
	}
	var want []modelVersion
	for _, v := range all {
		if v.position >= q.From && v.position < min(q.Before, applied) {
			want = append(want, v)
		}
	}
	// Pages are collected in the direction of the walk, entries within a page in
	// the order asked for.
	if q.Ascending == q.Backward {
		slices.Reverse(want)
	}
	for {
		page, err := read(q)
		if err != nil {
			m.t.Fatalf("seed %d: %s: %v", m.seed, what, err)
		}
		entries := m.entries(page)
		if q.Backward {
			entries = slices.Clone(entries)
			slices.Reverse(entries)
		}
		n := min(q.Count, len(want))
		if len(entries) != n || page.More != (len(want) > n) {
			m.t.Fatalf("seed %d: %s %+v: %d entries, more %t; want %d of %d left", m.seed, what, q, len(entries), page.More, n, len(want))
		}
		if !q.HasStart && page.Total != len(want) {
			m.t.Fatalf("seed %d: %s %+v: total %d, want %d", m.seed, what, q, page.Total, len(want))
		}
		for i := range entries {
			m.expectVersion(what, entries[i], nil, want[i])
		}
		if want = want[n:]; len(want) == 0 {
			return
		}
		q.HasStart, q.Start = true, want[0].position
	}
}

// checkCurrentAt compares _at at a random moment: what was current then.
func (m *machine) checkCurrentAt(t domain.ResourceType) {
	m.t.Helper()
	applied := m.projections.Applied()
	at := m.rand.Uint64N(applied + 1)
	if at == 0 {
		return
	}
	page, err := m.projections.TypeHistory(m.t.Context(), t, resource.HistoryQuery{
		Snapshot: applied, Before: at, CurrentAt: at, Count: 1000, Ascending: true,
	})
	if err != nil {
		m.t.Fatal(err)
	}
	var want []modelVersion
	for p, kept := range m.model {
		if t != "" && p.t != t {
			continue
		}
		last := -1
		for i, v := range kept {
			if v.position < at {
				last = i
			}
		}
		if last >= 0 && !kept[last].deleted {
			want = append(want, kept[last])
		}
	}
	slices.SortFunc(want, func(a, b modelVersion) int { return cmp.Compare(a.position, b.position) })
	entries := m.entries(page)
	if len(entries) != len(want) || page.Total != -1 {
		m.t.Fatalf("seed %d: current at %d of type %q: %d entries, total %d; want %d", m.seed, at, t, len(entries), page.Total, len(want))
	}
	for i := range want {
		m.expectVersion("current at", entries[i], nil, want[i])
	}
}
