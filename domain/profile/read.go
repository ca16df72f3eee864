package profile

import (
	"fmt"
	"strconv"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// What a StructureDefinition may have. The largest of the specification have 256
// elements.
const (
	mostElements     = 10_000
	deepestElement   = 40
	mostOfAKind      = 2_000 // types, rules, discriminators of an element
	longestCanonical = 2_000 // bytes
)

// definition is a StructureDefinition that was read.
type definition struct {
	url, version string
	base         string // canonical URL
	typ          *definitions.Type
	constraint   bool // a profile; else the definition of a type
	abstract     bool
	whole        bool // root has a snapshot's elements: the base need not be looked at
	root         *element
	contexts     []extensionContext // of an extension
	demands      []*rule
	bytes        int // of the text
}

// reader reads the elements of one StructureDefinition.
type reader struct {
	d     *definitions.Definitions
	root  *element
	stack []placed // the elements that the next one may be below
	byID  map[string]*element
}

// readDefinition reads a StructureDefinition. Its faults are *domain.Error.
func readDefinition(d *definitions.Definitions, v fhirjson.Value) (*definition, error) {
	def := &definition{
		url: v.Get("url").String(), version: v.Get("version").String(), base: v.Get("baseDefinition").String(),
		abstract: v.Get("abstract").Kind() == fhirjson.True, constraint: v.Get("derivation").String() == "constraint", contexts: readContexts(v), demands: readDemands(v), bytes: v.End() - v.Start(),
	}
	if kind := v.Get("kind").String(); kind == "logical" {
		return nil, def.fault("describes a logical model, and not a type of FHIR")
	}
	if def.typ = typeNamed(d, v.Get("type").String()); def.typ == nil {
		return nil, def.fault("constrains a type that FHIR " + d.FHIRVersion() + " does not have")
	}
	list := v.Get("snapshot").Get("element")
	def.whole = list.First().Exists()
	if !def.whole {
		list = v.Get("differential").Get("element")
	}
	r := &reader{d: d, root: newElement(def.typ.Name), byID: map[string]*element{}}
	r.root.typ = def.typ
	count := 0
	for e := list.First(); e.Exists(); e = e.Next() {
		if count++; count > mostElements {
			return nil, def.fault(fmt.Sprintf("has more than %d elements", mostElements))
		}
		if problem := r.element(e); problem != "" {
			return nil, def.fault(problem)
		}
	}
	if !def.whole {
		r.root.narrow(editionOf(d))
	}
	def.root = r.root
	return def, nil
}

// fault says why the definition cannot be used.
func (def *definition) fault(problem string) error {
	return domain.NewError(domain.Invalid, fmt.Sprintf("The StructureDefinition %s cannot be used: it %s.", canonical(def.url), problem))
}

// typeNamed finds the type that a StructureDefinition is for. R5 writes types of
// its own as URLs, which no type of the tables has.
func typeNamed(d *definitions.Definitions, name string) *definitions.Type {
	return d.Type(strings.TrimPrefix(name, coreURL))
}

const coreURL = "http://hl7.org/fhir/StructureDefinition/"

// shown is a text of a definition in a message: short, and without anything that
// could confuse a terminal or a log.
func shown(text string) string {
	const most = 100
	var b strings.Builder
	for i, r := range text {
		if i >= most {
			b.WriteString("…")
			break
		}
		if r < ' ' || r == 0x7f || r == '"' || !strconv.IsPrint(r) {
			r = '?'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// canonical is a canonical URL in a message.
func canonical(url string) string {
	if url == "" {
		return "without url"
	}
	return shown(url)
}
