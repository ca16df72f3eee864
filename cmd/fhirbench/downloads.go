package main

import (
	"context"
	"fmt"
	"strings"
)

// downloadSize is the _count of downloads.
const downloadSize = 1000

// codeCounts is the first half of W9: the number of Observations of rare,
// common and dense codes, with _summary=count.
func codeCounts(g *ground, past bool) *searches {
	return &searches{what: "counts", clients: 4, ground: g, past: past, counted: countCodes,
		shapes: func(b *builder) { g.codeShapes(b, "count of %s codes", opCount, 0, "&_summary=count") },
		begin:  func(u *user, shapes []shape) session { return &codeSession{user: u, shapes: shapes, turn: u.number} }}
}

// codeDownloads is the second half of W9: all of them, page by page.
func codeDownloads(g *ground, past bool) *searches {
	return &searches{what: "downloads", clients: 4, ground: g, past: past, counted: countCodes,
		shapes: func(b *builder) {
			g.codeShapes(b, "pages of %s codes", opPage, downloadSize, fmt.Sprint("&_count=", downloadSize))
		},
		begin: func(u *user, shapes []shape) session { return &codeSession{user: u, shapes: shapes, turn: u.number} }}
}

// codeShapes adds a shape for each class of codes.
func (g *ground) codeShapes(b *builder, name string, op operation, count int, more string) {
	for _, class := range g.codes {
		s := shape{name: fmt.Sprintf(name, class.name), typeName: "Observation", op: op, count: count, total: op == opCount}
		for _, code := range class.codes {
			s.queries = append(s.queries, query{path: "Observation?code=" + escape(fhirToken(code)) + more, total: -1})
		}
		b.shapes = append(b.shapes, s)
	}
}

// countCodes asks for each query's total, which the runs must find again.
func countCodes(ctx context.Context, u *user, shapes []shape) error {
	for _, s := range shapes {
		for i := range s.queries {
			q := &s.queries[i]
			path := strings.NewReplacer("&_summary=count", "", fmt.Sprint("&_count=", downloadSize), "").Replace(q.path)
			n, err := u.countOf(ctx, path+"&")
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			q.total = n
		}
	}
	return nil
}

// codeSession is one user of W9. A round is all codes, one after the other;
// users begin with different ones.
type codeSession struct {
	*user
	shapes []shape
	turn   int
	seen   map[uint64]struct{}
}

func (s *codeSession) begin(context.Context) error {
	s.seen = make(map[uint64]struct{})
	return nil
}

func (s *codeSession) round(ctx context.Context) bool {
	for range s.shapes {
		one := &s.shapes[s.turn%len(s.shapes)]
		s.turn++
		for i := range one.queries {
			if s.run.stopped() || ctx.Err() != nil {
				return false
			}
			if one.op == opCount {
				s.search(ctx, one, &one.queries[i])
			} else {
				s.download(ctx, one, &one.queries[i])
			}
		}
	}
	return true
}

func (s *codeSession) end(context.Context) {}

// download follows the next links to the end, and looks that every resource
// comes once and all of them come.
func (s *codeSession) download(ctx context.Context, of *shape, q *query) {
	clear(s.seen)
	s.below(q.path)
	for !s.run.stopped() && ctx.Err() == nil {
		a, ok := s.ask(ctx, of)
		if !ok {
			return
		}
		p := &s.page
		complaint := of.complaint(q, p, a.body)
		if complaint == "" {
			complaint = s.collect(p, q.total)
		}
		if complaint != "" {
			s.complain(of, complaint, fmt.Sprintf("%d resources so far, of %d", len(s.seen), q.total))
			return
		}
		s.foundSome(of, p.matches)
		if p.next == nil {
			return
		}
		var err error
		if s.path, err = s.run.target.follow(s.path, p.next); err != nil {
			s.complain(of, "the next link is no URL", "")
			return
		}
	}
}

// collect adds a page to what was seen and tells what is wrong with it.
func (s *codeSession) collect(p *page, total int) string {
	before := len(s.seen)
	for _, id := range p.ids {
		s.seen[id] = struct{}{}
	}
	switch {
	case len(s.seen) != before+p.matches:
		return "an id repeats"
	case len(s.seen) > total:
		return "more resources than the total"
	case p.next == nil && len(s.seen) < total:
		return "fewer resources than the total"
	case p.next != nil && p.matches == 0:
		return "an empty page has a next link"
	}
	return ""
}
