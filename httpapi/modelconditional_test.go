package httpapi

import (
	"fmt"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/event"
	"fhirlog/domain/resource"
)

// selectBy finds the matches of a command's criteria, and refuses more than it
// may have.
func (m *model) selectBy(c *commit.Command) (matches []int, err error) {
	w := m.at(m.horizon(0), 0)
	matches = w.matches(c.Criteria)
	if w.err != nil {
		return nil, w.err
	}
	if len(matches) > 1 && c.Limit <= 1 {
		return nil, domain.NewError(domain.PreconditionFailed, "several resources match")
	}
	return matches[:min(len(matches), max(c.Limit, 1))], nil
}

// resolve turns the criteria of a command into an id, or into what is to be done
// instead of the command.
func (m *model) resolve(c *commit.Command) (func() commit.Outcome, error) {
	if c.Criteria == nil {
		return nil, nil
	}
	matches, err := m.selectBy(c)
	if err != nil {
		return nil, err
	}
	switch c.Interaction {
	case event.Create:
		if len(matches) == 1 {
			found := commit.Outcome{Change: commit.Existing, Version: m.records[matches[0]].Version}
			return func() commit.Outcome { return found }, nil
		}
	case event.Update:
		return nil, m.resolveUpdate(c, matches)
	case event.Patch:
		if len(matches) == 0 {
			return nil, domain.NewError(domain.NotFound, "nothing matches")
		}
		c.ID = m.records[matches[0]].ID
	default:
		return func() commit.Outcome { return m.deleteMatches(c, matches) }, nil
	}
	return nil, nil
}

func (m *model) resolveUpdate(c *commit.Command, matches []int) error {
	stated := domain.LogicalID(c.Resource.Get("id").String())
	switch {
	case len(matches) == 1:
		c.ID = m.records[matches[0]].ID
		if stated != "" && stated != c.ID {
			return domain.NewError(domain.Invalid, "the body has another id than the match")
		}
	case stated != "":
		c.ID = stated
	default:
		m.nextID++
		c.ID = domain.LogicalID(fmt.Sprintf("new%d", m.nextID))
	}
	return nil
}

func (m *model) deleteMatches(c *commit.Command, matches []int) commit.Outcome {
	total := commit.Outcome{Change: commit.Nothing}
	for _, i := range matches {
		one := *c
		one.Criteria, one.ID = nil, m.records[i].ID
		done := m.apply(&one, nil, nil)
		total.Change, total.Version = done.Change, done.Version
		total.Items++
	}
	if total.Items > 1 {
		total.Version = resource.Version{}
	}
	return total
}
