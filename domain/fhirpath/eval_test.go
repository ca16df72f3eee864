package fhirpath

import (
	"strings"
	"testing"

	"fhirlog/domain"
)

// evalCase is an expression with its result as show writes it, or after "!" a
// part of the error.
type evalCase struct{ expression, want string }

func runCases(t *testing.T, resource string, cases []evalCase) {
	t.Helper()
	for _, test := range cases {
		got, err := eval(t, test.expression, resource)
		if wanted, isError := strings.CutPrefix(test.want, "!"); isError {
			if err == nil || !strings.Contains(err.Error(), wanted) {
				t.Errorf("%s = %s, %v, want the error %q", test.expression, show(got), err, wanted)
			} else if domain.KindOf(err) == domain.Internal {
				t.Errorf("%s: the error has no kind: %v", test.expression, err)
			}
			continue
		}
		if err != nil || show(got) != test.want {
			t.Errorf("%s = %s, %v, want %s", test.expression, show(got), err, test.want)
		}
	}
}

func TestPaths(t *testing.T) {
	runCases(t, patientJSON, []evalCase{
		{"Patient.name.given", "'Ann', 'Eva', 'Annie'"},
		{"name.family", "'Berg'"},
		{"Resource.id", "'p1'"},
		{"DomainResource.name.use", "'official', 'nickname'"},
		{"Encounter.name", ""},
		{"name[1].given", "'Annie'"},
		{"name[2]", ""},
		{"name[-1]", ""},
		{"name['a']", "!the index is to be an Integer, not a String"},
		{"name", "HumanName, HumanName"},
		{"contained", "Organization, Practitioner"},
		{"contained.name", "'Clinic'"},
		{"active", "true"},
		{"birthDate", "@1980-02-29"},
		{"birthDate.id", "'bd'"},
		{"birthDate.value", "@1980-02-29"},
		{"birthDate.extension.url", "'http://example.org/birthTime'"},
		{"birthDate.extension.value", "@1980-02-29T04:05:06+01:00"},
		{"name.given.extension.value", "'c'"},
		{"deceased", "boolean"},
		{"deceased.hasValue()", "false"},
		{"deceased.extension('http://example.org/unknown').value", "true"},
		{"deceasedBoolean", ""},
		{"multipleBirth", "2"},
		{"extension.value", "40 'a'"},
		{"text.div.exists()", "true"},
		{"resourceType", ""},
		{"nothing.here", ""},
		{"telecom.where($index = 1).value", "'a@b.c'"},
		{"name.select(given.first() & ' ' & family)", "'Ann Berg', 'Annie '"},
		{"%context.id | %resource.id | %rootResource.id", "'p1'"},
		{"%nothing", "!there is no variable '%nothing'"},
		{"%ucum", "'http://unitsofmeasure.org'"},
		{"%`vs-x`", "'http://hl7.org/fhir/ValueSet/x'"},
		{"%`ext-x`", "'http://hl7.org/fhir/StructureDefinition/x'"},
	})
}

func TestExistence(t *testing.T) {
	runCases(t, patientJSON, []evalCase{
		{"name.empty()", "false"},
		{"link.empty()", "true"},
		{"name.exists()", "true"},
		{"name.exists(use = 'old')", "false"},
		{"telecom.all(system = 'phone' or system = 'email')", "true"},
		{"telecom.all(rank > 0)", "false"},
		{"link.all(false)", "true"},
		{"telecom.select(rank.exists()).allTrue()", "false"},
		{"telecom.select(rank.exists()).anyTrue()", "true"},
		{"telecom.select(rank.exists()).allFalse()", "false"},
		{"telecom.select(rank.exists()).anyFalse()", "true"},
		{"{}.allTrue() and {}.allFalse() and {}.anyTrue().not()", "true"},
		{"(1).allTrue()", "!allTrue() is called on Booleans, and there is a Integer"},
		{"(1 | 2).subsetOf(1 | 2 | 3)", "true"},
		{"(1 | 4).subsetOf(1 | 2 | 3)", "false"},
		{"{}.subsetOf(1)", "true"},
		{"(1 | 2).supersetOf(2)", "true"},
		{"name.given.count()", "3"},
		{"telecom.system.distinct()", "'phone', 'email'"},
		{"telecom.system.isDistinct()", "false"},
		{"name.where(given.count() > 1).family", "'Berg'"},
		{"name.where(1 | 2)", "!the criterion of where() is to be a single Boolean"},
		{"name.select(given).count()", "3"},
		{"repeat(contained).id", "'org', 'doc'"},
		{"(1 | 2 | 3).repeat(iif($this < 5, $this + 1, {}))", "2, 3, 4, 5"},
		{"contained.ofType(Organization).id", "'org'"},
		{"telecom.sort(rank).value", "'2', '1', 'a@b.c'"},
		{"telecom.sort(-rank).value", "'a@b.c', '1', '2'"},
	})
}

