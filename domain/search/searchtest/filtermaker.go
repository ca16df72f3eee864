package searchtest

import (
	"encoding/json"
	"strings"

	"fhirlog/domain/search"
)

// operators are those of _filter that a type of parameter takes.
var operators = map[search.ParameterType][]string{
	search.String:   {"eq", "ne", "co", "sw", "ew", "gt", "lt", "ge", "le"},
	search.Token:    {"eq", "ne", "co", "sw", "ew"},
	search.ReferTo:  {"eq", "ne", "re"},
	search.URI:      {"eq", "ne", "co", "sw", "ew"},
	search.Number:   {"eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"},
	search.Quantity: {"eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"},
	search.Date:     {"eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "po"},
}

// filter makes a value of _filter.
func (m *Maker) filter(v *Version, depth int) string {
	if depth < 3 {
		switch m.rand.IntN(5) {
		case 0:
			return m.filter(v, depth+1) + " and " + m.filter(v, depth+1)
		case 1:
			return "(" + m.filter(v, depth+1) + " or " + m.filter(m.any(v.Type), depth+1) + ")"
		case 2:
			return "not (" + m.filter(v, depth+1) + ")"
		}
	}
	for range 20 {
		of := m.pickParameter(v)
		if of == nil || operators[of.Type] == nil {
			continue
		}
		if m.chance(10) {
			return of.Code + " pr " + m.word("true", "false")
		}
		operator := m.word(operators[of.Type]...)
		value := m.operand(v, of, "")
		switch of.Type {
		case search.Number, search.Quantity, search.Date:
			value = strings.TrimLeft(value, "abeglnpqst") // the prefix
		case search.Token:
			if operator != "eq" && operator != "ne" {
				value = strings.TrimLeft(value, "|")
			}
		}
		quoted, err := json.Marshal(value)
		if err == nil {
			return of.Code + " " + operator + " " + string(quoted)
		}
	}
	return `_id eq "` + string(v.ID) + `"`
}
