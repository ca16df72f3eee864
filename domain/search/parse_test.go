package search

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
)

// TestParseFaults are searches that are wrong, also when handling is lenient;
// want is a part of the message.
func TestParseFaults(t *testing.T) {
	tests := []struct {
		search string
		kind   domain.Kind
		want   string
	}{
		// modifiers
		{"Patient?name:below=x", domain.Invalid, `name is of type string and does not take the modifier ":below"; possible are missing, exact, contains, text`},
		{"Patient?gender:exact=male", domain.Invalid, "of type token"},
		{"Patient?birthdate:not=2020", domain.Invalid, "possible is missing"},
		{"Observation?code-value-concept:missing=true", domain.Invalid, "it takes none"},
		{"Observation?code:in=http://vs", domain.NotSupported, "needs terminology"},
		{"Observation?code:not-in=http://vs", domain.NotSupported, "needs terminology"},
		{"Observation?code:above=x", domain.NotSupported, "needs terminology"},
		{"Observation?code:below=x", domain.NotSupported, "needs terminology"},
		{"Observation?subject:Foo=1", domain.Invalid, "possible are missing, identifier, text and the names of types"},
		{"Observation?subject:Medication=1", domain.Invalid, "does not refer to Medication; it refers to Device, Group, Location, Patient"},
		{"Observation?subject:Patient=Group/1", domain.Invalid, "right is Patient/id or id alone"},
		{"Patient?name:missing=maybe", domain.Invalid, "neither true nor false"},
		{"Patient?name:exact:contains=x", domain.Invalid, "more than one modifier"},
		{"Patient?name:=x", domain.Invalid, "ends in a colon"},
		{"Patient?_id:exact=1", domain.Invalid, "possible are not, missing"},
		{"Patient?_list:not=1", domain.Invalid, "takes no modifier"},
		{"Patient?_type:missing=true", domain.Invalid, "_type takes the modifier :not only"},
		{"Patient?_count:exact=1", domain.Invalid, "_count takes no modifier"},
		{"Patient?_sort:desc=name", domain.Invalid, "_sort takes no modifier"},
		// values
		{"Patient?birthdate=yesterday", domain.Invalid, "letters that are no prefix; possible are eq, ne, gt"},
		{"Patient?birthdate=20200101", domain.Invalid, "is not a date, such as 2024"},
		{"Patient?birthdate=2020-13", domain.Invalid, "is not a date"},
		{"Patient?birthdate=gt", domain.Invalid, "is not a date"},
		{"RiskAssessment?probability=many", domain.Invalid, "no prefix"},
		{"RiskAssessment?probability=1e999", domain.Invalid, "is not a number"},
		{"RiskAssessment?probability=1.2.3", domain.Invalid, "is not a number"},
		{"Observation?value-quantity=5|a|b|c", domain.Invalid, "4 parts joined by '|'; right are at most 3"},
		{"Observation?value-quantity=|a|b", domain.Invalid, "is not a number"},
		{"Observation?code=a|b|c", domain.Invalid, "3 parts joined by '|'; right are at most 2"},
		{"Observation?code=|", domain.Invalid, "neither a system nor a code"},
		{"Patient?identifier:of-type=a|b", domain.Invalid, "system|code|value"},
		{"Patient?identifier:of-type=a||c", domain.Invalid, "none of them empty"},
		{"Observation?code-value-quantity=a", domain.Invalid, "1 components joined by '$'; right are 2: code$value-quantity"},
		{"Observation?code-value-quantity=a$1$2", domain.Invalid, "3 components"},
		{"Observation?code-value-quantity=a$", domain.Invalid, "component value-quantity of code-value-quantity has no value"},
		{"Observation?subject=#p", domain.NotSupported, "fragment"},
		{"Observation?subject=not a reference", domain.Invalid, "right is Type/id, id, or an absolute URL"},
		{"Observation?subject=Patient/1|2", domain.Invalid, "is not a reference"},
		{"Patient?name=%CC%81", domain.Invalid, "no letter or digit"},
		{"ValueSet?url:below=urn:oid:1.2", domain.Invalid, "is a URN"},
		{"ValueSet?url:above=urn:oid:1.2", domain.Invalid, "is a URN"},
		{"ValueSet?_list=$current-allergies", domain.NotSupported, "functional list"},
		{"Location?near=91|0", domain.Invalid, "from -90 to 90"},
		{"Location?near=1", domain.Invalid, "latitude|longitude|distance|unit"},
		{"Location?near=1|2|3|kg", domain.Invalid, "does not measure a length"},
		{"Location?near=1|2|3|parsecs", domain.Invalid, "not a UCUM code"},
		{"Location?near=1|2|-3", domain.Invalid, "not a number from 0 on"},
		{"Patient?_content=a", domain.Invalid, "2 to 40"},
		{"Patient?_content=(heart", domain.Invalid, "lacks a ')'"},
		{"Patient?_content=heart)", domain.Invalid, "')' without a '('"},
		{"Patient?_content=heart or", domain.Invalid, "lacks a word at its end"},
		{"Patient?_content=and heart", domain.Invalid, `lacks a word before "and"`},
		// chains
		{"Observation?subject.name=x", domain.Invalid, `"subject:Location.name" or "subject:Patient.name"`},
		{"Observation?subject.identifier=x", domain.Invalid, `or "subject:Patient.identifier"`},
		{"Provenance?target.subject:Patient.name=x", domain.Invalid, `"target.subject:Patient.name" is ambiguous, as target can refer to several types that have what follows`},
		{"Provenance?target.subject:Patient=1", domain.Invalid, `right is "target:Account.subject:Patient", for example`},
		{"Provenance?target.medication:Medication.code=x", domain.Invalid, `or "target:MedicationStatement.medication:Medication.code"`},
		{"Observation?patient.general-practitioner:Patient.name=x", domain.Invalid, "general-practitioner does not refer to Patient"},
		{"Observation?code.name=x", domain.Invalid, "only a reference can be followed by a point"},
		{"Observation?patient.=x", domain.Invalid, "ends in a point"},
		{"Observation?patient.foo=x", domain.Invalid, `Patient has no parameter "foo".`},
		{"Observation?subject.foo=x", domain.Invalid, "none of the types that subject can refer to"},
		{"Observation?subject:Foo.name=x", domain.Invalid, "is not a resource type"},
		{"Observation?subject:Medication.code=x", domain.Invalid, "does not refer to Medication"},
		{"Measure?depends-on.name=x", domain.Invalid, `"depends-on:ActivityDefinition.name", for example`},
		{"Measure?depends-on.birthdate=x", domain.Invalid, "none of the types that depends-on can refer to"},
		{"Bundle?composition.title=x", domain.NotSupported, "within a Bundle"},
		{"Patient?_id.x=1", domain.Invalid, "no reference"},
		{"Patient?link:Patient." + strings.Repeat("link:Patient.", 11) + "name=x", domain.TooCostly, "more than 10 steps"},
		{"Patient?_has:Observation:patient=x", domain.Invalid, "incomplete"},
		{"Patient?_has:Foo:patient:code=x", domain.Invalid, "is not a resource type"},
		{"Patient?_has:Observation:foo:code=x", domain.Invalid, `Observation has no parameter "foo"`},
		{"Patient?_has:Observation:code:code=x", domain.Invalid, "only a reference makes sense"},
		{"Patient?_has:Observation:encounter:code=x", domain.Invalid, "does not refer to Patient"},
		{"Patient?_has:Observation:patient:foo=x", domain.Invalid, `Observation has no parameter "foo".`},
		// types
		{"?_type=", domain.Invalid, "_type has no value"},
		{"?_type=Patient,Observation&name=x", domain.Invalid, "not to Observation"},
		{"Group/1/Observation?", domain.Invalid, "no compartment of Group"},
		// results
		{"Patient?_count=-1", domain.Invalid, "whole number from 0 on"},
		{"Patient?_count=ten", domain.Invalid, "whole number"},
		{"Patient?_count=1&_count=2", domain.Invalid, "more than once"},
		{"Patient?_total=some", domain.Invalid, "none of none, estimate and accurate"},
		{"Patient?_includesCount=0", domain.Invalid, "from 1 on"},
		{"Patient?_contained=true", domain.NotSupported, "contained"},
		{"Patient?_containedType=contained", domain.NotSupported, "contained"},
		{"Patient?_asOf=", domain.Invalid, "_asOf has no value"},
		{"Patient?ct=", domain.Invalid, "ct has no value"},
		{"Patient?_explain=1", domain.Invalid, "neither true nor false"},
		{"Patient?_sort=_score", domain.NotSupported, "no score"},
		{"Location?_sort=near", domain.Invalid, "has no order"},
		{"Patient?_sort=_content", domain.Invalid, "has no order"},
		{"Observation?_sort=code-value-concept", domain.Invalid, "has no order"},
		{"Patient?_sort=" + strings.Repeat("name,", 11), domain.TooCostly, "more than 10 keys"},
		{"Patient?_include=organization", domain.Invalid, "has no colon"},
		{"Patient?_include=Patient:organization:", domain.Invalid, "names no target"},
		{"Patient?_include=a:b:c:d", domain.Invalid, "more than two colons"},
		{"Patient?_include=Foo:bar", domain.Invalid, "is not a resource type"},
		{"Patient?_include=Patient:foo", domain.Invalid, `Patient has no parameter "foo" to include by`},
		{"Patient?_include=Patient:name", domain.Invalid, "only references"},
		{"Patient?_include=Patient:organization:Foo", domain.Invalid, "target"},
		{"Patient?_include=Patient:organization:Patient", domain.Invalid, "does not refer to Patient"},
		{"Patient?_include=*:organization", domain.Invalid, "every type"},
		{"Patient?_include:exact=Patient:organization", domain.Invalid, "possible is iterate"},
		{"?_include=Patient:organization", domain.Invalid, "name them by _type"},
		{"Patient?_revinclude:iterate=Provenance:target", domain.Invalid, "several types"},
	}
	for _, test := range tests {
		q, err := parseAsk(t, askFor(t, test.search))
		if err == nil {
			t.Errorf("Parse(%s) = %s, want an error with %q", test.search, Explain(q.Scopes[0].Where), test.want)
			continue
		}
		if got := domain.KindOf(err); got != test.kind || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Parse(%s): kind %d, %v\nwant kind %d with %q", test.search, got, err, test.kind, test.want)
		}
	}
}

