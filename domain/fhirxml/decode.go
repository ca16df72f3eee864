package fhirxml

import (
	"math"
	"sync"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirxml/xmltext"
)

// The namespaces of FHIR's XML.
const (
	fhirNamespace  = "http://hl7.org/fhir"
	xhtmlNamespace = "http://www.w3.org/1999/xhtml"
	xsiNamespace   = "http://www.w3.org/2001/XMLSchema-instance"
)

// They have these numbers for a scanner that knows them as namespaces.
const (
	fhirSpace = xmltext.Known + iota
	xhtmlSpace
	xsiSpace
)

var namespaces = []string{fhirNamespace, xhtmlNamespace, xsiNamespace}

// Limits bounds what Decode accepts. The size is the caller's business; what
// Decode needs beside is at most NodeBytes for each '<' and '=' of the text, and
// twice the text.
type Limits struct {
	// MaxDepth is the greatest nesting of the JSON, as fhirjson counts it: 0 means
	// 256, more than 10,000 is taken as 10,000.
	MaxDepth int
	// MaxNodes is the greatest number of values in the JSON: 0 means 16 Mi.
	MaxNodes int
}

const (
	defaultDepth  = 256
	greatestDepth = 10_000 // as in fhirjson: what is written recurses
	defaultNodes  = 16 << 20
)

// NodeBytes is what Decode needs for an element or attribute of the text.
const NodeBytes = 100

// Decode reads a resource in XML as JSON: a text without insignificant white
// space and with resourceType first, and its tree. Every error is a *DecodeError.
// The Places keep src, which must not be changed while they are in use. The text of
// the Document stands in space if there is room for it: then the Document keeps that.
func Decode(d *definitions.Definitions, src, space []byte, limits Limits) (*fhirjson.Document, *Places, error) {
	document, err := decode(d, src, space, limits, nil)
	if err != nil {
		return nil, nil, err
	}
	return document, &Places{definitions: d, src: src, limits: limits}, nil
}

// decode is Decode, and notes the places if it is given where.
func decode(d *definitions.Definitions, src, space []byte, limits Limits, places *[]mark) (*fhirjson.Document, error) {
	c := decoders.Get().(*decoder)
	defer c.end()
	c.begin(d, src, space, limits, places != nil)
	if !c.document() {
		return nil, c.fault
	}
	result, marks := &c.build, c.marks
	if c.disordered {
		a := arranger{decoder: c}
		a.arrange()
		result, marks = &a.build, a.marks
	}
	if places != nil {
		*places = marks
	}
	return result.Document(), nil
}

// decoder reads one text and builds the JSON on the way. What the definitions
// order in another way than the text is left for an arranger. Decoders are pooled
// for their space.
type decoder struct {
	definitions *definitions.Definitions
	element     *definitions.Type // Element: what a primitive holds beside its value
	scan        xmltext.Scanner
	build       fhirjson.Builder
	maxDepth    int32
	maxNodes    int
	disordered  bool      // what is built needs to be arranged
	placed      bool      // the marks are wanted
	marks       []mark    // where the values come from
	frames      []frame   // the open elements, the root first
	delayed     []delayed // the attributes that wait, of the innermost elements last
	narrative   []byte    // the one at hand, as it stands in a JSON string
	scratch     []byte
	fault       *DecodeError
}

// flags tell what an element is, and what became of it.
type flags uint16

const (
	isResource flags = 1 << iota // a resource, not an element that holds one
	primitive                    // of a primitive type
	repeats                      // it can repeat: it is an array in JSON
	wraps                        // it holds a resource
	hasValue                     // a primitive with a value
	filled                       // the resource that it holds is there
	opened                       // the object with its children is open in JSON
	listed                       // the array of its latest child is open in JSON
	waiting                      // an attribute waits to be added
)

// flagsOf are those that the definitions give.
func flagsOf(m definitions.Member) (f flags) {
	switch m.Type.Kind {
	case definitions.Primitive:
		f = primitive
	case definitions.Resource:
		f = wraps
	}
	if m.Element.Repeats() {
		f |= repeats
	}
	return f
}

// frame is an open element.
type frame struct {
	typ    *definitions.Type      // what its children belong to
	seen   definitions.ElementSet // its children so far
	start  int                    // where it begins
	name   span                   // without its prefix
	depth  int32                  // of its children in JSON
	run    int32                  // how many items the open array has
	latest int16                  // the index in typ of its latest child, -1 if there is none
	own    uint8                  // its index in the type around it
	flags  flags
}

