package main

import (
	"fmt"
	"strings"
)

// next makes a text that nobody else writes.
func (c *caller) next() string {
	c.count++
	return fmt.Sprintf("t%d.%d.%d", c.number, c.count, c.random.IntN(1000))
}

// aboutResource chooses what to ask of a resource.
func (c *caller) aboutResource(at string) call {
	asked := call{place: at, language: fmt.Sprintf("x-%d", c.random.IntN(5))}
	last := c.seen[at]
	_, text, _ := strings.Cut(last.content, ",")
	// Mostly what was seen last, so that preconditions are met now and then.
	if c.random.IntN(3) == 0 && last.version > 0 {
		asked.match = max(1, last.version+c.random.IntN(2)*c.random.IntN(2))
	}
	switch c.random.IntN(20) {
	case 0, 1, 2, 3:
		asked.verb, asked.text = put, c.next()
	case 4:
		asked.verb, asked.text, asked.match = put, c.next(), ifAbsent
	case 5: // what may be there already, so that nothing changes
		asked.verb, asked.text = put, text
		if text == "" {
			asked.text = c.next()
		}
	case 6, 7, 8:
		asked.verb = patch
		if c.random.IntN(3) == 0 {
			asked.text = text
		}
	case 9, 10:
		asked.verb = fhirPatch
	case 11:
		asked.verb = remove
	case 12:
		asked = call{place: at, verb: find}
	case 13:
		asked = call{place: at, verb: instanceHistory}
	case 14:
		asked = call{place: at, verb: []verb{erase, purge}[c.random.IntN(2)]}
	case 15, 16:
		asked = call{place: at, verb: vread, version: 1 + c.random.IntN(last.version+2)}
	default:
		asked = call{place: at, verb: read}
	}
	if asked.verb == remove {
		asked.language = ""
	}
	return asked
}

// aboutIdentifier chooses what to ask by an identifier.
func (c *caller) aboutIdentifier(at string) call {
	asked := call{place: at, text: c.next()}
	switch c.random.IntN(18) {
	case 0, 1, 2, 3:
		asked.verb = createOnce
	case 4, 5, 6:
		asked.verb = updateWhere
	case 7, 8:
		asked.verb = patchWhere
	case 9, 10, 11:
		asked.verb = deleteWhere
	case 12:
		asked.verb = createOnce
		if c.random.IntN(3) == 0 { // two match for a while
			asked.verb = create
		}
	case 13, 14:
		asked.verb = deleteByID
		last, _, _ := strings.Cut(c.seen[at].content, "=")
		if asked.id = last; last == "" {
			asked.verb = searchFor
		}
	default:
		asked.verb = searchFor
	}
	if asked.verb == deleteWhere || asked.verb == deleteByID || asked.verb == searchFor {
		asked.text = ""
	}
	return asked
}

// tally counts what was heard.
type tally struct {
	calls, cutOff int
	statuses      map[string]int // by verb and status
}

func (y *tally) add(h *histories) {
	if y.statuses == nil {
		y.statuses = map[string]int{}
	}
	for _, operations := range h.of {
		for _, o := range operations {
			y.calls++
			told := o.Output.(heard)
			if told.cutOff {
				y.cutOff++
			}
			y.statuses[fmt.Sprintf("%s %d", o.Input.(call).verb, told.status)]++
		}
	}
}

func (y *tally) String() string {
	return fmt.Sprintf("%d calls, %d of them cut off: %v", y.calls, y.cutOff, y.statuses)
}