// TestParseUnknown are parameters that are left out, or refused.
func TestParseUnknown(t *testing.T) {
	tests := []struct {
		search  string
		applied string // what is left when handling is lenient
		warning string
	}{
		{"Patient?foo=1&name=x", "name=x", `Patient has no parameter "foo", which is ignored.`},
		{"Patient?foo.bar=1&name=x", "name=x", `no parameter "foo"`},
		{"Patient?name=&gender=male", "gender=male", `"name" has no value and is ignored`},
		{"Patient?name=,&gender=male", "gender=male", "has no value"},
		{"Patient?=x&gender=male", "gender=male", "without a name"},
		{"Patient?_score=1&gender=male", "gender=male", "_score"},
		{"Patient?_count.x=1&gender=male", "gender=male", "_count"},
		{"Patient?_query=everything&gender=male", "gender=male", "_query"},
		{"Patient?_in=List/1&gender=male", "gender=male", "_in"},
		{"?name=x&_id=1", "_id=1", "not one that all resource types have"},
		{"?_type=Patient,Foo&_id=1", "_type=Patient&_id=1", `no resource type with "Foo" and is ignored there`},
		{"?_type=Foo&_id=1", "_type=Foo&_id=1", "no resource type"},
		{"Patient?_sort=foo,-name&gender=male", "_sort=-name&gender=male", `the key "foo" of _sort`},
		{"Patient?_sort=foo&gender=male", "gender=male", `the key "foo" of _sort`},
		{"Patient?_sort=&gender=male", "gender=male", "_sort has no value"},
		{"Bundle?_include=Bundle:composition&type=document", "type=document", "within a Bundle, which _include does not follow"},
		{"Patient?_include=Bundle:composition,Patient:organization", "_include=Patient:organization", "within a Bundle"},
		{"Patient?_include=&gender=male", "gender=male", "_include has no value"},
		{"Patient?_not-referenced=*:subject&gender=male", "gender=male", "none of *:*, Type:* and Type:parameter"},
		{"Patient?_not-referenced=x&gender=male", "gender=male", "_not-referenced"},
		{"Patient?_not-referenced=Foo:*&gender=male", "gender=male", "names no resource type"},
		{"Patient?_not-referenced=Observation:code&gender=male", "gender=male", "names no reference parameter"},
	}
	for _, test := range tests {
		ask := askFor(t, test.search)
		q, err := parseAsk(t, ask)
		if err != nil {
			t.Errorf("Parse(%s): %v", test.search, err)
			continue
		}
		if got := written(q.Applied); got != test.applied {
			t.Errorf("Parse(%s) applies %s, want %s", test.search, got, test.applied)
		}
		if len(q.Warnings) != 1 || q.Warnings[0].Severity != domain.Warning || q.Warnings[0].Code != "not-supported" || !strings.Contains(q.Warnings[0].Message, test.warning) {
			t.Errorf("Parse(%s) warns %+v, want %q", test.search, q.Warnings, test.warning)
		}
		ask.Strict = true
		if _, err := parseAsk(t, ask); domain.KindOf(err) != domain.Invalid || strings.Contains(err.Error(), "ignored") {
			t.Errorf("strict Parse(%s): %v, want an error of kind Invalid", test.search, err)
		}
		ask.Strict, ask.Conditional = false, true
		if _, err := parseAsk(t, ask); domain.KindOf(err) != domain.Invalid {
			t.Errorf("conditional Parse(%s): %v, want an error of kind Invalid", test.search, err)
		}
	}
}

