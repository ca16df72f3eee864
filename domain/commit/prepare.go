package commit

import (
	"fhirlog/domain"
	"fhirlog/domain/event"
)

// prepare checks the commands and makes the stored bodies of those that do not
// depend on the state of the server.
func (s *Service) prepare(caller Caller, commands []Command) (*work, error) {
	w := &work{commands: make([]prepared, len(commands)), set: s.state.Parameters(), tells: caller.Findings}
	for i := range commands {
		p := &w.commands[i]
		p.command, p.id = &commands[i], commands[i].ID
		if commands[i].Interaction == event.Create && commands[i].Criteria == nil {
			p.id = s.options.NewID()
		}
	}
	if err := refuseDuplicates(w.commands); err != nil {
		return nil, err
	}
	w.references = references{service: s, set: w.set, bases: caller.Bases}
	w.links.table, w.links.references = newLinkTable(w.commands), &w.references
	var failed failures
	for i := range w.commands {
		if err := s.prepareOne(w, &w.commands[i]); err != nil {
			failed.add(i, err)
		}
	}
	return w, failed.err()
}

func (s *Service) prepareOne(w *work, p *prepared) error {
	if p.command.Criteria != nil {
		if err := s.prepareSelection(p); err != nil {
			return err
		}
	}
	switch {
	case p.command.Interaction == event.Patch:
		w.patches = true
		return nil
	case p.command.Interaction != event.Create && p.command.Interaction != event.Update:
		return nil
	case p.command.ProvenanceOf > 0:
		return s.prepareProvenance(w, p)
	}
	p.content.tree = p.command.Resource
	if err := s.examine(w, p); err != nil {
		return err
	}
	if p.selection != nil || w.links.unknown {
		p.content.late = w.links.late()
		return nil
	}
	return w.store(p, w.links.links)
}

// examine validates the content of a command and gathers its links.
func (s *Service) examine(w *work, p *prepared) error {
	w.links.begin(p)
	issues := s.validate(w, p.content.tree, string(p.command.Type), w.links.visit)
	if p.command.Interaction == event.Update && p.selection == nil {
		issues = append(issues, idIssues(p)...)
	}
	issues = append(issues, citationIssues(w.links.citations)...)
	if p.command.Interaction == event.Patch {
		withoutPlaces(issues)
	}
	if hasFaults(issues) {
		return &domain.Error{Kind: domain.Invalid, Issues: issues}
	}
	p.content.findings = issues
	return nil
}

// idIssues checks the rule that the body of an update carries the id of its URL.
func idIssues(p *prepared) []domain.Issue {
	id := p.command.Resource.Get("id")
	message := ""
	switch {
	case !id.Exists():
		message = "the resource has no id: the body of an update carries the id that is in the URL"
	case string(id.Text()) != string(p.id):
		message = "the id of the resource is not the id in the URL"
	default:
		return nil
	}
	issue := domain.Issue{Code: "invalid", Message: message, Expression: []string{string(p.command.Type) + ".id"}}
	place := id
	if !place.Exists() {
		place = p.command.Resource
	}
	if place.Exists() {
		issue.Line, issue.Column = place.Document().Position(place.NameStart())
	}
	return []domain.Issue{issue}
}

func hasFaults(issues []domain.Issue) bool {
	for _, issue := range issues {
		if issue.Severity == "" || issue.Severity == domain.Fault || issue.Severity == domain.Fatal {
			return true
		}
	}
	return false
}

// failures gathers the faults of commands, in their order.
type failures struct{ first *CommandError }

// maxOthers bounds how many faulty commands are told of at once.
const maxOthers = 100

func (f *failures) add(index int, err error) {
	if f.first == nil {
		f.first = &CommandError{Index: index, Err: err}
	} else if len(f.first.Others) < maxOthers {
		f.first.Others = append(f.first.Others, &CommandError{Index: index, Err: err})
	}
}

func (f *failures) err() error {
	if f.first == nil {
		return nil
	}
	return f.first
}
