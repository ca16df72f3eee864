package backup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"fhirlog/eventlog"
	"fhirlog/eventlog/keyring"
	"fhirlog/eventlog/merkle"
	"fhirlog/eventlog/notary"
)

// descriptionFile says what a data folder is.
const descriptionFile = "fhirlog.json"

// The files besides segments, by their paths in the data folder.
const (
	historyFile   = "proof/" + notary.HistoryFile
	cosignedFile  = "proof/" + notary.CosignedFile
	publicKeyFile = "proof/" + notary.PublicKeyFile
	keyFile       = "proof/" + notary.KeyFile
	keyringFile   = keyring.File
	// Of a fork, what proves where it comes from:
	ancestorKeyFile    = AncestorFolder + "/" + notary.PublicKeyFile
	ancestorPrefixFile = AncestorFolder + "/" + PrefixFile
)

func isCopied(path string) bool {
	switch path {
	case descriptionFile, historyFile, cosignedFile, publicKeyFile, keyFile, keyringFile, ancestorKeyFile, ancestorPrefixFile:
		return true
	}
	return false
}

// ErrNoBackup says that there is none at a target.
var ErrNoBackup = errors.New("there is no backup")

// Stored is the newest backup at a target.
type Stored struct {
	Manifest
	// Damaged are objects that are damaged, and of which there is another.
	Damaged []string

	target Target
}

// Open finds the newest backup. It gives ErrNoBackup where there is none.
func Open(ctx context.Context, t Target) (*Stored, error) {
	names, err := manifests(ctx, t)
	if err != nil {
		return nil, err
	}
	s := &Stored{target: t}
	var faults []error
	for _, n := range names {
		text, err := read(ctx, t, n.name, n.hash, mostManifest)
		var m *Manifest
		if err == nil {
			m, err = parseManifest(text)
		}
		if err == nil {
			s.Manifest = *m
			return s, nil
		}
		if _, damaged := errors.AsType[*DamagedError](err); !damaged {
			return nil, fmt.Errorf("%s: %w", n.name, err)
		}
		s.Damaged = append(s.Damaged, n.name)
		faults = append(faults, err)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return nil, ErrNoBackup
}

// manifestName is the name of a manifest, read.
type manifestName struct {
	name string
	run  uint64
	hash string
}

// manifests lists them, the newest first.
func manifests(ctx context.Context, t Target) ([]manifestName, error) {
	names, err := t.List(ctx, manifestPrefix)
	if err != nil {
		return nil, fmt.Errorf("list the manifests: %w", err)
	}
	var found []manifestName
	for _, name := range names {
		parts := strings.Split(strings.TrimSuffix(strings.TrimPrefix(name, manifestPrefix), ".json"), "-")
		if len(parts) != 3 {
			continue
		}
		run, err := strconv.ParseUint(parts[0], 10, 63)
		if err == nil {
			found = append(found, manifestName{name, run, parts[1]})
		}
	}
	slices.SortFunc(found, func(a, b manifestName) int {
		if a.run != b.run {
			if a.run > b.run {
				return -1
			}
			return 1
		}
		return strings.Compare(a.name, b.name)
	})
	return found, nil
}

// small reads a file whole; nil if there is none.
func (s *Stored) small(ctx context.Context, path string) ([]byte, error) {
	f := s.file(path)
	if f == nil {
		return nil, nil
	}
	var content []byte
	for i, hash := range f.Chunks {
		chunk, err := read(ctx, s.target, chunkPrefix+hash, hash, f.chunkBytes(i))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		content = append(content, chunk...)
	}
	return content, nil
}

// signed are the checkpoints of a backup, and the key that they are signed with.
type signed struct {
	key   string
	texts [][]byte
	all   []merkle.Checkpoint
}

// signed opens all checkpoints; key, if not empty, is the one that they must be signed
// with.
func (s *Stored) signed(ctx context.Context, key string) (*signed, error) {
	public, err := s.small(ctx, publicKeyFile)
	if err != nil {
		return nil, err
	}
	own := strings.TrimSpace(string(public))
	if key != "" && own != key {
		return nil, fmt.Errorf("the checkpoints in the backup are signed with the key %q, and not with the one given", own)
	}
	result := &signed{key: own}
	text, err := s.small(ctx, historyFile)
	if err != nil || len(text) == 0 {
		return result, err
	}
	verifier, err := note.NewVerifier(own)
	if err != nil {
		return nil, fmt.Errorf("%s in the backup is not a public key: %w", publicKeyFile, err)
	}
	err = merkle.EachInHistory(text, func(text []byte) error {
		c, err := merkle.OpenCheckpoint(text, note.VerifierList(verifier))
		if err != nil {
			return fmt.Errorf("checkpoint %d in the backup: %w", len(result.all)+1, err)
		}
		if n := len(result.all); n > 0 && c.Size < result.all[n-1].Size || c.Size > s.Records {
			return fmt.Errorf("checkpoint %d in the backup, of %d records, does not fit what is before it", n+1, c.Size)
		}
		result.texts, result.all = append(result.texts, text), append(result.all, c)
		return nil
	})
	return result, err
}

// segment gives a segment of the backup to read.
func (s *Stored) segment(ctx context.Context, i int) eventlog.File {
	return &chunkFile{ctx: ctx, target: s.target, file: &s.Segments[i].File, at: -1}
}
