package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rs/zerolog"

	"fhirlog/cmd/fhirlog/internal/keysource"
	"fhirlog/eventlog"
	"fhirlog/eventlog/keyring"
	"fhirlog/projections/store"
	"fhirlog/replay/backup"
)

// encryptionFlags say where the operator's key is, under which a data folder is
// encrypted. Every command that opens one has them.
type encryptionFlags struct {
	EncryptionKey []string `name:"encryption-key" placeholder:"SOURCE" env:"FHIRLOG_ENCRYPTION_KEY" help:"Where the key is under which the data folder is encrypted: file:PATH, env:NAME, hcvault://HOST/transit/keys/NAME or aws-kms://ARN. A former key, which a folder may still be under, follows: in the same file on the next line, or as another source. See fhirlog key --help."`
}

// keyUse is what a command does with a keyring.
type keyUse int

const (
	toRead  keyUse = iota // nothing in the folder changes, not even the keyring
	toWrite               // what an encrypted folder needs
	toBegin               // the same; a folder that is not encrypted is from now on
)

func (f *folder) keyring() string { return filepath.Join(f.path, keyring.File) }

// unlock opens the keyring of a folder, if it has one, or is to get one: what is there
// says whether a folder is encrypted. Without the right key it fails.
func (f *folder) unlock(ctx context.Context, c encryptionFlags, use keyUse) error {
	operator, err := c.operator(f)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(f.keyring())
	switch {
	case errors.Is(err, fs.ErrNotExist) && (operator == nil || use != toBegin):
		return nil // not encrypted
	case errors.Is(err, fs.ErrNotExist):
		return f.encrypt(ctx, operator)
	case err != nil:
		return err
	case operator == nil:
		return f.needsKey(text)
	}
	if use == toRead {
		f.keys, err = keyring.Detached(ctx, text, operator)
	} else {
		f.keys, err = keyring.Open(ctx, keyring.Options{Path: f.keyring(), Operator: operator})
	}
	f.operator = operator
	return f.explainKey(err)
}

// operator finds the operator's key; nil if none is given.
func (c encryptionFlags) operator(f *folder) (*keysource.Operator, error) {
	if len(c.EncryptionKey) == 0 {
		return nil, nil
	}
	source, err := keysource.Parse(c.EncryptionKey)
	if err != nil {
		return nil, fmt.Errorf("--encryption-key: %w", err)
	}
	for _, path := range source.Files() {
		if err := apartFromKey(f.path, path); err != nil {
			return nil, err
		}
	}
	operator, err := source.Load()
	if err != nil {
		return nil, fmt.Errorf("--encryption-key: %w", err)
	}
	return operator, nil
}

// openKeys opens keyrings as they are in a backup, or in a folder that is served.
func (c encryptionFlags) openKeys(ctx context.Context, f *folder) backup.OpenKeys {
	return func(text []byte) (eventlog.Keys, error) {
		operator, err := c.operator(f)
		if err != nil {
			return nil, err
		}
		if operator == nil {
			return nil, f.needsKey(text)
		}
		keys, err := keyring.Detached(ctx, text, operator)
		if err != nil {
			return nil, f.explainKey(err)
		}
		return keys, nil
	}
}

// apartFromKey refuses a key that lies where what it protects does.
func apartFromKey(data, key string) error {
	folder, err := resolved(data)
	if err != nil {
		return err
	}
	file, err := resolved(key)
	if err != nil {
		return err
	}
	if strings.HasPrefix(file, folder+string(filepath.Separator)) {
		return fmt.Errorf("--encryption-key: %s lies in the data folder %s: whoever takes the folder would have the key. Keep it elsewhere", key, data)
	}
	return nil
}

// encrypt makes the keyring of a folder that has none. Another process that has the
// folder would not know it.
func (f *folder) encrypt(ctx context.Context, operator *keysource.Operator) error {
	disk := eventlog.Disk()
	if err := os.MkdirAll(f.log(), 0o700); err != nil {
		return err
	}
	lock, err := disk.Lock(filepath.Join(f.log(), "lock"))
	if err != nil {
		return explainLocked(err, f)
	}
	f.keys, err = keyring.Create(ctx, keyring.Options{Path: f.keyring(), Operator: operator})
	f.operator, f.encrypts = operator, err == nil
	return errors.Join(f.explainKey(err), lock.Close())
}

