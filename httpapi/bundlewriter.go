package httpapi

import (
	"context"
	"net/http"
	"strconv"

	"fhirlog/domain"
)

// respond answers with the Bundle of responses, written entry by entry in the
// order of the request. read answers the entries that have none yet: reads are
// carried out only now, so that their results need not be kept.
func (j *job) respond(ctx context.Context, read func(ctx context.Context, e *entry) response) response {
	return response{status: http.StatusOK, stream: func(b *bodyWriter, _ shape) error {
		j.s.beginBundle(b, j.outer.requestID, j.kind+"-response", -1)
		written := 0
		for i := range j.entries {
			e := &j.entries[i]
			answer := e.answer
			e.answer = response{} // its resource is not needed any more
			if !e.answered {
				answer = read(ctx, e)
			}
			if err := j.writeEntry(b, &answer, &e.request, written); err != nil {
				return err
			}
			written++
		}
		if j.logic == unknownLogic {
			remark := response{status: http.StatusMethodNotAllowed, issues: []domain.Issue{{
				Severity: domain.Warning, Code: "not-supported",
				Message: "x-bundle-processing-logic must be parallel or sequential; the Bundle was processed sequentially.",
			}}}
			if err := j.writeEntry(b, &remark, j.outer, written); err != nil {
				return err
			}
			written++
		}
		b.endList(written)
		b.endResource("Bundle")
		return nil
	}}
}

// writeEntry writes the response to one entry.
func (j *job) writeEntry(b *bodyWriter, answer *response, r *request, number int) error {
	if answer.json != nil {
		failed := j.s.failure(j.outer.requestID, notSupported("The answer to this is not FHIR and cannot stand in a Bundle."))
		answer = &failed
	}
	b.beginItem("entry", number)
	if r.method != http.MethodHead && answer.status != http.StatusNotModified {
		if err := j.writeContent(b, answer, r); err != nil {
			return err
		}
	}
	b.beginElement("response")
	b.beginValue("status")
	b.buf = strconv.AppendInt(b.buf, int64(answer.status), 10)
	b.buf = append(b.buf, ' ')
	b.buf = append(b.buf, http.StatusText(answer.status)...)
	b.endValue()
	if answer.location != "" {
		b.beginValue("location")
		b.text(answer.location)
		b.endValue()
	}
	if answer.version != 0 {
		b.etag(uint64(answer.version))
		if answer.instant != 0 {
			b.instant("lastModified", answer.instant)
		}
	}
	if answer.issues != nil {
		if err := j.s.outcomeIn(b, "outcome", j.outer.requestID, answer); err != nil {
			return err
		}
	}
	b.endElement("response")
	b.endElement("entry")
	return b.flushIfLarge()
}

// writeContent writes the resource of an entry, if it has one.
func (j *job) writeContent(b *bodyWriter, answer *response, r *request) error {
	if answer.resource == nil && answer.fhir == nil && answer.stream == nil {
		return nil
	}
	if answer.stream == nil {
		return j.s.resourceIn(b, "resource", answer, &r.shape)
	}
	b.beginWrapper("resource")
	err := answer.stream(b, r.shape)
	b.endWrapper("resource")
	return err
}
