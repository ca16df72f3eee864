package profile

import (
	"context"
	"fmt"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// What one validation may cost. A step is a value looked at under a shape, or a
// step of a FHIRPath: 20 ns to 1 µs each. A kilobyte of a patient under a profile
// of a national guide takes some 500.
const (
	mostSteps     = 4_000_000 // and
	stepsPerByte  = 10        // of the resource
	mostRuleSteps = 500_000   // of one evaluation of an invariant
	deepest       = 400       // shapes and profiles within each other
	mostIssues    = 100       // of faults, and of other findings
)

// key identifies a value under a shape.
type key struct {
	shape *shape
	value fhirjson.Value
}

// walk is the state of one validation, owned by one goroutine.
type walk struct {
	ctx   context.Context
	d     *definitions.Definitions
	known *knowledge
	now   time.Time

	root      fhirjson.Value // what is validated
	container spot           // the resource that contained ones are in: the root, or that of an entry
	resource  spot           // the innermost
	entries   map[string]fhirjson.Value

	profile *profile // in whose name faults are reported
	path    []step
	spots   []spot // room for the values of elements on the way down
	depth   int
	left    int   // steps
	err     error // that ends the walk

	issues  []domain.Issue
	faults  int
	told    map[string]bool // what was told once already: definitions that are not known
	trying  bool            // only whether there is a fault matters
	failed  bool            // there was one, while trying
	active  map[key]bool    // profiles that are being checked
	checked map[key]bool    // values that were checked, with their issues told
	tried   map[key]bool    // results of trials
}

// spend takes a step, and says whether the walk goes on.
func (w *walk) spend() bool {
	w.left--
	switch {
	case w.err != nil || w.trying && w.failed:
		return false
	case w.left < 0:
		w.err = domain.NewError(domain.TooCostly, "The validation against profiles takes too many steps. Profiles with fewer slices and rules, or smaller resources, take less.")
		return false
	case w.left%4096 == 0:
		w.err = w.ctx.Err()
	}
	return w.err == nil
}

// conform checks a value against a profile, and tells the faults.
func (w *walk) conform(p *profile, s spot) {
	if s.typ != nil && !isA(w.d, s.typ, p.typ) {
		w.fault(codeInvalid, fmt.Sprintf("The profile %s is for the type %s, not for %s.", shown(p.url), p.typ.Name, s.typ.Name))
		return
	}
	k := key{p.root, s.at()}
	if w.active[k] || !w.trying && w.checked[k] {
		return
	}
	if len(w.active) >= deepest {
		w.err = domain.NewError(domain.TooCostly, "Profiles refer to each other too deeply.")
		return
	}
	w.active[k] = true
	former := w.profile
	w.profile = p
	w.value(p.root, s)
	w.profile = former
	delete(w.active, k)
	if !w.trying {
		w.checked[k] = true
	}
}

// conforms tries whether a value conforms to a profile.
func (w *walk) conforms(p *profile, s spot) bool {
	if s.typ != nil && !isA(w.d, s.typ, p.typ) {
		return false
	}
	return w.try(key{p.root, s.at()}, func() { w.conform(p, s) })
}

// try does a check without telling what it finds. It remembers results: profiles
// that try each other would take exponential time otherwise.
func (w *walk) try(k key, check func()) bool {
	if result, known := w.tried[k]; known {
		return result
	}
	trying, failed := w.trying, w.failed
	w.trying, w.failed = true, false
	check()
	result := !w.failed
	w.trying, w.failed = trying, failed
	if w.err == nil {
		w.tried[k] = result
	}
	return result
}

// element checks the values of an element: how many there are, each by itself,
// and how they are divided among the slices.
func (w *walk) element(s *shape, values []spot) {
	w.count(s, values)
	for i := range values {
		if !w.spend() {
			return
		}
		w.push(s.name, values[i])
		w.value(s, values[i])
		w.pop()
	}
	if s.slicing != nil && w.spend() {
		w.slices(s, values)
	}
}

// count checks the cardinality of an element or slice. What is told stands where
// the first of the values does.
func (w *walk) count(s *shape, values []spot) {
	n := len(values)
	if n >= s.min && (n <= s.max || s.max == definitions.Unbounded) {
		return
	}
	var first fhirjson.Value
	if n > 0 {
		first = values[0].at()
	}
	w.path = append(w.path, step{s.name, noIndex, first})
	defer w.pop()
	what := "the element " + s.name
	if s.slice != "" {
		what = "the slice " + shown(s.slice) + " of " + s.name
	}
	switch {
	case n < s.min && s.min == 1:
		w.fault(codeRequired, w.demands()+what+" to be there.")
	case n < s.min:
		w.fault(codeRequired, fmt.Sprintf("%s%s to be there at least %d times; it is there %s.", w.demands(), what, s.min, times(n)))
	case s.max == 0:
		w.fault(codeStructure, fmt.Sprintf("The profile %s does not allow %s.", shown(w.profile.url), what))
	default:
		w.fault(codeStructure, fmt.Sprintf("The profile %s allows %s at most %s; it is there %s.", shown(w.profile.url), what, times(s.max), times(n)))
	}
}

func times(n int) string {
	switch n {
	case 0:
		return "not at all"
	case 1:
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// value checks one value.
func (w *walk) value(s *shape, v spot) {
	if w.depth++; w.depth > deepest {
		w.err = domain.NewError(domain.TooCostly, "The validation against profiles goes too deep.")
	}
	defer func() { w.depth-- }()
	if !w.spend() {
		return
	}
	if v.typ != nil && v.typ.Kind == definitions.Resource && v.place != w.resource.place {
		resource, container := w.resource, w.container
		w.enter(v)
		defer func() { w.resource, w.container = resource, container }()
	}
	w.content(s, v)
	w.types(s, v)
	w.rules(s.rules, v)
	w.children(s, v)
	if s.reuse != nil {
		w.value(s.reuse, v)
	}
}

// enter makes a resource the one that rules and references look at. One in a
// Bundle stands for itself, a contained one belongs to its container.
func (w *walk) enter(v spot) {
	w.resource = v
	contained := w.container.place.Get("contained")
	if !contained.Exists() || v.place.Document() != contained.Document() || v.place.Start() < contained.Start() || v.place.End() > contained.End() {
		w.container = v
	}
}

// children checks the elements below a value.
func (w *walk) children(s *shape, v spot) {
	if v.place.Kind() != fhirjson.Object && (v.typ == nil || v.typ.Kind != definitions.Primitive) {
		return
	}
	for _, c := range s.children {
		start := len(w.spots)
		w.gather(v, c.name, c.choice)
		w.element(c, w.spots[start:])
		w.spots = w.spots[:start]
		if w.err != nil {
			return
		}
	}
}
