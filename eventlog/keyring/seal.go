package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
)

// KeySize is the size of every key, in bytes.
const KeySize = 32

// Overhead is what sealing adds to a text.
const Overhead = nonceSize + tagSize

const (
	nonceSize = 12
	tagSize   = 16
)

// errSeal says that a sealed text is not what was sealed, or under another key.
var errSeal = errors.New("it does not open: another key, or changed bytes")

// Seal encrypts a text with AES-256-GCM under a random nonce, which comes first.
// purpose tells apart what is sealed under one key.
func Seal(key [KeySize]byte, purpose string, plain []byte, random io.Reader) ([]byte, error) {
	sealed := make([]byte, nonceSize, len(plain)+Overhead)
	if _, err := io.ReadFull(random, sealed); err != nil {
		return nil, fmt.Errorf("make a nonce: %w", err)
	}
	return newGCM(key).Seal(sealed, sealed, plain, additional(purpose)), nil
}

// Unseal gives back what Seal was given.
func Unseal(key [KeySize]byte, purpose string, sealed []byte) ([]byte, error) {
	if len(sealed) < Overhead {
		return nil, errSeal
	}
	plain, err := newGCM(key).Open(nil, sealed[:nonceSize], sealed[nonceSize:], additional(purpose))
	if err != nil {
		return nil, errSeal
	}
	return plain, nil
}

func additional(purpose string) []byte { return []byte("keyring 1 " + purpose) }

func newGCM(key [KeySize]byte) cipher.AEAD {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // a key of this size is always one
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has blocks of 16 bytes
	}
	return gcm
}

// newKey makes a random key.
func newKey(random io.Reader) (key [KeySize]byte, err error) {
	if _, err := io.ReadFull(random, key[:]); err != nil {
		return key, fmt.Errorf("make a key: %w", err)
	}
	return key, nil
}
