package eventlog

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

func allocate(f *os.File, offset, length int64) error {
	for {
		err := unix.Fallocate(int(f.Fd()), 0, offset, length)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOSYS):
			// No reservation on this file system; the free-space check is all there is.
			return f.Truncate(offset + length)
		}
		return err
	}
}

func syncData(f *os.File) error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func freeBytes(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * s.Bsize, nil
}
