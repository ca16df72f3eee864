package record

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

const testKey Key = 0xC0FFEE

// sampleRuns are runs of every sort, the erased form among them.
func sampleRuns() []Run {
	entry := func(flags uint8, body int, metadata string, fill byte) Entry {
		e := Entry{Flags: flags, Body: body, Metadata: []byte(metadata)}
		for i := range e.Seed {
			e.Seed[i] = fill
		}
		for i := range e.Commitments {
			e.Commitments[i] = fill ^ byte(i)
		}
		return e
	}
	return []Run{
		{First: 0, Instant: 1, Flags: FlagFirst | FlagLast, Entries: []Entry{entry(0, 0, "", 1)}},
		{First: 1 << 40, Instant: 1 << 41, Flags: FlagFirst, Entries: []Entry{entry(EntryHasBody, 3, "metadata", 2)}, Block: []byte("abc")},
		{First: 7, Instant: 8, Flags: FlagLast | FlagCompressed, Block: []byte("compressed"), Entries: []Entry{
			entry(EntryHasBody, 1000, "one", 3), entry(0, 0, "two", 4), entry(EntryHasBody|EntryErased, 0, "three", 5), entry(EntryHasBody, 0, "", 6),
		}},
		{First: 9, Instant: 10, Flags: FlagFirst | FlagLast, Block: []byte("kept"), Entries: []Entry{
			withoutMetadata(entry(EntryHasBody|EntryErased, 0, "stub", 0)), entry(EntryHasBody, 4, "four", 7), withoutMetadata(entry(0, 0, "", 0)),
		}},
	}
}

func withoutMetadata(e Entry) Entry {
	e.Flags |= EntryMetadataErased
	return e
}

