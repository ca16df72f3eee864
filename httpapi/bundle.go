package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// entry is one entry of a batch or transaction on its way.
type entry struct {
	number   int
	request  request
	resource fhirjson.Value
	fault    error    // why the request could not be made out
	answer   response // of a write; reads are answered while the Bundle is written
	answered bool
}

// job is a batch or transaction at work.
type job struct {
	s       *Server
	outer   *request
	kind    string // batch or transaction
	entries []entry
	logic   processingLogic
}

// processBundle answers POST / (https://hl7.org/fhir/R4/http.html#transaction).
func (s *Server) processBundle(ctx context.Context, r *request) (response, error) {
	if stated := r.content.Get("resourceType").String(); stated != "Bundle" {
		if stated != "" && !s.fhir.IsResource(stated) {
			return response{}, notSupported("FHIR "+s.fhir.FHIRVersion()+" has no resource type "+printable(stated, 64)+".", "resourceType")
		}
		return response{}, invalid("Here a Bundle of type batch or transaction is processed; a single resource is created at the path of its type.", "resourceType")
	}
	j := &job{s: s, outer: r, kind: r.content.Get("type").String(), logic: parseLogic(r.logic)}
	if known := s.bundleTypes(); j.kind != "" && known != nil && !known.HasCode([]byte(j.kind)) {
		return response{}, notSupported(printable(j.kind, 64)+" is no type of a Bundle.", "Bundle.type")
	}
	if j.kind != "batch" && j.kind != "transaction" {
		e := domain.NewError(domain.MethodNotAllowed, "Bundle.type must be batch or transaction to be processed here. A Bundle of another type is stored at /Bundle.", "Bundle.type")
		e.Issues[0].Code = "forbidden"
		return response{}, &notAllowedError{failure: e, allow: s.allow(r.place, nil)}
	}
	if err := j.reserve(ctx); err != nil {
		return response{}, err
	}
	if err := j.open(ctx); err != nil {
		return response{}, err
	}
	if j.kind == "batch" {
		return j.batch(ctx)
	}
	return j.transaction(ctx)
}

// bundleTypes is the value set of Bundle.type.
func (s *Server) bundleTypes() *definitions.Codes {
	if m, ok := s.bundle.Member([]byte("type")); ok && m.Element.Binding != nil {
		return m.Element.Binding.Codes
	}
	return nil
}

// entryBytes is what an entry takes in memory beside the text of the body: its
// request, its command, and its fault or answer.
const entryBytes = 1536

// reserve takes room in the budget for the entries, however small they are in
// the body, and for a copy of the body: the texts of the requests, and the
// resources that the answers hold until they are written.
func (j *job) reserve(ctx context.Context) error {
	content := j.outer.content
	return j.outer.memory.growBy(ctx, entryBytes*int64(content.Get("entry").Len())+int64(content.End()-content.Start()))
}

// open reads the entries. Faults of the envelope are refused at once; those of
// an entry's request are kept with the entry.
func (j *job) open(ctx context.Context) error {
	content := j.outer.content
	issues := unknownMembers(nil, content, j.s.bundle, "Bundle")
	list := content.Get("entry")
	if list.Exists() && list.Kind() != fhirjson.Array {
		issues = append(issues, domain.Issue{Code: "structure", Message: "Bundle.entry must be an array.", Expression: []string{"Bundle.entry"}})
	}
	j.entries = make([]entry, 0, list.Len())
	for v := list.First(); v.Exists() && len(issues) <= mostIssues; v = v.Next() {
		j.entries = append(j.entries, entry{number: len(j.entries)})
		e := &j.entries[len(j.entries)-1]
		if v.Kind() != fhirjson.Object {
			issues = append(issues, domain.Issue{Code: "structure", Message: "An entry must be an object.", Expression: []string{e.expression("")}})
			continue
		}
		issues = unknownMembers(issues, v, j.s.bundleEntry, e.expression(""))
		issues = unknownMembers(issues, v.Get("request"), j.s.bundleRequest, e.expression(".request"))
		e.fault = j.s.prepareEntry(j.outer, e, v)
		if err := j.outer.memory.growBy(ctx, e.request.querySize()+e.request.patch.bytes()); err != nil {
			return err
		}
	}
	if len(issues) > 0 {
		return &domain.Error{Kind: domain.Invalid, Issues: issues}
	}
	return nil
}

// querySize is the memory that the parts of an entry's query take: two strings
// for a parameter, one for an element, and criteria once they are parsed.
func (r *request) querySize() int64 {
	const stringBytes = 16
	return stringBytes*int64(2*cap(r.query)+cap(r.shape.elements)) + r.criteriaBytes()
}

// unknownMembers finds members that a part of a Bundle cannot have. A
// misspelt condition would otherwise be a write without it.
func unknownMembers(issues []domain.Issue, v fhirjson.Value, t *definitions.Type, expression string) []domain.Issue {
	for m := v.First(); m.Exists(); m = m.Next() {
		name := m.Name()
		if len(name) > 1 && name[0] == '_' {
			name = name[1:]
		}
		if _, ok := t.Member(name); !ok && string(name) != "resourceType" {
			issues = append(issues, domain.Issue{Code: "structure", Message: "There is no element " + printable(string(name), 64) + " here.", Expression: []string{expression}})
		}
	}
	return issues
}

// expression is the FHIRPath of a part of the entry.
func (e *entry) expression(part string) string {
	return "Bundle.entry[" + strconv.Itoa(e.number) + "]" + part
}

