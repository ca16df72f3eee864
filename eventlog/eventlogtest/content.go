package eventlogtest

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// body makes content that compresses about as well as JSON does.
func body(random *rand.Rand, size int) []byte {
	words := []string{`{"resourceType":"`, `","value":`, `"system":"http://example.org/`, `],"code":[`, `"},{"`}
	var b strings.Builder
	for b.Len() < size {
		b.WriteString(words[random.IntN(len(words))])
		fmt.Fprint(&b, random.IntN(100000))
	}
	return []byte(b.String()[:size])
}

// someEntries makes a commit of n records of every sort: without a body, with
// an empty one, incompressible, large.
func someEntries(random *rand.Rand, n int) []entry {
	var entries []entry
	for range n {
		e := entry{metadata: fmt.Sprintf("metadata %d %s", random.Uint64(), strings.Repeat("m", random.IntN(200)))}
		switch kind := random.IntN(32); {
		case kind == 0:
			e.body = body(random, 20_000+random.IntN(20_000))
		case kind < 4:
			e.body = make([]byte, random.IntN(3000))
			for i := range e.body {
				e.body[i] = byte(random.Uint32())
			}
		case kind < 8:
			e.body = []byte{}
		case kind < 28:
			e.body = body(random, 20+random.IntN(1000))
		}
		entries = append(entries, e)
	}
	return entries
}

func seeded() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// manyEntries makes a large commit of small records.
func manyEntries(n int) []entry {
	entries := make([]entry, n)
	for i := range entries {
		entries[i].metadata = fmt.Sprint("metadata ", i)
		if i%3 > 0 {
			entries[i].body = []byte(fmt.Sprint("body ", i))
		}
	}
	return entries
}
