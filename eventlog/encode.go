package eventlog

import (
	"fmt"
	"io"

	"fhirlog/eventlog/record"
)

// encodeAndWrite turns a group into frames and writes them. It returns the
// records as followers will see them.
func (l *Log) encodeAndWrite(group []*pending) ([]Record, error) {
	w := &l.writer
	count := 0
	for _, p := range group {
		count += len(p.batch.Metadata)
	}
	records := make([]Record, 0, count)
	syncedThrough := w.end // everything before this group is durable
	w.marked = false
	for _, p := range group {
		var err error
		if records, err = w.encodeCommit(p, syncedThrough, records, l.options.Random); err != nil {
			return nil, err
		}
	}
	return records, w.flush()
}

func (w *writer) encodeCommit(p *pending, syncedThrough int64, records []Record, random io.Reader) ([]Record, error) {
	chain := w.chain.Begin()
	packed := p.batch.Bodies
	if w.next == w.segment.first {
		w.firstInstant = p.instant
	}
	w.lastInstant = p.instant
	done := 0
	for i := range packed.blocks {
		block := &packed.blocks[i]
		w.fillRun(p, block, done)
		done += block.records
		if i == 0 {
			w.run.Flags |= record.FlagFirst
		}
		if i == len(packed.blocks)-1 {
			w.run.Flags |= record.FlagLast
		}
		for j := range w.run.Entries {
			chain.Add(&w.run.Entries[j])
			w.offsets = append(w.offsets, uint32(w.end/record.Alignment))
			records = append(records, makeRecord(&w.run, j))
		}
		before := len(w.buffer)
		var err error
		if w.buffer, err = appendRun(w.buffer, &w.run, w.end, w.segment.key, w.segment.cipher, random); err != nil {
			return nil, err
		}
		w.end += int64(len(w.buffer) - before)
		if len(w.buffer) >= writeBytes {
			if err := w.flush(); err != nil {
				return nil, err
			}
		}
	}
	w.next += Position(done)
	w.chain = chain.End(uint64(w.next))
	w.buffer = record.AppendCommit(w.buffer, record.Commit{
		Next: uint64(w.next), SyncedThrough: syncedThrough, Count: uint32(done), Chain: w.chain,
	}, w.segment.key)
	w.end += record.CommitFrameSize
	return records, nil
}

// fillRun describes one block of a commit; done records of it came before.
func (w *writer) fillRun(p *pending, block *packedBlock, done int) {
	run := &w.run
	run.First = uint64(p.first) + uint64(done)
	run.Instant = p.instant
	run.Flags = 0
	if block.compressed {
		run.Flags = record.FlagCompressed
	}
	run.Block = block.data
	run.Entries = run.Entries[:0]
	for i := range block.records {
		packed, metadata := &p.batch.Bodies.records[done+i], p.batch.Metadata[done+i]
		e := record.Entry{Flags: packed.flags, Body: packed.length, Metadata: metadata, Seed: packed.seed}
		commitment := record.CommitMetadata(record.MetadataSalt(packed.seed), run.First+uint64(i), run.Instant, metadata)
		copy(e.Commitments[:], commitment[:])
		copy(e.Commitments[record.CommitmentSize:], packed.commit[:])
		run.Entries = append(run.Entries, e)
	}
}

// appendMark encodes a mark: everything before it is durable.
func (w *writer) appendMark() {
	w.buffer = record.AppendCommit(w.buffer, record.Commit{
		Next: uint64(w.next), SyncedThrough: w.end, Chain: w.chain,
	}, w.segment.key)
	w.end += record.CommitFrameSize
	w.marked = true
}

// flush writes the buffer; it ends at w.end.
func (w *writer) flush() error {
	at := w.end - int64(len(w.buffer))
	if _, err := w.file.WriteAt(w.buffer, at); err != nil {
		return fmt.Errorf("write segment %d at %d: %w", w.segment.number, at, err)
	}
	w.hash.Write(w.buffer)
	if cap(w.buffer) > 2*writeBytes {
		w.buffer = nil
	}
	w.buffer = w.buffer[:0]
	return nil
}