// push opens a frame for the element at hand. It sets field by field, as to copy
// what was just put together takes several times as long.
func (c *decoder) push(t *definitions.Type, kind flags, depth int32) *frame {
	k := len(c.frames)
	if k == cap(c.frames) {
		c.frames = append(c.frames, frame{})
	}
	c.frames = c.frames[:k+1]
	f := &c.frames[k]
	f.typ, f.seen, f.start, f.depth, f.run, f.latest, f.own, f.flags = t, definitions.ElementSet{}, c.scan.Start, depth, 0, -1, 0, kind
	f.name.start, f.name.end = c.scan.Name.Local, c.scan.Name.End
	return f
}

// span is a part of the text.
type span struct{ start, end int32 }

func (c *decoder) text(s span) []byte { return c.scan.Source()[s.start:s.end] }

var decoders = sync.Pool{New: func() any { return &decoder{frames: make([]frame, 0, 32)} }}

// pooledTexts and pooledFrames are how much space a pooled decoder keeps, beside
// its builder.
const (
	pooledTexts  = 256 << 10
	pooledFrames = 512
)

func (c *decoder) begin(d *definitions.Definitions, src, space []byte, limits Limits, placed bool) {
	if c.definitions != d {
		c.definitions, c.element = d, d.Type("Element")
	}
	if c.maxDepth = defaultDepth; limits.MaxDepth > 0 {
		c.maxDepth = int32(min(limits.MaxDepth, greatestDepth))
	}
	if c.maxNodes = defaultNodes; limits.MaxNodes > 0 {
		c.maxNodes = limits.MaxNodes
	}
	c.frames, c.delayed, c.marks, c.fault, c.disordered, c.placed = c.frames[:0], c.delayed[:0], nil, nil, false, placed
	if cap(space) < len(src)/2 {
		space = make([]byte, 0, len(src))
	}
	c.build.Reset(space)
	c.scan.Reset(src, xmltext.Options{MaxDepth: int(c.maxDepth) + narrativeDepth, Known: namespaces})
}

// narrativeDepth is how many elements a narrative may open beyond MaxDepth:
// validate has a limit of its own for them.
const narrativeDepth = 256

// end gives the decoder back.
func (c *decoder) end() {
	c.scan.Reset(nil, xmltext.Options{})
	c.build.Reset(nil)
	if cap(c.narrative)+cap(c.scratch) > pooledTexts {
		c.narrative, c.scratch = nil, nil
	}
	if cap(c.frames) > pooledFrames {
		c.frames = nil
	}
	decoders.Put(c)
}

// document reads the whole text.
func (c *decoder) document() bool {
	for c.scan.Next() {
		ok := true
		switch c.scan.Kind {
		case xmltext.Open:
			if len(c.frames) == 0 || c.frames[len(c.frames)-1].flags&wraps != 0 {
				ok = c.openResource()
			} else {
				ok = c.openElement()
			}
		case xmltext.Close:
			ok = c.close()
		case xmltext.Text:
			ok = c.scan.Blank || c.noText()
		case xmltext.CData:
			ok = c.noText()
		}
		if !ok {
			return false
		}
		if c.build.Nodes() > c.maxNodes {
			return c.fail(c.scan.Start, "the resource has too many elements")
		}
	}
	if fault := c.scan.Fault(); fault != nil {
		return c.fail(fault.Offset, fault.Message)
	}
	if c.build.Len() > math.MaxUint32 {
		return c.fail(0, "the text is too large: as JSON it has 4 GiB or more")
	}
	return true
}

func (c *decoder) noText() bool {
	return c.fail(c.scan.Start, "text cannot stand here; a value stands in the attribute 'value'")
}

// close ends the innermost element.
func (c *decoder) close() bool {
	f := &c.frames[len(c.frames)-1]
	if f.flags&waiting != 0 && !c.addDelayed() {
		return false
	}
	switch {
	case f.flags&(primitive|hasValue|opened) == primitive:
		return c.fail(f.start, "it has neither a value nor an extension; leave out what has no content")
	case f.flags&(wraps|filled) == wraps:
		return c.fail(f.start, "it is empty; it must hold a resource")
	}
	if f.flags&listed != 0 {
		c.build.Close()
	}
	if f.flags&opened != 0 {
		c.build.Close()
		if f.flags&(primitive|repeats) == primitive|repeats {
			c.build.Close()
		}
	}
	c.frames = c.frames[:len(c.frames)-1]
	return true
}
