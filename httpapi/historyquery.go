package httpapi

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
	"strconv"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/event"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/resource"
)

// plan reads the parameters of a history.
func (w *walk) plan() error {
	if err := w.planCount(); err != nil {
		return err
	}
	if err := w.planSort(); err != nil {
		return err
	}
	w.query.Snapshot = w.s.reader.Applied()
	token, paged, err := w.r.query.one("ct")
	if err != nil {
		return err
	}
	w.scope = w.r.path()
	for _, name := range []string{"_since", "_before", "_at", "_sort"} {
		value, _, _ := w.r.query.one(name)
		w.scope += "\x00" + value
	}
	if paged {
		if err := w.resume(token); err != nil {
			return err
		}
	}
	if unknown := w.r.unknownParameters(); len(unknown) > 0 {
		w.warn("not-supported", unknownMessage(unknown)+" These parameters were ignored.")
	}
	return w.planBounds()
}

func (w *walk) warn(code, message string) {
	w.warnings = append(w.warnings, domain.Issue{Severity: domain.Warning, Code: code, Message: message})
}

func (w *walk) planCount() error {
	w.query.Count = standardHistoryCount
	value, given, err := w.r.query.one("_count")
	if err != nil {
		return err
	}
	if given {
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return invalid("_count must be a whole number from 0.")
		}
		w.query.Count = int(min(n, mostHistoryCount))
		if n > mostHistoryCount {
			w.warn("too-costly", "_count is larger than the "+strconv.Itoa(mostHistoryCount)+" entries that a page may have, and was lowered to that.")
		}
	}
	if w.r.shape.summary == summaryCount {
		w.query.Count = 0
	}
	w.countAll = w.query.Count == 0
	return nil
}

func (w *walk) planSort() error {
	value, given, err := w.r.query.one("_sort")
	if err != nil || !given {
		return err
	}
	switch value {
	case "_lastUpdated":
		w.query.Ascending = true
	case "-_lastUpdated":
	default:
		return invalid("A history is sorted by _lastUpdated or -_lastUpdated only.")
	}
	return nil
}

// planBounds turns the instants of the parameters into positions.
func (w *walk) planBounds() error {
	since, sinceGiven, err := w.when("_since")
	if err != nil {
		return err
	}
	before, beforeGiven, err := w.when("_before")
	if err != nil {
		return err
	}
	at, atGiven, err := w.when("_at")
	if err != nil {
		return err
	}
	if atGiven && (sinceGiven || beforeGiven) {
		return invalid("_at asks for a moment, _since and _before for a time: they cannot be used together.")
	}
	q := &w.query
	q.Before = q.Snapshot
	if sinceGiven {
		if q.From, err = w.position(since.first); err != nil {
			return err
		}
	}
	if beforeGiven {
		if before.first > w.s.now() {
			return invalid("_before is in the future: what the history will hold by then is not known.")
		}
		if q.Before, err = w.position(before.first); err != nil {
			return err
		}
	}
	if atGiven {
		// What was current at the first moment, and what became so before the end.
		if q.CurrentAt, err = w.position(at.first + 1); err == nil {
			q.Before, err = w.position(at.end)
		}
	}
	return err
}

// position counts the records before an instant that this walk may see.
func (w *walk) position(instant int64) (uint64, error) {
	n, err := w.s.reader.Before(instant)
	return min(n, w.query.Snapshot), err
}

func (w *walk) when(name string) (period, bool, error) {
	value, given, err := w.r.query.one(name)
	if err != nil || !given {
		return period{}, false, err
	}
	p, ok := parsePeriod(value)
	if !ok {
		return p, true, invalid(name + " must be a date or an instant, such as 2026-03-01 or 2026-03-01T10:00:00Z.")
	}
	return p, true, nil
}

// The bits of a paging token's first byte.
const (
	tokenFormat   = 1 << 6
	tokenHasStart = 1
	tokenBackward = 2
)

