package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"fhirlog/eventlog"
)

// Folder is a target on a disk.
type Folder struct {
	disk eventlog.FileSystem
	dir  string
	lock io.Closer // nil when it is only read
}

var _ Target = (*Folder)(nil)

// partial begins the names of files that are being written.
const partial = "partial-"

// OpenFolder opens a folder to read a backup from.
func OpenFolder(disk eventlog.FileSystem, dir string) *Folder {
	return &Folder{disk: disk, dir: filepath.Clean(dir)}
}

// OpenFolderToWrite opens a folder, which is made if need be, to make a backup in. It
// fails with eventlog.ErrLocked while another run has it. What a run that was stopped
// has left half written is removed.
func OpenFolderToWrite(disk eventlog.FileSystem, dir string) (*Folder, error) {
	f := OpenFolder(disk, dir)
	for _, sub := range []string{f.dir, filepath.Join(f.dir, chunkPrefix), filepath.Join(f.dir, manifestPrefix)} {
		if err := disk.MakeDir(sub); err != nil {
			return nil, err
		}
		if err := disk.SyncDir(filepath.Dir(sub)); err != nil {
			return nil, fmt.Errorf("sync parent folder: %w", err)
		}
	}
	var err error
	if f.lock, err = disk.Lock(filepath.Join(f.dir, "lock")); err != nil {
		return nil, err
	}
	for _, sub := range []string{chunkPrefix, manifestPrefix} {
		if err := f.tidy(sub); err != nil {
			return nil, errors.Join(fmt.Errorf("remove what is half written: %w", err), f.Close())
		}
	}
	return f, nil
}

func (f *Folder) tidy(sub string) error {
	names, err := f.disk.List(filepath.Join(f.dir, sub))
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasPrefix(name, partial) {
			if err := f.disk.Remove(filepath.Join(f.dir, sub, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Close lets others write.
func (f *Folder) Close() error {
	if f.lock == nil {
		return nil
	}
	return f.lock.Close()
}

func (f *Folder) path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

// Put writes a file under another name, and renames it when it is durable.
func (f *Folder) Put(_ context.Context, name string, content []byte) error {
	temporary := f.path(path.Join(path.Dir(name), partial+path.Base(name)))
	if err := f.disk.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := writeNew(f.disk, temporary, content); err != nil {
		return err
	}
	if err := f.disk.Rename(temporary, f.path(name)); err != nil {
		return err
	}
	return f.disk.SyncDir(filepath.Dir(temporary))
}

// Get opens a file.
func (f *Folder) Get(_ context.Context, name string) (io.ReadCloser, error) {
	file, err := f.disk.OpenRead(f.path(name))
	if err != nil {
		return nil, err
	}
	size, err := file.Size()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(file, 0, size), file}, nil
}

// List lists a folder of the folder.
func (f *Folder) List(_ context.Context, prefix string) ([]string, error) {
	names, err := f.disk.List(f.path(prefix))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	all := names[:0]
	for _, name := range names {
		if !strings.HasPrefix(name, partial) {
			all = append(all, prefix+name)
		}
	}
	return all, err
}

// Delete removes a file.
func (f *Folder) Delete(_ context.Context, name string) error {
	if err := f.disk.Remove(f.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return f.disk.SyncDir(filepath.Dir(f.path(name)))
}

// writeNew makes a file that is durable but for its name.
func writeNew(disk eventlog.FileSystem, path string, content []byte) error {
	file, err := disk.Create(path)
	if err != nil {
		return err
	}
	_, err = file.WriteAt(content, 0)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}
