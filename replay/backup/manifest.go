package backup

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"fhirlog/eventlog"
	"fhirlog/eventlog/record"
)

// Format stands in every manifest.
const Format = "fhirlog-backup/1"

// ChunkBytes is how much of a file an object holds.
const ChunkBytes = 8 << 20

// mostManifest bounds a manifest: some terabytes of log.
const mostManifest = 256 << 20

// mostRuns is of how many runs a manifest tells.
const mostRuns = 1000

// Manifest says what a backup holds.
type Manifest struct {
	Format   string    `json:"format"`
	Run      uint64    `json:"run"` // counts the runs of a target, from 1
	Program  string    `json:"program"`
	Identity string    `json:"identity"` // of the log
	LogID    string    `json:"logId"`    // as it stands in each segment
	Records  uint64    `json:"records"`
	Signed   uint64    `json:"signed"` // so many of them by the last checkpoint
	Files    []File    `json:"files"`
	Segments []Segment `json:"segments"`
	Runs     []Summary `json:"runs"` // the latest, oldest first; this one is the last
}

// Summary tells of one run.
type Summary struct {
	Run     uint64    `json:"run"`
	Began   time.Time `json:"began"`
	Ended   time.Time `json:"ended"`
	Records uint64    `json:"records"`
	Instant int64     `json:"instant"` // of the last record, milliseconds since 1970
	Copied  int64     `json:"copied"`  // bytes
	Deleted int       `json:"deleted"` // objects of the runs before that are not needed any more
}

// File is a file and the chunks that it is made of.
type File struct {
	Path   string   `json:"path"` // in the data folder
	Bytes  int64    `json:"bytes"`
	Chunks []string `json:"chunks"` // their hashes
}

// Segment is a file of the log.
type Segment struct {
	File
	Number          uint32 `json:"number"`
	ID              string `json:"id"`
	Sealed          bool   `json:"sealed"`
	Encrypted       bool   `json:"encrypted,omitempty"`
	First           uint64 `json:"first"`
	Next            uint64 `json:"next"`
	PreviousInstant int64  `json:"previousInstant"`
	FirstInstant    int64  `json:"firstInstant"`
	LastInstant     int64  `json:"lastInstant"`
	PreviousChain   uint32 `json:"previousChain"`
	Chain           uint32 `json:"chain"`
}

func segmentOf(i *eventlog.SegmentInfo) Segment {
	return Segment{
		File:   File{Path: segmentFile(i.Number), Bytes: i.Bytes},
		Number: uint32(i.Number), ID: hex.EncodeToString(i.ID[:]), Sealed: i.Sealed, Encrypted: i.Encrypted,
		First: uint64(i.First), Next: uint64(i.Next),
		PreviousInstant: i.PreviousInstant, FirstInstant: i.FirstInstant, LastInstant: i.LastInstant,
		PreviousChain: uint32(i.PreviousChain), Chain: uint32(i.Chain),
	}
}

// info is what the segment has to be, by what the manifest says.
func (s *Segment) info(logID string) (eventlog.SegmentInfo, error) {
	i := eventlog.SegmentInfo{
		Number: eventlog.SegmentNumber(s.Number), Sealed: s.Sealed, Encrypted: s.Encrypted, Bytes: s.Bytes,
		First: eventlog.Position(s.First), Next: eventlog.Position(s.Next),
		PreviousInstant: s.PreviousInstant, FirstInstant: s.FirstInstant, LastInstant: s.LastInstant,
		PreviousChain: record.Chain(s.PreviousChain), Chain: record.Chain(s.Chain),
	}
	if !decodeHex(i.ID[:], s.ID) || !decodeHex(i.LogID[:], logID) {
		return i, fmt.Errorf("segment %d has no id of a file and a log", s.Number)
	}
	return i, nil
}

func decodeHex(dst []byte, text string) bool {
	if hex.DecodedLen(len(text)) != len(dst) || len(text)%2 != 0 {
		return false
	}
	_, err := hex.Decode(dst, []byte(text))
	return err == nil
}

func segmentFile(n eventlog.SegmentNumber) string { return eventlog.SegmentPath("log", n) }

// encode gives the manifest as it is stored.
func (m *Manifest) encode() ([]byte, error) {
	text, err := json.MarshalIndent(m, "", " ")
	return append(text, '\n'), err
}

