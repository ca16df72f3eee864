package store

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTableBytes(t *testing.T) {
	dir := t.TempDir()
	for name, size := range map[string]int{"000001.sst": 1000, "000002.sst": 234, "00001.mem": 5000} {
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if size, err := TableBytes(dir); err != nil || size != 1234 {
		t.Errorf("the tables have %d bytes, %v; want 1234", size, err)
	}
}

// TestTablesGrowWithTheFolder: they stay few, and small as long as the folder is.
func TestTablesGrowWithTheFolder(t *testing.T) {
	for _, c := range []struct{ tables, want int64 }{
		{0, 1 << 20}, {4 << 30, 1 << 20}, {8 << 30, 2 << 20}, {400 << 30, 100 << 20},
	} {
		if got := tableSize(c.tables); got != c.want {
			t.Errorf("tableSize(%d) = %d, want %d", c.tables, got, c.want)
		}
	}
}
