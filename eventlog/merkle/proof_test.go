package merkle_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"fhirlog/eventlog/merkle"
	"fhirlog/eventlog/record"
)

var update = flag.Bool("update", false, "write the golden files anew")

func tlogBase64(s string) ([]byte, error) { return base64.StdEncoding.DecodeString(s) }

// sampleProof is a proof of record 5 of 11, which begin with 3.
func sampleProof(t testing.TB) (*merkle.Proof, note.Verifiers) {
	t.Helper()
	signer, verifier := testKey(t, "fhirlog/x", 1)
	known := note.VerifierList(verifier)
	seed := [record.SeedSize]byte{1, 2, 3}
	metadata, body := []byte("who wrote what"), []byte(`{"resourceType":"Basic"}`)
	salt, bodySalt := record.MetadataSalt(seed), record.BodySalt(seed)
	p := &merkle.Proof{
		Format: merkle.ProofFormat, Position: 5, Instant: 1_700_000_000_123, Time: "2023-11-14T22:13:20.123Z", CommitEnd: true,
		Metadata: metadata, MetadataSalt: salt[:], HasBody: true, BodySalt: bodySalt[:], Body: body,
		MetadataCommitment: record.CommitMetadata(salt, 5, 1_700_000_000_123, metadata),
		BodyCommitment:     record.CommitBody(bodySalt, body),
	}
	leaves := leavesUpTo(11)
	leaf := merkle.Leaf{CommitEnd: true, Metadata: p.MetadataCommitment, Body: p.BodyCommitment}
	leaves[5] = leaf.Hash()
	m := treeOf(leaves)
	sign := func(n int) string {
		c := merkle.Checkpoint{Origin: "fhirlog/x", Size: uint64(n), Root: refRoot(leaves[:n])}
		signed, err := c.Sign(signer)
		if err != nil {
			t.Fatal(err)
		}
		return string(signed)
	}
	p.Checkpoint = sign(11)
	p.Path, _ = merkle.InclusionPath(m, 11, 5)
	path, _ := merkle.ConsistencyPath(m, 3, 11)
	p.From = &merkle.Consistency{Size: 3, Root: refRoot(leaves[:3]), Path: path, Checkpoint: sign(3)}
	return p, known
}

