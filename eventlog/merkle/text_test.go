package merkle_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"fhirlog/eventlog/merkle"
)

func TestTile_and_its_path(t *testing.T) {
	for path, want := range map[string]merkle.Tile{
		"tile/0/000":                         {0, 0, 256},
		"tile/0/001.p/7":                     {0, 1, 7},
		"tile/1/999":                         {1, 999, 256},
		"tile/0/x001/000":                    {0, 1000, 256},
		"tile/0/x001/234.p/255":              {0, 1234, 255},
		"tile/5/x123/x456/789":               {5, 123456789, 256},
		"tile/0/x001/x099/x511/x627/776":     {0, 1<<40 - 0, 256},
		"tile/2/x001/x099/x511/x627/775.p/1": {2, 1<<40 - 1, 1},
	} {
		got, err := merkle.ParseTile(path)
		if err != nil || got != want || got.String() != path {
			t.Errorf("ParseTile(%q) = %+v, %v, written %s, want %+v", path, got, err, got, want)
		}
		// tlog's path has the height as well.
		theirs, err := tlog.ParseTilePath(strings.Replace(path, "tile/", "tile/8/", 1))
		if err != nil || theirs != (tlog.Tile{H: 8, L: want.Level, N: int64(want.Index), W: want.Width}) {
			t.Errorf("tlog reads %q as %+v, %v", path, theirs, err)
		}
	}
	for _, path := range []string{
		"", "tile", "tile/", "tile/0", "tile/0/", "tile/6/000", "tile/-1/000", "tile/00/000", "tile/data/000", "tile/entries/000",
		"tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/x000/001", "tile/0/001/002", "tile/0/x001", "tile/0/x001/x002", "tile/0/+01", "tile/0/x0a1/002",
		"tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/07", "tile/0/000.p/", "tile/0/000.p", "tile/0/000.p/1/2", "/tile/0/000", "tile/0/000/",
		"tile/0/x001/x099/x511/x627/777", "tile/0/x999/x999/x999/x999/x999/x999/999", "tile/0/" + strings.Repeat("x001/", 50) + "000",
	} {
		if got, err := merkle.ParseTile(path); err == nil {
			t.Errorf("ParseTile(%q) = %+v", path, got)
		} else if !strings.Contains(err.Error(), "tile/0/x001/234") {
			t.Errorf("ParseTile(%q) = %v: what is right?", path, err)
		}
	}
}

func TestTile_Within(t *testing.T) {
	for _, c := range []struct {
		path string
		size uint64
		want bool
	}{
		{"tile/0/000", 255, false}, {"tile/0/000", 256, true}, {"tile/0/000.p/255", 255, true}, {"tile/0/000.p/1", 0, false},
		{"tile/1/000.p/1", 255, false}, {"tile/1/000.p/1", 256, true}, {"tile/1/000.p/2", 511, false}, {"tile/0/001.p/5", 261, true}, {"tile/0/001.p/5", 260, false},
	} {
		tile, err := merkle.ParseTile(c.path)
		if err != nil || tile.Within(c.size) != c.want {
			t.Errorf("%s within %d: %v, %v", c.path, c.size, tile.Within(c.size), err)
		}
	}
}

// testKey makes the key that a seed gives.
func testKey(t testing.TB, name string, seed byte) (note.Signer, note.Verifier) {
	t.Helper()
	private, public, err := note.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{seed}, 64)), name)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return signer, verifier
}

func TestCheckpoint_is_the_text_of_the_format(t *testing.T) {
	c := merkle.Checkpoint{Origin: "fhirlog/x", Size: 1234, Root: sha256.Sum256([]byte("root"))}
	if want := "fhirlog/x\n1234\n" + c.Root.String() + "\n"; c.Text() != want {
		t.Errorf("Text() = %q, want %q", c.Text(), want)
	}
	again, err := merkle.ParseCheckpoint(c.Text() + "an extension\nanother one\n")
	if err != nil || again != c {
		t.Errorf("ParseCheckpoint = %+v, %v", again, err)
	}
	root := c.Root.String()
	for _, text := range []string{
		"", "\n", "o\n1\n", "o\n1\n" + root, "\n1\n" + root + "\n", "o\n01\n" + root + "\n", "o\n-1\n" + root + "\n", "o\n1 \n" + root + "\n",
		"o\n281474976710657\n" + root + "\n", "o\n1\n" + root[:43] + "\n", "o\n1\n" + root + "=\n", "o\n1\n" + root + "\n\n", "o\n1\n" + root + "\n\nx\n",
		"o\n1\n" + strings.Replace(root, root[42:43], "_", 1) + "\n", "o\n\n1\n" + root + "\n",
	} {
		if got, err := merkle.ParseCheckpoint(text); err == nil {
			t.Errorf("ParseCheckpoint(%q) = %+v", text, got)
		}
	}
}

