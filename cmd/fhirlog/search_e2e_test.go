package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"fhirlog/domain/publicdata"
	"fhirlog/domain/search/searchtest"
)

// TestSearchOwn compares searches of the real program, over resources made here,
// with the plain evaluator: at the head, as of past positions, and again after a
// restart.
func TestSearchOwn(t *testing.T) {
	s := startServer(t, t.TempDir())
	b := newBench(t, s)
	ends := b.writeGenerated(400)
	b.readWorld()
	b.questions(120 * rounds(t))
	for range 40 {
		if t.Failed() {
			return
		}
		past := ends[b.rand.IntN(len(ends))]
		b.maker.Look(past)
		b.compare(b.maker.Ask(), past)
	}
	s.stop()

	b.s = startServer(t, s.data)
	b.evaluator.Bases = []string{b.s.base + "/"} // another port: what was absolute leads elsewhere now
	b.maker.Look(b.snapshot)
	for range 60 {
		b.compare(b.maker.Ask(), b.snapshot)
	}
	b.s.stop()
	checkProjections(t, s.data)
}

// writeGenerated writes generated resources, and deletes some. It tells how many
// events there were at the end of each transaction.
func (b *bench) writeGenerated(n int) (ends []uint64) {
	b.t.Helper()
	g := searchtest.NewGenerator(b.rand, 15)
	g.Bases = []string{b.s.base + "/"}
	for i := 0; i < n; {
		var entries []string
		used := map[string]bool{}
		for range 1 + b.rand.IntN(30) {
			typ, id := g.Type(), g.ID()
			place := string(typ) + "/" + string(id)
			if used[place] {
				continue
			}
			used[place] = true
			if b.rand.IntN(8) == 0 {
				entries = append(entries, fmt.Sprintf(`{"request":{"method":"DELETE","url":%q}}`, place))
			} else {
				entries = append(entries, fmt.Sprintf(`{"resource":%s,"request":{"method":"PUT","url":%q}}`, g.Resource(typ, id), place))
			}
		}
		i += len(entries)
		b.s.must(200, "POST", "", `{"resourceType":"Bundle","type":"transaction","entry":[`+strings.Join(entries, ",")+`]}`)
		if end := b.s.total("/_history?_summary=count"); end > 0 {
			ends = append(ends, uint64(end))
		}
	}
	return ends
}

// TestSearchSynthea loads both sets of synthea/dev for R4 and compares searches
// with the plain evaluator. The set of 2021 refers by conditional references; it
// comes first, as that of 2019 has organizations of the same identifiers several
// times.
func TestSearchSynthea(t *testing.T) {
	var files []string
	for _, name := range []string{"r4-2021-uscore.support", "r4-2021-uscore.patients", "r4-2019.patients"} {
		file := publicdata.Path(t, "synthea", "dev", name+".bundles.ndjson.gz")
		if _, err := os.Stat(file); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	s := startServer(t, t.TempDir())
	for _, file := range files {
		if stdout, stderr, err := runProgram(t, "load", "--to", s.base, file); err != nil {
			t.Fatalf("load %s: %v\n%s%s", file, err, stdout, stderr)
		}
	}
	b := newBench(t, s)
	b.readWorld()
	t.Logf("%d resources", b.snapshot)
	b.questions(400 * rounds(t))
	s.stop()
	checkProjections(t, s.data)
}
