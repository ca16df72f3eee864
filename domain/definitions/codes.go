package definitions

import (
	"sort"

	"fhirlog/domain/definitions/tables"
)

// Codes is the list of codes that a value set holds.
type Codes struct {
	URL    string
	groups []tables.CodeGroup
}

// HasCode tells whether a code is in the list, whatever its system: what an
// element of type code is held to.
func (c *Codes) HasCode(code []byte) bool {
	for i := range c.groups {
		if contains(c.groups[i].Codes, code) {
			return true
		}
	}
	return false
}

// Has tells whether the code of a system is in the list.
func (c *Codes) Has(system, code []byte) bool {
	for i := range c.groups {
		if c.groups[i].System == string(system) && contains(c.groups[i].Codes, code) {
			return true
		}
	}
	return false
}

// Len returns the number of codes.
func (c *Codes) Len() int {
	n := 0
	for _, g := range c.groups {
		n += len(g.Codes)
	}
	return n
}

// All calls visit for each code, by system and code in order, until it
// returns false.
func (c *Codes) All(visit func(system, code string) bool) {
	for _, g := range c.groups {
		for _, code := range g.Codes {
			if !visit(g.System, code) {
				return
			}
		}
	}
}

func contains(sorted []string, code []byte) bool {
	at := sort.Search(len(sorted), func(i int) bool { return sorted[i] >= string(code) })
	return at < len(sorted) && sorted[at] == string(code)
}
