package main

import (
	"context"
	"fmt"
	"strings"
)

// A shape is one kind of search with the queries that it may send.
type shape struct {
	name     string // such as "Observation?date=ge"
	typeName string // of its matches
	op       operation
	count    int // as much as a page may have, its _count
	total    bool
	queries  []query
	number   int // in the run's tally
}

// A query is a path below the base URL and what is known of its answer.
type query struct {
	path  string
	hits  hits
	total int // -1 when not known
}

// hits tells what a query must find.
type hits int

const (
	someOrNone hits = iota
	some            // its value was read from a resource
	none            // its value is in no resource
)

// pageSize is the _count of all searches but downloads.
const pageSize = 20

// below makes u.path the place of a path below the base.
func (u *user) below(path string) {
	u.path = append(append(append(u.path[:0], u.run.target.base...), '/'), path...)
}

// search sends a query and holds the answer to what was asked.
func (u *user) search(ctx context.Context, s *shape, q *query) bool {
	u.below(q.path)
	a, ok := u.ask(ctx, s)
	if !ok {
		return false
	}
	complaint := ""
	if s.op == opRead {
		if kind, id := identify(a.body); string(kind) != s.typeName || !strings.HasSuffix(q.path, "/"+string(id)) && s.typeName != "CapabilityStatement" {
			complaint = "answer is another resource"
		}
	} else {
		complaint = s.complaint(q, &u.page, a.body)
	}
	if complaint != "" {
		u.complain(s, complaint, "")
		return false
	}
	if s.op != opRead {
		u.foundSome(s, u.page.matches)
	}
	return true
}

// ask sends the request at u.path and counts it for its shape.
func (u *user) ask(ctx context.Context, s *shape) (answer, bool) {
	a, ok := u.send(ctx, s.op, "GET", s.name, nil)
	t := &u.run.tally.shapes[s.number]
	if !ok && ctx.Err() == nil {
		t.failed.Add(1)
	}
	if ok && u.run.measuring() {
		t.times.record(u.took)
	}
	return a, ok
}

// foundSome counts resources of a right answer.
func (u *user) foundSome(s *shape, n int) {
	if u.run.measuring() {
		u.run.tally.found.Add(uint64(n))
		u.run.tally.shapes[s.number].found.Add(uint64(n))
	}
}

// complain counts an answer that is not what was asked.
func (u *user) complain(s *shape, what, example string) {
	u.run.tally.shapes[s.number].failed.Add(1)
	u.run.tally.errors.add(s.op.named(s.name)+": "+what, []byte(example))
}

// complaint reads an answer into the page and tells what is wrong with it, ""
// for nothing.
func (s *shape) complaint(q *query, p *page, body []byte) string {
	switch known := p.parse(body, s.typeName); {
	case !known:
		return "answer is no JSON object"
	case !p.searchset:
		return "answer is no searchset Bundle"
	case p.warning != nil:
		return fmt.Sprintf("the server warns: %.40s", p.warning)
	case p.matches > s.count:
		return "more entries than _count"
	case p.strange:
		return "an entry is not of the type searched for"
	case s.total && p.total < 0:
		return "no total"
	case p.total >= 0 && p.total < p.matches:
		return "a total of less than the entries"
	case q.total >= 0 && p.total >= 0 && p.total != q.total:
		return "another total than before"
	case s.count <= pageSize && p.repeats():
		return "an id repeats"
	}
	found := p.matches > 0 || p.total > 0
	switch {
	case q.hits == some && !found:
		return "nothing found, but the value was read from a resource"
	case q.hits == none && found:
		return "found something for a value that no resource has"
	}
	return ""
}

// asOf makes the shapes' queries be about a moment. What is found now need not
// have been there then.
func asOf(shapes []shape, moment string) []shape {
	out := make([]shape, len(shapes))
	for i, s := range shapes {
		queries := make([]query, len(s.queries))
		for j, q := range s.queries {
			if q.hits == some {
				q.hits = someOrNone
			}
			q.path += "&_asOf=" + escape(moment)
			queries[j] = q
		}
		s.queries = queries
		out[i] = s
	}
	return out
}
