package keyring

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"fhirlog/eventlog"
)

// File is the name of the file in a data folder.
const File = "keyring"

// Options of a Ring. Path and Operator are needed.
type Options struct {
	// FS is the disk; default the real one.
	FS eventlog.FileSystem
	// Path is that of the file.
	Path string
	// Operator is the operator's key.
	Operator Wrapper
	// Random makes keys and nonces; default crypto/rand. Tests fix it.
	Random io.Reader
}

func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS = eventlog.Disk()
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	return o
}

// Ring is a keyring that is open. Create and Open make one.
type Ring struct {
	options Options
	content atomic.Pointer[content] // replaced under changing, never changed

	// changing is held by what changes the file, from beginning to end; it guards seen.
	changing sync.Mutex
	// seen is what the file may be: what was read or written last, and what a write
	// that failed may have left.
	seen [][]byte
}

var _ eventlog.Keys = (*Ring)(nil)

// content is an open keyring at some moment.
type content struct {
	operator Wrapper
	folder   [KeySize]byte
	keys     map[string][KeySize]byte
	stored   stored // the same, sealed
}

// Create makes a keyring without keys. It fails if there is one.
func Create(ctx context.Context, o Options) (*Ring, error) {
	r := &Ring{options: o.withDefaults()}
	_, err := readFile(r.options.FS, r.options.Path)
	if err == nil {
		err = fs.ErrExist
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("make the keyring %s: %w", o.Path, err)
	}
	c, err := r.wrapped(ctx, o.Operator)
	if err == nil {
		r.changing.Lock()
		defer r.changing.Unlock()
		err = r.write(c)
	}
	if err != nil {
		return nil, fmt.Errorf("make the keyring %s: %w", o.Path, err)
	}
	return r, nil
}

// Open reads a keyring and opens every key in it. Errors: fs.ErrNotExist, ErrWrongKey,
// ErrDenied, ErrUnreachable, ErrDamaged.
func Open(ctx context.Context, o Options) (*Ring, error) {
	r := &Ring{options: o.withDefaults()}
	text, err := readFile(r.options.FS, r.options.Path)
	if err == nil {
		err = r.take(ctx, text)
	}
	if err != nil {
		return nil, fmt.Errorf("open the keyring %s: %w", o.Path, err)
	}
	return r, nil
}

// Detached opens what is in a file, by itself: what is changed in it is written nowhere.
// It serves those who read a folder and leave it as it is.
func Detached(ctx context.Context, text []byte, operator Wrapper) (*Ring, error) {
	r := &Ring{options: Options{Operator: operator}.withDefaults()}
	r.options.FS = nil
	if err := r.take(ctx, text); err != nil {
		return nil, fmt.Errorf("open the keyring: %w", err)
	}
	return r, nil
}

// take makes the text of a file the content.
func (r *Ring) take(ctx context.Context, text []byte) error {
	s, err := parse(text)
	if err != nil {
		return err
	}
	folder, err := unwrap(ctx, r.options.Operator, s)
	if err != nil {
		return err
	}
	c := &content{operator: r.options.Operator, folder: folder, stored: *s}
	if err := c.unseal(); err != nil {
		return err
	}
	r.content.Store(c)
	r.seen = [][]byte{text}
	return nil
}

// unwrap opens the folder key.
func unwrap(ctx context.Context, operator Wrapper, s *stored) (folder [KeySize]byte, err error) {
	plain, err := operator.Unwrap(ctx, s.Folder)
	switch {
	case errors.Is(err, ErrWrongKey) && operator.Name() == s.Operator:
		return folder, fmt.Errorf("%w: the key %s is the one that it names, and does not open it", ErrDamaged, s.Operator)
	case errors.Is(err, ErrWrongKey):
		return folder, fmt.Errorf("%w: it is under the key %q, and the key given is %q", ErrWrongKey, s.Operator, operator.Name())
	case err != nil:
		return folder, fmt.Errorf("key %s: %w", s.Operator, err)
	case len(plain) != KeySize:
		return folder, fmt.Errorf("%w: its own key has %d bytes", ErrDamaged, len(plain))
	}
	return [KeySize]byte(plain), nil
}

// unseal opens all keys.
func (c *content) unseal() error {
	c.keys = make(map[string][KeySize]byte, len(c.stored.Keys))
	for name, sealed := range c.stored.Keys {
		plain, err := Unseal(c.folder, name, sealed)
		if err != nil {
			return fmt.Errorf("%w: the key %q: %w", ErrDamaged, name, err)
		}
		c.keys[name] = [KeySize]byte(plain)
	}
	return nil
}

// Key gives a key, or ErrNoKey. One that another process has made since is found.
func (r *Ring) Key(name string) ([KeySize]byte, error) {
	if key, ok := r.content.Load().keys[name]; ok {
		return key, nil
	}
	if err := r.refresh(); err != nil {
		return [KeySize]byte{}, fmt.Errorf("look for the key %q: %w", name, err)
	}
	if key, ok := r.content.Load().keys[name]; ok {
		return key, nil
	}
	return [KeySize]byte{}, fmt.Errorf("%w: %s", ErrNoKey, name)
}

// refresh takes in what another process has changed.
func (r *Ring) refresh() error {
	r.changing.Lock()
	defer r.changing.Unlock()
	return r.look()
}

// look takes in what another process has changed, but for a rotation. changing is held.
func (r *Ring) look() error {
	if r.options.FS == nil {
		return nil
	}
	text, err := readFile(r.options.FS, r.options.Path)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(r.seen, func(known []byte) bool { return bytes.Equal(known, text) }) {
		r.seen = [][]byte{text}
		return nil
	}
	s, err := parse(text)
	if err != nil {
		return err
	}
	now := r.content.Load()
	if string(s.Folder) != string(now.stored.Folder) {
		return fmt.Errorf("%w: start again with that one", ErrChanged)
	}
	c := &content{operator: now.operator, folder: now.folder, stored: *s}
	if err := c.unseal(); err != nil {
		return err
	}
	r.content.Store(c)
	r.seen = [][]byte{text}
	return nil
}

// Names tells which keys there are, in order.
func (r *Ring) Names() []string { return slices.Sorted(maps.Keys(r.content.Load().keys)) }

// Operator is the name of the operator's key.
func (r *Ring) Operator() string { return r.content.Load().stored.Operator }

// Check asks the operator's key to open the folder's once more: whether it is still
// there, and may be used. Errors are those of Open.
func (r *Ring) Check(ctx context.Context) error {
	c := r.content.Load()
	folder, err := unwrap(ctx, c.operator, &c.stored)
	if err == nil && folder != c.folder {
		err = fmt.Errorf("%w: the key %s opens something else", ErrDamaged, c.stored.Operator)
	}
	return err
}

// readFile reads the file whole.
func readFile(disk eventlog.FileSystem, path string) ([]byte, error) {
	file, err := disk.OpenRead(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	size, err := file.Size()
	if err != nil {
		return nil, err
	}
	if size > mostFileBytes {
		return nil, fmt.Errorf("%w: it has %d bytes", ErrDamaged, size)
	}
	text := make([]byte, size)
	if n, err := file.ReadAt(text, 0); n < len(text) {
		return nil, fmt.Errorf("read %s: %w", filepath.Base(path), err)
	}
	return text, nil
}
