package search

import (
	"errors"
	"fmt"
	"net/url"
	"slices"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
)

// Custom is a search parameter that a client defined.
type Custom struct {
	Number     uint32 // its place in the order of definitions in the log, which gives the slot
	Definition definitions.SearchParameter
	Pending    bool // not all resources are indexed yet
}

// The bounds of what a client may define.
const (
	mostCustom        = uint32(1)<<31 - 1 // of Number
	maxCustomURL      = 128
	maxCustomCode     = 64
	maxCustomElements = 1000 // paths of one expression, and components
)

// CheckCustom tells what is wrong with a search parameter that a client wants
// to define, in a *domain.Error, or nil. Whether it clashes with other custom
// parameters is for the caller to see.
func CheckCustom(d *definitions.Definitions, def definitions.SearchParameter) error {
	if err := checkIdentity(d, &def); err != nil {
		return err
	}
	b := newSetBuilder(d)
	for _, resource := range b.basesOf(&def) {
		if err := b.checkCode(&def, resource); err != nil {
			return err
		}
		if _, err := b.customParameter(&def, resource); err != nil {
			return err
		}
	}
	return nil
}

func wrongParameter(element, format string, args ...any) *domain.Error {
	return domain.NewError(domain.Invalid, "The search parameter cannot be used: "+fmt.Sprintf(format, args...)+".", "SearchParameter."+element)
}

// checkIdentity looks at everything but the expression.
func checkIdentity(d *definitions.Definitions, def *definitions.SearchParameter) error {
	parsed, err := url.Parse(def.URL)
	switch {
	case def.URL == "":
		return wrongParameter("url", "it has no url; right is an absolute URL of its own")
	case err != nil || !parsed.IsAbs():
		return wrongParameter("url", "its url is not absolute; right is one such as https://example.org/SearchParameter/name")
	case len(def.URL) > maxCustomURL:
		return wrongParameter("url", "its url has %d characters; %d are possible", len(def.URL), maxCustomURL)
	}
	standard, err := d.SearchParameter(def.URL)
	switch {
	case err != nil:
		return err
	case standard != nil:
		return wrongParameter("url", "its url is that of the specification's parameter %s; right is a url of its own", standard.Code)
	case !isParameterCode(def.Code):
		return wrongParameter("code", "its code is to have 1 to %d letters, digits, '-', '_' and '.', and to begin with a letter", maxCustomCode)
	case len(def.Base) == 0:
		return wrongParameter("base", "it has no base; right is at least one type of resource")
	case def.Expression == "":
		return wrongParameter("expression", "it has no expression; without one it has no values")
	case !slices.Contains(usableTypes, ParameterType(def.Type)):
		return wrongParameter("type", "its type %q is none of %v", def.Type, usableTypes)
	}
	for _, base := range def.Base {
		if t := d.Type(base); t == nil || t.Kind != definitions.Resource {
			return wrongParameter("base", "its base %q is no type of resource", base)
		}
	}
	return nil
}

var usableTypes = []ParameterType{Number, Date, String, Token, ReferTo, Composite, Quantity, URI}

// isParameterCode checks a code: it stands in URLs before modifiers and between
// the parts of a chain. Those that begin with '_' are the specification's.
func isParameterCode(code string) bool {
	for i := range len(code) {
		c := code[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '-' && c != '_') {
			return false
		}
	}
	return len(code) > 0 && len(code) <= maxCustomCode
}

// basesOf lists the types of resource that a parameter applies to, sorted.
func (b *setBuilder) basesOf(def *definitions.SearchParameter) []string {
	d := b.set.definitions
	var of []string
	for _, resource := range d.Resources() {
		for t := d.Type(resource); t != nil; t = d.Type(t.Base) {
			if slices.Contains(def.Base, t.Name) {
				of = append(of, resource)
				break
			}
		}
	}
	return of
}

// checkCode refuses a code that means something else on a type already.
func (b *setBuilder) checkCode(def *definitions.SearchParameter, resource string) error {
	if _, special := elsewhere[def.Code]; special {
		return wrongParameter("code", "its code %s has a meaning of its own", def.Code)
	}
	list, err := b.set.definitions.SearchParameters(resource)
	if err != nil {
		return err
	}
	for _, there := range list {
		if there.Code == def.Code && (there.Type != def.Type || there.Expression != def.Expression) {
			return wrongParameter("code", "%s has a parameter %s already, %s, with another type or expression", resource, def.Code, there.URL)
		}
	}
	return nil
}

// customParameter compiles a custom parameter for one type. An expression that
// does not concern the type is a fault: the type is one of its bases.
func (b *setBuilder) customParameter(def *definitions.SearchParameter, resource string) (*Parameter, error) {
	typ := b.set.definitions.Type(resource)
	c := &pathCompiler{definitions: b.set.definitions, resource: typ, strict: true}
	p, err := b.parameter(c, def)
	switch {
	case err != nil:
		return nil, atExpression(err)
	case p == nil:
		return nil, expressionFault("it says nothing about the base %s", resource)
	case len(p.program.paths)+len(p.program.elements) > maxCustomElements || len(def.Components) > maxCustomElements:
		return nil, expressionFault("it leads to more than %d elements of %s", maxCustomElements, resource)
	}
	return p, nil
}

// atExpression lets a fault that the FHIRPath parser found say where it is.
func atExpression(err error) error {
	fault, ok := errors.AsType[*domain.Error](err)
	if !ok || len(fault.Issues) != 1 || len(fault.Issues[0].Expression) > 0 {
		return err
	}
	return &domain.Error{Kind: fault.Kind, Err: fault.Err, Issues: []domain.Issue{{
		Message: "The expression of a search parameter is wrong: " + fault.Issues[0].Message + ".", Expression: []string{"SearchParameter.expression"},
	}}}
}

// custom adds a custom parameter to the types that it applies to. All of them
// share its slot.
func (b *setBuilder) custom(custom *Custom) error {
	def := &custom.Definition
	if custom.Number > mostCustom {
		return fmt.Errorf("custom search parameter %s: its number %d is beyond %d", def.URL, custom.Number, mostCustom)
	}
	bases := b.basesOf(def)
	for _, resource := range bases {
		p, err := b.customParameter(def, resource)
		if err != nil {
			return fmt.Errorf("custom search parameter %s: %w", def.URL, err)
		}
		p.Slot = firstCustomSlot + Slot(custom.Number)
		p.Shared = len(bases) > 1
		p.Pending = custom.Pending
		b.set.plans[resource].addCustom(p)
	}
	return nil
}

// addCustom adds a parameter; one with the same code that was there before
// keeps it.
func (p *plan) addCustom(added *Parameter) {
	at, found := slices.BinarySearchFunc(p.parameters, added.Code, compareCode)
	if found {
		p.hidden = append(p.hidden, added)
		return
	}
	p.parameters = slices.Insert(p.parameters, at, added)
}
