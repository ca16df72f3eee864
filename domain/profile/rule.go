package profile

import (
	"strings"
	"sync"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirpath"
)

// rule is an invariant of a profile (ElementDefinition.constraint).
type rule struct {
	key, human, expression, source string
	warning                        bool

	once     sync.Once // guards what follows
	compiled *fhirpath.Expression
	fault    error
}

func readRules(e *element, list fhirjson.Value) (problem string) {
	for v := list.First(); v.Exists(); v = v.Next() {
		if len(e.rules) == mostOfAKind {
			return "has an element with too many constraints"
		}
		e.rules = append(e.rules, &rule{
			key: v.Get("key").String(), human: v.Get("human").String(), expression: v.Get("expression").String(),
			source: v.Get("source").String(), warning: v.Get("severity").String() == "warning",
		})
	}
	return ""
}

// compile returns the compiled expression, nil if there is none.
func (r *rule) compile(d *definitions.Definitions) (*fhirpath.Expression, error) {
	r.once.Do(func() {
		if r.expression != "" {
			r.compiled, r.fault = fhirpath.Compile(d, r.expression, fhirpath.Options{})
		}
	})
	return r.compiled, r.fault
}

// ownRules leaves out the invariants that the specification itself has for an
// element and that snapshots repeat: they are checked with the base definition.
func (c *compiler) ownRules(e *element, path string) ([]*rule, error) {
	var own []*rule
	for _, r := range e.rules {
		if source, core := strings.CutPrefix(r.source, coreURL); core && c.d.Type(source) != nil {
			continue
		}
		known, err := c.isOfSpecification(r, e, path)
		if err != nil {
			return nil, err
		}
		if !known {
			own = append(own, r)
		}
	}
	return own, nil
}

// isOfSpecification looks among the invariants of an element and of its type.
func (c *compiler) isOfSpecification(r *rule, e *element, path string) (bool, error) {
	among := func(path string) (bool, error) {
		rules, err := c.d.Invariants(path)
		for i := range rules {
			if rules[i].Key == r.key && rules[i].Expression == r.expression {
				return true, err
			}
		}
		return false, err
	}
	if found, err := among(path); found || err != nil {
		return found, err
	}
	for t := e.typ; t != nil; t = c.d.Type(t.Base) {
		if found, err := among(t.Name); found || err != nil {
			return found, err
		}
	}
	return among("Element")
}