func TestSubsets(t *testing.T) {
	runCases(t, patientJSON, []evalCase{
		{"name.first().family.single()", "'Berg'"},
		{"name.single()", "!single() is called on at most one item, and there are 2"},
		{"{}.single()", ""},
		{"(1 | 2 | 3).first()", "1"},
		{"(1 | 2 | 3).last()", "3"},
		{"(1 | 2 | 3).tail()", "2, 3"},
		{"{}.tail()", ""},
		{"(1 | 2 | 3).skip(2)", "3"},
		{"(1 | 2 | 3).skip(-1)", "1, 2, 3"},
		{"(1 | 2 | 3).skip(9)", ""},
		{"(1 | 2 | 3).take(2)", "1, 2"},
		{"(1 | 2 | 3).take(0)", ""},
		{"(1 | 2 | 3).take({})", ""},
		{"(1).combine(1).combine(2).intersect(1 | 3)", "1"},
		{"(1).combine(1).combine(2).exclude(2)", "1, 1"},
		{"(1).combine(1).union(2)", "1, 2"},
		{"1 | 1.0 | 2", "1, 2"},
		{"(1 | 2) contains 2", "true"},
		{"3 in (1 | 2)", "false"},
		{"{} in (1 | 2)", ""},
		{"(1 | 2) in (1 | 2)", "!'in' looks for a single item, and there are 2"},
	})
}

func TestEquality(t *testing.T) {
	runCases(t, patientJSON, []evalCase{
		{"1 = 1.0", "true"},
		{"1 = '1'", "false"},
		{"{} = 1", ""},
		{"(1 | 2) = (2 | 1)", "false"},
		{"(1 | 2) ~ (2 | 1)", "true"},
		{"{} ~ {}", "true"},
		{"1 !~ {}", "true"},
		{"'Ann' ~ 'ann'", "true"},
		{"'a  b' ~ 'A B'", "true"},
		{"name.first() = name.first()", "true"},
		{"name.first() = name.last()", "false"},
		{"name = name", "true"},
		{"name ~ name", "true"},
		{"gender = 'female'", "true"},
		{"'female' = gender", "true"},
		{"active = true", "true"},
		{"birthDate = @1980-02-29", "true"},
		{"birthDate = @1980-02", ""},
		{"birthDate = @1981-02", "false"},
		{"birthDate ~ @1980-02", "false"},
		{"@2012-04-15T15:00:00Z = @2012-04-15T17:00:00+02:00", "true"},
		{"@2012-04-15T15:00:00Z = @2012-04-15T10:00:00", ""},
		{"@2012-04-15T15:00:00Z > @2012-04-10T10:00:00", "true"},
		{"@T10:00 = @T10:00:00", ""},
		{"@2012 = @T10", "false"},
		{"1.25 ~ 1.3", "true"},
		{"1 'kg' = 1000 'g'", "true"},
		{"1 'kg' = 1 'm'", ""},
		{"1 'kg' ~ 1 'm'", "false"},
		{"4 'g' ~ 4040 'mg'", "true"},
		{"1 year = 12 months", "true"},
		{"1 year = 1 'a'", ""},
		{"1 year ~ 1 'a'", "true"},
		{"2 weeks = 14 'd'", "true"},
		{"37 'Cel' = 310.15 'K'", "true"},
		{"1 '1' = 1", "true"},
		{"3 'lbs' < 4 'lbs'", "true"},
		{"3 'lbs' < 4 'kg'", ""},
		{"'a' < 'b'", "true"},
		{"1 < 'b'", "!'<' does not work with Integer and String"},
		{"true < false", "!'<' does not work with Boolean and Boolean"},
		{"(1 | 2) < 3", "!the left side of '<' is to be a single value, and there are 2"},
		{"name.first() < 3", "!the left side of '<' is to be a simple value, not a HumanName"},
	})
}

