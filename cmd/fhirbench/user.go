package main

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// A user is one simulated client: a connection, its own randomness and the
// workload's session. Owned by one goroutine.
type user struct {
	run    *run
	number int
	conn   connection
	rng    random
	path   []byte
	id     []byte        // of the resource last created
	took   time.Duration // by the request last answered
	page   page          // last parsed
}

// create posts a resource and keeps the id it was given in u.id.
func (u *user) create(ctx context.Context, r *resource) bool {
	u.path = append(u.path[:0], u.run.target.base...)
	u.path = append(u.path, '/')
	u.path = append(u.path, r.kind.typeName()...)
	a, ok := u.send(ctx, opCreate, "POST", r.kind.typeName(), r)
	if !ok {
		return false
	}
	id := createdID(a, r.kind.typeName())
	if len(id) == 0 {
		u.fail(opCreate, r.kind.typeName(), "answer names no id", a)
		return false
	}
	u.id = append(u.id[:0], id...)
	return true
}

// read gets a resource and looks whether the answer is about it.
func (u *user) read(ctx context.Context, k kind, id []byte) bool {
	u.instance(k, id)
	a, ok := u.send(ctx, opRead, "GET", k.typeName(), nil)
	if ok && !bytes.Contains(a.body, id) {
		u.fail(opRead, k.typeName(), "answer is another resource", a)
		return false
	}
	return ok
}

// update puts a whole resource under its id.
func (u *user) update(ctx context.Context, r *resource) bool {
	u.instance(r.kind, r.id)
	_, ok := u.send(ctx, opUpdate, "PUT", r.kind.typeName(), r)
	return ok
}

// delete deletes a resource.
func (u *user) delete(ctx context.Context, k kind, id []byte) bool {
	u.instance(k, id)
	_, ok := u.send(ctx, opDelete, "DELETE", k.typeName(), nil)
	return ok
}

// transact posts a Bundle and holds the answer to as many successful entries
// as were sent.
func (u *user) transact(ctx context.Context, body payload, entries int) (answer, bool) {
	u.path = append(u.path[:0], u.run.target.base...)
	if len(u.path) == 0 {
		u.path = append(u.path, '/')
	}
	a, ok := u.send(ctx, opTransaction, "POST", "", body)
	if !ok {
		return a, false
	}
	done, failed := countEntries(a.body)
	if done != entries || failed > 0 {
		u.fail(opTransaction, "", fmt.Sprintf("%d of %d entries succeeded", done, entries), a)
		return a, false
	}
	if u.run.measuring() {
		u.run.tally.entries.Add(uint64(done))
		u.run.tally.written.Add(uint64(done))
	}
	return a, true
}

// instance makes u.path the place of a resource.
func (u *user) instance(k kind, id []byte) {
	u.path = append(u.path[:0], u.run.target.base...)
	u.path = append(u.path, '/')
	u.path = append(u.path, k.typeName()...)
	u.path = append(u.path, '/')
	u.path = append(u.path, id...)
}

// send sends one request, takes its time, and tells whether the status is one
// that the operation may have. What the request is about (a type, a shape of
// searches or nothing) names its failures. A request counts when its answer was
// complete while the clock ran.
func (u *user) send(ctx context.Context, op operation, method, about string, body payload) (answer, bool) {
	begin := time.Now()
	a, err := u.conn.do(ctx, method, u.path, body)
	u.took = time.Since(begin)
	if err != nil {
		if ctx.Err() == nil {
			u.run.tally.errors.add(op.named(about)+": no answer", []byte(err.Error()))
			pause(ctx, 50*time.Millisecond) // a server that is gone must not make the users spin
		}
		return a, false
	}
	if !accepted(op, a.status) {
		u.fail(op, about, fmt.Sprintf("status %d", a.status), a)
		return a, false
	}
	if !u.run.measuring() {
		return a, true
	}
	t := &u.run.tally
	t.all.record(u.took)
	t.each[op].record(u.took)
	t.got.Add(uint64(len(a.body)))
	if body != nil {
		t.bodies.Add(1)
		t.sent.Add(uint64(a.sent))
	}
	if op == opCreate || op == opUpdate {
		t.written.Add(1)
	}
	return a, true
}

// accepted tells whether a status means that the operation was done. An update
// must find its resource, so 201 is not enough for it.
func accepted(op operation, status int) bool {
	switch op {
	case opCreate:
		return status == 201
	case opDelete:
		return status == 200 || status == 202 || status == 204
	}
	return status == 200
}

// fail counts a request that did not do what it should. Failures before the
// clock runs count too: they explain what comes after. The answer is the
// example; of loaded data only the codes of its issues, for it may tell of
// people.
func (u *user) fail(op operation, about, what string, a answer) {
	example := a.body
	if u.run.shapes != nil {
		example = outcomeCodes(a.body)
	}
	u.run.tally.errors.add(op.named(about)+": "+what, example)
}

// pause waits, or less when the context ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
