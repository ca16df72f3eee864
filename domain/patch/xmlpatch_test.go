package patch

import (
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
)

// applyXML reads and applies an XML Patch of R4.
func applyXML(t testing.TB, diff, resource string) (string, error) {
	t.Helper()
	p, err := ParseXML(load(t, definitions.R4), []byte(diff))
	if err != nil {
		return "", err
	}
	return apply(t, p, resource)
}

// xmlDiff is a patch in FHIR's namespace.
func xmlDiff(operations string) string {
	return `<diff xmlns="http://hl7.org/fhir" xmlns:f="http://hl7.org/fhir">` + operations + `</diff>`
}

// patientXML is a resource whose members stand in the order of the definitions, as
// XML gives them back.
const patientXML = `{"resourceType":"Patient","id":"p1","meta":{"versionId":"3"},` +
	`"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">a &quot;b&quot;<br />&nbsp;</div>"},` +
	`"extension":[{"url":"http://example.org/weight","valueDecimal":72.50}],"active":true,` +
	`"name":[{"use":"official","family":"Berg","given":["Ann","Eva"],"_given":[null,{"id":"g2"}]},{"text":"Zoé"}],` +
	`"telecom":[{"system":"phone","value":"1"},{"system":"email","value":"a@b.c"},{"system":"phone","value":"2"}],` +
	`"gender":"female","birthDate":"1980-02-29","_birthDate":{"id":"bd"},"contact":[{"gender":"male"}]}`

