package commit

import (
	"fmt"
	"strings"

	"fhirlog/domain"
)

// target is what a command addresses: a resource, or what it would make for
// criteria that select nothing.
type target struct {
	t        domain.ResourceType
	id       domain.LogicalID
	criteria string
}

// refuseDuplicates checks that no two commands address the same resource, since
// the order of events within a commit must not matter. Conditional commands count
// once it is known what they select.
func refuseDuplicates(commands []prepared) error {
	if len(commands) == 0 || len(commands) == 1 && commands[0].selection == nil {
		return nil
	}
	seen := make(map[target]int, len(commands))
	for i := range commands {
		p := &commands[i]
		if p.selection != nil {
			for _, at := range p.selection.targets(p) {
				if err := addTarget(seen, at, i); err != nil {
					return err
				}
			}
		} else if err := addTarget(seen, target{t: p.command.Type, id: p.id}, i); err != nil && p.id != "" {
			return err
		}
	}
	return nil
}

func addTarget(seen map[target]int, at target, i int) error {
	first, twice := seen[at]
	if !twice {
		seen[at] = i
		return nil
	}
	if first == i {
		return fmt.Errorf("a search gave a %s twice", at.t)
	}
	return &CommandError{Index: i, Err: domain.NewError(domain.Invalid, fmt.Sprintf(
		"two entries address the same %s (the other one is number %d of the changes): a transaction may change a resource once", at.t, first+1))}
}

// targets returns what a conditional command addresses under the present plan;
// before the first one, nothing. Two that would create something for the same
// criteria address the same resource: whichever came second would find it.
func (sel *selection) targets(p *prepared) (list []target) {
	if p.command.deletes() {
		for _, f := range sel.included {
			list = append(list, target{t: f.Type, id: f.ID})
		}
		for _, f := range sel.matches {
			list = append(list, target{t: f.Type, id: f.ID})
		}
		return list
	}
	if p.id == "" {
		return nil
	}
	list = append(list, target{t: p.command.Type, id: p.id})
	if len(sel.matches) == 0 {
		var criteria strings.Builder
		for _, pair := range p.command.Criteria.Applied {
			fmt.Fprintf(&criteria, "%q=%q&", pair.Name, pair.Value)
		}
		list = append(list, target{t: p.command.Type, criteria: criteria.String()})
	}
	return list
}
