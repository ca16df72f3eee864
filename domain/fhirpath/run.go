package fhirpath

import "sync"

// program is a compiled node. It appends its items to dst.
type program func(r *run, dst Collection) (Collection, error)

// run is one evaluation.
type run struct {
	context Context
	limits  Limits
	scope   scope
	self    [1]Item      // the root, as a collection
	steps   int          // that are left
	pause   int          // at how many of them Stopped is asked next
	free    []Collection // buffers for intermediate collections
	kept    int          // items that the free buffers have room for
	calls   []*call      // buffers for function calls
}

// scope is what a part of an expression sees; functions with criteria change
// it for each item and restore it afterwards.
type scope struct {
	this      Collection // $this, and what paths start from
	index     int        // $index; -1 where there is none
	total     Collection // $total
	variables *variable  // of defineVariable(), innermost first
}

// variable is a binding of defineVariable().
type variable struct {
	name  string
	value Collection
	outer *variable
}

// The buffers of an evaluation have room for up to maxKept items of 56 bytes, and
// between evaluations for much less.
const (
	maxKept        = 1 << 17
	maxKeptBetween = 1 << 12
)

// stepsBetween is how many steps are taken before Stopped is asked again.
const stepsBetween = 8192

// runs keeps the buffers of evaluations for later ones.
var runs = sync.Pool{New: func() any { return new(run) }}

func (r *run) begin(context Context) {
	r.context = context
	r.limits = context.Limits.withDefaults()
	if context.Left != nil {
		r.limits.MaxSteps = max(0, min(r.limits.MaxSteps, *context.Left))
	}
	r.steps, r.pause = r.limits.MaxSteps, 0
	if context.Stopped != nil {
		r.pause = max(0, r.steps-stepsBetween)
	}
	r.scope = scope{index: -1}
	if !context.Root.isZero() {
		r.self[0] = context.Root
		r.scope.this = r.self[:]
	}
}

func (r *run) release() {
	if left := r.context.Left; left != nil {
		*left -= r.limits.MaxSteps - max(0, r.steps)
	}
	r.context, r.scope, r.self[0] = Context{}, scope{}, Item{}
	if r.kept > maxKeptBetween {
		r.free, r.kept = nil, 0
	}
	runs.Put(r)
}

// take returns an empty buffer, to be given back with give.
func (r *run) take() Collection {
	if n := len(r.free); n > 0 {
		buffer := r.free[n-1]
		r.free = r.free[:n-1]
		r.kept -= cap(buffer)
		return buffer
	}
	return make(Collection, 0, 8)
}

// give takes a buffer back. Its items are forgotten, so that a buffer at rest
// keeps no document alive. After an error buffers need not be given back.
func (r *run) give(buffer Collection) {
	if cap(buffer) == 0 || r.kept+cap(buffer) > maxKept {
		return
	}
	clear(buffer)
	r.kept += cap(buffer)
	r.free = append(r.free, buffer[:0])
}
