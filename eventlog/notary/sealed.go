package notary

import (
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"fhirlog/eventlog"
	"fhirlog/eventlog/keyring"
)

const (
	// sealedPrefix begins a file with a private key that is sealed.
	sealedPrefix = "sealed-key-1 "
	// sealingKey is the name, in the keyring, of what seals it.
	sealingKey = "proof-key"
	// sealedFor is what keyring.Seal is told.
	sealedFor = "checkpoints"
)

// PrivateKey reads the private key in the folder, sealed or not. If there is none, it
// fails with fs.ErrNotExist.
func PrivateKey(o Options) (string, error) {
	o = o.withDefaults()
	return readPrivate(&o)
}

// readPrivate reads the private key in the folder. One that is there as it is gets sealed
// if there are keys.
func readPrivate(o *Options) (string, error) {
	text, err := readSmall(o.FS, filepath.Join(o.Dir, KeyFile))
	if err != nil {
		return "", err
	}
	private, err := OpenPrivate(text, o.Keys)
	if err != nil {
		return "", fmt.Errorf("%s: %w", filepath.Join(o.Dir, KeyFile), err)
	}
	if private != text || o.Keys == nil {
		return private, nil
	}
	if _, err := newKey(text); err != nil { // it is not sealed over what it is not
		return "", err
	}
	return text, writePrivate(o, text)
}

// OpenPrivate opens a private key as it stands in a file: sealed, or as it is, which is
// given back.
func OpenPrivate(text string, keys eventlog.Keys) (string, error) {
	sealed, isSealed := strings.CutPrefix(text, sealedPrefix)
	if !isSealed {
		return text, nil
	}
	if keys == nil {
		return "", fmt.Errorf("the private key of the checkpoints is sealed: %w", eventlog.ErrEncrypted)
	}
	key, err := keys.Key(sealingKey)
	if err != nil {
		return "", fmt.Errorf("open the private key of the checkpoints: %w", err)
	}
	content, err := base64.StdEncoding.DecodeString(strings.TrimSpace(sealed))
	if err == nil {
		content, err = keyring.Unseal(key, sealedFor, content)
	}
	if err != nil {
		return "", fmt.Errorf("it is damaged, or was sealed with another keyring: restore it, or give the key with --log-key (%w)", err)
	}
	return string(content), nil
}

// writePrivate writes the private key to the folder, sealed if there are keys.
func writePrivate(o *Options, private string) error {
	content := strings.TrimSpace(private) + "\n"
	if o.Keys != nil {
		key, err := o.Keys.Key(sealingKey)
		if errors.Is(err, keyring.ErrNoKey) {
			key, err = o.Keys.New(sealingKey)
		}
		if err != nil {
			return fmt.Errorf("seal the private key of the checkpoints: %w", err)
		}
		sealed, err := keyring.Seal(key, sealedFor, []byte(content), o.Random)
		if err != nil {
			return fmt.Errorf("seal the private key of the checkpoints: %w", err)
		}
		content = sealedPrefix + base64.StdEncoding.EncodeToString(sealed) + "\n"
	}
	return writeSmall(o.FS, filepath.Join(o.Dir, KeyFile), content)
}
