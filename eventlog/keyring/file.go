package keyring

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// schema is the version of the file that is written.
const schema = 1

// mostFileBytes bounds a file: half a million keys.
const mostFileBytes = 64 << 20

// maxNameBytes bounds the name of a key.
const maxNameBytes = 128

// stored is the file as it is written.
type stored struct {
	Schema   int               `json:"schema"`
	Operator string            `json:"operator"`
	Folder   []byte            `json:"folder"`
	Keys     map[string][]byte `json:"keys"`
}

// parse reads a file, without opening anything in it.
func parse(text []byte) (*stored, error) {
	damaged := func(format string, args ...any) error {
		return fmt.Errorf("%w: %w", ErrDamaged, fmt.Errorf(format, args...))
	}
	var version struct{ Schema int }
	if err := json.Unmarshal(text, &version); err != nil {
		return nil, damaged("%d bytes that are not its JSON: %w", len(text), err)
	}
	if version.Schema != schema {
		return nil, fmt.Errorf("the keyring has schema %d; this program reads %d", version.Schema, schema)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var s stored
	if err := decoder.Decode(&s); err != nil {
		return nil, damaged("%w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, damaged("something follows its JSON")
	}
	if s.Operator == "" || len(s.Folder) == 0 {
		return nil, damaged("it does not say what its own key is wrapped by")
	}
	if s.Keys == nil {
		return nil, damaged("it has no list of keys")
	}
	for name, sealed := range s.Keys {
		if checkName(name) != nil || len(sealed) != KeySize+Overhead {
			return nil, damaged("the key %.40q of %d bytes", name, len(sealed))
		}
	}
	return &s, nil
}

// encode is the inverse of parse. Equal keyrings give equal bytes.
func (s *stored) encode() ([]byte, error) {
	text, err := json.MarshalIndent(s, "", "  ")
	if err == nil && len(text) >= mostFileBytes {
		err = fmt.Errorf("a keyring of %d keys is larger than the %d bytes that can be read", len(s.Keys), mostFileBytes)
	}
	return append(text, '\n'), err
}

// checkName refuses names that are not plain: they stand in messages and logs.
func checkName(name string) error {
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_'
	}
	if name == "" || len(name) > maxNameBytes || slices.ContainsFunc([]rune(name), func(c rune) bool { return !plain(c) }) {
		return fmt.Errorf("%.40q is not the name of a key: up to %d of a-z, 0-9, '-', '.' and '_'", name, maxNameBytes)
	}
	return nil
}

// Names tells which keys a file has, in order. The operator's key is not needed.
func Names(text []byte) ([]string, error) {
	s, err := parse(text)
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(s.Keys)), nil
}

// OperatorOf tells the name of the operator's key that a file is under. That key is not
// needed.
func OperatorOf(text []byte) (string, error) {
	s, err := parse(text)
	if err != nil {
		return "", err
	}
	return s.Operator, nil
}