// errFormat says that a backup was made by a later program.
var errFormat = errors.New("this program reads " + Format)

// parseManifest reads a manifest, and refuses one that does not fit together.
func parseManifest(text []byte) (*Manifest, error) {
	m := &Manifest{}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(m); err != nil {
		return nil, fmt.Errorf("not a manifest: %w", err)
	}
	if m.Format != Format {
		return nil, fmt.Errorf("the backup has the format %q; %w", m.Format, errFormat)
	}
	if decoder.More() {
		return nil, errors.New("something follows the manifest")
	}
	return m, m.check()
}

func (m *Manifest) check() error {
	var previous *eventlog.SegmentInfo
	for i := range m.Segments {
		s := &m.Segments[i]
		info, err := s.info(m.LogID)
		if err == nil {
			err = info.Continues(previous)
		}
		if err == nil {
			err = s.check()
		}
		switch {
		case err != nil:
			return err
		case s.Path != segmentFile(info.Number) || s.Next <= s.First || s.Bytes <= record.HeaderSize:
			return fmt.Errorf("segment %d is not described", s.Number)
		case !s.Sealed && i < len(m.Segments)-1:
			return fmt.Errorf("segment %d is not sealed, and there is one after it", s.Number)
		}
		previous = &info
	}
	if previous == nil || uint64(previous.Next) != m.Records || m.Signed > m.Records {
		return fmt.Errorf("the segments do not hold %d records", m.Records)
	}
	seen := map[string]bool{}
	for i := range m.Files {
		f := &m.Files[i]
		if err := f.check(); err != nil {
			return err
		}
		most := int64(mostOther)
		if f.Path == historyFile || f.Path == cosignedFile || f.Path == keyringFile {
			most = mostSmall
		}
		if f.Bytes > most {
			return fmt.Errorf("%s has %d bytes, which is more than there can be", f.Path, f.Bytes)
		}
		if seen[f.Path] || !isCopied(f.Path) {
			return fmt.Errorf("%q is no file of a backup", f.Path)
		}
		seen[f.Path] = true
	}
	if !seen[descriptionFile] {
		return fmt.Errorf("there is no %s", descriptionFile)
	}
	if i := slices.IndexFunc(m.Segments, func(s Segment) bool { return s.Encrypted }); i >= 0 && !seen[keyringFile] {
		return fmt.Errorf("segment %d is encrypted, and there is no %s", m.Segments[i].Number, keyringFile)
	}
	return nil
}

func (f *File) check() error {
	if f.Bytes < 0 || int64(len(f.Chunks)) != (f.Bytes+ChunkBytes-1)/ChunkBytes {
		return fmt.Errorf("%q of %d bytes has %d chunks", f.Path, f.Bytes, len(f.Chunks))
	}
	var hash [32]byte
	for _, chunk := range f.Chunks {
		if !decodeHex(hash[:], chunk) || hex.EncodeToString(hash[:]) != chunk {
			return fmt.Errorf("%q has a chunk without a hash", f.Path)
		}
	}
	return nil
}

// chunkBytes is the length of the n-th chunk.
func (f *File) chunkBytes(n int) int64 { return min(ChunkBytes, f.Bytes-int64(n)*ChunkBytes) }

// all gives every file, segments included.
func (m *Manifest) all() []*File {
	var all []*File
	for i := range m.Files {
		all = append(all, &m.Files[i])
	}
	for i := range m.Segments {
		all = append(all, &m.Segments[i].File)
	}
	return all
}

// chunks are the hashes of all chunks.
func (m *Manifest) chunks() map[string]bool {
	all := map[string]bool{}
	if m == nil {
		return all
	}
	for _, f := range m.all() {
		for _, chunk := range f.Chunks {
			all[chunk] = true
		}
	}
	return all
}

// Bytes is what all files take.
func (m *Manifest) Bytes() (total int64) {
	for _, f := range m.all() {
		total += f.Bytes
	}
	return total
}

// Last is the run that made the manifest.
func (m *Manifest) Last() Summary {
	if len(m.Runs) == 0 {
		return Summary{Run: m.Run, Records: m.Records}
	}
	return m.Runs[len(m.Runs)-1]
}

func (m *Manifest) file(path string) *File {
	for i := range m.Files {
		if m.Files[i].Path == path {
			return &m.Files[i]
		}
	}
	return nil
}
