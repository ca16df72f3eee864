package backup

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"fhirlog/eventlog"
)

// Options of a run. The zero value works.
type Options struct {
	// DryRun only tells what would be copied.
	DryRun bool
	// Program names the program and its version in the manifest.
	Program string
	// Now is the clock; default time.Now.
	Now func() time.Time
	// Progress, if set, is told now and then how many bytes have been looked at.
	Progress func(done, total int64)
}

// Report tells what a run has done, or would do.
type Report struct {
	Manifest Manifest
	First    bool     // there was no backup before
	Segments int      // read and verified, as they were new or had changed
	Objects  int      // copied
	Bytes    int64    // of these
	Deleted  int      // objects that are not needed any more
	Replaced int      // segments that a compaction has written anew
	Damaged  []string // objects of the target that were damaged or missing, and are there again
}

// Run makes a backup. What it returns an error for, the former backup is whole; but
// for the deletion of what is not needed any more, which says so.
func Run(ctx context.Context, s Source, t Target, o Options) (Report, error) {
	if s.FS == nil {
		s.FS = eventlog.Disk()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s.Log.Keys = &folderKeys{source: &s}
	segments, err := eventlog.NewSegmentReader(s.Log)
	if err != nil {
		return Report{}, err
	}
	r := &run{source: s, target: t, options: o, segments: segments, copied: map[eventlog.SegmentNumber]copied{}}
	r.report.Manifest = Manifest{Format: Format, Run: 1, Program: o.Program, Identity: s.Identity}
	began := o.Now().UTC()
	if err := r.collect(ctx); err != nil {
		return r.report, fmt.Errorf("back up %s: %w", s.Dir, err)
	}
	if o.DryRun {
		return r.report, nil
	}
	if err := r.publish(ctx, began); err != nil {
		return r.report, fmt.Errorf("back up %s: %w", s.Dir, err)
	}
	if err := r.tidy(ctx); err != nil {
		return r.report, fmt.Errorf("the backup is whole, but what is not needed any more could not be deleted; the next run does it: %w", err)
	}
	return r.report, nil
}

// run is one at work.
type run struct {
	source  Source
	target  Target
	options Options
	report  Report

	segments *eventlog.SegmentReader
	buffer   []byte // of a chunk
	copied   map[eventlog.SegmentNumber]copied

	before  *Manifest       // nil if there is none
	trusted map[string]bool // chunks that the backup before has
	present map[string]bool // all that are at the target
	done    int64
	total   int64
}

// collect reads the source and copies what the target does not have.
func (r *run) collect(ctx context.Context) error {
	if err := r.look(ctx); err != nil {
		return err
	}
	files, lastSigned, err := r.source.small()
	if err != nil {
		return err
	}
	for _, f := range files {
		file := File{Path: f.path, Bytes: int64(len(f.content))}
		if err := r.copy(ctx, &file, bytes.NewReader(f.content)); err != nil {
			return err
		}
		r.report.Manifest.Files = append(r.report.Manifest.Files, file)
	}
	for whole := false; !whole; {
		if err := r.log(ctx); err != nil {
			return err
		}
		if whole, err = r.keys(ctx); err != nil {
			return err
		}
	}
	m := &r.report.Manifest
	m.Signed = lastSigned
	if len(m.Segments) == 0 {
		return errors.New("there is nothing on the log yet")
	}
	if m.Records < lastSigned {
		return fmt.Errorf("the log has %d records, and a checkpoint was signed of %d: it was cut, or belongs to another folder", m.Records, lastSigned)
	}
	return r.notShorter(m.Records)
}

// log copies the segments.
func (r *run) log(ctx context.Context) error {
	found, err := r.source.segments(r.segments)
	if err != nil {
		return err
	}
	r.report.Manifest.Segments = nil
	for i := range found {
		if r.known(&found[i]) == nil {
			r.total += found[i].Bytes
		}
	}
	for i := range found {
		if err := r.segment(ctx, &found[i], i == len(found)-1); err != nil {
			return err
		}
	}
	return nil
}

// notShorter checks that the log has not lost what was backed up.
func (r *run) notShorter(records uint64) error {
	if r.before != nil && records < r.before.Records {
		return fmt.Errorf("the backup holds %d records of this log, and the folder only %d: it is an earlier copy, or was cut; give another target, or restore the backup", r.before.Records, records)
	}
	return nil
}

// look finds out what is at the target.
func (r *run) look(ctx context.Context) error {
	stored, err := Open(ctx, r.target)
	damage, damaged := errors.AsType[*DamagedError](err)
	switch {
	case err == nil:
		r.before = &stored.Manifest
		r.report.Damaged = stored.Damaged
	case damaged: // a manifest, and its copy: this run makes another
		r.report.Damaged = append(r.report.Damaged, damage.Object)
	case !errors.Is(err, ErrNoBackup):
		return err
	}
	r.report.First = r.before == nil
	names, err := manifests(ctx, r.target)
	if err != nil {
		return err
	}
	if len(names) > 0 {
		r.report.Manifest.Run = names[0].run + 1
	}
	if r.before != nil && r.before.Identity != r.source.Identity {
		return fmt.Errorf("the target holds a backup of the log %s, and this is %s: give another target", r.before.Identity, r.source.Identity)
	}
	r.trusted, r.present = r.before.chunks(), map[string]bool{}
	chunks, err := r.target.List(ctx, chunkPrefix)
	if err != nil {
		return fmt.Errorf("list the chunks: %w", err)
	}
	for _, name := range chunks {
		r.present[name[len(chunkPrefix):]] = true
	}
	return nil
}

// copied is a segment that this run has copied.
type copied struct {
	info    eventlog.SegmentInfo
	segment Segment
}

// known is a sealed segment that is at the target, as it is now.
func (r *run) known(now *eventlog.SegmentInfo) *Segment {
	if c, ok := r.copied[now.Number]; ok && now.Sealed && c.info == *now {
		return &c.segment
	}
	if r.before == nil || int(now.Number) > len(r.before.Segments) {
		return nil
	}
	s := &r.before.Segments[now.Number-1]
	was, err := s.info(r.before.LogID)
	if err != nil || !now.Sealed || was != *now {
		return nil
	}
	for _, chunk := range s.Chunks {
		if !r.present[chunk] {
			return nil // lost there: copied again
		}
	}
	return s
}

// segment adds a segment, and copies it if need be.
func (r *run) segment(ctx context.Context, found *eventlog.SegmentInfo, last bool) error {
	if s := r.known(found); s != nil {
		return r.add(found, *s)
	}
	return r.source.opened(found.Number, func(file eventlog.File) error {
		return r.copySegment(ctx, found, file, last)
	})
}

// copySegment verifies and copies a segment.
func (r *run) copySegment(ctx context.Context, found *eventlog.SegmentInfo, file eventlog.File, last bool) error {
	// The file may be another than the one that was found: then a compaction has put it
	// there, and it is whole.
	info, err := r.segments.Check(ctx, file, found.Number, nil)
	if err != nil {
		return err
	}
	if !info.Sealed && !last {
		return &eventlog.CorruptError{Segment: info.Number, Offset: info.Bytes, Err: errors.New("a sealed segment without its trailer")}
	}
	if info.Next == info.First {
		return nil // nothing was ever committed to it
	}
	if err := r.continues(file, &info); err != nil {
		return err
	}
	r.report.Segments++
	s := segmentOf(&info)
	if err := r.copy(ctx, &s.File, file); err != nil {
		return err
	}
	r.copied[info.Number] = copied{info, s}
	return r.add(&info, s)
}

// continues checks that a segment has what the backup before says it had.
func (r *run) continues(file eventlog.File, now *eventlog.SegmentInfo) error {
	if r.before == nil || int(now.Number) > len(r.before.Segments) {
		return nil
	}
	was := &r.before.Segments[now.Number-1]
	if was.Next > uint64(now.Next) && !now.Sealed {
		return r.notShorter(uint64(now.Next))
	}
	other := fmt.Errorf("segment %d is not a continuation of the one in the backup: the log is another one, or was changed; give another target", now.Number)
	logID := hex.EncodeToString(now.LogID[:])
	if logID != r.before.LogID || was.First != uint64(now.First) || was.Next > uint64(now.Next) || was.Sealed && was.Next != uint64(now.Next) {
		return other
	}
	chain, err := r.segments.ChainAt(file, now.Number, eventlog.Position(was.Next))
	if err != nil {
		return fmt.Errorf("%w (%w)", other, err)
	}
	if uint32(chain) != was.Chain {
		return other
	}
	if was.Sealed && was.ID != hex.EncodeToString(now.ID[:]) {
		r.report.Replaced++
	}
	return nil
}

// add appends a segment to the manifest.
func (r *run) add(info *eventlog.SegmentInfo, s Segment) error {
	m := &r.report.Manifest
	var previous *eventlog.SegmentInfo
	if n := len(m.Segments); n > 0 {
		last, err := m.Segments[n-1].info(m.LogID)
		if err != nil {
			return err
		}
		previous = &last
	}
	if err := info.Continues(previous); err != nil {
		return err
	}
	m.LogID, m.Records = hex.EncodeToString(info.LogID[:]), uint64(info.Next)
	m.Segments = append(m.Segments, s)
	return nil
}
