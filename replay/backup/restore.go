package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"fhirlog/domain/feed"
	"fhirlog/eventlog"
	"fhirlog/eventlog/merkle"
	"fhirlog/eventlog/notary"
	"fhirlog/replay"
)

// Names in a data folder that is restored.
const (
	// RestoringFile is there from the first step to after the last.
	RestoringFile = "restoring"
	// AncestorFolder has, in a fork, the public key and the checkpoints of the log that
	// it was forked from, and PrefixFile.
	AncestorFolder = "ancestor"
	// PrefixFile proves that a fork begins as that log did: a merkle.ConsistencyProof.
	PrefixFile = "prefix.json"
)

// RestoreOptions say what is to be restored. The zero value works, but for Dir and the
// dictionaries of the log.
type RestoreOptions struct {
	FS  eventlog.FileSystem // default the real disk
	Dir string              // data folder: not there, empty, or of a restore that was stopped
	Log eventlog.Options    // FS and Keys excepted
	// OpenKeys is needed if the log is encrypted. The keyring of the backup comes into
	// the folder.
	OpenKeys OpenKeys
	// Until is the moment up to which records are restored; feed.Now for all.
	Until feed.Moment
	// Fork makes another log of what is restored. Anything but all records is one.
	Fork bool
	Key  string // see CheckOptions
	// Progress, if set, is told now and then how many bytes have been copied.
	Progress func(done, total int64)
	// Finish completes the folder, in which nothing else is to be done. It is given the
	// description that the folder of the backup had.
	Finish func(r *Restored, description []byte) error
}

// Restored tells what was restored.
type Restored struct {
	Identity string // of the log that was backed up
	Records  uint64
	Instant  int64 // of the last record, milliseconds since 1970
	Forked   bool
	WithKey  bool // the private key is there
	// Prefix proves that what was restored is the beginning of the log that was backed
	// up, up to From.Size records: all, but for those that no checkpoint in the backup
	// covers. nil if there is none.
	Prefix *merkle.ConsistencyProof
	Key    string // that verifies it
}

// Restore makes a data folder of a backup. Everything is verified as it is read and
// once more when it is on the disk. What fails leaves a folder that no server takes,
// and that Restore takes again.
func (s *Stored) Restore(ctx context.Context, o RestoreOptions) (Restored, error) {
	if o.FS == nil {
		o.FS = eventlog.Disk()
	}
	o.Log.FS = o.FS
	r := &restore{Stored: s, options: o, disk: o.FS, dir: filepath.Clean(o.Dir)}
	r.result.Identity = s.Identity
	if err := r.run(ctx); err != nil {
		return r.result, fmt.Errorf("restore to %s: %w", o.Dir, err)
	}
	return r.result, nil
}

// restore is one at work.
type restore struct {
	*Stored
	options RestoreOptions
	disk    eventlog.FileSystem
	dir     string
	result  Restored
	signed  *signed
}

func (r *restore) path(parts ...string) string {
	return filepath.Join(append([]string{r.dir}, parts...)...)
}

func (r *restore) run(ctx context.Context) error {
	bound, err := r.options.Until.Snapshot(timeline{&r.Manifest})
	if err != nil {
		return err
	}
	if bound == 0 {
		return errors.New("nothing had been written by then: there is no server of that moment to restore")
	}
	if r.signed, err = r.Stored.signed(ctx, r.options.Key); err != nil {
		return err
	}
	if r.options.Log.Keys, err = r.openKeys(ctx, r.options.OpenKeys); err != nil {
		return err
	}
	if err := r.begin(); err != nil {
		return err
	}
	if err := r.stageKeys(ctx); err != nil {
		return err
	}
	// Up to a checkpoint that covers what is wanted, which proves it.
	through := bound
	if i := slices.IndexFunc(r.signed.all, func(c merkle.Checkpoint) bool { return c.Size >= bound }); i >= 0 {
		through = r.signed.all[i].Size
	}
	staged, err := r.stage(ctx, through)
	if err != nil {
		return err
	}
	if _, err := eventlog.Verify(ctx, r.path("log"), r.options.Log, eventlog.VerifyOptions{}); err != nil {
		return fmt.Errorf("verify what was copied: %w", err)
	}
	if err := r.prove(ctx, staged); err != nil {
		return err
	}
	if err := r.cut(); err != nil {
		return err
	}
	return r.finish(ctx)
}