func written(pairs []Pair) string {
	var texts []string
	for _, p := range pairs {
		texts = append(texts, p.Name+"="+p.Value)
	}
	return strings.Join(texts, "&")
}

func TestParseStrictNamesAll(t *testing.T) {
	ask := askFor(t, "Patient?foo=1&name=x&bar=2&_sort=baz")
	ask.Strict = true
	_, err := parseAsk(t, ask)
	fault, ok := errors.AsType[*domain.Error](err)
	if !ok || len(fault.Issues) != 3 {
		t.Fatalf("got %v, want three issues", err)
	}
	for i, name := range []string{"foo", "bar", "baz"} {
		if issue := fault.Issues[i]; !strings.Contains(issue.Message, name) || issue.Severity != domain.Fault || issue.Code != "not-supported" {
			t.Errorf("issue %d is %+v, want one about %s", i, issue, name)
		}
	}
}

func TestParseConditional(t *testing.T) {
	tests := []struct {
		search   string
		criteria int // -1: an error
	}{
		{"Patient?identifier=x", 1},
		{"Patient?identifier=x&_count=50", 1},
		{"Patient?identifier=x&_include=Patient:organization&_includesCount=10", 1},
		{"Patient?", 0},
		{"Patient?_tag=", 0},
		{"Patient?_tag=&name=", 0},
		{"Patient?_count=5", 0},
		{"Patient?_tag=&identifier=x", -1},
		{"Patient?foo=", 0},
		{"Patient?foo=1", -1},
		{"Patient?identifier=x&_sort=name", -1},
		{"Patient?identifier=x&_total=none", -1},
		{"Patient?identifier=x&_asOf=3", -1},
		{"Patient?identifier=x&_summary=true", -1},
	}
	for _, test := range tests {
		ask := askFor(t, test.search)
		ask.Conditional = true
		got := -1
		q, err := parseAsk(t, ask)
		if err == nil {
			got = q.Criteria
		} else if domain.KindOf(err) != domain.Invalid {
			t.Errorf("Parse(%s): %v", test.search, err)
		}
		if got != test.criteria {
			t.Errorf("conditional Parse(%s) has %d criteria (%v), want %d", test.search, got, err, test.criteria)
		}
	}
}

