package jsondiff_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fhirlog/domain/fhirjson"
	"fhirlog/domain/jsondiff"
	"fhirlog/domain/patch"
)

// TestSharedResources compares each resource of a bulk export with the one before it of
// the same file, as two versions that differ much, and has the patch applied by what
// serves PATCH. The data are not part of the project: FHIRLOG_SHARED names the folder
// that holds them.
func TestSharedResources(t *testing.T) {
	folder := os.Getenv("FHIRLOG_SHARED")
	if folder == "" {
		t.Skip("FHIRLOG_SHARED does not name the folder of shared data")
	}
	compared, operations := 0, 0
	err := filepath.WalkDir(filepath.Join(folder, "data", "synthea", "dev", "bulk-r4-2019"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".ndjson.gz") {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		unpacked, err := gzip.NewReader(file)
		if err != nil {
			return err
		}
		lines := bufio.NewScanner(unpacked)
		lines.Buffer(nil, 64<<20)
		var before fhirjson.Value
		for lines.Scan() {
			after := parse(t, string(bytes.Clone(lines.Bytes())))
			if before.Exists() {
				changes := jsondiff.Of(before, after)
				p, err := patch.ParseJSON(jsondiff.AppendPatch(nil, changes))
				if err != nil {
					t.Fatal(err)
				}
				made, err := p.Apply(before)
				if err != nil || !fhirjson.Equal(made.Root(), after) {
					t.Fatalf("%s: %v\nbefore %s\nafter  %s", path, err, before.Raw(), after.Raw())
				}
				compared++
				operations += len(changes)
			}
			before = after
		}
		return lines.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	if compared < 9_000 {
		t.Errorf("only %d pairs", compared)
	}
	t.Logf("%d pairs, %d operations", compared, operations)
}
