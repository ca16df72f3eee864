package projections

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"fhirlog/eventlog"
	"fhirlog/projections/store"
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
		if err := eventlog.Disk().SyncDir(filepath.Dir(dir)); err != nil {
			return err
		}
	} else if err := os.RemoveAll(successor); err != nil {
		return fmt.Errorf("remove unfinished projections: %w", err)
	}
	return removeFile(filepath.Join(dir, tookOver))
}

// Install puts the successor of a folder, which is complete and closed, in its place.
func Install(o Options) error {
	if err := setTookOver(o.Dir, true); err != nil {
		return err
	}
	if err := Settle(o.Dir); err != nil {
		return err
	}
	return dropKeys(o)
}

// dropKeys drops the keys of folders that are there no more.
func dropKeys(o Options) error { return store.DropKeys(o.Store.Keys, o.Dir, SuccessorOf(o.Dir)) }

// setTookOver says, for good, whether the successor of dir is in force. Both
// folders are there then, whatever happens.
func setTookOver(dir string, successor bool) error {
	in := SuccessorOf(dir)
	err := eventlog.Disk().SyncDir(filepath.Dir(dir)) // the folder that takes over may be new
	switch {
	case err != nil:
	case successor:
		err = createFile(filepath.Join(in, tookOver))
	default:
		err = removeFile(filepath.Join(in, tookOver))
	}
	if err == nil {
		err = eventlog.Disk().SyncDir(in)
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
