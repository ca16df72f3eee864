// Package publicdata hands large sets of public resources to tests: HL7's examples and
// test cases, and Synthea's patients. They are not part of the project. The variable
// FHIRLOG_SHARED names the folder that holds them; without it a test that asks is
// skipped. What does not read as it should ends the test.
//
//	data/examples      HL7's examples, one archive for each FHIR version
//	data/synthea/dev   Synthea's Bundles and bulk exports, a resource to a line
//	data/testcases     HL7's test cases, and those of JSON Patch
//	data/definitions   tables that another program distilled from HL7's packages
//
// It is not in the binary.
package publicdata

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Path is the path of something in the folder's data.
func Path(t testing.TB, below ...string) string {
	t.Helper()
	folder := os.Getenv("FHIRLOG_SHARED")
	if folder == "" {
		t.Skip("FHIRLOG_SHARED does not name the folder of shared data")
	}
	return filepath.Join(append([]string{folder, "data"}, below...)...)
}

// Read reads a file.
func Read(t testing.TB, below ...string) []byte {
	t.Helper()
	text, err := os.ReadFile(Path(t, below...))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Files are the files of a pattern, one at least.
func Files(t testing.TB, pattern ...string) []string {
	t.Helper()
	files, err := filepath.Glob(Path(t, pattern...))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s: %v", filepath.Join(pattern...), err)
	}
	return files
}

// EachExample calls visit for each of HL7's examples of a FHIR version, such as
// definitions.R4. There are hundreds of each.
func EachExample(t testing.TB, version fmt.Stringer, visit func(name string, text []byte)) {
	t.Helper()
	unpacked, done := unpack(t, Path(t, "examples", strings.ToLower(version.String())+"-examples.tar.gz"))
	defer done()
	count := 0
	for files := tar.NewReader(unpacked); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(header.Name, ".json") {
			continue
		}
		text, err := io.ReadAll(files)
		if err != nil {
			t.Fatal(err)
		}
		count++
		visit(filepath.Base(header.Name), text)
	}
	if count < 600 {
		t.Fatalf("there are %d examples of %s", count, version)
	}
}

// EachLine calls visit for each line of a compressed file that is not empty, until it
// answers false. It may keep the line.
func EachLine(t testing.TB, path string, visit func(line []byte) bool) {
	t.Helper()
	unpacked, done := unpack(t, path)
	defer done()
	for lines := bufio.NewReaderSize(unpacked, 1<<20); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if line = bytes.TrimSpace(line); len(line) > 0 && !visit(line) || err != nil {
			return
		}
	}
}

// unpack reads a compressed file, until done is called.
func unpack(t testing.TB, path string) (unpacked io.Reader, done func()) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err = gzip.NewReader(file)
	if err != nil {
		file.Close()
		t.Fatal(err)
	}
	return unpacked, func() { file.Close() }
}
