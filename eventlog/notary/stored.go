package notary

import (
	"bytes"
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

// Stored is the folder of a notary as it lies on disk, for whoever reads it and
// changes nothing.
type Stored struct {
	// PublicKey is what the folder says; empty if it says nothing.
	PublicKey string
	// Signed are the checkpoints, as they are; Cosigned those that witnesses have
	// cosigned.
	Signed, Cosigned [][]byte
	// Torn is how many bytes follow the last signed one: of a checkpoint that was never
	// published, if they are few.
	Torn int

	levels [merkle.TileLevels]eventlog.File // nil where there is no file
	done   [merkle.TileLevels]uint64        // entries compared
	known  []byte
}

// ReadStored reads the folder. One that is not there has no checkpoints.
func ReadStored(disk eventlog.FileSystem, dir string) (*Stored, error) {
	s := &Stored{}
	public, err := readSmall(disk, filepath.Join(dir, PublicKeyFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	s.PublicKey = strings.TrimSpace(public)
	if s.Signed, s.Torn, err = readHistory(disk, filepath.Join(dir, HistoryFile)); err != nil {
		return nil, err
	}
	if s.Cosigned, _, err = readHistory(disk, filepath.Join(dir, CosignedFile)); err != nil {
		return nil, err
	}
	for i := range s.levels {
		s.levels[i], err = disk.OpenRead(filepath.Join(dir, "level-"+strconv.Itoa(i)))
		if errors.Is(err, fs.ErrNotExist) {
			s.levels[i] = nil
		} else if err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// readHistory reads all checkpoints of a file, which need not be there; torn is how
// many bytes follow the last one.
func readHistory(disk eventlog.FileSystem, path string) (signed [][]byte, torn int, err error) {
	file, err := disk.OpenRead(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	size, err := file.Size()
	if err != nil {
		return nil, 0, err
	}
	text := make([]byte, size)
	if n, err := file.ReadAt(text, 0); n < len(text) {
		return nil, 0, fmt.Errorf("read the checkpoints: %w", err)
	}
	for {
		one, rest, ok := merkle.NextInHistory(text)
		if !ok {
			break
		}
		signed = append(signed, one)
		text = rest
	}
	if len(text) > merkle.MaxSignedBytes {
		return nil, 0, fmt.Errorf("%s is damaged after checkpoint %d: %d bytes are none", path, len(signed), len(text))
	}
	return signed, len(text), nil
}

// Compare compares the next entries of each level with what is on disk. Where the
// files end it is for the caller to say whether they should (see Compared).
func (s *Stored) Compare(entries *merkle.Levels) error {
	for level, computed := range entries {
		if len(computed) == 0 || s.levels[level] == nil {
			continue
		}
		s.known = append(s.known[:0], computed...) // for its length
		n, err := s.levels[level].ReadAt(s.known, int64(s.done[level])*merkle.HashSize)
		if n < len(s.known) && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read level %d of the tree: %w", level, err)
		}
		for i := 0; i+merkle.HashSize <= n; i += merkle.HashSize {
			if !bytes.Equal(s.known[i:i+merkle.HashSize], computed[i:i+merkle.HashSize]) {
				return &TreeError{Level: level, Entry: s.done[level]}
			}
			s.done[level]++
		}
	}
	return nil
}

// Compared says whether what was compared is all of a tree of that size.
func (s *Stored) Compared(size uint64) error {
	for level, done := range s.done {
		if done < merkle.Entries(size, level) {
			return &TreeError{Level: level, Entry: done, Missing: true}
		}
	}
	return nil
}

// Close releases the files.
func (s *Stored) Close() error {
	var faults []error
	for _, file := range s.levels {
		if file != nil {
			faults = append(faults, file.Close())
		}
	}
	return errors.Join(faults...)
}

// TreeError says that an entry on disk is not what the log gives. The tree is
// derived from the log; a start of the server mends it, or the check that it makes
// once a day.
type TreeError struct {
	Level   int
	Entry   uint64
	Missing bool
}

// Error names the entry.
func (e *TreeError) Error() string {
	what := "is not what the log gives"
	if e.Missing {
		what = "is missing"
	}
	return fmt.Sprintf("the stored tree is damaged: entry %d of level %d %s", e.Entry, e.Level, what)
}
