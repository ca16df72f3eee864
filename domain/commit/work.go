package commit

import (
	"fmt"
	"slices"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/resource"
	"fhirlog/domain/search"
)

// work is a commit in the making: its commands, and what they share. One
// goroutine has it from the preparation to the answer.
type work struct {
	commands []prepared
	// set is the search parameters that index values are extracted by, the same for
	// all plans.
	set *search.Set
	// plans counts the plans that were made, from 1.
	plans int
	// searches says that the plans rest on searches: criteria or conditional
	// references.
	searches bool
	// tells says that the caller wants to hear of findings that are no faults.
	tells bool
	// patches says that the plans rest on the content of resources; line is the
	// decider's key of one of them.
	patches    bool
	line       uint64
	slow       bool // to apply them takes long
	references references
	links      collector // of one resource after the other
	edits      []fhirjson.Edit
	packing    packing
}

// prepared is a command whose content is checked. What does not depend on the
// state of the server is done once; the rest with each plan.
type prepared struct {
	command *Command
	// id is where the command goes. Of a conditional command it is known with the
	// plan, and empty where the criteria select nothing or several.
	id    domain.LogicalID
	place *destination // where links to the resource lead; nil if they stay as they are

	selection *selection      // of a conditional command
	patched   *patched        // what a patch was applied to; nil if it could not be
	reserved  int64           // memory that was taken for it
	late      *lateProvenance // the body is known only with the plan
	content   content
}

// content is what a create, an update or a patch stores.
type content struct {
	tree     fhirjson.Value
	findings []domain.Issue // that are no faults
	body     []byte
	metaAt   int
	values   *search.Values
	late     *lateContent // nil if the body does not depend on the plan
}

// lateContent is what a body is made of that depends on the plan, and the id and
// the plan that the present one was made for.
type lateContent struct {
	links     []link
	citations []citation
	id        domain.LogicalID
	plan      int
}

// current says whether the body can serve the present plan.
func (c *content) current(id domain.LogicalID) bool {
	if c.late == nil {
		return true
	}
	moved := func(l link) bool { return l.to.since > c.late.plan }
	return c.body != nil && c.late.id == id && !slices.ContainsFunc(c.late.links, moved)
}

// matched says whether a conditional command found its resource.
func (p *prepared) matched() bool { return p.selection != nil && len(p.selection.matches) > 0 }

// serverAssigned says whether the id is one that the server made.
func (p *prepared) serverAssigned() bool {
	return p.selection != nil && p.id == p.selection.newID
}

// ensureStored makes the stored body if the plan asks for another one than there
// is. It answers false if there is nothing to store.
func (w *work) ensureStored(pl *plan, p *prepared) (bool, error) {
	switch {
	case p.late != nil:
		return w.storeProvenance(pl, p)
	case p.content.current(p.id):
		return true, nil
	}
	late := p.content.late
	late.id, late.plan = p.id, w.plans
	return true, w.store(p, late.links)
}

// store makes the stored body of a command whose place and links are known, and
// its index values.
func (w *work) store(p *prepared, links []link) error {
	c := &p.content
	tree := c.tree
	w.edits = appendEdits(w.edits[:0], links)
	size := tree.End() - tree.Start() + 64
	c.body, c.metaAt = resource.AppendStored(make([]byte, 0, size), tree, p.id, w.edits)
	c.values = new(search.Values)
	if len(w.edits) == 0 {
		w.set.Extract(c.values, tree)
		return nil
	}
	// The links are part of the index, so it takes the tree with those in place.
	d, err := fhirjson.Parse(c.body, fhirjson.Limits{})
	if err != nil {
		return fmt.Errorf("read a body whose links are rewritten: %w", err)
	}
	w.set.Extract(c.values, d.Root())
	d.Release()
	return nil
}
