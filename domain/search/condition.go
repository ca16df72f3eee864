package search

import (
	"strconv"
	"strings"

	"fhirlog/domain/fhirjson"
)

// truth is a boolean of FHIRPath: unknown stands for the empty collection
// (https://hl7.org/fhirpath/N1/#boolean-logic).
type truth uint8

const (
	unknown truth = iota
	no
	yes
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// condition is what where() asks of a value, or what a parameter tells of a
// whole resource. String writes it such that equal texts mean the same.
type condition interface {
	test(x *extractor, v fhirjson.Value) truth
	String() string
}

// refersTo is resolve() is T: the reference says by itself, or by what is
// contained, that it leads to a T.
type refersTo struct{ target string }

func (c refersTo) test(x *extractor, v fhirjson.Value) truth {
	typ := x.targetType(v)
	return truthOf(string(typ) == c.target)
}

func (c refersTo) String() string { return "->" + c.target }

// exists is path.exists().
type exists struct{ paths []path }

func (c exists) test(x *extractor, v fhirjson.Value) truth {
	for i := range c.paths {
		if !follow(x, c.paths[i].steps, v, stopper{}) {
			return yes
		}
	}
	return no
}

func (c exists) String() string { return "?" + joinPaths(c.paths) }

// stopper stops at the first value.
type stopper struct{}

func (stopper) visit(*extractor, fhirjson.Value) bool { return false }

// equals compares what paths lead to, at most one value, with a literal. A
// CodeableConcept equals the code of any of its codings: that is what R5 means
// by Device.identifier.where(type='SNO'), although FHIRPath does not.
type equals struct {
	paths []path
	with  literal
	not   bool
}

func (c equals) test(x *extractor, v fhirjson.Value) truth {
	result := unknown
	for i := range c.paths {
		p := &c.paths[i]
		x.comparer = comparer{with: c.with, concept: p.typ.Name == "CodeableConcept"}
		if !follow(x, p.steps, v, &x.comparer) {
			result = yes
		} else if result == unknown && !follow(x, p.steps, v, stopper{}) {
			result = no
		}
	}
	if c.not && result != unknown {
		return yes + no - result
	}
	return result
}

func (c equals) String() string {
	operator := "="
	if c.not {
		operator = "!="
	}
	return joinPaths(c.paths) + operator + c.with.String()
}

// literal is a string, or one of the words true and false.
type literal struct {
	text    string
	boolean bool
}

func (l literal) equals(v fhirjson.Value) bool {
	switch v.Kind() {
	case fhirjson.String:
		return !l.boolean && string(v.Text()) == l.text
	case fhirjson.True, fhirjson.False:
		return l.boolean && string(v.Raw()) == l.text
	}
	return false
}

func (l literal) String() string {
	if l.boolean {
		return l.text
	}
	return strconv.Quote(l.text)
}

// comparer stops at the first value that is equal.
type comparer struct {
	with    literal
	concept bool
}

func (c *comparer) visit(_ *extractor, v fhirjson.Value) bool {
	if !c.concept {
		return !c.with.equals(v)
	}
	for coding := v.Get("coding").First(); coding.Exists(); coding = coding.Next() {
		if c.with.equals(coding.Get("code")) {
			return false
		}
	}
	return true
}

// both is and.
type both struct{ left, right condition }

func (c both) test(x *extractor, v fhirjson.Value) truth {
	left := c.left.test(x, v)
	if left == no {
		return no
	}
	right := c.right.test(x, v)
	if right == no {
		return no
	}
	return min(left, right)
}

func (c both) String() string { return "(" + c.left.String() + " and " + c.right.String() + ")" }

// either is or.
type either struct{ left, right condition }

func (c either) test(x *extractor, v fhirjson.Value) truth {
	left := c.left.test(x, v)
	if left == yes {
		return yes
	}
	right := c.right.test(x, v)
	switch {
	case right == yes:
		return yes
	case left == no && right == no:
		return no
	}
	return unknown
}

func (c either) String() string { return "(" + c.left.String() + " or " + c.right.String() + ")" }

// opposite is not().
type opposite struct{ of condition }

func (c opposite) test(x *extractor, v fhirjson.Value) truth {
	if t := c.of.test(x, v); t != unknown {
		return yes + no - t
	}
	return unknown
}

func (c opposite) String() string { return "not " + strings.TrimSpace(c.of.String()) }
