package httpapi

import (
	"context"
	"net/http"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/resource"
)

// walk is one page of a history on its way to the client
// (https://hl7.org/fhir/R4/http.html#history).
type walk struct {
	s        *Server
	r        *request
	load     func(ctx context.Context, q resource.HistoryQuery) (resource.HistoryPage, error)
	query    resource.HistoryQuery
	page     resource.HistoryPage // what it shows is known before the answer begins
	scope    []string             // what the token is good for
	countAll bool                 // only the total is asked for
	previous bool                 // there is a page before
	warnings []domain.Issue
}

func (s *Server) instanceHistory(ctx context.Context, r *request) (response, error) {
	id, err := domain.ParseLogicalID(r.id)
	if err != nil {
		return response{}, neverExisted(r, err)
	}
	return s.history(ctx, r, func(ctx context.Context, q resource.HistoryQuery) (resource.HistoryPage, error) {
		if r.past() && !q.HasStart {
			// What came later did not exist then, so it has no history either.
			if _, err := s.searcher.ReadAsOf(ctx, r.resourceType(), id, q.Snapshot); err != nil && domain.KindOf(err) != domain.Deleted {
				return resource.HistoryPage{}, err
			}
		}
		return s.reader.InstanceHistory(ctx, r.resourceType(), id, q)
	})
}

func (s *Server) typeHistory(ctx context.Context, r *request) (response, error) {
	return s.history(ctx, r, func(ctx context.Context, q resource.HistoryQuery) (resource.HistoryPage, error) {
		return s.reader.TypeHistory(ctx, r.resourceType(), q)
	})
}

func (s *Server) systemHistory(ctx context.Context, r *request) (response, error) {
	return s.typeHistory(ctx, r) // the type in the path is ""
}

// history answers with a page. Which versions it shows is known before the answer
// begins, so that faults get a status of their own; the versions themselves are read
// one by one while it is written.
func (s *Server) history(ctx context.Context, r *request, load func(context.Context, resource.HistoryQuery) (resource.HistoryPage, error)) (response, error) {
	w := &walk{s: s, r: r, load: load}
	if err := w.plan(); err != nil {
		return response{}, err
	}
	if err := w.findBeginning(ctx); err != nil {
		return response{}, err
	}
	var err error
	if w.page, err = load(ctx, w.query); err != nil {
		return response{}, err
	}
	if w.countAll && w.page.Total < 0 {
		if w.page.Total, err = w.countEntries(ctx); err != nil {
			return response{}, err
		}
	}
	return response{status: http.StatusOK, stream: func(b *bodyWriter, sh shape) error {
		return w.write(ctx, b, &sh)
	}}, nil
}

// findBeginning turns a walk back to the previous page into one forward from
// where that page begins.
func (w *walk) findBeginning(ctx context.Context) error {
	if !w.query.Backward {
		w.previous = w.query.HasStart
		return nil
	}
	page, err := w.load(ctx, w.query)
	if err != nil {
		return err
	}
	w.previous = page.More
	w.query.Backward, w.query.HasStart = false, len(page.Positions) > 0
	if w.query.HasStart {
		w.query.Start = page.Positions[0]
	}
	return nil
}

// step moves the start of a query beyond a position, in its direction; false
// if there is nothing beyond.
func step(q *resource.HistoryQuery, position uint64) bool {
	q.HasStart = true
	if q.Ascending != q.Backward {
		q.Start = position + 1
		return true
	}
	q.Start = position - 1
	return position > 0
}

// countEntries counts by walking, where the reader does not know the total.
func (w *walk) countEntries(ctx context.Context) (total int, err error) {
	q := w.query
	q.Count = mostCount
	for {
		page, err := w.load(ctx, q)
		if err != nil {
			return 0, err
		}
		total += len(page.Positions)
		if !page.More || len(page.Positions) == 0 || !step(&q, page.Positions[len(page.Positions)-1]) {
			return total, nil
		}
	}
}

// write writes the Bundle.
func (w *walk) write(ctx context.Context, b *bodyWriter, sh *shape) error {
	w.s.beginBundle(b, w.r.requestID, "history", w.page.Total)
	w.writeLinks(b)
	entries := 0
	for _, position := range w.page.Positions {
		if b.dropped { // the client wants the headers only
			break
		}
		v, err := w.s.searcher.ReadAt(ctx, position)
		if err == nil {
			err = w.r.hold(ctx, len(v.Body))
		}
		if err == nil {
			err = w.writeEntry(b, sh, &v, entries)
		}
		if err != nil {
			return err
		}
		entries++
	}
	if len(w.warnings) > 0 {
		if err := w.writeWarnings(b, entries); err != nil {
			return err
		}
		entries++
	}
	b.endList(entries)
	b.endResource("Bundle")
	return nil
}

// writeEntry writes one version. A deletion has no resource.
func (w *walk) writeEntry(b *bodyWriter, sh *shape, v *resource.Version, number int) error {
	b.beginItem("entry", number)
	b.fullURL(w.r.base, v)
	if !v.Deleted {
		if err := w.s.resourceIn(b, "resource", &response{resource: v, shaped: true}, sh); err != nil {
			return err
		}
	}
	b.beginElement("request")
	b.value("method", w.s.verb(v.Interaction))
	b.beginValue("url")
	if v.Interaction == event.Create {
		b.buf = append(b.buf, v.Type...)
	} else {
		b.buf = appendReference(b.buf, v)
	}
	b.endValue()
	b.endElement("request")
	b.beginElement("response")
	b.value("status", historyStatus(v))
	b.etag(uint64(v.Version))
	b.instant("lastModified", v.Instant)
	b.endElement("response")
	b.endElement("entry")
	return b.flushIfLarge()
}

// historyStatus tells what the interaction was answered with at its time.
func historyStatus(v *resource.Version) string {
	switch {
	case v.Deleted:
		return "204 No Content"
	case v.Interaction == event.Create, v.Interaction == event.Update && v.Version == 1:
		return "201 Created"
	}
	return "200 OK"
}

// writeWarnings writes an entry with an OperationOutcome. In a history every
// entry needs request and response.
func (w *walk) writeWarnings(b *bodyWriter, number int) error {
	b.beginItem("entry", number)
	if err := w.s.outcomeIn(b, "resource", w.r.requestID, &response{issues: w.warnings}); err != nil {
		return err
	}
	b.beginElement("request")
	b.value("method", "GET")
	b.value("url", w.r.historyPath()[1:])
	b.endElement("request")
	b.beginElement("response")
	b.value("status", "200 OK")
	b.endElement("response")
	b.endElement("entry")
	return nil
}
