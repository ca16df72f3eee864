package main

import "context"

// crud is W1: each user walks 36 requests. It creates nine resources, each
// referring to those before, reads each, updates each (the whole body with one
// field changed), and deletes them in reverse order.
type crud struct{}

func (crud) title() string                       { return "create, read, update, delete" }
func (crud) defaultClients() []int               { return []int{300, 16} }
func (crud) ownRounds() bool                     { return false }
func (crud) prepare(context.Context, *run) error { return nil }
func (crud) session(u *user) session             { return &crudSession{user: u} }

const crudKinds = explanationOfBenefit + 1

// crudSession is one user's walk.
type crudSession struct {
	*user
	resources [crudKinds]resource
	refs      references
	created   kind // so many of the kinds exist on the server
}

func (s *crudSession) begin(context.Context) error { return nil }

// round does the walk. When a creation fails, what was created is taken back
// and the rest left out: it would refer to nothing.
func (s *crudSession) round(ctx context.Context) bool {
	for s.created = 0; s.created < crudKinds; s.created++ {
		if s.stopped(ctx) || !s.createNext(ctx) {
			break
		}
	}
	for k := range s.created {
		if s.stopped(ctx) {
			return false
		}
		s.read(ctx, k, s.resources[k].id)
	}
	for k := range s.created {
		if s.stopped(ctx) {
			return false
		}
		s.resources[k].revision++
		s.update(ctx, &s.resources[k])
	}
	for s.created > 0 {
		if s.stopped(ctx) {
			return false
		}
		s.deleteLast(ctx)
	}
	return true
}

// end deletes what an interrupted walk left.
func (s *crudSession) end(ctx context.Context) {
	for s.created > 0 {
		s.deleteLast(ctx)
	}
}

func (s *crudSession) stopped(ctx context.Context) bool {
	return s.run.stopped() || ctx.Err() != nil
}

func (s *crudSession) createNext(ctx context.Context) bool {
	k := s.created
	r := &s.resources[k]
	*r = resource{kind: k, seed: s.rng.next(), id: r.id[:0], refs: &s.refs}
	if !s.create(ctx, r) {
		return false
	}
	r.id = append(r.id, s.id...)
	s.refs.set(k, s.id)
	return true
}

func (s *crudSession) deleteLast(ctx context.Context) {
	s.created--
	s.delete(ctx, s.created, s.resources[s.created].id)
}

// set makes the reference of a kind point to a resource on the server.
func (refs *references) set(k kind, id []byte) {
	r := append(refs[k][:0], k.typeName()...)
	r = append(r, '/')
	refs[k] = append(r, id...)
}
