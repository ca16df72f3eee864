package commit

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/resource"
)

// prepared is a command whose content is checked and brought into its stored
// form; nothing in it depends on the state of the server.
type prepared struct {
	command *Command
	id      domain.LogicalID
	body    []byte
	metaAt  int
	late    *lateProvenance // the body is known only with the plan
}

// prepare checks the commands and makes their stored bodies.
func (s *Service) prepare(commands []Command) ([]prepared, error) {
	work := make([]prepared, len(commands))
	for i := range commands {
		work[i] = prepared{command: &commands[i], id: commands[i].ID}
		if commands[i].Interaction == event.Create {
			work[i].id = s.options.NewID()
		}
	}
	if err := refuseDuplicates(work); err != nil {
		return nil, err
	}
	links := newLinkTable(work)
	var failed *CommandError
	for i := range work {
		err := s.prepareOne(work, i, links)
		if err == nil {
			continue
		}
		if failed == nil {
			failed = &CommandError{Index: i, Err: err}
		} else if len(failed.Others) < maxOthers {
			failed.Others = append(failed.Others, &CommandError{Index: i, Err: err})
		}
	}
	if failed != nil {
		return nil, failed
	}
	return work, nil
}

// maxOthers bounds how many faulty commands are told of at once.
const maxOthers = 100

func (s *Service) prepareOne(work []prepared, i int, links *linkTable) error {
	w := &work[i]
	switch {
	case w.command.Interaction != event.Create && w.command.Interaction != event.Update:
		return nil
	case w.command.ProvenanceOf > 0:
		return s.prepareProvenance(work, w)
	}
	collector := links.collector(w.command)
	issues := s.validator.Resource(w.command.Resource, string(w.command.Type), collector.visit)
	if w.command.Interaction == event.Update {
		issues = append(issues, idIssues(w)...)
	}
	issues = append(issues, collector.conditionalIssues()...)
	if hasFaults(issues) {
		return &domain.Error{Kind: domain.Invalid, Issues: issues}
	}
	size := w.command.Resource.End() - w.command.Resource.Start() + 64
	w.body, w.metaAt = resource.AppendStored(make([]byte, 0, size), w.command.Resource, w.id, collector.sorted())
	return nil
}

// idIssues checks the rule that the body of an update carries the id of its URL.
func idIssues(w *prepared) []domain.Issue {
	id := w.command.Resource.Get("id")
	message := ""
	switch {
	case !id.Exists():
		message = "the resource has no id: the body of an update carries the id that is in the URL"
	case string(id.Text()) != string(w.id):
		message = "the id of the resource is not the id in the URL"
	default:
		return nil
	}
	return []domain.Issue{{Code: "invalid", Message: message, Expression: []string{string(w.command.Type) + ".id"}}}
}

func hasFaults(issues []domain.Issue) bool {
	for _, issue := range issues {
		if issue.Severity == "" || issue.Severity == domain.Fault || issue.Severity == domain.Fatal {
			return true
		}
	}
	return false
}

// refuseDuplicates checks that no two commands address the same resource, since
// the order of events within a commit must not matter.
func refuseDuplicates(work []prepared) error {
	if len(work) < 2 {
		return nil
	}
	type place struct {
		t  domain.ResourceType
		id domain.LogicalID
	}
	seen := make(map[place]int, len(work))
	for i, w := range work {
		at := place{w.command.Type, w.id}
		if first, twice := seen[at]; twice {
			return &CommandError{Index: i, Err: domain.NewError(domain.Invalid, fmt.Sprintf(
				"two entries address the same %s (the other one is number %d of the changes): a transaction may change a resource once", w.command.Type, first+1))}
		}
		seen[at] = i
	}
	return nil
}

// storedBody returns the body as it will be stored.
func (w *prepared) storedBody(p *plan, work []prepared) ([]byte, int, error) {
	if w.late == nil {
		return w.body, w.metaAt, nil
	}
	target := w.late.of
	outcome := &p.outcomes[target]
	reference := fmt.Sprintf("%s/%s", work[target].command.Type, work[target].id)
	if outcome.Version.Version != 0 {
		reference += "/_history/" + outcome.Version.Version.String()
	}
	v, err := w.late.withTarget(reference)
	if err != nil {
		return nil, 0, err
	}
	body, metaAt := resource.AppendStored(nil, v, w.id, nil)
	return body, metaAt, nil
}

// lateProvenance is a Provenance whose target is another command's result.
type lateProvenance struct {
	resource fhirjson.Value
	of       int
}

func (s *Service) prepareProvenance(work []prepared, w *prepared) error {
	late := &lateProvenance{resource: w.command.Resource, of: w.command.ProvenanceOf - 1}
	if late.of >= len(work) || &work[late.of] == w || work[late.of].late != nil {
		return fmt.Errorf("the target of a Provenance is command %d of %d", late.of+1, len(work))
	}
	if late.resource.Kind() != fhirjson.Object || late.resource.Get("target").Exists() {
		return domain.NewError(domain.Invalid, "X-Provenance is a Provenance without target: the server fills it in", "Provenance.target")
	}
	sample, err := late.withTarget(string(work[late.of].command.Type) + "/" + string(work[late.of].id))
	if err != nil {
		return err
	}
	if issues := s.validator.Resource(sample, "Provenance", nil); hasFaults(issues) {
		return &domain.Error{Kind: domain.Invalid, Issues: issues}
	}
	w.late = late
	return nil
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

// newULIDs makes ids that sort by time, also within a millisecond.
func newULIDs() func() domain.LogicalID {
	var mu sync.Mutex
	entropy := ulid.Monotonic(bufio.NewReaderSize(rand.Reader, 4096), 0)
	return func() domain.LogicalID {
		mu.Lock()
		defer mu.Unlock()
		for {
			id, err := ulid.New(ulid.Timestamp(time.Now()), entropy)
			if err == nil {
				return domain.LogicalID(id.String())
			}
			// The entropy of this millisecond is used up: the next one has more.
			time.Sleep(time.Millisecond)
		}
	}
}
