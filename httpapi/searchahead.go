package httpapi

import (
	"context"

	"fhirlog/domain"
	"fhirlog/domain/resource"
)

// What is erased answers nowhere from that moment on, not even as of a snapshot
// from before. So an erasure between the evaluation of a search and the reading of
// its matches would leave a total that counts what the page does not show. The
// matches of small pages are therefore read before the total is told, and the search
// is evaluated again when one is gone. Larger pages may show less than their total
// in that case.
const (
	mostAhead = 20 // matches that are read ahead
	mostTries = 5  // evaluations; who erases without end gets the last one
)

// findWhole finds the page such that total and matches are of one moment.
func (p *results) findWhole(ctx context.Context) error {
	for range mostTries {
		if err := p.find(ctx); err != nil {
			return err
		}
		whole, err := p.readAhead(ctx)
		if whole || err != nil {
			return err
		}
		if p.fresh {
			p.snapshot = p.s.reader.Applied()
			p.token.snapshot = p.snapshot
		}
	}
	return nil
}

// readAhead reads the first matches, as far as they are few and small, and tells
// whether all of them are there still.
func (p *results) readAhead(ctx context.Context) (whole bool, err error) {
	p.ahead = p.ahead[:0]
	if one := &p.page; p.count > 0 && one.Total >= 0 && !p.token.hasStart && !one.HasNext && one.Total != len(one.Matches) {
		return false, nil // erased while it was evaluated
	}
	if len(p.page.Matches) > mostAhead {
		return true, nil
	}
	size := 0
	for _, position := range p.page.Matches {
		if size >= largeAnswer {
			break
		}
		v, err := p.s.searcher.ReadAt(ctx, position)
		switch {
		case domain.KindOf(err) == domain.NotFound:
			return false, nil
		case err != nil:
			return false, err
		}
		if err := p.r.hold(ctx, len(v.Body)); err != nil {
			return false, err
		}
		p.ahead = append(p.ahead, v)
		size += len(v.Body)
	}
	return true, nil
}

// match is a version that was found.
func (p *results) match(ctx context.Context, mode string, index int, position uint64) (resource.Version, error) {
	if mode == "match" && index < len(p.ahead) {
		return p.ahead[index], nil
	}
	return p.s.searcher.ReadAt(ctx, position)
}