// TestDecodeRun_refuses_entries_that_cannot_be: flags, seed and lengths go together.
func TestDecodeRun_refuses_entries_that_cannot_be(t *testing.T) {
	for name, e := range map[string]Entry{
		"an unknown flag":                     {Flags: 8},
		"erased metadata and a body":          {Flags: EntryHasBody | EntryMetadataErased},
		"erased metadata and a seed":          {Flags: EntryMetadataErased, Seed: [SeedSize]byte{15: 1}},
		"erased metadata, and much for them":  {Flags: EntryMetadataErased, Metadata: make([]byte, MaxStub+1)},
		"a length of a body that was erased":  {Flags: EntryHasBody | EntryErased, Body: 1},
		"a length of a body with no metadata": {Flags: EntryHasBody | EntryErased | EntryMetadataErased, Body: 1},
	} {
		frame, err := DecodeFrame(AppendRun(nil, &Run{Entries: []Entry{e}, Block: make([]byte, e.Body)}, testKey), testKey)
		if err != nil {
			t.Fatal(err)
		}
		var r Run
		if err := DecodeRun(frame, &r); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
	most := Entry{Flags: EntryMetadataErased, Metadata: make([]byte, MaxStub)}
	frame, err := DecodeFrame(AppendRun(nil, &Run{Entries: []Entry{most}}, testKey), testKey)
	var r Run
	if err == nil {
		err = DecodeRun(frame, &r)
	}
	if err != nil || !r.Entries[0].MetadataErased() {
		t.Errorf("the longest stub: %v", err)
	}
}

func TestRun_round_trip(t *testing.T) {
	var decoded Run // reused, as readers do
	for i, r := range sampleRuns() {
		src := AppendRun([]byte("before"), &r, testKey)[6:]
		entries := 0
		for _, e := range r.Entries {
			entries += EntrySize(len(e.Metadata), e.Body)
		}
		if len(src) != RunSize(entries, len(r.Block)) {
			t.Errorf("run %d takes %d bytes, RunSize says %d", i, len(src), RunSize(entries, len(r.Block)))
		}
		frame, err := DecodeFrame(append(src, 1, 2, 3), testKey)
		if err != nil {
			t.Fatalf("run %d: DecodeFrame = %v", i, err)
		}
		if err := DecodeRun(frame, &decoded); err != nil {
			t.Fatalf("run %d: DecodeRun = %v", i, err)
		}
		if !sameRun(&decoded, &r) {
			t.Errorf("run %d: got %+v, want %+v", i, decoded, r)
		}
	}
}

func sameRun(a, b *Run) bool {
	if a.First != b.First || a.Instant != b.Instant || a.Flags != b.Flags || !bytes.Equal(a.Block, b.Block) || len(a.Entries) != len(b.Entries) {
		return false
	}
	for i := range a.Entries {
		x, y := a.Entries[i], b.Entries[i]
		if !bytes.Equal(x.Metadata, y.Metadata) {
			return false
		}
		x.Metadata, y.Metadata = nil, nil
		if !reflect.DeepEqual(x, y) {
			return false
		}
	}
	return true
}

func TestDecodeFrame_refuses_every_flip_and_cut(t *testing.T) {
	for i, r := range sampleRuns() {
		src := AppendRun(nil, &r, testKey)
		for at := range src {
			for bit := range 8 {
				src[at] ^= 1 << bit
				if _, err := DecodeFrame(src, testKey); !errors.Is(err, ErrInvalid) {
					t.Errorf("run %d, bit %d of byte %d flipped: %v, want ErrInvalid", i, bit, at, err)
				}
				src[at] ^= 1 << bit
			}
			if _, err := DecodeFrame(src[:at], testKey); !errors.Is(err, ErrInvalid) {
				t.Errorf("run %d cut at %d: %v, want ErrInvalid", i, at, err)
			}
		}
		if _, err := DecodeFrame(src, testKey+1); !errors.Is(err, ErrInvalid) {
			t.Errorf("run %d of another segment: %v, want ErrInvalid", i, err)
		}
	}
}

func TestDecodeFrame_refuses_zeros(t *testing.T) {
	for _, key := range []Key{0, 1, testKey, ^Key(0)} {
		if _, err := DecodeFrame(make([]byte, 4096), key); !errors.Is(err, ErrInvalid) {
			t.Errorf("DecodeFrame of zeros with key %d = %v", key, err)
		}
	}
}

func TestCommit_round_trip(t *testing.T) {
	for _, c := range []Commit{{}, {Next: 5, SyncedThrough: 96, Count: 5, Chain: 7}, {Next: 1 << 50, SyncedThrough: 1 << 40, Count: 1 << 31, Chain: ^Chain(0)}} {
		src := AppendCommit(nil, c, testKey)
		frame, err := DecodeFrame(src, testKey)
		if err != nil || len(src) != CommitFrameSize {
			t.Fatalf("%d bytes, %v", len(src), err)
		}
		if got, err := DecodeCommit(frame); err != nil || got != c {
			t.Errorf("got %+v, %v, want %+v", got, err, c)
		}
	}
}

func TestHeader_round_trip_and_damage(t *testing.T) {
	h := Header{
		Number: 3, Dictionary: 4, PreviousChain: 5, LogID: [16]byte{6, 7}, SegmentID: [8]byte{8, 9},
		First: 10, Created: 11, PreviousInstant: 12,
	}
	src := AppendHeader(nil, &h)
	if got, err := DecodeHeader(src); err != nil || got != h || len(src) != HeaderSize {
		t.Fatalf("got %+v of %d bytes, %v, want %+v", got, len(src), err, h)
	}
	for at := range src {
		src[at] ^= 4
		if _, err := DecodeHeader(src); !errors.Is(err, ErrInvalid) {
			t.Errorf("flip at %d: %v, want ErrInvalid", at, err)
		}
		src[at] ^= 4
		if _, err := DecodeHeader(src[:at]); !errors.Is(err, ErrInvalid) {
			t.Errorf("cut at %d: %v, want ErrInvalid", at, err)
		}
	}
	other := h
	other.SegmentID[7]++
	if other.Key() == h.Key() {
		t.Error("segments of different ids have the same key")
	}
	other = h
	other.Number++
	if other.Key() == h.Key() {
		t.Error("segments of different numbers have the same key")
	}
}

func TestTrailer_and_index_round_trip(t *testing.T) {
	want := Trailer{First: 1, Next: 3, FirstInstant: 4, LastInstant: 5, Index: 96, Chain: 6, SHA256: [32]byte{7, 8}}
	src := AppendTrailer(nil, &want, testKey)
	frame, err := DecodeFrame(src, testKey)
	if err != nil || len(src) != TrailerSize {
		t.Fatalf("%d bytes, %v", len(src), err)
	}
	if got, err := DecodeTrailer(frame); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for _, offsets := range [][]uint32{{12}, {12, 13}, {12, 12, 1 << 31}} {
		src := AppendIndex(nil, offsets, testKey)
		if int64(len(src)) != IndexFrameSize(int64(len(offsets))) {
			t.Errorf("index of %d takes %d bytes", len(offsets), len(src))
		}
		for i, o := range offsets {
			if got := DecodeIndexEntry(src[IndexEntryAt(uint64(i)):]); got != int64(o)*Alignment {
				t.Errorf("entry %d = %d, want %d", i, got, int64(o)*Alignment)
			}
		}
	}
}

func TestCommitments_separate_what_differs(t *testing.T) {
	seed := [SeedSize]byte{1, 2, 3}
	seen := map[[CommitmentSize]byte]string{}
	add := func(name string, c [CommitmentSize]byte) {
		if other, twice := seen[c]; twice {
			t.Errorf("%s and %s have the same commitment", name, other)
		}
		seen[c] = name
	}
	add("no body", CommitBody(BodySalt(seed), nil))
	add("empty body", CommitBody(BodySalt(seed), []byte{}))
	add("body", CommitBody(BodySalt(seed), []byte("x")))
	add("body, other salt", CommitBody(MetadataSalt(seed), []byte("x")))
	large := bytes.Repeat([]byte("x"), 5000)
	for _, n := range []int{2030, 2031, 2032, 5000} { // around the size up to which it is one call
		add(fmt.Sprint("body of ", n), CommitBody(BodySalt(seed), large[:n]))
		salt := BodySalt(seed)
		if want := sha256.Sum256(slices.Concat([]byte{2}, salt[:], large[:n])); CommitBody(salt, large[:n]) != want {
			t.Errorf("body of %d: the commitment is not what the documentation says", n)
		}
	}
	add("metadata", CommitMetadata(MetadataSalt(seed), 1, 2, []byte("x")))
	add("other position", CommitMetadata(MetadataSalt(seed), 2, 2, []byte("x")))
	add("other instant", CommitMetadata(MetadataSalt(seed), 1, 3, []byte("x")))
	add("other metadata", CommitMetadata(MetadataSalt(seed), 1, 2, []byte("y")))
	if MetadataSalt(seed) == BodySalt(seed) || MetadataSalt(seed) == seed {
		t.Error("the salts are not separate: an erased body could be guessed")
	}
}

func TestChain_survives_an_erasure_and_nothing_else(t *testing.T) {
	run := sampleRuns()[2]
	chain := func(previous Chain, r *Run, next uint64) Chain {
		b := previous.Begin()
		for i := range r.Entries {
			b.Add(&r.Entries[i])
		}
		return b.End(next)
	}
	want := chain(1, &run, 9)
	if chain(2, &run, 9) == want || chain(1, &run, 10) == want {
		t.Error("the chain does not depend on what is before it, or on the position")
	}
	erased := run
	erased.Entries = append([]Entry(nil), run.Entries...)
	erased.Entries[0].Flags, erased.Entries[0].Body = EntryHasBody|EntryErased, 0
	erased.Entries[0].Seed = MetadataSalt(run.Entries[0].Seed)
	if chain(1, &erased, 9) != want {
		t.Error("an erasure breaks the chain")
	}
	erased.Entries[1] = withoutMetadata(erased.Entries[1])
	erased.Entries[1].Metadata, erased.Entries[1].Seed = []byte("a stub"), [SeedSize]byte{}
	if chain(1, &erased, 9) != want {
		t.Error("an erasure of metadata breaks the chain")
	}
	erased.Entries[0].Commitments[40] ^= 1
	if chain(1, &erased, 9) == want {
		t.Error("the chain does not depend on the commitments")
	}
}

// FuzzDecode reads frames and what is in them from any bytes. The checksum is
// made to fit, so the fuzzer gets behind it.
func FuzzDecode(f *testing.F) {
	for _, r := range sampleRuns() {
		src := AppendRun(nil, &r, testKey)
		f.Add(byte(KindRecords), byte(r.Flags), src[FrameHeaderSize:])
		f.Add(byte(KindRecords), byte(r.Flags), src[FrameHeaderSize:len(src)-9])
	}
	f.Add(byte(KindCommit), byte(0), AppendCommit(nil, Commit{Next: 1, Count: 1}, testKey)[FrameHeaderSize:])
	f.Add(byte(KindTrailer), byte(0), AppendTrailer(nil, &Trailer{Next: 1, Index: 96}, testKey)[FrameHeaderSize:])
	f.Add(byte(KindIndex), byte(0), []byte{12, 0, 0, 0})
	f.Fuzz(func(t *testing.T, kind, flags byte, payload []byte) {
		DecodeFrame(payload, testKey) // any bytes at all
		dst, start := beginFrame(nil)
		src := finishFrame(append(dst, payload...), start, FrameKind(kind), flags, testKey)
		frame, err := DecodeFrame(src, testKey)
		if err != nil {
			if kind >= byte(KindRecords) && kind <= byte(KindTrailer) {
				t.Fatalf("a frame just made is not valid: %v", err)
			}
			return
		}
		if !bytes.Equal(frame.Payload, payload) {
			t.Fatal("the payload is another")
		}
		var r Run
		if DecodeRun(frame, &r) == nil {
			checkAgain(t, &r)
		}
		if c, err := DecodeCommit(frame); err == nil {
			again, err := DecodeFrame(AppendCommit(nil, c, testKey), testKey)
			if err != nil || !bytes.Equal(again.Payload, payload) {
				t.Fatalf("commit %+v does not encode to what it came from", c)
			}
		}
		DecodeTrailer(frame)
	})
}

// checkAgain encodes a decoded run and decodes it once more.
func checkAgain(t *testing.T, r *Run) {
	frame, err := DecodeFrame(AppendRun(nil, r, testKey), testKey)
	if err != nil {
		t.Fatal(err)
	}
	var again Run
	if err := DecodeRun(frame, &again); err != nil || !sameRun(r, &again) {
		t.Fatalf("%+v encodes to %+v, %v", r, again, err)
	}
	if len(r.Block) > 0 && !r.Compressed() && r.BlockLength() != len(r.Block) {
		t.Fatal("lengths do not add up")
	}
}

func BenchmarkDecodeRun(b *testing.B) {
	var r Run
	random := rand.New(rand.NewPCG(1, 1))
	for range 11 {
		metadata := make([]byte, 100)
		for i := range metadata {
			metadata[i] = byte(random.Uint32())
		}
		r.Entries = append(r.Entries, Entry{Flags: EntryHasBody, Body: 1400, Metadata: metadata})
	}
	r.Flags, r.Block = FlagCompressed, make([]byte, 2000)
	src := AppendRun(nil, &r, testKey)
	b.SetBytes(int64(len(src)))
	var decoded Run
	for b.Loop() {
		frame, err := DecodeFrame(src, testKey)
		if err != nil || DecodeRun(frame, &decoded) != nil {
			b.Fatal(err)
		}
	}
}

func TestAppendFrame_changes_nothing_but_the_key(t *testing.T) {
	const other Key = 0xBEEF
	for i, r := range sampleRuns() {
		frame, err := DecodeFrame(AppendRun(nil, &r, testKey), testKey)
		if err != nil {
			t.Fatal(err)
		}
		got, want := AppendFrame([]byte("before"), frame, other), AppendRun([]byte("before"), &r, other)
		if !bytes.Equal(got, want) {
			t.Errorf("run %d: got %x, want %x", i, got, want)
		}
		if _, err := DecodeFrame(got[6:], testKey); err == nil {
			t.Errorf("run %d is valid under the key that it had", i)
		}
	}
}
