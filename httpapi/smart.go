package httpapi

import (
	"context"

	"fhirlog/domain"
)

// smartConfiguration refuses GET /.well-known/smart-configuration
// (https://hl7.org/fhir/smart-app-launch/conformance.html): without
// authentication there is nothing to configure.
func (s *Server) smartConfiguration(context.Context, *request) (response, error) {
	return response{}, domain.NewError(domain.NotSupported, "This server has no authentication, and so no SMART App Launch.")
}