// needsKey says which key is missing.
func (f *folder) needsKey(text []byte) error {
	name, err := keyring.OperatorOf(text)
	if err != nil {
		return f.explainKey(err)
	}
	return fmt.Errorf("%s is encrypted under the key %s: say where that is with --encryption-key, or $FHIRLOG_ENCRYPTION_KEY, such as file:PATH. `fhirlog key show FILE` tells which keys a file has", f.path, name)
}

// explainKey says what to do about a keyring that does not open.
func (f *folder) explainKey(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, keyring.ErrWrongKey):
		return fmt.Errorf("%w\nGive the key that %s is encrypted under; if it is a former one, put it behind the one that is to be used from now on (`fhirlog key --help`)", err, f.path)
	case errors.Is(err, keyring.ErrDenied):
		return fmt.Errorf("%w\nWithout the key nothing in %s can be read. Have it enabled for this program again", err, f.path)
	case errors.Is(err, keyring.ErrUnreachable):
		return fmt.Errorf("%w\nA start needs the key: try again when the place where it is can be reached", err)
	case errors.Is(err, keyring.ErrDamaged):
		return fmt.Errorf("%w\nBring %s back from a backup: without it nothing in the folder can be read", err, f.keyring())
	}
	return err
}

// explainNoKey says what to do about a file whose key the keyring does not have.
func (f *folder) explainNoKey(err error) error {
	if !errors.Is(err, keyring.ErrNoKey) && !errors.Is(err, eventlog.ErrEncrypted) {
		return err
	}
	if f.encrypts { // then it was not: the keyring that belongs here is missing
		err = errors.Join(err, os.Remove(f.keyring()))
	}
	return fmt.Errorf("%w\nThe keyring that %s was encrypted with is missing, or an earlier copy of it is there: bring the newest %s back from a backup", err, f.path, f.keyring())
}

// partlyEncrypted says that a folder is to be encrypted and a part of its log is not yet.
func (f *folder) partlyEncrypted(log *eventlog.Log) bool {
	s := log.Stats()
	return f.keys != nil && s.Encrypted < s.Segments
}

// projectionsInPlain says that projections are to be encrypted, and are there and are not.
func (f *folder) projectionsInPlain() (bool, error) {
	if _, err := os.Stat(f.projections()); f.keys == nil || errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	name, err := store.KeyName(f.projections())
	return name == "", err
}

// reportEncryption logs how far the folder is encrypted.
func (n *node) reportEncryption(log zerolog.Logger) {
	if n.folder.keys == nil {
		return
	}
	s := n.log.Stats()
	told := log.Info().Str("key", n.folder.keys.Operator()).Int("segments", s.Segments).Int("encrypted", s.Encrypted)
	switch {
	case !n.folder.partlyEncrypted(n.log):
		told.Msg("everything is encrypted")
	case n.folder.encrypts:
		told.Msg("the data folder is encrypted from now on: what is written, at once; the projections are computed anew; the rest of the log with the next compaction, POST $compact or fhirlog compact")
	default:
		told.Msg("a part of the log is not encrypted yet: the next compaction does it, POST $compact or fhirlog compact")
	}
}

// indexKeys are the keys of an index that is kept outside of the data folder, whose own
// keyring is not to be changed; nil if the folder is not encrypted. They are under the
// same operator's key, beside the index. If that has become another one, the index is
// made anew, under new keys.
func (f *folder) indexKeys(ctx context.Context, index string) (store.Keys, error) {
	if f.keys == nil {
		return nil, nil
	}
	o := keyring.Options{Path: filepath.Clean(index) + "." + keyring.File, Operator: f.operator}
	if err := os.MkdirAll(filepath.Dir(o.Path), 0o700); err != nil {
		return nil, err
	}
	keys, err := keyring.Open(ctx, o)
	if errors.Is(err, keyring.ErrWrongKey) {
		err = errors.Join(os.Remove(o.Path), fs.ErrNotExist)
	}
	if errors.Is(err, fs.ErrNotExist) {
		keys, err = keyring.Create(ctx, o)
	}
	if err != nil {
		return nil, fmt.Errorf("--index: %w", err)
	}
	return keys, store.DropKeys(keys, index)
}
