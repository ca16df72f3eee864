package store

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Keys is where the keys of encrypted stores are kept. It is safe for concurrent
// use.
type Keys interface {
	// New makes a random key. It is durable when New returns.
	New(name string) ([32]byte, error)
	// Key returns a key that New has made, and fails if there is none of that name.
	Key(name string) ([32]byte, error)
	// Drop forgets keys, durably; those that are not there are passed over.
	Drop(names ...string) error
	// Names tells which keys there are.
	Names() []string
}

// KeyPrefix begins the names of all keys of stores.
const KeyPrefix = "projections-"

// keyFile is the file in an encrypted folder that names its key. It is there, and
// synced, before anything is written under that key. A folder gets a key of its
// own when it is new, and keeps it until it is removed: then the key can go too,
// and what the disk may still have of the folder is lost.
const keyFile = "KEY"

// ErrNoKey: the folder is encrypted, and Options have no Keys.
var ErrNoKey = errors.New("the projections are encrypted and there is no key: give it, or remove the projections folder, which is computed anew then")

// errPlain: the folder is not encrypted, and is to be.
var errPlain = errors.New("the projections are not encrypted")

// key returns the key of a folder; nil if it is not to be encrypted.
func (o Options) key(dir string) ([]byte, error) {
	name, err := KeyName(dir)
	switch {
	case err != nil:
		return nil, err
	case o.Keys == nil && name == "":
		return nil, nil
	case o.Keys == nil:
		return nil, ErrNoKey
	case name == "":
		return o.newKey(dir)
	}
	key, err := o.Keys.Key(name)
	if err != nil {
		return nil, fmt.Errorf("the key of the projections: %w", err)
	}
	return key[:], nil
}

// KeyName is the name of the key of a folder, "" if there is none.
func KeyName(dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, keyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the name of the projections' key: %w", err)
	}
	name, rest, ok := strings.Cut(string(text), "\n")
	if !ok || rest != "" || !strings.HasPrefix(name, KeyPrefix) {
		return "", errors.New("the name of the projections' key is damaged")
	}
	return name, nil
}

// DropKeys drops the keys of all stores but those in some folders, each of which may
// be missing. What copies and free blocks have of the others cannot be read any more.
func DropKeys(keys Keys, but ...string) error {
	if keys == nil {
		return nil
	}
	used := map[string]bool{}
	for _, dir := range but {
		name, err := KeyName(dir)
		if err != nil {
			return err
		}
		used[name] = true
	}
	unused := slices.DeleteFunc(keys.Names(), func(name string) bool {
		return used[name] || !strings.HasPrefix(name, KeyPrefix)
	})
	if err := keys.Drop(unused...); err != nil {
		return fmt.Errorf("drop the keys of projections that are there no more: %w", err)
	}
	return nil
}

// newKey makes a key for a folder that has nothing in it yet.
func (o Options) newKey(dir string) ([]byte, error) {
	there, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, entry := range there {
		if entry.Name() != keyFile+newSuffix {
			return nil, errPlain
		}
	}
	var id [16]byte
	rand.Read(id[:]) // it does not fail
	name := KeyPrefix + hex.EncodeToString(id[:])
	key, err := o.Keys.New(name)
	if err != nil {
		return nil, fmt.Errorf("make a key for the projections: %w", err)
	}
	if err := writeKeyName(dir, name); err != nil {
		return nil, fmt.Errorf("write the name of the projections' key: %w", err)
	}
	return key[:], nil
}

const newSuffix = ".new"

func writeKeyName(dir, name string) error {
	target := filepath.Join(dir, keyFile)
	f, err := os.OpenFile(target+newSuffix, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(name + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), target); err != nil {
		return err
	}
	return syncFolder(dir)
}