func TestXMLPatch(t *testing.T) {
	edited := func(old, replacement string) string {
		if strings.Count(patientXML, old) != 1 {
			t.Fatalf("%q is in the patient %d times", old, strings.Count(patientXML, old))
		}
		return strings.Replace(patientXML, old, replacement, 1)
	}
	for _, c := range []struct{ name, operations, want string }{
		{"replace a value", `<replace sel="Patient/birthDate/@value">1981</replace>`, edited(`"birthDate":"1980-02-29"`, `"birthDate":"1981"`)},
		{"names with a prefix", `<replace sel="/f:Patient/f:gender/@value">male</replace>`, edited(`"gender":"female"`, `"gender":"male"`)},
		{"digits stay", `<replace sel="Patient/extension[@url='http://example.org/weight']/valueDecimal/@value">72.500</replace>`, edited(`72.50`, `72.500`)},
		{"replace an element", `<replace sel="Patient/name[2]"><name><text value="Zoe &amp; Co"/></name></replace>`, edited(`{"text":"Zoé"}`, `{"text":"Zoe & Co"}`)},
		{"replace by value of a child", `<replace sel="Patient/telecom[system/@value='email']/value/@value">x&quot;y</replace>`, edited(`"a@b.c"`, `"x\"y"`)},
		{"two predicates", `<replace sel="Patient/telecom[system/@value='phone'][2]/value/@value">3</replace>`, edited(`"value":"2"`, `"value":"3"`)},
		{"remove an element", `<remove sel="Patient/telecom[2]"/>`, edited(`{"system":"email","value":"a@b.c"},`, ``)},
		{"remove an item with its id", `<remove sel="Patient/name[1]/given[2]"/>`, edited(`["Ann","Eva"],"_given":[null,{"id":"g2"}]`, `["Ann"]`)},
		{"remove an attribute", `<remove sel="Patient/birthDate/@id"/>`, edited(`,"_birthDate":{"id":"bd"}`, ``)},
		{"add at the end, wherever it belongs", `<add sel="Patient"><deceasedBoolean value="false"/></add>`, edited(`"contact":`, `"deceasedBoolean":false,"contact":`)},
		{"add to a list", `<add sel="Patient/telecom[1]" pos="after"><telecom><value value="9"/></telecom></add>`, edited(`"value":"1"},`, `"value":"1"},{"value":"9"},`)},
		{"add before", `<add sel="Patient/name[1]/given[1]" pos="before"><given value="Ada"/></add>`, edited(`["Ann","Eva"],"_given":[null,`, `["Ada","Ann","Eva"],"_given":[null,null,`)},
		{"add as the first", `<add sel="Patient" pos="prepend"><telecom><value value="9"/></telecom></add>`, edited(`"telecom":[`, `"telecom":[{"value":"9"},`)},
		{"add an attribute", `<add sel="Patient/gender" type="@id">g1</add>`, edited(`"gender":"female"`, `"gender":"female","_gender":{"id":"g1"}`)},
		{"add to an empty tag", `<add sel="Patient/gender"><extension url="urn:x"><valueCode value="c"/></extension></add>`, edited(`"gender":"female"`, `"gender":"female","_gender":{"extension":[{"url":"urn:x","valueCode":"c"}]}`)},
		{"prefix of the patch", `<add sel="f:Patient"><f:deceasedBoolean value="false"/></add>`, edited(`"contact":`, `"deceasedBoolean":false,"contact":`)},
		{"operations see those before", `<add sel="Patient/contact"><name><text value="n"/></name></add><replace sel="Patient/contact/name/text/@value">m</replace>`, edited(`{"gender":"male"}`, `{"name":{"text":"m"},"gender":"male"}`)},
		{"any element", `<replace sel="*/*[@id='bd']/@value">1999</replace>`, edited(`"birthDate":"1980-02-29"`, `"birthDate":"1999"`)},
		{"comments and spaces are nothing", ` <!-- x --> <add sel="Patient/gender" pos="before"><!-- y --></add> `, patientXML},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := applyXML(t, xmlDiff(c.operations), patientXML)
			if err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestXMLPatchFaults(t *testing.T) {
	for _, c := range []struct{ name, diff, says string }{
		{"not XML", `{"op":"add"}`, "The XML Patch is not well-formed: line 1, column 1: text stands outside of the root element."},
		{"document type", `<!DOCTYPE x><diff/>`, "a document type is not allowed"},
		{"no operations", xmlDiff(``), "The XML Patch has no operations: its element must hold elements add, replace or remove."},
		{"text between", xmlDiff(`x<remove sel="Patient/gender"/>`), "text cannot stand between them"},
		{"unknown operation", xmlDiff(`<remove sel="Patient/gender"/><move sel="Patient"/>`), "Operation 2: there is no such operation"},
		{"operation of another namespace", xmlDiff(`<remove xmlns="urn:x" sel="Patient"/>`), "Operation 1: there is no such operation"},
		{"no sel", xmlDiff(`<remove/>`), "Operation 1 (remove): the attribute sel is missing"},
		{"unknown attribute", xmlDiff(`<remove sel="Patient/gender" pos="before"/>`), "Operation 1 (remove): there is no attribute pos."},
		{"unknown pos", xmlDiff(`<add sel="Patient" pos="first"/>`), "the attribute pos must be one of prepend, before, after."},
		{"content of a removal", xmlDiff(`<remove sel="Patient/gender">x</remove>`), "it must be empty"},
		{"empty sel", xmlDiff(`<remove sel=""/>`), "Operation 1 (remove): sel is wrong: a name is missing"},
		{"other axes", xmlDiff(`<remove sel="//gender"/>`), "sel is wrong: a name is missing"},
		{"id()", xmlDiff(`<remove sel="id('x')"/>`), "sel is wrong: id() needs a document type"},
		{"position 0", xmlDiff(`<remove sel="Patient/name[0]"/>`), "positions count from 1"},
		{"open predicate", xmlDiff(`<remove sel="Patient/name[1"/>`), "a ']' is missing"},
		{"text without quotes", xmlDiff(`<remove sel="Patient/name[@id=x]"/>`), "a text in quotes is missing"},
		{"other comparison", xmlDiff(`<remove sel="Patient/name[@id&gt;'x']"/>`), "compares with '='"},
		{"undeclared prefix", xmlDiff(`<remove sel="x:Patient"/>`), "the prefix x is not declared"},
		{"more behind", xmlDiff(`<remove sel="Patient/@id/x"/>`), "it goes on where it should end"},
		{"wrong type", xmlDiff(`<add sel="Patient" type="id">x</add>`), "type must be @ and the name of an attribute"},
		{"type with elements", xmlDiff(`<add sel="Patient" type="@id"><a/></add>`), "must be text alone"},
		{"type with pos", xmlDiff(`<add sel="Patient" type="@id" pos="before">x</add>`), "pos is for nodes"},

		{"nothing selected", xmlDiff(`<remove sel="Patient/photo"/>`), "Operation 1 (remove, path Patient/photo): sel selects nothing."},
		{"several selected", xmlDiff(`<remove sel="Patient/name"/>`), "Operation 1 (remove, path Patient/name): sel selects 2 nodes, and must select one."},
		{"other namespace", `<diff><remove sel="Patient/gender"/></diff>`, `sel selects nothing: its names are of no namespace. Say xmlns="http://hl7.org/fhir" in the root of the patch, or f:Patient in sel.`},
		{"the root", xmlDiff(`<remove sel="Patient"/>`), "the root element cannot be removed"},
		{"beside the root", xmlDiff(`<add sel="Patient" pos="after"><Patient/></add>`), "nothing can stand beside the root element"},
		{"an attribute twice", xmlDiff(`<add sel="Patient/birthDate" type="@id">x</add>`), "the attribute is there already"},
		{"add to an attribute", xmlDiff(`<add sel="Patient/birthDate/@id">x</add>`), "to which nothing can be added"},
		{"replace by nothing", xmlDiff(`<replace sel="Patient/gender"/>`), "does not hold what is put in place"},
		{"replace by two", xmlDiff(`<replace sel="Patient/gender"><gender/><gender/></replace>`), "must be replaced by one of its kind"},
		{"replace a value by an element", xmlDiff(`<replace sel="Patient/gender/@value"><gender/></replace>`), "replaced by text alone"},
		{"no white space", xmlDiff(`<remove sel="Patient/gender" ws="both"/>`), "there is no white space before what is removed, as ws has it."},
		{"no resource any more", xmlDiff(`<add sel="Patient"><nam/></add>`), "The result of the patch is not a resource: 'nam' is not an element of Patient"},
		{"an element twice", xmlDiff(`<add sel="Patient"><gender value="male"/></add>`), "the element gender cannot repeat"},
		{"text in it", xmlDiff(`<add sel="Patient">x</add>`), "text cannot stand here"},
		{"a value left empty", xmlDiff(`<remove sel="Patient/gender/@value"/>`), "it has neither a value nor an extension"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := applyXML(t, c.diff, patientXML)
			if kind, message := fault(t, err); kind != domain.Invalid || !strings.Contains(message, c.says) {
				t.Errorf("%v: %s\nwant a message with %s", kind, message, c.says)
			}
		})
	}
}

// TestXMLPatchIsPure applies a patch twice.
func TestXMLPatchIsPure(t *testing.T) {
	p, err := ParseXML(load(t, definitions.R4), []byte(xmlDiff(`<add sel="Patient"><telecom><value value="9"/></telecom></add><replace sel="Patient/telecom[4]/value/@value">8</replace>`)))
	if err != nil {
		t.Fatal(err)
	}
	var results []string
	for range 2 {
		got, err := apply(t, p, patientXML)
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, got)
	}
	if results[0] != results[1] {
		t.Errorf("first  %s\nsecond %s", results[0], results[1])
	}
}

