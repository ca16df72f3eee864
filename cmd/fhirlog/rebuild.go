package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/schollz/progressbar/v3"

	"fhirlog/eventlog"
	"fhirlog/projections"
	"fhirlog/projections/store"
	"fhirlog/replay"
)

// rebuildCommand is `fhirlog rebuild`.
type rebuildCommand struct {
	Data  string `default:"./data" env:"FHIRLOG_DATA" help:"Folder that no server is running on."`
	Check bool   `help:"Change nothing: rebuild beside the projections that are there, and compare every key and value."`
	encryptionFlags
}

// differencesShown bounds what a check prints.
const differencesShown = 10

// Run rebuilds, or checks.
func (c *rebuildCommand) Run(ctx context.Context) error {
	f, err := openFolder(c.Data, "")
	use := toBegin
	if c.Check {
		use = toWrite
	}
	if err == nil {
		err = f.unlock(ctx, c.encryptionFlags, use)
	}
	if err != nil {
		return err
	}
	log, _, err := eventlog.Open(f.log(), f.logOptions())
	if errors.Is(err, eventlog.ErrLocked) {
		return c.explainServed(f)
	}
	if err != nil {
		return f.explainNoKey(err)
	}
	err = c.rebuild(ctx, f, log)
	return errors.Join(err, log.Close())
}

// explainServed says what to do with a folder that a server has open.
func (c *rebuildCommand) explainServed(f *folder) error {
	if c.Check {
		return fmt.Errorf("%s is in use by another process: stop that one first; what it applies at this moment cannot be compared", f.path)
	}
	return fmt.Errorf("%s is in use by another process: stop that one first, or have the server rebuild while it answers: curl -X POST 'http://127.0.0.1:8080/fhir/$rebuild' (with the server's own address)", f.path)
}

func (c *rebuildCommand) rebuild(ctx context.Context, f *folder, log *eventlog.Log) error {
	if err := projections.Settle(f.projections()); err != nil {
		return err
	}
	target := projections.SuccessorOf(f.projections())
	options := f.projectionOptions()
	if c.Check {
		unfinished, _, err := f.unfinished()
		if err != nil {
			return err
		}
		if unfinished {
			return fmt.Errorf("a compaction of %s was interrupted: its projections still hold what is erased, and are not what the log gives; start the server, or run `fhirlog compact`, which end it, and check again", f.path)
		}
		// What a stop left unapplied belongs to the comparison.
		if err := replay.Rebuild(ctx, log, options, nil); err != nil {
			return fmt.Errorf("bring the projections up to date: %w", err)
		}
	}
	options.Dir = target
	if err := replay.Rebuild(ctx, log, options, rebuildProgress()); err != nil {
		return err
	}
	fmt.Printf("%d records applied\n", log.Durable())
	if c.Check {
		return c.compare(f, target)
	}
	return projections.Install(f.projectionOptions())
}

// compare tells whether the projections are those that the log gives.
func (c *rebuildCommand) compare(f *folder, rebuilt string) error {
	o := f.projectionOptions().Store
	differences, keys, err := replay.Compare(f.projections(), rebuilt, o, differencesShown)
	if err := errors.Join(err, os.RemoveAll(rebuilt), store.DropKeys(o.Keys, f.projections())); err != nil {
		return err
	}
	if len(differences) == 0 {
		fmt.Printf("%d keys: the projections are what the log gives\n", keys)
		return nil
	}
	for _, d := range differences {
		fmt.Fprintln(os.Stderr, d.Outline())
	}
	return errors.New("the projections differ from what the log gives; `fhirlog rebuild` makes them anew")
}

func rebuildProgress() func(applied, total uint64) {
	if !isTerminal(os.Stderr) {
		return nil
	}
	var bar *progressbar.ProgressBar
	return func(applied, total uint64) {
		if bar == nil {
			bar = newBar(int64(total), "applying the log")
		}
		_ = bar.Set64(int64(applied)) // a terminal that cannot be written is no reason to stop
	}
}
