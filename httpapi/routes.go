package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/gorilla/mux"

	"fhirlog/domain"
	"fhirlog/domain/commit"
)

// call is one verb at one place. The table of calls drives both the routes
// and /metadata, so that what is claimed is what is routed.
type call struct {
	method string
	kind   kind     // the interaction of the FHIR specification, if it is one
	takes  []string // query parameters beside those that every call takes

	// A read has answer. A write has plan and done instead, so that a transaction
	// can commit many as one.
	answer func(s *Server, ctx context.Context, r *request) (response, error)
	plan   func(s *Server, r *request) (commit.Command, error)
	done   func(s *Server, r *request, o *commit.Outcome) response

	content  bool   // the request has a body, a resource
	patch    bool   // the body is a patch, which need not be a resource
	optional bool   // the body may be left out
	judges   bool   // that the body cannot be read is for answer to tell: request.unreadable
	form     bool   // the request has a body, a form with further parameters
	searches bool   // its parameters are those of a search
	needs    kind   // what must be offered as well
	missing  string // what it would be, for calls of FHIR that are not offered here
	open     bool   // public, and answered without waiting for a turn: small and never blocking
}

// offered says whether the call does anything.
func (c *call) offered() bool { return c.missing == "" }

// place is a pattern of paths below the base path with what may be done there.
type place struct {
	template string // as in logs and metrics; {type} is a resource type
	calls    []call
	handler  http.Handler // answers everything itself, outside FHIR
	root     bool         // the template stands at the root of the server, not below the base path
	outside  bool         // not part of the FHIR service: entries of Bundles cannot reach it
	public   bool         // of a handler: for everybody, whoever asks
	number   int          // index in the table
}

// find returns the call for a method; HEAD is answered as GET.
func (p *place) find(method string) *call {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	for i := range p.calls {
		if p.calls[i].method == method {
			return &p.calls[i]
		}
	}
	return nil
}

// Patterns of path segments. Ids begin neither with '$', which marks
// operations, nor with '_'; whether an id is well-formed is asked later, for a
// better answer than "no such path".
const (
	typeSegment = `{type:[A-Z][A-Za-z]*}`
	idSegment   = `{id:[^/$_][^/]*}`
)

