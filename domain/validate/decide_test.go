package validate

import (
	"strings"
	"testing"
	"time"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirpath"
	"fhirlog/domain/publicdata"
)

func TestDecide(t *testing.T) {
	const (
		h, b, o = "holds", "broken", "open"
	)
	tests := []struct {
		typ, expression string
		elements        string   // those that decide
		want            []string // by their presence: none, the first, the second, both
	}{
		{"ContactPoint", "value.empty() or system.exists()", "value system", []string{h, b, h, h}},
		{"ContactPoint", "value.exists() implies system.exists()", "value system", []string{h, b, h, h}},
		{"ContactPoint", "value.exists() xor system.exists()", "value system", []string{b, h, h, b}},
		{"ContactPoint", "value.exists() = system.exists()", "value system", []string{h, b, b, h}},
		{"ContactPoint", "value.exists() != system.exists()", "value system", []string{b, h, h, b}},
		{"ContactPoint", "(value.exists() and system.exists()).not()", "value system", []string{h, h, h, b}},
		{"ContactPoint", "value | system", "value system", []string{h, o, o, o}},
		{"ContactPoint", "value.empty() and rank > 1", "value rank", []string{h, b, o, b}},
		{"Period", "start.hasValue().not() or end.hasValue().not() or (start <= end)", "start end", []string{h, h, h, o}},
		{"Bundle", "total.empty() or (type = 'searchset')", "total type", []string{h, h, h, o}},
		{"Observation", "value.empty() or component.code.where(coding.intersect(%resource.code.coding).exists()).empty()", "value component", []string{h, h, h, o}},
		{"Observation", "dataAbsentReason.empty() or value.empty()", "dataAbsentReason value", []string{h, h, h, b}},
		{"Bundle", "entry.all(resource.exists()) and type = 'x'", "entry type", []string{h, o, o, o}},
		{"Bundle", "entry.first().resource.is(Composition) or type in ('a'|'b')", "entry type", []string{h, h, h, o}},
		{"Patient", "Patient.name.exists()", "", nil},
		{"Patient", "descendants().id.exists()", "", nil},
		{"Patient", "%resource.id.exists()", "", nil},
		{"Patient", "true", "", []string{h}},
		{"Patient", "name.exists() or telecom.exists() or gender.exists() or birthDate.exists() or deceased.exists() or address.exists() or photo.exists() or contact.exists() or link.exists()", "", nil},
	}
	va := newValidator(t, definitions.R4)
	for _, test := range tests {
		typ := va.definitions.Type(test.typ)
		node, err := fhirpath.Parse(test.expression)
		if err != nil {
			t.Fatal(err)
		}
		d := decide(node, typ)
		var elements, got []string
		for _, index := range d.elements {
			elements = append(elements, typ.Elements[index].Name)
		}
		for _, v := range d.verdicts {
			got = append(got, []string{o, h, b}[v])
		}
		if strings.Join(elements, " ") != test.elements || strings.Join(got, " ") != strings.Join(test.want, " ") {
			t.Errorf("%s on %s: %q %q, want %q %q", test.expression, test.typ, elements, got, test.elements, test.want)
		}
	}
}

// TestDecisionsAgree checks on all examples of testdata, and on what is left of them
// when any member is taken out, that what decides rules without evaluating them
// says what the evaluation does: the tables, and the rules that are checked by hand.
func TestDecisionsAgree(t *testing.T) {
	for _, v := range definitions.Versions() {
		c := newComparison(t, v)
		for _, e := range examples(t) {
			if e.version == v && len(e.text) < 8_000 {
				c.text(e.name, e.text, true)
			}
		}
		t.Logf("%s: %d decisions agree with the evaluation, %d of them that a rule is broken", v, c.decided, c.broken)
		if c.decided < 500 || c.broken < 10 {
			t.Errorf("%s: too few decisions to tell: %d, broken %d", v, c.decided, c.broken)
		}
	}
}

// TestSharedDecisionsAgree does the same with all of HL7's examples as they are.
func TestSharedDecisionsAgree(t *testing.T) {
	for _, v := range definitions.Versions() {
		c := newComparison(t, v)
		publicdata.EachExample(t, v, func(name string, text []byte) {
			if len(text) < 1<<20 {
				c.text(name, text, false)
			}
		})
		t.Logf("%s: %d decisions agree with the evaluation, %d of them that a rule is broken", v, c.decided, c.broken)
	}
}

// comparison compares decisions with evaluations.
type comparison struct {
	t               *testing.T
	va              *Validator
	byHand          map[string]*fhirpath.Expression // the rules checked by hand, as published
	decided, broken int
}

