package merkle

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Witness is somebody who has seen a checkpoint and that the log continued the one
// before, and says so with a signature of their own and the time
// (https://c2sp.org/tlog-cosignature). It verifies such cosignatures in notes.
type Witness struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

var _ note.Verifier = (*Witness)(nil)

const (
	cosignatureAlgorithm = 0x04
	cosignatureTimeSize  = 8
	keyHashSize          = 4
)

// NewWitness reads the public key of a witness: <name>+<hash>+<data>, as for logs,
// the data beginning with the byte 4.
func NewWitness(public string) (*Witness, error) {
	refuse := errors.New("not the public key of a witness: it is <name>+<hash>+<data> in one line, for cosignatures with Ed25519")
	fields := strings.SplitN(public, "+", 3)
	if len(fields) != 3 {
		return nil, refuse
	}
	hash, errHash := strconv.ParseUint(fields[1], 16, 32)
	data, errData := base64.StdEncoding.DecodeString(fields[2])
	if errHash != nil || errData != nil || len(fields[1]) != 2*keyHashSize || len(data) != 1+ed25519.PublicKeySize || data[0] != cosignatureAlgorithm {
		return nil, refuse
	}
	w := &Witness{name: fields[0], key: data[1:]}
	if w.hash = cosignatureKeyHash(w.name, data); w.hash != uint32(hash) || w.name == "" || strings.ContainsFunc(w.name, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return nil, refuse
	}
	return w, nil
}

func cosignatureKeyHash(name string, data []byte) uint32 {
	sum := sha256.Sum256(append([]byte(name+"\n"), data...))
	return binary.BigEndian.Uint32(sum[:])
}

// Name is the witness's name.
func (w *Witness) Name() string { return w.name }

// KeyHash tells keys of one name apart.
func (w *Witness) KeyHash() uint32 { return w.hash }

// Verify checks a cosignature: the time in seconds, and Ed25519 over it and the text.
func (w *Witness) Verify(text, signature []byte) bool {
	if len(signature) != cosignatureTimeSize+ed25519.SignatureSize {
		return false
	}
	seconds := binary.BigEndian.Uint64(signature)
	return ed25519.Verify(w.key, cosigned(text, seconds), signature[cosignatureTimeSize:])
}

// cosigned is what a witness signs.
func cosigned(text []byte, seconds uint64) []byte {
	return append(fmt.Appendf(nil, "cosignature/v1\ntime %d\n", seconds), text...)
}

// Cosignature is what a witness said of a checkpoint.
type Cosignature struct {
	Witness string
	Time    uint64 // seconds since 1970, as the witness's clock said
}

// OpenCosigned reads a checkpoint that is signed by the log and by witnesses. It gives
// it as it is without signatures that nobody here can check, and who cosigned.
func OpenCosigned(signed []byte, log note.Verifiers, witnesses []*Witness) (Checkpoint, []byte, []Cosignature, error) {
	checkpoint, err := OpenCheckpoint(signed, log)
	if err != nil {
		return Checkpoint{}, nil, nil, err
	}
	opened, err := note.Open(signed, anyOf{log, witnesses})
	if err != nil {
		return Checkpoint{}, nil, nil, explainSignature(err)
	}
	var by []Cosignature
	for _, s := range opened.Sigs {
		if _, err := (anyOf{witnesses: witnesses}).Verifier(s.Name, s.Hash); err == nil {
			raw, err := base64.StdEncoding.DecodeString(s.Base64)
			if err != nil || len(raw) < keyHashSize+cosignatureTimeSize {
				return Checkpoint{}, nil, nil, errMalformed // note.Open has verified it
			}
			by = append(by, Cosignature{s.Name, binary.BigEndian.Uint64(raw[keyHashSize:])})
		}
	}
	clean, err := note.Sign(&note.Note{Text: opened.Text, Sigs: opened.Sigs})
	return checkpoint, clean, by, err
}

// anyOf knows the key of a log and those of witnesses.
type anyOf struct {
	log       note.Verifiers // may be nil
	witnesses []*Witness
}

// Verifier implements note.Verifiers.
func (a anyOf) Verifier(name string, hash uint32) (note.Verifier, error) {
	for _, w := range a.witnesses {
		if w.name == name && w.hash == hash {
			return w, nil
		}
	}
	if a.log == nil {
		return nil, &note.UnknownVerifierError{Name: name, KeyHash: hash}
	}
	return a.log.Verifier(name, hash)
}
