package event

import (
	"errors"
	"math"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"fhirlog/domain"
)

// randomEvent makes an event with values at and between the limits.
func randomEvent(r *rand.Rand) Event {
	number := func() uint64 { return r.Uint64() >> r.IntN(64) }
	text := func() string {
		switch r.IntN(5) {
		case 0:
			return ""
		case 1:
			return "01J0000000000000000000000" + string("0A7Z"[r.IntN(4)])
		case 2:
			return "01j0000000000000000000000a" // the length of a ULID, and not its letters
		case 3:
			return "8ZZZZZZZZZZZZZZZZZZZZZZZZZ" // beyond the greatest ULID
		default:
			return strings.Repeat("aé-", r.IntN(90))
		}
	}
	e := Event{
		Kind:          Kind(1 + r.IntN(4)),
		Interaction:   Interaction(1 + r.IntN(6)),
		DropsPrevious: r.IntN(2) == 0,
		Type:          domain.ResourceType(text()),
		ID:            domain.LogicalID(text()),
		Version:       domain.VersionID(number()),
		Previous:      number(),
		MetaAt:        int(number() >> 1),
		RequestID:     text(),
		Author:        text(),
	}
	if r.IntN(2) == 0 {
		e.Agent, e.Address, e.Reason = text(), randomAddress(r), text()
	}
	if r.IntN(4) == 0 {
		e.Previous = NoPosition
	}
	if r.IntN(4) == 0 {
		e.Kind, e.Interaction = JobChanged+Kind(r.IntN(2)), Administer
	}
	return e
}

func randomAddress(r *rand.Rand) netip.Addr {
	var b [16]byte
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	switch r.IntN(3) {
	case 0:
		return netip.Addr{}
	case 1:
		return netip.AddrFrom4([4]byte(b[:4]))
	}
	return netip.AddrFrom16(b).Unmap()
}

func TestAppendAndDecodeAreInverse(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	for range 5000 {
		e := randomEvent(r)
		encoded := e.Append([]byte("kept"))
		if string(encoded[:4]) != "kept" {
			t.Fatalf("seed %d: Append changed what was there: %q", seed, encoded[:4])
		}
		got, err := Decode(encoded[4:])
		if err != nil || got != e {
			t.Fatalf("seed %d: Decode(Append(%+v)) = %+v, %v", seed, e, got, err)
		}
	}
}

func TestDecodeKeepsNoPartOfItsInput(t *testing.T) {
	e := Event{Kind: Written, Interaction: Create, Type: "Patient", ID: "p1", Version: 1, Previous: NoPosition, Author: "someone"}
	encoded := e.Append(nil)
	got, err := Decode(encoded)
	clear(encoded)
	if err != nil || got != e {
		t.Fatalf("Decode = %+v, %v; want %+v, also after the input changed", got, err, e)
	}
}

// sample is an encoded event whose fields stand at known places:
// schema, kind, interaction, flags, version, previous, metaAt, "Basic", "b-1", "r", "".
func sample() []byte {
	e := Event{Kind: Written, Interaction: Update, Type: "Basic", ID: "b-1", Version: 2, Previous: 6, MetaAt: 5, RequestID: "r"}
	return e.Append(nil)
}

