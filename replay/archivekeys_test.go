package replay_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"fhirlog/eventlog"
	"fhirlog/eventlog/keyring"
	"fhirlog/replay"
)

// TestArchive_of_an_encrypted_log_changes_nothing, also where the log itself would drop
// the key of a file that a crash has left.
func TestArchive_of_an_encrypted_log_changes_nothing(t *testing.T) {
	dir := t.TempDir()
	operator := keyring.NewLocal([keyring.KeySize]byte{1})
	keys, err := keyring.Create(t.Context(), keyring.Options{Path: filepath.Join(dir, keyring.File), Operator: operator})
	if err != nil {
		t.Fatal(err)
	}
	o := eventlog.Options{Keys: keys}
	log, _, err := eventlog.Open(filepath.Join(dir, "log"), o)
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() { ran <- log.Run(t.Context()) }()
	a, err := log.Append(t.Context(), eventlog.Batch{Metadata: [][]byte{[]byte("one")}, Bodies: log.Pack([][]byte{[]byte("body")})})
	if err == nil {
		err = log.WaitDurable(t.Context(), a.First+1)
	}
	if err := errors.Join(err, log.Close(), <-ran); err != nil {
		t.Fatal(err)
	}
	left := "0123456789abcdef"
	if _, err := keys.New("segment-" + left); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "log", "compact-1-"+left+".tmp"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	before := hashes(t, dir)
	archive, err := replay.OpenArchive(filepath.Join(dir, "log"), "urn:test", o)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := archive.Log.Read(0); err != nil || string(r.Body) != "body" {
		t.Errorf("Read = %q, %v", r.Body, err)
	}
	if err := archive.Close(); err != nil {
		t.Error(err)
	}
	if !mapsEqual(before, hashes(t, dir)) {
		t.Error("the folder was changed")
	}
	if _, err := replay.OpenArchive(filepath.Join(dir, "log"), "urn:test", eventlog.Options{}); !errors.Is(err, eventlog.ErrEncrypted) {
		t.Errorf("OpenArchive without keys = %v, want ErrEncrypted", err)
	}
	// The log drops it: the test has not lost its grip.
	if log, _, err = eventlog.Open(filepath.Join(dir, "log"), o); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
	if _, err := keys.Key("segment-" + left); !errors.Is(err, keyring.ErrNoKey) {
		t.Errorf("Key of what a crash has left = %v, want ErrNoKey", err)
	}
}
