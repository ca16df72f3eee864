package fhirpath

import (
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
)

// TestParsePrints pins the tree of an expression by its printed form, in which
// parentheses stand only where the tree needs them.
func TestParsePrints(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"Patient.name.given", "Patient.name.given"},
		{" Patient . name [ 0 ] . given ", "Patient.name[0].given"},
		{"`Patient`.`div`.\"odd name\"", "Patient.div.`odd name`"},
		{"contains.is.as.in.div", "contains.is.as.in.div"},
		{"a.where(b = 'it''s')", ""},
		{`'it\'s \\ \u0041\n'`, `'it\'s \\ A\n'`},
		{`'\ud83d\ude00'`, `'😀'`},
		{"1 + 2 * 3", "1 + 2 * 3"},
		{"(1 + 2) * 3", "(1 + 2) * 3"},
		{"1 - (2 - 3) - 4", "1 - (2 - 3) - 4"},
		{"a | b is Quantity", "a | b is Quantity"},
		{"(a | b) is Quantity", "(a | b) is Quantity"},
		{"a = b and c != d or e implies f xor g", "a = b and c != d or e implies f xor g"},
		{"a and (b or c)", "a and (b or c)"},
		{"1 > 2 is Boolean", "1 > 2 is Boolean"},
		{"a in b | c", "a in b | c"},
		{"-a.b", "-a.b"},
		{"(-1).abs()", "(-1).abs()"},
		{"-+1", "-+1"},
		{"- 1 * 2", "-1 * 2"},
		{"(Observation.value as Quantity) | (Observation.value as SampledData)", "Observation.value as Quantity | Observation.value as SampledData"},
		{"(a as Quantity).unit", "(a as Quantity).unit"},
		{"a.as(Quantity).ofType(FHIR.Period).is(System.String)", "a.as(Quantity).ofType(FHIR.Period).is(System.String)"},
		{"is(Patient)", "is(Patient)"},
		{"a is FHIR.`Patient`", "a is FHIR.Patient"},
		{"a.ofType('FHIR.Patient')", "a.ofType(FHIR.Patient)"},
		{"@2015", "@2015"},
		{"@2015T", "@2015T"},
		{"@2015-02T", "@2015-02T"},
		{"@2015-02-04T14:34:28.123+10:00", "@2015-02-04T14:34:28.123+10:00"},
		{"@T14:34", "@T14:34"},
		{"4 days + 10.50 'mg' + 1 week", "4 days + 10.50 'mg' + 1 week"},
		{"1.convertsToInteger()", "1.convertsToInteger()"},
		{"1.0.toString()", "1.0.toString()"},
		{"{}.empty()", "{}.empty()"},
		{"%resource.id = %`vs-x` & %'ext-y'", "%resource.id = %`vs-x` & %`ext-y`"},
		{"$this.select($index + $total)", "$this.select($index + $total)"},
		{"a // comment\n + /* b */ c", "a + c"},
		{"f()", "f()"},
		{"f(a, g(b), {})", "f(a, g(b), {})"},
		{"`true`.x", "`true`.x"},
	} {
		n, err := Parse(test.text)
		if test.want == "" {
			if err == nil {
				t.Errorf("Parse(%q) = %s, want an error", test.text, n)
			}
			continue
		}
		if err != nil {
			t.Errorf("Parse(%q): %v", test.text, err)
			continue
		}
		if n.String() != test.want {
			t.Errorf("Parse(%q) = %s, want %s", test.text, n, test.want)
		}
		again, err := Parse(n.String())
		if err != nil || again.String() != n.String() {
			t.Errorf("Parse(%q) printed as %s, which gives %v, %v", test.text, n, again, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", "column 1: a path, value or function is expected, not the end"},
		{"Patient.", "column 9: a name is expected, not the end"},
		{"a..b", "column 3: a name is expected, not '.'"},
		{"a b", "column 3: the end of the expression or an operator is expected, not 'b'"},
		{"2 + 2 /", "column 8: a path, value or function is expected, not the end"},
		{"a /* b", "column 3: a comment begins here and never ends"},
		{"'abc", "column 1: a quotation begins here and never ends"},
		{`'a\x'`, "column 3: after a backslash"},
		{`'\u12'`, `column 2: \u takes the four hexadecimal digits`},
		{`'\ud800'`, `column 2: \u takes the four hexadecimal digits`},
		{"é + #", "column 1: the character 'é' has no meaning here"},
		{"'é' + #", "column 7: the character '#' has no meaning here"},
		{"a +\n b ?", "line 2, column 4: the character '?' has no meaning here"},
		{"a is", "column 5: the name of a type is expected, not the end"},
		{"a.ofType()", "column 10: the name of a type is expected, not ')'"},
		{"a[0", "column 4: ']' is expected, not the end"},
		{"f(a b)", "column 5: ',' is expected, not 'b'"},
		{"(a", "column 3: ')' is expected, not the end"},
		{"@2015-13-01", "column 1: there is no such date or time"},
		{"@2015-02-30", "column 1: there is no such date or time"},
		{"@T25", "column 1: there is no such date or time"},
		{"@T14:34:28Z", "column 11: the end of the expression"},
		{"$that", "column 1: a name is expected, not '$that'"},
		{"a.$this", "column 3: a name is expected, not '$this'"},
		{"``", "column 1: a name cannot be empty"},
		{"99999999999999999999", "column 1: an integer this large"},
		{strings.Repeat("(", 300) + "1" + strings.Repeat(")", 300), "may nest 200 deep"},
		{strings.Repeat("-", 300) + "1", "too many signs"},
		{strings.Repeat("a", maxText+1), "an expression has at most 65536 bytes"},
	} {
		_, err := Parse(test.text)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Parse(%.40q): %v, want %q", test.text, err, test.want)
		}
		if domain.KindOf(err) != domain.Invalid {
			t.Errorf("Parse(%.40q): the kind is %v", test.text, domain.KindOf(err))
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	d := load(t, definitions.R4)
	for _, test := range []struct{ text, want string }{
		{"name.foo()", "column 6: there is no function 'foo'"},
		{"name.where()", "column 6: where() takes one argument"},
		{"name.count(1)", "column 6: count() takes no arguments"},
		{"'a'.substring()", "substring() takes one argument or two arguments"},
		{"value is Unknown", "column 7: FHIR 4.0.1 has no type 'Unknown'"},
		{"value.ofType(FHIR.String1)", "FHIR 4.0.1 has no type 'FHIR.String1'"},
		{"'a'.matches('(')", "matches() cannot read the regular expression: missing closing )"},
		{"'a'.matches('(?!b)')", "matches() cannot read the regular expression"},
		{"'a'.matches('b', 'x')", "matches() knows the flags 'i' and 'm'"},
	} {
		_, err := Compile(d, test.text, Options{})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Compile(%q): %v, want %q", test.text, err, test.want)
		}
	}
}

// TestTables compiles every search parameter and invariant of every FHIR
// version. A search parameter is sound for its type, and printed it is the same.
func TestTables(t *testing.T) {
	for _, v := range definitions.Versions() {
		d := load(t, v)
		for _, resource := range d.Resources() {
			parameters, err := d.SearchParameters(resource)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range parameters {
				if p.Expression != "" {
					e := compileTable(t, d, p.Expression)
					if err := e.Check(d.Type(resource)); err != nil && len(p.Base) == 1 {
						t.Errorf("%s: %s: %v", v, p.Expression, err)
					}
				}
			}
			rules, err := d.Invariants(resource)
			if err != nil {
				t.Fatal(err)
			}
			for _, rule := range rules {
				if rule.Expression != "" {
					compileTable(t, d, rule.Expression)
				}
			}
		}
	}
}

func compileTable(t *testing.T, d *definitions.Definitions, text string) *Expression {
	t.Helper()
	e, err := Compile(d, text, Options{})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	printed := e.Node().String()
	if again, err := Parse(printed); err != nil || again.String() != printed {
		t.Errorf("%s: printed as %s, which gives %v", text, printed, err)
	}
	return e
}

func TestCheck(t *testing.T) {
	d := load(t, definitions.R4)
	for _, test := range []struct{ root, text, want string }{
		{"Patient", "name.given1", "column 6: HumanName has no element 'given1'"},
		{"Patient", "Encounter.name", "column 1: Patient has no element 'Encounter'"},
		{"Patient", "name.where(first = 'a')", "column 12: HumanName has no element 'first'"},
		{"Patient", "(name | telecom).foo", "column 18: what stands before it has no element 'foo'"},
		{"Patient", "(name | telecom).use", ""},
		{"Patient", "children().skip(1)", "skip() goes by order"},
		{"Patient", "descendants()[0]", "an index goes by order"},
		{"Patient", "children().foo", ""},
		{"Patient", "Resource.id", ""},
		{"Patient", "generalPractitioner.resolve().name", ""},
		{"Patient", "birthDate.extension.value.foo", "has no element 'foo'"},
		{"Observation", "valueQuantity.unit", "Observation has no element 'valueQuantity'"},
		{"Observation", "(value as Period).unit", "Period has no element 'unit'"},
		{"Observation", "value.as(Quantity).unit", ""},
		{"Observation", "value.value", ""},
		{"Questionnaire", "repeat(item).linkId", ""},
		{"Bundle", "entry.resource.name", ""},
	} {
		e, err := Compile(d, test.text, Options{})
		if err != nil {
			t.Fatal(err)
		}
		err = e.Check(d.Type(test.root))
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s on %s: %v, want %q", test.text, test.root, err, test.want)
		}
	}
}
