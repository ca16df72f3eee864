package registry

import (
	"maps"
	"slices"

	"fhirlog/domain/definitions"
	"fhirlog/domain/search"
)

// Status is the state of a search parameter, in the words of $status.
type Status string

// The states; the package comment draws them.
const (
	Supported         Status = "Supported"
	Enabled           Status = "Enabled"
	PendingDelete     Status = "PendingDelete"
	PendingHardDelete Status = "PendingHardDelete"
	Deleted           Status = "Deleted"
	PendingDisable    Status = "PendingDisable"
	Disabled          Status = "Disabled"
	Unsupported       Status = "Unsupported"
)

// ParameterState is a search parameter with its state.
type ParameterState struct {
	URL    string
	Code   string   // empty for one that is out of the index
	Bases  []string // types of resources, also abstract ones
	Status Status
}

// StatusOf returns the state of a custom parameter; ok is false where there
// never was one.
func (r *Registry) StatusOf(url string) (s Status, ok bool) {
	if _, resource := r.resourceOf(url); resource != nil {
		return r.statusOf(resource), true
	}
	for _, n := range slices.Backward(r.Numbers) {
		if n.Definition.URL == url && n.Until != InForce && n.End != "" {
			return n.End, true
		}
	}
	if slices.Contains(r.Gone, url) {
		return Deleted, true
	}
	return "", false
}

func (r *Registry) statusOf(resource *Resource) Status {
	if resource.Switched != "" {
		return resource.Switched
	}
	n := r.Number(resource.Number)
	switch {
	case n == nil || n.Fault != "":
		return Unsupported
	case n.Complete:
		return Enabled
	}
	return Supported
}

// States lists all parameters, those of the specification included, by URL. set
// tells which of these can be searched for.
func (r *Registry) States(set *search.Set) ([]ParameterState, error) {
	all := map[string]ParameterState{}
	for _, resource := range r.definitions.Resources() {
		list, err := r.definitions.SearchParameters(resource)
		if err != nil {
			return nil, err
		}
		for _, def := range list {
			if def.URL != "" {
				all[def.URL] = ParameterState{def.URL, def.Code, def.Base, r.standardStatus(def.URL, set)}
			}
		}
	}
	for url, def := range r.customs() {
		status, _ := r.StatusOf(url)
		all[url] = ParameterState{url, def.Code, def.Base, status}
	}
	list := slices.Collect(maps.Values(all))
	slices.SortFunc(list, func(a, b ParameterState) int {
		if a.URL < b.URL {
			return -1
		}
		return 1
	})
	return list, nil
}

func (r *Registry) standardStatus(url string, set *search.Set) Status {
	if status, switched := r.Standard[url]; switched {
		return status
	}
	if len(set.ByURL(url)) == 0 {
		return Unsupported
	}
	return Enabled
}

// customs are the parameters that clients have defined, by URL.
func (r *Registry) customs() map[string]definitions.SearchParameter {
	all := map[string]definitions.SearchParameter{}
	for _, url := range r.Gone {
		all[url] = definitions.SearchParameter{}
	}
	for _, n := range r.Numbers {
		if n.Until != InForce && n.End != "" {
			all[n.Definition.URL] = n.Definition
		}
	}
	for _, id := range slices.Backward(r.ids()) {
		if def := r.Resources[id].Definition; def.URL != "" {
			all[def.URL] = def
		}
	}
	return all
}
