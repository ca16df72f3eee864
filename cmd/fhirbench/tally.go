package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// An operation is what a request asks for, as the report groups them.
type operation int

const (
	opCreate operation = iota
	opRead
	opUpdate
	opDelete
	opTransaction
	opSearch
	opCount // a search that asks for the total only
	opPage  // of a download
	operations
)

var operationNames = [operations]string{"create", "read", "update", "delete", "transaction", "search", "count", "page"}

// named is the operation and what it is about.
func (op operation) named(about string) string {
	if about == "" {
		return operationNames[op]
	}
	return operationNames[op] + " " + about
}

// A tally is everything that is counted while the clock runs. All users of a
// run share one; safe for concurrent use.
type tally struct {
	all     histogram
	each    [operations]histogram
	entries atomic.Uint64 // of transactions answered with 200
	bodies  atomic.Uint64 // requests that carried a body
	sent    atomic.Uint64 // bytes of those bodies
	got     atomic.Uint64 // bytes of answers' bodies
	written atomic.Uint64 // versions of resources that were created or updated
	found   atomic.Uint64 // resources that searches returned
	errors  failures
	shapes  []shapeTally // of the workload's shapes, by their numbers
}

// A shapeTally counts the requests of one shape.
type shapeTally struct {
	times  histogram
	found  atomic.Uint64
	failed atomic.Uint64
}

// failures counts what went wrong by kind.
type failures struct {
	count atomic.Uint64
	mu    sync.Mutex
	kinds map[string]*failure // mu guards it and what it points to
}

// A failure is one kind of error with its first example.
type failure struct {
	Kind    string `json:"kind"`
	Count   uint64 `json:"count"`
	Example string `json:"example"`
}

// maxKinds bounds how many kinds are told apart; the rest count as "other".
const maxKinds = 50

// add counts a failure. The example is cut to what fits a few lines.
func (f *failures) add(kind string, example []byte) {
	f.count.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.kinds == nil {
		f.kinds = make(map[string]*failure)
	}
	known := f.kinds[kind]
	if known == nil && len(f.kinds) >= maxKinds {
		kind = "other"
		known = f.kinds[kind]
	}
	if known == nil {
		text := strings.Join(strings.Fields(string(example[:min(len(example), 600)])), " ")
		known = &failure{Kind: kind, Example: text}
		f.kinds[kind] = known
	}
	known.Count++
}

// list returns the kinds, most frequent first.
func (f *failures) list() []failure {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []failure
	for _, k := range f.kinds {
		out = append(out, *k)
	}
	slices.SortFunc(out, func(a, b failure) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Kind, b.Kind))
	})
	return out
}

// String tells the first failure, for errors that end a run.
func (f *failures) String() string {
	all := f.list()
	if len(all) == 0 {
		return "no error"
	}
	return fmt.Sprintf("%s: %s", all[0].Kind, all[0].Example)
}