func TestXMLPatchNarrativeIsImmutable(t *testing.T) {
	before := parse(t, patientXML)
	p, err := ParseXML(load(t, definitions.R4), []byte(xmlDiff(`<remove sel="Patient/text/h:div/h:br" xmlns:h="http://www.w3.org/1999/xhtml"/>`)))
	if err != nil {
		t.Fatal(err)
	}
	after, err := p.Apply(before)
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckImmutable(before, after.Root()); err == nil {
		t.Error("the narrative was changed")
	}
	if p, err = ParseXML(load(t, definitions.R4), []byte(xmlDiff(`<replace sel="Patient/gender/@value">male</replace>`))); err != nil {
		t.Fatal(err)
	}
	if after, err = p.Apply(before); err != nil {
		t.Fatal(err)
	}
	if err := CheckImmutable(before, after.Root()); err != nil {
		t.Error(err)
	}
}

func TestXMLTreeJoinsTexts(t *testing.T) {
	tree, err := parseXMLTree([]byte(`<a>x<![CDATA[<y>]]>&lt;z<!-- c -->w</a>`))
	if err != nil {
		t.Fatal(err)
	}
	children := tree.root().children
	if len(children) != 3 || children[0].characters() != "x<y><z" || children[2].characters() != "w" {
		t.Errorf("%d children, the first with %q", len(children), children[0].characters())
	}
	if got := string(tree.append(nil)); got != `<a>x<![CDATA[<y>]]>&lt;z<!-- c -->w</a>` {
		t.Errorf("written as %s", got)
	}
	if _, err := parseXMLTree([]byte("<a>" + strings.Repeat("x<![CDATA[]]>", 300_000) + "</a>")); err != nil {
		t.Error(err)
	}
}

