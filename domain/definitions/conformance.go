package definitions

import (
	"slices"
	"strings"

	"fhirlog/domain/definitions/tables"
)

// SearchParameter is one search parameter of the specification.
type SearchParameter = tables.SearchParameter

// Compartment is one compartment definition.
type Compartment = tables.Compartment

// Operation is one operation of the specification.
type Operation = tables.Operation

// Invariant is a rule that holds for an element.
type Invariant = tables.Invariant

// searchTables holds the search parameters in the two orders they are asked
// for.
type searchTables struct {
	byType map[string][]*SearchParameter
	byURL  map[string]*SearchParameter
}

// SearchParameters returns the parameters that apply to a resource type, those
// of its base types included, sorted by code. The caller must not change them.
func (d *Definitions) SearchParameters(resource string) ([]*SearchParameter, error) {
	tables, err := d.search()
	if err != nil {
		return nil, err
	}
	return tables.byType[resource], nil
}

// SearchParameter returns the parameter with a canonical URL, or nil.
func (d *Definitions) SearchParameter(url string) (*SearchParameter, error) {
	tables, err := d.search()
	if err != nil {
		return nil, err
	}
	return tables.byURL[url], nil
}

func (d *Definitions) readSearch() (*searchTables, error) {
	parameters, err := d.file.SearchParameters()
	if err != nil {
		return nil, err
	}
	made := &searchTables{byType: map[string][]*SearchParameter{}, byURL: map[string]*SearchParameter{}}
	declared := map[string][]*SearchParameter{}
	for i := range parameters {
		p := &parameters[i]
		made.byURL[p.URL] = p
		for _, base := range p.Base {
			declared[base] = append(declared[base], p)
		}
	}
	for _, resource := range d.resources {
		var all []*SearchParameter
		for t := d.Type(resource); t != nil; t = d.Type(t.Base) {
			all = append(all, declared[t.Name]...)
		}
		slices.SortStableFunc(all, func(a, b *SearchParameter) int { return strings.Compare(a.Code, b.Code) })
		made.byType[resource] = all
	}
	return made, nil
}

// Compartments returns the compartment definitions, sorted by code.
func (d *Definitions) Compartments() ([]Compartment, error) { return d.compartments() }

// Operations returns the operations of the specification, sorted by URL.
func (d *Definitions) Operations() ([]Operation, error) { return d.operations() }

// Invariants returns the rules of a type by the path of their element, such
// as "Patient.contact".
func (d *Definitions) Invariants(path string) ([]Invariant, error) {
	all, err := d.invariants()
	if err != nil {
		return nil, err
	}
	return all[path], nil
}

func (d *Definitions) readInvariants() (map[string][]Invariant, error) {
	all, err := d.file.Invariants()
	if err != nil {
		return nil, err
	}
	made := map[string][]Invariant{}
	for start := 0; start < len(all); { // sorted by path
		end := start + 1
		for end < len(all) && all[end].Path == all[start].Path {
			end++
		}
		made[all[start].Path] = all[start:end:end]
		start = end
	}
	return made, nil
}
