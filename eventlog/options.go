package eventlog

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// Options of a log. The zero value works.
type Options struct {
	// FS is the disk; default the real one.
	FS FileSystem
	// Clock gives instants; default time.Now. A clock that goes back does not
	// make instants go back.
	Clock func() time.Time
	// Random gives seeds and ids; default crypto/rand. Tests fix it. It must be
	// safe for concurrent use.
	Random io.Reader

	// SegmentBytes is the size of a segment file; default 64 MiB, at least
	// 4 KiB. A commit that is larger gets a segment of its own size.
	SegmentBytes int64
	// BlockBytes is how much of the bodies of one commit is compressed
	// together; default 16 KiB. Larger blocks are smaller on disk and slower to
	// read one body from.
	BlockBytes int
	// Dictionary is the zstd dictionary for what is written from now on; without
	// one, plain zstd. A segment has one dictionary: another one than that of
	// the active segment makes the next append start a new segment.
	Dictionary []byte
	// Dictionaries are older ones that segments may still need.
	Dictionaries [][]byte
	// Keys, if set, encrypt the log: what is written from now on goes to encrypted
	// segments, and a compaction writes those anew that are not. Without keys a log that
	// has encrypted segments does not open: ErrEncrypted.
	Keys Keys

	// MaxCommitBytes bounds one commit on disk; default 512 MiB.
	MaxCommitBytes int64
	// MinFreeBytes is what the log leaves free on the disk; default 64 MiB,
	// negative for nothing. An append that would need more space is refused, and each
	// one while others have used that space.
	MinFreeBytes int64
	// QueueBytes bounds what waits to be written; default 32 MiB. Append blocks
	// while there is more; the last one in may exceed it.
	QueueBytes int64
	// TailBytes bounds the memory of recent records that followers are served
	// from; default 8 MiB.
	TailBytes int64
	// CacheBytes bounds the memory of decompressed blocks; default 4 MiB,
	// negative for no cache.
	CacheBytes int64
	// OpenSegments bounds the file handles kept for reading; default 128.
	OpenSegments int

	// Gather says whether other commits are on their way: the writer then holds
	// a group back, at most MaxGather from the first commit of it. Default:
	// never; the sync of one group is the time in which the next one gathers.
	// It is called without locks, often, and must be cheap.
	Gather    func() (more bool)
	MaxGather time.Duration

	// Observe is told about each group after its sync, by the writer: it must
	// be quick.
	Observe func(GroupStats)
}

// GroupStats tells about one group: what was written and synced together.
type GroupStats struct {
	Commits, Records int
	Bytes            int64         // written
	Gather           time.Duration // held back for more
	Write, Sync      time.Duration
}

func (o Options) withDefaults() Options {
	setDefault(&o.FS, FileSystem(osFileSystem{}))
	setDefault(&o.Random, rand.Reader)
	if o.Clock == nil {
		o.Clock = time.Now
	}
	setDefault(&o.SegmentBytes, 64<<20)
	setDefault(&o.BlockBytes, 16<<10)
	setDefault(&o.MaxCommitBytes, 512<<20)
	setDefault(&o.MinFreeBytes, 64<<20)
	setDefault(&o.QueueBytes, 32<<20)
	setDefault(&o.TailBytes, 8<<20)
	setDefault(&o.CacheBytes, 4<<20)
	setDefault(&o.OpenSegments, 128)
	return o
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// validate answers with every mistake at once; defaults are in place.
func (o *Options) validate() error {
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	check(o.SegmentBytes >= 4<<10 && o.SegmentBytes <= 4<<30, "SegmentBytes %d: not between 4 KiB and 4 GiB", o.SegmentBytes)
	check(o.BlockBytes >= 1 && o.BlockBytes <= 16<<20, "BlockBytes %d: not between 1 and 16 MiB", o.BlockBytes)
	check(o.MaxCommitBytes >= 1 && o.MaxCommitBytes <= 8<<30, "MaxCommitBytes %d: not between 1 and 8 GiB", o.MaxCommitBytes)
	check(o.QueueBytes >= 1, "QueueBytes %d: below 1", o.QueueBytes)
	check(o.TailBytes >= 1, "TailBytes %d: below 1", o.TailBytes)
	check(o.OpenSegments >= 1, "OpenSegments %d: below 1", o.OpenSegments)
	check(o.MaxGather >= 0, "MaxGather %v: negative", o.MaxGather)
	seen := map[uint32]bool{}
	for i, d := range o.dictionaries() {
		id, err := dictionaryID(d)
		check(err == nil, "dictionary %d: %v", i, err)
		check(err != nil || !seen[id], "dictionary %d: id %d is there twice", i, id)
		seen[id] = true
	}
	return errors.Join(faults...)
}

// dictionaries lists all, the current one first.
func (o *Options) dictionaries() [][]byte {
	var all [][]byte
	if len(o.Dictionary) > 0 {
		all = append(all, o.Dictionary)
	}
	return append(all, o.Dictionaries...)
}

// dictionary finds one by its id; none for 0.
func (o *Options) dictionary(id uint32) []byte {
	for _, d := range o.dictionaries() {
		if known, err := dictionaryID(d); err == nil && known == id {
			return d
		}
	}
	return nil
}

// dictionaryID reads the id that every zstd dictionary carries (RFC 8878, 5).
func dictionaryID(d []byte) (uint32, error) {
	if len(d) < 8 || binary.LittleEndian.Uint32(d) != 0xEC30A437 {
		return 0, errors.New("not a zstd dictionary")
	}
	id := binary.LittleEndian.Uint32(d[4:])
	if id == 0 {
		return 0, errors.New("dictionary id is 0")
	}
	return id, nil
}
