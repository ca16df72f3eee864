package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/schollz/progressbar/v3"

	"fhirlog/eventlog"
	"fhirlog/replay"
)

// rebuildCommand is `fhirlog rebuild`.
type rebuildCommand struct {
	Data  string `default:"./data" env:"FHIRLOG_DATA" help:"Folder that no server is running on."`
	Check bool   `help:"Change nothing: rebuild beside the projections that are there, and compare every key and value."`
}

// differencesShown bounds what a check prints.
const differencesShown = 10

// Run rebuilds, or checks.
func (c *rebuildCommand) Run(ctx context.Context) error {
	f, err := openFolder(c.Data, "")
	if err != nil {
		return err
	}
	log, _, err := eventlog.Open(f.log(), logOptions())
	if err != nil {
		return explainLocked(err, f)
	}
	err = c.rebuild(ctx, f, log)
	return errors.Join(err, log.Close())
}

func (c *rebuildCommand) rebuild(ctx context.Context, f *folder, log *eventlog.Log) error {
	target := f.projections() + ".rebuild"
	if err := os.RemoveAll(target); err != nil {
		return err
	}
	options := f.projectionOptions()
	if c.Check {
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
	if err := os.RemoveAll(f.projections()); err != nil {
		return err
	}
	if err := os.Rename(target, f.projections()); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(target))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// compare tells whether the projections are those that the log gives.
func (c *rebuildCommand) compare(f *folder, rebuilt string) error {
	differences, keys, err := replay.Compare(f.projections(), rebuilt, differencesShown)
	if err := errors.Join(err, os.RemoveAll(rebuilt)); err != nil {
		return err
	}
	if len(differences) == 0 {
		fmt.Printf("%d keys: the projections are what the log gives\n", keys)
		return nil
	}
	for _, d := range differences {
		fmt.Fprintln(os.Stderr, d)
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
