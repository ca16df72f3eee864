package backup

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

const goodManifest = `{"format":"fhirlog-backup/1","run":2,"identity":"one","logId":"000102030405060708090a0b0c0d0e0f","records":7,"signed":3,
"files":[{"path":"fhirlog.json","bytes":5,"chunks":["2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"]}],
"segments":[{"path":"log/00000001.seg","bytes":400,"chunks":["2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"],"number":1,"id":"0001020304050607","sealed":true,"first":0,"next":5,"firstInstant":1,"lastInstant":9,"chain":77},
{"path":"log/00000002.seg","bytes":400,"chunks":["2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"],"number":2,"id":"0001020304050608","first":5,"next":7,"previousInstant":9,"firstInstant":9,"lastInstant":10,"previousChain":77,"chain":78}],
"runs":[{"run":1,"records":5},{"run":2,"records":7}]}`

// TestManifestsThatDoNotFitAreRefused changes one thing at a time.
func TestManifestsThatDoNotFitAreRefused(t *testing.T) {
	if _, err := parseManifest([]byte(goodManifest)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ old, new, want string }{
		"another format":           {"fhirlog-backup/1", "fhirlog-backup/2", "this program reads"},
		"no JSON":                  {`"run":2,`, `"run":`, "not a manifest"},
		"something follows":        {`"records":7}]}`, `"records":7}]}{}`, "follows"},
		"a gap of positions":       {`"first":5`, `"first":6`, "starts at position 6"},
		"another chain":            {`"previousChain":77`, `"previousChain":7`, "chain"},
		"a gap of instants":        {`"previousInstant":9`, `"previousInstant":8`, "instants"},
		"a segment twice":          {`"number":2`, `"number":1`, "missing"},
		"a way out":                {`"log/00000001.seg"`, `"../00000001.seg"`, "not described"},
		"another file":             {`"fhirlog.json"`, `"/etc/passwd"`, "no file of a backup"},
		"a chunk too few":          {`"bytes":400`, `"bytes":9000000`, "chunks"},
		"a negative size":          {`"bytes":5`, `"bytes":-5`, "chunks"},
		"a large description":      {`"bytes":5,"chunks":[`, `"bytes":8388609,"chunks":["2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",`, "more than there can be"},
		"no hash":                  {`"2cf2`, `"../2`, "without a hash"},
		"a hash in capitals":       {`"2cf2`, `"2CF2`, "without a hash"},
		"a short id":               {`"0001020304050607"`, `"00"`, "no id"},
		"more records":             {`"records":7,`, `"records":8,`, "do not hold"},
		"more signed than records": {`"signed":3`, `"signed":8`, "do not hold"},
		"unsealed in between":      {`"sealed":true,`, ``, "not sealed"},
	} {
		text := strings.Replace(goodManifest, c.old, c.new, 1)
		if text == goodManifest {
			t.Fatalf("%s: nothing is changed", name)
		}
		if _, err := parseManifest([]byte(text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// FuzzManifest: what is taken is taken again as it is written, and names nothing
// outside of a data folder.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(goodManifest))
	f.Add([]byte(`{"format":"fhirlog-backup/1","files":[{"path":"fhirlog.json"}]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parseManifest(text)
		if err != nil {
			return
		}
		for _, file := range m.all() {
			if !isCopied(file.Path) && !strings.HasPrefix(file.Path, "log/0") || strings.Contains(file.Path, "..") {
				t.Errorf("path %q", file.Path)
			}
			total := int64(0)
			for i := range file.Chunks {
				if n := file.chunkBytes(i); n < 1 || n > ChunkBytes {
					t.Errorf("chunk %d of %q has %d bytes", i, file.Path, n)
				}
				total += file.chunkBytes(i)
			}
			if total != file.Bytes {
				t.Errorf("%q has %d bytes, its chunks %d", file.Path, file.Bytes, total)
			}
		}
		again, err := m.encode()
		if err != nil {
			t.Fatal(err)
		}
		second, err := parseManifest(again)
		if err != nil {
			t.Fatalf("%v:\n%s", err, again)
		}
		a, _ := json.Marshal(m)
		b, _ := json.Marshal(second)
		if !bytes.Equal(a, b) {
			t.Errorf("%s\nbecame\n%s", a, b)
		}
	})
}
