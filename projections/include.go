package projections

import (
	"context"

	"fhirlog/domain"
	"fhirlog/domain/search"
	"fhirlog/projections/searchindex"
)

// Include finds what a page of matches includes, directly and, where that is
// asked for, through what is included
// (https://hl7.org/fhir/R4/search.html#include). Only current versions as of the
// snapshot are included.
func (p *Projections) Include(ctx context.Context, r search.IncludeRequest) (search.Included, error) {
	m := p.moment(r.Snapshot, r.Horizon)
	in := &inclusion{m: m, r: r, lookup: p.index.Lookup(ctx, m, m.snapshot, m.horizon), seen: map[uint64]bool{}}
	for _, position := range r.Matches {
		in.seen[position] = true
	}
	from := r.Matches
	for first := true; len(from) > 0 && !in.full(); first = false {
		in.next = nil
		for _, position := range from {
			if err := ctx.Err(); err != nil {
				return search.Included{}, err
			}
			if err := in.follow(position, first); err != nil {
				return search.Included{}, err
			}
			if in.full() {
				break
			}
		}
		from = in.next
	}
	included := search.Included{Positions: in.found, Circular: in.circular}
	included.Positions = included.Positions[min(r.Skip, len(in.found)):]
	if len(included.Positions) > r.Limit {
		included.Positions, included.More = included.Positions[:r.Limit], true
	}
	return included, nil
}

// inclusion is one IncludeRequest at work.
type inclusion struct {
	m        moment
	r        search.IncludeRequest
	lookup   *searchindex.Lookup
	seen     map[uint64]bool
	found    []uint64 // in the order they were met
	next     []uint64 // of these, what the running round has found
	circular bool
	values   search.Values
}

// full says that there is more than can be told.
func (in *inclusion) full() bool { return len(in.found) > in.r.Skip+in.r.Limit }

// follow adds what the version at a position includes. Beyond the matches only
// what iterates is followed.
func (in *inclusion) follow(position uint64, isMatch bool) error {
	t, id, err := in.m.Identify(position)
	if err != nil {
		return err
	}
	if err := in.followForward(position, t, isMatch); err != nil {
		return err
	}
	for i := range in.r.Query.RevInclude {
		include := &in.r.Query.RevInclude[i]
		if !isMatch && !include.Iterate || include.Target != "" && include.Target != t {
			continue
		}
		for _, reference := range include.References {
			referrers, err := in.lookup.Referrers(reference.Source, reference.Reference, t, id, position)
			if err != nil {
				return err
			}
			for _, found := range referrers {
				in.add(found, isMatch)
			}
			if in.full() {
				return nil
			}
		}
	}
	return nil
}

// followForward adds what the version itself refers to.
func (in *inclusion) followForward(position uint64, t domain.ResourceType, isMatch bool) error {
	extracted := false
	for i := range in.r.Query.Include {
		include := &in.r.Query.Include[i]
		if !isMatch && !include.Iterate {
			continue
		}
		for _, reference := range include.References {
			if reference.Source != t {
				continue
			}
			if !extracted {
				in.values.Reset()
				if err := in.m.Extract(position, &in.values); err != nil {
					return err
				}
				extracted = true
			}
			if err := in.followReference(reference.Reference, include.Target, isMatch); err != nil {
				return err
			}
		}
	}
	return nil
}

func (in *inclusion) followReference(r search.Reference, wanted domain.ResourceType, isMatch bool) (err error) {
	in.values.Each(func(e search.Entry) {
		if err != nil || e.Kind != search.Forward || search.SlotOf(e.Key) != r.Slot || in.full() {
			return
		}
		if err = in.followCanonical(r, e.Target, wanted, isMatch); err != nil {
			return
		}
		t, id, version, ok := searchindex.LocalTarget(r, e.Target)
		if !ok || wanted != "" && wanted != t {
			return
		}
		var position uint64
		if position, ok, err = in.m.Resolve(t, id, in.r.Snapshot); err != nil || !ok {
			return
		}
		if version != "" {
			at, failed := in.m.lookup(position)
			if err = failed; err != nil || at.Version.String() != version {
				return
			}
		}
		in.add(position, isMatch)
	})
	return err
}

// followCanonical adds what a target leads to by canonical URL.
func (in *inclusion) followCanonical(r search.Reference, target []byte, wanted domain.ResourceType, isMatch bool) error {
	led, err := in.lookup.Led(r, target)
	for _, position := range led {
		t, _, failed := in.m.Identify(position)
		if failed != nil {
			return failed
		}
		if wanted == "" || wanted == t {
			in.add(position, isMatch)
		}
	}
	return err
}

func (in *inclusion) add(position uint64, isMatch bool) {
	if in.seen[position] {
		in.circular = in.circular || !isMatch
		return
	}
	in.seen[position] = true
	in.found = append(in.found, position)
	in.next = append(in.next, position)
}
