package search

import (
	"strings"

	"fhirlog/domain"
)

// sortedBy says how a type of parameter is ordered.
var sortedBy = map[ParameterType]SortBy{
	String: SortPostings, Token: SortPostings, ReferTo: SortPostings, URI: SortPostings,
	Number: SortColumn, Date: SortColumn, Quantity: SortColumn,
}

// sortedByItself are the keys that are no parameters of resources.
var sortedByItself = map[string]SortBy{"_id": SortID, "_lastUpdated": SortLastUpdated, "_type": SortType}

// readSort reads _sort (https://hl7.org/fhir/R4/search.html#sort): names
// separated by commas, each with a '-' before it to sort descending.
func (p *queryParser) readSort(i int, _, value string) error {
	var used []string
	for name := range strings.SplitSeq(value, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		key, err := p.sortKey(name)
		switch {
		case isUnusable(err):
			p.leave(i, err)
			continue
		case err != nil:
			return err
		}
		if len(p.query.Sort) == maxSortKeys {
			return tooMuch("_sort has more than %d keys", maxSortKeys)
		}
		p.query.Sort = append(p.query.Sort, key)
		used = append(used, name)
	}
	if strings.Trim(value, ", \t") == "" {
		p.leave(i, leaveOut("the parameter _sort has no value and is ignored"))
	}
	p.keep(i, used)
	return nil
}

func (p *queryParser) sortKey(name string) (SortKey, error) {
	code, descending := strings.CutPrefix(name, "-")
	key := SortKey{Code: code, Descending: descending}
	if key.By = sortedByItself[code]; key.By != 0 {
		return key, nil
	}
	switch {
	case code == "_score":
		return key, notOffered("matches have no score to sort by; the name of a search parameter is right")
	case specialCriteria[code] != nil:
		return key, fault("the key %s of _sort has no order", code)
	}
	types := p.types
	if p.anyType {
		types = []domain.ResourceType{""}
	}
	known := len(types) == 0
	key.Slots = make([]Slot, len(types))
	for at, t := range types {
		of := p.find(t, code)
		if of == nil {
			continue
		}
		known = true
		by := sortedBy[of.Type]
		switch {
		case by == 0:
			return key, fault("the key %s of _sort is a parameter of type %s, which has no order", brief(code), of.Type)
		case key.By != 0 && key.By != by:
			return key, fault("the key %s of _sort is of different kinds for the types that are searched", brief(code))
		}
		key.By = by
		key.Slots[at] = of.Slot
		if of.Narrow != "" {
			if key.Keep == nil {
				key.Keep = make([]func(value []byte) bool, len(types))
			}
			key.Keep[at] = func(value []byte) bool { return targetOf(value) == string(of.Narrow) }
		}
	}
	if !known {
		return key, leaveOut("the key %s of _sort is no parameter of what is searched, and is ignored", brief(code))
	}
	return key, nil
}