// places is the table of everything that is served, the most frequent first.
func (s *Server) places() []place {
	const get, post, put, patch, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete
	search := func(method string, k kind) call {
		return call{method: method, kind: k, searches: true, form: method == post, answer: (*Server).search}
	}
	includes := call{method: get, kind: includesKind, searches: true, answer: (*Server).includes}
	history := []string{"_since", "_before", "_at", "_count", "_sort", "ct", asOfParameter}
	past := []string{asOfParameter}
	places := []place{
		{template: "/{type}/{id}", calls: []call{
			{method: get, kind: readKind, takes: past, answer: (*Server).read},
			{method: put, kind: updateKind, content: true, takes: []string{"_meta-history"}, plan: (*Server).planUpdate, done: (*Server).answerWrite},
			{method: patch, kind: patchKind, content: true, patch: true, takes: []string{"_meta-history"}, plan: (*Server).planPatch, done: (*Server).answerWrite},
			{method: del, kind: deleteKind, takes: hardDeleteParameters, plan: (*Server).planDelete, done: (*Server).answerDelete},
		}},
		{template: "/{type}", calls: []call{
			{method: post, kind: createKind, content: true, plan: (*Server).planCreate, done: (*Server).answerWrite},
			search(get, searchTypeKind),
			{method: put, kind: updateKind, needs: searchTypeKind, searches: true, content: true, plan: (*Server).planConditionalUpdate, done: (*Server).answerWrite},
			{method: patch, kind: patchKind, needs: searchTypeKind, searches: true, content: true, patch: true, plan: (*Server).planConditionalPatch, done: (*Server).answerWrite},
			{method: del, kind: deleteKind, needs: searchTypeKind, searches: true, plan: (*Server).planConditionalDelete, done: (*Server).answerDelete},
		}},
		{template: "", calls: []call{
			{method: post, kind: bundleKind, content: true, answer: (*Server).processBundle},
			search(get, searchSystemKind),
		}},
		{template: "/{type}/{id}/_history/{version}", calls: []call{
			{method: get, kind: vreadKind, takes: past, answer: (*Server).vread},
		}},
		{template: "/{type}/{id}/_history", calls: []call{
			{method: get, kind: historyInstanceKind, takes: history, answer: (*Server).instanceHistory},
		}},
		{template: "/{type}/_history", calls: []call{
			{method: get, kind: historyTypeKind, takes: history, answer: (*Server).typeHistory},
		}},
		{template: "/_history", calls: []call{
			{method: get, kind: historySystemKind, takes: history, answer: (*Server).systemHistory},
		}},
		{template: "/metadata", calls: []call{
			{method: get, takes: []string{"mode"}, answer: (*Server).metadata, open: true},
		}},
		{template: "/{type}/{id}/$purge-history", calls: []call{
			{method: del, kind: purgeKind, plan: (*Server).planPurge, done: (*Server).answerPurge},
		}},
		{template: "/$versions", calls: []call{
			{method: get, kind: versionsKind, answer: (*Server).versions, open: true},
		}},
		{template: "/{type}/_search", calls: []call{search(post, searchTypeKind)}},
		{template: "/_search", calls: []call{search(post, searchSystemKind)}},
		{template: "/{type}/{id}/{compartment}", calls: []call{search(get, searchCompartmentKind)}},
		{template: "/{type}/{id}/{compartment}/_search", calls: []call{search(post, searchCompartmentKind)}},
		{template: "/{type}/$includes", calls: []call{includes}},
		{template: "/$includes", calls: []call{includes}},
		{template: "/{type}/{id}/{compartment}/$includes", calls: []call{includes}},
		{template: "/.well-known/smart-configuration", calls: []call{
			{method: get, answer: (*Server).smartConfiguration, open: true},
		}},
		{template: "/health/check", outside: true, calls: []call{
			{method: get, answer: (*Server).health, open: true},
		}},
	}
	places = append(places, s.administrationPlaces()...)
	places = append(places, runPlaces(s.rebuilds, rebuild)...)
	places = append(places, runPlaces(s.compactions, compaction)...)
	places = append(places, s.proofPlaces()...)
	places = append(places, s.eventPlaces()...)
	places = append(places, s.fhirpathPlaces()...)
	places = append(places, s.validatePlaces()...)
	if s.options.BasePath != "" {
		places = append(places,
			place{template: "/health/check", root: true, outside: true, calls: []call{
				{method: get, answer: (*Server).health, open: true},
			}},
			place{template: "/", root: true, outside: true, public: true, handler: http.HandlerFunc(s.welcome)})
	}
	if !s.options.SeparateMetrics {
		places = append(places, place{template: "/metrics", root: true, outside: true, public: true, handler: s.gather})
	}
	return places
}

// routes finds the place of a path.
type routes struct {
	router *mux.Router
	places []place
	of     map[*mux.Route]*place
	known  map[string]target // paths that need no look at the router
	base   string
}

// newRoutes registers the places with the router in their order: it tries one
// after the other, so the frequent ones come first.
func newRoutes(base string, places []place) (*routes, error) {
	rs := &routes{router: mux.NewRouter(), places: places, of: make(map[*mux.Route]*place, len(places)), known: map[string]target{}, base: base}
	segments := strings.NewReplacer("{type}", typeSegment, "{id}", idSegment, "{compartment}", `{compartment:[A-Z*][A-Za-z]*}`)
	for i := range rs.places {
		p := &rs.places[i]
		p.number = i
		path := p.template
		if !p.root {
			path = base + path
		}
		if path == "" {
			path = "/"
		}
		depth := strings.Count(path, "/") // the pattern of {id} has a '/' as well
		path = segments.Replace(path)
		route := rs.router.MatcherFunc(hasDepth(depth)).Path(path)
		if err := route.GetError(); err != nil {
			return nil, err
		}
		rs.of[route] = p
	}
	return rs, nil
}

// hasDepth keeps the router from trying patterns on paths of another length.
func hasDepth(depth int) mux.MatcherFunc {
	return func(r *http.Request, _ *mux.RouteMatch) bool { return strings.Count(r.URL.Path, "/") == depth }
}

// remember keeps the places of paths that are asked for often: creates, and the
// entries of Bundles, go to the path of a type. It must not be called while
// match may be.
func (rs *routes) remember(paths ...string) {
	for _, path := range paths {
		if t, ok := rs.match(path); ok {
			rs.known[path] = t
		}
	}
}

// target is what a path leads to.
type target struct {
	place       *place
	typ         string // as in the path: a type's name, or something that looks like one
	id          string
	version     string
	compartment string // what is searched in the compartment: a type, or *
}

// probes are requests that only ask the router where a path leads.
var probes = sync.Pool{New: func() any { return &http.Request{URL: new(url.URL)} }}

