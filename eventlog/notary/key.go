package notary

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"fhirlog/eventlog"
)

// Names of the files of the key.
const (
	KeyFile       = "key"
	PublicKeyFile = "key.pub"
)

// mostKeyBytes bounds a file with a key.
const mostKeyBytes = 64 << 10

// key signs checkpoints.
type key struct {
	signer note.Signer
	public string // as note.NewVerifier reads it
	known  note.Verifiers
	made   bool // just now
}

func newKey(private string) (*key, error) {
	private = strings.TrimSpace(private)
	signer, err := note.NewSigner(private)
	if err != nil {
		return nil, errors.New("not a private key of a log: it is one line, PRIVATE+KEY+<name>+<hash>+<data>")
	}
	public, err := publicKey(private)
	if err != nil {
		return nil, err
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		return nil, err
	}
	return &key{signer: signer, public: public, known: note.VerifierList(verifier)}, nil
}

// publicKeyOnly is a key that signs nothing.
func publicKeyOnly(public string) (*key, error) {
	public = strings.TrimSpace(public)
	if public == "" {
		return nil, errors.New("there is no public key: nothing was ever signed here")
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		return nil, fmt.Errorf("%s is not a public key: %w", PublicKeyFile, err)
	}
	return &key{public: public, known: note.VerifierList(verifier)}, nil
}

// publicKey computes the public key to a private one that note.NewSigner has read.
func publicKey(private string) (string, error) {
	fields := strings.SplitN(private, "+", 5) // PRIVATE+KEY+name+hash+data
	data, err := base64.StdEncoding.DecodeString(fields[len(fields)-1])
	if err != nil || len(fields) != 5 || len(data) != 1+ed25519.SeedSize {
		return "", errors.New("the private key is not of Ed25519")
	}
	public := ed25519.NewKeyFromSeed(data[1:]).Public().(ed25519.PublicKey)
	return note.NewEd25519VerifierKey(fields[2], public)
}

// openKey takes the key that is given, or that of the folder, or makes one. fresh
// says that there was no history of checkpoints; recorded that it has some.
func openKey(o *Options, fresh, recorded bool) (*key, error) {
	before, errPublic := readSmall(o.FS, filepath.Join(o.Dir, PublicKeyFile))
	if errPublic != nil && !errors.Is(errPublic, fs.ErrNotExist) {
		return nil, errPublic
	}
	if fresh && errPublic == nil {
		return nil, fmt.Errorf("%s is missing, although checkpoints were signed here: restore it from a copy, or, to begin a new history, move the whole folder away (whoever kept a checkpoint will ask why)", filepath.Join(o.Dir, HistoryFile))
	}
	if o.Unsigned {
		return publicKeyOnly(before)
	}
	private, err := o.Key, error(nil)
	if private == "" {
		private, err = readPrivate(o)
	}
	made := false
	if errors.Is(err, fs.ErrNotExist) {
		if recorded {
			return nil, fmt.Errorf("%s is missing, although checkpoints were signed with it: restore it, or give the key with --log-key", filepath.Join(o.Dir, KeyFile))
		}
		made = true
		private, err = makeKey(o)
	}
	if err != nil {
		return nil, err
	}
	k, err := newKey(private)
	if err != nil {
		return nil, err
	}
	k.made = made
	if recorded && errPublic == nil && strings.TrimSpace(before) != k.public {
		return nil, fmt.Errorf("the checkpoints so far are signed with another key, %s: give that one; to begin a new history with another key, move %s away and keep it", strings.TrimSpace(before), o.Dir)
	}
	if o.Origin != "" && o.Origin != k.signer.Name() {
		return nil, fmt.Errorf("the key is that of %q, and the origin asked for is %q: leave the origin out, or give a key of that name", k.signer.Name(), o.Origin)
	}
	if strings.TrimSpace(before) != k.public {
		err = writeSmall(o.FS, filepath.Join(o.Dir, PublicKeyFile), k.public+"\n")
	}
	return k, err
}

// makeKey makes a key and puts it into the folder.
func makeKey(o *Options) (string, error) {
	name := o.Origin
	if name == "" {
		name = o.DefaultOrigin
	}
	private, _, err := note.GenerateKey(o.Random, name)
	if err != nil {
		return "", fmt.Errorf("make a key: %w", err)
	}
	if _, err := newKey(private); err != nil {
		return "", fmt.Errorf("the origin %q is not fit to be the name of a key: it has no spaces and no plus signs", name)
	}
	return private, writePrivate(o, private)
}

func readSmall(disk eventlog.FileSystem, path string) (string, error) {
	file, err := disk.OpenRead(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	size, err := file.Size()
	if err != nil {
		return "", err
	}
	if size > mostKeyBytes {
		return "", fmt.Errorf("%s has %d bytes: that is no key", path, size)
	}
	text := make([]byte, size)
	if n, err := file.ReadAt(text, 0); n < len(text) {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	return string(text), nil
}

// writeSmall writes a file so that it is there entirely or not at all. Only its
// owner may read it.
func writeSmall(disk eventlog.FileSystem, path, content string) error {
	temporary := path + ".new"
	if err := disk.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := disk.Create(temporary)
	if err != nil {
		return err
	}
	_, err = file.WriteAt([]byte(content), 0)
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
