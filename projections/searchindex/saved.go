package searchindex

import (
	"encoding/binary"

	"fhirlog/domain/search"
	"fhirlog/projections/keys"
	"fhirlog/projections/store"
)

// A clean stop saves the head, so that the next start has nothing to apply again.
// What it saves is a number of values of about savedBytes, each a number of
//
//	kind 1 byte    posting, column or forward; 0: endings
//	key            uvarint length, bytes; none for endings
//	content        uvarint length, bytes: as on disk; endings: each
//	               uvarint position, uvarint 2 × position of the event + removed
//
// sorted by key, endings last. It stays true while the log grows, and is removed
// when the block is written.
const savedBytes = 256 << 10

const endingsKind = 0

// Save adds the head to a batch; it is found again by Open if the cursor that is
// written here is. Write must have returned.
func (x *Index) Save(b *store.Batch) {
	h := x.heads[len(x.heads)-1]
	for n := range h.saved {
		b.Delete(keys.SavedHead(h.block, n))
	}
	var chunk []byte
	n := uint32(0)
	flush := func() {
		if len(chunk) > 0 {
			b.Put(keys.SavedHead(h.block, n), chunk)
			n++
			chunk = nil
		}
	}
	add := func(kind byte, key string, content []byte) {
		chunk = append(chunk, kind)
		chunk = binary.AppendUvarint(chunk, uint64(len(key)))
		chunk = append(chunk, key...)
		chunk = binary.AppendUvarint(chunk, uint64(len(content)))
		if chunk = append(chunk, content...); len(chunk) >= savedBytes {
			flush()
		}
	}
	for _, e := range h.sorted() {
		add(byte(e.kind), e.key, h.encode(e))
	}
	var ended []byte
	for _, e := range h.ended {
		ended = binary.AppendUvarint(ended, e.position)
		code := 2 * e.by
		if e.removed {
			code++
		}
		ended = binary.AppendUvarint(ended, code)
	}
	if len(ended) > 0 {
		add(endingsKind, "", ended)
	}
	flush()
	h.saved = max(h.saved, n)
	b.Put(keys.SavedCursor, binary.BigEndian.AppendUint64(nil, x.through))
}

// load brings the head back that a clean stop has saved, up to position through.
func (x *Index) load(through uint64) error {
	h := x.heads[0]
	if through <= x.through || blockOf(through-1) != h.block {
		return nil // from before the block was written
	}
	err := x.store.Scan(store.Range{Prefix: keys.SavedHeads(h.block)}, func(_, chunk []byte) (bool, error) {
		h.saved++
		for len(chunk) > 0 {
			kind := chunk[0]
			key, rest, ok := cutPiece(chunk[1:])
			if !ok {
				return false, errDamaged
			}
			content, rest, ok := cutPiece(rest)
			if !ok {
				return false, errDamaged
			}
			if err := x.loadEntry(h, kind, string(key), content); err != nil {
				return false, err
			}
			chunk = rest
		}
		return true, nil
	})
	x.through = through
	return err
}

func cutPiece(b []byte) (piece, rest []byte, ok bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, nil, false
	}
	b = b[size:]
	return b[:n], b[n:], true
}

func (x *Index) loadEntry(h *head, kind byte, key string, content []byte) error {
	if kind == endingsKind {
		return x.loadEndings(h, content)
	}
	if len(key) < 5 {
		return errDamaged
	}
	return h.decode(h.entry(key, search.EntryKind(kind)), content)
}

func (x *Index) loadEndings(h *head, content []byte) error {
	for len(content) > 0 {
		position, n := binary.Uvarint(content)
		if n <= 0 {
			return errDamaged
		}
		code, m := binary.Uvarint(content[n:])
		if m <= 0 {
			return errDamaged
		}
		content = content[n+m:]
		e := ending{position: position, by: code / 2, removed: code&1 != 0}
		h.ended = append(h.ended, e)
		x.markLocked(e)
	}
	return nil
}