func TestDecodeRefuses(t *testing.T) {
	changed := func(at int, to ...byte) []byte {
		b := sample()
		return append(append(append([]byte(nil), b[:at]...), to...), b[at+1:]...)
	}
	for name, b := range map[string][]byte{
		"nothing":                 {},
		"schema 0":                changed(0, 0),
		"schema 4":                changed(0, 4),
		"schema 3 cut short":      changed(0, 3),
		"schema 3 with nothing":   append(changed(0, 3), 0, 0, 0),
		"agent in schema 1":       append(sample(), 1, 'a', 0, 0),
		"address of 5 bytes":      append(changed(0, 3), 0, 5, 1, 2, 3, 4, 5, 0),
		"address of 3 bytes":      append(changed(0, 3), 0, 3, 1, 2, 3, 0),
		"IPv4 address in 16":      append(changed(0, 3), 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7, 0),
		"reason longer than all":  append(changed(0, 3), 0, 0, 9, 'x'),
		"bytes behind the reason": append(changed(0, 3), 0, 0, 1, 'x', 0),
		"kind 0":                  changed(1, 0),
		"kind 7":                  changed(1, 7),
		"interaction 0":           changed(2, 0),
		"interaction 8":           changed(2, 8),
		"old kind in schema 2":    changed(0, 2),
		"new kind in schema 1":    changed(1, 5),
		"administered resource":   changed(2, 7),
		"job that is a create":    append([]byte{2, 5, 1}, sample()[3:]...),
		"flag 3":                  changed(3, 1<<3),
		"flag 7":                  changed(3, 1<<7),
		"bytes behind the end":    append(sample(), 0),
		"version beyond 64 bits":  changed(4, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02),
		"padded version":          changed(4, 0x82, 0x00),
		"offset beyond an int":    changed(6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
		"type longer than all":    changed(7, 200),
		"type of 2^64-1 bytes":    changed(7, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
		"id too short for a ULID": changed(3, flagIDIsULID),
		"ULID written as text":    ulidAsText(),
	} {
		if e, err := Decode(b); err == nil {
			t.Errorf("%s: Decode(%x) = %+v, want an error", name, b, e)
		}
	}
}

// ulidAsText is an event that the encoder never writes: it packs ULIDs.
func ulidAsText() []byte {
	const id = "01J00000000000000000000000"
	b := []byte{schema1, byte(Deleted), byte(Delete), 0, 1, 0, 0}
	b = appendText(b, "Patient")
	b = appendText(b, id)
	b = appendText(b, "")
	return appendText(b, "")
}

func TestDecodeTellsAnUnknownSchemaApart(t *testing.T) {
	b := sample()
	b[0] = 9
	if _, err := Decode(b); !errors.Is(err, ErrUnknownSchema) {
		t.Errorf("Decode of schema 9: %v, want ErrUnknownSchema", err)
	}
	if _, err := Decode(sample()[:7]); err == nil || errors.Is(err, ErrUnknownSchema) {
		t.Errorf("Decode of half an event: %v, want another error than ErrUnknownSchema", err)
	}
}

func TestDecodeRefusesEveryPrefix(t *testing.T) {
	for _, full := range [][]byte{sample(), full()} {
		for n := range full {
			if e, err := Decode(full[:n]); err == nil {
				t.Errorf("Decode of the first %d of %d bytes = %+v, want an error", n, len(full), e)
			}
		}
	}
}

// full is an event that has everything.
func full() []byte {
	e := Event{
		Kind: Erased, Interaction: HardDelete, Type: "Patient", ID: "p", Version: 2, Previous: 6, RequestID: "r", Author: "a",
		Agent: "curl/8.5.0", Address: netip.MustParseAddr("192.0.2.7"), Reason: "ticket 12",
	}
	return e.Append(nil)
}

// TestWhatIsNotKnownCostsNothing: a log of a server that is told nothing of its
// clients is what it was before there was schema 3.
func TestWhatIsNotKnownCostsNothing(t *testing.T) {
	e := Event{Kind: Deleted, Interaction: Delete, Type: "Patient", ID: "p", Version: 2, Previous: 6, RequestID: "r", Author: "a"}
	without := len(e.Append(nil))
	for _, c := range []struct {
		name    string
		address string
		agent   string
		reason  string
		more    int
	}{
		{"nothing", "", "", "", 0}, {"an agent", "", "curl", "", 3 + 4}, {"an IPv4 address", "192.0.2.7", "", "", 3 + 4},
		{"an IPv6 address", "2001:db8::1", "", "", 3 + 16}, {"a reason", "", "", "because", 3 + 7},
	} {
		with := e
		with.Agent, with.Reason = c.agent, c.reason
		with.Address, _ = ParseAddress(c.address)
		if got := len(with.Append(nil)) - without; got != c.more {
			t.Errorf("%s costs %d bytes, want %d", c.name, got, c.more)
		}
	}
}

func TestMethodIsWhatHistoryShows(t *testing.T) {
	want := map[Interaction]string{
		Create: "POST", Update: "PUT", Patch: "PATCH", Delete: "DELETE", HardDelete: "DELETE", PurgeHistory: "DELETE",
	}
	for interaction, method := range want {
		if got := interaction.Method(); got != method {
			t.Errorf("Method of interaction %d = %q, want %q", interaction, got, method)
		}
	}
}

func TestLimitsFitIntoAnEvent(t *testing.T) {
	e := Event{
		Kind: HistoryPurged, Interaction: PurgeHistory, DropsPrevious: true,
		Type: "X", ID: "7ZZZZZZZZZZZZZZZZZZZZZZZZZ", Version: math.MaxUint64, Previous: math.MaxUint64 - 1,
		MetaAt: math.MaxInt, RequestID: strings.Repeat("r", 300), Author: strings.Repeat("a", 70_000),
		Agent: strings.Repeat("g", 70_000), Address: netip.MustParseAddr("ffff:ffff::"), Reason: strings.Repeat("y", 70_000),
	}
	if got, err := Decode(e.Append(nil)); err != nil || got != e {
		t.Errorf("Decode(Append(e)) = %+v, %v; want the same", got, err)
	}
}

func FuzzDecode(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		e := randomEvent(r)
		f.Add(e.Append(nil))
	}
	f.Add(ulidAsText())
	f.Add(full())
	for _, g := range goldenWithoutID {
		f.Add(g.event.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := Decode(b)
		if err != nil {
			return
		}
		if again := e.Append(nil); string(again) != string(b) {
			t.Errorf("Decode(%x) = %+v, which is written as %x", b, e, again)
		}
	})
}
