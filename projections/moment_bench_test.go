package projections

import (
	"fmt"
	"syscall"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/resource"
	"fhirlog/domain/search"
)

// BenchmarkReads measures reads over 20,000 versions of 2,000 resources, with all
// bodies in memory. It reports processor time as well, for when others use the machine.
func BenchmarkReads(b *testing.B) {
	log := newScript()
	for i := range 20_000 {
		log.commit(write("Patient", domain.LogicalID(fmt.Sprint(i%2000))))
	}
	p := open(b, log, b.TempDir())
	stop := run(b, p)
	defer stop()
	catchUp(b, p)
	q, err := search.Parse(p.definitions, p.Parameters(), search.Ask{Types: []domain.ResourceType{"Patient"}, MostCount: 100})
	if err != nil {
		b.Fatal(err)
	}
	readAll := func(page resource.HistoryPage, err error) error {
		for _, position := range page.Positions {
			if err == nil {
				_, err = p.ReadAt(b.Context(), position)
			}
		}
		return err
	}
	for name, read := range map[string]func() error{
		"read": func() error {
			_, err := p.Read(b.Context(), "Patient", "7")
			return err
		},
		"former version": func() error {
			_, err := p.ReadVersion(b.Context(), "Patient", "7", 3)
			return err
		},
		"history of a resource": func() error { return readAll(p.InstanceHistory(b.Context(), "Patient", "7", all(p, 50))) },
		"history of a type":     func() error { return readAll(p.TypeHistory(b.Context(), "Patient", all(p, 50))) },
		"search": func() error {
			page, err := p.Search(b.Context(), search.PageRequest{Query: q, Snapshot: p.Applied(), Count: 50, Total: true})
			if err != nil {
				return err
			}
			return readAll(resource.HistoryPage{Positions: page.Matches}, nil)
		},
	} {
		b.Run(name, func(b *testing.B) {
			before := processorTime()
			for b.Loop() {
				if err := read(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(processorTime()-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// processorTime is what the process has used, in nanoseconds.
func processorTime() int64 {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // it does not fail for the process itself
	return usage.Utime.Nano() + usage.Stime.Nano()
}
