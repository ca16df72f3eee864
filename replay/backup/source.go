package backup

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"fhirlog/eventlog"
	"fhirlog/eventlog/merkle"
)

// Source is the data folder that a backup is made of. A server may have it open.
type Source struct {
	FS       eventlog.FileSystem // default the real disk
	Dir      string
	Identity string           // of the log
	Log      eventlog.Options // FS and Keys excepted
	OpenKeys OpenKeys         // needed if the log is encrypted
	// WithKey copies the private key as well: whoever reads the backup can then sign in
	// the name of the log. A later run without it deletes it from the target.
	WithKey bool
}

func (s *Source) log() string { return filepath.Join(s.Dir, "log") }

// smallFile is a file that is read whole.
type smallFile struct {
	path    string
	content []byte
}

// mostSmall bounds a history of checkpoints, which has some hundred bytes a minute;
// mostOther all other small files.
const (
	mostSmall = 4 << 30
	mostOther = 1 << 20
)

// small reads what is beside the segments. It comes before them: checkpoints are made
// of records that are durable, so the records of these will be found.
func (s *Source) small() (files []smallFile, lastSigned uint64, err error) {
	wanted := []string{descriptionFile, historyFile, cosignedFile, publicKeyFile, ancestorKeyFile, ancestorPrefixFile}
	if s.WithKey {
		wanted = append(wanted, keyFile)
	}
	for _, path := range wanted {
		content, err := readFile(s.FS, filepath.Join(s.Dir, filepath.FromSlash(path)))
		if errors.Is(err, fs.ErrNotExist) && path != descriptionFile {
			if path == keyFile {
				return nil, 0, fmt.Errorf("%s has no private key to be copied: it is given to the server from elsewhere, or none was made yet", s.Dir)
			}
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		if path == historyFile || path == cosignedFile {
			var last uint64
			if content, last, err = wholeHistory(path, content); err != nil {
				return nil, 0, err
			}
			lastSigned = max(lastSigned, last)
		}
		files = append(files, smallFile{path, content})
	}
	return files, lastSigned, nil
}

// wholeHistory is a history of checkpoints without the one that is being written.
func wholeHistory(path string, text []byte) (whole []byte, last uint64, err error) {
	rest := text
	for {
		signed, after, ok := merkle.NextInHistory(rest)
		if !ok {
			break
		}
		checkpoint, err := merkle.CheckpointOf(signed)
		if err != nil {
			return nil, 0, fmt.Errorf("%s is damaged %d bytes from its end: %w", path, len(rest), err)
		}
		last, rest = checkpoint.Size, after
	}
	if len(rest) > merkle.MaxSignedBytes {
		return nil, 0, fmt.Errorf("%s is damaged: %d bytes at its end are no checkpoint", path, len(rest))
	}
	return text[:len(text)-len(rest)], last, nil
}

func readFile(disk eventlog.FileSystem, path string) ([]byte, error) {
	file, err := disk.OpenRead(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	size, err := file.Size()
	if err == nil && size > mostSmall {
		err = fmt.Errorf("%s has %d bytes, which is more than there can be", path, size)
	}
	if err != nil {
		return nil, err
	}
	content := make([]byte, size)
	if n, err := file.ReadAt(content, 0); n < len(content) {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return content, nil
}

// segments looks at all segments there are, from the first to one that is not sealed
// or has none after it.
func (s *Source) segments(r *eventlog.SegmentReader) ([]eventlog.SegmentInfo, error) {
	var all []eventlog.SegmentInfo
	for n := eventlog.SegmentNumber(1); ; n++ {
		info, err := s.peek(r, n)
		if errors.Is(err, fs.ErrNotExist) {
			later, err := s.after(n)
			if err != nil || !later {
				return all, err
			}
			// It came between the two looks, or is missing.
			if info, err = s.peek(r, n); errors.Is(err, fs.ErrNotExist) {
				return nil, &eventlog.CorruptError{Segment: n, Err: errors.New("segment is missing")}
			}
			if err != nil {
				return nil, err
			}
		} else if err != nil {
			return nil, err
		}
		all = append(all, info)
	}
}

// peek reads what opens and closes a segment.
func (s *Source) peek(r *eventlog.SegmentReader, n eventlog.SegmentNumber) (info eventlog.SegmentInfo, err error) {
	err = s.opened(n, func(file eventlog.File) (err error) {
		info, err = r.Peek(file, n)
		return err
	})
	return info, err
}

// after tells whether there is a segment of that number or a higher one.
func (s *Source) after(n eventlog.SegmentNumber) (bool, error) {
	names, err := s.FS.List(s.log())
	if err != nil {
		return false, fmt.Errorf("list the segments: %w", err)
	}
	for _, name := range names {
		digits, ok := strings.CutSuffix(name, ".seg")
		if !ok {
			continue
		}
		if number, err := strconv.ParseUint(digits, 10, 32); err == nil && number >= uint64(n) {
			return true, nil
		}
	}
	return false, nil
}

// pieces calls fn with each chunk of a file. The memory is that of the buffer, which
// grows if need be, and is used again.
func pieces(from io.ReaderAt, bytes int64, buffer *[]byte, fn func(chunk []byte) error) error {
	if most := min(ChunkBytes, bytes); int64(len(*buffer)) < most {
		*buffer = make([]byte, most)
	}
	for at := int64(0); at < bytes; at += ChunkBytes {
		chunk := (*buffer)[:min(ChunkBytes, bytes-at)]
		if n, err := from.ReadAt(chunk, at); n < len(chunk) {
			return err
		}
		if err := fn(chunk); err != nil {
			return err
		}
	}
	return nil
}