func TestParseLimits(t *testing.T) {
	many := func(n int, of string) string { return strings.TrimRight(strings.Repeat(of, n), ",&") }
	tests := []struct {
		search string
		fits   bool
	}{
		{"Patient?" + many(200, "name=x&"), true},
		{"Patient?" + many(201, "name=x&"), false},
		{"Patient?_id=" + many(1000, "a,"), true},
		{"Patient?_id=" + many(1001, "a,"), false},
		{"Patient?_id=" + many(600, "a,") + "&name=" + many(401, "a,"), false},
		{"?_type=Patient,Person&_id=" + many(600, "a,"), true},
		{"Patient?_include=" + many(50, "Patient:link,"), true},
		{"Patient?_include=" + many(51, "Patient:link,"), false},
		{"Patient?_id=a" + strings.Repeat(",", 5000), false},
		{"?_type=Patient" + strings.Repeat(",", 5000), false},
		{"ValueSet?url:above=http://" + many(1900, "a"), true},
		{"ValueSet?url:above=http://" + many(2000, "a"), false},
		{"ValueSet?url:above=" + many(30, "http://"+many(1000, "a")+","), false},
		{"Provenance?target=" + many(130, "a,"), true},
		{"Provenance?target=" + many(140, "a,"), false},
		{"Patient?_filter=" + many(49, "(") + "(name eq x" + many(49, ")") + ")", true},
		{"Patient?_filter=" + many(60, "(") + "(name eq x" + many(60, ")") + ")", false},
		{"Patient?_content=" + many(60, "(") + "(heart" + many(60, ")") + ")", false},
	}
	for _, test := range tests {
		_, err := parseAsk(t, askFor(t, test.search))
		if test.fits != (err == nil) || err != nil && domain.KindOf(err) != domain.TooCostly {
			t.Errorf("Parse(%.60s…): %v, fits %v", test.search, err, test.fits)
		}
		if err != nil && len(err.Error()) > 300 {
			t.Errorf("Parse(%.60s…): the message has %d bytes", test.search, len(err.Error()))
		}
	}
}

