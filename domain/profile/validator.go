package profile

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// Validator checks resources against the profiles of a Library.
type Validator struct {
	d       *definitions.Definitions
	library Library
	now     func() time.Time
	known   atomic.Pointer[knowledge]
}

// New returns a validator. now is the time that invariants may ask for.
func New(d *definitions.Definitions, library Library, now func() time.Time) *Validator {
	return &Validator{d: d, library: library, now: now}
}

// Validate checks a resource, which package validate has passed, against profiles
// that are named by their canonical URLs, and against those that it and the
// resources within it declare in meta.profile; its extensions are checked against
// their definitions. It returns what it finds, the faults as domain.Fault; nil
// stands for nothing.
//
// A profile that is not known is a fault if it was asked for, and a warning if it
// was declared. An error is one of ctx, of the Library, or of kind TooCostly.
func (va *Validator) Validate(ctx context.Context, resource fhirjson.Value, profiles []string) ([]domain.Issue, error) {
	k, err := va.knowledge(ctx)
	if err != nil {
		return nil, err
	}
	w := &walk{
		ctx: ctx, d: va.d, known: k, now: va.now(), root: resource, left: mostSteps + stepsPerByte*(resource.End()-resource.Start()),
		told: map[string]bool{}, active: map[key]bool{}, checked: map[key]bool{}, tried: map[key]bool{},
	}
	root := w.spot(resource, fhirjson.Value{}, va.d.Type("Resource"), noIndex)
	if root.typ == nil || root.typ.Kind != definitions.Resource {
		return nil, nil // for package validate to say
	}
	w.enter(root)
	w.push(root.typ.Name, root)
	for _, url := range profiles {
		w.named(url, root, domain.Fault)
	}
	w.visit(root, root.typ.Name)
	return w.issues, w.err
}

// Supported lists the canonical URLs of the profiles there are of a type of
// resource.
func (va *Validator) Supported(ctx context.Context, t domain.ResourceType) ([]string, error) {
	k, err := va.knowledge(ctx)
	if err != nil {
		return nil, err
	}
	return k.supported(ctx, t)
}

// State names what is known now: as long as it is the same, Supported answers the
// same.
func (va *Validator) State(ctx context.Context) (string, error) { return va.library.State(ctx) }

// knowledge returns what is known in the present state of the library.
func (va *Validator) knowledge(ctx context.Context) (*knowledge, error) {
	state, err := va.library.State(ctx)
	if err != nil {
		return nil, err
	}
	former := va.known.Load()
	if former != nil && former.state == state {
		return former, nil
	}
	k := newKnowledge(va.d, va.library, state)
	if !va.known.CompareAndSwap(former, k) {
		if other := va.known.Load(); other.state == state {
			return other, nil
		}
	}
	return k, nil
}

// named checks a resource against a profile of which only the URL is known yet.
// unknown is how severe it is if there is no such profile: a fault where it was
// asked for, a warning where it was declared.
func (w *walk) named(url string, v spot, unknown domain.Severity) {
	p, err := w.find(url)
	switch {
	case w.err != nil:
	case err != nil:
		w.report(unknown, codeInvalid, firstMessage(err))
	case p == nil:
		w.report(unknown, codeNotFound, fmt.Sprintf("The profile %s is not known here, so the resource was not checked against it. Store its StructureDefinition, or load its package.", shown(url)))
	case p.root.empty():
		if v.typ != nil && !isA(w.d, v.typ, p.typ) {
			w.report(domain.Fault, codeInvalid, fmt.Sprintf("The profile %s is for the type %s, not for %s.", shown(url), p.typ.Name, v.typ.Name))
		}
	default:
		if p.abstract && unknown == domain.Warning {
			w.report(domain.Warning, codeInvalid, fmt.Sprintf("The profile %s is abstract: a resource declares one that is derived from it.", shown(url)))
		}
		w.conform(p, v)
	}
}
