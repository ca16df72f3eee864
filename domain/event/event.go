package event

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"

	"github.com/oklog/ulid/v2"

	"fhirlog/domain"
)

// Kind says what happened. The numbers are part of the format on disk.
type Kind uint8

// The kinds of events.
const (
	Written       Kind = 1 // a version of a resource, its body in the record
	Deleted       Kind = 2 // the resource is deleted; the deletion is a version of its own
	Erased        Kind = 3 // hard delete: every version is gone, from here on
	HistoryPurged Kind = 4 // every version but the current one is gone, from here on
	// What concerns the server and no resource: type and version are empty, and the
	// record's body, a JSON object, says more; see package registry.
	JobChanged      Kind = 5 // the job ID began, ended, or was canceled
	ParameterStatus Kind = 6 // search parameters were switched on or off
	// The ids of records, and what could prove what these were, are erased from the log
	// from here on. The body lists them; see AppendPositions.
	IDsErased Kind = 7
)

// Administrative says that events of the kind are about no resource: they are in
// no history, and no search finds them.
func (k Kind) Administrative() bool {
	return k == JobChanged || k == ParameterStatus || k == IDsErased
}

// Interaction is the FHIR interaction that caused an event
// (https://hl7.org/fhir/R4/http.html). The numbers are part of the format.
type Interaction uint8

// The interactions that write.
const (
	Create       Interaction = 1
	Update       Interaction = 2 // also as create, and undelete by PUT
	Patch        Interaction = 3
	Delete       Interaction = 4
	HardDelete   Interaction = 5
	PurgeHistory Interaction = 6
	Administer   Interaction = 7 // of administrative events, and of no others
)

// Method returns the HTTP verb that history shows for the interaction, one of
// the codes of Bundle.entry.request.method.
func (i Interaction) Method() string {
	switch i {
	case Create:
		return "POST"
	case Update:
		return "PUT"
	case Patch:
		return "PATCH"
	default:
		return "DELETE"
	}
}

// NoPosition stands for "no such record".
const NoPosition = ^uint64(0)

// Event is the metadata of one record of the log.
type Event struct {
	Kind        Kind
	Interaction Interaction
	// DropsPrevious says that the version before this one is not kept: the
	// versioning policy is no-version, or only meta changed under
	// _meta-history=false.
	DropsPrevious bool
	Type          domain.ResourceType
	ID            domain.LogicalID
	IDErased      bool // this is what is left of an event whose id was erased; see WithoutID
	Version       domain.VersionID
	Previous      uint64 // position of the version before, or NoPosition
	MetaAt        int    // Written: offset in the body, see package resource
	RequestID     string // the server's own id of the request
	Author        string // who asked, or what of the server itself; empty when that is not known

	// With what the author asked, and why, as far as that was said; see text.go for
	// what may stand there.
	Agent   string     // the program, by its own account
	Address netip.Addr // of the client, without a zone, and IPv4 as such; zero when not known
	Reason  string     // for people
}

const (
	schema1 = 1 // of events about resources
	schema2 = 2 // of administrative events; the layout is the same
	schema3 = 3 // of all that have an agent, an address or a reason
	schema4 = 4 // of what is left of an event whose id was erased

	flagDropsPrevious = 1 << 0
	flagIDIsULID      = 1 << 1
	flagRequestIsULID = 1 << 2
	knownFlags        = flagDropsPrevious | flagIDIsULID | flagRequestIsULID
)

// schema is the schema that the event is written with: the oldest that has all of
// it, so that an event has one form.
func (e *Event) schema() byte {
	switch {
	case e.IDErased:
		return schema4
	case e.Agent != "" || e.Address.IsValid() || e.Reason != "":
		return schema3
	case e.Kind.Administrative():
		return schema2
	}
	return schema1
}

// Append encodes e at the end of dst.
func (e *Event) Append(dst []byte) []byte {
	id, idIsULID := packULID(string(e.ID))
	request, requestIsULID := packULID(e.RequestID)
	var flags byte
	if e.DropsPrevious {
		flags |= flagDropsPrevious
	}
	if idIsULID {
		flags |= flagIDIsULID
	}
	if requestIsULID {
		flags |= flagRequestIsULID
	}
	schema := e.schema()
	dst = append(dst, schema, byte(e.Kind), byte(e.Interaction), flags)
	dst = binary.AppendUvarint(dst, uint64(e.Version))
	dst = binary.AppendUvarint(dst, e.Previous+1) // NoPosition wraps to 0
	dst = binary.AppendUvarint(dst, uint64(e.MetaAt))
	dst = appendText(dst, string(e.Type))
	dst = appendPacked(dst, string(e.ID), id, idIsULID)
	dst = appendPacked(dst, e.RequestID, request, requestIsULID)
	dst = appendText(dst, e.Author)
	if schema < schema3 {
		return dst
	}
	dst = appendText(dst, e.Agent)
	dst = appendText(dst, string(e.Address.AsSlice()))
	return appendText(dst, e.Reason)
}

