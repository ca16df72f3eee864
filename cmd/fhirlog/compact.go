package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"fhirlog/domain/commit"
	"fhirlog/domain/event"
	"fhirlog/eventlog"
	"fhirlog/replay"
)

// compactCommand is `fhirlog compact`.
type compactCommand struct {
	Data string `default:"./data" env:"FHIRLOG_DATA" help:"Folder that no server is running on."`
	erasingFlags
	encryptionFlags
}

// erasingFlags say what a compaction erases.
type erasingFlags struct {
	EraseIDs bool `name:"erase-ids" env:"FHIRLOG_ERASE_IDS" help:"Have compactions erase the ids of what was hard deleted as well, and with them what could prove what the records were: they keep their place, type, time, and who did it."`
}

// Run compacts.
func (c *compactCommand) Run(ctx context.Context) error {
	f, err := openFolder(c.Data, "")
	if err == nil {
		err = f.unlock(ctx, c.encryptionFlags, toBegin)
	}
	if err != nil {
		return err
	}
	log, _, err := eventlog.Open(f.log(), f.logOptions())
	if errors.Is(err, eventlog.ErrLocked) {
		return fmt.Errorf("%s is in use by another process: stop that one first, or have the server compact while it answers: curl -X POST 'http://127.0.0.1:8080/fhir/$compact' (with the server's own address)", f.path)
	}
	if err != nil {
		return f.explainNoKey(err)
	}
	written := make(chan error, 1)
	go func() { written <- log.Run(context.Background()) }() // it seals the last segment
	err = c.compact(ctx, f, log)
	return errors.Join(err, log.Close(), <-written)
}

func (c *compactCommand) compact(ctx context.Context, f *folder, log *eventlog.Log) error {
	unfinished, ids, err := f.unfinished()
	if err != nil {
		return err
	}
	ids = ids || c.EraseIDs
	found, err := replay.FindErasures(ctx, log, false)
	if err != nil {
		return err
	}
	if unfinished {
		fmt.Println("a compaction that was interrupted goes on")
	}
	needed := unfinished || found.Any(ids)
	if needed {
		if err := f.beginCompacting(ids); err != nil {
			return err
		}
	}
	progress, finish := compactProgress(log)
	options := eventlog.CompactOptions{Progress: progress}
	if ids {
		options = found.WithIDs(options)
		err = commit.AnnounceErasedIDs(ctx, log, commit.Caller{Author: event.ByCompact}, found.IDPositions())
	}
	if err != nil {
		return err
	}
	done, err := log.Compact(ctx, found.Positions(), options)
	finish()
	if err != nil {
		return err
	}
	if done.TornFiles > 0 {
		fmt.Printf("%d torn tails removed that had been set aside\n", done.TornFiles)
	}
	plain, err := f.projectionsInPlain()
	if err != nil {
		return err
	}
	if !needed {
		fmt.Println("nothing is to be erased")
		if done.Segments > 0 {
			fmt.Printf("%d segments were not encrypted, and are now\n", done.Segments)
		}
		if !plain {
			return nil
		}
		rebuild := rebuildCommand{Data: c.Data}
		return rebuild.rebuild(ctx, f, log)
	}
	fmt.Printf("%d versions erased, %d segments written anew: %d bytes before, %d bytes now\n", done.Records, done.Segments, done.BytesBefore, done.BytesAfter)
	if ids {
		fmt.Printf("%d ids erased\n", done.Metadata)
	}
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
