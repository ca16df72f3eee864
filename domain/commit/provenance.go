package commit

import (
	"cmp"
	"fmt"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/resource"
	"fhirlog/domain/search"
	"fhirlog/domain/validate"
)

// lateProvenance is a Provenance whose target is another command's result.
type lateProvenance struct {
	resource fhirjson.Value
	of       int
	target   string // of the body that was made last
}

func (s *Service) prepareProvenance(w *work, p *prepared) error {
	late := &lateProvenance{resource: p.command.Resource, of: p.command.ProvenanceOf - 1}
	if late.of >= len(w.commands) || &w.commands[late.of] == p || w.commands[late.of].late != nil {
		return fmt.Errorf("the target of a Provenance is command %d of %d", late.of+1, len(w.commands))
	}
	if late.resource.Kind() != fhirjson.Object || late.resource.Get("target").Exists() {
		return domain.NewError(domain.Invalid, "a Provenance that comes with a change has no target: the server fills it in", "Provenance.target")
	}
	of := &w.commands[late.of]
	sample, err := late.withTarget(placeOf(of.command.Type, cmp.Or(of.id, "id")))
	if err != nil {
		return err
	}
	var conditional []string
	issues := s.validate(w, sample, "Provenance", func(kind validate.LinkKind, v fhirjson.Value) {
		if kind == validate.LinkReference && isConditional(v.Text()) {
			conditional = append(conditional, v.Path())
		}
	})
	withoutPlaces(issues)
	if conditional != nil {
		issues = append(issues, domain.Issue{
			Code: "not-supported", Expression: conditional,
			Message: "The references of a Provenance that comes with a change cannot be searches: name the resource by type and id.",
		})
	}
	if hasFaults(issues) {
		return &domain.Error{Kind: domain.Invalid, Issues: issues}
	}
	p.late = late
	return nil
}

// storeProvenance makes the body with the target that the plan gives. A
// conditional command that wrote nothing leaves nothing to tell of.
func (w *work) storeProvenance(pl *plan, p *prepared) (written bool, err error) {
	of, outcome := &w.commands[p.late.of], &pl.outcomes[p.late.of]
	if of.selection != nil && (outcome.Change == Existing || outcome.Change == Nothing) {
		return false, nil
	}
	target := placeOf(of.command.Type, of.id)
	if outcome.Version.Version != 0 {
		target += "/_history/" + outcome.Version.Version.String()
	}
	if p.late.target == target {
		return true, nil
	}
	v, err := p.late.withTarget(target)
	if err != nil {
		return false, err
	}
	p.content.body, p.content.metaAt = resource.AppendStored(nil, v, p.id, nil)
	p.content.values = new(search.Values)
	w.set.Extract(p.content.values, v)
	p.late.target = target
	return true, nil
}

// withTarget returns the Provenance with its target, as a tree of its own.
func (l *lateProvenance) withTarget(reference string) (fhirjson.Value, error) {
	with := []byte(`"target":[{"reference":`)
	with = fhirjson.AppendQuoted(with, reference)
	with = append(with, "}]"...)
	if l.resource.First().Exists() {
		with = append([]byte{','}, with...)
	}
	at := l.resource.End() - 1 // before the closing brace
	text := fhirjson.AppendCompact(nil, l.resource, []fhirjson.Edit{{Start: at, End: at, With: with}})
	d, err := fhirjson.Parse(text, fhirjson.Limits{})
	if err != nil {
		return fhirjson.Value{}, fmt.Errorf("add the target to a Provenance: %w", err)
	}
	return d.Root(), nil
}
