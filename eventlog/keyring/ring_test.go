package keyring

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"fhirlog/eventlog/faultfs"
)

// TestRing_agrees_with_a_map runs random changes against the ring and against a map;
// they must agree, also after a restart.
func TestRing_agrees_with_a_map(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		disk, want, current := faultfs.New(), map[string][KeySize]byte{}, byte(0)
		r := create(t, disk, operator(0))
		name := rapid.SampledFrom([]string{"a", "b", "segment-0123456789abcdef", "proof-key", "x.1_2"})
		rt.Repeat(map[string]func(*rapid.T){
			"new": func(rt *rapid.T) {
				n := name.Draw(rt, "name")
				_, taken := want[n]
				key, err := r.New(n)
				if taken != (err != nil) {
					rt.Fatalf("New(%q) = %v, and it was there: %t", n, err, taken)
				}
				if err == nil {
					for other, k := range want {
						if k == key {
							rt.Fatalf("%q and %q have the same key", other, n)
						}
					}
					want[n] = key
				}
			},
			"drop": func(rt *rapid.T) {
				names := rapid.SliceOfN(name, 0, 3).Draw(rt, "names")
				if err := r.Drop(names...); err != nil {
					rt.Fatalf("Drop(%q) = %v", names, err)
				}
				for _, n := range names {
					delete(want, n)
				}
			},
			"rotate": func(rt *rapid.T) {
				current++
				if err := r.Rotate(background, operator(current)); err != nil {
					rt.Fatalf("Rotate = %v", err)
				}
			},
			"reopen": func(*rapid.T) {
				disk.PowerCut(faultfs.Nothing, nil)
				r = open(t, disk, operator(current))
			},
			"": func(rt *rapid.T) {
				if got := contentOf(t, r); !maps.Equal(got, want) || r.Operator() != operator(current).Name() {
					rt.Fatalf("the ring has %d keys under %s, want %d", len(got), r.Operator(), len(want))
				}
			},
		})
	})
}

func TestOpen_tells_what_is_wrong_with_the_key(t *testing.T) {
	disk := faultfs.New()
	_, err := Open(background, Options{FS: disk, Path: path, Operator: operator(1)})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open without a file = %v, want ErrNotExist", err)
	}
	r := create(t, disk, operator(1))
	mustNew(t, r, "a")
	if _, err := Create(background, Options{FS: disk, Path: path, Operator: operator(1)}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create where there is one = %v, want ErrExist", err)
	}
	for _, c := range []struct {
		name     string
		operator Wrapper
		want     error
	}{
		{"another key", operator(2), ErrWrongKey},
		{"a service that refuses", &service{operator(1), fmt.Errorf("request 7: %w", ErrDenied)}, ErrDenied},
		{"a service that does not answer", &service{operator(1), ErrUnreachable}, ErrUnreachable},
	} {
		_, err := Open(background, Options{FS: disk, Path: path, Operator: c.operator})
		if !errors.Is(err, c.want) || errors.Is(err, ErrDamaged) {
			t.Errorf("%s: Open = %v, want %v", c.name, err, c.want)
		}
		if _, err := Detached(background, disk.Content(path), c.operator); !errors.Is(err, c.want) {
			t.Errorf("%s: Detached = %v, want %v", c.name, err, c.want)
		}
		if err := r.Rotate(background, c.operator); c.want != ErrWrongKey && !errors.Is(err, c.want) {
			t.Errorf("%s: Rotate = %v, want %v", c.name, err, c.want)
		}
	}
}

func TestCheck_asks_the_key_each_time(t *testing.T) {
	s := &service{Local: operator(1)}
	r := create(t, faultfs.New(), s)
	key := mustNew(t, r, "a")
	for _, want := range []error{nil, ErrDenied, ErrUnreachable, nil} {
		if s.err = want; !errors.Is(r.Check(background), want) {
			t.Errorf("Check = %v, want %v", r.Check(background), want)
		}
		if got, err := r.Key("a"); err != nil || got != key {
			t.Errorf("Key = %v: what is open stays open", err)
		}
	}
	if err := r.Rotate(background, operator(2)); err != nil {
		t.Fatal(err)
	}
	if s.err = ErrDenied; r.Check(background) != nil {
		t.Errorf("Check = %v: it asks the former key", r.Check(background))
	}
}

