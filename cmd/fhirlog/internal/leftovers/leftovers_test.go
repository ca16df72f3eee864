package leftovers

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"fhirlog/domain/dictionary"
	"fhirlog/projections/store"
)

// TestFind: a text is found however it is kept, and nothing else is.
func TestFind(t *testing.T) {
	dir := t.TempDir()
	packed := func(o ...zstd.EOption) []byte {
		encoder, err := zstd.NewWriter(nil, o...)
		if err != nil {
			t.Fatal(err)
		}
		text := `{"resourceType":"Patient"}`
		for i := range 1000 {
			text += fmt.Sprint(i*i, " ")
			if i == 700 {
				text += "zstdsecret"
			}
		}
		return encoder.EncodeAll([]byte(text), nil)
	}
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, _ = w.Write([]byte(strings.Repeat("some ", 99) + "gzipsecret"))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	junk := bytes.Repeat([]byte{0x28, 0xb5, 0x2f, 0xfd, 0, 7, 0x1f, 0x8b, 8}, 50) // looks like many beginnings
	files := map[string][]byte{
		"raw":         []byte("before RawSecret after"),
		"below/plain": append(append(bytes.Clone(junk), packed()...), junk...),
		"dictionary":  append(append(bytes.Clone(junk), packed(zstd.WithEncoderDict(dictionary.V1), zstd.WithEncoderCRC(false))...), junk...),
		"zipped":      append(append(bytes.Clone(junk), zipped.Bytes()...), junk...),
		"namesecret":  nil,
		"junk":        junk,
	}
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := store.Open(filepath.Join(dir, "tables"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := s.NewBatch()
	for _, end := range []string{"", "1", "12", "ret", "ret and more", "retire"} {
		// Keys are kept as what differs from their neighbours.
		b.Put([]byte(strings.Repeat("some key that is long ", 20)+"keysec"+end), []byte(strings.Repeat("value ", 50)+"valuesecret"))
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	texts := []string{"rawsecret", "zstdSECRET", "gzipsecret", "namesecret", "keysecret", "valuesecret", "nowhere"}
	found, err := Find(dir, texts)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]Place{
		"rawsecret":  {{"raw", "raw"}},
		"zstdsecret": {{filepath.Join("below", "plain"), "zstd"}, {"dictionary", "zstd"}},
		"gzipsecret": {{"zipped", "gzip"}},
		"namesecret": {{"namesecret", "raw"}},
	}
	for text, places := range want {
		if !reflect.DeepEqual(found[text], places) {
			t.Errorf("%s: found in %v, want %v", text, found[text], places)
		}
	}
	for _, text := range []string{"keysecret", "valuesecret"} {
		if places := found[text]; len(places) == 0 || places[len(places)-1].How != "table" {
			t.Errorf("%s: found in %v, want a table", text, places)
		}
	}
	if missing := found.Missing(texts); !reflect.DeepEqual(missing, []string{"nowhere"}) {
		t.Errorf("missing: %v", missing)
	}
	if err := found.Present([]string{"nowhere"}); err != nil {
		t.Error(err)
	}
	if err := found.Present(texts); err == nil || !strings.Contains(err.Error(), `"zstdSECRET" is in`) {
		t.Errorf("Present = %v", err)
	}
}
