package fhirpath

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/publicdata"
)

// suiteTest is one test of HL7's suite.
type suiteTest struct {
	Group, Name, Expression, Input string
	Mode, Predicate, Invalid       string
	Output                         []struct{ Type, Value string }
}

// knownMisses are the tests of HL7's suite that fhirlog answers otherwise, each
// with the reason.
var knownMisses = map[string]string{
	"testPlusDate19":                   "the fraction of seconds counts: 0.1 s later is .100; the suite drops it",
	"LowBoundaryDecimal15":             "-0.0034 may be as low as -0.00345, which with one decimal place only -0.1 bounds; the suite has -0.0",
	"HighBoundaryDecimal15":            "0.0034 may be as high as 0.00345, which with one decimal place only 0.1 bounds; the suite has 0.0",
	"HighBoundaryDecimal16":            "as HighBoundaryDecimal15, with a sign before the result",
	"HighBoundaryDateTimeMillisecond1": "the hour T08 ends at 08:59:59.999; the suite takes it for 08:00",
	"HighBoundaryDateTimeMillisecond3": "as HighBoundaryDateTimeMillisecond1",
}

func TestSharedSuite(t *testing.T) {
	var tests []suiteTest
	if err := json.Unmarshal(publicdata.Read(t, "testcases", "json", "r4", "fhirpath-tests.json"), &tests); err != nil {
		t.Fatal(err)
	}
	d := load(t, definitions.R4)
	inputs := map[string]fhirjson.Value{}
	passed := 0
	for _, test := range tests {
		if _, read := inputs[test.Input]; !read && test.Input != "" {
			inputs[test.Input] = parse(t, string(publicdata.Read(t, "testcases", "json", "r4", "inputs", test.Input)))
		}
		problem := runSuiteTest(d, test, inputs[test.Input])
		reason, known := knownMisses[test.Name]
		switch {
		case problem == "":
			passed++
			if known {
				t.Errorf("%s passes, although %s", test.Name, reason)
			}
		case !known:
			t.Errorf("%s: %s: %s", test.Name, test.Expression, problem)
		}
	}
	t.Logf("%d of %d tests pass (%.1f %%)", passed, len(tests), 100*float64(passed)/float64(len(tests)))
	if passed*100 < len(tests)*98 {
		t.Errorf("less than 98 %% pass")
	}
}

// runSuiteTest returns what is wrong, or "".
func runSuiteTest(d *definitions.Definitions, test suiteTest, input fhirjson.Value) string {
	context := Context{Now: time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC), ConformsTo: conformsToType}
	if input.Exists() {
		context.Root = NewResource(d, input)
	}
	e, err := Compile(d, test.Expression, Options{SingleAs: true})
	var got Collection
	if err == nil && context.Root.FHIRType() != nil {
		err = e.Check(context.Root.FHIRType())
	}
	if err == nil {
		got, err = e.Eval(context)
	}
	if test.Invalid != "" {
		if err == nil {
			return fmt.Sprintf("gives %v, want an error", got)
		}
		return ""
	}
	if err != nil {
		return err.Error()
	}
	if test.Predicate == "true" {
		got = appendBoolean(nil, len(got) > 0)
	}
	if len(got) != len(test.Output) {
		return fmt.Sprintf("gives %v, want %v", got, test.Output)
	}
	for i, want := range test.Output {
		v, _ := got[i].System()
		text := got[i].String()
		if _, isTemporal := v.(*Temporal); isTemporal {
			text = "@" + v.String()
			if v.SystemType() == "Time" {
				text = "@T" + v.String()
			}
		}
		if text != want.Value && !sameNumber(text, want.Value) {
			return fmt.Sprintf("gives %q, want %q", text, want.Value)
		}
		if want.Type != "" && !strings.EqualFold(got[i].Type().Name, want.Type) {
			return fmt.Sprintf("gives a %s, want a %s", got[i].Type(), want.Type)
		}
	}
	return ""
}

func sameNumber(a, b string) bool {
	da, okA := parseDecimal(a)
	db, okB := parseDecimal(b)
	return okA && okB && da.Cmp(db.Decimal) == 0
}