func TestRotate_leaves_the_former_key_nothing(t *testing.T) {
	disk := faultfs.New()
	r := create(t, disk, operator(1))
	want := mustNew(t, r, "a")
	before, _ := parse(disk.Content(path))
	formerFolder := r.content.Load().folder
	if err := r.Rotate(background, operator(2)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(background, Options{FS: disk, Path: path, Operator: operator(1)}); !errors.Is(err, ErrWrongKey) {
		t.Errorf("Open with the former key = %v, want ErrWrongKey", err)
	}
	after, err := parse(disk.Content(path))
	if err != nil || bytes.Equal(before.Folder, after.Folder) || bytes.Equal(before.Keys["a"], after.Keys["a"]) {
		t.Errorf("something of the file stayed: %v", err)
	}
	if _, err := Unseal(formerFolder, "a", after.Keys["a"]); err == nil {
		t.Error("the former folder key still opens a key")
	}
	if got := contentOf(t, open(t, disk, operator(2))); got["a"] != want {
		t.Error("the key is another after the rotation")
	}
}

// forgetful is an operator's key that cannot open what it has wrapped.
type forgetful struct{ *Local }

func (forgetful) Name() string { return "forgetful" }

func (f forgetful) Wrap(ctx context.Context, plain []byte) ([]byte, error) {
	return operator(99).Wrap(ctx, plain)
}

func TestRotate_refuses_a_key_that_does_not_open_what_it_wraps(t *testing.T) {
	disk := faultfs.New()
	r := create(t, disk, operator(1))
	mustNew(t, r, "a")
	before := disk.Content(path)
	if err := r.Rotate(background, forgetful{operator(2)}); err == nil || !bytes.Equal(disk.Content(path), before) {
		t.Errorf("Rotate = %v, and the file must stay as it was", err)
	}
	if err := r.Check(background); err != nil {
		t.Errorf("Check = %v", err)
	}
}

func TestDetached_writes_nothing(t *testing.T) {
	disk := faultfs.New()
	r := create(t, disk, operator(1))
	want := mustNew(t, r, "a")
	text := disk.Content(path)
	d, err := Detached(background, text, operator(1))
	if err != nil {
		t.Fatal(err)
	}
	mustNew(t, d, "b")
	if got := contentOf(t, d); got["a"] != want || len(got) != 2 {
		t.Errorf("it has %d keys", len(got))
	}
	if err := d.Drop("a"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Key("a"); !errors.Is(err, ErrNoKey) {
		t.Errorf("Key of what was dropped = %v, want ErrNoKey", err)
	}
	if !bytes.Equal(disk.Content(path), text) {
		t.Error("the file has changed")
	}
}

func TestKey_finds_what_another_process_has_made(t *testing.T) {
	disk := faultfs.New()
	writer := create(t, disk, operator(1))
	mustNew(t, writer, "a")
	reader := open(t, disk, operator(1))
	if _, err := reader.Key("b"); !errors.Is(err, ErrNoKey) {
		t.Errorf("Key = %v, want ErrNoKey", err)
	}
	want := mustNew(t, writer, "b")
	if got, err := reader.Key("b"); err != nil || got != want {
		t.Errorf("Key of what was made since = %v", err)
	}
	if err := writer.Rotate(background, operator(2)); err != nil {
		t.Fatal(err)
	}
	mustNew(t, writer, "c")
	if _, err := reader.Key("c"); !errors.Is(err, ErrChanged) {
		t.Errorf("Key after a rotation = %v, want ErrChanged", err)
	}
}

func TestRing_never_overwrites_what_it_has_not_seen(t *testing.T) {
	disk := faultfs.New()
	one := create(t, disk, operator(1))
	a := mustNew(t, one, "a")
	two := open(t, disk, operator(1))
	b := mustNew(t, two, "b")
	c := mustNew(t, one, "c") // takes in what two has made
	if err := two.Drop("c"); err != nil {
		t.Fatal(err)
	}
	d := mustNew(t, two, "d")
	want := map[string][KeySize]byte{"a": a, "b": b, "d": d}
	if err := one.Drop("nothing"); err != nil {
		t.Fatal(err)
	}
	e := mustNew(t, one, "e")
	want["e"] = e
	if got := contentOf(t, open(t, disk, operator(1))); !maps.Equal(got, want) || c == d {
		t.Errorf("%d keys are in the file, want %d", len(got), len(want))
	}
	if err := two.Rotate(background, operator(2)); err != nil {
		t.Fatal(err)
	}
	text := disk.Content(path)
	for what, err := range map[string]error{
		"New": second(one.New("f")), "Drop": one.Drop("a"), "Rotate": one.Rotate(background, operator(3)),
	} {
		if !errors.Is(err, ErrChanged) {
			t.Errorf("%s after another process has rotated = %v, want ErrChanged", what, err)
		}
	}
	if !bytes.Equal(disk.Content(path), text) {
		t.Error("the file has changed")
	}
}

func second[T any](_ T, err error) error { return err }

func TestNew_refuses_names_that_are_none(t *testing.T) {
	r := create(t, faultfs.New(), operator(1))
	for _, name := range []string{"", "A", "a b", "a/b", "ä", "a\n", strings.Repeat("a", maxNameBytes+1)} {
		if _, err := r.New(name); err == nil {
			t.Errorf("New(%q) is accepted", name)
		}
	}
	mustNew(t, r, strings.Repeat("a", maxNameBytes))
}

func TestRing_is_safe_for_concurrent_use(t *testing.T) {
	disk := faultfs.New()
	r := create(t, disk, operator(1))
	var group sync.WaitGroup
	for w := range 4 {
		group.Go(func() {
			for i := range 20 {
				name := fmt.Sprintf("%d-%d", w, i)
				key, err := r.New(name)
				if got, errKey := r.Key(name); err != nil || errKey != nil || got != key {
					t.Errorf("New, Key = %v, %v", err, errKey)
				}
				if i%5 == 0 {
					if err := errors.Join(r.Check(background), r.Drop(name)); err != nil {
						t.Error(err)
					}
				}
				if i == 10 {
					if err := r.Rotate(background, operator(1)); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	group.Wait()
	if got := open(t, disk, operator(1)).Names(); len(got) != 4*16 {
		t.Errorf("%d keys, want 64", len(got))
	}
}
