package httpapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
)

// exchange is one HTTP request with its answer.
type exchange struct {
	s       *Server
	w       http.ResponseWriter
	h       *http.Request
	request request
	started time.Time
	body    body
	status  int  // of the answer; 0 as long as there is none
	asked   bool // the format of the answer is negotiated
	safe    bool // nothing looks at the body any more: the end came in order
}

// serveHTTP answers one HTTP request, whatever it is.
func (s *Server) serveHTTP(w http.ResponseWriter, h *http.Request) {
	x := &exchange{s: s, w: w, h: h, started: time.Now()}
	x.request.requestID = s.options.NewID()
	standardHeaders(w.Header(), x.request.requestID, correlationID(h.Header))
	s.metrics.inFlight.Inc()
	defer x.end()
	if s.cors.answered(w, h) {
		x.status = http.StatusNoContent
		x.beginAnswer()
		return
	}
	found, ok := s.routes.match(h.URL.Path)
	if !ok {
		x.fail(s.noPath(h.URL.Path))
		return
	}
	x.request.target = found
	if found.place.handler != nil {
		x.handOver(found.place)
		return
	}
	x.serve()
}

// handOver has a place outside FHIR answer by itself.
func (x *exchange) handOver(p *place) {
	err := x.s.identify(&x.request.client, x.h, p.public)
	if err == nil && !p.public {
		err = x.s.lockedOut()
	}
	x.status = http.StatusOK
	if err != nil {
		x.status = x.s.classOf(domain.KindOf(err)).status
	}
	x.beginAnswer()
	if err != nil {
		x.s.plainFailure(x.w, err)
		return
	}
	p.handler.ServeHTTP(x.w, x.h)
}

// end is deferred: whatever happened, resources are given back and the request
// is counted.
func (x *exchange) end() {
	fault := recover()
	if fault != nil && fault != http.ErrAbortHandler {
		answer := x.s.crash(x.request.requestID, fault)
		if x.status == 0 {
			x.respond(&answer)
			fault = nil
		} else {
			fault = http.ErrAbortHandler // half an answer must not look whole
		}
	}
	received := len(x.body.bytes)
	if document := x.request.content.Document(); document != nil && x.safe {
		document.Release()
	}
	x.body.free(x.safe)
	x.s.metrics.inFlight.Dec()
	x.s.observe(x, received)
	if fault != nil {
		panic(fault)
	}
}

// fail answers with an OperationOutcome, in the format that the client takes even
// if that was not looked at so far.
func (x *exchange) fail(err error) {
	if !x.asked {
		query, _ := parseParameters(x.h.URL.RawQuery)
		x.request.format, _ = x.s.negotiate(x.h.Header, query)
	}
	answer := x.s.failure(x.request.requestID, err)
	x.respond(&answer)
}

// serve answers a request to a known place.
func (x *exchange) serve() {
	s, r := x.s, &x.request
	var err error
	r.method = x.h.Method
	x.body.share.of, r.memory, r.stored = s.bodies, &x.body.share, &x.body.share
	if r.call, r.rules, err = s.locate(r.method, r.target); err != nil {
		x.fail(err)
		return
	}
	public := s.isPublic(r)
	if err := s.identify(&r.client, x.h, public); err != nil {
		x.fail(err)
		return
	}
	if !public {
		if err := s.lockedOut(); err != nil {
			x.fail(err)
			return
		}
	}
	if r.call.optional && x.h.ContentLength == 0 {
		r.call = r.call.withoutContent()
	}
	limit := s.options.RequestTimeout
	if r.call.kind == bundleKind {
		limit = s.options.BundleTimeout
	}
	ctx, cancel := context.WithTimeout(x.h.Context(), limit)
	defer cancel()
	if err := x.prepare(); err != nil {
		x.fail(err)
		return
	}
	if r.call.content || r.call.form {
		limit := s.options.MaxBodyBytes
		if r.call.form {
			limit = min(limit, longestQuery)
		}
		if err := s.readBody(ctx, x.w, x.h, &x.body, limit); err != nil {
			x.fail(err)
			return
		}
	}
	// A turn is taken only now: a slow client must not keep others waiting.
	if !r.call.open {
		if err := s.gate.enter(ctx); err != nil {
			x.fail(err)
			return
		}
		defer s.gate.leave()
	}
	if err := x.parseBody(ctx); err != nil && !x.leaves(err) {
		x.fail(err)
		return
	}
	answer := s.perform(ctx, r)
	x.respond(&answer)
	x.safe = ctx.Err() == nil
}