func TestLogic(t *testing.T) {
	words := []string{"true", "false", "{}"}
	table := map[string]string{ // true, false and empty by each other, from left to right
		"and":     "true false  false false false  false ",
		"or":      "true true true true false  true  ",
		"xor":     "false true  true false    ",
		"implies": "true false  true true true true  ",
	}
	for op, results := range table {
		wanted := strings.Split(results, " ")
		for i, left := range words {
			for j, right := range words {
				runCases(t, "", []evalCase{{left + " " + op + " " + right, wanted[i*3+j]}})
			}
		}
	}
	runCases(t, patientJSON, []evalCase{
		{"true.not()", "false"},
		{"{}.not()", ""},
		{"name.given.first() and true", "true"},
		{"name.given and true", "!the left side of 'and' is to be a single Boolean"},
		{"false and (1 | 2)", "false"},
		{"deceased and true", ""},
		{"iif(true, 1, 1 / 'a')", "1"},
		{"iif({}, 1, 2)", "2"},
		{"iif(false, 1)", ""},
		{"iif(1, 2, 3)", "!the criterion of iif() is to be a single Boolean"},
		{"name.iif(true, 1)", "!iif() is called on at most one item"},
	})
}

func TestArithmetic(t *testing.T) {
	runCases(t, "", []evalCase{
		{"1 + 2 * 3 - 4", "3"},
		{"7 / 2", "3.5"},
		{"1 / 3", "0.3333333333333333333333333333333333"},
		{"7 div 2", "3"},
		{"-7 div 2", "-3"},
		{"-7 mod 2", "-1"},
		{"5.5 mod 2", "1.5"},
		{"1 / 0", ""},
		{"1 div 0", ""},
		{"1.5 mod 0", ""},
		{"0.1 + 0.2", "0.3"},
		{"2147483647 + 1", ""},
		{"-2147483648 - 1", ""},
		{"65536 * 65536", ""},
		{"3000000000 + 1", "3000000001"},
		{"9223372036854775807 + 1", ""},
		{"9223372036854775807 * 2", ""},
		{"'a' + 'b'", "'ab'"},
		{"'a' + {}", ""},
		{"'a' & {}", "'a'"},
		{"'a' & 1", "!'&' does not work with String and Integer"},
		{"1 + 'a'", "!'+' does not work with Integer and String"},
		{"-'a'", "!'-' stands before a number or quantity, not a String"},
		{"-(5 'mg')", "-5 'mg'"},
		{"1 'kg' + 500 'g'", "1.5 'kg'"},
		{"1 'kg' - 1 'm'", ""},
		{"2 'm' * 3 'm'", "6 'm.m'"},
		{"6 'm2' / 2 'm' = 3 'm'", "true"},
		{"6 'm' / 2", "3 'm'"},
		{"6 'm' / 0 's'", ""},
		{"@2020-02-29 + 1 year", "@2021-02-28"},
		{"@2020-01-31 + 1 month", "@2020-02-29"},
		{"@2020-01-31 - 12 months", "@2019-01-31"},
		{"@2020 + 24 months", "@2022"},
		{"@2020 + 366 days", "@2021"},
		{"@2020-01-01 + 47 hours", "@2020-01-02"},
		{"@2020-01-01T10:00 + 90 minutes", "@2020-01-01T11:30"},
		{"@2020-01-01T10:00:00Z + 0.5 seconds", "@2020-01-01T10:00:00.500Z"},
		{"@T23:30 + 1 hour", "@T00:30"},
		{"@T10 + 30 minutes", "@T10"},
		{"@9999-12-31 + 1 day", ""},
		{"@0001-01-01 - 1 day", ""},
		{"@2020-01-01 + 1 'mo'", "!'+' does not work with Date and Quantity"},
		{"@2020-01-01 + 1", "!'+' does not work with Date and Integer"},
		{"@2020-01-01 * 2", "!'*' does not work"},
	})
}
