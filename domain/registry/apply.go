package registry

import (
	"fmt"
	"maps"
	"slices"

	"fhirlog/domain/definitions"
	"fhirlog/domain/event"
	"fhirlog/domain/fhirjson"
)

// Concerns says whether an event changes the registry, and whether its body is
// needed for that.
func Concerns(e *event.Event) (concerned, needsBody bool) {
	switch {
	case e.Kind == event.IDsErased:
		return false, false
	case e.Kind.Administrative():
		return true, true
	case e.Type != SearchParameter || e.Kind == event.HistoryPurged:
		return false, false
	}
	return true, e.Kind == event.Written
}

// Apply returns the registry after the event at a position, which Concerns it.
// An event that is known already changes nothing. body is nil where it is not
// needed or was erased. It fails for an administrative event that this program
// does not understand.
func (r *Registry) Apply(position uint64, instant int64, e *event.Event, body []byte) (*Registry, error) {
	if position < r.Through {
		return r, nil
	}
	c := r.clone()
	c.Through = position + 1
	err := c.apply(position, instant, e, body)
	if err != nil {
		err = fmt.Errorf("position %d: %w", position, err)
	}
	return c, err
}

func (r *Registry) apply(position uint64, instant int64, e *event.Event, body []byte) error {
	switch e.Kind {
	case event.JobChanged:
		return r.jobChanged(position, instant, string(e.ID), body)
	case event.ParameterStatus:
		return r.switched(position, body)
	case event.Deleted:
		r.deleted(position, e, PendingDelete)
	case event.Erased:
		r.deleted(position, e, PendingHardDelete)
	case event.Written:
		r.Last++
		if body == nil {
			return nil // erased: nothing is known of it any more
		}
		d, err := fhirjson.Parse(body, fhirjson.Limits{MaxDepth: 10_000, MaxNodes: 1 << 31})
		if err != nil {
			return fmt.Errorf("registry: a stored SearchParameter cannot be read: %w", err)
		}
		r.written(position, e, Definition(d.Root()))
		d.Release()
	}
	return nil
}

// written takes a version of a SearchParameter into account.
func (r *Registry) written(position uint64, e *event.Event, def definitions.SearchParameter) {
	resource := &Resource{Definition: def}
	before := r.Resources[e.ID]
	r.Resources[e.ID] = resource
	switch {
	case before == nil:
		r.begin(position, r.Last, e, resource)
		return
	case before.Definition.URL != def.URL:
		r.retireURL(position, before)
		r.begin(position, r.Last, e, resource)
		return
	case before.Switched != "":
		resource.Switched = before.Switched
		return
	case indexedAlike(&before.Definition, &def):
		if r.rename(before.Number, &def) {
			resource.Number = before.Number
			return
		}
	}
	r.end(before.Number, position, "")
	r.begin(position, r.Last, e, resource)
}

// begin puts a resource in force under a number.
func (r *Registry) begin(position uint64, number uint32, e *event.Event, resource *Resource) {
	resource.Number, resource.Switched = number, ""
	r.Numbers = append(r.Numbers, &Number{
		Number: number, ID: e.ID, Definition: resource.Definition,
		From: position, Until: InForce, Fault: r.faultOf(&resource.Definition),
	})
}

// end puts a number out of force. What never was usable has no entries and is
// forgotten at once.
func (r *Registry) end(number uint32, position uint64, why Status) {
	for i, n := range r.Numbers {
		if n.Number != number || n.Until != InForce {
			continue
		}
		ended := *n
		ended.Until, ended.End = position, why
		r.Numbers[i] = &ended
		if n.Fault != "" {
			r.Numbers = slices.Delete(r.Numbers, i, i+1)
			r.forget(&ended)
		}
		return
	}
}

// rename gives a number a definition with the same index values. It is false if
// the number is usable with one of both only.
func (r *Registry) rename(number uint32, def *definitions.SearchParameter) bool {
	for i, n := range r.Numbers {
		if n.Number == number {
			renamed := *n
			renamed.Definition, renamed.Fault = *def, r.faultOf(def)
			if (renamed.Fault == "") != (n.Fault == "") {
				return false
			}
			r.Numbers[i] = &renamed
			return true
		}
	}
	return false
}

// deleted takes the end of a SearchParameter into account. One that was deleted
// and is erased now is said to be erased.
func (r *Registry) deleted(position uint64, e *event.Event, why Status) {
	if before := r.Resources[e.ID]; before != nil {
		delete(r.Resources, e.ID)
		r.retire(position, before, why)
		return
	}
	for i, n := range r.Numbers {
		if n.ID == e.ID && n.End == PendingDelete {
			erased := *n
			erased.End = why
			r.Numbers[i] = &erased
		}
	}
}

// retireURL ends a parameter whose resource goes on under another URL.
func (r *Registry) retireURL(position uint64, before *Resource) {
	r.retire(position, before, PendingDelete)
}

// retire ends the parameter of a resource. One that was switched off has ended
// before; now it is not to come back.
func (r *Registry) retire(position uint64, before *Resource, why Status) {
	url := before.Definition.URL
	r.end(before.Number, position, why)
	pending := false
	for i, n := range r.Numbers {
		if n.Definition.URL == url && n.Until != InForce {
			pending = true
			if n.End == PendingDisable {
				ended := *n
				ended.End = why
				r.Numbers[i] = &ended
			}
		}
	}
	if !pending && url != "" {
		r.gone(url)
	}
}

// switched takes an event.ParameterStatus into account. URLs are taken in their
// order; each counts as a number.
func (r *Registry) switched(position uint64, body []byte) error {
	var wanted map[string]Status
	if err := parseStrict(body, &wanted); err != nil {
		return err
	}
	for _, url := range slices.Sorted(maps.Keys(wanted)) {
		r.Last++
		var err error
		switch wanted[url] {
		case Supported:
			r.switchOn(position, url)
		case Disabled:
			r.switchOff(position, url)
		default:
			err = fmt.Errorf("registry: a parameter cannot be switched to %q", wanted[url])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *Registry) switchOn(position uint64, url string) {
	id, resource := r.resourceOf(url)
	switch {
	case resource == nil:
		if status := r.Standard[url]; status == PendingDisable || status == Disabled {
			r.Standard[url] = Supported
		}
	case resource.Switched != "":
		on := *resource
		r.Resources[id] = &on
		r.begin(position, r.Last, &event.Event{ID: id}, &on)
	}
}

func (r *Registry) switchOff(position uint64, url string) {
	id, resource := r.resourceOf(url)
	switch {
	case resource == nil:
		if r.isStandard(url) && r.Standard[url] != Disabled {
			r.Standard[url] = PendingDisable
		}
	case resource.Switched == "":
		off := *resource
		off.Number, off.Switched = 0, PendingDisable
		r.Resources[id] = &off
		r.end(resource.Number, position, PendingDisable)
	}
}

// isStandard says that a URL is that of a parameter of the specification.
func (r *Registry) isStandard(url string) bool {
	def, err := r.definitions.SearchParameter(url)
	return err == nil && def != nil
}
