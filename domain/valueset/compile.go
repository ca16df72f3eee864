package valueset

import (
	"fmt"
	"slices"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// Source finds what value sets are made of. A version of "" means the latest; an
// absent value, that there is none.
type Source interface {
	ValueSet(url, version string) (fhirjson.Value, error)
	CodeSystem(url, version string) (fhirjson.Value, error)
	// Listed returns the codes of a value set of the specification, or nil.
	Listed(url string) *definitions.Codes
}

// What a value set may consist of.
const (
	mostCodes   = 2_000_000 // with those of all value sets and code systems that it takes in
	mostParts   = 5_000
	deepestSets = 32
)

// compiler reads a value set and all that it refers to.
type compiler struct {
	source Source
	above  []string // the value sets that refer to this one
	parts  int
	codes  int
}

// Compile reads the value set of a canonical URL; nil if there is none. A value
// set that cannot be used is a *domain.Error; other errors come from the source.
func Compile(url string, source Source) (*Set, error) {
	c := &compiler{source: source}
	set, err := c.set(url)
	if set != nil {
		set.size, set.parts = c.codes, c.parts
		set.findSystems()
	}
	return set, err
}

// set reads a value set by its URL. What is stored or loaded comes before the
// tables of the specification: it may be newer, and it is what the operator chose.
func (c *compiler) set(canonical string) (*Set, error) {
	url, version, _ := strings.Cut(canonical, "|")
	if slices.Contains(c.above, url) {
		return nil, fault(url, "it includes itself")
	}
	if len(c.above) >= deepestSets {
		return nil, fault(url, fmt.Sprintf("it includes others more than %d deep", deepestSets))
	}
	v, err := c.source.ValueSet(url, version)
	if err != nil {
		return nil, err
	}
	if !v.Exists() {
		if listed := c.source.Listed(url); listed != nil {
			return &Set{url: url, include: []part{{listed: listed}}}, nil
		}
		return nil, nil
	}
	c.above = append(c.above, url)
	defer func() { c.above = c.above[:len(c.above)-1] }()
	return c.read(url, v)
}

// read reads a ValueSet: its composition, or its expansion where that tells more.
func (c *compiler) read(url string, v fhirjson.Value) (set *Set, err error) {
	s := &Set{url: url}
	compose := v.Get("compose")
	if s.include, err = c.list(url, compose.Get("include")); err != nil {
		return nil, err
	}
	if s.exclude, err = c.list(url, compose.Get("exclude")); err != nil {
		return nil, err
	}
	contains := v.Get("expansion").Get("contains")
	if !contains.Exists() || len(s.include) > 0 && s.known() {
		if len(s.include) == 0 {
			if listed := c.source.Listed(url); listed != nil {
				return &Set{url: url, include: []part{{listed: listed}}}, nil
			}
			return nil, fault(url, "it says neither of what it is composed nor what it expands to")
		}
		return s, nil
	}
	return c.expansion(url, v.Get("expansion"))
}

func fault(url, problem string) error {
	return domain.NewError(domain.Invalid, "the value set "+shown(url)+" cannot be used: "+problem+".")
}

// known says that the set can tell of every code.
func (s *Set) known() bool {
	for _, parts := range [][]part{s.include, s.exclude} {
		for i := range parts {
			if parts[i].unknown != "" {
				return false
			}
			for _, inner := range parts[i].sets {
				if !inner.known() {
					return false
				}
			}
		}
	}
	return true
}

// list reads the includes or excludes.
func (c *compiler) list(url string, list fhirjson.Value) ([]part, error) {
	var parts []part
	for v := list.First(); v.Exists(); v = v.Next() {
		if c.parts++; c.parts > mostParts {
			return nil, fault(url, fmt.Sprintf("it has more than %d parts", mostParts))
		}
		p, err := c.part(url, v)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return parts, nil
}

func (c *compiler) part(url string, v fhirjson.Value) (p part, err error) {
	p.system = v.Get("system").String()
	for set := v.Get("valueSet").First(); set.Exists(); set = set.Next() {
		inner, err := c.set(set.String())
		if err != nil {
			return p, err
		}
		if inner == nil {
			inner = &Set{url: set.String(), include: []part{{unknown: "the value set " + shown(set.String()) + " is not known here."}}}
		}
		p.sets = append(p.sets, inner)
	}
	switch {
	case p.system == "":
		if len(p.sets) == 0 {
			return p, fault(url, "a part of it names neither a system nor value sets")
		}
	case v.Get("concept").First().Exists():
		err = c.enumerate(url, &p, v.Get("concept"))
	default:
		err = c.fromSystem(url, &p, v)
	}
	return p, err
}

// enumerate takes the codes that are listed.
func (c *compiler) enumerate(url string, p *part, list fhirjson.Value) error {
	p.codes = map[string]bool{}
	for concept := list.First(); concept.Exists(); concept = concept.Next() {
		if err := c.add(url, p, concept.Get("code").String()); err != nil {
			return err
		}
	}
	return nil
}

func (c *compiler) add(url string, p *part, code string) error {
	if c.codes++; c.codes > mostCodes {
		return fault(url, fmt.Sprintf("it has more than %d codes", mostCodes))
	}
	if p.fold {
		code = strings.ToLower(code)
	}
	p.codes[code] = true
	return nil
}

// expansion takes the codes of an expansion. It is the whole set unless it says
// that it is a page of it, or that more belongs to it.
func (c *compiler) expansion(url string, v fhirjson.Value) (*Set, error) {
	bySystem := map[string]*part{}
	count := 0
	var walk func(list fhirjson.Value, depth int) error
	walk = func(list fhirjson.Value, depth int) error {
		if depth > deepestConcept {
			return fault(url, "its expansion is nested too deeply")
		}
		for item := list.First(); item.Exists(); item = item.Next() {
			count++
			if item.Get("abstract").Kind() != fhirjson.True && item.Get("code").Exists() {
				system := item.Get("system").String()
				p := bySystem[system]
				if p == nil {
					p = &part{system: system, codes: map[string]bool{}}
					bySystem[system] = p
				}
				if err := c.add(url, p, item.Get("code").String()); err != nil {
					return err
				}
			}
			if err := walk(item.Get("contains"), depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	if err := walk(v.Get("contains"), 0); err != nil {
		return nil, err
	}
	partial := ""
	if total := string(v.Get("total").Raw()); total != "" && total != fmt.Sprint(count) {
		partial = "its expansion is only a part of it."
	}
	for x := v.Get("extension").First(); x.Exists(); x = x.Next() {
		if strings.Contains(x.Get("url").String(), "valueset-unclosed") || strings.Contains(x.Get("url").String(), "valueset-toocostly") {
			partial = "its expansion is only a part of it."
		}
	}
	s := &Set{url: url}
	for _, p := range bySystem {
		p.unknown = partial
		s.include = append(s.include, *p)
	}
	if partial != "" {
		s.include = append(s.include, part{unknown: partial})
	}
	return s, nil
}

// shown is a text of a definition in a message.
func shown(text string) string {
	const most = 150
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '"' {
			return '?'
		}
		return r
	}, text)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