func encode(t testing.TB, p *merkle.Proof) []byte {
	t.Helper()
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

// TestProof_is_the_golden_file keeps proofs of today readable for ever.
func TestProof_is_the_golden_file(t *testing.T) {
	p, known := sampleProof(t)
	path := filepath.Join("testdata", "proof.json")
	if *update {
		if err := os.WriteFile(path, encode(t, p), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := encode(t, p); !bytes.Equal(got, text) {
		t.Errorf("the proof is now\n%s", got)
	}
	read, err := merkle.ParseProof(text)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := read.Check(known); err != nil || c.Size != 11 {
		t.Errorf("Check = %+v, %v", c, err)
	}
}

// erasedProof is that of the same record when its metadata are erased.
func erasedProof(t testing.TB) (*merkle.Proof, note.Verifiers) {
	p, known := sampleProof(t)
	p.Format, p.MetadataErased = merkle.ErasedProofFormat, true
	p.Metadata, p.MetadataSalt = []byte("a stub"), []byte{}
	p.HasBody, p.Erased, p.Body, p.BodySalt = false, true, nil, nil
	return p, known
}

func TestProof_of_erased_metadata_is_the_golden_file(t *testing.T) {
	p, known := erasedProof(t)
	path := filepath.Join("testdata", "proof-erased.json")
	if *update {
		if err := os.WriteFile(path, encode(t, p), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := encode(t, p); !bytes.Equal(got, text) {
		t.Errorf("the proof is now\n%s", got)
	}
	read, err := merkle.ParseProof(text)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := read.Check(known); err != nil || c.Size != 11 {
		t.Errorf("Check = %+v, %v", c, err)
	}
}

func TestCheck_of_erased_metadata(t *testing.T) {
	salt := make([]byte, record.SaltSize)
	for name, change := range map[string]func(p *merkle.Proof){
		"the position":         func(p *merkle.Proof) { p.Position = 4 },
		"the end of commit":    func(p *merkle.Proof) { p.CommitEnd = false },
		"a commitment":         func(p *merkle.Proof) { p.MetadataCommitment[0]++ },
		"the other one":        func(p *merkle.Proof) { p.BodyCommitment[0]++ },
		"the path":             func(p *merkle.Proof) { p.Path[0][0]++ },
		"the time":             func(p *merkle.Proof) { p.Instant++ },
		"a salt":               func(p *merkle.Proof) { p.MetadataSalt = salt },
		"a salt of the body":   func(p *merkle.Proof) { p.BodySalt = salt },
		"a body":               func(p *merkle.Proof) { p.Body = []byte("{}") },
		"that there is a body": func(p *merkle.Proof) { p.HasBody = true },
		"the format":           func(p *merkle.Proof) { p.Format = merkle.ProofFormat },
		"only the format":      func(p *merkle.Proof) { p.MetadataErased = false },
		"too many metadata":    func(p *merkle.Proof) { p.Metadata = make([]byte, 1<<20+1) },
	} {
		p, known := erasedProof(t)
		change(p)
		if c, err := p.Check(known); err == nil {
			t.Errorf("%s changed, and Check = %+v", name, c)
		}
	}
	p, known := erasedProof(t)
	p.Metadata = []byte("another stub, which nobody can tell")
	p.Erased = false // a record that never had a body
	if _, err := p.Check(known); err != nil {
		t.Error(err)
	}
	if p.CheckBody(nil) == nil {
		t.Error("no body is checked without a salt")
	}
}

// TestProof_by_hand follows the steps of the package comment with SHA-256 alone.
func TestProof_by_hand(t *testing.T) {
	p, _ := sampleProof(t)
	in := append([]byte{1}, p.MetadataSalt...)
	in = append(in, 5, 0, 0, 0, 0, 0, 0, 0)
	for i := range 8 {
		in = append(in, byte(p.Instant>>(8*i)))
	}
	metadata := sha256.Sum256(append(in, p.Metadata...))
	body := sha256.Sum256(append(append([]byte{2}, p.BodySalt...), p.Body...))
	leaf := append([]byte{0, 1, 1}, metadata[:]...)
	h := sha256.Sum256(append(leaf, body[:]...))
	// Record 5 of 11: its sibling 4 is on the left, 6–7 on the right, 0–3 on the
	// left, 8–10 on the right.
	left := func(s merkle.Hash) { h = sha256.Sum256(append(append([]byte{1}, s[:]...), h[:]...)) }
	right := func(s merkle.Hash) { h = sha256.Sum256(append(append([]byte{1}, h[:]...), s[:]...)) }
	left(p.Path[0])
	right(p.Path[1])
	left(p.Path[2])
	right(p.Path[3])
	if root := strings.Split(p.Checkpoint, "\n")[2]; base64.StdEncoding.EncodeToString(h[:]) != root || len(p.Path) != 4 {
		t.Errorf("by hand the root is %x, and the checkpoint says %s", h, root)
	}
}

func TestCheck_refuses_whatever_was_changed(t *testing.T) {
	_, otherVerifier := testKey(t, "fhirlog/x", 9)
	foreign := &merkle.Checkpoint{Origin: "fhirlog/x", Size: 11}
	otherSigner, _ := testKey(t, "fhirlog/x", 9)
	signedByOther, _ := foreign.Sign(otherSigner)
	for name, change := range map[string]func(p *merkle.Proof){
		"position":            func(p *merkle.Proof) { p.Position = 4 },
		"position too large":  func(p *merkle.Proof) { p.Position = 11 },
		"position far away":   func(p *merkle.Proof) { p.Position = 1<<64 - 1 },
		"instant":             func(p *merkle.Proof) { p.Instant++ },
		"time":                func(p *merkle.Proof) { p.Time = "2023-11-14T22:13:20.124Z" },
		"end of commit":       func(p *merkle.Proof) { p.CommitEnd = false },
		"metadata":            func(p *merkle.Proof) { p.Metadata = []byte("who wrote less") },
		"metadata salt":       func(p *merkle.Proof) { p.MetadataSalt[0]++ },
		"short salt":          func(p *merkle.Proof) { p.MetadataSalt = p.MetadataSalt[:15] },
		"metadata commitment": func(p *merkle.Proof) { p.MetadataCommitment[0]++ },
		"body commitment":     func(p *merkle.Proof) { p.BodyCommitment[0]++ },
		"body commitment, nothing else said": func(p *merkle.Proof) {
			p.BodyCommitment[0]++
			p.Body, p.BodySalt = nil, nil
		},
		"body":               func(p *merkle.Proof) { p.Body = []byte("{}") },
		"body salt":          func(p *merkle.Proof) { p.BodySalt[0]++ },
		"body without salt":  func(p *merkle.Proof) { p.BodySalt = nil },
		"erased with a body": func(p *merkle.Proof) { p.Erased = true },
		"no body":            func(p *merkle.Proof) { p.HasBody, p.Body = false, nil },
		"no body with one":   func(p *merkle.Proof) { p.HasBody = false },
		"path":               func(p *merkle.Proof) { p.Path[2][0]++ },
		"path short":         func(p *merkle.Proof) { p.Path = p.Path[:3] },
		"path long":          func(p *merkle.Proof) { p.Path = append(p.Path, merkle.Hash{}) },
		"path endless":       func(p *merkle.Proof) { p.Path = make([]merkle.Hash, 1000) },
		"checkpoint":         func(p *merkle.Proof) { p.Checkpoint = strings.Replace(p.Checkpoint, "11", "12", 1) },
		"no checkpoint":      func(p *merkle.Proof) { p.Checkpoint = "" },
		"foreign checkpoint": func(p *merkle.Proof) { p.Checkpoint = string(signedByOther) },
		"earlier size":       func(p *merkle.Proof) { p.From.Size = 2 },
		"earlier larger":     func(p *merkle.Proof) { p.From.Size, p.From.Checkpoint = 12, "" },
		"earlier root":       func(p *merkle.Proof) { p.From.Root[0]++ },
		"earlier root alone": func(p *merkle.Proof) { p.From.Root[0]++; p.From.Checkpoint = "" },
		"earlier path":       func(p *merkle.Proof) { p.From.Path[0][0]++ },
		"earlier endless":    func(p *merkle.Proof) { p.From.Path = make([]merkle.Hash, 1000) },
		"earlier none":       func(p *merkle.Proof) { p.From.Size, p.From.Checkpoint = 0, "" },
		"earlier checkpoint": func(p *merkle.Proof) { p.From.Checkpoint = p.Checkpoint },
	} {
		p, known := sampleProof(t)
		if _, err := p.Check(known); err != nil {
			t.Fatalf("unchanged: %v", err)
		}
		change(p)
		if c, err := p.Check(known); err == nil {
			t.Errorf("%s changed, and Check = %+v", name, c)
		}
	}
	p, _ := sampleProof(t)
	if _, err := p.Check(note.VerifierList(otherVerifier)); err == nil {
		t.Error("checked with another key")
	}
}

func TestCheck_takes_less_than_everything(t *testing.T) {
	for name, change := range map[string]func(p *merkle.Proof){
		"no body shown":            func(p *merkle.Proof) { p.Body = nil },
		"neither body nor salt":    func(p *merkle.Proof) { p.Body, p.BodySalt = nil, nil },
		"erased":                   func(p *merkle.Proof) { p.Body, p.BodySalt, p.HasBody, p.Erased = nil, nil, false, true },
		"no earlier checkpoint":    func(p *merkle.Proof) { p.From = nil },
		"earlier one not shown":    func(p *merkle.Proof) { p.From.Checkpoint = "" },
		"earlier one is the empty": func(p *merkle.Proof) { p.From = &merkle.Consistency{Root: sha256.Sum256(nil)} },
	} {
		p, known := sampleProof(t)
		change(p)
		if _, err := p.Check(known); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	p, _ := sampleProof(t)
	if err := p.CheckBody(p.Body); err != nil {
		t.Error(err)
	}
	if p.CheckBody([]byte("x")) == nil || p.CheckBody(nil) == nil {
		t.Error("another body, or none, is taken")
	}
	p.BodySalt = nil
	if p.CheckBody(p.Body) == nil {
		t.Error("a body is checked without a salt")
	}
}

func TestParseProof_refuses(t *testing.T) {
	p, _ := sampleProof(t)
	text := string(encode(t, p))
	for name, text := range map[string]string{
		"nothing":        "",
		"a list":         "[]",
		"another format": strings.Replace(text, "fhirlog-proof/1", "fhirlog-proof/3", 1),
		"no format":      `{"position":1}`,
		"a member more":  strings.Replace(text, `"position"`, `"positron": 1, "position"`, 1),
		"something more": text + "{}",
		"a short hash":   strings.Replace(text, p.BodyCommitment.String(), "AAAA", 1),
		"a number below": strings.Replace(text, `"position": 5`, `"position": -5`, 1),
	} {
		if _, err := merkle.ParseProof([]byte(text)); err == nil {
			t.Errorf("%s is taken for a proof", name)
		}
	}
}

func TestConsistencyProof_Check(t *testing.T) {
	p, known := sampleProof(t)
	signed, err := merkle.CheckpointOf([]byte(p.Checkpoint))
	if err != nil {
		t.Fatal(err)
	}
	c := &merkle.ConsistencyProof{Format: merkle.ConsistencyFormat, From: *p.From, Size: 11, Root: signed.Root, Checkpoint: p.Checkpoint}
	if got, err := c.Check(known); err != nil || got != signed {
		t.Errorf("Check = %+v, %v", got, err)
	}
	c.Root[0]++
	if _, err := c.Check(known); err == nil {
		t.Error("another root than the checkpoint's")
	}
	c.Root[0]--
	c.From.Path[0][0]++
	if _, err := c.Check(known); err == nil {
		t.Error("another path")
	}
}
