package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// copy brings the chunks of a file to the target, those that are not there.
func (r *run) copy(ctx context.Context, f *File, from io.ReaderAt) error {
	err := pieces(from, f.Bytes, &r.buffer, func(chunk []byte) error {
		hash := sum(chunk)
		f.Chunks = append(f.Chunks, hash)
		if err := r.chunk(ctx, hash, chunk); err != nil {
			return err
		}
		r.done += int64(len(chunk))
		if r.options.Progress != nil {
			r.options.Progress(min(r.done, r.total), r.total)
		}
		return ctx.Err()
	})
	if err != nil {
		return fmt.Errorf("copy %s: %w", f.Path, err)
	}
	return nil
}

func (r *run) chunk(ctx context.Context, hash string, content []byte) error {
	if r.present[hash] {
		if r.trusted[hash] {
			return nil
		}
		// A run that was stopped has left it there, and maybe not looked at it.
		_, err := read(ctx, r.target, chunkPrefix+hash, hash, int64(len(content)))
		damage, damaged := errors.AsType[*DamagedError](err)
		switch {
		case err == nil:
			r.trusted[hash] = true
			return nil
		case !damaged:
			return err
		}
		r.report.Damaged = append(r.report.Damaged, damage.Object)
	} else if r.trusted[hash] {
		r.report.Damaged = append(r.report.Damaged, chunkPrefix+hash)
	}
	r.report.Objects++
	r.report.Bytes += int64(len(content))
	r.trusted[hash], r.present[hash] = true, true
	if r.options.DryRun {
		return nil
	}
	return store(ctx, r.target, chunkPrefix+hash, content)
}

// errTwoRuns says that the target is written to by another run.
var errTwoRuns = errors.New("another run writes to the same target: let one end before the next begins")

// publish writes the manifest: from then on the backup is there.
func (r *run) publish(ctx context.Context, began time.Time) error {
	m := &r.report.Manifest
	last := m.Segments[len(m.Segments)-1]
	summary := Summary{Run: m.Run, Began: began, Ended: r.options.Now().UTC(), Records: m.Records, Instant: last.LastInstant, Copied: r.report.Bytes}
	if r.before != nil {
		m.Runs = r.before.Runs[max(0, len(r.before.Runs)-mostRuns+1):]
	}
	needed := m.chunks()
	chunks, err := r.target.List(ctx, chunkPrefix)
	if err != nil {
		return fmt.Errorf("list the chunks: %w", err)
	}
	there := 0
	for _, name := range chunks {
		if needed[strings.TrimPrefix(name, chunkPrefix)] {
			there++
		} else {
			summary.Deleted++
		}
	}
	if there != len(needed) {
		return fmt.Errorf("%d chunks that were there are gone: %w", len(needed)-there, errTwoRuns)
	}
	m.Runs = append(m.Runs[:len(m.Runs):len(m.Runs)], summary)
	names, err := manifests(ctx, r.target)
	if err != nil {
		return err
	}
	if len(names) > 0 && names[0].run >= m.Run {
		return errTwoRuns
	}
	text, err := m.encode()
	if err != nil {
		return err
	}
	// What cannot be read again must not be written.
	if _, err := parseManifest(text); err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	if len(text) > mostManifest {
		return fmt.Errorf("the manifest has %d bytes, more than the %d that can be read", len(text), mostManifest)
	}
	for copy := 1; copy <= 2; copy++ {
		if err := store(ctx, r.target, fmt.Sprintf("%s%010d-%s-%d.json", manifestPrefix, m.Run, sum(text), copy), text); err != nil {
			return err
		}
	}
	return nil
}

// tidy deletes what the manifest does not name: former manifests first, so that no
// manifest names what is gone.
func (r *run) tidy(ctx context.Context) error {
	names, err := manifests(ctx, r.target)
	if err != nil {
		return err
	}
	for _, n := range names {
		if n.run < r.report.Manifest.Run {
			if err := r.target.Delete(ctx, n.name); err != nil {
				return fmt.Errorf("delete %s: %w", n.name, err)
			}
		}
	}
	needed := r.report.Manifest.chunks()
	chunks, err := r.target.List(ctx, chunkPrefix)
	if err != nil {
		return fmt.Errorf("list the chunks: %w", err)
	}
	for _, name := range chunks {
		if needed[strings.TrimPrefix(name, chunkPrefix)] {
			continue
		}
		if err := r.target.Delete(ctx, name); err != nil {
			return fmt.Errorf("delete %s: %w", name, err)
		}
		r.report.Deleted++
	}
	return nil
}
