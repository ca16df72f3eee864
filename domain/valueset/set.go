package valueset

import (
	"maps"
	"slices"
	"strings"

	"fhirlog/domain/definitions"
)

// Answer says whether a code is in a value set.
type Answer uint8

// The answers.
const (
	Outside Answer = iota
	Unknown
	Inside
)

// Set is a compiled value set.
type Set struct {
	url     string
	include []part
	exclude []part
	// systems are those that codes may be of, size the codes and parts the parts of
	// the set with all that it takes in; known of the set that was compiled only.
	systems []string
	size    int
	parts   int
}

// part is one include or exclude: the codes of one system, or whatever is in all
// of some value sets, or both.
type part struct {
	system string
	fold   bool            // case makes no difference
	codes  map[string]bool // in lower case if fold is set
	listed *definitions.Codes
	// unknown says why a code that is not listed may be in the part all the same; ""
	// if it is not.
	unknown string
	sets    []*Set
}

// Size is how many codes the set holds in memory.
func (s *Set) Size() int {
	if s == nil {
		return 0
	}
	return s.size
}

// Steps is about what a question costs, in units of the time that comparing a
// code takes.
func (s *Set) Steps() int { return (s.parts + 1) * (len(s.systems) + 1) }

// Contains says whether the code of a system is in the set, and, if that is
// unknown, why.
func (s *Set) Contains(system, code string) (Answer, string) {
	return s.ask(func(p *part) (Answer, string) { return p.contains(system, code) })
}

// ContainsCode says whether a code is in the set whatever its system: what an
// element of type code is held to.
func (s *Set) ContainsCode(code string) (best Answer, reason string) {
	for _, system := range s.systems {
		switch answer, why := s.Contains(system, code); answer {
		case Inside:
			return Inside, ""
		case Unknown:
			best, reason = Unknown, why
		}
	}
	return best, reason
}

// findSystems lists the systems of the set.
func (s *Set) findSystems() {
	found := map[string]bool{"": true} // for parts that do not tell
	var visit func(s *Set)
	visit = func(s *Set) {
		for i := range s.include {
			p := &s.include[i]
			found[p.system] = true
			if p.listed != nil {
				p.listed.All(func(system, _ string) bool {
					found[system] = true
					return true
				})
			}
			for _, inner := range p.sets {
				visit(inner)
			}
		}
	}
	visit(s)
	s.systems = slices.Sorted(maps.Keys(found))
}

func (s *Set) ask(question func(*part) (Answer, string)) (Answer, string) {
	answer, reason := any(s.include, question)
	if answer == Outside {
		return answer, ""
	}
	switch excluded, why := any(s.exclude, question); excluded {
	case Inside:
		return Outside, ""
	case Unknown:
		return Unknown, why
	}
	return answer, reason
}

// any is the best answer of some parts.
func any(parts []part, question func(*part) (Answer, string)) (best Answer, reason string) {
	for i := range parts {
		switch answer, why := question(&parts[i]); answer {
		case Inside:
			return Inside, ""
		case Unknown:
			best, reason = Unknown, why
		}
	}
	return best, reason
}

func (p *part) contains(system, code string) (Answer, string) {
	if p.listed != nil {
		if p.listed.Has([]byte(system), []byte(code)) {
			return Inside, ""
		}
		return Outside, ""
	}
	if p.system != "" && p.system != system {
		return Outside, ""
	}
	answer, reason := p.own(code)
	return p.agree(answer, reason, func(s *Set) (Answer, string) { return s.Contains(system, code) })
}

// own says whether a code is in the part, apart from the value sets that it names.
func (p *part) own(code string) (Answer, string) {
	if p.fold {
		code = strings.ToLower(code)
	}
	switch {
	case p.codes == nil && p.unknown == "": // only value sets
		return Inside, ""
	case p.codes[code]:
		return Inside, ""
	case p.unknown != "":
		return Unknown, p.unknown
	}
	return Outside, ""
}

// agree is the worst answer of the part and the value sets that it names.
func (p *part) agree(answer Answer, reason string, question func(*Set) (Answer, string)) (Answer, string) {
	for _, s := range p.sets {
		switch found, why := question(s); {
		case found == Outside || answer == Outside:
			return Outside, ""
		case found == Unknown:
			answer, reason = Unknown, why
		}
	}
	return answer, reason
}

// List returns the codes of the set in order, with their systems, if there are at
// most so many and all of them are known: what would be right in place of another.
func (s *Set) List(most int) (codes, systems []string, ok bool) {
	if s.size > most {
		return nil, nil, false
	}
	for i := range s.include {
		p := &s.include[i]
		if p.listed != nil && len(s.exclude) == 0 && p.listed.Len() <= most {
			p.listed.All(func(system, code string) bool {
				codes, systems = append(codes, code), append(systems, system)
				return true
			})
			continue
		}
		if p.unknown != "" || p.codes == nil {
			return nil, nil, false
		}
		for code := range p.codes {
			if answer, _ := s.Contains(p.system, code); answer == Inside {
				codes = append(codes, code)
				systems = append(systems, p.system)
			}
		}
	}
	slices.Sort(codes)
	slices.Sort(systems)
	return slices.Compact(codes), slices.Compact(systems), len(codes) > 0 && len(codes) <= most
}
