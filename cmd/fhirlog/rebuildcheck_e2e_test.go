package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestACheckWaitsForACompaction that a stop has interrupted: until it has ended, the
// projections hold what the log has no more.
func TestACheckWaitsForACompaction(t *testing.T) {
	s := startServer(t, t.TempDir(), "--compact-every", "0")
	s.must(201, "PUT", "/Patient/gone", `{"resourceType":"Patient","id":"gone","name":[{"family":"Sand"}]}`)
	s.must(204, "DELETE", "/Patient/gone?hardDelete=true", "")
	s.stop()
	marker := filepath.Join(s.data, "compacting")
	if err := os.WriteFile(marker, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, stderr, err := runProgram(t, "rebuild", "--check", "--data", s.data)
	if err == nil || !strings.Contains(stderr, "fhirlog compact") {
		t.Errorf("rebuild --check beside an interrupted compaction: %v\n%s", err, stderr)
	}
	if _, stderr, err := runProgram(t, "compact", "--data", s.data); err != nil {
		t.Fatalf("compact: %v\n%s", err, stderr)
	}
	if _, err := os.Stat(marker); !os.IsNotExist(err) {
		t.Errorf("the marker is there still: %v", err)
	}
	checkProjections(t, s.data)
}

// TestALostKeyIsTold when the log has records.
func TestALostKeyIsTold(t *testing.T) {
	s := startServer(t, t.TempDir())
	s.must(201, "POST", "/Patient", `{"resourceType":"Patient"}`)
	s.stop()
	if err := os.RemoveAll(filepath.Join(s.data, "proof")); err != nil {
		t.Fatal(err)
	}
	s = startServer(t, s.data)
	s.logLine("the log has records and no key that signs checkpoints of it: one was made; if there was one before, stop and bring the folder proof back from a backup")
	s.stop()
}