func TestXMLPatchLimits(t *testing.T) {
	many := xmlDiff(strings.Repeat(`<remove sel="Patient/gender"/>`, greatestPaths+1))
	if _, err := applyXML(t, many, patientXML); domain.KindOf(err) != domain.TooCostly {
		t.Errorf("%d operations: %v", greatestPaths+1, err)
	}
	large := strings.Replace(patientXML, `"Zoé"`, `"`+strings.Repeat("x", greatestTarget)+`"`, 1)
	if _, err := applyXML(t, xmlDiff(`<remove sel="Patient/gender"/>`), large); domain.KindOf(err) != domain.TooCostly {
		t.Errorf("a large resource: %v", err)
	}
	names := strings.Replace(patientXML, `{"text":"Zoé"}`, strings.TrimSuffix(strings.Repeat(`{"text":"x"},`, 100_000), ","), 1)
	slow := xmlDiff(strings.Repeat(`<replace sel="Patient/name[99999]/text/@value">z</replace>`, 900))
	if _, err := applyXML(t, slow, names); domain.KindOf(err) != domain.TooCostly {
		t.Errorf("900 operations on 100,000 names: %v", err)
	}
}

// FuzzXMLPatch applies whatever is a patch. The result must be a resource again,
// and the same when it is done twice.
func FuzzXMLPatch(f *testing.F) {
	for _, operations := range []string{
		`<replace sel="Patient/birthDate/@value">1981</replace>`, `<add sel="Patient" pos="prepend"><active value="false"/></add><remove sel="Patient/active[2]"/>`,
		`<remove sel="Patient/text/h:div/h:br"/>`, `<add sel="Patient/gender" type="@id">x</add>`, `<add sel="Patient" type="namespace::p">urn:x</add>`,
		`<replace sel="Patient/text/h:div/text()[1]">x&lt;</replace>`, `<add sel="Patient/telecom[system/@value='phone'][2]" pos="after"><telecom/><!-- c --></add>`, `<remove sel="Patient/name[2]" ws="after"/>`,
	} {
		f.Add(xmlDiff(operations))
	}
	d := load(f, definitions.R4)
	resource := parse(f, patientXML)
	f.Fuzz(func(t *testing.T, diff string) {
		p, err := ParseXML(d, []byte(diff))
		if err != nil {
			fault(t, err)
			return
		}
		first, err := p.Apply(resource)
		if err != nil {
			fault(t, err)
			return
		}
		second, err := p.Apply(resource)
		if err != nil || string(first.Source()) != string(second.Source()) {
			t.Fatalf("twice: %v\n%s", err, diff)
		}
	})
}
