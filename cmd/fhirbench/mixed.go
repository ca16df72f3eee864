package main

import (
	"context"
	"errors"
)

// mixed is W5: 10 creations to 60 reads, 25 updates and 5 deletions, over five
// types of resources in the proportions of a record system. Each user works on
// resources of its own; they refer to a patient, an encounter and so on that
// are never deleted, so that servers which guard references can take part.
type mixed struct{}

func (mixed) title() string                       { return "mixed writes" }
func (mixed) defaultClients() []int               { return []int{64} }
func (mixed) ownRounds() bool                     { return false }
func (mixed) prepare(context.Context, *run) error { return nil }
func (mixed) session(u *user) session             { return &mixedSession{user: u} }

// A share is a weight in a choice; the weights of a list add up to 100.
type share[T any] struct {
	what   T
	weight uint64
}

var (
	mixedKinds = []share[kind]{{observation, 50}, {patient, 20}, {condition, 15}, {encounter, 10}, {medicationRequest, 5}}
	mixedWork  = []share[operation]{{opRead, 60}, {opUpdate, 25}, {opCreate, 10}, {opDelete, 5}}
)

// choose draws one of the shares.
func choose[T any](rng *random, shares []share[T]) T {
	n := rng.below(100)
	for _, s := range shares {
		if n < s.weight {
			return s.what
		}
		n -= s.weight
	}
	return shares[0].what
}

// ownAtFirst is how many resources a user has before the clock runs.
const ownAtFirst = 20

// mixedSession is one user and what it owns on the server, by kind.
type mixedSession struct {
	*user
	refs  references
	owned [kinds][]resource
}

// begin creates what the user's resources refer to, then its first resources.
func (s *mixedSession) begin(ctx context.Context) error {
	for k := patient; k <= observation; k++ {
		r := resource{kind: k, seed: s.rng.next(), refs: &s.refs}
		if !s.create(ctx, &r) {
			return errors.New(s.run.tally.errors.String())
		}
		s.refs.set(k, s.id)
	}
	for n := range uint64(ownAtFirst) {
		share := n * 100 / ownAtFirst // the first resources keep the proportions exactly
		k := mixedKinds[0].what
		for _, of := range mixedKinds {
			if share < of.weight {
				k = of.what
				break
			}
			share -= of.weight
		}
		if !s.createOne(ctx, k) {
			return errors.New(s.run.tally.errors.String())
		}
	}
	return nil
}

// round is one request.
func (s *mixedSession) round(ctx context.Context) bool {
	k, work := choose(&s.rng, mixedKinds), choose(&s.rng, mixedWork)
	owned := s.owned[k]
	if len(owned) == 0 || work == opCreate {
		s.createOne(ctx, k)
		return true
	}
	at := int(s.rng.below(uint64(len(owned))))
	switch r := &owned[at]; work {
	case opRead:
		s.read(ctx, k, r.id)
	case opUpdate:
		r.revision++
		s.update(ctx, r)
	case opDelete:
		if s.delete(ctx, k, r.id) {
			owned[at] = owned[len(owned)-1]
			s.owned[k] = owned[:len(owned)-1]
		}
	}
	return true
}

func (s *mixedSession) end(context.Context) {}

func (s *mixedSession) createOne(ctx context.Context, k kind) bool {
	r := resource{kind: k, seed: s.rng.next(), refs: &s.refs}
	if !s.create(ctx, &r) {
		return false
	}
	r.id = append([]byte(nil), s.id...)
	s.owned[k] = append(s.owned[k], r)
	return true
}
