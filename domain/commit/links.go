package commit

import (
	"bytes"
	"slices"
	"strings"

	"fhirlog/domain/event"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/validate"
)

// destination is the place that links lead to. That of a conditional command and
// that of a conditional reference are known with the plan, and the next plan may
// find another one.
type destination struct {
	place string // Type/id; empty as long as it is not known
	typ   string // of an entry of the commit: its type
	since int    // the plan that found it; 0 if it was known before
}

func (d *destination) found(place string, plan int) {
	if d.place != place {
		d.place, d.since = place, plan
	}
}

// link is a link that has to be rewritten.
type link struct {
	start, end int // in the text of the document
	to         *destination
	fragment   string // what stays behind the place
	bare       bool   // it lies within a string
}

// linkTable says which links the resources of a transaction must follow to
// their new place (https://hl7.org/fhir/R4/http.html#trules), by
// Bundle.entry.fullUrl.
type linkTable map[string]*destination

// newLinkTable lists the resources whose place is only known now. What exists under
// an absolute URL keeps its id, so links to it stay as they are.
func newLinkTable(commands []prepared) linkTable {
	var table linkTable
	for i := range commands {
		p := &commands[i]
		c := p.command
		moves := c.Interaction == event.Create ||
			(c.Interaction == event.Update || c.Interaction == event.Patch) && (c.Criteria != nil || strings.HasPrefix(c.FullURL, "urn:"))
		if c.FullURL == "" || !moves {
			continue
		}
		p.place = &destination{typ: string(c.Type)}
		if p.id != "" {
			p.place.place = placeOf(c.Type, p.id)
		}
		if table == nil {
			table = make(linkTable, len(commands))
		}
		table[c.FullURL] = p.place
	}
	return table
}

// collector gathers what has to be rewritten in one resource.
type collector struct {
	table      linkTable
	references *references
	base       string // what relative references of this resource are relative to
	remains    remains
	links      []link
	citations  []citation
	unknown    bool // a destination is not known yet
}

// begin starts with the content of a command.
func (c *collector) begin(p *prepared) {
	c.base, c.remains = baseOf(p.command), nil
	if p.patched != nil {
		c.base, c.remains = "", p.patched.remains
	}
	c.links, c.citations, c.unknown = c.links[:0], c.citations[:0], false
}

// remains are the destinations that a resource mentioned before it was patched.
// Those links are not of this transaction, and stay as they are; so do relative
// references, which may lead to what is on this server, and narratives.
type remains map[*destination]bool

// mentioned finds the remains in a resource that is about to be patched.
func (c *collector) mentioned(v fhirjson.Value) remains {
	if len(c.table) == 0 {
		return nil
	}
	c.base = ""
	found := remains{}
	c.mention(found, v)
	return found
}

func (c *collector) mention(found remains, v fhirjson.Value) {
	if to, _, moved := c.destination(v.Text()); moved {
		found[to] = true
	}
	for part := v.First(); part.Exists(); part = part.Next() {
		c.mention(found, part)
	}
}

// late keeps what was gathered for a body that depends on the plan.
func (c *collector) late() *lateContent {
	return &lateContent{links: slices.Clone(c.links), citations: slices.Clone(c.citations)}
}

// baseOf returns the service base of a fullUrl such as
// http://example.org/fhir/Patient/1, with its slash, or "" if it has none.
func baseOf(c *Command) string {
	if !strings.HasPrefix(c.FullURL, "http") {
		return ""
	}
	rest, _, found := cutLast(c.FullURL, "/"+string(c.Type)+"/")
	if !found {
		return ""
	}
	return rest + "/"
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// visit is what the validator calls for each link. Canonical URLs are names, not
// places, and are not rewritten.
func (c *collector) visit(kind validate.LinkKind, v fhirjson.Value) {
	if kind == validate.LinkReference && isConditional(v.Text()) {
		c.cite(v)
		return
	}
	if len(c.table) == 0 {
		return
	}
	switch {
	case kind == validate.LinkXHTML && c.remains == nil:
		c.narrative(v)
	case kind == validate.LinkReference || kind == validate.LinkURI:
		if to, fragment, moved := c.destination(v.Text()); moved && !c.remains[to] {
			c.add(link{start: v.Start(), end: v.End(), to: to, fragment: fragment})
		}
	}
}

func (c *collector) add(l link) {
	c.unknown = c.unknown || l.to.place == ""
	c.links = append(c.links, l)
}

// destination looks a link up; a fragment stays behind the new place. A link to
// a version means one of the place that it names, and is left alone.
func (c *collector) destination(link []byte) (to *destination, fragment string, moved bool) {
	if to, moved := c.table[string(link)]; moved {
		return to, "", true
	}
	if cut := bytes.IndexByte(link, '#'); cut > 0 {
		if to, inner, moved := c.destination(link[:cut]); moved {
			return to, inner + string(link[cut:]), true
		}
	}
	if c.base == "" || bytes.IndexByte(link, ':') >= 0 || bytes.IndexByte(link, '/') <= 0 {
		return nil, "", false
	}
	to, moved = c.table[c.base+string(link)]
	return to, "", moved
}

// appendEdits appends the edits of links whose destinations are known, by place.
func appendEdits(dst []fhirjson.Edit, links []link) []fhirjson.Edit {
	for _, l := range links {
		with := []byte(l.to.place + l.fragment)
		if !l.bare {
			with = fhirjson.AppendQuoted(nil, l.to.place+l.fragment)
		}
		dst = append(dst, fhirjson.Edit{Start: l.start, End: l.end, With: with})
	}
	slices.SortFunc(dst, func(a, b fhirjson.Edit) int { return a.Start - b.Start })
	return dst
}
