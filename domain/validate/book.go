package validate

import (
	"slices"
	"strings"
	"sync"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirpath"
)

// book holds the invariants of a FHIR version in the form that the walk uses.
// Those of a type are compiled when it is met for the first time.
type book struct {
	definitions *definitions.Definitions
	types       []typeRules // by Type.Number
}

// typeRules are the invariants of a type and of its elements.
type typeRules struct {
	once     sync.Once
	rules    []rule   // of the type and those that it is derived from
	elements [][]rule // by Element.Index: what holds for the element only where it is in this type; nil if there is none
}

// rule is an invariant.
type rule struct {
	key        string
	message    string
	warning    bool
	advice     bool // best practice
	expression *fhirpath.Expression
	on         *definitions.Type // the type of the focus
	decision   decision
}

func newBook(d *definitions.Definitions) *book {
	count := 0
	for range d.Types() {
		count++
	}
	return &book{definitions: d, types: make([]typeRules, count)}
}

// of returns the invariants of a type.
func (b *book) of(t *definitions.Type) *typeRules {
	r := &b.types[t.Number]
	r.once.Do(func() { b.fill(r, t) })
	return r
}

func (b *book) fill(r *typeRules, t *definitions.Type) {
	seen := map[string]bool{} // R5 repeats rules of the interfaces that its types are derived from
	for base := t; base != nil; base = b.definitions.Type(base.Base) {
		for _, i := range b.invariants(base.Name) {
			if !quantityProfiles[i.Key].is(base) && !seen[i.Key+i.Expression] {
				seen[i.Key+i.Expression] = true
				r.rules = b.add(r.rules, i, t)
			}
		}
	}
	for i := range t.Elements {
		e := &t.Elements[i]
		if rules := b.ofElement(t, e); rules != nil {
			if r.elements == nil {
				r.elements = make([][]rule, len(t.Elements))
			}
			r.elements[e.Index] = rules
		}
	}
}

// ofElement collects the rules of an element that are not those of a type: the
// path of the rule is the element's, in this type or one that it is derived from.
func (b *book) ofElement(t *definitions.Type, e *definitions.Element) (rules []rule) {
	focuses := []*definitions.Type{e.Type}
	if e.Choice {
		focuses = focuses[:0]
		for _, ref := range e.Types {
			focuses = append(focuses, ref.Type)
		}
	}
	for base := t; base != nil; base = b.definitions.Type(base.Base) {
		for _, path := range []string{base.Name + "." + e.Name, base.Name + "." + e.Name + "[x]"} {
			if b.definitions.Type(path) != nil {
				continue // a backbone: its rules are those of a type
			}
			for _, i := range b.invariants(path) {
				for _, focus := range focuses {
					rules = b.add(rules, i, focus)
				}
			}
		}
	}
	for _, ref := range e.Types {
		for _, i := range b.invariants(ref.Type.Name) {
			if p := quantityProfiles[i.Key]; p.is(ref.Type) && slices.ContainsFunc(ref.Profiles, p.named) {
				rules = b.add(rules, i, ref.Type)
			}
		}
	}
	return rules
}

// quantityProfile is a constraint on Quantity that serves as a type. Its rules
// stand under the path of Quantity.
type quantityProfile string

// quantityProfiles are the rules of such constraints, by their keys.
var quantityProfiles = map[string]quantityProfile{
	"sqty-1": "SimpleQuantity",
	"mqty-1": "MoneyQuantity",
	"mtqy-1": "MoneyQuantity", // R5
}

// is tells whether a rule of the type is one of the profile.
func (p quantityProfile) is(t *definitions.Type) bool { return p != "" && t.Name == "Quantity" }

// named tells whether a profile of an element is this one.
func (p quantityProfile) named(profile string) bool { return strings.HasSuffix(profile, string(p)) }

func (b *book) invariants(path string) []definitions.Invariant {
	all, err := b.definitions.Invariants(path)
	if err != nil {
		return nil // the tables are part of the binary; their tests read all of them
	}
	return all
}

// add compiles an invariant, unless it is checked by other means or cannot be.
func (b *book) add(rules []rule, i definitions.Invariant, focus *definitions.Type) []rule {
	if byHand[i.Key] != "" || unusable(b.definitions.Version(), i.Key) != "" || i.Expression == "" {
		return rules
	}
	e, err := fhirpath.Compile(b.definitions, mended(b.definitions.Version(), i.Key, i.Expression), fhirpath.Options{})
	if err != nil {
		return rules // a test makes sure that all compile
	}
	return append(rules, rule{
		key: i.Key, message: explain(i), warning: i.Warning, advice: i.BestPractice, expression: e, on: focus, decision: decide(e.Node(), focus),
	})
}

// explain is the message of a broken rule: its key, and in the words of the
// specification what would be right.
func explain(i definitions.Invariant) string {
	text := "The rule " + i.Key + " does not hold: " + strings.TrimRight(strings.Join(strings.Fields(i.Human), " "), ".") + "."
	if i.BestPractice {
		text += " (This is a recommendation of the specification.)"
	}
	return text
}
