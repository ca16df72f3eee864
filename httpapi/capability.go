package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/definitions"
	"fhirlog/domain/search"
)

// capability is the CapabilityStatement as it is by the search parameters now in
// force and the profiles now known. It is safe for concurrent use.
type capability struct {
	mu        sync.Mutex // guards the fields below
	set       *search.Set
	profiles  string // their state
	statement templated
}

// metadata answers GET /metadata
// (https://hl7.org/fhir/R4/http.html#capabilities).
func (s *Server) metadata(ctx context.Context, r *request) (response, error) {
	statement, err := s.statement(ctx)
	if err != nil {
		return response{}, err
	}
	if r.format.isXML() { // it is made of the whole document
		if err := r.hold(ctx, 2*statement.size()); err != nil {
			return response{}, err
		}
	}
	if r.shape.whole() || r.shape.summary == summaryCount {
		return response{status: http.StatusOK, stream: func(b *bodyWriter, _ shape) error { return statement.write(b, r.base) }}, nil
	}
	return response{status: http.StatusOK, fhir: statement.at(r.base), shaped: true}, nil
}

// statement returns the CapabilityStatement. It is made anew when the search
// parameters or the profiles have changed.
func (s *Server) statement(ctx context.Context) (templated, error) {
	set := s.searcher.Parameters()
	state, err := s.profileState(ctx)
	if err != nil {
		return nil, err
	}
	c := &s.capability
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.statement == nil || c.set != set || c.profiles != state {
		profiles, err := s.describeProfiles(ctx)
		if err != nil {
			return nil, err
		}
		made, err := s.describe(set, profiles)
		if err != nil {
			return nil, err
		}
		c.set, c.profiles, c.statement = set, state, made
	}
	return c.statement, nil
}

// The parts of a CapabilityStatement that this server fills in, in the order
// of the specification (https://hl7.org/fhir/R4/capabilitystatement.html).
type (
	capabilityStatement struct {
		ResourceType   string         `json:"resourceType"`
		URL            string         `json:"url"`
		Version        string         `json:"version"`
		Name           string         `json:"name"`
		Title          string         `json:"title"`
		Status         string         `json:"status"`
		Experimental   bool           `json:"experimental"`
		Date           string         `json:"date"`
		Publisher      string         `json:"publisher"`
		Kind           string         `json:"kind"`
		Software       software       `json:"software"`
		Implementation implementation `json:"implementation"`
		FHIRVersion    string         `json:"fhirVersion"`
		AcceptUnknown  string         `json:"acceptUnknown,omitempty"` // STU3
		Format         []string       `json:"format"`
		PatchFormat    []string       `json:"patchFormat"`
		Profile        []any          `json:"profile,omitempty"` // STU3
		Rest           []rest         `json:"rest"`
	}
	software struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	implementation struct {
		Description string `json:"description"`
		URL         string `json:"url"`
	}
	rest struct {
		Mode          string          `json:"mode"`
		Documentation string          `json:"documentation"`
		Security      security        `json:"security"`
		Resource      []restResource  `json:"resource"`
		Interaction   []code          `json:"interaction"`
		SearchParam   []searchParam   `json:"searchParam"`
		Operation     []restOperation `json:"operation"`
		Compartment   []string        `json:"compartment"`
	}
	security struct {
		CORS        bool   `json:"cors"`
		Description string `json:"description"`
	}
	code struct {
		Code string `json:"code"`
	}
	restResource struct {
		Type              string          `json:"type"`
		Profile           any             `json:"profile"`
		SupportedProfile  []string        `json:"supportedProfile,omitempty"` // not in STU3
		Interaction       []code          `json:"interaction"`
		Versioning        string          `json:"versioning"`
		ReadHistory       bool            `json:"readHistory"`
		UpdateCreate      bool            `json:"updateCreate"`
		ConditionalCreate bool            `json:"conditionalCreate"`
		ConditionalRead   string          `json:"conditionalRead"`
		ConditionalUpdate bool            `json:"conditionalUpdate"`
		ConditionalPatch  *bool           `json:"conditionalPatch,omitempty"` // R5
		ConditionalDelete string          `json:"conditionalDelete"`
		ReferencePolicy   []string        `json:"referencePolicy"`
		SearchInclude     []string        `json:"searchInclude,omitempty"`
		SearchRevInclude  []string        `json:"searchRevInclude,omitempty"`
		SearchParam       []searchParam   `json:"searchParam,omitempty"`
		Operation         []restOperation `json:"operation,omitempty"` // not in STU3
	}
	searchParam struct {
		Name          string `json:"name"`
		Definition    string `json:"definition,omitempty"`
		Type          string `json:"type"`
		Documentation string `json:"documentation,omitempty"`
	}
	restOperation struct {
		Name       string `json:"name"`
		Definition any    `json:"definition"`
	}
	reference struct {
		Reference string `json:"reference"`
	}
)

// canonical is a link to a definition: a URL, in STU3 a Reference.
func (s *Server) canonical(url string) any {
	if s.fhir.Version() == definitions.STU3 {
		return reference{url}
	}
	return url
}

