package commit

import (
	"bytes"
	"slices"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/validate"
)

// linkTable says which links the resources of a transaction must follow to
// their new place (https://hl7.org/fhir/R4/http.html#trules): from
// Bundle.entry.fullUrl to Type/id.
type linkTable map[string]string

// newLinkTable lists the resources whose place is only known now. An update
// under an absolute URL keeps its id, so links to it stay as they are.
func newLinkTable(work []prepared) *linkTable {
	table := linkTable{}
	for _, w := range work {
		url := w.command.FullURL
		moves := w.command.Interaction == event.Create ||
			w.command.Interaction == event.Update && strings.HasPrefix(url, "urn:")
		if url != "" && moves {
			table[url] = string(w.command.Type) + "/" + string(w.id)
		}
	}
	return &table
}

// collector gathers the links of one resource that have to be rewritten.
type collector struct {
	table linkTable
	base  string // what relative references of this resource are relative to
	edits []fhirjson.Edit

	conditional []string // where references are searches
}

func (t *linkTable) collector(c *Command) *collector {
	return &collector{table: *t, base: baseOf(c)}
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
		c.conditional = append(c.conditional, v.Path())
		return
	}
	if len(c.table) == 0 {
		return
	}
	switch kind {
	case validate.LinkXHTML:
		c.narrative(v)
	case validate.LinkReference, validate.LinkURI:
		if to, moved := c.destination(v.Text()); moved {
			c.edits = append(c.edits, fhirjson.Edit{Start: v.Start(), End: v.End(), With: fhirjson.AppendQuoted(nil, to)})
		}
	}
}

// isConditional says whether a reference is a search, such as
// Practitioner?identifier=1 (https://hl7.org/fhir/R4/http.html#trules).
func isConditional(reference []byte) bool {
	cut := bytes.IndexByte(reference, '?')
	return cut > 0 && !bytes.ContainsAny(reference[:cut], ":/#")
}

// conditionalIssues refuses conditional references: storing them as they are
// would leave them dangling for ever.
func (c *collector) conditionalIssues() []domain.Issue {
	if len(c.conditional) == 0 {
		return nil
	}
	return []domain.Issue{{
		Code:       "not-supported",
		Message:    "Conditional references need search, which this server does not offer yet: name the resource by type and id, or by the fullUrl of an entry.",
		Expression: c.conditional,
	}}
}

// destination looks a link up; a fragment stays behind the new place. A link to
// a version means one of the place that it names, and is left alone.
func (c *collector) destination(link []byte) (string, bool) {
	if to, moved := c.table[string(link)]; moved {
		return to, true
	}
	if cut := bytes.IndexByte(link, '#'); cut > 0 {
		if to, moved := c.destination(link[:cut]); moved {
			return to + string(link[cut:]), true
		}
	}
	if c.base == "" || bytes.IndexByte(link, ':') >= 0 || bytes.IndexByte(link, '/') <= 0 {
		return "", false
	}
	to, moved := c.table[c.base+string(link)]
	return to, moved
}

// narrative rewrites href and src attributes in the XHTML of a text. It works on
// the JSON text: the delimiters there are ' or an escaped quote.
func (c *collector) narrative(v fhirjson.Value) {
	raw := v.Raw()
	for _, attribute := range [...]string{"href", "src"} {
		for at := 0; ; {
			found := bytes.Index(raw[at:], []byte(attribute))
			if found < 0 {
				break
			}
			at += found + len(attribute)
			link := attributeValue(raw[at:])
			if to, moved := c.destination(bytes.ReplaceAll(link.text, []byte(`\/`), []byte("/"))); moved {
				start := v.Start() + at + link.offset
				c.edits = append(c.edits, fhirjson.Edit{Start: start, End: start + len(link.text), With: []byte(to)})
			}
		}
	}
}

type spelledLink struct {
	offset int
	text   []byte // as JSON spells it
}

// attributeValue reads what follows the name of an attribute: = and a quoted
// value, with spaces around.
func attributeValue(raw []byte) spelledLink {
	rest, ok := bytes.CutPrefix(bytes.TrimLeft(raw, " "), []byte("="))
	if !ok {
		return spelledLink{}
	}
	rest = bytes.TrimLeft(rest, " ")
	for _, quote := range [...]string{`\"`, `'`} {
		if value, ok := bytes.CutPrefix(rest, []byte(quote)); ok {
			if end := bytes.Index(value, []byte(quote)); end >= 0 {
				return spelledLink{len(raw) - len(value), value[:end]}
			}
		}
	}
	return spelledLink{}
}

// sorted returns the edits by place.
func (c *collector) sorted() []fhirjson.Edit {
	slices.SortFunc(c.edits, func(a, b fhirjson.Edit) int { return a.Start - b.Start })
	return c.edits
}
