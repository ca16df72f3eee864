package notary_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"fhirlog/eventlog/faultfs"
	"fhirlog/eventlog/merkle"
	"fhirlog/eventlog/notary"
)

// witness cosigns checkpoints, as https://c2sp.org/tlog-cosignature says.
type witness struct {
	name    string
	private ed25519.PrivateKey
}

func newWitness(name string, seed byte) witness {
	return witness{name, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32))}
}

func (w witness) hash() []byte {
	sum := sha256.Sum256(append([]byte(w.name+"\n\x04"), w.private.Public().(ed25519.PublicKey)...))
	return sum[:4]
}

func (w witness) known(t *testing.T) *merkle.Witness {
	t.Helper()
	data := append([]byte{4}, w.private.Public().(ed25519.PublicKey)...)
	known, err := merkle.NewWitness(fmt.Sprintf("%s+%x+%s", w.name, w.hash(), base64.StdEncoding.EncodeToString(data)))
	if err != nil {
		t.Fatal(err)
	}
	return known
}

func (w witness) cosign(signed []byte, seconds uint64) []byte {
	text, _, _ := bytes.Cut(signed, []byte("\n\n"))
	raw := binary.BigEndian.AppendUint64(w.hash(), seconds)
	raw = append(raw, ed25519.Sign(w.private, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s\n", seconds, text))...)
	return fmt.Appendf(bytes.Clone(signed), "— %s %s\n", w.name, base64.StdEncoding.EncodeToString(raw))
}

func TestCosign(t *testing.T) {
	one, two := newWitness("one.example", 1), newWitness("two.example", 2)
	disk := faultfs.New()
	o := quick(disk)
	o.Witnesses = []*merkle.Witness{one.known(t), two.known(t)}
	w, _ := start(t, disk, o)
	w.commit(10)
	first := w.checkpoint()
	w.commit(10)
	second := w.checkpoint()
	if w.notary.Cosigned() != nil {
		t.Error("cosigned by nobody")
	}
	accept := func(what string, signed []byte, size uint64, by int) {
		t.Helper()
		if err := w.notary.Cosign(signed); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if c := w.notary.Cosigned(); c.Size != size || len(c.By) != by {
			t.Errorf("%s: the newest is of %d records, by %v", what, c.Size, c.By)
		}
	}
	accept("one", one.cosign(first.Signed, 100), 10, 1)
	accept("one more", two.cosign(one.cosign(first.Signed, 100), 101), 10, 2)
	accept("fewer", one.cosign(first.Signed, 102), 10, 2)
	accept("a newer one", two.cosign(second.Signed, 103), 20, 1)
	accept("an older one", two.cosign(one.cosign(first.Signed, 100), 101), 20, 1)

	signer, err := note.NewSigner(strings.TrimSpace(string(disk.Content(proofDir + "/" + notary.KeyFile))))
	if err != nil {
		t.Fatal(err)
	}
	forge := func(c merkle.Checkpoint) []byte {
		signed, _ := c.Sign(signer)
		return signed
	}
	otherRoot, larger := second.Checkpoint, second.Checkpoint
	otherRoot.Root[0]++
	larger.Size = 21
	for what, signed := range map[string][]byte{
		"no cosignature":      second.Signed,
		"an unknown witness":  newWitness("three.example", 3).cosign(second.Signed, 1),
		"a known name":        newWitness("one.example", 3).cosign(second.Signed, 1),
		"no checkpoint":       []byte("x"),
		"another root":        one.cosign(forge(otherRoot), 1),
		"a larger log":        one.cosign(forge(larger), 1),
		"a changed signature": flip(one.cosign(second.Signed, 1), len(one.cosign(second.Signed, 1))-20),
	} {
		if err := w.notary.Cosign(signed); !errors.Is(err, notary.ErrRefused) {
			t.Errorf("%s: %v", what, err)
		}
	}
	w.stop()
	w, _ = start(t, disk, o)
	if c := w.notary.Cosigned(); c == nil || c.Size != 20 || len(c.By) != 1 || c.By[0] != (merkle.Cosignature{Witness: "two.example", Time: 103}) {
		t.Errorf("after a restart the newest is %+v", c)
	}
	w.stop()
	stored, err := notary.ReadStored(disk, proofDir)
	if err != nil || len(stored.Cosigned) != 3 {
		t.Fatalf("%d cosigned, %v", len(stored.Cosigned), err)
	}
	stored.Close()
	w, _ = start(t, disk, quick(disk))
	defer w.stop()
	if err := w.notary.Cosign(one.cosign(second.Signed, 100)); !errors.Is(err, notary.ErrRefused) {
		t.Errorf("without witnesses: %v", err)
	}
}
