package projections

import (
	"fmt"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/resource"
)

// TestAPageCostsTheSameEverywhere counts the records that a page reads from the
// log, at both ends and in the middle of 20,000 versions: of one resource, of a
// type, of the system.
func TestAPageCostsTheSameEverywhere(t *testing.T) {
	const versions, count = 20_000, 10
	log := newScript()
	for i := range versions {
		log.commit(write("Patient", "one"))
		if i%10 == 0 {
			log.commit(write("Basic", domain.LogicalID(fmt.Sprint(i))))
		}
	}
	p := open(t, log, t.TempDir())
	stop := run(t, p)
	catchUp(t, p)
	defer stop()
	applied := p.Applied()
	for name, read := range map[string]func(q resource.HistoryQuery) (resource.HistoryPage, error){
		"resource": func(q resource.HistoryQuery) (resource.HistoryPage, error) {
			return p.InstanceHistory(t.Context(), "Patient", "one", q)
		},
		"type": func(q resource.HistoryQuery) (resource.HistoryPage, error) {
			return p.TypeHistory(t.Context(), "Patient", q)
		},
		"system": func(q resource.HistoryQuery) (resource.HistoryPage, error) { return p.TypeHistory(t.Context(), "", q) },
	} {
		for _, start := range []uint64{15, applied / 3, applied / 2, applied - 15} {
			for _, ascending := range []bool{false, true} {
				for _, from := range []uint64{0, 5} { // with a bound the total is not known from the row
					q := resource.HistoryQuery{
						Snapshot: applied, From: from, Before: applied, Start: start, HasStart: true, Ascending: ascending, Count: count,
					}
					p.versions.clear()
					before := log.reads.Load()
					page, err := read(q)
					if err != nil || len(page.Positions) != count || !page.More && start != 15 && start != applied-15 {
						t.Fatalf("%s from %d: %d entries, %v", name, start, len(page.Positions), err)
					}
					if _, err := entriesOf(p, page); err != nil {
						t.Fatal(err)
					}
					// Each entry is read once, and nothing else.
					if n := log.reads.Load() - before; n != count {
						t.Errorf("%s from %d, ascending %t, bound %d: %d records were read for %d entries", name, start, ascending, from, n, count)
					}
				}
			}
		}
	}
	before := log.reads.Load()
	for i := range 100 {
		p.versions.clear()
		if _, err := p.ReadVersion(t.Context(), "Patient", "one", domain.VersionID(1+i*199)); err != nil {
			t.Fatal(err)
		}
		p.versions.clear()
		if _, err := p.Read(t.Context(), "Patient", "one"); err != nil {
			t.Fatal(err)
		}
	}
	if n := log.reads.Load() - before; n != 200 {
		t.Errorf("200 reads took %d records", n)
	}
}

// TestOneErasedBodyIsTold: a compaction may take the content of a version that was
// erased while a page with it is under way. Then the page is not as it should be, and
// whoever reads it is told.
func TestOneErasedBodyIsTold(t *testing.T) {
	log := newScript()
	for i := range 5 {
		log.commit(write("Basic", domain.LogicalID(fmt.Sprint(i))))
	}
	log.erased[2] = true
	p := open(t, log, t.TempDir())
	stop := run(t, p)
	catchUp(t, p)
	defer stop()
	page, err := p.TypeHistory(t.Context(), "Basic", all(p, 10))
	if err != nil || len(page.Positions) != 5 {
		t.Errorf("TypeHistory: %v, %v; want 5 positions", page.Positions, err)
	}
	if _, err := entriesOf(p, page); domain.KindOf(err) != domain.Unavailable {
		t.Errorf("ReadAt of an erased body: %v, want Unavailable", err)
	}
	if _, err := p.Read(t.Context(), "Basic", "2"); domain.KindOf(err) != domain.NotFound {
		t.Errorf("Read of an erased body: %v, want NotFound", err)
	}
}
