package keyring

import (
	"context"
	"sync/atomic"
	"testing"

	"fhirlog/eventlog/faultfs"
)

var background = context.Background()

const path = "data/keyring"

// operator is the n-th key of operators.
func operator(n byte) *Local {
	key := [KeySize]byte{n}
	for i := range key {
		key[i] += byte(i) * 7
	}
	return NewLocal(key)
}

// counter is a source of keys and nonces that is always the same.
type counter struct{ n atomic.Uint64 }

func (c *counter) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(c.n.Add(1))
	}
	return len(p), nil
}

// service is an operator's key that fails as it is told.
type service struct {
	*Local
	err error
}

func (s *service) Wrap(ctx context.Context, plain []byte) ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	return s.Local.Wrap(ctx, plain)
}

func (s *service) Unwrap(ctx context.Context, wrapped []byte) ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	return s.Local.Unwrap(ctx, wrapped)
}

func create(t testing.TB, disk *faultfs.FS, w Wrapper) *Ring {
	t.Helper()
	r, err := Create(background, Options{FS: disk, Path: path, Operator: w})
	if err != nil {
		t.Fatalf("Create = %v", err)
	}
	return r
}

func open(t testing.TB, disk *faultfs.FS, w Wrapper) *Ring {
	t.Helper()
	r, err := Open(background, Options{FS: disk, Path: path, Operator: w})
	if err != nil {
		t.Fatalf("Open = %v", err)
	}
	return r
}

func mustNew(t testing.TB, r *Ring, name string) [KeySize]byte {
	t.Helper()
	key, err := r.New(name)
	if err != nil {
		t.Fatalf("New(%q) = %v", name, err)
	}
	return key
}

// contentOf gives all keys of a ring.
func contentOf(t testing.TB, r *Ring) map[string][KeySize]byte {
	t.Helper()
	all := map[string][KeySize]byte{}
	for _, name := range r.Names() {
		key, err := r.Key(name)
		if err != nil {
			t.Fatalf("Key(%q) = %v", name, err)
		}
		all[name] = key
	}
	return all
}
