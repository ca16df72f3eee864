package registry

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/event"
)

// script is a log of what concerns a registry, one record after the other.
type script struct {
	t  *testing.T
	r  *Registry
	at uint64
}

func newScript(t *testing.T) *script {
	t.Helper()
	return &script{t: t, r: New(load(t))}
}

func load(t testing.TB) *definitions.Definitions {
	t.Helper()
	d, err := definitions.Load(definitions.R4)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (s *script) apply(e event.Event, body []byte) {
	s.t.Helper()
	r, err := s.r.Apply(s.at, int64(1000+s.at), &e, body)
	if err != nil {
		s.t.Fatal(err)
	}
	s.r, s.at = r, s.at+1
}

// parameter makes a SearchParameter; pairs of member and JSON replace what it has.
func parameter(url string, pairs ...string) []byte {
	members := map[string]json.RawMessage{
		"resourceType": []byte(`"SearchParameter"`), "url": []byte(fmt.Sprintf("%q", url)), "name": []byte(`"n"`),
		"status": []byte(`"active"`), "description": []byte(`"d"`), "code": []byte(`"nick"`), "base": []byte(`["Patient"]`),
		"type": []byte(`"string"`), "expression": []byte(`"Patient.name.given"`),
	}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			delete(members, pairs[i])
		} else {
			members[pairs[i]] = []byte(pairs[i+1])
		}
	}
	text, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return text
}

func written(id domain.LogicalID) event.Event {
	return event.Event{Kind: event.Written, Interaction: event.Update, Type: SearchParameter, ID: id, Previous: event.NoPosition}
}

// do carries out one step of a scenario: "put id url [member=json …]", "delete
// id", "erase id", "purge id", "on url", "off url", "reindex", "run", "complete",
// "fail", "cancel".
func (s *script) do(step string) {
	s.t.Helper()
	words := strings.Fields(step)
	switch words[0] {
	case "put":
		var pairs []string
		for _, word := range words[3:] {
			name, value, _ := strings.Cut(word, "=")
			pairs = append(pairs, name, value)
		}
		s.apply(written(domain.LogicalID(words[1])), parameter(words[2], pairs...))
	case "delete":
		s.apply(event.Event{Kind: event.Deleted, Type: SearchParameter, ID: domain.LogicalID(words[1])}, nil)
	case "erase":
		s.apply(event.Event{Kind: event.Erased, Type: SearchParameter, ID: domain.LogicalID(words[1])}, nil)
	case "on", "off":
		status := map[string]Status{"on": Supported, "off": Disabled}[words[0]]
		_, body, err := s.r.Switch([]StatusChange{{words[1], status}})
		if err != nil || body == nil {
			s.t.Fatalf("%s: %s, %v", step, body, err)
		}
		s.apply(event.Event{Kind: event.ParameterStatus}, body)
	case "reindex":
		job, isNew := s.r.NewReindex(fmt.Sprintf("job-%d", s.at), ReindexRequest{})
		if !isNew {
			s.t.Fatalf("%s: %s is active", step, job.ID)
		}
		s.change(*job, Queued)
	case "run":
		s.change(*s.r.Active(), Running)
	case "complete":
		s.change(*s.r.Active(), Completed)
	case "fail":
		s.change(*s.r.Active(), Failed)
	case "cancel":
		job, err := s.r.Cancel(s.r.Active().ID)
		if err != nil {
			s.t.Fatal(err)
		}
		s.change(*job, Canceled)
	default:
		s.t.Fatalf("no step %q", step)
	}
}

func (s *script) change(job Job, to JobState) {
	s.t.Helper()
	job.State = to
	body, err := job.Body()
	if err != nil {
		s.t.Fatal(err)
	}
	s.apply(event.Event{Kind: event.JobChanged, ID: domain.LogicalID(job.ID)}, body)
}
