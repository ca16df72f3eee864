package keyring

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
)

// Wrapper is the operator's key, wherever it is. Safe for concurrent use.
//
// Errors: ErrWrongKey for bytes that another key has wrapped, ErrDenied and
// ErrUnreachable of a key service, or the context's.
type Wrapper interface {
	// Name tells keys apart, and gives nothing of the key away. It is stored.
	Name() string
	// Wrap encrypts a key. What it gives has to open for as long as the key exists.
	Wrap(ctx context.Context, plain []byte) ([]byte, error)
	// Unwrap gives back what Wrap was given.
	Unwrap(ctx context.Context, wrapped []byte) ([]byte, error)
}

// Local is an operator's key that this process holds itself.
type Local struct {
	key  [KeySize]byte
	name string
}

var _ Wrapper = (*Local)(nil)

// NewLocal takes a key. It has to be random, not a password: its name is a hash of it.
func NewLocal(key [KeySize]byte) *Local {
	hash := sha256.New()
	hash.Write([]byte("keyring 1 fingerprint "))
	hash.Write(key[:])
	return &Local{key: key, name: "aes256-" + hex.EncodeToString(hash.Sum(nil)[:8])}
}

const operatorPurpose = "operator"

// Name is a fingerprint of the key.
func (l *Local) Name() string { return l.name }

// Wrap encrypts.
func (l *Local) Wrap(_ context.Context, plain []byte) ([]byte, error) {
	return Seal(l.key, operatorPurpose, plain, rand.Reader)
}

// Unwrap decrypts.
func (l *Local) Unwrap(_ context.Context, wrapped []byte) ([]byte, error) {
	plain, err := Unseal(l.key, operatorPurpose, wrapped)
	if err != nil {
		return nil, ErrWrongKey
	}
	return plain, nil
}
