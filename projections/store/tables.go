package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// TableBytes is the size of the tables of a folder, open or not. What Badger tells
// of it may be a minute old.
func TableBytes(dir string) (total int64, err error) {
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	for _, path := range tables {
		info, failed := os.Stat(path)
		switch {
		case failed == nil:
			total += info.Size()
		case !errors.Is(failed, fs.ErrNotExist): // one that was merged meanwhile
			err = errors.Join(err, failed)
		}
	}
	return total, err
}