// conformsToType knows the profiles that are plain types.
func conformsToType(item Item, profile string) (bool, error) {
	name, ok := strings.CutPrefix(profile, "http://hl7.org/fhir/StructureDefinition/")
	if !ok {
		return false, errors.New("the profile is unknown")
	}
	return item.Type().Name == name, nil
}

// knownErrors are invariants that are wrong themselves, by their key.
var knownErrors = map[definitions.Version]map[string]string{
	definitions.R5: {"eld-11": "calls contains() on several types; and means a string by \":\", which is a name"},
}

// TestSharedExamples evaluates every search parameter and invariant of each
// FHIR version on every example of its type.
func TestSharedExamples(t *testing.T) {
	for _, v := range definitions.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			d := load(t, v)
			rules := &ruleBook{t: t, d: d, compiled: map[string]*Expression{}}
			evaluated, broken := 0, map[string]int{}
			publicdata.EachExample(t, v, func(name string, text []byte) {
				document, err := fhirjson.Parse(text, fhirjson.Limits{})
				if err != nil {
					return
				}
				root := NewResource(d, document.Root())
				if root.typ == nil {
					return
				}
				evaluated += rules.search(name, root)
				evaluated += rules.invariants(name, root, broken)
			})
			t.Logf("%s: %d expressions compiled, %d evaluations; invariants broken: %v", v, len(rules.compiled), evaluated, broken)
		})
	}
}

// ruleBook holds the compiled expressions of a FHIR version.
type ruleBook struct {
	t        *testing.T
	d        *definitions.Definitions
	compiled map[string]*Expression
}

func (b *ruleBook) compile(text string) *Expression {
	e, done := b.compiled[text]
	if !done {
		var err error
		if e, err = Compile(b.d, text, Options{}); err != nil {
			b.t.Errorf("%s: %v", text, err)
		} else if again, err := Parse(e.Node().String()); err != nil || again.String() != e.Node().String() {
			b.t.Errorf("%s: printed as %s: %v", text, e.Node(), err)
		}
		b.compiled[text] = e
	}
	return e
}

func (b *ruleBook) search(name string, root Item) (evaluated int) {
	parameters, err := b.d.SearchParameters(root.typ.Name)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, p := range parameters {
		if p.Expression == "" {
			continue
		}
		if e := b.compile(p.Expression); e != nil {
			evaluated++
			if _, err := e.Eval(Context{Root: root}); err != nil {
				b.t.Errorf("%s: %s: %v", name, p.Expression, err)
			}
		}
	}
	return evaluated
}

func (b *ruleBook) invariants(name string, root Item, broken map[string]int) (evaluated int) {
	compiler := &compiler{definitions: b.d}
	var walk func(context Context)
	walk = func(context Context) {
		evaluated += b.rules(name, context, broken)
		for _, child := range compiler.appendChildren(nil, context.Root) {
			next := context
			if next.Root = child; child.typ != nil && child.typ.Kind == definitions.Resource {
				next.Resource = child
				if context.Root.typ.Name == "Bundle.entry" {
					next.RootResource = child
				}
			}
			walk(next)
		}
	}
	walk(Context{Root: root, Resource: root, RootResource: root, Now: time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC),
		MemberOf: func(Item, string) (bool, error) { return true, nil }, ConformsTo: conformsToType})
	return evaluated
}

// rules evaluates the invariants of the types of an item.
func (b *ruleBook) rules(name string, context Context, broken map[string]int) (evaluated int) {
	for typ := context.Root.typ; typ != nil; typ = b.d.Type(typ.Base) {
		rules, err := b.d.Invariants(typ.Name)
		if err != nil {
			b.t.Fatal(err)
		}
		for _, rule := range rules {
			e := b.compile(rule.Expression)
			if rule.Expression == "" || e == nil {
				continue
			}
			evaluated++
			holds, known, err := e.Test(context)
			if err != nil && knownErrors[b.d.Version()][rule.Key] == "" {
				b.t.Errorf("%s: %s: %s: %v", name, rule.Key, rule.Expression, err)
			}
			if known && !holds {
				broken[rule.Key]++
			}
		}
	}
	return evaluated
}
