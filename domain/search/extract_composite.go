package search

import "fhirlog/domain/fhirjson"

// mostCombinations bounds what one element may add to a composite: the product
// of the numbers of values of its components.
const mostCombinations = 1 << 16

// collect makes the entries of all composites of one element.
func (x *extractor) collect(g *group, element fhirjson.Value) {
	x.collected = x.collected[:0]
	x.collectedBytes = x.collectedBytes[:0]
	for i := range g.parts {
		for j := range g.parts[i].paths {
			p := &g.parts[i].paths[j]
			from := element
			if p.root {
				from = x.resource
			}
			follow(x, p.steps, from, p.action)
		}
	}
	for i := range g.composites {
		c := &g.composites[i]
		x.combinations = 0
		x.combine(c, 0, x.crossed[:0])
	}
}

// combine adds each combination of the components from the i-th on; value is
// what those before it have in the key.
func (x *extractor) combine(c *composite, i int, value []byte) {
	for j := range x.collected {
		found := &x.collected[j]
		if found.part != c.parts[i] {
			continue
		}
		if x.combinations > mostCombinations {
			return
		}
		joined := append(value, x.collectedBytes[found.start:found.end]...)
		if i < len(c.parts)-1 {
			if found.column {
				joined = AppendInt64Component(joined, found.low)
				if !found.point {
					joined = AppendInt64Component(joined, found.high)
				}
			}
			x.combine(c, i+1, joined)
			continue
		}
		x.combinations++
		x.key = append(AppendKey(x.key[:0], c.slot, AspectValue), joined...)
		if found.column {
			x.addColumn(found.low, found.high)
		} else {
			x.addPosting()
		}
		x.crossed = joined[:0] // keep the memory
	}
}

// collectedValue is a value of a component.
type collectedValue struct {
	part       int
	start, end int // in collectedBytes
	column     bool
	point      bool // a number, whose low value is enough in the middle of a key
	low, high  int64
}