// token makes the paging token for a page of the same walk: the snapshot, where
// to begin, the direction, and a checksum over these and what is walked.
func (w *walk) token(q resource.HistoryQuery) string {
	flags := byte(tokenFormat)
	if q.HasStart {
		flags |= tokenHasStart
	}
	if q.Backward {
		flags |= tokenBackward
	}
	raw := append(make([]byte, 0, 32), flags)
	raw = binary.AppendUvarint(raw, q.Snapshot)
	if q.HasStart {
		raw = binary.AppendUvarint(raw, q.Start)
	}
	raw = binary.LittleEndian.AppendUint32(raw, w.checksum(raw))
	return base64.RawURLEncoding.EncodeToString(raw)
}

var tokenTable = crc32.MakeTable(crc32.Castagnoli)

func (w *walk) checksum(raw []byte) uint32 {
	return crc32.Update(crc32.Checksum(raw, tokenTable), tokenTable, []byte(w.scope))
}

// resume reads a paging token into the query.
func (w *walk) resume(token string) error {
	wrong := invalid("The paging token ct is not one that this server made for this history. Follow the links of a page unchanged.")
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) < 6 {
		return wrong
	}
	raw, sum := raw[:len(raw)-4], binary.LittleEndian.Uint32(raw[len(raw)-4:])
	if sum != w.checksum(raw) {
		return wrong
	}
	flags := raw[0]
	snapshot, n := binary.Uvarint(raw[1:])
	if flags&^(tokenHasStart|tokenBackward) != tokenFormat || n <= 0 || snapshot > w.query.Snapshot {
		return wrong
	}
	raw = raw[1+n:]
	w.query.Snapshot = snapshot
	w.query.Backward = flags&tokenBackward != 0
	if w.query.HasStart = flags&tokenHasStart != 0; w.query.HasStart {
		w.query.Start, n = binary.Uvarint(raw)
		if n <= 0 || n != len(raw) {
			return wrong
		}
	} else if len(raw) > 0 || w.query.Backward {
		return wrong
	}
	return nil
}

// appendLinks writes the links of the page (https://hl7.org/fhir/R4/http.html#paging).
// All lead into the same snapshot.
func (w *walk) appendLinks(b *bodyWriter, more bool) {
	b.buf = append(b.buf, `,"link":[`...)
	w.appendLink(b, "self", w.r.query.encode(nil))
	if !w.countAll {
		q := resource.HistoryQuery{Snapshot: w.query.Snapshot}
		b.buf = append(b.buf, ',')
		w.appendLink(b, "first", w.linkTo(q))
		if w.previous {
			back := resource.HistoryQuery{Snapshot: q.Snapshot, Ascending: w.query.Ascending, Backward: true}
			if step(&back, w.firstAt) {
				b.buf = append(b.buf, ',')
				w.appendLink(b, "previous", w.linkTo(back))
			}
		}
		if more {
			q.HasStart, q.Start = true, w.query.Start
			b.buf = append(b.buf, ',')
			w.appendLink(b, "next", w.linkTo(q))
		}
	}
	b.buf = append(b.buf, ']')
}

// linkTo writes the query of a page of the same walk.
func (w *walk) linkTo(q resource.HistoryQuery) []byte {
	query := slices.DeleteFunc(slices.Clone(w.r.query), func(p parameter) bool { return p.name == "ct" })
	return append(query, parameter{"ct", w.token(q)}).encode(nil)
}

func (w *walk) appendLink(b *bodyWriter, relation string, query []byte) {
	b.buf = append(b.buf, `{"relation":"`...)
	b.buf = append(b.buf, relation...)
	b.buf = append(b.buf, `","url":`...)
	b.buf = fhirjson.AppendQuoted(b.buf, w.r.base+w.r.path()+string(query))
	b.buf = append(b.buf, '}')
}

// path is the path of a history below the base.
func (r *request) path() string {
	path := ""
	if r.typ != "" {
		path += "/" + r.typ
	}
	if r.id != "" {
		path += "/" + r.id
	}
	return path + "/_history"
}

// verb is the method that a history shows. The verbs of STU3 have no PATCH.
func (s *Server) verb(i event.Interaction) string {
	if i == event.Patch && s.fhir.Version() == definitions.STU3 {
		return "PUT"
	}
	return i.Method()
}