// prepare reads everything of the request but its body.
func (x *exchange) prepare() error {
	s, r, header := x.s, &x.request, x.h.Header
	var err error
	if r.query, err = parseParameters(x.h.URL.RawQuery); err != nil {
		return err
	}
	if r.shape, err = parseShape(r.query); err != nil {
		return err
	}
	x.asked = true
	if r.format, err = s.negotiate(header, r.query); err != nil {
		return err
	}
	if r.prefer, err = parsePrefer(header["Prefer"]); err != nil {
		return err
	}
	if err = s.learn(&r.client, x.h); err != nil {
		return err
	}
	r.conditions = conditionsOf(header)
	r.provenance = header.Get("X-Provenance")
	r.logic = conditionOf(header["X-Bundle-Processing-Logic"])
	r.base = s.serviceURL(x.h)
	r.partial = header["X-Ms-Use-Partial-Indices"] != nil
	if r.profiles, err = parseProfileWish(header["X-Ms-Profile-Validation"]); err != nil {
		return err
	}
	switch {
	case r.call.patch:
		return s.choosePatchFormat(r, header)
	case r.call.content:
		return s.checkContentType(header)
	case r.call.form:
		return checkFormType(header)
	}
	return nil
}

// leaves tells whether the call itself tells what is wrong with the text of a body.
func (x *exchange) leaves(err error) bool {
	if x.request.call.judges && domain.KindOf(err) == domain.Invalid && len(x.body.bytes) > 0 {
		x.request.unreadable, x.request.content = err, fhirjson.Value{}
		return true
	}
	return false
}

// parseBody parses the body, if there is one: a resource, or a form.
func (x *exchange) parseBody(ctx context.Context) error {
	switch {
	case x.request.call.form:
		return x.parseForm(ctx)
	case !x.request.call.content:
		return nil
	case x.request.patch.format != nil:
		return x.takePatch(ctx)
	}
	if err := x.body.reserveTree(ctx); err != nil {
		return err
	}
	if x.bodyIsXML() {
		return x.parseXML(ctx)
	}
	if x.request.call.patch {
		if err := checkNoJSONPatch(x.body.bytes); err != nil {
			return err
		}
	}
	content, err := x.s.parse(x.body.bytes, "The body")
	x.request.content = content
	return err
}

// parse reads JSON from a client; what says where it stands.
func (s *Server) parse(text []byte, what string) (fhirjson.Value, error) {
	if len(text) == 0 {
		return fhirjson.Value{}, invalid(what + " is empty; a resource is needed.")
	}
	document, err := fhirjson.Parse(text, fhirjson.Limits{MaxDepth: s.options.MaxDepth, MaxNodes: s.options.MaxNodes})
	if err != nil {
		return fhirjson.Value{}, malformed(err, what)
	}
	root := document.Root()
	if root.Kind() != fhirjson.Object {
		return fhirjson.Value{}, invalid(what + " must be a JSON object, a resource.")
	}
	return root, nil
}

