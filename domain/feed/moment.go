package feed

import (
	"fmt"
	"strconv"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/search"
)

// Moment is a place in the past of a log, as somebody names it: a position, or an
// instant.
type Moment struct {
	now      bool // whatever there is
	instants bool // it is an instant
	position uint64
	instant  int64 // in milliseconds since 1970
}

// Now is the moment of whatever there is.
var Now = Moment{now: true}

// ParseMoment reads a position such as 1234, an instant such as
// 2026-03-01T10:00:00Z, or "now". Digits alone are a position, so an instant needs its
// time as well: 2026 would be both.
func ParseMoment(text string) (Moment, error) {
	if text == "now" {
		return Now, nil
	}
	if text != "" && strings.Trim(text, "0123456789") == "" {
		position, err := strconv.ParseUint(text, 10, 63)
		if err != nil {
			return Moment{}, domain.NewError(domain.Invalid, "A position has 18 digits at most.")
		}
		return Moment{position: position}, nil
	}
	// A '+' that was not encoded arrives as a blank.
	low, _, ok := search.ParseDate(strings.Replace(text, " ", "+", 1))
	if !ok || len(text) < len("2006-01-02T15:04") {
		return Moment{}, domain.NewError(domain.Invalid, "A moment is a position such as 1234, an instant such as 2026-03-01T10:00:00Z, or now.")
	}
	const ticks = 10_000 // of search.Ticks in a millisecond
	instant := int64(low) / ticks
	if int64(low)%ticks < 0 {
		instant--
	}
	return Moment{instants: true, instant: instant}, nil
}

// Timeline is what a log knows of its own time. Its methods fail when it cannot be
// read.
type Timeline interface {
	// Applied is the number of records that may be seen.
	Applied() uint64
	// Before is the number of records whose instant, in milliseconds since 1970, is
	// less.
	Before(instant int64) (uint64, error)
	// CommitEnd is the number of records up to the last one of the commit that a
	// position below Applied belongs to.
	CommitEnd(position uint64) (uint64, error)
}

// First is the first position at or after the moment. The position after the last
// record is one to begin at, too; later ones are refused.
func (m Moment) First(in Timeline) (uint64, error) {
	applied := in.Applied()
	switch {
	case m.now:
		return applied, nil
	case m.instants:
		first, err := in.Before(m.instant)
		return min(first, applied), err
	case m.position > applied:
		return 0, beyond(m.position, applied)
	}
	return m.position, nil
}

// Snapshot is the number of records up to and including the moment. A position
// stands for the whole commit that it belongs to, as half of a transaction never was
// to be seen.
func (m Moment) Snapshot(in Timeline) (uint64, error) {
	applied := in.Applied()
	switch {
	case m.now:
		return applied, nil
	case m.instants:
		snapshot, err := in.Before(m.instant + 1)
		return min(snapshot, applied), err
	case m.position >= applied:
		return 0, beyond(m.position, applied)
	}
	snapshot, err := in.CommitEnd(m.position)
	return min(snapshot, applied), err
}

// beyond refuses a position that is not there yet: what is asked for may come to be
// anything, or the log is another one than it was.
func beyond(position, applied uint64) error {
	return domain.NewError(domain.Invalid, fmt.Sprintf("The log has not reached position %d: it holds %d records, counted from 0.", position, applied))
}
