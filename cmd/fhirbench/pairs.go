package main

import "context"

// pairs is W8: many small transactions, each Bundle one Patient and one
// Observation that refers to it by urn:uuid.
type pairs struct{}

func (pairs) title() string                       { return "small transactions" }
func (pairs) defaultClients() []int               { return []int{1, 4, 16, 64, 128} }
func (pairs) ownRounds() bool                     { return false }
func (pairs) prepare(context.Context, *run) error { return nil }
func (pairs) session(u *user) session             { return &pairSession{user: u} }

// pairSession is one user; it is also the payload of its next request.
type pairSession struct {
	*user
	refs        references
	observation []byte // its urn:uuid
}

func (s *pairSession) begin(context.Context) error { return nil }

// round is one transaction.
func (s *pairSession) round(ctx context.Context) bool {
	s.transact(ctx, s, 2)
	return true
}

func (s *pairSession) end(context.Context) {}

// appendTo renders a Bundle of two new resources.
func (s *pairSession) appendTo(dst []byte) []byte {
	s.refs[patient] = s.rng.appendUUID(append(s.refs[patient][:0], "urn:uuid:"...))
	s.observation = s.rng.appendUUID(append(s.observation[:0], "urn:uuid:"...))
	dst = append(dst, bundleOpen...)
	first := resource{kind: patient, seed: s.rng.next(), refs: &s.refs}
	dst = first.appendEntry(dst, s.refs[patient])
	second := resource{kind: measurement, seed: s.rng.next(), refs: &s.refs}
	dst = second.appendEntry(dst, s.observation)
	return append(dst, bundleClose...)
}
