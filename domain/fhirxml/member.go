package fhirxml

import (
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirxml/xmltext"
)

// enter takes an element as the latest child of the innermost open one, opens or
// continues its array if it repeats, and refuses a single one that is there for
// the second time. It returns the name that the value has in JSON: none in an
// array.
func (c *decoder) enter(e *definitions.Element, name []byte, kind flags, start int) (as []byte, ok bool) {
	f := &c.frames[len(c.frames)-1]
	if f.flags&(opened|waiting) != opened && !c.prepare(e) {
		return nil, false
	}
	if f.flags&listed != 0 {
		if int(f.latest) == e.Index {
			f.run++
			c.mark(start)
			return nil, true
		}
		c.build.Close()
		f.flags &^= listed
	}
	switch again := f.seen.Add(e.Index); {
	case again && kind&repeats == 0:
		return nil, c.twice(start, e)
	case again || e.Index < int(f.latest):
		c.disordered = true
	}
	f.latest = int16(e.Index)
	c.mark(start)
	if kind&repeats == 0 {
		return name, true
	}
	c.build.Open(name, fhirjson.Array)
	c.mark(start)
	f.flags |= listed
	f.run = 1
	return nil, true
}

func (c *decoder) twice(at int, e *definitions.Element) bool {
	if e.Choice {
		return c.fail(at, "the element "+e.Name+"[x] can have one value only")
	}
	return c.fail(at, "the element "+e.Name+" cannot repeat")
}

// prepare makes the innermost open element ready for a child: the object for what
// a primitive holds is open, and what comes before the child is added.
func (c *decoder) prepare(e *definitions.Element) bool {
	f := &c.frames[len(c.frames)-1]
	if f.flags&opened == 0 {
		if f.depth > c.maxDepth {
			return c.fail(c.scan.Start, "elements are nested too deeply")
		}
		c.openExtra(f)
	}
	return f.flags&waiting == 0 || e.Index < c.delayed[len(c.delayed)-1].member.Element.Index || c.addDelayed()
}

// openExtra opens the object with id and extensions of a primitive, for the first
// of them (https://hl7.org/fhir/R4/json.html#primitive). In a list it ends the
// array of the values: an arranger puts the pieces together.
func (c *decoder) openExtra(f *frame) {
	f.flags |= opened
	name := c.extraName(f)
	if f.flags&repeats != 0 {
		around := &c.frames[len(c.frames)-2]
		c.build.Close()
		around.flags &^= listed
		c.disordered = true
		c.mark(f.start)
		c.build.Open(name, fhirjson.Array)
		for range around.run - 1 {
			c.build.Spelled(nil, fhirjson.Null, null)
		}
		name = nil
	}
	c.mark(f.start)
	c.build.Open(name, fhirjson.Object)
}

// extraName is the name of the member with id and extensions of a primitive.
func (c *decoder) extraName(f *frame) []byte {
	c.scratch = append(append(c.scratch[:0], '_'), c.text(f.name)...)
	return c.scratch
}

// delayed is an attribute that JSON may show behind elements: the url of an
// extension with extensions.
type delayed struct {
	attribute xmltext.Attribute
	member    definitions.Member
}

// addDelayed adds the attribute of the innermost open element that waits.
func (c *decoder) addDelayed() bool {
	last := len(c.delayed) - 1
	a := c.delayed[last]
	c.delayed = c.delayed[:last]
	c.frames[len(c.frames)-1].flags &^= waiting
	return c.addAttribute(&a.attribute, a.member)
}

// addAttribute adds an attribute that is an element.
func (c *decoder) addAttribute(a *xmltext.Attribute, m definitions.Member) bool {
	name, ok := c.enter(m.Element, c.scan.Local(a.Name), flagsOf(m), int(a.Name.Start))
	return ok && c.value(name, a, m.Type)
}
