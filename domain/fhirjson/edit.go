package fhirjson

import (
	"bytes"
	"fmt"
)

// Edit replaces Source()[Start:End] by With, which is written as it is. Start
// and End may be equal, to insert. An edit may also lie within a string, as
// long as it does not divide an escape.
type Edit struct {
	Start, End int
	With       []byte
}

// AppendCompact appends v without the white space between its tokens; member
// order, numbers and the spelling of strings stay. The edits are applied on
// the way: they are sorted, do not overlap and lie within v (else it panics);
// several insertions at one place are applied in order. Commas are the
// editor's business; RemoveMembers makes edits that keep them right.
func AppendCompact(dst []byte, v Value, edits []Edit) []byte {
	if !v.Exists() {
		return dst
	}
	c := compactor{src: v.d.src, at: v.Start(), spaced: v.d.spaced}
	for i, e := range edits {
		if e.Start < c.at || e.End < e.Start || e.End > v.End() {
			panic(fmt.Sprintf("fhirjson: edit %d of bytes %d to %d is out of order or outside of the value", i, e.Start, e.End))
		}
		dst = c.copyTo(dst, e.Start)
		dst = append(dst, e.With...)
		c.skipTo(e.End)
	}
	return c.copyTo(dst, v.End())
}

// compactor goes through the source from token to token.
type compactor struct {
	src      []byte
	at       int
	inString bool
	spaced   bool // there is white space to look for
}

// copyTo appends what stands before end and moves there.
func (c *compactor) copyTo(dst []byte, end int) []byte {
	if !c.spaced {
		dst = append(dst, c.src[c.at:end]...)
		c.at = end
		return dst
	}
	for c.at < end {
		start := c.at
		if c.inString || c.src[start] > ' ' {
			c.run(end)
			dst = append(dst, c.src[start:c.at]...)
		} else {
			c.at = min(skipSpace(c.src, start), end)
		}
	}
	return dst
}

// skipTo moves to end without copying.
func (c *compactor) skipTo(end int) {
	if !c.spaced {
		c.at = end
		return
	}
	for c.at < end {
		if c.inString || c.src[c.at] > ' ' {
			c.run(end)
		} else {
			c.at++
		}
	}
}

// run moves over tokens up to the next white space between them, or to end.
func (c *compactor) run(end int) {
	for c.at < end {
		if c.inString {
			c.finishString(end)
			continue
		}
		switch b := c.src[c.at]; {
		case b <= ' ':
			return
		case b == '"':
			c.inString = true
		}
		c.at++
	}
}

// finishString moves behind the closing quote of a string, or to end.
func (c *compactor) finishString(end int) {
	for c.at < end {
		quote := bytes.IndexByte(c.src[c.at:end], '"')
		if quote < 0 {
			c.at = end
			return
		}
		c.at += quote + 1
		backslashes := 0
		for c.src[c.at-2-backslashes] == '\\' {
			backslashes++
		}
		if backslashes%2 == 0 {
			c.inString = false
			return
		}
	}
}

// RemoveMembers appends the edits that remove the members of the object for
// which drop answers true, together with the commas and white space that they
// leave over. drop must not keep the name.
func RemoveMembers(edits []Edit, object Value, drop func(name []byte) bool) []Edit {
	keptEnd := -1 // the end of the latest member that stays
	from := -1    // the beginning of the current run of dropped members
	last := -1    // the end of that run
	for m := object.First(); m.Exists(); m = m.Next() {
		switch {
		case drop(m.Name()):
			if from < 0 {
				from = m.NameStart()
			}
			last = m.End()
		default:
			if from >= 0 {
				edits = append(edits, Edit{Start: from, End: m.NameStart()})
				from = -1
			}
			keptEnd = m.End()
		}
	}
	if from >= 0 {
		if keptEnd >= 0 {
			from = keptEnd
		}
		edits = append(edits, Edit{Start: from, End: last})
	}
	return edits
}
