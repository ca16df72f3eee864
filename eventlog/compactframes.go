package eventlog

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"fhirlog/eventlog/record"
)

// copyFrames writes all frames anew, and checks the old file while it reads it:
// damage must not get a fresh hash.
func (r *rewriting) copyFrames(ctx context.Context, v *view, t *record.Trailer) error {
	head := make([]byte, record.HeaderSize)
	if err := readFull(r.source, head, 0, r.old); err != nil {
		return err
	}
	r.scan = activeScan{
		segment: r.old, chain: r.header.PreviousChain, lastInstant: r.header.PreviousInstant,
		next: r.old.first, pendingNext: r.old.first,
	}
	f := newFrames(r.source, r.old.key, record.HeaderSize, v.dataEnd)
	defer f.release()
	for {
		at := f.at
		frame, err := f.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if errors.Is(err, record.ErrInvalid) {
			return r.old.corrupt(at, err)
		}
		if err != nil {
			return err
		}
		if frame.Kind == record.KindIndex || frame.Kind == record.KindTrailer {
			return r.old.corrupt(at, errors.New("index among the records"))
		}
		if err := r.scan.take(frame, at, f.at); err != nil {
			return r.old.corrupt(at, err)
		}
		if err := r.copyFrame(ctx, frame, at); err != nil {
			return err
		}
	}
	if s := &r.scan; s.open || s.next != v.next || s.chain != t.Chain || s.end != v.dataEnd {
		return r.old.corrupt(v.dataEnd, errors.New("the records are not those that the trailer tells of"))
	}
	if _, err := io.Copy(io.Discard, io.NewSectionReader(r.source, v.dataEnd, hashedBytes(v)-v.dataEnd)); err != nil {
		return err
	}
	if [sha256.Size]byte(r.source.hash.Sum(nil)) != v.sha256 {
		return r.old.corrupt(0, errors.New("the hash of the file is not the one in its trailer"))
	}
	return nil
}

// copyFrame appends one frame, without what is to go.
func (r *rewriting) copyFrame(ctx context.Context, frame record.Frame, at int64) error {
	before := len(r.buffer)
	if frame.Kind == record.KindCommit {
		commit, err := record.DecodeCommit(frame)
		if err != nil {
			return r.old.corrupt(at, err)
		}
		// The file has its name only when all of it is durable.
		commit.SyncedThrough = r.end
		r.buffer = record.AppendCommit(r.buffer, commit, r.key)
	} else {
		run := &r.scan.run
		for range run.Entries {
			r.offsets = append(r.offsets, uint32(r.end/record.Alignment))
		}
		changed, err := r.erase(run, at)
		if err != nil {
			return err
		}
		if changed || r.cipher != nil {
			r.buffer, err = appendRun(r.buffer, run, r.end, r.key, r.cipher, r.log.options.Random)
		} else {
			r.buffer = record.AppendFrame(r.buffer, frame, r.key)
		}
		if err != nil {
			return err
		}
	}
	r.end += int64(len(r.buffer) - before)
	if len(r.buffer) < compactBytes {
		return nil
	}
	if err := r.flush(); err != nil {
		return err
	}
	r.tell(r.scan.pendingNext)
	return r.rest(ctx)
}

// part is what is to go of an entry.
type part uint8

const (
	nothing     part = iota
	theBody          // and the means to guess it
	theMetadata      // of an entry that has no body
	bothOfThem
)

// goes says what is to go of entry i of a run. It is asked in order of position.
func (r *rewriting) goes(run *record.Run, i int) part {
	e, p := &run.Entries[i], Position(run.First)+Position(i)
	switch metadata := !e.MetadataErased() && r.metadata.has(p); {
	case metadata && e.HasBody():
		return bothOfThem
	case metadata:
		return theMetadata
	case e.HasBody() && r.gone.has(p):
		return theBody
	}
	return nothing
}

// erase takes what is to go out of a run.
func (r *rewriting) erase(run *record.Run, at int64) (changed bool, err error) {
	first := 0
	for first < len(run.Entries) && r.goes(run, first) == nothing {
		first++
	}
	if first == len(run.Entries) {
		return false, nil
	}
	content := run.Block
	if run.Compressed() {
		r.bodies = grow(r.bodies, run.BlockLength())
		if err := r.log.codec.decompress(r.bodies, run.Block); err != nil {
			return false, r.old.corrupt(at, err)
		}
		content = r.bodies
	}
	kept := make([]byte, 0, len(content))
	for i := range run.Entries {
		e := &run.Entries[i]
		body := content[:e.Body]
		content = content[e.Body:]
		goes := nothing
		if i >= first {
			goes = r.goes(run, i)
		}
		switch goes {
		case nothing, theMetadata:
			kept = append(kept, body...)
		default:
			err = eraseBody(e, run.First+uint64(i), run.Instant, body)
			r.changed.Records++
			r.changed.BodyBytes += int64(len(body))
		}
		if err == nil && (goes == theMetadata || goes == bothOfThem) {
			err = r.eraseMetadata(e, run.First+uint64(i), run.Instant)
		}
		if err != nil {
			return false, r.old.corrupt(at, err)
		}
	}
	run.Flags &^= record.FlagCompressed
	run.Block = kept
	if block, pays := compress(r.encoder, r.block[:0], kept); pays {
		r.block, run.Block = block, block
		run.Flags |= record.FlagCompressed
	}
	return true, nil
}

// eraseBody takes the body from an entry, and the means to guess it. What can
// never be checked again is checked now.
func eraseBody(e *record.Entry, position uint64, instant int64, body []byte) error {
	salt := record.MetadataSalt(e.Seed)
	if body == nil {
		body = []byte{} // there is one, and it is empty
	}
	if record.CommitMetadata(salt, position, instant, e.Metadata) != e.MetadataCommitment() ||
		record.CommitBody(record.BodySalt(e.Seed), body) != e.BodyCommitment() {
		return fmt.Errorf("record %d is not what was committed to", position)
	}
	e.Flags |= record.EntryErased
	e.Seed, e.Body = salt, 0
	return nil
}

// eraseMetadata puts a stub in the place of the metadata of an entry that has no body
// any more, and drops what is left to guess anything of it by.
func (r *rewriting) eraseMetadata(e *record.Entry, position uint64, instant int64) error {
	if record.CommitMetadata(e.MetadataSalt(), position, instant, e.Metadata) != e.MetadataCommitment() ||
		!e.Erased() && record.CommitBody(record.BodySalt(e.Seed), nil) != e.BodyCommitment() {
		return fmt.Errorf("record %d is not what was committed to", position)
	}
	stub, err := r.options.Stub(e.Metadata)
	if err == nil && len(stub) > record.MaxStub {
		err = fmt.Errorf("%d bytes are to stand in the place of its metadata, at most %d can", len(stub), record.MaxStub)
	}
	if err != nil {
		return fmt.Errorf("erase the metadata of record %d: %w", position, err)
	}
	e.Flags |= record.EntryMetadataErased
	e.Metadata, e.Seed = stub, [record.SeedSize]byte{}
	r.changed.Metadata++
	return nil
}

// hashedReader hashes what is read of a file from its beginning on, in order.
type hashedReader struct {
	from io.ReaderAt
	hash hash.Hash
	at   int64
}

// ReadAt reads, and takes into the hash what it has not read before.
func (h *hashedReader) ReadAt(p []byte, at int64) (int, error) {
	n, err := h.from.ReadAt(p, at)
	if skip := h.at - at; skip >= 0 && skip < int64(n) {
		h.hash.Write(p[skip:n])
		h.at += int64(n) - skip
	}
	return n, err
}
