package commit

import (
	"context"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/fhirjson"
)

// Profiles checks contents against the profiles that they declare, and against
// others, named by their URLs. It is called concurrently.
type Profiles interface {
	Validate(ctx context.Context, resource fhirjson.Value, profiles []string) ([]domain.Issue, error)
}

// ProfileCheck says whether a content is checked against the profiles that it
// declares in meta.profile.
type ProfileCheck uint8

// The checks.
const (
	NoProfiles      ProfileCheck = iota // profiles are not looked at
	LenientProfiles                     // faults refuse the content
	StrictProfiles                      // warnings do as well
)

// checkAllProfiles checks the contents that are known before there is a plan.
func (s *Service) checkAllProfiles(ctx context.Context, w *work) error {
	var failed failures
	for i := range w.commands {
		p := &w.commands[i]
		if p.command.Interaction == event.Patch {
			continue
		}
		err := s.checkProfiles(ctx, p)
		if err != nil && domain.KindOf(err) != domain.Invalid {
			return &CommandError{Index: i, Err: err}
		}
		if err != nil {
			failed.add(i, err)
		}
	}
	return failed.err()
}

// checkProfiles checks the content of a command, if there is one.
func (s *Service) checkProfiles(ctx context.Context, p *prepared) error {
	if p.command.Profiles == NoProfiles || !p.content.tree.Exists() {
		return nil
	}
	if s.options.Profiles == nil {
		return domain.NewError(domain.NotSupported, "profiles are not checked here")
	}
	issues, err := s.options.Profiles.Validate(ctx, p.content.tree, nil)
	if err != nil {
		if ctx.Err() != nil {
			return refusal(ctx.Err())
		}
		return err
	}
	if p.command.Interaction == event.Patch {
		withoutPlaces(issues)
	}
	if hasFaults(issues) || p.command.Profiles == StrictProfiles && hasWarnings(issues) {
		return &domain.Error{Kind: domain.Invalid, Issues: issues}
	}
	p.content.findings = append(p.content.findings, issues...)
	return nil
}

func hasWarnings(issues []domain.Issue) bool {
	for _, issue := range issues {
		if issue.Severity == domain.Warning {
			return true
		}
	}
	return false
}
