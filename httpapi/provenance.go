package httpapi

import (
	"errors"
	"slices"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/event"
)

// planProvenance makes the command that stores the Provenance of the
// X-Provenance header with the first command's result as its target
// (https://hl7.org/fhir/R4/provenance.html#header).
func (s *Server) planProvenance(header string) (commit.Command, error) {
	content, err := s.parse([]byte(header), "The header")
	if err != nil {
		return commit.Command{}, inHeader(err)
	}
	return commit.Command{Interaction: event.Create, Type: "Provenance", Resource: content, ProvenanceOf: 1}, nil
}

// explainProvenance takes the failure of a commit apart that carried a
// Provenance: faults of the Provenance say where they are.
func explainProvenance(err error) error {
	failed, ok := errors.AsType[*commit.CommandError](err)
	switch {
	case !ok:
		return err
	case failed.Index == 0:
		return failed.Err
	}
	return inHeader(failed.Err)
}

// inHeader marks the issues of an error as faults of the header.
func inHeader(err error) error {
	e, ok := errors.AsType[*domain.Error](err)
	if !ok {
		return err
	}
	marked := *e
	marked.Issues = slices.Clone(e.Issues)
	for i := range marked.Issues {
		marked.Issues[i].Message = "X-Provenance: " + marked.Issues[i].Message
	}
	return &marked
}
