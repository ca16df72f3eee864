package main

import (
	"sort"
	"strings"

	"fhirlog/domain/definitions/tables"
)

// publisherLimit is the length at which HL7's publisher cuts an expansion off.
const publisherLimit = 1000

// terminology lists the codes of value sets from HL7's own expansions, and
// from the definitions where there is none.
type terminology struct {
	valueSets   map[string]object
	codeSystems map[string]object
	expansions  map[string]object
}

func newTerminology(core, expansions library) *terminology {
	t := &terminology{valueSets: byURL(core["ValueSet"]), codeSystems: byURL(core["CodeSystem"]), expansions: map[string]object{}}
	for url, v := range byURL(expansions["ValueSet"]) {
		if e := v.object("expansion"); len(e.objects("contains")) > 0 {
			t.expansions[url] = e
		}
	}
	return t
}

func byURL(resources []object) map[string]object {
	m := map[string]object{}
	for _, o := range resources {
		if url := o.text("url"); url != "" && m[url] == nil {
			m[url] = o
		}
	}
	return m
}

// boundTo names the value sets of bindings of a strength.
func boundTo(types []tables.Type, strength tables.Strength) map[string]bool {
	urls := map[string]bool{}
	for _, typ := range types {
		for _, e := range typ.Elements {
			if b := e.Binding; b != nil && b.Strength == strength && b.ValueSet != "" {
				urls[b.ValueSet] = true
			}
		}
	}
	return urls
}

// required lists the value sets that required bindings name, sorted by URL.
func (t *terminology) required(types []tables.Type) []tables.ValueSet {
	var made []tables.ValueSet
	for url := range boundTo(types, tables.Required) {
		made = append(made, t.list(url))
	}
	sort.Slice(made, func(i, j int) bool { return made[i].URL < made[j].URL })
	return made
}

// extensible lists the value sets that only extensible bindings name, as far as
// they can be listed.
func (t *terminology) extensible(types []tables.Type) []tables.ValueSet {
	required := boundTo(types, tables.Required)
	var made []tables.ValueSet
	for url := range boundTo(types, tables.Extensible) {
		if listed := t.list(url); !required[url] && !listed.Open {
			made = append(made, listed)
		}
	}
	sort.Slice(made, func(i, j int) bool { return made[i].URL < made[j].URL })
	return made
}

// list gives the codes of a value set, or an open one if they cannot be told.
func (t *terminology) list(url string) tables.ValueSet {
	codes := codeSet{}
	ok := false
	if e := t.expansions[url]; e != nil {
		ok = codes.addExpansion(e)
	}
	if !ok {
		codes = codeSet{}
		ok = t.compose(url, codes)
	}
	if !ok || len(codes) == 0 || codes.foreign() {
		return tables.ValueSet{URL: url, Open: true}
	}
	return tables.ValueSet{URL: url, Groups: codes.groups()}
}

// codeSet holds codes by system.
type codeSet map[string]map[string]bool

func (c codeSet) add(system, code string) {
	if code == "" {
		return
	}
	if c[system] == nil {
		c[system] = map[string]bool{}
	}
	c[system][code] = true
}

// addExpansion adds an expansion and tells whether it is complete.
func (c codeSet) addExpansion(e object) bool {
	if e.extension("valueset-toocostly") != "" || e.extension("valueset-unclosed") == "true" {
		return false
	}
	count := 0
	eachConcept(e.objects("contains"), "contains", func(x object) {
		count++
		if !x.flag("abstract") {
			c.add(x.text("system"), x.text("code"))
		}
	})
	return count != publisherLimit && count >= e.number("total")
}

// foreign tells whether codes of other publishers are among them, which are
// not ours to hand on, or units, whose long lists are samples of a grammar.
func (c codeSet) foreign() bool {
	return c["http://snomed.info/sct"] != nil || c["http://loinc.org"] != nil || len(c["http://unitsofmeasure.org"]) > 20
}

func (c codeSet) groups() []tables.CodeGroup {
	var made []tables.CodeGroup
	for system, codes := range c {
		g := tables.CodeGroup{System: system}
		for code := range codes {
			g.Codes = append(g.Codes, code)
		}
		sort.Strings(g.Codes)
		made = append(made, g)
	}
	sort.Slice(made, func(i, j int) bool { return made[i].System < made[j].System })
	return made
}

// compose adds the codes that a value set's definition names and tells
// whether they could all be found.
func (t *terminology) compose(url string, codes codeSet) bool {
	v := t.valueSets[url]
	compose := v.object("compose")
	if v == nil || len(compose.objects("include")) == 0 || len(compose.objects("exclude")) > 0 {
		return false
	}
	for _, include := range compose.objects("include") {
		if !t.include(include, codes) {
			return false
		}
	}
	return true
}

func (t *terminology) include(include object, codes codeSet) bool {
	system := include.text("system")
	imports := include.texts("valueSet")
	if system == "" {
		for _, url := range imports {
			if !t.compose(unversioned(url), codes) {
				return false
			}
		}
		return len(imports) > 0
	}
	if len(imports) > 0 {
		return false
	}
	if concepts := include.objects("concept"); len(concepts) > 0 {
		for _, x := range concepts {
			codes.add(system, x.text("code"))
		}
		return true
	}
	cs := t.codeSystems[system]
	if cs == nil || cs.text("content") != "complete" {
		return false
	}
	return addCodeSystem(cs, include.objects("filter"), codes)
}

// addCodeSystem adds the concepts of a code system that meet all filters, of
// which only is-a and descendent-of are known here.
func addCodeSystem(cs object, filters []object, codes codeSet) bool {
	concepts := cs.objects("concept")
	for _, f := range filters {
		op := f.text("op")
		if op != "is-a" && op != "descendent-of" {
			return false
		}
		concepts = below(concepts, f.text("value"), op == "is-a")
	}
	if len(concepts) == 0 || strings.Contains(cs.text("hierarchyMeaning"), "part-of") {
		return false
	}
	eachConcept(concepts, "concept", func(x object) {
		if !isAbstract(x) {
			codes.add(cs.text("url"), x.text("code"))
		}
	})
	return true
}

// isAbstract tells the concepts that only group others.
func isAbstract(concept object) bool {
	for _, p := range concept.objects("property") {
		if (p.text("code") == "notSelectable" || p.text("code") == "abstract") && p.flag("valueBoolean") {
			return true
		}
	}
	return false
}

// below returns the concept with the code given, or its children.
func below(concepts []object, code string, self bool) []object {
	for _, x := range concepts {
		if x.text("code") == code {
			if self {
				return []object{x}
			}
			return x.objects("concept")
		}
		if found := below(x.objects("concept"), code, self); found != nil {
			return found
		}
	}
	return nil
}

func eachConcept(concepts []object, children string, visit func(object)) {
	for _, x := range concepts {
		visit(x)
		eachConcept(x.objects(children), children, visit)
	}
}