// prepareEntry makes the request that an entry stands for.
func (s *Server) prepareEntry(outer *request, e *entry, v fhirjson.Value) error {
	r := &e.request
	*r = request{
		requestID: outer.requestID, client: outer.client, base: outer.base, prefer: outer.prefer, partial: outer.partial, profiles: outer.profiles, stored: outer.memory,
		fullURL: v.Get("fullUrl").String(), inXML: outer.format.isXML(),
	}
	e.resource = v.Get("resource")
	asked := v.Get("request")
	if asked.Kind() != fhirjson.Object {
		return invalid("The entry has no request: method and url say what to do.", e.expression(".request"))
	}
	if err := textOnly(v, e.expression(""), "fullUrl"); err != nil {
		return err
	}
	if err := textOnly(asked, e.expression(".request"), "method", "url", "ifMatch", "ifNoneMatch", "ifModifiedSince", "ifNoneExist"); err != nil {
		return err
	}
	if r.method = asked.Get("method").String(); r.method == "" {
		return invalid("request.method is empty.", e.expression(".request.method"))
	}
	if !s.verbInBundles(r.method) {
		return invalid(printable(r.method, 16)+" is not a verb that a Bundle may use.", e.expression(".request.method"))
	}
	place := asked.Get("url")
	if place.String() == "" {
		return invalid("request.url is empty.", e.expression(".request.url"))
	}
	r.conditions = conditions{
		ifMatch: elementCondition(asked, "ifMatch"), ifNoneMatch: elementCondition(asked, "ifNoneMatch"),
		ifModifiedSince: elementCondition(asked, "ifModifiedSince"), ifNoneExist: elementCondition(asked, "ifNoneExist"),
	}
	return s.prepareTarget(e, place.String())
}

// textOnly refuses members that are anything but strings.
func textOnly(v fhirjson.Value, expression string, names ...string) error {
	for _, name := range names {
		if m := v.Get(name); m.Exists() && m.Kind() != fhirjson.String {
			return &domain.Error{Kind: domain.Invalid, Issues: []domain.Issue{{
				Code: "structure", Message: name + " must be a string.", Expression: []string{expression + "." + name},
			}}}
		}
	}
	return nil
}

// prepareTarget finds out where the url of an entry leads and whether its
// content is there.
func (s *Server) prepareTarget(e *entry, link string) (err error) {
	r := &e.request
	at := e.expression(".request.url")
	path, query, _ := strings.Cut(strings.TrimPrefix(link, r.base+"/"), "?")
	if path, err = url.PathUnescape(path); err != nil {
		return invalid("The url is not well encoded.", at)
	}
	if len(query) > longestQuery {
		return invalid("The query of the url is too long.", at)
	}
	if r.query, err = parseParameters(query); err != nil {
		return err
	}
	if r.shape, err = parseShape(r.query); err != nil {
		return err
	}
	found, ok := s.routes.match(s.options.BasePath + "/" + strings.TrimPrefix(path, "/"))
	if !ok || found.place.outside {
		return domain.NewError(domain.NotFound, "There is nothing at "+printable(path, 200)+".", at)
	}
	r.target = found
	if r.call, r.rules, err = s.locate(r.method, found); err != nil {
		return err
	}
	if r.call.kind == bundleKind {
		return invalid("A Bundle cannot be processed within a Bundle.", at)
	}
	if r.call.form && e.resource.Exists() {
		return invalid("The criteria of a search in a Bundle stand in its url; the entry has no resource.", e.expression(".resource"))
	}
	if r.call.optional && !e.resource.Exists() {
		r.call = r.call.withoutContent()
	}
	if r.call.content {
		if e.resource.Kind() != fhirjson.Object {
			return invalid("The entry has no resource to "+r.call.kind.code()+".", e.expression(".resource"))
		}
		r.content = e.resource
	}
	return e.preparePatch()
}

// verbInBundles says whether the value set of Bundle.entry.request.method has a
// verb. STU3 has neither HEAD nor PATCH.
func (s *Server) verbInBundles(method string) bool {
	switch method {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete:
		return true
	case http.MethodHead, http.MethodPatch:
		return s.fhir.Version() != definitions.STU3
	}
	return false
}

// elementCondition reads a condition of an entry. ifModifiedSince is an instant
// there, a date in HTTP.
func elementCondition(v fhirjson.Value, name string) condition {
	m := v.Get(name)
	if !m.Exists() {
		return condition{}
	}
	c := condition{m.String(), true}
	if name == "ifModifiedSince" {
		if p, ok := parsePeriod(c.value); ok {
			c.value = string(appendHTTPDate(nil, p.first))
		}
	}
	return c
}

// processingLogic is how the entries of a Bundle may overlap in time.
type processingLogic uint8

const (
	sequential   processingLogic = iota
	parallel                     // entries must not touch the same resource
	unknownLogic                 // processed as by default, with a remark
)

func parseLogic(header condition) processingLogic {
	switch {
	case !header.given, strings.EqualFold(header.value, "sequential"):
		return sequential
	case strings.EqualFold(header.value, "parallel"):
		return parallel
	}
	return unknownLogic
}

// rank is the place of a verb in the order of processing
// (https://hl7.org/fhir/R4/http.html#trules).
func rank(method string) int {
	switch method {
	case http.MethodDelete:
		return 0
	case http.MethodPost:
		return 1
	case http.MethodPut:
		return 2
	case http.MethodPatch:
		return 3
	}
	return 4 // GET and HEAD
}

// key names the resource that a write addresses; "" if it is a new one.
func (e *entry) key() string {
	if e.request.id == "" {
		return ""
	}
	return e.request.typ + "/" + e.request.id
}
