package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"fhirlog/cmd/fhirlog/internal/keysource"
	"fhirlog/eventlog"
	"fhirlog/eventlog/keyring"
)

// keyCommand is `fhirlog key`.
type keyCommand struct {
	New    keyNewCommand    `cmd:"" help:"Make a key, in a new file."`
	Show   keyShowCommand   `cmd:"" help:"Tell which keys are in a file, or which one a data folder is encrypted under."`
	Rotate keyRotateCommand `cmd:"" help:"Make another key, and put it in front of the one that is in a file."`
	Retire keyRetireCommand `cmd:"" help:"Take the former keys out of a file, once no data folder is under them."`
}

// Help says what the key is for.
func (*keyCommand) Help() string {
	return `A data folder is encrypted when it is served with a key: the log, the projections, everything that holds content. The key is a file, a variable of the environment, or in a key service:

    fhirlog key new /etc/fhirlog/key
    fhirlog serve --encryption-key file:/etc/fhirlog/key
    fhirlog serve --encryption-key hcvault://vault.example.org:8200/transit/keys/fhirlog     Vault or OpenBao, with VAULT_TOKEN
    fhirlog serve --encryption-key aws-kms://arn:aws:kms:eu-central-1:111122223333:key/…     AWS KMS

Keep a copy of it apart from the backups: without it neither the folder nor a backup can be read, by anybody. From then on every command that opens the folder needs the flag, or FHIRLOG_ENCRYPTION_KEY.

To rotate the key while the server runs:

    fhirlog key rotate /etc/fhirlog/key       another key, in front of the former one
    fhirlog key show --data ./data            within a minute: the folder is under it
    fhirlog key retire /etc/fhirlog/key --data ./data

With a variable, or from one source to another: start the server with both, the new one first ($FHIRLOG_ENCRYPTION_KEY=NEW,FORMER), and again with the new one alone. A key service rotates its keys itself; nothing is to be done here.`
}

// keyNewCommand is `fhirlog key new`.
type keyNewCommand struct {
	File string `arg:"" help:"File to make; its folder has to be there."`
}

// Run makes a key.
func (c *keyNewCommand) Run() error {
	text := newKeyLine()
	f, err := os.OpenFile(c.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already, and what is encrypted under it would be lost: choose another name, or put another key in front of it with `fhirlog key rotate`", c.File)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close(), eventlog.Disk().SyncDir(filepath.Dir(c.File))); err != nil {
		return err
	}
	return printKeys(text)
}

// newKeyLine is a random key as a line of text.
func newKeyLine() []byte {
	var key [keyring.KeySize]byte
	rand.Read(key[:]) // it does not fail
	return append(hex.AppendEncode(nil, key[:]), '\n')
}

// printKeys tells the fingerprints of keys.
func printKeys(text []byte) error {
	keys, err := keysource.ParseKeys(text)
	if err != nil {
		return err
	}
	for i, key := range keys {
		kind := "key"
		if i > 0 {
			kind = "former"
		}
		fmt.Printf("%-8s %s\n", kind, key.Name())
	}
	return nil
}

// keyShowCommand is `fhirlog key show`.
type keyShowCommand struct {
	File string `arg:"" optional:"" help:"File of keys."`
	Data string `placeholder:"DIR" help:"Data folder; a server may be running on it."`
}

// Run shows fingerprints.
func (c *keyShowCommand) Run() error {
	if c.File == "" && c.Data == "" {
		return errors.New("say which: a file, --data DIR, or both")
	}
	if c.File != "" {
		text, err := os.ReadFile(c.File)
		if err == nil {
			err = printKeys(text)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.File, err)
		}
	}
	if c.Data == "" {
		return nil
	}
	name, err := operatorOf(c.Data)
	if err != nil {
		return err
	}
	fmt.Printf("%-8s %s\n", "folder", name)
	return nil
}

// operatorOf tells which key a data folder is under.
func operatorOf(data string) (string, error) {
	f, err := openFolder(data, "")
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(f.keyring())
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s is not encrypted", data)
	}
	if err != nil {
		return "", err
	}
	name, err := keyring.OperatorOf(text)
	return name, f.explainKey(err)
}

// keyRotateCommand is `fhirlog key rotate`.
type keyRotateCommand struct {
	File string `arg:"" help:"File of keys."`
}

// Run puts another key in front.
func (c *keyRotateCommand) Run() error {
	former, err := keysOf(c.File)
	if err != nil {
		return err
	}
	text := append(newKeyLine(), former...)
	if _, err := keysource.ParseKeys(text); err != nil {
		return fmt.Errorf("%s: %w: take former ones out first, with `fhirlog key retire`", c.File, err)
	}
	if err := replaceFile(c.File, text); err != nil {
		return err
	}
	if err := printKeys(text); err != nil {
		return err
	}
	fmt.Println("A server that runs with this file puts its data folder under the new key within a minute, one that does not when it starts. Then: fhirlog key retire")
	return nil
}

// keysOf reads a file of keys as lines; one that is a key as it is becomes one.
func keysOf(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if _, err := keysource.ParseKeys(text); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(text) == keyring.KeySize {
		return append(hex.AppendEncode(nil, text), '\n'), nil
	}
	return text, nil
}

// keyRetireCommand is `fhirlog key retire`.
type keyRetireCommand struct {
	File string   `arg:"" help:"File of keys."`
	Data []string `required:"" placeholder:"DIR" help:"Data folder that is encrypted with this file; may be repeated. A server may be running on it."`
}

// Run takes former keys out, unless a folder is under one of them.
func (c *keyRetireCommand) Run(context.Context) error {
	text, err := keysOf(c.File)
	if err != nil {
		return err
	}
	keys, err := keysource.ParseKeys(text)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	for _, data := range c.Data {
		name, err := operatorOf(data)
		if err != nil {
			return err
		}
		if name != keys[0].Name() {
			return fmt.Errorf("%s is under the key %s, and not under %s, the first one in %s: nothing was changed. A server that runs with this file puts it under that within a minute, and says so in its log", data, name, keys[0].Name(), c.File)
		}
	}
	first, _, _ := bytes.Cut(bytes.TrimLeft(text, "\r\n\t "), []byte("\n"))
	if err := replaceFile(c.File, append(bytes.TrimSpace(first), '\n')); err != nil {
		return err
	}
	for _, former := range keys[1:] {
		fmt.Printf("%-8s %s\n", "retired", former.Name())
	}
	fmt.Printf("%-8s %s\n", "key", keys[0].Name())
	if len(keys) > 1 {
		fmt.Println("Backups and copies from before the rotation are still under the former key: make a backup before you destroy that.")
	}
	return nil
}

// replaceFile puts a text in the place of a file of keys, whole or not at all. The
// server may run as another user than whoever rotates, and has to read it all the same.
func replaceFile(path string, text []byte) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	var former unix.Stat_t
	if err := unix.Stat(path, &former); err != nil {
		return &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	temporary := path + ".new"
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Chown(int(former.Uid), int(former.Gid)), f.Chmod(fs.FileMode(former.Mode).Perm()))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	if err := os.Rename(temporary, path); err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return eventlog.Disk().SyncDir(filepath.Dir(path))
}
