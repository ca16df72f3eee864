package merkle

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint says what a log is at some size.
type Checkpoint struct {
	Origin string // which log
	Size   uint64
	Root   Hash
}

// Text is the text that is signed.
func (c *Checkpoint) Text() string {
	return c.Origin + "\n" + strconv.FormatUint(c.Size, 10) + "\n" + base64.StdEncoding.EncodeToString(c.Root[:]) + "\n"
}

// MaxSignedBytes bounds a signed checkpoint, cosignatures included.
const MaxSignedBytes = 64 << 10

// Sign gives the signed checkpoint.
func (c *Checkpoint) Sign(signers ...note.Signer) ([]byte, error) {
	return note.Sign(&note.Note{Text: c.Text()}, signers...)
}

// ParseCheckpoint reads the text of a checkpoint. Lines of extensions after the
// root are allowed, and not looked at.
func ParseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || lines[len(lines)-1] != "" || lines[0] == "" {
		return Checkpoint{}, errors.New("a checkpoint has lines for origin, size and root")
	}
	for _, extension := range lines[3 : len(lines)-1] {
		if extension == "" {
			return Checkpoint{}, errors.New("a checkpoint has no empty line")
		}
	}
	c := Checkpoint{Origin: lines[0]}
	size, err := parseCanonical(lines[1])
	if err != nil || size > MaxSize {
		return Checkpoint{}, fmt.Errorf("the second line of a checkpoint is its size, a number up to %d", uint64(MaxSize))
	}
	c.Size = size
	if c.Root, err = tlog.ParseHash(lines[2]); err != nil || c.Root.String() != lines[2] {
		return Checkpoint{}, errors.New("the third line of a checkpoint is the root, 32 bytes in base64")
	}
	return c, nil
}

// OpenCheckpoint reads a signed checkpoint and checks the signature: at least one
// by a key in known whose name is the origin. Signatures by other keys may stand
// beside it; one by a known key must be right.
func OpenCheckpoint(signed []byte, known note.Verifiers) (Checkpoint, error) {
	if len(signed) > MaxSignedBytes {
		return Checkpoint{}, fmt.Errorf("a signed checkpoint has at most %d bytes", MaxSignedBytes)
	}
	opened, err := note.Open(signed, known)
	if err != nil {
		return Checkpoint{}, explainSignature(err)
	}
	c, err := ParseCheckpoint(opened.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	for _, signature := range opened.Sigs {
		if signature.Name == c.Origin {
			return c, nil
		}
	}
	return Checkpoint{}, fmt.Errorf("the checkpoint is of the log %q, and signed by %q alone", c.Origin, opened.Sigs[0].Name)
}

// CheckpointOf reads a signed checkpoint without looking at its signatures.
func CheckpointOf(signed []byte) (Checkpoint, error) {
	text, _, ok := strings.Cut(string(signed), "\n\n")
	if !ok {
		return Checkpoint{}, errMalformed
	}
	return ParseCheckpoint(text + "\n")
}

// ErrUnknownKey says that a checkpoint has no signature by a key that is known.
var ErrUnknownKey = errors.New("the checkpoint is not signed by the key that it is checked with")

// errMalformed says that something is no signed note at all.
var errMalformed = errors.New("not a signed checkpoint: text, an empty line, and lines of signatures")

// Malformed tells whether an error of OpenCheckpoint says that the bytes are no
// signed note at all, and not one that is wrong.
func Malformed(err error) bool { return errors.Is(err, errMalformed) }

// explainSignature says what is wrong with a signed note.
func explainSignature(err error) error {
	if unverified, ok := errors.AsType[*note.UnverifiedNoteError](err); ok {
		s := unverified.Note.UnverifiedSigs[0]
		return fmt.Errorf("%w, but by %s+%08x", ErrUnknownKey, s.Name, s.Hash)
	}
	if invalid, ok := errors.AsType[*note.InvalidSignatureError](err); ok {
		return fmt.Errorf("the signature of the checkpoint by %s is not good: its text was changed", invalid.Name)
	}
	return errMalformed
}
