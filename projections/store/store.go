package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

// Options tune the store; the zero value is the default.
type Options struct {
	MemTableBytes   int64 // size of a memtable; default 4 MiB
	BlockCacheBytes int64 // decompressed blocks kept; default 32 MiB
	IndexCacheBytes int64 // decrypted table indexes kept; default 32 MiB, more in a large folder
	// Keys, if set, has everything in the folder encrypted, under a key of its own.
	// A folder that is not encrypted, or whose key is gone, cannot be opened then.
	Keys Keys
	// BeforeWrite, if set, is called before each transaction of Badger; an error
	// ends the batch there. Tests cut a batch in the middle with it.
	BeforeWrite func() error
}

// Store is one folder of sorted keys.
type Store struct {
	dir         string
	db          *badger.DB
	maxValue    int // larger ones are kept in chunks
	beforeWrite func() error
	damaged     atomic.Bool // Verify has found damage
}

// ErrInUse: another process, or another Store, has the folder open.
var ErrInUse = errors.New("the projections folder is in use")

// cleanMarker is the file that a clean stop leaves and an open removes.
const cleanMarker = "CLEAN"

// Open opens the folder, making it if it is not there.
func Open(dir string, o Options) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the projections folder: %w", err)
	}
	if err := checkUnused(dir); err != nil {
		return nil, err
	}
	key, err := o.key(dir)
	if err != nil {
		return nil, err
	}
	clean, err := dropUnsynced(dir)
	if err != nil {
		return nil, err
	}
	if err := verifyTables(dir, key, !clean); err != nil {
		return nil, fmt.Errorf("verify the projections: %w", err)
	}
	tables, err := TableBytes(dir)
	if err != nil {
		return nil, fmt.Errorf("measure the projections: %w", err)
	}
	db, err := badger.Open(badgerOptions(dir, o, tables).WithEncryptionKey(key))
	if err != nil {
		return nil, fmt.Errorf("open the projections: %w", err)
	}
	return &Store{dir: dir, db: db, maxValue: maxValue(o.memTable()), beforeWrite: o.BeforeWrite}, nil
}

// checkUnused looks for the lock that Badger holds on an open folder. Badger
// would find it too, but only after dropUnsynced had taken the owner's files.
func checkUnused(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("open the projections folder: %w", err)
	}
	defer f.Close() // gives the lock back
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrInUse
	}
	if err != nil {
		return fmt.Errorf("lock the projections folder: %w", err)
	}
	return nil
}

// memTable is the size of a memtable in bytes.
func (o Options) memTable() int64 { return orDefault(o.MemTableBytes, 4<<20) }

// tableSize is how large tables become in a folder that holds so many bytes in
// tables. Compaction keeps a dozen tables that it builds in memory, each in
// several times its size, and its allocators never shrink: small tables keep
// that small, and growing ones keep the files few.
func tableSize(tables int64) int64 { return max(1<<20, tables/4096) }

// indexCache is how much is kept of the indexes of encrypted tables, which take a
// twentieth of these: all of them, as one that is not there is decrypted as a whole for
// each look. Others are read in place.
func indexCache(tables int64) int64 { return max(32<<20, tables/16) }

func badgerOptions(dir string, o Options, tables int64) badger.Options {
	memTable := o.memTable()
	b := badger.DefaultOptions(dir)
	b.TableSizeMultiplier = 1
	return b.
		WithLogger(nil).
		WithMetricsEnabled(false).
		WithDetectConflicts(false).
		WithSyncWrites(false).
		WithCompression(options.Snappy).
		WithMemTableSize(memTable).
		WithBaseTableSize(tableSize(tables)).
		WithNumLevelZeroTables(10).
		WithNumLevelZeroTablesStall(20).
		WithNumMemtables(3).
		WithNumCompactors(2).
		WithBlockCacheSize(orDefault(o.BlockCacheBytes, 32<<20)).
		WithIndexCacheSize(orDefault(o.IndexCacheBytes, indexCache(tables))).
		WithValueThreshold(memTable / 16).
		WithValueLogFileSize(1 << 20).
		WithNumVersionsToKeep(1)
}

