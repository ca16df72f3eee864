package validate

import (
	"math/rand/v2"
	"strings"
	"testing"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirpath"
)

// contactPoint are the elements that random expressions are about, each with a value.
var contactPoint = map[string]string{
	"system": `"system":"phone"`, "value": `"value":"1"`, "use": `"use":"home"`, "rank": `"rank":2`, "period": `"period":{"start":"2020"}`,
}

// randomExpression writes an expression of the parts that decide looks into, and of
// some that it does not.
func randomExpression(r *rand.Rand, depth int) string {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	element := func() string {
		return pick("system", "value", "use", "rank", "period", "period.start", "period.end", "extension", "ContactPoint.value", "$this")
	}
	if depth == 0 || r.IntN(5) == 0 {
		switch r.IntN(12) {
		case 0:
			return pick("true", "false", "{}")
		case 1:
			return element() + " = " + pick("'phone'", "'1'", "2", "{}")
		case 2:
			return "rank " + pick("<", ">", "<=", ">=") + " " + pick("1", "2", "3")
		case 3:
			return element() + ".hasValue()"
		case 4:
			return "system in (" + pick("'phone'", "'fax'") + " | 'pager')"
		case 5:
			return element() + pick(".where($this.exists())", ".first()", ".tail()", "[0]", ".trace('x')", ".descendants()") + ".exists()"
		case 6:
			return element() + ".exists(" + pick("true", "false", "$this = '1'") + ")"
		case 7:
			return element() + ".all(" + pick("true", "false") + ")"
		case 8:
			return element() + ".count() " + pick("=", ">", "<") + " " + pick("0", "1")
		case 9:
			return "value" + pick(".startsWith('1')", ".contains('2')", ".matches('1')")
		}
		return element() + pick(".exists()", ".empty()")
	}
	inner := func() string { return "(" + randomExpression(r, depth-1) + ")" }
	switch r.IntN(7) {
	case 0:
		return inner() + ".not()"
	case 1:
		return inner() + pick(".exists()", ".empty()", ".hasValue()")
	case 2:
		return inner() + pick(" = ", " != ", " | ") + inner()
	}
	return inner() + pick(" and ", " or ", " xor ", " implies ") + inner()
}

// TestDecideRandom compares the tables of random expressions with their evaluation
// on all elements there can be.
func TestDecideRandom(t *testing.T) {
	va := newValidator(t, definitions.R4)
	typ := va.definitions.Type("ContactPoint")
	names := []string{"system", "value", "use", "rank", "period"}
	type object struct {
		root fhirjson.Value
		seen definitions.ElementSet
	}
	var objects []object
	for mask := 1; mask < 1<<len(names); mask++ {
		var members []string
		var o object
		for i, name := range names {
			if mask&(1<<i) != 0 {
				members = append(members, contactPoint[name])
				m, _ := typ.Member([]byte(name))
				o.seen.Add(m.Element.Index)
			}
		}
		document, err := fhirjson.Parse([]byte("{"+strings.Join(members, ",")+"}"), fhirjson.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		o.root = document.Root()
		objects = append(objects, o)
	}
	const seed = 4
	r := rand.New(rand.NewPCG(seed, seed))
	count := map[verdict]int{}
	for range 4000 {
		text := randomExpression(r, 3)
		e, err := fhirpath.Compile(va.definitions, text, fhirpath.Options{})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		d := decide(e.Node(), typ)
		for i := range objects {
			verdict := d.by(&objects[i].seen)
			count[verdict]++
			if verdict == openVerdict {
				continue
			}
			passes, known, err := e.Test(fhirpath.Context{Root: fhirpath.NewElement(typ, objects[i].root, fhirjson.Value{})})
			if err == nil && (verdict == broken) != (known && !passes) {
				t.Fatalf("seed %d: %s on %s: the table says %d, the evaluation %v, %v", seed, text, objects[i].root.Raw(), verdict, passes, known)
			}
		}
	}
	t.Logf("open %d, holds %d, broken %d", count[openVerdict], count[holds], count[broken])
	if count[holds] < 1000 || count[broken] < 1000 {
		t.Errorf("too few decisions to tell: %v", count)
	}
}
