package search

import (
	"encoding/binary"
	"slices"
)

// valueComponents is how many components the value part of a type has; see the
// package comment.
var valueComponents = map[ParameterType]int{String: 2, Token: 2, ReferTo: 3, URI: 2, Quantity: 3}

// composite finds the values of a composite whose components all match
// (https://hl7.org/fhir/R4/search.html#composite). Its keys hold the value
// parts of the components one after the other: those that are known completely
// are looked up, all others are looked at in the keys that begin so.
func (c *compiler) composite(of *Parameter, operand Operand) Expr {
	tests := make([]componentTest, len(of.Components))
	for i := range of.Components {
		tests[i] = c.component(&of.Components[i], operand.Components[i])
	}
	last := len(tests) - 1
	var any Or
	for _, first := range tests[0].patterns {
		key, known := first.value, 0 // known counts the components that the key holds completely
		if first.whole {
			for known = 1; known < last && tests[known].isOne(); known++ {
				key = slices.Concat(key, tests[known].patterns[0].value)
			}
		}
		if known == last && tests[last].columns == nil {
			for _, p := range tests[last].patterns {
				any = append(any, p.after(key).match(of.Slot, AspectValue))
			}
			c.lookups += len(tests[last].patterns)
			continue
		}
		c.lookups++
		any = append(any, c.compositeFrom(append(Key(of.Slot, AspectValue), key...), tests, known))
	}
	return flat(any)
}

// after gives the pattern of values that follow others in a composite's key.
func (p pattern) after(beginning []byte) pattern {
	following := pattern{value: slices.Concat(beginning, p.value), whole: p.whole}
	if p.keep != nil {
		following.keep = func(value []byte) bool { return p.keep(value[len(beginning):]) }
	}
	return following
}

// compositeFrom makes the condition for all keys that have a beginning.
func (c *compiler) compositeFrom(key []byte, tests []componentTest, known int) Expr {
	last := &tests[len(tests)-1]
	if last.columns == nil {
		return Match{Key: key, Keep: func(value []byte) bool {
			rest, ok := passFirst(tests, value)
			return ok && last.holds(rest)
		}}
	}
	c.walks = true
	if known == len(tests)-1 && last.parts == 0 {
		return Between{Key: key, Whole: true, Test: last.columns(nil)}
	}
	return Between{Key: key, Select: func(value []byte) columnTest {
		rest, ok := passFirst(tests, value)
		if !ok {
			return nil
		}
		return last.columns(rest)
	}}
}

// passFirst checks all components but the last, and gives the value part of the
// last.
func passFirst(tests []componentTest, value []byte) (rest []byte, ok bool) {
	for i := range tests[:len(tests)-1] {
		if value, ok = tests[i].pass(value); !ok {
			return nil, false
		}
	}
	return value, true
}

// componentTest is what a component of a composite has to be: one of patterns,
// or in a column.
type componentTest struct {
	patterns []pattern
	parts    int                           // components of the value part
	columns  func(value []byte) columnTest // by the value part; nil for postings
	points   bool                          // of a column: low and high are the same, and written once
}

// isOne tells whether there is one value that the component can have.
func (t *componentTest) isOne() bool {
	return t.columns == nil && len(t.patterns) == 1 && t.patterns[0].whole
}

func (t *componentTest) holds(value []byte) bool {
	return slices.ContainsFunc(t.patterns, func(p pattern) bool { return p.holds(value) })
}

// pass checks the component that a value part begins with, and goes on to the
// next.
func (t *componentTest) pass(value []byte) (rest []byte, ok bool) {
	part, rest, ok := cutComponents(value, t.parts)
	if !ok || t.columns == nil {
		return rest, ok && t.holds(part)
	}
	test := t.columns(part)
	low, rest, ok := cutInt64(rest)
	high := low
	if ok && !t.points {
		high, rest, ok = cutInt64(rest)
	}
	return rest, ok && test != nil && test(low, high)
}

// cutInt64 undoes AppendInt64Component.
func cutInt64(value []byte) (n int64, rest []byte, ok bool) {
	part, rest, ok := CutComponent(value)
	if !ok || len(part) != 8 {
		return 0, nil, false
	}
	return int64(binary.BigEndian.Uint64(part) ^ 1<<63), rest, true
}

func (c *compiler) component(of *Parameter, operand Operand) componentTest {
	t := componentTest{parts: valueComponents[of.Type]}
	switch of.Type {
	case String:
		prefix, _ := AppendStringPrefix(nil, operand.Text)
		t.patterns = []pattern{{value: prefix}}
	case Token:
		t.patterns = tokenPatterns(operand.Parts)
	case ReferTo:
		t.patterns = c.referencePatterns(of, "", operand)
	case URI:
		t.patterns = uriPatterns(operand.Parts)
	case Number:
		t.columns, t.points = always(numberTest(operand.Prefix, operand.number, nil)), true
	case Date:
		t.columns = always(dateTest(operand, c.now))
	case Quantity:
		beginning, choose, test := quantityColumns(operand)
		t.columns = choose
		if choose == nil {
			t.columns = func(value []byte) columnTest {
				if (pattern{value: beginning}).holds(value) {
					return test
				}
				return nil
			}
		}
	}
	if t.columns != nil {
		t.patterns = []pattern{{}} // any key
	}
	return t
}

func always(test columnTest) func([]byte) columnTest {
	return func([]byte) columnTest { return test }
}
