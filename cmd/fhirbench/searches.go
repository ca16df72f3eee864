package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
)

// searches is a workload that only reads: W3, W4 and the parts of W9 and W11.
// What it asks for comes from the loaded data.
type searches struct {
	what    string
	clients int
	ground  *ground
	past    bool // as of the middle of the load
	// shapes makes the searches, once; past or not is not its concern.
	shapes func(b *builder)
	// counted adds known totals to the shapes of codes; nil for others.
	counted func(ctx context.Context, u *user, s []shape) error
	begin   func(u *user, shapes []shape) session
	made    []shape
}

// searchWalk is W3: each round sends one query of each shape. The users begin
// at different places of the walk.
func searchWalk(g *ground, past bool) *searches {
	return &searches{what: "search", clients: 30, ground: g, past: past, shapes: walkShapes, begin: func(u *user, shapes []shape) session {
		return &walkSession{user: u, shapes: shapes, offset: max(u.number, 0) * len(shapes) / u.run.clients}
	}}
}

// searchMix is W4: a round is one query of a shape drawn at random.
func searchMix(g *ground) *searches {
	return &searches{what: "mixed search", clients: 64, ground: g, shapes: mixShapes, begin: func(u *user, shapes []shape) session {
		return &mixSession{user: u, shapes: shapes}
	}}
}

func (w *searches) title() string {
	switch {
	case w.past && w.ground.middle != "":
		return w.what + " as of " + w.ground.middle
	case w.past:
		return w.what + " as of the middle of the load"
	}
	return w.what
}

func (w *searches) defaultClients() []int   { return []int{w.clients} }
func (w *searches) ownRounds() bool         { return false }
func (w *searches) session(u *user) session { return w.begin(u, u.run.shapes) }

// prepare learns what there is to search for, and makes the shapes when they
// are not made yet.
func (w *searches) prepare(ctx context.Context, r *run) error {
	u := r.newUser(-1)
	defer u.conn.close()
	if err := w.ground.learn(ctx, u); err != nil {
		return err
	}
	if w.past {
		if err := w.ground.findMiddle(ctx, u); err != nil {
			return err
		}
		r.asOf = w.ground.middle
	}
	r.loaded, r.notes = w.ground.loaded, append(r.notes, w.ground.notes...)
	if w.made == nil {
		if err := w.make(ctx, u); err != nil {
			return err
		}
	}
	r.shapes = append([]shape(nil), w.made...)
	r.notes = append(r.notes, w.ground.lacking...)
	r.tally.shapes = make([]shapeTally, len(r.shapes))
	for i := range r.shapes {
		r.shapes[i].number = i
	}
	return nil
}

// make makes the shapes and leaves out those that were not asked for.
func (w *searches) make(ctx context.Context, u *user) error {
	if w.counted != nil {
		if err := w.ground.chooseCodes(ctx, u); err != nil {
			return err
		}
	}
	b := &builder{samples: w.ground.samples, rng: random(mix(uint64(u.run.options.Seed), 3))}
	w.shapes(b)
	made, err := u.run.options.wanted(b.shapes)
	if err != nil {
		return err
	}
	if w.past {
		made = asOf(made, w.ground.middle)
	}
	if w.counted != nil {
		if err := w.counted(ctx, u, made); err != nil {
			return err
		}
	}
	w.made, w.ground.lacking = made, nil
	for _, name := range b.missing {
		w.ground.lacking = append(w.ground.lacking, name+" with values of the data: there are none, so it searches for others")
	}
	return nil
}

// wanted keeps the shapes that --only and --skip leave.
func (o *options) wanted(shapes []shape) (kept []shape, err error) {
	only, err1 := regexp.Compile(o.Only)
	skip, err2 := regexp.Compile(o.Skip)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	for _, s := range shapes {
		if only.MatchString(s.name) && (o.Skip == "" || !skip.MatchString(s.name)) {
			kept = append(kept, s)
		}
	}
	if len(kept) == 0 {
		return nil, fmt.Errorf("--only and --skip leave none of %d shapes", len(shapes))
	}
	return kept, nil
}

// walkSession is one user of W3.
type walkSession struct {
	*user
	shapes []shape
	offset int
}

func (s *walkSession) begin(context.Context) error { return nil }

func (s *walkSession) round(ctx context.Context) bool {
	for i := range s.shapes {
		if s.run.stopped() || ctx.Err() != nil {
			return false
		}
		one := &s.shapes[(s.offset+i)%len(s.shapes)]
		s.search(ctx, one, one.draw(&s.rng))
	}
	return true
}

func (s *walkSession) end(context.Context) {}

// mixSession is one user of W4.
type mixSession struct {
	*user
	shapes []shape
}

func (s *mixSession) begin(context.Context) error { return nil }

func (s *mixSession) round(ctx context.Context) bool {
	one := &s.shapes[s.rng.below(uint64(len(s.shapes)))]
	s.search(ctx, one, one.draw(&s.rng))
	return true
}

func (s *mixSession) end(context.Context) {}

// draw chooses one of the queries.
func (s *shape) draw(rng *random) *query { return &s.queries[rng.below(uint64(len(s.queries)))] }
