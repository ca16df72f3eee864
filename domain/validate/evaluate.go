package validate

import (
	"errors"
	"fmt"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirpath"
)

// The steps that all invariants of a resource may take together: some for every
// byte of it, and some in any case. HL7's examples take 5 for a byte at most. A
// step takes about 20 ns to 1 µs.
const (
	stepsPerByte = 10
	stepsAtLeast = 500_000
)

// largeResource is the size from which evaluations take turns.
const largeResource = 256 << 10

// evaluation is what invariants are evaluated in.
type evaluation struct {
	advice    bool // recommendations are wanted
	context   fhirpath.Context
	current   *typeRules // of the object whose members are walked
	left      int        // steps
	large     bool       // the resource is
	exhausted bool       // none are left, which was reported
	links     linkContext
}

// beginRules prepares the walker for a resource.
func (w *walker) beginRules(v fhirjson.Value, o Options) {
	size := v.End() - v.Start()
	w.rules.left, w.rules.large = stepsAtLeast+stepsPerByte*size, size >= largeResource
	w.rules.advice = o.Recommendations
	w.rules.links.bases, w.rules.links.typeOf = o.Bases, o.TypeOf
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	w.rules.context = fhirpath.Context{Now: o.Now, Left: &w.rules.left, MemberOf: w.memberOfSet, Resolve: w.resolve, Stopped: o.Stopped}
}

// endRules forgets the resource.
func (w *walker) endRules() { w.rules = evaluation{} }

// surroundings are what a resource inside of another one changes.
type surroundings struct {
	resource, root fhirpath.Item
	links          linkContext
}

// nestedResource walks a resource with the rules for it. A contained resource has
// its container as root; one in a Bundle or Parameters stands for itself.
func (w *walker) nestedResource(v fhirjson.Value, t *definitions.Type, contained bool) {
	context, links := &w.rules.context, &w.rules.links
	outer := surroundings{context.Resource, context.RootResource, *links}
	context.Resource = fhirpath.NewElement(t, v, fhirjson.Value{})
	if contained {
		links.inside = v
		w.resourceMembers(v, t, contained)
		links.inside = fhirjson.Value{}
		context.Resource = outer.resource
		return
	}
	context.RootResource = context.Resource
	links.enter(v, t)
	w.resourceMembers(v, t, contained)
	w.unreached(v)
	context.Resource, context.RootResource, *links = outer.resource, outer.root, outer.links
}

// unreached is dom-3: what a resource contains is referred to from it, or refers
// to it (https://hl7.org/fhir/R4/references.html#contained).
func (w *walker) unreached(v fhirjson.Value) {
	list, links := v.Get("contained"), &w.rules.links
	if list.Kind() != fhirjson.Array {
		return
	}
	w.push("contained", list)
	index := 0
	for c := list.First(); c.Exists(); c = c.Next() {
		w.at(index, c)
		index++
		id := c.Get("id").Text()
		if len(id) > 0 && !links.named[string(id)] && !links.pointed[c] {
			w.finding(domain.Fault, codeInvariant, "The rule dom-3 does not hold: a contained resource SHALL be referred to from elsewhere in the resource, by '#' and its id, or SHALL refer to the containing resource.")
		}
	}
	w.pop()
}

// applyRules checks the invariants of a type on an object that has the elements
// seen, after its members.
func (w *walker) applyRules(v fhirjson.Value, t *definitions.Type, seen *definitions.ElementSet) {
	w.elementRule(v, t)
	rules := w.book.of(t).rules
	for i := range rules {
		w.apply(&rules[i], v, seen)
	}
}

// elementRules checks what holds for an element where it is: invariants that
// stand at its path, bindings, the targets of references. seen is what a value
// that is an object has.
func (w *walker) elementRules(v fhirjson.Value, m definitions.Member, seen *definitions.ElementSet) {
	if own := w.rules.current; own.elements != nil {
		rules := own.elements[m.Element.Index]
		for i := range rules {
			if rules[i].on == m.Type {
				w.apply(&rules[i], v, seen)
			}
		}
	}
	w.linkRules(v, m)
	if b := m.Element.Binding; b != nil && b.Strength == definitions.Extensible && w.rules.advice {
		w.extensible(v, m.Type, b)
	}
}

