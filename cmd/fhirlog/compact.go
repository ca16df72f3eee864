package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"fhirlog/eventlog"
	"fhirlog/replay"
)

// compactCommand is `fhirlog compact`.
type compactCommand struct {
	Data string `default:"./data" env:"FHIRLOG_DATA" help:"Folder that no server is running on."`
}

// Run compacts.
func (c *compactCommand) Run(ctx context.Context) error {
	f, err := openFolder(c.Data, "")
	if err != nil {
		return err
	}
	log, _, err := eventlog.Open(f.log(), logOptions())
	if errors.Is(err, eventlog.ErrLocked) {
		return fmt.Errorf("%s is in use by another process: stop that one first, or have the server compact while it answers: curl -X POST 'http://127.0.0.1:8080/fhir/$compact' (with the server's own address)", f.path)
	}
	if err != nil {
		return err
	}
	written := make(chan error, 1)
	go func() { written <- log.Run(context.Background()) }() // it seals the last segment
	err = c.compact(ctx, f, log)
	return errors.Join(err, log.Close(), <-written)
}

func (c *compactCommand) compact(ctx context.Context, f *folder, log *eventlog.Log) error {
	unfinished, err := f.unfinished()
	if err != nil {
		return err
	}
	found, err := replay.FindErasures(ctx, log, false)
	if err != nil {
		return err
	}
	if unfinished {
		fmt.Println("a compaction that was interrupted goes on")
	}
	needed := unfinished || found.Any()
	if needed {
		if err := f.beginCompacting(); err != nil {
			return err
		}
	}
	progress, finish := compactProgress(log)
	done, err := log.Compact(ctx, found.Positions(), eventlog.CompactOptions{Progress: progress})
	finish()
	if err != nil {
		return err
	}
	if done.TornFiles > 0 {
		fmt.Printf("%d torn tails removed that had been set aside\n", done.TornFiles)
	}
	if !needed {
		fmt.Println("nothing is to be erased")
		return nil
	}
	fmt.Printf("%d versions erased, %d segments written anew: %d bytes before, %d bytes now\n", done.Records, done.Segments, done.BytesBefore, done.BytesAfter)
	rebuild := rebuildCommand{Data: c.Data}
	if err := rebuild.rebuild(ctx, f, log); err != nil {
		return fmt.Errorf("rebuild the projections, which still have values of what was erased (do it again): %w", err)
	}
	return f.endCompacting()
}

// compactProgress shows how far the log is, on a terminal.
func compactProgress(log *eventlog.Log) (show func(through eventlog.Position), finish func()) {
	if !isTerminal(os.Stderr) {
		return nil, func() {}
	}
	bar := newBar(int64(log.Durable()), "compacting the log")
	return func(through eventlog.Position) { _ = bar.Set64(int64(through)) }, // a terminal that cannot be written is no reason to stop
		func() { _ = bar.Finish() }
}
