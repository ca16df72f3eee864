package fhirxml

import (
	"sort"
	"sync"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirxml/xmltext"
)

// Places leads from the JSON that Decode wrote back to the XML. It decodes again
// at the first question: questions come with faults, which are rare, and so
// nothing else pays for them. It is safe for concurrent use.
type Places struct {
	definitions *definitions.Definitions
	src         []byte
	limits      Limits
	once        sync.Once
	marks       []mark
	lines       *xmltext.Lines
}

// mark is where a value stands in both texts, with the comma before it.
type mark struct{ json, xml int }

// mark notes where the value comes from that is added next.
func (c *decoder) mark(start int) {
	if c.placed {
		c.marks = append(c.marks, mark{json: c.build.Len(), xml: start})
	}
}

// At tells in which line and column of the XML the element or attribute begins
// that stands at an offset of the JSON. Both count from 1, columns characters.
func (p *Places) At(offset int) (line, column int) {
	p.once.Do(func() {
		_, _ = decode(p.definitions, p.src, nil, p.limits, &p.marks) // it succeeded before
		p.lines = xmltext.NewLines(p.src)
	})
	after := sort.Search(len(p.marks), func(i int) bool { return p.marks[i].json > offset })
	return p.lines.Position(p.marks[max(after-1, 0)].xml)
}