// apply checks one invariant. seen may be nil.
func (w *walker) apply(r *rule, v fhirjson.Value, seen *definitions.ElementSet) {
	if r.advice && !w.rules.advice {
		return
	}
	if seen != nil {
		switch r.decision.by(seen) {
		case holds:
			return
		case broken:
			w.breaks(r)
			return
		}
	}
	if w.rules.exhausted {
		return
	}
	holds, known, err := w.evaluate(r, v)
	switch {
	case err != nil:
		w.notEvaluated(r, err)
	case known && !holds:
		w.breaks(r)
	}
}

// evaluate evaluates an invariant on a focus.
func (w *walker) evaluate(r *rule, v fhirjson.Value) (holds, known bool, err error) {
	if w.rules.large {
		w.turns <- struct{}{}
		defer func() { <-w.turns }()
	}
	context := &w.rules.context
	context.Root = fhirpath.NewElement(r.on, v, fhirjson.Value{})
	return r.expression.Test(*context)
}

// breaks reports a broken invariant.
func (w *walker) breaks(r *rule) {
	severity := domain.Fault
	if r.warning {
		severity = domain.Warning
	}
	w.finding(severity, codeInvariant, r.message)
}

// notEvaluated reports an invariant that could not be evaluated to its end:
// nobody knows whether it holds.
func (w *walker) notEvaluated(r *rule, err error) {
	var reason *domain.Error
	stopped := w.rules.context.Stopped
	switch {
	case stopped != nil && stopped() != nil:
		w.rules.exhausted = true
	case w.rules.left <= 0:
		w.rules.exhausted = true
		w.finding(domain.Fault, codeTooCostly, "The rules of this resource take too long to evaluate; the last was "+r.key+". Elements are nested or repeated too often.")
	case errors.As(err, &reason):
		w.finding(domain.Warning, codeInvariant, fmt.Sprintf("The rule %s could not be evaluated: %s.", r.key, reason.Error()))
	}
}

// finding reports something beyond structure, as severe as the policy wants it.
func (w *walker) finding(severity domain.Severity, code, message string) {
	if w.policy == Warn {
		severity = domain.Warning
	}
	w.report(severity, code, message)
}

// elementRule is ele-1: an object has something besides its id. What stands
// beside a primitive is siblingRule's.
func (w *walker) elementRule(v fhirjson.Value, t *definitions.Type) {
	if t.Kind != definitions.Resource && t != w.element && hasOnlyID(v) {
		w.onlyID()
	}
}

// siblingRule is ele-1 for a primitive: what stands in its _name sibling may be
// an id alone if there is a value.
func (w *walker) siblingRule(sibling, value fhirjson.Value) {
	if w.policy != Off && (!value.Exists() || value.Kind() == fhirjson.Null) && hasOnlyID(sibling) {
		w.onlyID()
	}
}

func hasOnlyID(v fhirjson.Value) bool {
	first := v.First()
	return string(first.Name()) == "id" && !first.Next().Exists()
}

func (w *walker) onlyID() {
	w.finding(domain.Fault, codeInvariant, "The rule ele-1 does not hold: All FHIR elements must have a value or children; an id alone is none.")
}

// memberOf tells of the value sets whose codes are known.
func (w *walker) memberOf(item fhirpath.Item, valueSet string) (bool, error) {
	code := item.Place().Text()
	if item.FHIRType() == w.coding {
		code = item.Place().Get("code").Text()
	}
	if valueSet == "http://hl7.org/fhir/ValueSet/resource-types" {
		return w.typeNamed(code) != nil, nil
	}
	if codes := w.definitions.ValueSet(valueSet); codes != nil {
		return codes.HasCode(code), nil
	}
	return false, domain.NewError(domain.NotSupported, "the codes of "+valueSet+" are not known")
}