func orDefault(n, otherwise int64) int64 {
	if n == 0 {
		return otherwise
	}
	return n
}

// dropUnsynced removes the memtable logs unless the last stop was clean.
func dropUnsynced(dir string) (clean bool, err error) {
	marker := filepath.Join(dir, cleanMarker)
	err = os.Remove(marker)
	if err == nil {
		return true, syncFolder(dir)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("remove the marker of a clean stop: %w", err)
	}
	logs, err := filepath.Glob(filepath.Join(dir, "*.mem"))
	if err != nil {
		return false, err
	}
	for _, path := range logs {
		if err := os.Remove(path); err != nil {
			return false, fmt.Errorf("remove an unsynced memtable log: %w", err)
		}
	}
	return false, nil
}

// Verify reads every table and checks it. After damage the store still works,
// but keys may be missing: the next Close does not mark the stop as clean, so
// that the next Open finds the damage too.
func (s *Store) Verify() error {
	if err := s.db.VerifyChecksum(); err != nil {
		s.damaged.Store(true)
		return fmt.Errorf("verify the projections: %w", err)
	}
	return nil
}

// Close writes everything out and marks the stop as clean.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close the projections: %w", err)
	}
	if s.damaged.Load() {
		return nil
	}
	marker, err := os.Create(filepath.Join(s.dir, cleanMarker))
	if err != nil {
		return err
	}
	if err := errors.Join(marker.Sync(), marker.Close()); err != nil {
		return err
	}
	return syncFolder(s.dir)
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Bytes returns the size of the tables on disk.
func (s *Store) Bytes() int64 {
	lsm, values := s.db.Size()
	return lsm + values
}

// Get calls use with the value of key, valid only during the call, and says
// whether the key was there.
func (s *Store) Get(key []byte, use func(value []byte) error) (bool, error) {
	txn := s.db.NewTransaction(false)
	defer txn.Discard()
	item, err := txn.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the projections: %w", err)
	}
	return true, value(txn, item, use)
}

// Range says which keys Scan visits.
type Range struct {
	Prefix   []byte
	Start    []byte // first key to visit, inclusive; nil starts at the edge of the prefix
	Reverse  bool   // from the highest key downwards
	KeysOnly bool   // fn gets no values
}

// Scan calls fn for the keys of a range in order until it returns false. Key and
// value are valid only during the call. A range without prefix leaves out the
// chunks of large values.
func (s *Store) Scan(r Range, fn func(key, value []byte) (bool, error)) error {
	txn := s.db.NewTransaction(false)
	defer txn.Discard()
	o := badger.DefaultIteratorOptions
	o.Prefix, o.Reverse, o.PrefetchValues = r.Prefix, r.Reverse, false
	it := txn.NewIterator(o)
	defer it.Close()
	for it.Seek(r.seekKey()); it.ValidForPrefix(r.Prefix); it.Next() {
		if len(r.Prefix) == 0 && bytes.HasPrefix(it.Item().Key(), []byte(chunkPrefix)) {
			continue // shown with the key that they belong to
		}
		more, err := visit(txn, it.Item(), r.KeysOnly, fn)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

func (r Range) seekKey() []byte {
	switch {
	case r.Start != nil:
		return r.Start
	case r.Reverse:
		return append(append([]byte(nil), r.Prefix...), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	default:
		return r.Prefix
	}
}

func visit(txn *badger.Txn, item *badger.Item, keysOnly bool, fn func(key, value []byte) (bool, error)) (more bool, err error) {
	if keysOnly {
		return fn(item.Key(), nil)
	}
	err = value(txn, item, func(value []byte) error {
		more, err = fn(item.Key(), value)
		return err
	})
	return more, err
}
