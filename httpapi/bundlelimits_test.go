package httpapi

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"fhirlog/domain/commit"
	"fhirlog/domain/resource"
)

// tinyEntries is a Bundle of n times the same entry.
func tinyEntries(kind, entry string, n int) string {
	return `{"resourceType":"Bundle","type":"` + kind + `","entry":[` + strings.Repeat(entry+",", n-1) + entry + "]}"
}

func TestEntriesCountAgainstTheMemoryForBodies(t *testing.T) {
	const most = 4 << 20
	sv := newService(t, Options{MaxBodyBytes: most, MaxBodyBytesInFlight: most})
	fits, tooMany := most/entryBytes*8/10, most/entryBytes
	for _, kind := range []string{"batch", "transaction"} {
		sv.do("POST /fhir", tinyEntries(kind, `{}`, tooMany)).want(413, "invalid")
	}
	sv.do("POST /fhir", tinyEntries("batch", `{}`, fits)).want(200)
	t.Run("and so do the answers", func(t *testing.T) {
		for size, status := range map[int]int{most / 8: 200, most / 2: 413} {
			large := `{"resource":{"resourceType":"Basic","code":{"text":"` + strings.Repeat("x", size) + `"}},"request":{"method":"POST","url":"Basic"}}`
			sv.do("POST /fhir", tinyEntries("batch", large, 1)).want(status)
		}
	})
	t.Run("and their queries", func(t *testing.T) {
		query := `{"request":{"method":"GET","url":"Patient/a?` + strings.Repeat(`\u0026x`, 150) + `"}}`
		sv.do("POST /fhir", tinyEntries("batch", query, most/8000)).want(413, "invalid")
	})
	if n := sv.s.bodies.used.Load(); n != 0 {
		t.Errorf("%d bytes are still held", n)
	}
}

// TestEntryBytes proves that entryBytes is not too little.
func TestEntryBytes(t *testing.T) {
	const n = 20_000
	for name, entry := range map[string]string{
		"empty":    `{}`,
		"unknown":  `{"request":{"method":"GET","url":"Nothing/x"}}`,
		"deletion": `{"request":{"method":"DELETE","url":"Patient/%d"}}`,
		"creation": `{"resource":{"resourceType":"Basic","code":{"text":"x"}},"request":{"method":"POST","url":"Basic"}}`,
		"faulty":   `{"resource":{"resourceType":"Basic"},"request":{"method":"PUT","url":"Basic/a","ifMatch":"x"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			sv := newService(t, Options{})
			sv.s.writer = absentWriter{}
			var text strings.Builder
			for i := range n {
				text.WriteByte(',')
				text.WriteString(strings.ReplaceAll(entry, "%d", fmt.Sprint(i)))
			}
			content, err := sv.s.parse([]byte(`{"resourceType":"Bundle","type":"batch","entry":[`+text.String()[1:]+"]}"), "The body")
			if err != nil {
				t.Fatal(err)
			}
			outer := &request{content: content, base: "http://example.org/fhir", requestID: "r", memory: &share{of: sv.s.bodies}}
			j := &job{s: sv.s, outer: outer, kind: "batch"}
			before := inUse()
			if err := j.open(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := j.batch(t.Context()); err != nil {
				t.Fatal(err)
			}
			each := (inUse() - before) / n
			t.Logf("%d bytes", each)
			if each > entryBytes {
				t.Errorf("an entry takes %d bytes, entryBytes is %d", each, entryBytes)
			}
			runtime.KeepAlive(j)
			content.Document().Release()
		})
	}
}

// absentWriter says that everything is done and keeps nothing.
type absentWriter struct{}

func (absentWriter) Commit(_ context.Context, _ commit.Caller, commands []commit.Command) ([]commit.Outcome, error) {
	outcomes := make([]commit.Outcome, len(commands))
	for i, c := range commands {
		outcomes[i] = commit.Outcome{Change: commit.Created, Version: resource.Version{Type: c.Type, ID: "01M81W7S7A8BDX1RFD0C1SXBNQ", Version: 1, Instant: 1}}
	}
	return outcomes, nil
}

func inUse() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

func TestIssuesAreCapped(t *testing.T) {
	sv := newService(t, Options{})
	for name, bundle := range map[string]string{
		"members":   tinyEntries("batch", `{"x":1}`, 5000),
		"kinds":     tinyEntries("batch", `1`, 5000),
		"requests":  tinyEntries("transaction", `{}`, 5000),
		"doubles":   tinyEntries("transaction", `{"request":{"method":"DELETE","url":"Patient/a"}}`, 5000),
		"resources": tinyEntries("transaction", `{"resource":{"resourceType":"Basic","x":1,"y":2},"request":{"method":"POST","url":"Basic"}}`, 5000),
	} {
		t.Run(name, func(t *testing.T) {
			a := sv.do("POST /fhir", bundle).want(400)
			issues, _ := a.at("issue").([]any)
			if len(issues) != mostIssues+1 {
				t.Errorf("%d issues, want %d and one that says there are more", len(issues), mostIssues)
			}
			a.wantAt("There may be more faults; the first "+fmt.Sprint(mostIssues)+" are listed.", "issue", mostIssues, "diagnostics")
		})
	}
}

func TestTransactionTellsOfAllFaultyEntries(t *testing.T) {
	sv := newService(t, Options{})
	a := sv.do("POST /fhir", bundleOf("transaction",
		item{line: "POST Patient", resource: `{"resourceType":"Patient","birthDate":"x"}`},
		item{line: "POST Patient", resource: `{"resourceType":"Patient"}`},
		item{line: "PUT Patient/a", resource: patient("a", `"gender":"y","name":[{"use":"z"}]`)},
	)).want(400, "processing")
	var got []string
	issues, _ := a.at("issue").([]any)
	for i := range issues {
		got = append(got, a.string("issue", i, "expression", 0))
	}
	want := "Bundle.entry[0] Bundle.entry[0].resource.birthDate Bundle.entry[2] Bundle.entry[2].resource.gender Bundle.entry[2].resource.name[0].use"
	if strings.Join(got, " ") != want {
		t.Errorf("expressions %v, want %s", got, want)
	}
}
