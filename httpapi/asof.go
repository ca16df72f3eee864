package httpapi

import (
	"strconv"
	"strings"

	"fhirlog/domain"
)

// asOfParameter is fhirlog's own: it asks for the answer as of a past instant or
// position of the log. It is taken by reads, histories and searches; includes
// and chains of a search see the same moment.
const asOfParameter = "_asOf"

// asOf returns the number of records that an answer as of _asOf may see: those
// up to and including a position and the rest of its commit, as half of a
// transaction never was to be seen; or those up to and including an instant. What
// the log has not reached yet is refused, as the answer to it may still change.
//
// Digits alone are a position, so an instant needs its time as well: 2026 would
// be both.
func (s *Server) asOf(query parameters) (snapshot uint64, given bool, err error) {
	value, given, err := query.one(asOfParameter)
	if err != nil || !given {
		return 0, given, err
	}
	applied := s.reader.Applied()
	if value != "" && strings.Trim(value, "0123456789") == "" {
		position, err := strconv.ParseUint(value, 10, 64)
		if err != nil || position >= applied {
			return 0, true, invalid("_asOf names a position that the log has not reached: it holds " + strconv.FormatUint(applied, 10) + " records, counted from 0.")
		}
		snapshot, err = s.reader.CommitEnd(position)
		return snapshot, true, err
	}
	p, ok := parsePeriod(value)
	if !ok || len(value) < len("2006-01-02T15:04:05") {
		return 0, true, invalid("_asOf must be an instant such as 2026-03-01T10:00:00Z, or the position of a record in the log such as 1234.")
	}
	if p.first > s.now() {
		// Only what the log knows of such an instant counts: its clock may be ahead.
		known, err := s.reader.Before(p.first)
		if err != nil {
			return 0, true, err
		}
		if known >= applied {
			return 0, true, invalid("_asOf is in the future: what will be there by then is not known.")
		}
	}
	snapshot, err = s.reader.Before(p.first + 1)
	return min(snapshot, applied), true, err
}

// past says that the request asks for a past moment.
func (r *request) past() bool {
	for _, p := range r.query {
		if p.name == asOfParameter {
			return true
		}
	}
	return false
}

// seesPast refuses _asOf on searches where former versions are not readable: a
// search would tell of them by what it finds, of whatever types it looks at.
func (s *Server) seesPast(r *request) error {
	if len(s.options.NoHistory) == 0 || !r.past() {
		return nil
	}
	e := domain.NewError(domain.MethodNotAllowed, "Former versions of some types are not readable here, so no search looks at the past.")
	e.Issues[0].Code = "forbidden"
	return &notAllowedError{failure: e, allow: s.allow(r.place, r.rules)}
}
