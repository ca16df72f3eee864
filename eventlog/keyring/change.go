package keyring

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
)

// New makes a key. It is durable when New returns. A name serves once.
func (r *Ring) New(name string) ([KeySize]byte, error) {
	var key [KeySize]byte
	err := checkName(name)
	if err == nil {
		key, err = newKey(r.options.Random)
	}
	if err == nil {
		err = r.change(func(c *content) (bool, error) {
			if _, taken := c.keys[name]; taken {
				return false, errors.New("there is a key of that name")
			}
			c.keys[name] = key
			c.stored.Keys[name], err = Seal(c.folder, name, key[:], r.options.Random)
			return true, err
		})
	}
	if err != nil {
		return [KeySize]byte{}, fmt.Errorf("make the key %s: %w", name, err)
	}
	return key, nil
}

// Drop forgets keys: once it has returned, the file has them no more. Names that there
// are not are passed over. What the former file held: see the package documentation.
func (r *Ring) Drop(names ...string) error {
	if len(names) == 0 {
		return nil
	}
	err := r.change(func(c *content) (bool, error) {
		before := len(c.keys)
		for _, name := range names {
			delete(c.keys, name)
			delete(c.stored.Keys, name)
		}
		return len(c.keys) != before, nil
	})
	if err != nil {
		return fmt.Errorf("drop keys: %w", err)
	}
	return nil
}

// Rotate puts the keyring under another operator's key: there is a new folder key, and
// all keys are sealed under it, so the former operator's key opens nothing of the file
// any more. What is encrypted stays as it is, and can be read and written meanwhile.
//
// While it has not returned nil, the file is under the former operator's key or the new
// one: keep both until a Rotate has succeeded.
func (r *Ring) Rotate(ctx context.Context, operator Wrapper) error {
	next, err := r.wrapped(ctx, operator) // before the lock: it may take a service's time
	if err == nil {
		err = r.change(func(c *content) (bool, error) {
			c.operator, c.folder = next.operator, next.folder
			c.stored.Operator, c.stored.Folder = next.stored.Operator, next.stored.Folder
			for name, key := range c.keys {
				if c.stored.Keys[name], err = Seal(c.folder, name, key[:], r.options.Random); err != nil {
					return false, err
				}
			}
			return true, nil
		})
	}
	if err != nil {
		return fmt.Errorf("rotate the keyring: %w", err)
	}
	return nil
}

// wrapped makes a folder key without keys under it, and sees that it can be opened
// again.
func (r *Ring) wrapped(ctx context.Context, operator Wrapper) (*content, error) {
	folder, err := newKey(r.options.Random)
	if err != nil {
		return nil, err
	}
	c := &content{operator: operator, folder: folder, keys: map[string][KeySize]byte{}}
	c.stored = stored{Schema: schema, Operator: operator.Name(), Keys: map[string][]byte{}}
	if c.stored.Folder, err = operator.Wrap(ctx, folder[:]); err != nil {
		return nil, fmt.Errorf("key %s: %w", c.stored.Operator, err)
	}
	again, err := unwrap(ctx, operator, &c.stored)
	if err == nil && again != folder {
		err = fmt.Errorf("the key %s does not open what it has wrapped", c.stored.Operator)
	}
	return c, err
}

// change writes a changed copy of the content, if fn says that it has changed it, and
// makes it the content. If that fails, the content stays.
func (r *Ring) change(fn func(c *content) (changed bool, err error)) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	if err := r.look(); err != nil {
		return err
	}
	now := r.content.Load()
	next := *now
	next.keys, next.stored.Keys = maps.Clone(now.keys), maps.Clone(now.stored.Keys)
	changed, err := fn(&next)
	if err != nil || !changed {
		return err
	}
	return r.write(&next)
}

// write makes c the file and the content. changing is held.
func (r *Ring) write(c *content) error {
	text, err := c.stored.encode()
	if err != nil {
		return err
	}
	if r.options.FS != nil {
		r.seen = append(r.seen, text)
		if err := r.replace(text); err != nil {
			return err
		}
	}
	r.seen = [][]byte{text}
	r.content.Store(c)
	return nil
}

// replace puts a text in the place of the file.
func (r *Ring) replace(text []byte) error {
	disk, path := r.options.FS, r.options.Path
	temporary := path + ".new"
	if err := disk.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := disk.Create(temporary)
	if err != nil {
		return err
	}
	_, err = file.WriteAt(text, 0)
	if err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := disk.Rename(temporary, path); err != nil {
		return err
	}
	return disk.SyncDir(filepath.Dir(path))
}
