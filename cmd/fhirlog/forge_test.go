package main

import (
	"os"
	"path/filepath"
	"testing"

	"fhirlog/domain/event"
	"fhirlog/eventlog/record"
)

// forge rewrites the active segment of a log as somebody would who knows the format
// and has no key: every frame, checksum and link of the chain fits afterwards.
// change is told each record and its place in the frame's block; it may change
// metadata, and the body in place where the block is not compressed.
func forge(t *testing.T, data string, change func(position uint64, run *record.Run, i int)) {
	t.Helper()
	segments, err := filepath.Glob(filepath.Join(data, "log", "*.seg"))
	if err != nil || len(segments) != 1 {
		t.Fatalf("segments %v, %v", segments, err)
	}
	src, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	h, err := record.DecodeHeader(src)
	if err != nil {
		t.Fatal(err)
	}
	forged := h
	forged.MetadataErased = true // at least, they may be
	out := record.AppendHeader(nil, &forged)
	var chain record.Chain
	var builder record.ChainBuilder
	for at := record.HeaderSize; at < len(src); {
		frame, err := record.DecodeFrame(src[at:], h.Key())
		if err != nil {
			break // what was allocated ahead
		}
		at += frame.Size()
		if frame.Kind == record.KindCommit {
			c, err := record.DecodeCommit(frame)
			if err != nil {
				t.Fatal(err)
			}
			if c.Count > 0 {
				chain = builder.End(c.Next)
			}
			c.Chain, c.SyncedThrough = chain, min(c.SyncedThrough, int64(len(out)))
			out = record.AppendCommit(out, c, h.Key())
			continue
		}
		var run record.Run
		if err := record.DecodeRun(frame, &run); err != nil {
			t.Fatal(err)
		}
		if run.Flags&record.FlagFirst != 0 {
			builder = chain.Begin()
		}
		for i := range run.Entries {
			change(run.First+uint64(i), &run, i)
			e := &run.Entries[i]
			if !e.MetadataErased() {
				commitment := record.CommitMetadata(e.MetadataSalt(), run.First+uint64(i), run.Instant, e.Metadata)
				copy(e.Commitments[:], commitment[:])
			}
			builder.Add(e)
		}
		out = record.AppendRun(out, &run, h.Key())
	}
	if err := os.WriteFile(segments[0], out, 0o600); err != nil {
		t.Fatal(err)
	}
}

// removeBody makes a record of a frame of its own one whose body was erased.
func removeBody(run *record.Run, i int) {
	e := &run.Entries[i]
	e.Seed = record.MetadataSalt(e.Seed)
	e.Flags, e.Body = record.EntryHasBody|record.EntryErased, 0
	run.Block, run.Flags = nil, run.Flags&^record.FlagCompressed
}

// removeID makes it one whose id was erased as well.
func removeID(t *testing.T, run *record.Run, i int) {
	t.Helper()
	removeBody(run, i)
	e := &run.Entries[i]
	stub, err := event.Stub(e.Metadata)
	if err != nil {
		t.Fatal(err)
	}
	e.Flags |= record.EntryMetadataErased
	e.Metadata, e.Seed = stub, [record.SeedSize]byte{}
}

// copyFolder copies a data folder.
func copyFolder(t *testing.T, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}
