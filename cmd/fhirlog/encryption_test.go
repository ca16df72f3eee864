package main

import (
	"os"
	"path/filepath"
	"testing"

	"fhirlog/eventlog/keyring"
	"fhirlog/projections/store"
)

// testKey is the variable of the environment that has every program under test work with
// a key: TEST_ENCRYPTION_KEY=file:/some/key go test ./cmd/fhirlog runs all of them
// encrypted.
const testKey = "TEST_ENCRYPTION_KEY"

// useKey makes a key, and has all programs that the test runs work with it. It returns
// the path of the file.
func useKey(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if stdout, stderr, err := runProgram(t, "key", "new", path); err != nil {
		t.Fatalf("key new: %v\n%s%s", err, stdout, stderr)
	}
	t.Setenv(testKey, "file:"+path)
	return path
}

// unlocked opens a data folder that no server is running on, with the key that the
// programs have.
func unlocked(t testing.TB, data string) *folder {
	t.Helper()
	f, err := openFolder(data, "")
	if err == nil {
		var c encryptionFlags
		if source := os.Getenv(testKey); source != "" {
			c.EncryptionKey = []string{source}
		}
		err = f.unlock(t.Context(), c, toWrite)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// folderKeys are the keys that are in a data folder; nil if it is not encrypted.
func folderKeys(t testing.TB, data string) store.Keys {
	t.Helper()
	if _, err := os.Stat(filepath.Join(data, keyring.File)); err != nil {
		return nil
	}
	return unlocked(t, data).keys
}

// skipEncrypted is for what reads or writes the bytes of frames by itself.
func skipEncrypted(t testing.TB) {
	if os.Getenv(testKey) != "" {
		t.Skip("everything is encrypted")
	}
}
