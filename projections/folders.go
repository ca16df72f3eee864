package projections

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// A rebuild makes a second folder beside the one that answers. Badger does not
// survive that its folder is renamed while it is open, so which of the two is in
// force is said by a file:
//
//	projections/                        in force, unless the next line holds
//	projections.rebuild/TOOK_OVER       projections.rebuild is in force
//
// The file is made, or removed, and synced, when the new folder has everything
// that the other one has, and before the other one is given up. The folder that
// is not in force may be whole, half built, half removed or missing: nobody looks
// into it.

// tookOver is the file in a successor that is in force.
const tookOver = "TOOK_OVER"

// SuccessorOf is the folder beside dir in which a rebuild may be made.
func SuccessorOf(dir string) string { return dir + ".rebuild" }

// Settle leaves one folder, dir, with what is in force, after a stop at whatever
// moment. Nobody may have either of the two open.
func Settle(dir string) error {
	successor := SuccessorOf(dir)
	inForce, err := exists(filepath.Join(successor, tookOver))
	if err != nil {
		return fmt.Errorf("look for rebuilt projections: %w", err)
	}
	if inForce {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("remove the projections that were rebuilt: %w", err)
		}
		if err := os.Rename(successor, dir); err != nil {
			return fmt.Errorf("move the rebuilt projections into place: %w", err)
		}
		if err := syncFolder(filepath.Dir(dir)); err != nil {
			return err
		}
	} else if err := os.RemoveAll(successor); err != nil {
		return fmt.Errorf("remove unfinished projections: %w", err)
	}
	return removeFile(filepath.Join(dir, tookOver))
}

// Install puts the successor of dir, which is complete and closed, in its place.
func Install(dir string) error {
	if err := setTookOver(dir, true); err != nil {
		return err
	}
	return Settle(dir)
}

// setTookOver says, for good, whether the successor of dir is in force. Both
// folders are there then, whatever happens.
func setTookOver(dir string, successor bool) error {
	in := SuccessorOf(dir)
	err := syncFolder(filepath.Dir(dir)) // the folder that takes over may be new
	switch {
	case err != nil:
	case successor:
		err = createFile(filepath.Join(in, tookOver))
	default:
		err = removeFile(filepath.Join(in, tookOver))
	}
	if err == nil {
		err = syncFolder(in)
	}
	if err != nil {
		return fmt.Errorf("note which projections are in force: %w", err)
	}
	return nil
}

func exists(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func createFile(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// removeFile removes a file that may be there.
func removeFile(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// freeBytes is the room on the disk of a folder.
func freeBytes(dir string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("ask for the room on the disk: %w", err)
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}
