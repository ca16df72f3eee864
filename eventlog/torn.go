package eventlog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"fhirlog/eventlog/record"
)

// setTornAside decides what the bytes after the last whole commit are.
func (l *Log) setTornAside(a *activeScan, r *Recovery) error {
	if a.sealing {
		// The index of a seal that a crash interrupted: it will be made again.
		return a.truncate()
	}
	if a.invalidAt < 0 {
		return nil
	}
	lastByte, err := lastNonZero(a.file, a.end, a.size)
	if err != nil || lastByte < 0 {
		return err // allocated ahead and never written
	}
	if err := a.searchEvidence(); err != nil {
		return err
	}
	name, err := l.keepTorn(a, lastByte+1)
	if err != nil {
		return fmt.Errorf("set torn tail of segment %d aside: %w", a.segment.number, err)
	}
	r.TornFile, r.TornSegment, r.TornOffset, r.TornBytes = name, a.segment.number, a.end, lastByte+1-a.end
	return a.truncate()
}

// searchEvidence looks for a frame which proves that the invalid bytes had been
// durable, and so are damaged.
func (a *activeScan) searchEvidence() error {
	damaged := a.segment.corrupt(a.invalidAt, errors.New("no valid frame, and what follows proves that one was there"))
	header := make([]byte, 64<<10)
	for at := a.invalidAt + record.Alignment; at < a.size; {
		n, err := a.file.ReadAt(header, at)
		if n < record.FrameHeaderSize {
			if err != nil && !errors.Is(err, io.EOF) {
				return fmt.Errorf("read segment %d: %w", a.segment.number, err)
			}
			return nil
		}
		i := 0
		for ; i+record.FrameHeaderSize <= n; i += record.Alignment {
			if _, err := record.DecodeFrameHeader(header[i:n], a.segment.key); err != nil {
				continue
			}
			f := newFrames(a.file, a.segment.key, at+int64(i), a.size)
			frame, err := f.next()
			proves := err == nil && provesDurable(frame, a.invalidAt)
			f.release()
			if proves {
				return damaged
			}
			if err != nil && !errors.Is(err, record.ErrInvalid) {
				return fmt.Errorf("segment %d: %w", a.segment.number, err)
			}
		}
		at += int64(i)
	}
	return nil
}

// provesDurable reports whether a valid frame says that offset was durable.
func provesDurable(frame record.Frame, offset int64) bool {
	switch frame.Kind {
	case record.KindIndex, record.KindTrailer:
		return true
	case record.KindCommit:
		c, err := record.DecodeCommit(frame)
		return err == nil && c.SyncedThrough > offset
	}
	return false
}

// createTorn makes the file for a torn tail. A recovery that was interrupted may
// have left one of the same name, maybe incomplete: it is let be.
func (l *Log) createTorn(a *activeScan) (name string, out File, err error) {
	for n := 1; ; n++ {
		name = fmt.Sprintf("torn-%08d-%d-%d.bin", a.segment.number, a.end, n)
		out, err = l.fs.Create(filepath.Join(l.dir, name))
		if !errors.Is(err, fs.ErrExist) {
			return name, out, err
		}
	}
}

// keepTorn copies the torn bytes to a file of their own, durably.
func (l *Log) keepTorn(a *activeScan, end int64) (name string, err error) {
	name, out, err := l.createTorn(a)
	if err != nil {
		return "", err
	}
	if err := copyRange(out, a.file, a.end, end); err != nil {
		return "", errors.Join(err, out.Close())
	}
	if err := errors.Join(out.Sync(), out.Close()); err != nil {
		return "", err
	}
	return name, l.fs.SyncDir(l.dir)
}

// copyRange copies the bytes from start to end to the start of another file.
func copyRange(to io.WriterAt, from io.ReaderAt, start, end int64) error {
	buffer := make([]byte, min(end-start, 1<<20))
	for at := start; at < end; {
		chunk := buffer[:min(int64(len(buffer)), end-at)]
		if _, err := from.ReadAt(chunk, at); err != nil {
			return err
		}
		if _, err := to.WriteAt(chunk, at-start); err != nil {
			return err
		}
		at += int64(len(chunk))
	}
	return nil
}

func (a *activeScan) truncate() error {
	if err := a.file.Truncate(a.end); err != nil {
		return fmt.Errorf("truncate segment %d: %w", a.segment.number, err)
	}
	if err := a.file.Sync(); err != nil {
		return fmt.Errorf("sync segment %d: %w", a.segment.number, err)
	}
	a.size = a.end
	return nil
}

// makeDurable writes what may not have been durable once more and syncs it. To
// sync alone would not do: after a failed sync the kernel takes the pages for
// clean, so they would be readable now and gone after a power cut.
func (a *activeScan) makeDurable() error {
	start := min(a.syncedThrough, a.end)
	buffer := make([]byte, min(a.end-start, 1<<20))
	for at := start; at < a.end; {
		chunk := buffer[:min(int64(len(buffer)), a.end-at)]
		if _, err := a.file.ReadAt(chunk, at); err != nil {
			return fmt.Errorf("read segment %d: %w", a.segment.number, err)
		}
		if _, err := a.file.WriteAt(chunk, at); err != nil {
			return fmt.Errorf("write segment %d: %w", a.segment.number, err)
		}
		at += int64(len(chunk))
	}
	if err := a.file.SyncData(); err != nil {
		return fmt.Errorf("sync segment %d: %w", a.segment.number, err)
	}
	return nil
}

// lastNonZero finds the last byte in [start, end) that is not zero, or -1.
func lastNonZero(file io.ReaderAt, start, end int64) (int64, error) {
	buffer := make([]byte, 64<<10)
	for end > start {
		chunk := buffer[:min(int64(len(buffer)), end-start)]
		at := end - int64(len(chunk))
		if _, err := file.ReadAt(chunk, at); err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		for i := len(chunk) - 1; i >= 0; i-- {
			if chunk[i] != 0 {
				return at + int64(i), nil
			}
		}
		end = at
	}
	return -1, nil
}