// match finds the place of a path. A slash at the end makes no difference.
func (rs *routes) match(path string) (target, bool) {
	if len(path) > 1 && path[len(path)-1] == '/' {
		path = path[:len(path)-1]
	}
	if t, known := rs.known[path]; known {
		return t, true
	}
	probe := probes.Get().(*http.Request)
	probe.URL.Path = path
	var found mux.RouteMatch
	ok := rs.router.Match(probe, &found)
	probes.Put(probe)
	if !ok {
		return target{}, false
	}
	return target{
		place: rs.of[found.Route],
		typ:   found.Vars["type"], id: found.Vars["id"], version: found.Vars["version"], compartment: found.Vars["compartment"],
	}, true
}

// allow lists the verbs that are offered, for the Allow header.
func (s *Server) allow(p *place, rules *typeRules) string {
	var verbs []string
	for i := range p.calls {
		c := &p.calls[i]
		if !c.offered() || rules != nil && !rules.offers(c.kind|c.needs) {
			continue
		}
		verbs = append(verbs, c.method)
		if c.method == http.MethodGet {
			verbs = append(verbs, http.MethodHead)
		}
	}
	return strings.Join(verbs, ", ")
}

// locate finds the call for a method at a target, or says why there is none.
func (s *Server) locate(method string, t target) (*call, *typeRules, error) {
	var rules *typeRules
	if t.typ != "" {
		if rules = s.types[t.typ]; rules == nil {
			return nil, nil, s.unknownType(t.typ)
		}
	}
	c := t.place.find(method)
	switch {
	case c == nil:
		return nil, rules, s.notAllowed(t.place, rules, "", "The method "+knownMethod(method)+" is not defined for this path.")
	case !c.offered():
		return nil, rules, s.notAllowed(t.place, rules, "not-supported", "This server does not offer "+c.missing+". What it offers is listed at /metadata.")
	case rules != nil && !rules.offers(c.needs):
		return nil, rules, s.notAllowed(t.place, rules, "forbidden", "The interaction "+c.needs.code()+" is switched off here, and with it all that selects by criteria.")
	case rules != nil && !rules.offers(c.kind), s.switchedOff(c.kind), t.compartment == "*" && s.switchedOff(searchSystemKind):
		return nil, rules, s.notAllowed(t.place, rules, "forbidden", "The interaction "+c.kind.code()+" is switched off here.")
	}
	return c, rules, nil
}

// switchedOff says that an interaction of the whole system is not offered, since
// it is not for some of the types.
func (s *Server) switchedOff(k kind) bool {
	switch k {
	case historySystemKind:
		return len(s.options.NoHistory) > 0
	case searchSystemKind:
		for _, t := range s.sorted {
			if t.withheld != ^kind(0) && !t.offers(searchTypeKind) {
				return true
			}
		}
	}
	return false
}

// notAllowedError is a failure that tells what is allowed instead.
type notAllowedError struct {
	failure *domain.Error
	allow   string
}

// Error says what is not allowed.
func (e *notAllowedError) Error() string { return e.failure.Error() }

// Unwrap returns the failure proper.
func (e *notAllowedError) Unwrap() error { return e.failure }

func (s *Server) notAllowed(p *place, rules *typeRules, code, message string) error {
	e := domain.NewError(domain.MethodNotAllowed, message)
	e.Issues[0].Code = code
	return &notAllowedError{failure: e, allow: s.allow(p, rules)}
}

func (s *Server) unknownType(name string) error {
	message := "FHIR " + s.fhir.FHIRVersion() + " has no resource type " + printable(name, 64) + "."
	for _, known := range s.sorted {
		if strings.EqualFold(string(known.name), name) {
			message += " Type names are case-sensitive: " + string(known.name) + "."
		}
	}
	return domain.NewError(domain.UnknownType, message)
}

// noPath answers for paths that lead nowhere. A type name in wrong case is the
// most likely reason.
func (s *Server) noPath(path string) error {
	rest := strings.TrimPrefix(strings.TrimPrefix(path, s.options.BasePath), "/")
	first, _, _ := strings.Cut(rest, "/")
	for _, known := range s.sorted {
		if strings.EqualFold(string(known.name), first) && string(known.name) != first {
			return s.unknownType(first)
		}
	}
	return domain.NewError(domain.NotFound, "There is nothing at "+printable(path, 200)+". The service begins at "+s.options.BasePath+"/metadata.")
}
