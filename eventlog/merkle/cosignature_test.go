package merkle_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"fhirlog/eventlog/merkle"
)

// testWitness cosigns as the specification says, on its own.
type testWitness struct {
	name    string
	private ed25519.PrivateKey
}

func newTestWitness(name string, seed byte) *testWitness {
	return &testWitness{name, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32))}
}

func (w *testWitness) data() []byte {
	return append([]byte{4}, w.private.Public().(ed25519.PublicKey)...)
}

func (w *testWitness) hash() []byte {
	sum := sha256.Sum256(append([]byte(w.name+"\n"), w.data()...))
	return sum[:4]
}

func (w *testWitness) public() string {
	return fmt.Sprintf("%s+%x+%s", w.name, w.hash(), base64.StdEncoding.EncodeToString(w.data()))
}

// cosign adds a line to a signed checkpoint.
func (w *testWitness) cosign(signed string, seconds uint64) string {
	text, _, _ := strings.Cut(signed, "\n\n")
	message := fmt.Sprintf("cosignature/v1\ntime %d\n%s\n", seconds, text)
	raw := binary.BigEndian.AppendUint64(w.hash(), seconds)
	raw = append(raw, ed25519.Sign(w.private, []byte(message))...)
	return signed + "— " + w.name + " " + base64.StdEncoding.EncodeToString(raw) + "\n"
}

func TestOpenCosigned(t *testing.T) {
	signer, verifier := testKey(t, "fhirlog/x", 1)
	known := note.VerifierList(verifier)
	c := merkle.Checkpoint{Origin: "fhirlog/x", Size: 7, Root: sha256.Sum256([]byte("root"))}
	signed, _ := c.Sign(signer)
	one, two, stranger := newTestWitness("one.example", 5), newTestWitness("two.example/w", 6), newTestWitness("stranger", 7)
	var witnesses []*merkle.Witness
	for _, w := range []*testWitness{one, two} {
		parsed, err := merkle.NewWitness(w.public())
		if err != nil || parsed.Name() != w.name || parsed.KeyHash() != binary.BigEndian.Uint32(w.hash()) {
			t.Fatalf("NewWitness(%q) = %+v, %v", w.public(), parsed, err)
		}
		witnesses = append(witnesses, parsed)
	}
	text := two.cosign(stranger.cosign(one.cosign(string(signed), 1_800_000_000), 1), 1_800_000_005)
	got, clean, by, err := merkle.OpenCosigned([]byte(text), known, witnesses)
	if err != nil || got != c || len(by) != 2 || by[0] != (merkle.Cosignature{Witness: "one.example", Time: 1_800_000_000}) || by[1].Time != 1_800_000_005 {
		t.Fatalf("OpenCosigned = %+v, %+v, %v", got, by, err)
	}
	if strings.Contains(string(clean), "stranger") || strings.Count(string(clean), "— ") != 3 {
		t.Errorf("what is kept is %q", clean)
	}
	if _, _, by, err := merkle.OpenCosigned(signed, known, witnesses); err != nil || len(by) != 0 {
		t.Errorf("without cosignatures: %+v, %v", by, err)
	}
	// The witness alone is not enough, a changed time neither.
	alone := one.cosign(strings.SplitAfter(string(signed), "\n\n")[0], 1)
	if _, _, _, err := merkle.OpenCosigned([]byte(alone), known, witnesses); err == nil {
		t.Error("a checkpoint that the log has not signed")
	}
	other := merkle.Checkpoint{Origin: "fhirlog/x", Size: 8, Root: c.Root}
	signedOther, _ := other.Sign(signer)
	line := text[strings.Index(text, "— one.example"):]
	if _, _, _, err := merkle.OpenCosigned(append(signedOther, line...), known, witnesses); err == nil {
		t.Error("a cosignature of another checkpoint")
	}
	for _, bad := range []string{
		"", "x", "one.example+00000000+" + base64.StdEncoding.EncodeToString(one.data()), one.public()[:len(one.public())-4],
		strings.Replace(one.public(), "one", "o ne", 1), strings.Replace(one.public(), "one", "two", 1), verifierKey(t),
	} {
		if w, err := merkle.NewWitness(bad); err == nil {
			t.Errorf("NewWitness(%q) = %+v", bad, w)
		}
	}
}

// verifierKey is the public key of a log, which is none of a witness.
func verifierKey(t *testing.T) string {
	_, public, err := note.GenerateKey(nil, "x")
	if err != nil {
		t.Fatal(err)
	}
	return public
}

// FuzzNewWitness: any text is a key or an error, and a key verifies nothing by chance.
func FuzzNewWitness(f *testing.F) {
	f.Add(newTestWitness("one.example", 5).public(), []byte("x"))
	f.Add("a+b+c", make([]byte, 72))
	f.Fuzz(func(t *testing.T, public string, signature []byte) {
		if w, err := merkle.NewWitness(public); err == nil && w.Verify([]byte("nobody has signed this"), signature) {
			t.Errorf("%q verifies %x", public, signature)
		}
	})
}
