package projections

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/resource"
)

// TestReadersSeeCommitsAsAWhole reads while commits are applied. Each writes both
// resources of a pair, so at every snapshot these have the same version.
func TestReadersSeeCommitsAsAWhole(t *testing.T) {
	log := newScript()
	log.group = 7
	p := open(t, log, t.TempDir())
	stop := run(t, p)
	commits := 2000
	if testing.Short() {
		commits = 500
	}
	done := make(chan struct{})
	var readers sync.WaitGroup
	for i := range 3 {
		readers.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 1))
			for {
				if err := checkSnapshot(t, p, r); err != nil {
					t.Error(err)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for i := range commits {
		n := i % 5
		log.commit(write("Patient", pair("a", n)), write("Basic", pair("b", n)))
		if i%50 == 0 {
			catchUp(t, p)
		}
	}
	catchUp(t, p)
	close(done)
	readers.Wait()
	stop()
}

func pair(side string, n int) domain.LogicalID { return domain.LogicalID(fmt.Sprint(side, n)) }

func checkSnapshot(t *testing.T, p *Projections, r *rand.Rand) error {
	n := r.IntN(5)
	snapshot := p.Applied()
	a, errA := p.Current("Patient", pair("a", n), snapshot)
	b, errB := p.Current("Basic", pair("b", n), snapshot)
	if err := errors.Join(errA, errB); err != nil {
		return err
	}
	if a.Version != b.Version || a.Exists && a.Position+1 != b.Position || b.Exists && b.Position >= snapshot {
		return fmt.Errorf("at snapshot %d: %+v and %+v", snapshot, a, b)
	}
	q := resource.HistoryQuery{Snapshot: snapshot, Before: snapshot, Count: 1 + r.IntN(4), Ascending: r.IntN(2) == 0}
	all, err := p.TypeHistory(t.Context(), "", q)
	if err != nil || all.Total != int(snapshot) {
		return fmt.Errorf("at snapshot %d the system has %d versions, %w", snapshot, all.Total, err)
	}
	patients, err := p.TypeHistory(t.Context(), "Patient", q)
	if err != nil || patients.Total*2 != int(snapshot) {
		return fmt.Errorf("at snapshot %d there are %d versions of Patient, %w", snapshot, patients.Total, err)
	}
	if a.Exists {
		page, err := p.InstanceHistory(t.Context(), "Patient", pair("a", n), q)
		if err != nil || page.Total != int(a.Version) || page.More != (int(a.Version) > q.Count) {
			return fmt.Errorf("at snapshot %d the history of version %d has %d entries, more %t, %w", snapshot, a.Version, page.Total, page.More, err)
		}
		entries, err := entriesOf(p, page)
		if err != nil {
			return err
		}
		for i, e := range entries {
			want := domain.VersionID(i + 1)
			if !q.Ascending {
				want = a.Version - domain.VersionID(i)
			}
			if e.Version != want || e.ID != pair("a", n) {
				return fmt.Errorf("at snapshot %d, entry %d is version %d of %s, want %d", snapshot, i, e.Version, e.ID, want)
			}
		}
	}
	if v, err := p.Read(t.Context(), "Patient", pair("a", n)); err == nil && v.Version < a.Version {
		return fmt.Errorf("Read after snapshot %d gives version %d, which was %d before", snapshot, v.Version, a.Version)
	}
	return nil
}

// TestReadersMeetErasures reads while resources are replaced, purged, deleted
// and erased: histories are those of the moment that they are asked for, and errors
// are those of a client.
func TestReadersMeetErasures(t *testing.T) {
	log := newScript()
	log.group = 5
	p := open(t, log, t.TempDir())
	stop := run(t, p)
	commits := 800
	if testing.Short() {
		commits = 200
	}
	done := make(chan struct{})
	var readers sync.WaitGroup
	for i := range 3 {
		readers.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 1))
			for {
				if err := readAround(t, log, p, r); err != nil {
					t.Error(err)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	r := rand.New(rand.NewPCG(rand.Uint64(), 1))
	for i := range commits {
		at := place{"Basic", domain.LogicalID(fmt.Sprint(r.IntN(4)))}
		c := write(at.t, at.id)
		if _, exists := log.last[at]; exists {
			c = []change{c, c, c, replaceVersion(at.t, at.id), remove(at.t, at.id), erase(at.t, at.id), purge(at.t, at.id)}[r.IntN(7)]
		}
		log.commit(c, write("Patient", domain.LogicalID(fmt.Sprint(i))))
		if i%20 == 0 {
			catchUp(t, p)
		}
	}
	catchUp(t, p)
	close(done)
	readers.Wait()
	stop()
}

func readAround(t *testing.T, log *script, p *Projections, r *rand.Rand) error {
	id := domain.LogicalID(fmt.Sprint(r.IntN(4)))
	acceptable := func(what string, err error) error {
		if kind := domain.KindOf(err); err == nil || kind == domain.NotFound || kind == domain.Deleted {
			return nil
		}
		return fmt.Errorf("%s: %w", what, err)
	}
	if v, err := p.Read(t.Context(), "Basic", id); err == nil && (v.ID != id || v.Body == nil) {
		return fmt.Errorf("Read(%s) = %+v", id, v)
	} else if err := acceptable("Read", err); err != nil {
		return err
	}
	number := domain.VersionID(1 + r.IntN(9))
	if v, err := p.ReadVersion(t.Context(), "Basic", id, number); err == nil && (v.ID != id || v.Version != number) {
		return fmt.Errorf("ReadVersion(%s, %d) = %+v", id, number, v)
	} else if err := acceptable("ReadVersion", err); err != nil {
		return err
	}
	snapshot := p.Applied()
	q := resource.HistoryQuery{
		Snapshot: snapshot, Horizon: snapshot, Before: snapshot, From: r.Uint64N(snapshot + 1), Count: 1 + r.IntN(20),
		Ascending: r.IntN(2) == 0, Backward: r.IntN(2) == 0,
	}
	if r.IntN(3) == 0 {
		q.CurrentAt = r.Uint64N(snapshot + 1)
		q.From = 0
	}
	log.mu.Lock()
	v := plainly(t, log.records, snapshot, snapshot)
	log.mu.Unlock()
	instance, err := p.InstanceHistory(t.Context(), "Basic", id, q)
	switch exists := v.last[place{"Basic", id}] != nil; {
	case !exists && domain.KindOf(err) != domain.NotFound:
		return fmt.Errorf("InstanceHistory(%s), %+v: %+v, %w; want NotFound", id, q, instance, err)
	case exists && err != nil:
		return fmt.Errorf("InstanceHistory(%s), %+v: %w", id, q, err)
	case exists:
		if err := samePage(instance, v.history("Basic", id, q)); err != nil {
			return fmt.Errorf("InstanceHistory(%s), %+v: %w", id, q, err)
		}
	}
	byType, err := p.TypeHistory(t.Context(), "Basic", q)
	want := v.history("Basic", "", q)
	if q.CurrentAt > 0 {
		want.Total = -1
	}
	if err := errors.Join(err, samePage(byType, want)); err != nil {
		return fmt.Errorf("TypeHistory, %+v: %w", q, err)
	}
	_, err = entriesOf(p, byType)
	return err
}

func samePage(got, want resource.HistoryPage) error {
	if got.Total != want.Total || got.More != want.More || !slices.Equal(got.Positions, want.Positions) {
		return fmt.Errorf("got %+v, want %+v", got, want)
	}
	return nil
}
