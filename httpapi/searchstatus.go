package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/registry"
)

// parameterStates answers GET and POST /SearchParameter/$status: search
// parameters with their states, narrowed by lists of URLs, codes and types.
func (s *Server) parameterStates(_ context.Context, r *request) (response, error) {
	if unknown := r.unknownParameters(); len(unknown) > 0 {
		return response{}, invalid(unknownMessage(unknown) + " $status takes url, code and resourcetype.")
	}
	all, err := s.jobs.Registry().States(s.searcher.Parameters())
	if err != nil {
		return response{}, err
	}
	found := all
	for _, criterion := range s.statusCriteria(r) {
		hits := keep(all, criterion)
		if len(hits) == 0 {
			return madeOf(http.StatusOK, parametersOf(nil))
		}
		found = keep(found, criterion)
	}
	if len(found) == 0 {
		return response{}, domain.NewError(domain.NotFound, "No search parameter meets all of the criteria, although each of them alone is met.")
	}
	list := make([]resultParameter, len(found))
	for i, p := range found {
		list[i] = statusParameter(p.URL, p.Status)
	}
	return madeOf(http.StatusOK, parametersOf(list))
}

// statusParameter is one search parameter in a list of states.
func statusParameter(url string, status registry.Status) resultParameter {
	return resultParameter{Name: "searchParameterStatus", Part: []resultParameter{
		{Name: "url", URI: url}, {Name: "status", String: string(status)},
	}}
}

// statusCriteria are the criteria that are given, each a test.
func (s *Server) statusCriteria(r *request) []func(p *registry.ParameterState) bool {
	var criteria []func(p *registry.ParameterState) bool
	for _, given := range r.query {
		values := strings.Split(given.value, ",")
		switch given.name {
		case "url":
			criteria = append(criteria, func(p *registry.ParameterState) bool { return slices.Contains(values, p.URL) })
		case "code":
			criteria = append(criteria, func(p *registry.ParameterState) bool { return slices.Contains(values, p.Code) })
		case "resourcetype":
			for _, value := range values {
				for t := s.fhir.Type(value); t != nil; t = s.fhir.Type(t.Base) {
					values = append(values, t.Name) // parameters of all resources are parameters of the type
				}
			}
			criteria = append(criteria, func(p *registry.ParameterState) bool {
				return slices.ContainsFunc(p.Bases, func(base string) bool { return slices.Contains(values, base) })
			})
		}
	}
	return criteria
}

func keep(all []registry.ParameterState, holds func(p *registry.ParameterState) bool) []registry.ParameterState {
	var kept []registry.ParameterState
	for i := range all {
		if holds(&all[i]) {
			kept = append(kept, all[i])
		}
	}
	return kept
}

// mostSwitched bounds the parameters of one PUT of states.
const mostSwitched = 5000

// switchParameters answers PUT /SearchParameter/$status: it switches search
// parameters on and off. Those that cannot be switched do not keep the others from
// it; the answer tells of both.
func (s *Server) switchParameters(ctx context.Context, r *request) (response, error) {
	changes, err := r.statusChanges()
	if err != nil {
		return response{}, err
	}
	results, err := s.administrator.SwitchParameters(ctx, r.caller(), changes)
	if err != nil {
		return response{}, err
	}
	var accepted []resultParameter
	var refused []domain.Issue
	for _, result := range results {
		if result.Err == nil {
			accepted = append(accepted, statusParameter(result.URL, result.Status))
			continue
		}
		refused = append(refused, domain.Issue{
			Code: s.classOf(domain.KindOf(result.Err)).code, Message: printable(result.URL, 128) + ": " + result.Err.Error() + ".",
		})
	}
	return s.statusBundle(r.requestID, accepted, refused)
}

// statusBundle tells what became of changes of states.
func (s *Server) statusBundle(requestID string, accepted []resultParameter, refused []domain.Issue) (response, error) {
	type entry struct {
		Resource any `json:"resource"`
		Response any `json:"response"`
	}
	status := func(text string) any { return map[string]string{"status": text} }
	bundle := struct {
		ResourceType string  `json:"resourceType"`
		ID           string  `json:"id"`
		Type         string  `json:"type"`
		Entry        []entry `json:"entry,omitempty"`
	}{ResourceType: "Bundle", ID: requestID, Type: "batch-response"}
	if len(refused) > 0 {
		o := outcome{id: requestID, instant: s.now(), issues: refused}
		bundle.Entry = append(bundle.Entry, entry{json.RawMessage(o.appendJSON(nil)), status("400 Bad Request")})
	}
	if len(accepted) > 0 {
		bundle.Entry = append(bundle.Entry, entry{parametersOf(accepted), status("200 OK")})
	}
	return madeOf(http.StatusOK, bundle)
}

// statusChanges reads the body of a PUT of states.
func (r *request) statusChanges() (changes []registry.StatusChange, err error) {
	err = r.bodyParameters(func(name string, p fhirjson.Value, expression string) error {
		if name != "searchParameterStatus" {
			return invalid("The parameters of $status have the name searchParameterStatus, and the parts url and status.", expression)
		}
		if len(changes) == mostSwitched {
			return domain.NewError(domain.TooCostly, "At most 5000 search parameters can be switched at once.")
		}
		var c registry.StatusChange
		for part := p.Get("part").First(); part.Exists(); part = part.Next() {
			switch part.Get("name").String() {
			case "url":
				c.URL = textIn(part)
			case "status":
				c.Status = registry.Status(textIn(part))
			}
		}
		if c.URL == "" || c.Status == "" {
			return invalid("A searchParameterStatus has a part url and a part status, each with a value.", expression)
		}
		changes = append(changes, c)
		return nil
	})
	if err == nil && len(changes) == 0 {
		err = invalid("The body has no parameter searchParameterStatus: nothing is to be switched.", "Parameters.parameter")
	}
	return changes, err
}
