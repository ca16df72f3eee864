package httpapi

import (
	"context"
	"net/http"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/resource"
)

const (
	// A page may hold many large resources, so it is read and written in chunks:
	// of firstChunk versions, then of as many as make up chunkBytes if they are as
	// large as those before, mostChunk at most.
	firstChunk = 10
	mostChunk  = 100
	chunkBytes = largeAnswer
)

// walk is one page of a history on its way to the client
// (https://hl7.org/fhir/R4/http.html#history).
type walk struct {
	s        *Server
	r        *request
	load     func(ctx context.Context, q resource.HistoryQuery) (resource.HistoryPage, error)
	query    resource.HistoryQuery // of the next chunk; Count counts down
	chunk    int                   // versions in the next chunk, at most
	firstAt  uint64                // position of the page's first entry
	scope    []string              // what the token is good for
	countAll bool                  // only the total is asked for
	previous bool                  // there is a page before
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

// history answers with a page. Its first chunk is read before the answer
// begins, so that faults get a status of their own.
func (s *Server) history(ctx context.Context, r *request, load func(context.Context, resource.HistoryQuery) (resource.HistoryPage, error)) (response, error) {
	w := &walk{s: s, r: r, load: load, chunk: firstChunk}
	if err := w.plan(); err != nil {
		return response{}, err
	}
	if err := w.findBeginning(ctx); err != nil {
		return response{}, err
	}
	w.firstAt = w.query.Start
	first, err := w.next(ctx)
	if err != nil {
		return response{}, err
	}
	if w.countAll && first.Total < 0 {
		if first.Total, err = w.countEntries(ctx); err != nil {
			return response{}, err
		}
	}
	if len(first.Entries) > 0 {
		w.firstAt = first.Entries[0].Position
	}
	return response{status: http.StatusOK, stream: func(b *bodyWriter, sh shape) error {
		return w.write(ctx, b, &sh, first)
	}}, nil
}

// findBeginning turns a walk back to the previous page into one forward from
// where that page begins.
func (w *walk) findBeginning(ctx context.Context) error {
	if !w.query.Backward {
		w.previous = w.query.HasStart
		return nil
	}
	back, count := w.query, w.query.Count
	w.query.Backward, w.query.HasStart = false, false
	for left := count; left > 0; {
		back.Count = left
		page, err := w.loadChunk(ctx, back)
		if err != nil {
			return err
		}
		w.previous = page.More
		if len(page.Entries) == 0 {
			break
		}
		w.query.Start, w.query.HasStart = page.Entries[0].Position, true
		left -= len(page.Entries)
		if !page.More || !step(&back, page.Entries[0].Position) {
			break
		}
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

// loadChunk reads a chunk of what a query asks for.
func (w *walk) loadChunk(ctx context.Context, q resource.HistoryQuery) (resource.HistoryPage, error) {
	q.Count = min(q.Count, w.chunk)
	page, err := w.load(ctx, q)
	if err != nil || len(page.Entries) == 0 {
		return page, err
	}
	bytes := 0
	for i := range page.Entries {
		bytes += len(page.Entries[i].Body)
	}
	w.chunk = min(max(len(page.Entries)*chunkBytes/max(bytes, 1), 1), mostChunk)
	return page, w.r.hold(ctx, bytes)
}

// next reads the next chunk and moves the query behind it.
func (w *walk) next(ctx context.Context) (resource.HistoryPage, error) {
	page, err := w.loadChunk(ctx, w.query)
	if err != nil || len(page.Entries) == 0 {
		w.query.Count = 0
		return page, err
	}
	w.query.Count -= len(page.Entries)
	if !step(&w.query, page.Entries[len(page.Entries)-1].Position) {
		page.More = false
	}
	if !page.More {
		w.query.Count = 0
	}
	return page, nil
}

// countEntries counts by walking, where the reader does not know the total.
func (w *walk) countEntries(ctx context.Context) (total int, err error) {
	q := w.query
	q.Count = mostChunk
	for {
		page, err := w.loadChunk(ctx, q)
		if err != nil {
			return 0, err
		}
		total += len(page.Entries)
		if !page.More || len(page.Entries) == 0 || !step(&q, page.Entries[len(page.Entries)-1].Position) {
			return total, nil
		}
	}
}

// write writes the Bundle. Its links come before the entries if they are known
// by then, that is unless the page has several chunks. XML has no choice: there the
// walk is done ahead once, for the links alone.
func (w *walk) write(ctx context.Context, b *bodyWriter, sh *shape, page resource.HistoryPage) error {
	w.s.beginBundle(b, w.r.requestID, "history", page.Total)
	linked := w.query.Count == 0 || b.xml != nil
	if linked {
		if err := w.writeLinksAhead(ctx, b, page.More); err != nil {
			return err
		}
	}
	entries := 0
	for {
		for i := range page.Entries {
			if err := w.writeEntry(b, sh, &page.Entries[i], entries); err != nil {
				return err
			}
			entries++
		}
		if w.query.Count == 0 || b.dropped {
			break
		}
		var err error
		if page, err = w.next(ctx); err != nil {
			return err
		}
	}
	if len(w.warnings) > 0 {
		if err := w.writeWarnings(b, entries); err != nil {
			return err
		}
		entries++
	}
	b.endList(entries)
	if !linked {
		w.writeLinks(b, page.More)
	}
	b.endResource("Bundle")
	return nil
}

// writeLinksAhead writes the links after going through the rest of the page.
func (w *walk) writeLinksAhead(ctx context.Context, b *bodyWriter, more bool) error {
	ahead := *w
	for ahead.query.Count > 0 {
		page, err := ahead.next(ctx)
		if err != nil {
			return err
		}
		more = page.More
	}
	ahead.writeLinks(b, more)
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
