package httpapi

import (
	"context"
	"net/http"
	"strconv"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/resource"
)

// respond answers with the Bundle of responses, written entry by entry in the
// order of the request. read answers the entries that have none yet: reads are
// carried out only now, so that their results need not be kept.
func (j *job) respond(ctx context.Context, read func(ctx context.Context, e *entry) response) response {
	return response{status: http.StatusOK, stream: func(b *bodyWriter, _ shape) error {
		b.buf = append(b.buf, `{"resourceType":"Bundle","id":"`...)
		b.buf = append(b.buf, j.outer.requestID...)
		b.buf = append(b.buf, `","meta":{"lastUpdated":"`...)
		b.buf = resource.AppendInstant(b.buf, j.s.now())
		b.buf = append(b.buf, `"},"type":"`...)
		b.buf = append(b.buf, j.kind...)
		b.buf = append(b.buf, `-response"`...)
		written := 0
		for i := range j.entries {
			e := &j.entries[i]
			answer := e.answer
			e.answer = response{} // its resource is not needed any more
			if !e.answered {
				answer = read(ctx, e)
			}
			if err := j.appendEntry(b, &answer, &e.request, written); err != nil {
				return err
			}
			written++
		}
		if j.logic == unknownLogic {
			remark := response{status: http.StatusMethodNotAllowed, issues: []domain.Issue{{
				Severity: domain.Warning, Code: "not-supported",
				Message: "x-bundle-processing-logic must be parallel or sequential; the Bundle was processed sequentially.",
			}}}
			if err := j.appendEntry(b, &remark, j.outer, written); err != nil {
				return err
			}
			written++
		}
		if written > 0 {
			b.buf = append(b.buf, ']')
		}
		b.buf = append(b.buf, '}')
		return nil
	}}
}

// appendEntry writes the response to one entry.
func (j *job) appendEntry(b *bodyWriter, answer *response, r *request, number int) error {
	if answer.json != nil {
		failed := j.s.failure(j.outer.requestID, notSupported("The answer to this is not FHIR and cannot stand in a Bundle."))
		answer = &failed
	}
	openEntry(b, number)
	if r.method != http.MethodHead && answer.status != http.StatusNotModified {
		if err := j.appendContent(b, answer, r); err != nil {
			return err
		}
	}
	b.buf = append(b.buf, `"response":{"status":"`...)
	b.buf = strconv.AppendInt(b.buf, int64(answer.status), 10)
	b.buf = append(b.buf, ' ')
	b.buf = append(b.buf, http.StatusText(answer.status)...)
	b.buf = append(b.buf, '"')
	if answer.location != "" {
		b.buf = append(b.buf, `,"location":`...)
		b.buf = fhirjson.AppendQuoted(b.buf, answer.location)
	}
	if answer.version != 0 {
		b.buf = append(b.buf, `,"etag":"W/\"`...)
		b.buf = strconv.AppendUint(b.buf, uint64(answer.version), 10)
		b.buf = append(b.buf, `\""`...)
		if answer.instant != 0 {
			b.buf = append(b.buf, `,"lastModified":"`...)
			b.buf = resource.AppendInstant(b.buf, answer.instant)
			b.buf = append(b.buf, '"')
		}
	}
	if answer.issues != nil {
		b.buf = append(b.buf, `,"outcome":`...)
		b.buf = j.s.appendOutcome(b.buf, j.outer.requestID, answer)
	}
	b.buf = append(b.buf, `}}`...)
	return b.flushIfLarge()
}

// appendContent writes the resource of an entry, if it has one.
func (j *job) appendContent(b *bodyWriter, answer *response, r *request) (err error) {
	if answer.resource == nil && answer.fhir == nil && answer.stream == nil {
		return nil
	}
	b.buf = append(b.buf, `"resource":`...)
	if answer.stream != nil {
		err = answer.stream(b, r.shape)
	} else {
		b.buf, err = j.s.appendResource(b.buf, answer, &r.shape)
	}
	b.buf = append(b.buf, ',')
	return err
}
