package valueset

import (
	"fmt"
	"regexp"
	"strings"

	"fhirlog/domain/fhirjson"
)

const (
	deepestConcept  = 100
	longestRegex    = 1_000
	mostFilterPairs = 10_000_000 // concepts times filters of one code system
)

// concept is a code of a code system with those it is below.
type concept struct {
	code    string
	parents []string
	source  fhirjson.Value
}

// fromSystem takes the codes of a system, all of them or those that filters find.
func (c *compiler) fromSystem(url string, p *part, v fhirjson.Value) error {
	system, err := c.source.CodeSystem(p.system, v.Get("version").String())
	if err != nil {
		return err
	}
	if !system.Exists() {
		p.unknown = "the code system " + shown(p.system) + " is not known here."
		return nil
	}
	if content := system.Get("content").String(); content != "complete" && content != "" {
		p.unknown = "only a part of the code system " + shown(p.system) + " is known here."
	}
	p.fold = system.Get("caseSensitive").Kind() == fhirjson.False
	p.codes = map[string]bool{}
	concepts, err := c.concepts(url, system.Get("concept"))
	if err != nil {
		return err
	}
	keeps, problem := filters(v.Get("filter"), concepts)
	if problem != "" {
		p.unknown = problem
		return nil
	}
	for i := range concepts {
		keep := true
		for _, k := range keeps {
			keep = keep && k(&concepts[i])
		}
		if keep {
			if err := c.add(url, p, concepts[i].code); err != nil {
				return err
			}
		}
	}
	return nil
}

// concepts lists the codes of a code system. A concept is below the one that it
// stands in, and below those that its properties name.
func (c *compiler) concepts(url string, list fhirjson.Value) (all []concept, err error) {
	var walk func(list fhirjson.Value, parent string, depth int) error
	walk = func(list fhirjson.Value, parent string, depth int) error {
		if depth > deepestConcept {
			return fault(url, "a code system of it is nested too deeply")
		}
		for v := list.First(); v.Exists(); v = v.Next() {
			if len(all) >= mostCodes {
				return fault(url, fmt.Sprintf("a code system of it has more than %d codes", mostCodes))
			}
			made := concept{code: v.Get("code").String(), source: v}
			if parent != "" {
				made.parents = append(made.parents, parent)
			}
			for p := v.Get("property").First(); p.Exists(); p = p.Next() {
				if name := p.Get("code").String(); name == "parent" || name == "subsumedBy" {
					made.parents = append(made.parents, p.Get("valueCode").String())
				}
			}
			all = append(all, made)
			if err := walk(v.Get("concept"), made.code, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return all, walk(list, "", 0)
}

// filters reads the filters of an include (https://hl7.org/fhir/R4/valueset-filter-operator.html);
// the problem, if there is one, is what is not understood.
func filters(list fhirjson.Value, concepts []concept) (keeps []func(*concept) bool, problem string) {
	for f := list.First(); f.Exists(); f = f.Next() {
		if (len(keeps)+1)*len(concepts) > mostFilterPairs {
			return nil, "its filters take too many steps."
		}
		keep := filter(f.Get("property").String(), f.Get("op").String(), f.Get("value").String(), concepts)
		if keep == nil {
			return nil, "the filter " + shown(f.Get("property").String()+" "+f.Get("op").String()) + " is not evaluated here."
		}
		keeps = append(keeps, keep)
	}
	return keeps, ""
}

func filter(property, op, value string, concepts []concept) func(*concept) bool {
	isCode := property == "concept" || property == "code"
	switch op {
	case "is-a", "descendent-of", "is-not-a":
		if !isCode {
			return nil
		}
		under := below(concepts, value)
		return func(c *concept) bool {
			switch op {
			case "is-a":
				return c.code == value || under[c.code]
			case "descendent-of":
				return under[c.code]
			}
			return c.code != value && !under[c.code]
		}
	case "=":
		return func(c *concept) bool { return c.has(property, isCode, func(v string) bool { return v == value }) }
	case "in", "not-in":
		list := map[string]bool{}
		for _, item := range strings.Split(value, ",") {
			list[strings.TrimSpace(item)] = true
		}
		return func(c *concept) bool {
			return c.has(property, isCode, func(v string) bool { return list[v] }) == (op == "in")
		}
	case "exists":
		return func(c *concept) bool {
			return c.has(property, isCode, func(string) bool { return true }) == (value == "true")
		}
	case "regex":
		if len(value) > longestRegex {
			return nil
		}
		pattern, err := regexp.Compile("^(?:" + value + ")$")
		if err != nil {
			return nil
		}
		return func(c *concept) bool { return c.has(property, isCode, pattern.MatchString) }
	}
	return nil
}

// has says whether a value of a property fits.
func (c *concept) has(property string, isCode bool, fits func(string) bool) bool {
	if isCode {
		return fits(c.code)
	}
	if property == "display" {
		return fits(c.source.Get("display").String())
	}
	for p := c.source.Get("property").First(); p.Exists(); p = p.Next() {
		if p.Get("code").String() != property {
			continue
		}
		for m := p.First(); m.Exists(); m = m.Next() {
			if !strings.HasPrefix(string(m.Name()), "value") {
				continue
			}
			text := m.String()
			switch m.Kind() {
			case fhirjson.Object: // a Coding
				text = m.Get("code").String()
			case fhirjson.String:
			default:
				text = string(m.Raw())
			}
			if fits(text) {
				return true
			}
		}
	}
	return false
}

// below finds the codes below one, however deep.
func below(concepts []concept, top string) map[string]bool {
	children := map[string][]string{}
	for i := range concepts {
		for _, parent := range concepts[i].parents {
			children[parent] = append(children[parent], concepts[i].code)
		}
	}
	under := map[string]bool{}
	for open := []string{top}; len(open) > 0; {
		code := open[len(open)-1]
		open = open[:len(open)-1]
		for _, child := range children[code] {
			if !under[child] {
				under[child] = true
				open = append(open, child)
			}
		}
	}
	return under
}
