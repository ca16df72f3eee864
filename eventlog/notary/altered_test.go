package notary_test

import (
	"errors"
	"sync/atomic"

	"context"

	"fhirlog/eventlog"
	"fhirlog/eventlog/faultfs"
)

// alteredLog is a log in which one record is not what it was.
type alteredLog struct {
	*eventlog.Log
	at     eventlog.Position
	honest bool
}

func (l *alteredLog) Scan(ctx context.Context, from eventlog.Position, withBodies bool, fn func(eventlog.Record) error) error {
	return l.Log.Scan(ctx, from, withBodies, func(r eventlog.Record) error {
		if r.Position == l.at && !l.honest {
			r.MetadataCommitment[0] ^= 1
		}
		return fn(r)
	})
}

// failing is a disk on which nothing can be written while it is broken.
type failing struct {
	*faultfs.FS
	broken atomic.Bool
}

var errBroken = errors.New("the disk is broken")

func (f *failing) OpenWrite(path string) (eventlog.File, error) { return f.wrap(f.FS.OpenWrite(path)) }
func (f *failing) Create(path string) (eventlog.File, error)    { return f.wrap(f.FS.Create(path)) }

func (f *failing) wrap(file eventlog.File, err error) (eventlog.File, error) {
	return &failingFile{file, f}, err
}

type failingFile struct {
	eventlog.File
	of *failing
}

func (f *failingFile) WriteAt(p []byte, at int64) (int, error) {
	if f.of.broken.Load() {
		return 0, errBroken
	}
	return f.File.WriteAt(p, at)
}
