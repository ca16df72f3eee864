package keysource

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"fhirlog/eventlog/keyring"
)

// mostKeys is how many keys a source may hold: one, and former ones.
const mostKeys = 8

// errNoKeys: a text holds no key.
var errNoKeys = errors.New("there is no key in it")

// ParseKeys reads keys from the content of a file or variable. Its errors say which
// line is at fault, and nothing of it.
func ParseKeys(content []byte) ([]*keyring.Local, error) {
	if len(content) == keyring.KeySize && !isText(content) {
		key, err := checked(content)
		if err != nil {
			return nil, err
		}
		return []*keyring.Local{key}, nil
	}
	var keys []*keyring.Local
	number := 0
	for line := range strings.Lines(string(content)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if len(keys) == mostKeys {
			return nil, fmt.Errorf("there are more than %d keys in it", mostKeys)
		}
		key, err := parseKey(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		for _, other := range keys {
			if other.Name() == key.Name() {
				return nil, fmt.Errorf("line %d: this key is there twice", number)
			}
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errNoKeys
	}
	return keys, nil
}

// parseKey reads one key as text.
func parseKey(text string) (*keyring.Local, error) {
	decode := map[int]func(string) ([]byte, error){
		hex.EncodedLen(keyring.KeySize):                   hex.DecodeString,
		base64.StdEncoding.EncodedLen(keyring.KeySize):    base64.StdEncoding.Strict().DecodeString,
		base64.RawStdEncoding.EncodedLen(keyring.KeySize): base64.RawStdEncoding.Strict().DecodeString,
	}[len(text)]
	if decode == nil {
		return nil, fmt.Errorf("%d characters are no key: it has 64 in hexadecimal, and 44 or 43 in base64; `fhirlog key new FILE` makes one", len(text))
	}
	raw, err := decode(strings.NewReplacer("-", "+", "_", "/").Replace(text))
	if err != nil {
		return nil, errors.New("it is neither hexadecimal nor base64")
	}
	return checked(raw)
}

// checked refuses what cannot be random.
func checked(raw []byte) (*keyring.Local, error) {
	if bytes.Count(raw, raw[:1]) == len(raw) {
		return nil, errors.New("a key of one byte repeated is none: it has to be random")
	}
	return keyring.NewLocal([keyring.KeySize]byte(raw)), nil
}

// isText says that bytes are printable, as random ones are not.
func isText(content []byte) bool {
	for _, c := range content {
		if (c < ' ' || c > '~') && c != '\n' && c != '\r' && c != '\t' {
			return false
		}
	}
	return true
}
