package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"fhirlog/domain/commit"
	"fhirlog/domain/definitions"
	"fhirlog/domain/dictionary"
	"fhirlog/domain/fhirpackage"
	"fhirlog/domain/profile"
	"fhirlog/domain/validate"
	"fhirlog/eventlog"
	"fhirlog/eventlog/notary"
	"fhirlog/httpapi"
	"fhirlog/projections"
)

// What the rooms declare, and what is put there.
var (
	_ commit.Log       = (*eventlog.Log)(nil)
	_ commit.State     = (*projections.Live)(nil)
	_ projections.Log  = (*eventlog.Log)(nil)
	_ httpapi.Reader   = (*projections.Live)(nil)
	_ httpapi.Searcher = (*projections.Live)(nil)
	_ httpapi.Writer   = (*commit.Service)(nil)

	_ commit.Profiles  = (*profile.Validator)(nil)
	_ httpapi.Profiles = (*profile.Validator)(nil)

	_ httpapi.Administrator     = administrator{}
	_ httpapi.Jobs              = (*projections.Live)(nil)
	_ httpapi.Runs              = (*runs)(nil)
	_ projections.Administrator = (*commit.Service)(nil)
)

// maxGather is the longest that a commit waits for others to share its sync. It
// is spent only while the processors are busy with such commits.
const maxGather = 4 * time.Millisecond

// node is one open data folder: the log, the projections that follow it, and
// the service that commits to it.
type node struct {
	folder      *folder
	definitions *definitions.Definitions
	log         *eventlog.Log
	recovery    eventlog.Recovery

	// Set by start.
	projections *projections.Live
	validator   *validate.Validator
	profiles    *profile.Validator
	commits     *commit.Service
	rebuilds    *rebuilds
	compactions *compactions
	rebuilt     error // why the projections are computed from the beginning, or nil

	keyCheck    *keyCheck      // nil for a folder that is not encrypted
	notary      *notary.Notary // nil before openProofs
	notaryEnded chan error     // the result of its Run

	ended   chan error  // the results of the writer and the applier
	damaged atomic.Bool // what the last scrub found
}

// logOptions are the same for every command that opens the log.
func (f *folder) logOptions() eventlog.Options {
	o := dictionaryOptions()
	if f.keys != nil {
		o.Keys = f.keys
	}
	return o
}

// dictionaryOptions are those of every log.
func dictionaryOptions() eventlog.Options { return eventlog.Options{Dictionary: dictionary.V1} }

func (f *folder) projectionOptions() projections.Options {
	o := projections.Options{Dir: f.projections(), FHIRVersion: string(f.FHIRVersion), LogIdentity: f.Identity}
	if f.keys != nil {
		o.Store.Keys = f.keys
	}
	return o
}

// openNode opens the log of a folder, and nothing else: what is derived from a log is
// not to be touched before it is known to be the one that was signed.
func openNode(f *folder, observe func(eventlog.GroupStats)) (*node, error) {
	n := &node{folder: f, ended: make(chan error, 2)}
	var err error
	if n.definitions, err = definitions.Load(f.FHIRVersion); err != nil {
		return nil, err
	}
	options := f.logOptions()
	options.Observe = observe
	options.Gather, options.MaxGather = n.moreComing, maxGather
	if n.log, n.recovery, err = eventlog.Open(f.log(), options); err != nil {
		return nil, f.explainNoKey(explainLocked(err, f))
	}
	return n, nil
}

// start opens the projections, and starts the log's writer and the applier.
func (n *node) start(o commit.Options, packages []*fhirpackage.Package) error {
	if err := mayOpen(n.log.Room()); err != nil {
		return err
	}
	opened, rebuilt, err := projections.OpenLive(n.log, n.folder.projectionOptions())
	if err != nil {
		return explainVersion(err, n.folder)
	}
	n.projections, n.rebuilt = opened, rebuilt
	o.Handoff, o.Registry = n.projections.Handoff, n.projections.Registry
	n.validator = validate.New(n.definitions)
	n.profiles = n.newProfiles(packages)
	o.Validator, o.Profiles = n.validator, n.profiles
	n.commits = commit.New(n.log, n.projections, n.definitions, o)
	n.rebuilds = newRebuilds(n.projections)
	n.compactions = newCompactions(n)
	go func() { n.ended <- n.log.Run(context.Background()) }()
	go func() { n.ended <- n.projections.Run(context.Background()) }()
	return nil
}

func explainLocked(err error, f *folder) error {
	if errors.Is(err, eventlog.ErrLocked) {
		return fmt.Errorf("%s is in use by another process: stop that one first, or choose another --data", f.path)
	}
	return err
}

// explainVersion says what to do about a description that was edited.
func explainVersion(err error, f *folder) error {
	other, ok := errors.AsType[*projections.VersionError](err)
	if !ok {
		return err
	}
	return fmt.Errorf("%s says that the log holds FHIR %s, and it was served as %s before; a log keeps its version, so put \"fhirVersion\": %q back. If %s was the mistake, remove %s, and start again",
		filepath.Join(f.path, descriptionFile), other.Is, other.Was, other.Was, other.Was, f.projections())
}

// moreComing lets every goroutine that is ready to run go before the log is
// written, and says whether more commits came or are coming. On a busy machine a
// sync then serves many commits, on an idle one this costs nothing.
func (n *node) moreComing() bool {
	before := n.log.Next()
	runtime.Gosched()
	return n.log.Next() > before || n.commits.Coming()
}

// close finishes what was accepted, applies it, and releases the folder. The log
// is closed first: the applier then ends by itself, with everything applied.
func (n *node) close() error {
	err := n.log.Close()
	if n.projections == nil {
		return errors.Join(err, n.closeProofs())
	}
	for range 2 {
		err = errors.Join(err, <-n.ended)
	}
	return errors.Join(err, n.closeProofs(), n.projections.Close())
}

// catchUp waits until everything durable is applied; progress is told now and
// then how far it is.
func (n *node) catchUp(ctx context.Context, progress func(applied, total uint64)) error {
	total := uint64(n.log.Durable())
	for n.projections.Applied() < total {
		progress(n.projections.Applied(), total)
		step, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		err := n.projections.WaitApplied(step, total)
		cancel()
		if err != nil && (ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded)) {
			return fmt.Errorf("apply the log: %w", err)
		}
	}
	return nil
}

// report logs what the opening of the log has found.
func (n *node) report(log zerolog.Logger) {
	log.Info().Int("segments", n.recovery.Segments).Uint64("records", n.recovery.Records).
		Bool("unclean", n.recovery.Unclean).Dur("elapsed", n.recovery.Elapsed).Msg("log opened")
	if fork := n.folder.Fork; fork != nil {
		log.Info().Str("identity", n.folder.Identity).Str("fork_of", fork.Of).Uint64("records", fork.Records).Str("until", fork.Until).
			Msg("this log is a fork: it begins with so many records of another one")
	}
	if n.recovery.TornFile != "" {
		log.Warn().Uint32("segment", uint32(n.recovery.TornSegment)).Int64("offset", n.recovery.TornOffset).
			Int64("bytes", n.recovery.TornBytes).Str("file", n.recovery.TornFile).
			Msg("a write that was never acknowledged was cut off by the last stop and set aside")
	}
}