// respond writes the answer as an HTTP response.
func (x *exchange) respond(answer *response) {
	s := x.s
	x.status = answer.status
	header := x.w.Header()
	answerHeaders(header, answer)
	if answer.status == http.StatusUnsupportedMediaType && x.request.call != nil && x.request.call.patch {
		header["Accept-Patch"] = []string{strings.Join(patchMedia(), ", ")} // RFC 5789, 2.2
	}
	x.linkProof(answer)
	x.beginAnswer()
	if answer.status == http.StatusNoContent || answer.status == http.StatusNotModified {
		x.w.WriteHeader(answer.status)
		return
	}
	b := s.newBodyWriter(x.w, x.h, answer.status)
	defer b.free()
	b.pretty = x.request.shape.pretty
	switch {
	case !answer.hasBody():
	case answer.json != nil:
		header["Content-Type"] = plainJSON.contentType()
	default:
		header["Content-Type"] = x.request.format.contentType()
		if x.request.format.isXML() {
			b.xml = s.fhir
		}
	}
	if err := s.appendBody(b, x.request.requestID, answer, x.request.shape); err != nil {
		if b.started {
			if b.err == nil && domain.KindOf(err) == domain.Internal && !isContextError(err) {
				s.log.Error().Err(err).Str("request_id", x.request.requestID).Msg("answer broken off")
			}
			panic(http.ErrAbortHandler)
		}
		failed := s.failure(x.request.requestID, err)
		x.status, b.status = failed.status, failed.status
		header.Del("Etag")
		header.Del("Last-Modified")
		header.Del("Location")
		header.Del("Link")
		header.Del("Preference-Applied")
		answerHeaders(header, &failed)
		b.restart()
		if err := s.writeOutcome(b, x.request.requestID, &failed); err != nil {
			panic(err)
		}
	}
	if err := b.finish(); err != nil && b.started {
		panic(http.ErrAbortHandler)
	}
}

// answerHeaders sets the headers that tell of the answer itself.
func answerHeaders(header http.Header, answer *response) {
	if answer.version != 0 {
		header["Etag"] = []string{string(appendETag(nil, answer.version))}
		if answer.instant != 0 {
			header["Last-Modified"] = []string{string(appendHTTPDate(nil, answer.instant))}
		}
	}
	if answer.location != "" {
		header["Location"] = []string{answer.location}
	}
	if answer.contentLocation != "" {
		header["Content-Location"] = []string{answer.contentLocation}
	}
	if answer.itemsDeleted != "" {
		header["Items-Deleted"] = []string{answer.itemsDeleted}
	}
	if answer.status == http.StatusMethodNotAllowed {
		header["Allow"] = []string{answer.allow}
	}
	if answer.status == http.StatusUnauthorized {
		header["Www-Authenticate"] = challenge
	}
	if answer.retry {
		header["Retry-After"] = []string{"1"}
		header["X-Ms-Retry-After-Ms"] = []string{"1000"}
	}
}

// appendBody writes the body of an answer to b.
func (s *Server) appendBody(b *bodyWriter, requestID string, answer *response, sh shape) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			s.crash(requestID, fault)
			err = errPanicked
		}
	}()
	switch {
	case answer.stream != nil:
		return answer.stream(b, sh)
	case answer.issues != nil:
		return s.writeOutcome(b, requestID, answer)
	case answer.json != nil:
		b.buf = append(b.buf, answer.json...)
	default:
		return s.writeResource(b, answer, &sh)
	}
	return nil
}

// writeOutcome writes the OperationOutcome of an answer.
func (s *Server) writeOutcome(b *bodyWriter, requestID string, answer *response) error {
	if b.xml == nil {
		b.buf = s.appendOutcome(b.buf, requestID, answer)
		return nil
	}
	b.json = s.appendOutcome(b.json[:0], requestID, answer)
	return b.whole(b.json)
}

// writeResource writes the resource of an answer, if it has one.
func (s *Server) writeResource(b *bodyWriter, answer *response, sh *shape) (err error) {
	if b.xml == nil {
		b.buf, err = s.appendResource(b.buf, answer, sh)
		return err
	}
	b.json, err = s.appendResource(b.json[:0], answer, sh)
	if err != nil || len(b.json) == 0 {
		return err
	}
	return b.whole(b.json)
}

// appendResource appends the resource of an answer, if it has one.
func (s *Server) appendResource(dst []byte, answer *response, sh *shape) ([]byte, error) {
	switch {
	case answer.resource != nil && (sh.whole() || !answer.shaped):
		return answer.resource.AppendJSON(dst), nil
	case answer.resource != nil:
		return s.appendShaped(dst, answer.resource.AppendJSON(nil), sh)
	case answer.fhir != nil && (sh.whole() || !answer.shaped):
		return append(dst, answer.fhir...), nil
	case answer.fhir != nil:
		return s.appendShaped(dst, answer.fhir, sh)
	}
	return dst, nil
}
