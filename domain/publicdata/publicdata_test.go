package publicdata

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// pack makes a folder of data with one archive and one file of lines.
func pack(t *testing.T, examples int, lines string) {
	t.Helper()
	folder := t.TempDir()
	var archive bytes.Buffer
	zipped := gzip.NewWriter(&archive)
	files := tar.NewWriter(zipped)
	add := func(name string) {
		text := "text of " + name
		if err := files.WriteHeader(&tar.Header{Name: "folder/" + name, Mode: 0o600, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := files.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	add("index.txt")
	for i := range examples {
		add(fmt.Sprintf("e%d.json", i))
	}
	if err := files.Close(); err != nil {
		t.Fatal(err)
	}
	zipped.Close()
	var file bytes.Buffer
	zipped.Reset(&file)
	zipped.Write([]byte(lines))
	zipped.Close()
	for name, content := range map[string][]byte{"data/examples/r4b-examples.tar.gz": archive.Bytes(), "data/synthea/a.ndjson.gz": file.Bytes()} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("FHIRLOG_SHARED", folder)
}

type version string

func (v version) String() string { return string(v) }

func TestEachExample(t *testing.T) {
	pack(t, 700, "")
	var names []string
	EachExample(t, version("R4B"), func(name string, text []byte) {
		if names = append(names, name); string(text) != "text of "+name {
			t.Errorf("%s: %q", name, text)
		}
	})
	if len(names) != 700 || names[0] != "e0.json" || names[699] != "e699.json" {
		t.Errorf("%d examples: %v", len(names), names)
	}
}

func TestEachLine(t *testing.T) {
	pack(t, 0, "a\n\n  b \nc\nd")
	for most, want := range map[int][]string{9: {"a", "b", "c", "d"}, 2: {"a", "b"}, 4: {"a", "b", "c", "d"}} {
		var lines []string
		EachLine(t, Files(t, "synthea", "*.gz")[0], func(line []byte) bool {
			lines = append(lines, string(line))
			return len(lines) < most
		})
		if !slices.Equal(lines, want) {
			t.Errorf("at most %d: %q, want %q", most, lines, want)
		}
	}
}

// TestSkipped: a test that asks for what is not there does not fail.
func TestSkipped(t *testing.T) {
	t.Setenv("FHIRLOG_SHARED", "")
	t.Run("without the folder", func(t *testing.T) {
		defer func() {
			if !t.Skipped() {
				t.Error("it is not skipped")
			}
		}()
		Path(t, "x")
		t.Error("it goes on")
	})
}
