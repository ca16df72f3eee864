package keysource

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"fhirlog/eventlog/keyring"
)

// file is a file with keys.
type file string

func parseFile(path string) (place, error) {
	if path == "" {
		return nil, errors.New("the path is missing")
	}
	return file(path), nil
}

func (f file) String() string { return "file:" + string(f) }

// mostFileBytes is more than a file of keys has.
const mostFileBytes = 16 << 10

func (f file) keys() ([]keyring.Wrapper, error) {
	content, err := f.read()
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%w: the file is gone, or may not be read: %w", keyring.ErrDenied, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", keyring.ErrUnreachable, err)
	}
	return wrappers(content)
}

func (f file) read() ([]byte, error) {
	opened, err := os.Open(string(f))
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	return io.ReadAll(io.LimitReader(opened, mostFileBytes))
}

// variable is a variable of the environment with keys.
type variable string

func parseVariable(name string) (place, error) {
	if name == "" {
		return nil, errors.New("the name of the variable is missing")
	}
	return variable(name), nil
}

func (v variable) String() string { return "env:" + string(v) }

func (v variable) keys() ([]keyring.Wrapper, error) {
	content, ok := os.LookupEnv(string(v))
	if !ok {
		return nil, fmt.Errorf("%w: the variable is not set", keyring.ErrDenied)
	}
	return wrappers([]byte(content))
}

// wrappers reads keys. Where there are none any more, somebody has taken them away.
func wrappers(content []byte) ([]keyring.Wrapper, error) {
	keys, err := ParseKeys(content)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", keyring.ErrDenied, err)
	}
	all := make([]keyring.Wrapper, len(keys))
	for i, key := range keys {
		all[i] = key
	}
	return all, nil
}
