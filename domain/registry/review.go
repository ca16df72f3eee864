package registry

import (
	"fmt"
	"slices"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/event"
	"fhirlog/domain/search"
)

// What clients may define. Each parameter costs memory and time with every
// write, and each number out of force keeps its entries until the next reindex.
const (
	mostInForce    = 1000
	mostPending    = 1000
	mostExpression = 10_000 // bytes, all components together
)

// Review judges the changes to search parameters that one commit wants to make,
// one after the other, before they are made. It belongs to one goroutine.
type Review struct{ after *Registry }

// Review begins a review.
func (r *Registry) Review() *Review { return &Review{after: r} }

// Check says why an event that Concerns the registry must not be written, in a
// *domain.Error.
func (v *Review) Check(e *event.Event, body []byte) error {
	if job := v.after.Active(); job != nil {
		return domain.NewError(domain.Conflict, fmt.Sprintf(
			"search parameters cannot be changed while a reindex job is active: wait until %s has ended, or cancel it", job.ID))
	}
	after, err := v.after.Apply(v.after.Through, 0, e, body)
	if err != nil {
		return err
	}
	if e.Kind == event.Written {
		if err := v.after.checkWritten(e, &after.Resources[e.ID].Definition); err != nil {
			return err
		}
	}
	if pending := len(after.Numbers) - len(after.InForce()); pending > mostPending {
		return domain.NewError(domain.TooCostly, fmt.Sprintf(
			"%d search parameters wait to be taken out of the index: run $reindex before further ones are changed", pending))
	}
	v.after = after
	return nil
}

func (r *Registry) checkWritten(e *event.Event, def *definitions.SearchParameter) error {
	_, exists := r.Resources[e.ID]
	if r.isStandard(def.URL) {
		if e.Interaction == event.Create {
			return inUse("the specification")
		}
		return domain.NewError(domain.MethodNotAllowed,
			"this url is that of a search parameter of the specification, which cannot be changed; choose another url", "SearchParameter.url")
	}
	size := len(def.Expression)
	for _, c := range def.Components {
		size += len(c.Expression)
	}
	if size > mostExpression {
		return domain.NewError(domain.Invalid,
			fmt.Sprintf("the expressions of a search parameter have %d characters, at most %d are possible", size, mostExpression), "SearchParameter.expression")
	}
	if err := search.CheckCustom(r.definitions, *def); err != nil {
		return err
	}
	if !exists && len(r.Resources) >= mostInForce {
		return domain.NewError(domain.TooCostly, fmt.Sprintf("there are %d search parameters of clients, no more are possible", len(r.Resources)))
	}
	for _, id := range r.ids() {
		if id == e.ID {
			continue
		}
		if err := r.clash(&r.Resources[id].Definition, def); err != nil {
			return err
		}
	}
	return nil
}

func inUse(by string) error {
	return domain.NewError(domain.Invalid, "this url is already in use by a search parameter of "+by+"; choose another url", "SearchParameter.url")
}

// clash says why two parameters cannot both be there.
func (r *Registry) clash(there, def *definitions.SearchParameter) error {
	switch {
	case there.URL == def.URL:
		return inUse("this server")
	case there.Code != def.Code || alike(there, def):
		return nil
	}
	for _, resource := range r.definitions.Resources() {
		if r.applies(there, resource) && r.applies(def, resource) {
			return domain.NewError(domain.Invalid, fmt.Sprintf(
				"%s has a search parameter %s already, %s, with another type or expression; choose another code",
				resource, def.Code, there.URL), "SearchParameter.code")
		}
	}
	return nil
}

// alike says that two parameters find the same on a type that both have.
func alike(a, b *definitions.SearchParameter) bool {
	return a.Type == b.Type && a.Expression == b.Expression && slices.Equal(a.Components, b.Components)
}

// Applies says whether a number is about a type of resource.
func (r *Registry) Applies(n *Number, t domain.ResourceType) bool {
	return r.applies(&n.Definition, string(t))
}

// applies says whether a parameter is one of a type of resource.
func (r *Registry) applies(def *definitions.SearchParameter, resource string) bool {
	for t := r.definitions.Type(resource); t != nil; t = r.definitions.Type(t.Base) {
		if slices.Contains(def.Base, t.Name) {
			return true
		}
	}
	return false
}