func newComparison(t *testing.T, v definitions.Version) *comparison {
	c := &comparison{t: t, va: newValidator(t, v), byHand: map[string]*fhirpath.Expression{}}
	eachInvariant(t, c.va.definitions, func(path string, i definitions.Invariant) {
		switch {
		case i.Key != "ele-1" && i.Key != "ref-1" && i.Key != "dom-3", c.byHand[i.Key] != nil:
			return
		case i.Key == "ref-1" && v == definitions.STU3:
			return // %resource of a contained resource is that itself: what it refers to beside itself is never found
		}
		e, err := fhirpath.Compile(c.va.definitions, i.Expression, fhirpath.Options{})
		if err != nil {
			t.Fatal(err)
		}
		c.byHand[i.Key] = e
	})
	return c
}

// text compares for a resource and, with variants, for the resource without each of
// its members.
func (c *comparison) text(name string, text []byte, variants bool) {
	document, err := fhirjson.Parse(text, fhirjson.Limits{})
	if err != nil || c.va.definitions.TypeOf(document.Root().Get("resourceType").Text()) == nil {
		return
	}
	c.resource(name, document.Root())
	if !variants {
		return
	}
	var walk func(v fhirjson.Value)
	walk = func(v fhirjson.Value) {
		for child := v.First(); child.Exists(); child = child.Next() {
			if child.IsMember() && string(child.Name()) != "resourceType" && v.Len() > 1 {
				edits := fhirjson.RemoveMembers(nil, v, func(n []byte) bool { return string(n) == string(child.Name()) })
				without, err := fhirjson.Parse(fhirjson.AppendCompact(nil, document.Root(), edits), fhirjson.Limits{})
				if err != nil {
					c.t.Fatal(err)
				}
				c.resource(name+" without "+child.Path(), without.Root())
			}
			walk(child)
		}
	}
	walk(document.Root())
}

// resource compares all tables of the types in a resource, and the rules by hand.
func (c *comparison) resource(name string, root fhirjson.Value) {
	found := map[string]bool{}
	for _, issue := range c.va.Check(root, Options{Rules: Fail, Recommendations: true}) {
		for key := range c.byHand {
			if strings.HasPrefix(issue.Message, "The rule "+key+" ") {
				found[key] = true
			}
		}
	}
	evaluated := map[string]bool{}
	item := fhirpath.NewResource(c.va.definitions, root)
	c.walk(name, fhirpath.Context{Root: item, Resource: item, RootResource: item, Now: time.Unix(1e9, 0)}, evaluated)
	for key := range c.byHand {
		if found[key] != evaluated[key] {
			c.t.Errorf("%s of %s: by hand broken %v, evaluated %v", key, name, found[key], evaluated[key])
		}
	}
}

var children = map[*definitions.Definitions]*fhirpath.Expression{}

func (c *comparison) walk(name string, context fhirpath.Context, broken map[string]bool) {
	typ := context.Root.FHIRType()
	if typ == nil {
		return
	}
	c.rules(name, typ, context)
	for base := typ; base != nil; base = c.va.definitions.Type(base.Base) {
		all, _ := c.va.definitions.Invariants(base.Name)
		for _, i := range all {
			if e := c.byHand[i.Key]; e != nil {
				holds, known, err := e.Test(context)
				if err != nil {
					c.t.Errorf("%s of %s: %v", i.Key, name, err)
				}
				broken[i.Key] = broken[i.Key] || known && !holds
			}
		}
	}
	if children[c.va.definitions] == nil {
		e, err := fhirpath.Compile(c.va.definitions, "children()", fhirpath.Options{})
		if err != nil {
			c.t.Fatal(err)
		}
		children[c.va.definitions] = e
	}
	items, err := children[c.va.definitions].Eval(context)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, child := range items {
		next := context
		next.Root = child
		if t := child.FHIRType(); t != nil && t.Kind == definitions.Resource {
			next.Resource = child
			if typ.Name == "Bundle.entry" || typ.Name == "Parameters.parameter" {
				next.RootResource = child
			}
		}
		c.walk(name, next, broken)
	}
}

// rules compares the tables of one element.
func (c *comparison) rules(name string, typ *definitions.Type, context fhirpath.Context) {
	object := context.Root.Place()
	if object.Kind() != fhirjson.Object || typ.Kind == definitions.Primitive {
		return
	}
	var seen definitions.ElementSet
	for m := object.First(); m.Exists(); m = m.Next() {
		if found, ok := typ.Member([]byte(strings.TrimPrefix(string(m.Name()), "_"))); ok {
			seen.Add(found.Element.Index)
		}
	}
	rules := c.va.book.of(typ).rules
	for i := range rules {
		r := &rules[i]
		verdict := r.decision.by(&seen)
		if verdict == openVerdict {
			continue
		}
		c.decided++
		passes, known, err := r.expression.Test(context)
		if err != nil || (verdict == broken) != (known && !passes) {
			c.t.Errorf("%s at %s of %s: the table says %d, the evaluation %v, %v, %v", r.key, object.Path(), name, verdict, passes, known, err)
		}
		if verdict == broken {
			c.broken++
		}
	}
}
