package httpapi

import (
	"errors"
	"strconv"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/event"
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
	if err := w.planSnapshot(); err != nil {
		return err
	}
	if unknown := w.r.unknownParameters(); len(unknown) > 0 {
		w.warn("not-supported", unknownMessage(unknown)+" These parameters were ignored.")
	}
	return w.planBounds()
}

// planSnapshot finds the number of records that the walk may see: those of the
// page before, those as of a moment, or all.
func (w *walk) planSnapshot() error {
	asOf, given, err := w.s.asOf(w.r.query)
	if err != nil {
		return err
	}
	w.query.Horizon = w.s.reader.Applied()
	if w.query.Snapshot = asOf; !given {
		w.query.Snapshot = w.query.Horizon
	}
	text, paged, err := w.r.query.one("ct")
	if err != nil {
		return err
	}
	w.scope = []string{"history", w.r.historyPath()}
	for _, name := range []string{"_since", "_before", "_at", "_sort", asOfParameter} {
		value, _, _ := w.r.query.one(name)
		w.scope = append(w.scope, value)
	}
	if !paged {
		return nil
	}
	token, err := w.s.resumeToken("ct", text, w.scope)
	w.query.Snapshot, w.query.Backward = token.snapshot, token.backward
	w.query.Start, w.query.HasStart = token.start, token.hasStart
	return err
}

func (w *walk) warn(code, message string) {
	w.warnings = append(w.warnings, domain.Issue{Severity: domain.Warning, Code: code, Message: message})
}

func (w *walk) planCount() error {
	w.query.Count = standardCount
	value, given, err := w.r.query.one("_count")
	if err != nil {
		return err
	}
	if given {
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return invalid("_count must be a whole number from 0.")
		}
		w.query.Count = int(min(n, mostCount))
		if n > mostCount {
			w.warn("too-costly", "_count exceeds limit: a page has "+strconv.Itoa(mostCount)+" entries at most, so it was lowered to that.")
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

// writeLinks writes the links of the page. All lead into the same snapshot.
func (w *walk) writeLinks(b *bodyWriter) {
	l := links{to: w.r.base + w.r.historyPath()}
	l.add(b, "self", string(w.r.query.encode(nil)))
	if !w.countAll {
		l.add(b, "first", w.linkTo(&pageToken{}))
		shown := w.page.Positions
		if w.previous {
			first := w.query.Start
			if len(shown) > 0 {
				first = shown[0]
			}
			back := resource.HistoryQuery{Ascending: w.query.Ascending, Backward: true}
			if step(&back, first) {
				l.add(b, "previous", w.linkTo(&pageToken{start: back.Start, hasStart: true, backward: true}))
			}
		}
		next := resource.HistoryQuery{Ascending: w.query.Ascending}
		if w.page.More && step(&next, shown[len(shown)-1]) {
			l.add(b, "next", w.linkTo(&pageToken{start: next.Start, hasStart: true}))
		}
	}
	l.end(b)
}

// linkTo writes the query of a page of the same walk.
func (w *walk) linkTo(t *pageToken) string {
	t.snapshot = w.query.Snapshot
	return string(w.r.query.with("ct", w.s.sealToken(t, w.scope)).encode(nil))
}

// historyPath is the path of a history below the base.
func (r *request) historyPath() string {
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