// TestParseEveryParameter makes a search of each parameter of each type in each
// version.
func TestParseEveryParameter(t *testing.T) {
	values := map[ParameterType]string{
		Number: "5", Date: "2020", String: "xy", Token: "s|c", ReferTo: "1", Quantity: "5||mg", URI: "http://x", Special: "1|2|3",
	}
	for _, v := range definitions.Versions() {
		set := loadSet(t, v)
		parsed := 0
		for _, name := range set.definitions.Resources() {
			for _, p := range set.Of(domain.ResourceType(name)) {
				value := values[p.Type]
				switch p.Code {
				case "_filter":
					value = "_id eq 1"
				case "_list":
					value = "1"
				case "_type", "_has", "_query", "_in":
					continue // a part of the scopes, in another form, or not offered
				}
				if p.Type == Composite {
					var parts []string
					for i := range p.Components {
						parts = append(parts, values[p.Components[i].Type])
					}
					value = strings.Join(parts, "$")
				}
				ask := Ask{Types: []domain.ResourceType{domain.ResourceType(name)}, Pairs: []Pair{{p.Code, value}}, Strict: true, Now: testNow}
				q, err := Parse(set.definitions, set, ask)
				if err != nil {
					t.Errorf("%s: Parse(%s?%s=%s): %v", v, name, p.Code, value, err)
					continue
				}
				parsed++
				if q.Criteria != 1 || len(q.Scopes) != 1 || strings.Contains(Explain(q.Scopes[0].Where), "everything") {
					t.Errorf("%s: Parse(%s?%s=%s) = %+v", v, name, p.Code, value, q)
				}
			}
		}
		if parsed < 1000 {
			t.Errorf("%s: only %d parameters", v, parsed)
		}
	}
}

func TestParsePending(t *testing.T) {
	def := definitions.SearchParameter{URL: "http://x/eye", Code: "eye", Type: "token", Base: []string{"Patient"}, Expression: "Patient.extension('http://eye').value.ofType(code)"}
	for _, pending := range []bool{false, true} {
		set := loadSet(t, definitions.R4, Custom{Number: 1, Definition: def, Pending: pending})
		for _, partial := range []bool{false, true} {
			ask := askFor(t, "Patient?eye=brown&_sort=eye")
			ask.PartialIndices = partial
			q, err := Parse(set.definitions, set, ask)
			if err != nil {
				t.Fatal(err)
			}
			used := !pending || partial
			if got := q.Criteria == 1 && len(q.Sort) == 1 && len(q.Warnings) == 0; got != used {
				t.Errorf("pending %v, partial %v: criteria %d, sort %v, warnings %v", pending, partial, q.Criteria, q.Sort, q.Warnings)
			}
			if !used && !strings.Contains(fmt.Sprint(q.Warnings), "not indexed completely yet") {
				t.Errorf("warnings %v", q.Warnings)
			}
		}
	}
}