// describe makes the CapabilityStatement from what is really routed.
func (s *Server) describe(set *search.Set, profiles map[domain.ResourceType][]string) (templated, error) {
	described, err := s.describeRest(set, profiles)
	if err != nil {
		return nil, fmt.Errorf("describe the service: %w", err)
	}
	statement := capabilityStatement{
		ResourceType: "CapabilityStatement",
		URL:          baseHole + "/metadata",
		Version:      s.options.SoftwareVersion,
		Name:         "Fhirlog",
		Title:        "fhirlog, a FHIR server whose only truth is an append-only log",
		Status:       "active",
		Date:         s.options.Clock().UTC().Format("2006-01-02T15:04:05Z"),
		Publisher:    "fhirlog",
		Kind:         "instance",
		Software:     software{"fhirlog", s.options.SoftwareVersion},
		Implementation: implementation{
			Description: "FHIR " + s.fhir.FHIRVersion() + " REST service",
			URL:         baseHole,
		},
		FHIRVersion: s.fhir.FHIRVersion(),
		Format:      []string{"application/fhir+json", "json", "application/fhir+xml", "xml"},
		PatchFormat: patchMedia(),
		Rest:        []rest{described},
	}
	if s.fhir.Version() == definitions.STU3 {
		statement.AcceptUnknown = "extensions"
		for _, t := range s.sorted { // later versions have them with their types
			for _, url := range profiles[t.name] {
				statement.Profile = append(statement.Profile, s.canonical(url))
			}
		}
	}
	t, err := newTemplated(statement)
	if err != nil {
		return nil, fmt.Errorf("describe the capabilities: %w", err)
	}
	return t, nil
}

func (s *Server) describeSecurity() string {
	if s.options.AuthorHeader != "" {
		return "A proxy in front of the service authenticates, and tells it who asks; whoever it lets through may do everything."
	}
	return "There is no authentication: whoever reaches the service may do everything."
}

func (s *Server) describeRest(set *search.Set, profiles map[domain.ResourceType][]string) (rest, error) {
	described := rest{
		Mode:          "server",
		Documentation: documentation,
		Security:      security{CORS: s.cors != nil, Description: s.describeSecurity()},
	}
	routed := s.routed()
	included := s.describeIncludes(set)
	for _, t := range s.sorted {
		if r, any := s.describeType(t, routed); any {
			if t.offers(searchTypeKind) {
				r.SearchParam = s.describeParameters(set, t.name)
				r.SearchInclude, r.SearchRevInclude = included[t.name].include, included[t.name].revinclude
			}
			if s.fhir.Version() != definitions.STU3 {
				r.SupportedProfile = profiles[t.name]
			}
			described.Resource = append(described.Resource, r)
		}
	}
	if routed&bundleKind != 0 {
		described.Interaction = append(described.Interaction, code{"transaction"}, code{"batch"})
	}
	for _, k := range []kind{historySystemKind, searchSystemKind} {
		if routed&k != 0 && !s.switchedOff(k) {
			described.Interaction = append(described.Interaction, code{k.code()})
		}
	}
	described.SearchParam = commonParameters
	for _, o := range operations {
		if routed&o.kind != 0 && (o.system || s.fhir.Version() == definitions.STU3) {
			described.Operation = append(described.Operation, s.describeUse(o))
		}
	}
	compartments, err := s.fhir.Compartments()
	for _, c := range compartments {
		described.Compartment = append(described.Compartment, c.URL)
	}
	return described, err
}

// routed returns all interactions that some route leads to.
func (s *Server) routed() kind {
	var all kind
	for _, p := range s.routes.places {
		for i := range p.calls {
			if p.calls[i].offered() {
				all |= p.calls[i].kind
			}
		}
	}
	return all
}

// describeType describes what is offered for a type; false if that is nothing.
func (s *Server) describeType(t *typeRules, routed kind) (restResource, bool) {
	searched := t.offers(searchTypeKind)
	described := restResource{
		Type:              string(t.name),
		Profile:           s.canonical("http://hl7.org/fhir/StructureDefinition/" + string(t.name)),
		Versioning:        versioningCode(t.versioning),
		ReadHistory:       t.history && t.offers(vreadKind),
		UpdateCreate:      t.updateCreate && t.offers(updateKind),
		ConditionalCreate: searched && t.offers(createKind),
		ConditionalRead:   "full-support",
		ConditionalUpdate: searched && t.offers(updateKind),
		ConditionalDelete: "not-supported",
		ReferencePolicy:   []string{"literal", "logical"},
	}
	if searched && t.offers(deleteKind) {
		described.ConditionalDelete = "multiple"
	}
	if s.fhir.Version() == definitions.R5 {
		described.ConditionalPatch = new(searched && t.offers(patchKind))
	}
	for _, k := range typeKinds {
		if routed&k != 0 && t.offers(k) {
			described.Interaction = append(described.Interaction, code{k.code()})
		}
	}
	for _, o := range operations {
		if !o.system && routed&o.kind != 0 && t.offers(o.kind) && (o.only == "" || o.only == t.name) && s.fhir.Version() != definitions.STU3 {
			described.Operation = append(described.Operation, s.describeUse(o))
		}
	}
	return described, len(described.Interaction) > 0
}

func versioningCode(p commit.VersioningPolicy) string {
	switch p {
	case commit.VersionedUpdate:
		return "versioned-update"
	case commit.NoVersion:
		return "no-version"
	}
	return "versioned"
}
