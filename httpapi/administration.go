package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/registry"
	"fhirlog/domain/resource"
)

// Administrator changes which search parameters there are in force, and begins
// and ends the jobs that index them. Its methods fail with a *domain.Error for
// what a client may be told; when they return without an error, what they did is
// durable, and the Jobs know it. They are called concurrently.
type Administrator interface {
	// Reindex begins a job, or returns the one that is active.
	Reindex(ctx context.Context, caller commit.Caller, wanted registry.ReindexRequest) (registry.Job, error)
	// CancelJob ends a job.
	CancelJob(ctx context.Context, caller commit.Caller, id string) error
	// SwitchParameters switches parameters on and off, each by itself.
	SwitchParameters(ctx context.Context, caller commit.Caller, changes []registry.StatusChange) ([]registry.StatusResult, error)
}

// Jobs tells of search parameters and jobs. It is called concurrently.
type Jobs interface {
	// Registry is what is known of them now.
	Registry() *registry.Registry
	// Progress is how far a job is that is at work: the versions of resources that
	// it looks at, and those that it has. known is false for any other.
	Progress(job string) (total, done uint64, known bool)
}

// administers says whether there is an Administrator.
func (s *Server) administers() bool { return s.administrator != nil && s.jobs != nil }

// administrationPlaces are what an Administrator is for. Entries of Bundles
// cannot reach them: what they do is no part of a transaction.
func (s *Server) administrationPlaces() []place {
	if !s.administers() {
		return nil
	}
	const get, post, put, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete
	status := []string{"url", "code", "resourcetype"}
	return []place{
		{template: "/SearchParameter/$status", outside: true, calls: []call{
			{method: get, kind: statusKind, takes: status, answer: (*Server).parameterStates},
			{method: post, kind: statusKind, takes: status, form: true, answer: (*Server).parameterStates},
			{method: put, kind: statusKind, content: true, answer: (*Server).switchParameters},
		}},
		{template: "/$reindex", outside: true, calls: []call{
			{method: post, kind: reindexKind, content: true, optional: true, answer: (*Server).reindex},
			{method: get, kind: reindexKind, answer: (*Server).activeReindex},
		}},
		{template: "/_operations/reindex/{id}", outside: true, calls: []call{
			{method: get, answer: (*Server).reindexJob},
			{method: del, answer: (*Server).cancelReindex},
		}},
		{template: "/{type}/{id}/$reindex", outside: true, calls: []call{
			{method: get, kind: indexValuesKind, answer: (*Server).indexValues},
			{method: post, kind: indexValuesKind, content: true, optional: true, answer: (*Server).indexValues},
		}},
	}
}

// withoutContent is the call for a request whose optional body is not there.
func (c *call) withoutContent() *call {
	bare := *c
	bare.content = false
	return &bare
}

// resultParameter is one parameter of the Parameters that an operation answers
// with (https://hl7.org/fhir/R4/parameters.html).
type resultParameter struct {
	Name     string            `json:"name"`
	URI      string            `json:"valueUri,omitempty"`
	String   string            `json:"valueString,omitempty"`
	DateTime string            `json:"valueDateTime,omitempty"`
	Decimal  json.Number       `json:"valueDecimal,omitempty"`
	Part     []resultParameter `json:"part,omitempty"`
}

// resultParameters is a Parameters resource.
type resultParameters struct {
	ResourceType string            `json:"resourceType"`
	ID           string            `json:"id,omitempty"`
	Parameter    []resultParameter `json:"parameter,omitempty"`
}

func parametersOf(list []resultParameter) resultParameters {
	return resultParameters{ResourceType: "Parameters", Parameter: list}
}

// add adds a parameter unless it has no value.
func (p *resultParameters) add(one resultParameter) {
	if one.URI != "" || one.String != "" || one.DateTime != "" || one.Decimal != "" || one.Part != nil {
		p.Parameter = append(p.Parameter, one)
	}
}

// addInstant adds an instant in milliseconds, unless it is 0.
func (p *resultParameters) addInstant(name string, milliseconds int64) {
	if milliseconds != 0 {
		p.add(resultParameter{Name: name, DateTime: string(resource.AppendInstant(nil, milliseconds))})
	}
}

// addCount adds a whole number.
func (p *resultParameters) addCount(name string, n uint64) {
	p.add(resultParameter{Name: name, Decimal: json.Number(strconv.FormatUint(n, 10))})
}

// madeOf answers with a resource that was made here.
func madeOf(status int, document any) (response, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(document); err != nil {
		return response{}, err
	}
	return response{status: status, fhir: bytes.TrimSpace(text.Bytes())}, nil
}

// bodyParameters checks that the body of an operation is a Parameters resource
// and calls use for each parameter.
func (r *request) bodyParameters(use func(name string, p fhirjson.Value, expression string) error) error {
	if !r.content.Exists() {
		return nil
	}
	if name := r.content.Get("resourceType").String(); name != "Parameters" {
		return invalid("The body of this operation is a Parameters resource.", "Parameters")
	}
	list := r.content.Get("parameter")
	if list.Exists() && list.Kind() != fhirjson.Array {
		return invalid("Parameters.parameter must be an array.", "Parameters.parameter")
	}
	i := 0
	for p := list.First(); p.Exists(); p = p.Next() {
		expression := "Parameters.parameter[" + strconv.Itoa(i) + "]"
		i++
		if p.Kind() != fhirjson.Object || p.Get("name").Kind() != fhirjson.String {
			return invalid("A parameter is an object with a name.", expression)
		}
		if err := use(p.Get("name").String(), p, expression); err != nil {
			return err
		}
	}
	return nil
}

// valueIn returns the value of a parameter, whatever its type.
func valueIn(p fhirjson.Value) fhirjson.Value {
	for m := p.First(); m.Exists(); m = m.Next() {
		if name := m.Name(); len(name) > 5 && string(name[:5]) == "value" {
			return m
		}
	}
	return fhirjson.Value{}
}

// textIn returns the value of a parameter that is a string of any kind.
func textIn(p fhirjson.Value) string { return valueIn(p).String() }

// noJob is the failure for a job that nobody knows.
func noJob() error {
	return domain.NewError(domain.NotFound, "There is no such reindex job here; those of long ago are forgotten.")
}
