package keyring

import (
	"bytes"
	"encoding/base64"
	"errors"
	"flag"
	"maps"
	"os"
	"slices"
	"testing"

	"fhirlog/eventlog/faultfs"
)

var update = flag.Bool("update", false, "write the golden file anew")

const goldenFile = "../../testdata/keyring/schema-1.json"

// TestFile_is_the_golden_one reads a file that stays readable for ever.
func TestFile_is_the_golden_one(t *testing.T) {
	if *update {
		disk := faultfs.New()
		r, err := Create(background, Options{FS: disk, Path: path, Operator: operator(1), Random: &counter{}})
		if err != nil {
			t.Fatal(err)
		}
		mustNew(t, r, "segment-0123456789abcdef")
		mustNew(t, r, "proof-key")
		if err := os.WriteFile(goldenFile, disk.Content(path), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Detached(background, text, operator(1))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"segment-0123456789abcdef": "ISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0A=",
		"proof-key":                "TU5PUFFSU1RVVldYWVpbXF1eX2BhYmNkZWZnaGlqa2w=",
	}
	got := map[string]string{}
	for name, key := range contentOf(t, r) {
		got[name] = base64.StdEncoding.EncodeToString(key[:])
	}
	if !maps.Equal(got, want) || r.Operator() != "aes256-96207f2a86db2a67" {
		t.Errorf("it has %q under %s", got, r.Operator())
	}
	s, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.encode(); err != nil || !bytes.Equal(again, text) {
		t.Errorf("written again it is\n%s%v", again, err)
	}
}

// TestDetached_refuses_every_flip: what is changed in a file is found, or changes nothing.
func TestDetached_refuses_every_flip(t *testing.T) {
	text, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Detached(background, text, operator(1))
	if err != nil {
		t.Fatal(err)
	}
	want := contentOf(t, r)
	refused := 0
	for at := range text {
		for _, bit := range []byte{1, 2, 16, 32} {
			changed := bytes.Clone(text)
			changed[at] ^= bit
			r, err := Detached(background, changed, operator(1))
			if err != nil {
				refused++
				continue
			}
			if got := contentOf(t, r); !maps.Equal(got, want) {
				t.Fatalf("bit %d of byte %d flipped: the keys are others", bit, at)
			}
		}
		if _, err := Detached(background, text[:at], operator(1)); !errors.Is(err, ErrDamaged) && at < len(text)-1 {
			t.Fatalf("cut at %d: %v, want ErrDamaged", at, err)
		}
	}
	if refused < 3*len(text) {
		t.Errorf("of %d flips %d are refused: the test has lost its grip", 4*len(text), refused)
	}
}

func TestParse_says_what_is_wrong(t *testing.T) {
	sealed := base64.StdEncoding.EncodeToString(make([]byte, KeySize+Overhead))
	for name, text := range map[string]string{
		"nothing":            ``,
		"another schema":     `{"schema":2,"operator":"o","folder":"AA==","keys":{}}`,
		"no schema":          `{"operator":"o","folder":"AA==","keys":{}}`,
		"an unknown field":   `{"schema":1,"operator":"o","folder":"AA==","keys":{},"more":1}`,
		"no operator":        `{"schema":1,"folder":"AA==","keys":{}}`,
		"no folder key":      `{"schema":1,"operator":"o","keys":{}}`,
		"no keys":            `{"schema":1,"operator":"o","folder":"AA=="}`,
		"a short key":        `{"schema":1,"operator":"o","folder":"AA==","keys":{"a":"AA=="}}`,
		"a name that is not": `{"schema":1,"operator":"o","folder":"AA==","keys":{"A":"` + sealed + `"}}`,
		"something behind":   `{"schema":1,"operator":"o","folder":"AA==","keys":{}}{}`,
	} {
		if _, err := parse([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
		if _, err := Names([]byte(text)); err == nil {
			t.Errorf("%s: Names accepts it", name)
		}
	}
	names, err := Names([]byte(`{"schema":1,"operator":"o","folder":"AA==","keys":{"b":"` + sealed + `","a":"` + sealed + `"}}`))
	if err != nil || !slices.Equal(names, []string{"a", "b"}) {
		t.Errorf("Names = %q, %v", names, err)
	}
}

// TestSeal_binds_to_its_purpose: a sealed key cannot take the place of another.
func TestSeal_binds_to_its_purpose(t *testing.T) {
	disk := faultfs.New()
	r := create(t, disk, operator(1))
	mustNew(t, r, "a")
	mustNew(t, r, "b")
	s, err := parse(disk.Content(path))
	if err != nil {
		t.Fatal(err)
	}
	s.Keys["a"], s.Keys["b"] = s.Keys["b"], s.Keys["a"]
	text, err := s.encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Detached(background, text, operator(1)); !errors.Is(err, ErrDamaged) {
		t.Errorf("two keys exchanged: %v, want ErrDamaged", err)
	}
}

// FuzzParse reads any bytes: what is accepted is written as something that is read alike.
func FuzzParse(f *testing.F) {
	text, err := os.ReadFile(goldenFile)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"schema":1,"operator":"o","folder":"AA==","keys":{}}`))
	f.Add([]byte(`{"schema":1,"operator":"o","folder":"AA==","keys":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parse(text)
		if err != nil {
			if _, err := Detached(background, text, operator(1)); err == nil {
				t.Fatal("what is not read is opened")
			}
			return
		}
		again, err := s.encode()
		if err != nil {
			t.Fatal(err)
		}
		same, err := parse(again)
		if err != nil || same.Operator != s.Operator || !bytes.Equal(same.Folder, s.Folder) || !maps.EqualFunc(same.Keys, s.Keys, bytes.Equal) {
			t.Fatalf("%q is written as %q, which is another: %v", text, again, err)
		}
		_, _ = Detached(background, text, operator(1))
	})
}
