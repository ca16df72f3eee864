package registry

import (
	"maps"
	"slices"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/search"
)

// SearchParameter is the type of the resources that define parameters.
const SearchParameter domain.ResourceType = "SearchParameter"

// Registry is what is known after some number of records. Its fields must not
// be changed.
type Registry struct {
	Through   uint64                         // records taken into account
	Last      uint32                         // the number counted last; the first one is 1
	Resources map[domain.LogicalID]*Resource // of type SearchParameter that are not deleted
	Numbers   []*Number                      // that the index may hold entries of, ascending
	Gone      []string                       // URLs of parameters that are deleted and out of the index, oldest first
	Standard  map[string]Status              // parameters of the specification that are not Enabled
	Jobs      []*Job                         // the latest ones, oldest first

	definitions *definitions.Definitions
}

// What is remembered of the past.
const (
	goneKept = 1000
	jobsKept = 100
)

// Resource is a SearchParameter as it stands.
type Resource struct {
	Definition definitions.SearchParameter
	Number     uint32 // in force; 0 for none
	Switched   Status // PendingDisable or Disabled if it is switched off, else empty
}

// Number is one life of a search parameter in the index.
type Number struct {
	Number     uint32
	ID         domain.LogicalID // of the SearchParameter
	Definition definitions.SearchParameter
	From       uint64 // position of the event that it began with
	Until      uint64 // position of the event that it ended with, or InForce
	End        Status // why it ended: PendingDelete, PendingHardDelete or PendingDisable; empty if it was replaced
	Complete   bool   // versions below From are indexed too
	Fault      string // why it cannot be used; it has no entries
}

// InForce stands for an end that has not come.
const InForce = ^uint64(0)

// Extracts says whether a version at a position has entries under the number.
func (n *Number) Extracts(position uint64) bool {
	return n.Fault == "" && position < n.Until && (n.Complete || position >= n.From)
}

// Slot is where the number stands in the index.
func (n *Number) Slot() search.Slot { return search.CustomSlot(n.Number) }

// Custom is the number as a search parameter.
func (n *Number) Custom() search.Custom {
	return search.Custom{Number: n.Number, Definition: n.Definition, Pending: !n.Complete}
}

// New makes the registry of an empty log.
func New(d *definitions.Definitions) *Registry {
	return &Registry{Resources: map[domain.LogicalID]*Resource{}, Standard: map[string]Status{}, definitions: d}
}

// Restore makes a registry of what another one held, and checks anew what is
// usable. same is false if that has changed, so that an index made with it means
// something else now.
func Restore(d *definitions.Definitions, held Registry) (r *Registry, same bool) {
	r, same = &held, true
	r.definitions = d
	for _, n := range r.Numbers {
		fault := r.faultOf(&n.Definition)
		same = same && (fault == "") == (n.Fault == "")
		n.Fault = fault
	}
	return r, same
}

// faultOf tells why a definition cannot be used, or nothing.
func (r *Registry) faultOf(def *definitions.SearchParameter) string {
	if err := search.CheckCustom(r.definitions, *def); err != nil {
		return err.Error()
	}
	return ""
}

// clone copies what changes; what it points to is replaced when it changes.
func (r *Registry) clone() *Registry {
	c := *r
	c.Resources, c.Standard = maps.Clone(r.Resources), maps.Clone(r.Standard)
	c.Numbers, c.Gone, c.Jobs = slices.Clone(r.Numbers), slices.Clone(r.Gone), slices.Clone(r.Jobs)
	return &c
}

// InForce lists the numbers that searches and new versions use, ascending.
func (r *Registry) InForce() []*Number {
	return r.numbers(func(n *Number) bool { return n.Until == InForce && n.Fault == "" })
}

// Extracting lists the numbers that a version at a position has entries under.
func (r *Registry) Extracting(position uint64) []*Number {
	return r.numbers(func(n *Number) bool { return n.Extracts(position) })
}

func (r *Registry) numbers(wanted func(n *Number) bool) (list []*Number) {
	for _, n := range r.Numbers {
		if wanted(n) {
			list = append(list, n)
		}
	}
	return list
}

// Number returns a number that the index may hold entries of, or nil.
func (r *Registry) Number(number uint32) *Number {
	at, found := slices.BinarySearchFunc(r.Numbers, number, func(n *Number, number uint32) int { return int(n.Number) - int(number) })
	if !found {
		return nil
	}
	return r.Numbers[at]
}

// ids lists the SearchParameters in a fixed order.
func (r *Registry) ids() []domain.LogicalID { return slices.Sorted(maps.Keys(r.Resources)) }

// resourceOf finds the SearchParameter with a URL.
func (r *Registry) resourceOf(url string) (domain.LogicalID, *Resource) {
	for _, id := range r.ids() {
		if r.Resources[id].Definition.URL == url {
			return id, r.Resources[id]
		}
	}
	return "", nil
}
