package commit

import (
	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/validate"
)

// validate checks a content as far as the policy wants it. Findings that keep
// nothing from being written are looked for only if the caller wants to hear of
// them: they cost as much as the structure itself.
func (s *Service) validate(w *work, content fhirjson.Value, expected string, links func(validate.LinkKind, fhirjson.Value)) []domain.Issue {
	o := validate.Options{
		Expected: expected, Links: links, Rules: s.options.Validation, Bases: w.references.bases, TypeOf: w.links.table.typeOf,
	}
	if o.Rules == validate.Warn && !w.tells {
		o.Rules = validate.Off
	}
	return s.validator.Check(content, o)
}

// typeOf tells the type of the entry that a link leads to.
func (t linkTable) typeOf(link []byte) string {
	if to := t[string(link)]; to != nil {
		return to.typ
	}
	return ""
}

// withoutPlaces takes the places out of issues of a text that the caller has not
// sent, such as what a patch leads to.
func withoutPlaces(issues []domain.Issue) {
	for i := range issues {
		issues[i].Line, issues[i].Column = 0, 0
	}
}

// tell adds to the outcomes what was found in the contents.
func (w *work) tell(outcomes []Outcome) {
	if !w.tells {
		return
	}
	for i := range outcomes {
		outcomes[i].Findings = w.commands[i].content.findings
	}
}