func TestOpenCheckpoint(t *testing.T) {
	signer, verifier := testKey(t, "fhirlog/x", 1)
	_, other := testKey(t, "fhirlog/x", 2)
	witness, _ := testKey(t, "witness.example", 3)
	c := merkle.Checkpoint{Origin: "fhirlog/x", Size: 7, Root: sha256.Sum256([]byte("root"))}
	known := note.VerifierList(verifier)
	signed, err := c.Sign(signer)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := merkle.OpenCheckpoint(signed, known); err != nil || got != c {
		t.Errorf("OpenCheckpoint = %+v, %v", got, err)
	}
	if got, err := merkle.CheckpointOf(signed); err != nil || got != c {
		t.Errorf("CheckpointOf = %+v, %v", got, err)
	}
	both, _ := c.Sign(signer, witness)
	if got, err := merkle.OpenCheckpoint(both, known); err != nil || got != c {
		t.Errorf("with a witness: %+v, %v", got, err)
	}
	if _, err := merkle.OpenCheckpoint(signed, note.VerifierList(other)); !errors.Is(err, merkle.ErrUnknownKey) {
		t.Errorf("by another key: %v", err)
	}
	foreign := c
	foreign.Origin = "fhirlog/y"
	misnamed, _ := foreign.Sign(signer)
	if _, err := merkle.OpenCheckpoint(misnamed, known); err == nil {
		t.Error("a checkpoint of another log is taken, since the key is known")
	}
	for i := range signed {
		changed := bytes.Clone(signed)
		changed[i] ^= 1
		if _, err := merkle.OpenCheckpoint(changed, known); err == nil {
			t.Fatalf("byte %d changed, and it opens: %q", i, changed)
		}
	}
	if _, err := merkle.OpenCheckpoint(append(bytes.Repeat([]byte("x\n"), 40<<10), signed...), known); err == nil {
		t.Error("no limit")
	}
	// The signature by hand: Ed25519 over the text, and the hash of the key before it.
	checkSignatureByHand(t, signed, verifier)
}

func checkSignatureByHand(t *testing.T, signed []byte, verifier note.Verifier) {
	t.Helper()
	public := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32)).Public().(ed25519.PublicKey)
	text, rest, _ := bytes.Cut(signed, []byte("\n\n"))
	line := strings.Fields(string(rest))
	raw, err := tlogBase64(line[2])
	if err != nil || line[1] != "fhirlog/x" {
		t.Fatal(line, err)
	}
	id := sha256.Sum256(append([]byte("fhirlog/x\n\x01"), public...))
	if binary.BigEndian.Uint32(raw) != binary.BigEndian.Uint32(id[:]) || verifier.KeyHash() != binary.BigEndian.Uint32(id[:]) {
		t.Error("the hash of the key is another")
	}
	if !ed25519.Verify(public, append(text, '\n'), raw[4:]) {
		t.Error("the signature is not good")
	}
}

func TestHistory(t *testing.T) {
	signer, _ := testKey(t, "fhirlog/x", 1)
	witness, _ := testKey(t, "witness.example", 3)
	var history []byte
	var want []string
	for i := range 5 {
		c := merkle.Checkpoint{Origin: "fhirlog/x", Size: uint64(i)}
		signed, _ := c.Sign(signer)
		if i%2 == 1 {
			signed, _ = c.Sign(signer, witness)
		}
		want = append(want, string(signed))
		history = merkle.AppendToHistory(history, signed)
	}
	var got []string
	if err := merkle.EachInHistory(history, func(s []byte) error { got = append(got, string(s)); return nil }); err != nil || strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("EachInHistory gives %q, %v", got, err)
	}
	first := len(want[0]) + 1
	for cut := range history {
		rest := history[:cut]
		whole := 0
		for {
			_, after, ok := merkle.NextInHistory(rest)
			if !ok {
				break
			}
			rest = after
			whole++
		}
		end := 0
		for i := range whole {
			end += len(want[i]) + 1
		}
		if end > cut || cut-end > len(want[1])+1 || string(rest) != string(history[end:cut]) {
			t.Fatalf("cut at %d: %d whole ones, rest %q", cut, whole, rest)
		}
		if err := merkle.EachInHistory(history[:cut], func([]byte) error { return nil }); (err == nil) != (len(rest) == 0) {
			t.Fatalf("cut at %d: EachInHistory = %v", cut, err)
		}
		// From anywhere before the signature of the first, the second is the next.
		if after, ok := merkle.SkipInHistory(history[cut:]); cut <= strings.Index(want[0], "— ") && (!ok || len(after) != len(history)-first) {
			t.Fatalf("SkipInHistory from %d: %d bytes, %v", cut, len(after), ok)
		}
	}
}
