package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/feed"
	"fhirlog/eventlog"
	"fhirlog/replay"
)

// archiveFlags say which folder an auditor reads.
type archiveFlags struct {
	Data string `default:"./data" env:"FHIRLOG_DATA" help:"Data folder that no server is running on, or a copy of one; nothing in it is changed. The copy needs fhirlog.json and log/ only; and keyring, if it is encrypted."`
	encryptionFlags
}

// archive is a folder that is read.
type archive struct {
	*replay.Archive
	folder      *folder
	definitions *definitions.Definitions
}

// open opens the folder and finds out what of it may still be shown. The caller closes
// it.
func (c *archiveFlags) open(ctx context.Context) (*archive, error) {
	f, err := openFolder(c.Data, "")
	if err == nil {
		err = f.unlock(ctx, c.encryptionFlags, toRead)
	}
	if err != nil {
		return nil, err
	}
	d, err := definitions.Load(f.FHIRVersion)
	if err != nil {
		return nil, err
	}
	log, err := replay.OpenArchive(f.log(), f.source(), f.logOptions())
	if errors.Is(err, eventlog.ErrLocked) {
		return nil, fmt.Errorf("%s is in use by a server: ask that one (`fhirlog replay --url http://127.0.0.1:8080`, and _asOf in any search or read), or give a copy as --data, made while no server ran or from a snapshot of the file system: fhirlog.json, log/ and, if there is one, keyring are enough", f.path)
	}
	if err != nil {
		return nil, f.explainNoKey(err)
	}
	progress, finish := surveyProgress()
	err = log.Survey(ctx, progress)
	finish()
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return &archive{log, f, d}, nil
}

// surveyProgress shows how much of the log is read, on a terminal.
func surveyProgress() (show func(read, total uint64), finish func()) {
	if !isTerminal(os.Stderr) {
		return nil, func() {}
	}
	bar := newBar(-1, "reading the log")
	return func(read, total uint64) {
		bar.ChangeMax64(int64(total))
		_ = bar.Set64(int64(read)) // a terminal that cannot be written is no reason to stop
	}, func() { _ = bar.Finish() }
}

// snapshot is the number of records as of a moment; all for "".
func (a *archive) snapshot(flag, text string) (uint64, error) {
	if text == "" {
		return a.Applied(), nil
	}
	m, err := feed.ParseMoment(text)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", flag, err)
	}
	snapshot, err := m.Snapshot(a)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", flag, err)
	}
	return snapshot, nil
}

// state is how a resource was at a moment, or the version that is named, and the number
// of records as of which it was so. It is nil if the resource was not there yet.
func (a *archive) state(life replay.Life, flag, text string) (*feed.Entry, uint64, error) {
	if number, named := strings.CutPrefix(text, "v"); named {
		v, err := domain.ParseVersionID(number)
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %w", flag, err)
		}
		e := life.Version(v)
		if e == nil {
			return nil, 0, fmt.Errorf("%s: there is no version %s; `fhirlog show --history` lists those there are", flag, number)
		}
		return e, e.Position + 1, nil
	}
	snapshot, err := a.snapshot(flag, text)
	return life.At(snapshot), snapshot, err
}

func (a *archive) isType(name string) bool { return a.definitions.IsResource(name) }
