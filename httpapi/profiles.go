package httpapi

import (
	"context"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/fhirjson"
)

// Profiles knows profiles: StructureDefinitions that further constrain a type. It
// is called concurrently.
type Profiles interface {
	// Validate checks a resource against profiles, named by canonical URL, with or
	// without a version, and against those that the resource itself declares. What is
	// found has the FHIRPath and, if the resource was read from a text, the place. A
	// profile named here that is not known is an error, a declared one a warning:
	// issues as well. It fails only when it could not look.
	Validate(ctx context.Context, resource fhirjson.Value, profiles []string) ([]domain.Issue, error)
	// Supported lists the URLs of the profiles of a type, for /metadata. As long as
	// State is the same, so is the answer.
	Supported(ctx context.Context, t domain.ResourceType) ([]string, error)
	State(ctx context.Context) (string, error)
}

// ProfileValidation says which writes are checked against the profiles that their
// resources declare, unless the request says otherwise with the header
// x-ms-profile-validation.
type ProfileValidation struct {
	Create bool
	Update bool // patches as well
}

// profileWish is what a request says about profiles.
type profileWish uint8

const (
	profilesUnsaid profileWish = iota
	profilesChecked
	profilesUnchecked
)

// parseProfileWish reads the values of the header x-ms-profile-validation.
func parseProfileWish(values []string) (profileWish, error) {
	c := conditionOf(values)
	switch {
	case !c.given:
		return profilesUnsaid, nil
	case strings.EqualFold(c.value, "true"):
		return profilesChecked, nil
	case strings.EqualFold(c.value, "false"):
		return profilesUnchecked, nil
	}
	return profilesUnsaid, invalid("The header x-ms-profile-validation must be true or false.")
}

// profileCheck says how the content of a write is checked against profiles. With
// handling=strict warnings refuse it too.
func (s *Server) profileCheck(r *request) commit.ProfileCheck {
	wanted := r.profiles == profilesChecked
	if r.profiles == profilesUnsaid {
		switch r.call.kind {
		case createKind:
			wanted = s.options.ProfileValidation.Create
		case updateKind, patchKind:
			wanted = s.options.ProfileValidation.Update
		}
	}
	switch {
	case !wanted:
		return commit.NoProfiles
	case r.prefer.strict:
		return commit.StrictProfiles
	}
	return commit.LenientProfiles
}

// describeProfiles lists the profiles of each type that can be validated against.
func (s *Server) describeProfiles(ctx context.Context) (map[domain.ResourceType][]string, error) {
	described := map[domain.ResourceType][]string{}
	if s.profiles == nil {
		return described, nil
	}
	for _, t := range s.sorted {
		supported, err := s.profiles.Supported(ctx, t.name)
		if err != nil {
			return nil, err
		}
		if len(supported) > 0 {
			described[t.name] = supported
		}
	}
	return described, nil
}

// profileState is the state of the definitions that describeProfiles rests on.
func (s *Server) profileState(ctx context.Context) (string, error) {
	if s.profiles == nil {
		return "", nil
	}
	return s.profiles.State(ctx)
}