// begin makes the folder, or what is left of a restore that was stopped.
func (r *restore) begin() error {
	names, err := r.disk.List(r.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(names) > 0 && !slices.Contains(names, RestoringFile) {
		return errors.New("the folder is not empty: a restore makes a new one")
	}
	if err := r.disk.MakeDir(r.dir); err != nil {
		return err
	}
	if err := r.disk.SyncDir(filepath.Dir(r.dir)); err != nil {
		return fmt.Errorf("sync parent folder: %w", err)
	}
	if !slices.Contains(names, RestoringFile) {
		if err := writeNew(r.disk, r.path(RestoringFile), nil); err != nil {
			return err
		}
		if err := r.disk.SyncDir(r.dir); err != nil {
			return err
		}
	}
	for _, sub := range []string{"log", "proof", AncestorFolder} {
		if err := r.empty(sub); err != nil {
			return err
		}
	}
	return nil
}

// empty removes the files of a folder of the folder.
func (r *restore) empty(sub string) error {
	names, err := r.disk.List(r.path(sub))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := r.disk.Remove(r.path(sub, name)); err != nil {
			return err
		}
	}
	return nil
}

// stageKeys copies the keyring, if there is one, before anything that needs it.
func (r *restore) stageKeys(ctx context.Context) error {
	if err := r.disk.Remove(r.path(keyringFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	text, err := r.small(ctx, keyringFile)
	if err != nil || text == nil {
		return err
	}
	if err := writeNew(r.disk, r.path(keyringFile), text); err != nil {
		return err
	}
	return r.disk.SyncDir(r.dir)
}

// makeDir makes a folder of the folder.
func (r *restore) makeDir(sub string) error {
	if err := r.disk.MakeDir(r.path(sub)); err != nil {
		return err
	}
	return r.disk.SyncDir(r.dir)
}

// stage copies the segments that hold so many records, whole, and tells how many these
// hold.
func (r *restore) stage(ctx context.Context, records uint64) (staged uint64, err error) {
	if err := r.makeDir("log"); err != nil {
		return 0, err
	}
	done, total := int64(0), int64(0)
	last := slices.IndexFunc(r.Segments, func(s Segment) bool { return s.Next >= records })
	for i := range r.Segments[:last+1] {
		total += r.Segments[i].Bytes
	}
	var buffer []byte
	for i := range r.Segments[:last+1] {
		s := &r.Segments[i]
		to, err := r.disk.Create(r.path(s.Path))
		if err != nil {
			return 0, err
		}
		at := int64(0)
		err = pieces(r.segment(ctx, i), s.Bytes, &buffer, func(chunk []byte) error {
			if _, err := to.WriteAt(chunk, at); err != nil {
				return err
			}
			at += int64(len(chunk))
			if done += int64(len(chunk)); r.options.Progress != nil {
				r.options.Progress(done, total)
			}
			return ctx.Err()
		})
		if err == nil && s.Sealed {
			err = to.Protect()
		}
		if err == nil {
			err = to.Sync()
		}
		if err := errors.Join(err, to.Close()); err != nil {
			return 0, fmt.Errorf("copy %s: %w", s.Path, err)
		}
	}
	return r.Segments[last].Next, r.disk.SyncDir(r.path("log"))
}

// prove finds the end of what is wanted, and proves that it is the beginning of what
// was signed.
func (r *restore) prove(ctx context.Context, staged uint64) (err error) {
	log, _, err := eventlog.Open(r.path("log"), r.options.Log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	if r.result.Records, err = r.options.Until.Snapshot(&replay.Archive{Log: log}); err != nil {
		return err
	}
	if r.result.Records == 0 {
		return errors.New("nothing had been written by then: there is no server of that moment to restore")
	}
	r.result.Forked = r.options.Fork || r.result.Records < r.Records
	last, err := log.ReadMetadata(eventlog.Position(r.result.Records - 1))
	if err != nil {
		return err
	}
	r.result.Instant = last.Instant
	if len(r.signed.all) == 0 {
		return nil
	}
	if err := r.stageProofs(ctx, staged); err != nil {
		return err
	}
	n, _, err := notary.Open(ctx, log, notary.Options{FS: r.disk, Dir: r.path(r.proofs()), Unsigned: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	r.result.Key = n.PublicKey()
	if latest := n.Latest(); latest != nil && latest.Size > 0 {
		r.result.Prefix, err = n.Consistency(ctx, min(r.result.Records, latest.Size), latest.Size)
	}
	return err
}

// proofs is the folder of what was signed: a fork has its own besides.
func (r *restore) proofs() string {
	if r.result.Forked {
		return AncestorFolder
	}
	return "proof"
}

// stageProofs copies the key and the checkpoints of what was copied. The tree is
// computed anew when they are opened.
func (r *restore) stageProofs(ctx context.Context, staged uint64) error {
	if err := r.makeDir(r.proofs()); err != nil {
		return err
	}
	history, err := r.historyOf(ctx, historyFile, staged)
	if err != nil {
		return err
	}
	cosigned, err := r.historyOf(ctx, cosignedFile, staged)
	if err != nil {
		return err
	}
	private, err := r.small(ctx, keyFile)
	if err != nil {
		return err
	}
	files := []smallFile{{notary.HistoryFile, history}, {notary.CosignedFile, cosigned}, {notary.PublicKeyFile, []byte(r.signed.key + "\n")}}
	if private != nil && !r.result.Forked {
		files = append(files, smallFile{notary.KeyFile, private})
		r.result.WithKey = true
	}
	for _, f := range files {
		if err := writeNew(r.disk, r.path(r.proofs(), f.path), f.content); err != nil {
			return err
		}
	}
	return r.disk.SyncDir(r.path(r.proofs()))
}

// historyOf gives the checkpoints in a file that are of so many records at most.
func (r *restore) historyOf(ctx context.Context, path string, records uint64) (some []byte, err error) {
	text, err := r.small(ctx, path)
	if err != nil {
		return nil, err
	}
	return some, merkle.EachInHistory(text, func(signed []byte) error {
		c, err := merkle.CheckpointOf(signed)
		if err == nil && c.Size <= records {
			some = merkle.AppendToHistory(some, signed)
		}
		return err
	})
}

// cut takes away what is beyond the moment.
func (r *restore) cut() error {
	for i := len(r.Segments) - 1; i >= 0; i-- {
		s := &r.Segments[i]
		if s.First < r.result.Records {
			if s.Next > r.result.Records {
				segments, err := eventlog.NewSegmentReader(r.options.Log)
				if err != nil {
					return err
				}
				return segments.Cut(r.path("log"), eventlog.SegmentNumber(s.Number), eventlog.Position(r.result.Records))
			}
			return r.disk.SyncDir(r.path("log"))
		}
		if err := r.disk.Remove(r.path(s.Path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return errors.New("nothing is left")
}

// finish completes the folder: what a fork keeps of its ancestor, the description.
func (r *restore) finish(ctx context.Context) error {
	var err error
	switch {
	case !r.result.Forked:
		err = r.keepAncestor(ctx)
	case r.result.Prefix != nil:
		err = r.keepPrefix()
	}
	if err != nil {
		return err
	}
	description, err := r.small(ctx, descriptionFile)
	if err != nil {
		return err
	}
	if err := r.options.Finish(&r.result, description); err != nil {
		return err
	}
	if err := r.disk.Remove(r.path(RestoringFile)); err != nil {
		return err
	}
	return r.disk.SyncDir(r.dir)
}

// keepAncestor copies what the log that was backed up had of its own ancestor.
func (r *restore) keepAncestor(ctx context.Context) error {
	if r.file(ancestorKeyFile) == nil {
		return nil
	}
	if err := r.makeDir(AncestorFolder); err != nil {
		return err
	}
	for _, path := range []string{ancestorKeyFile, ancestorPrefixFile} {
		text, err := r.small(ctx, path)
		if err == nil && text != nil {
			err = writeNew(r.disk, r.path(path), text)
		}
		if err != nil {
			return err
		}
	}
	return r.disk.SyncDir(r.path(AncestorFolder))
}

// keepPrefix writes the proof, and removes the tree, which had records that are cut.
func (r *restore) keepPrefix() error {
	names, err := r.disk.List(r.path(AncestorFolder))
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasPrefix(name, "level-") {
			if err := r.disk.Remove(r.path(AncestorFolder, name)); err != nil {
				return err
			}
		}
	}
	text, err := json.MarshalIndent(r.result.Prefix, "", "  ")
	if err != nil {
		return err
	}
	if err := writeNew(r.disk, r.path(AncestorFolder, PrefixFile), append(text, '\n')); err != nil {
		return err
	}
	return r.disk.SyncDir(r.path(AncestorFolder))
}