func appendText(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

func appendPacked(dst []byte, s string, packed ulid.ULID, isULID bool) []byte {
	if isULID {
		return append(dst, packed[:]...)
	}
	return appendText(dst, s)
}

// packULID gives the 16-byte form of s if s is exactly the text of a ULID, so
// that reading it back gives the same letters.
func packULID(s string) (ulid.ULID, bool) {
	if len(s) != ulid.EncodedSize {
		return ulid.ULID{}, false
	}
	u, err := ulid.ParseStrict(s)
	if err != nil || u.String() != s {
		return ulid.ULID{}, false
	}
	return u, true
}

// ErrUnknownSchema says that the metadata was written by a newer program.
var ErrUnknownSchema = errors.New("event: unknown schema")

// Decode reads the metadata of a record. It takes only what Append writes, byte
// for byte: an event has one form. It keeps no part of b.
func Decode(b []byte) (Event, error) {
	if len(b) < 4 {
		return Event{}, errors.New("event: metadata too short")
	}
	if b[0] < schema1 || b[0] > schema4 {
		return Event{}, fmt.Errorf("%w %d", ErrUnknownSchema, b[0])
	}
	e := Event{Kind: Kind(b[1]), Interaction: Interaction(b[2]), IDErased: b[0] == schema4}
	flags := b[3]
	if e.Kind < Written || e.Kind > IDsErased {
		return Event{}, fmt.Errorf("event: unknown kind %d", b[1])
	}
	if e.Interaction < Create || e.Interaction > Administer || (e.Interaction == Administer) != e.Kind.Administrative() {
		return Event{}, fmt.Errorf("event: unknown interaction %d of kind %d", b[2], b[1])
	}
	if flags&^knownFlags != 0 {
		return Event{}, fmt.Errorf("event: unknown flags %#x", flags)
	}
	e.DropsPrevious = flags&flagDropsPrevious != 0
	r := reader{rest: b[4:]}
	e.Version = domain.VersionID(r.number())
	e.Previous = r.number() - 1
	e.MetaAt = r.offset()
	e.Type = domain.ResourceType(r.text())
	e.ID = domain.LogicalID(r.packed(flags&flagIDIsULID != 0))
	e.RequestID = r.packed(flags&flagRequestIsULID != 0)
	e.Author = r.text()
	if b[0] >= schema3 {
		e.Agent, e.Address, e.Reason = r.text(), r.address(), r.text()
	}
	if r.failed || len(r.rest) != 0 {
		return Event{}, errors.New("event: metadata is damaged")
	}
	if e.schema() != b[0] || e.IDErased && (e.Kind.Administrative() || e.ID != "" || e.MetaAt != 0) {
		return Event{}, fmt.Errorf("event: kind %d, with what it has, does not stand in schema %d", e.Kind, b[0])
	}
	return e, nil
}

// reader takes fields off the front of rest; the first fault sticks.
type reader struct {
	rest   []byte
	failed bool
}

func (r *reader) number() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 || size > 1 && r.rest[size-1] == 0 { // cut, too large, or padded
		r.failed, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *reader) offset() int {
	n := r.number()
	if n > math.MaxInt {
		r.failed = true
		return 0
	}
	return int(n)
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.failed, r.rest = true, nil
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) text() string { return string(r.take(r.number())) }

// address reads 4 or 16 bytes, or none.
func (r *reader) address() netip.Addr {
	raw := r.take(r.number())
	if len(raw) == 0 {
		return netip.Addr{}
	}
	a, ok := netip.AddrFromSlice(raw)
	if !ok || a.Is4In6() {
		r.failed = true
	}
	return a
}

func (r *reader) packed(isULID bool) string {
	if !isULID {
		text := r.text()
		if _, packs := packULID(text); packs {
			r.failed = true
		}
		return text
	}
	raw := r.take(16)
	if raw == nil {
		return ""
	}
	return ulid.ULID(raw).String()
}
