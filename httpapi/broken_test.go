package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/event"
	"fhirlog/domain/resource"
)

// oddReader changes what a model reads.
type oddReader struct {
	Reader
	read func(v *resource.Version)
}

func (o *oddReader) Read(ctx context.Context, t domain.ResourceType, id domain.LogicalID) (resource.Version, error) {
	v, err := o.Reader.Read(ctx, t, id)
	if err == nil {
		o.read(&v)
	}
	return v, err
}

// oddSearcher changes what a model reads one by one.
type oddSearcher struct {
	Searcher
	readAt func(calls int, v *resource.Version) error
	calls  int
}

func (o *oddSearcher) ReadAt(ctx context.Context, position uint64) (resource.Version, error) {
	v, err := o.Searcher.ReadAt(ctx, position)
	o.calls++
	if err == nil {
		err = o.readAt(o.calls, &v)
	}
	return v, err
}

func TestBrokenAnswers(t *testing.T) {
	sv := newService(t, Options{})
	sv.do("PUT /fhir/Patient/a", patient("a", "")).want(201)

	t.Run("a stored resource that is damaged", func(t *testing.T) {
		sv.s.reader = &oddReader{Reader: sv.model, read: func(v *resource.Version) { v.Body = append(v.Body[:len(v.Body)-1:len(v.Body)-1], "]"...) }}
		sv.do("GET /fhir/Patient/a?_elements=id").want(500, "exception").header("Etag", "").header("Last-Modified", "")
	})
	t.Run("a stored resource of no known type", func(t *testing.T) {
		sv.s.reader = &oddReader{Reader: sv.model, read: func(v *resource.Version) { v.Body, v.MetaAt = []byte(`{"meta":{}}`), 9 }}
		sv.do("GET /fhir/Patient/a?_elements=id").want(500, "exception")
	})
	t.Run("a panic while the answer is written", func(t *testing.T) {
		sv.s.reader = &oddReader{Reader: sv.model, read: func(v *resource.Version) { v.MetaAt = 1000 }}
		sv.do("GET /fhir/Patient/a").want(500, "exception").header("Etag", "")
	})

	for i := range 250 {
		sv.do(fmt.Sprintf("PUT /fhir/Basic/b%d", i), basic(fmt.Sprint("b", i))).want(201)
	}
	later := errors.New("the second part cannot be read")
	t.Run("a history that fails while little is sent", func(t *testing.T) {
		sv.s.searcher = &oddSearcher{Searcher: sv.model, readAt: func(calls int, _ *resource.Version) error {
			if calls == 20 {
				return later
			}
			return nil
		}}
		sv.do("GET /fhir/Basic/_history?_count=200").want(500, "exception")
	})
	t.Run("a history that fails when a part is sent", func(t *testing.T) {
		sv.s.searcher = &oddSearcher{Searcher: sv.model, readAt: func(calls int, v *resource.Version) error {
			if calls == 20 {
				return later
			}
			v.Body = []byte(strings.Replace(string(v.Body), `"x"`, `"`+strings.Repeat("x", 10_000)+`"`, 1))
			return nil
		}}
		defer func() {
			if recover() != http.ErrAbortHandler {
				t.Error("half an answer looks whole: the connection must be broken off")
			}
			sv.s.reader, sv.s.searcher = sv.model, sv.model
			sv.do("GET /fhir/Patient/a").want(200)
		}()
		sv.do("GET /fhir/Basic/_history?_count=200")
	})
}

func TestPatchInHistory(t *testing.T) {
	for version, verb := range map[definitions.Version]string{definitions.R4: "PATCH", definitions.STU3: "PUT"} {
		sv := newServiceOf(t, version, Options{})
		sv.do("PUT /fhir/Patient/a", patient("a", "")).want(201)
		sv.model.records[0].Interaction = event.Patch
		sv.do("GET /fhir/Patient/a/_history").want(200).wantAt(verb, "entry", 0, "request", "method").wantAt("200 OK", "entry", 0, "response", "status")
	}
}
