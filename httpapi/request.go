package httpapi

import (
	"context"
	"net/http"
	"runtime/debug"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/fhirjson"
)

// request is one interaction to carry out, come by HTTP or as an entry of a
// Bundle.
type request struct {
	requestID string // the server's id of the HTTP request
	client    client // who sent it
	method    string
	target
	call  *call
	rules *typeRules // of the type in the path, nil if there is none

	query      parameters
	shape      shape
	conditions conditions
	prefer     preferences
	provenance string      // the X-Provenance header
	logic      condition   // the x-bundle-processing-logic header
	base       string      // the URL of the service, for absolute links
	format     format      // of the answer
	profiles   profileWish // x-ms-profile-validation
	partial    bool        // x-ms-use-partial-indices: search by parameters that are not indexed to the end

	content fhirjson.Value // the parsed body
	patch   patchDocument  // the body, if it is a patch and no resource

	unreadable error  // why there is no content, for a call that judges it
	memory     *share // of the budget for bodies; nil for an entry
	stored     *share // the same; for an entry that of its Bundle, which others use as well
	fullURL    string // of a Bundle's entry
	inXML      bool   // of an entry: the answer to its Bundle is XML
}

// resourceType returns the type in the path.
func (r *request) resourceType() domain.ResourceType { return domain.ResourceType(r.typ) }

// perform carries out one interaction and turns every failure, panics
// included, into an answer.
func (s *Server) perform(ctx context.Context, r *request) (answer response) {
	defer func() {
		if fault := recover(); fault != nil {
			answer = s.crash(r.requestID, fault)
		}
	}()
	answer, err := s.try(ctx, r)
	if err == nil {
		return answer
	}
	answer = s.failure(r.requestID, err)
	if answer.status == http.StatusMethodNotAllowed && answer.allow == "" {
		answer.allow = s.allow(r.place, r.rules)
	}
	return answer
}

// crash answers for a panic. It is a fault of the server, never of the client.
func (s *Server) crash(requestID string, fault any) response {
	s.log.Error().Str("request_id", requestID).Interface("panic", fault).Bytes("stack", debug.Stack()).Msg("request panicked")
	return s.failure(requestID, errPanicked)
}

func (s *Server) try(ctx context.Context, r *request) (response, error) {
	if err := s.checkParameters(r); err != nil {
		return response{}, err
	}
	if r.provenance != "" && !r.call.takesProvenance() {
		return response{}, notSupported("The header X-Provenance is understood on create, update and patch only.")
	}
	if r.call.answer != nil {
		return r.call.answer(s, ctx, r)
	}
	return s.write(ctx, r)
}

// signer tells who is behind what a request writes, and why.
func (r *request) signer() commit.Caller {
	return commit.Caller{Author: r.client.author, RequestID: r.requestID, Agent: r.client.agent, Address: r.client.address, Reason: r.client.reason}
}

// caller tells who makes a commit, and what it takes.
func (r *request) caller() commit.Caller {
	c := r.signer()
	c.Bases, c.Reserve, c.Findings = []string{r.base + "/"}, r.stored.growBy, r.prefer.returns == returnOutcome
	return c
}

func (c *call) takesProvenance() bool {
	return c.kind == createKind || c.kind == updateKind || c.kind == patchKind
}

// write commits the command of one interaction.
func (s *Server) write(ctx context.Context, r *request) (response, error) {
	if err := r.holdCriteria(ctx); err != nil {
		return response{}, err
	}
	command, err := r.call.plan(s, r)
	if err != nil {
		return response{}, err
	}
	command.Profiles = s.profileCheck(r)
	commands := make([]commit.Command, 1, 2)
	commands[0] = command
	if r.provenance != "" {
		provenance, err := s.planProvenance(r.provenance)
		if err != nil {
			return response{}, err
		}
		commands = append(commands, provenance)
	}
	outcomes, err := s.writer.Commit(ctx, r.caller(), commands)
	if err != nil {
		return response{}, explainProvenance(err)
	}
	return r.call.done(s, r, &outcomes[0]), nil
}

// knownMethod names a method for messages, logs and metrics; what the client
// made up is not repeated.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions, http.MethodTrace, http.MethodConnect:
		return method
	}
	return "other"
}
