package merkle_test

import (
	"bytes"
	"reflect"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"fhirlog/eventlog/merkle"
)

// FuzzParseTile: whatever is read is written as it was.
func FuzzParseTile(f *testing.F) {
	for _, path := range []string{"tile/0/000", "tile/1/x001/234.p/56", "tile/5/x123/x456/789", "tile/0/x000/000", "tile/0/000.p/256"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if tile, err := merkle.ParseTile(path); err == nil && tile.String() != path {
			t.Errorf("%q is read as %+v, which is %s", path, tile, tile)
		}
	})
}

// FuzzCheckpoint: what is read is written as it was, extensions aside; nothing that
// is not the signed one opens.
func FuzzCheckpoint(f *testing.F) {
	p, known := sampleProof(f)
	f.Add([]byte(p.Checkpoint))
	f.Add([]byte(p.Checkpoint[:len(p.Checkpoint)-9]))
	f.Add([]byte("o\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n— o AAAAAA==\n"))
	genuine, _ := merkle.OpenCheckpoint([]byte(p.Checkpoint), known)
	earlier, _ := merkle.OpenCheckpoint([]byte(p.From.Checkpoint), known)
	f.Fuzz(func(t *testing.T, text []byte) {
		if c, err := merkle.ParseCheckpoint(string(text)); err == nil && !bytes.HasPrefix(text, []byte(c.Text())) {
			t.Errorf("%q is read as %q", text, c.Text())
		}
		if c, err := merkle.OpenCheckpoint(text, known); err == nil && c != genuine && c != earlier {
			t.Errorf("%q opens, and nobody signed it", text)
		}
	})
}

// FuzzHistory: splitting and skipping always end, and give pieces of the input.
func FuzzHistory(f *testing.F) {
	p, _ := sampleProof(f)
	history := merkle.AppendToHistory(merkle.AppendToHistory(nil, []byte(p.From.Checkpoint)), []byte(p.Checkpoint))
	f.Add(history)
	f.Add(history[100:])
	f.Add([]byte("a\n\n— \n\n— \n\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for rest := text; ; {
			signed, after, ok := merkle.NextInHistory(rest)
			if ok && !bytes.Equal(merkle.AppendToHistory(nil, signed), rest[:len(rest)-len(after)]) {
				t.Fatalf("%q is not the beginning of %q", signed, rest)
			}
			if !ok {
				after, ok = merkle.SkipInHistory(rest)
			}
			if !ok {
				return
			}
			if len(after) >= len(rest) {
				t.Fatal("no progress")
			}
			rest = after
		}
	})
}

// FuzzProof: whatever checks says of the record what the genuine proof says.
func FuzzProof(f *testing.F) {
	p, known := sampleProof(f)
	f.Add(encode(f, p))
	p.From, p.Body = nil, nil
	f.Add(encode(f, p))
	f.Add([]byte(`{"format":"fhirlog-proof/1"}`))
	erased, _ := erasedProof(f)
	f.Add(encode(f, erased))
	genuine, _ := sampleProof(f)
	f.Fuzz(func(t *testing.T, text []byte) { checkForgery(t, text, known, genuine) })
}

func checkForgery(t *testing.T, text []byte, known note.Verifiers, genuine *merkle.Proof) {
	p, err := merkle.ParseProof(text)
	if err != nil {
		return
	}
	if _, err := p.Check(known); err != nil {
		return
	}
	if p.MetadataErased { // it claims to know neither
		if p.HasBody || len(p.MetadataSalt) > 0 {
			t.Errorf("%s checks, and shows what is erased", text)
		}
		p.Instant, p.Metadata = genuine.Instant, genuine.Metadata
	}
	if p.Position != genuine.Position || p.Instant != genuine.Instant || p.CommitEnd != genuine.CommitEnd || !bytes.Equal(p.Metadata, genuine.Metadata) ||
		p.MetadataCommitment != genuine.MetadataCommitment || p.BodyCommitment != genuine.BodyCommitment ||
		p.Body != nil && !bytes.Equal(p.Body, genuine.Body) || !reflect.DeepEqual(p.Path, genuine.Path) {
		t.Errorf("%s checks, and is not what was signed", text)
	}
}
