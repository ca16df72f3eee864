package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
)

type healthReport struct {
	OverallStatus string         `json:"overallStatus"`
	Details       []healthDetail `json:"details"`
}

type healthDetail struct {
	Name        string         `json:"name"`
	Status      string         `json:"status"`
	Description string         `json:"description"`
	Data        map[string]any `json:"data"`
}

const (
	healthy   = "Healthy"
	degraded  = "Degraded"
	unhealthy = "Unhealthy"
)

// health answers GET /health/check with what the checks find; overallStatus is
// the worst of them. 503 if the server is unhealthy, else 200.
func (s *Server) health(ctx context.Context, _ *request) (response, error) {
	report := healthReport{OverallStatus: healthy, Details: []healthDetail{}}
	answer := response{status: http.StatusOK}
	for _, check := range s.checks {
		detail := healthDetail{Name: check.Name, Status: healthy, Data: map[string]any{}}
		if err := check.Check(ctx); err != nil {
			detail.Status, detail.Description = unhealthy, err.Error()
			if _, ok := errors.AsType[Degraded](err); ok {
				detail.Status = degraded
			}
			if report.OverallStatus != unhealthy {
				report.OverallStatus = detail.Status
			}
		}
		report.Details = append(report.Details, detail)
	}
	if report.OverallStatus == unhealthy {
		answer.status = http.StatusServiceUnavailable
	}
	text, err := json.Marshal(report)
	answer.json = text
	return answer, err
}

// welcome answers at the root of the server, outside of FHIR, to people who
// follow the URL that the server printed.
func (s *Server) welcome(w http.ResponseWriter, h *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if h.Method != http.MethodGet && h.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
	base := s.serviceURL(h)
	_, _ = w.Write([]byte("This is fhirlog, a FHIR " + s.fhir.FHIRVersion() + " server.\n\n" +
		"The service is at " + base + "\n" +
		"What it offers is at " + base + "/metadata\n" +
		"Whether it is well is at " + base + "/health/check\n"))
}
