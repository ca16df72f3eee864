package httpapi

import (
	"context"
	"net/http"
	"strings"
)

// versions answers GET /$versions
// (https://hl7.org/fhir/R4/capabilitystatement-operation-versions.html): as
// Parameters, or in plain JSON for those who ask for that.
func (s *Server) versions(_ context.Context, r *request) (response, error) {
	full := s.fhir.FHIRVersion()
	short := full[:strings.LastIndexByte(full, '.')]
	if r.format == plainJSON {
		return response{status: http.StatusOK, json: []byte(`{"versions":["` + short + `"],"default":"` + short + `"}`)}, nil
	}
	return response{status: http.StatusOK, fhir: []byte(`{"resourceType":"Parameters","parameter":[` +
		`{"name":"version","valueCode":"` + short + `"},{"name":"default","valueCode":"` + short + `"}]}`)}, nil
}
