package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// bundles is W2: users post transaction Bundles, one patient's record each.
// Hospitals and practitioners go first, before the clock. The data comes from
// files (those with ".support." in their names hold the hospitals) or is made
// up; in both cases it is ready in memory before the clock runs, up to a
// limit beyond which files are read along.
type bundles struct {
	mu     sync.Mutex // guards the fields below
	source source
	at     int // next of the source's bundles
	passes int // over the data, finished
	limit  int // of passes, 0 for none
	err    error
}

// A bundle is the text of a transaction and how many entries it has.
type bundle struct {
	text    []byte
	entries int
}

// A source is what bundles posts: some in memory, then those of more, a new
// reader at each pass. more may be nil.
type source struct {
	loaded []bundle
	more   func() (*bundleReader, error)
	reader *bundleReader
}

func (*bundles) title() string         { return "bundle load" }
func (*bundles) defaultClients() []int { return []int{20} }
func (*bundles) ownRounds() bool       { return true }

// prepare posts the supports and makes the patients ready.
func (b *bundles) prepare(ctx context.Context, r *run) error {
	u := r.newUser(-1)
	defer u.conn.close()
	b.at, b.passes, b.limit, b.err = 0, 0, r.options.Rounds, nil
	if len(r.options.File) == 0 {
		supports, err := postSupports(ctx, u)
		if err != nil {
			return err
		}
		b.source = source{loaded: makeRecords(uint64(r.options.Seed), r.options.Patients, supports)}
		return nil
	}
	var supports, patients []string
	for _, f := range r.options.File {
		if strings.Contains(f, ".support.") {
			supports = append(supports, f)
		} else {
			patients = append(patients, f)
		}
	}
	if err := postFiles(ctx, u, supports); err != nil {
		return err
	}
	if b.source.loaded != nil {
		return nil // the files were read for an earlier run
	}
	var err error
	if b.source, err = readSource(patients, r.options.Preload<<20); err == nil && len(b.source.loaded) == 0 {
		err = errors.New("no Bundles in " + strings.Join(r.options.File, ", "))
	}
	return err
}

func (b *bundles) session(u *user) session { return &bundleSession{user: u, bundles: b} }

// next hands out the Bundles in order, over and over, until there were enough
// passes.
func (b *bundles) next() (bundle, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.err == nil && (b.limit == 0 || b.passes < b.limit) {
		if b.at < len(b.source.loaded) {
			b.at++
			return b.source.loaded[b.at-1], true
		}
		if b.source.more != nil {
			one, ok, err := b.source.following()
			if ok || err != nil {
				b.err = err
				return one, ok
			}
		}
		b.passes++
		b.at = 0
	}
	return bundle{}, false
}

// following reads the next Bundle beyond those in memory; at the end it gets
// ready for another pass.
func (s *source) following() (one bundle, ok bool, err error) {
	if s.reader == nil {
		if s.reader, err = s.more(); err != nil {
			return bundle{}, false, err
		}
	}
	one, ok, err = s.reader.next()
	if !ok {
		s.reader.close()
		s.reader = nil
	}
	return one, ok, err
}

// bundleSession is one user.
type bundleSession struct {
	*user
	bundles *bundles
}

func (s *bundleSession) begin(context.Context) error { return nil }

func (s *bundleSession) round(ctx context.Context) bool {
	one, ok := s.bundles.next()
	if ok {
		s.transact(ctx, raw(one.text), one.entries)
	} else if err := s.bundles.failed(); err != nil {
		s.run.tally.errors.add("read the file", []byte(err.Error()))
	}
	return ok
}

func (s *bundleSession) end(context.Context) {}

// failed returns the error of reading that ended the run.
func (b *bundles) failed() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// postSupports creates the hospitals and practitioners that made-up records
// refer to.
func postSupports(ctx context.Context, u *user) (*supports, error) {
	made := makeSupports(&u.rng)
	a, ok := u.transact(ctx, raw(made.text), made.entries)
	if !ok {
		return nil, fmt.Errorf("post hospitals and practitioners: %s", &u.run.tally.errors)
	}
	s := new(supports)
	for rest := a.body; ; {
		_, after, found := bytes.Cut(rest, []byte(`"location"`))
		if !found {
			break
		}
		place, _, _ := bytes.Cut(bytes.TrimLeft(after, " :\""), []byte{'"'})
		for i, k := range supportKinds {
			if id := createdID(answer{location: place}, k.typeName()); len(id) > 0 {
				s[i] = append(s[i], k.typeName()+"/"+string(id))
			}
		}
		rest = after
	}
	for i, k := range supportKinds {
		if len(s[i]) == 0 {
			return nil, fmt.Errorf("the answer to the hospitals names no %s: %.300s", k.typeName(), a.body)
		}
	}
	return s, nil
}

// postFiles posts all Bundles of some files, one after the other.
func postFiles(ctx context.Context, u *user, files []string) error {
	reader := &bundleReader{files: files}
	defer reader.close()
	for {
		one, ok, err := reader.next()
		if !ok {
			return err
		}
		if _, ok := u.transact(ctx, raw(one.text), one.entries); !ok {
			return fmt.Errorf("post %s: %s", strings.Join(files, ", "), &u.run.tally.errors)
		}
	}
}
