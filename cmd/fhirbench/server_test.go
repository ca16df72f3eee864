package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// A fakeServer is as much of a FHIR server as the workloads need. It refuses
// references to nothing, so a test sees when a workload gets its order wrong.
type fakeServer struct {
	*httptest.Server
	mu        sync.Mutex // guards the fields below
	resources map[string]string
	next      int
	requests  map[string]int // by method and type
	most      int            // resources at one time
	refuse    string         // this "METHOD Type" is answered with 422
}

func newFakeServer(t *testing.T) *fakeServer {
	s := &fakeServer{resources: make(map[string]string), requests: make(map[string]int)}
	s.Server = httptest.NewServer(http.StripPrefix("/fhir", s))
	t.Cleanup(s.Close)
	return s
}

func (s *fakeServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	place := strings.Trim(r.URL.Path, "/")
	typeName, id, _ := strings.Cut(place, "/")
	s.requests[r.Method+" "+typeName]++
	if s.refuse == r.Method+" "+typeName {
		s.answer(w, 422, `{"resourceType":"OperationOutcome","issue":[{"diagnostics":"refused by the test"}]}`)
		return
	}
	switch _, exists := s.resources[place]; {
	case r.Method == "POST" && typeName == "":
		s.transaction(w, body)
	case r.Method == "POST":
		if problem := s.check(body, typeName, "", nil); problem != "" {
			s.answer(w, 400, problem)
			return
		}
		id := s.store(typeName, string(body))
		w.Header().Set("Location", s.URL+"/fhir/"+id+"/_history/1")
		s.answer(w, 201, "")
	case !exists:
		s.answer(w, 404, place)
	case r.Method == "GET":
		s.answer(w, 200, fmt.Sprintf(`{"id":%q,"was":%s}`, id, s.resources[place]))
	case r.Method == "PUT":
		if problem := s.check(body, typeName, id, nil); problem != "" {
			s.answer(w, 400, problem)
			return
		}
		if s.resources[place] == string(body) {
			s.answer(w, 400, "nothing changed")
			return
		}
		s.resources[place] = string(body)
		s.answer(w, 200, string(body))
	case r.Method == "DELETE":
		delete(s.resources, place)
		s.answer(w, 204, "")
	}
}

func (s *fakeServer) answer(w http.ResponseWriter, status int, body string) {
	w.WriteHeader(status)
	io.WriteString(w, body)
}

func (s *fakeServer) store(typeName, body string) string {
	s.next++
	place := fmt.Sprintf("%s/%d", typeName, s.next)
	s.resources[place] = body
	s.most = max(s.most, len(s.resources))
	return place
}

// transaction creates what a Bundle holds.
func (s *fakeServer) transaction(w http.ResponseWriter, body []byte) {
	var b struct {
		Type  string
		Entry []struct {
			FullURL  string
			Resource json.RawMessage
			Request  struct{ Method, URL string }
		}
	}
	if err := json.Unmarshal(body, &b); err != nil || b.Type != "transaction" {
		s.answer(w, 400, fmt.Sprintf("%v in %s", err, b.Type))
		return
	}
	inside := make(map[string]bool)
	for _, e := range b.Entry {
		inside[e.FullURL] = true
	}
	var out []string
	for _, e := range b.Entry {
		if problem := s.check(e.Resource, e.Request.URL, "", inside); problem != "" {
			s.answer(w, 400, problem)
			return
		}
		place := s.store(e.Request.URL, string(e.Resource))
		out = append(out, fmt.Sprintf(`{"response":{"status":"201 Created","location":"%s/_history/1"}}`, place))
	}
	s.answer(w, 200, `{"resourceType":"Bundle","type":"transaction-response","entry":[`+strings.Join(out, ",")+`]}`)
}

// check tells what is wrong with a resource: its type, its id, or a reference
// to something that is neither stored nor in the same Bundle.
func (s *fakeServer) check(body []byte, typeName, id string, inside map[string]bool) string {
	var v map[string]any
	if err := json.Unmarshal(body, &v); err != nil {
		return err.Error()
	}
	if v["resourceType"] != typeName {
		return fmt.Sprintf("a %v at %s", v["resourceType"], typeName)
	}
	if got, _ := v["id"].(string); got != id {
		return fmt.Sprintf("id %q, want %q", got, id)
	}
	return s.dangling(v, inside)
}

func (s *fakeServer) dangling(v any, inside map[string]bool) string {
	switch v := v.(type) {
	case map[string]any:
		if to, ok := v["reference"].(string); ok && to[0] != '#' && !inside[to] {
			if _, stored := s.resources[to]; !stored {
				return "reference to nothing: " + to
			}
		}
		for _, child := range v {
			if problem := s.dangling(child, inside); problem != "" {
				return problem
			}
		}
	case []any:
		for _, child := range v {
			if problem := s.dangling(child, inside); problem != "" {
				return problem
			}
		}
	}
	return ""
}
