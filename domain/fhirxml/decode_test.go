package fhirxml

import (
	"errors"
	"strings"
	"testing"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

const (
	fhir  = ` xmlns="http://hl7.org/fhir"`
	xhtml = ` xmlns="http://www.w3.org/1999/xhtml"`
)

func TestDecode(t *testing.T) {
	d := load(t, definitions.R4)
	for _, c := range []struct{ name, xml, want string }{
		{"nothing but a type", `<Patient` + fhir + `/>`, `{"resourceType":"Patient"}`},
		{"kinds of values", `<Observation` + fhir + `><id value="a"/><status value="final"/><valueQuantity><value value="1.50"/><unit value="mg"/></valueQuantity><valueBoolean value="true"/></Observation>`,
			"line 1, column 150, at Observation: the element value[x] can have one value only"},
		{"number", `<Observation` + fhir + `><valueQuantity><value value="1.50E+2"/></valueQuantity></Observation>`,
			`{"resourceType":"Observation","valueQuantity":{"value":1.50E+2}}`},
		{"boolean", `<Patient` + fhir + `><active value="false"/></Patient>`, `{"resourceType":"Patient","active":false}`},
		{"coded number", `<Patient` + fhir + `><multipleBirthInteger value="&#50;"/></Patient>`, `{"resourceType":"Patient","multipleBirthInteger":2}`},
		{"arrays", `<Patient` + fhir + `><name><given value="A"/><given value="B"/></name><name><text value="C"/></name></Patient>`,
			`{"resourceType":"Patient","name":[{"given":["A","B"]},{"text":"C"}]}`},
		{"escapes", `<Patient` + fhir + `><name><text value='a"b\c&#10;&#9;&lt;é'/></name></Patient>`,
			`{"resourceType":"Patient","name":[{"text":"a\"b\\c\n\t<é"}]}`},
		{"white space in values", "<Patient" + fhir + "><name><text value=' a\n\tb  '/></name></Patient>", `{"resourceType":"Patient","name":[{"text":" a  b  "}]}`},
		{"ids and extensions of elements", `<Patient` + fhir + `><name id="n"><extension url="u"><valueCode value="x"/></extension><text value="C"/></name></Patient>`,
			`{"resourceType":"Patient","name":[{"id":"n","extension":[{"url":"u","valueCode":"x"}],"text":"C"}]}`},
		{"extension of a primitive", `<Patient` + fhir + `><birthDate id="b" value="2020"><extension url="u"><valueString value="x"/></extension></birthDate></Patient>`,
			`{"resourceType":"Patient","birthDate":"2020","_birthDate":{"id":"b","extension":[{"url":"u","valueString":"x"}]}}`},
		{"extension without a value", `<Patient` + fhir + `><birthDate><extension url="u"><valueString value="x"/></extension></birthDate></Patient>`,
			`{"resourceType":"Patient","_birthDate":{"extension":[{"url":"u","valueString":"x"}]}}`},
		{"extensions in a list", `<Patient` + fhir + `><name><given value="A"/><given id="b"/><given id="c" value="C"/></name></Patient>`,
			`{"resourceType":"Patient","name":[{"given":["A",null,"C"],"_given":[null,{"id":"b"},{"id":"c"}]}]}`},
		{"nested extensions", `<Patient` + fhir + `><extension url="a"><extension url="b"><valueInteger value="1"/></extension></extension></Patient>`,
			`{"resourceType":"Patient","extension":[{"extension":[{"url":"b","valueInteger":1}],"url":"a"}]}`},
		{"contained", `<Patient` + fhir + `><contained><Organization><id value="o"/></Organization></contained><contained><Patient/></contained></Patient>`,
			`{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o"},{"resourceType":"Patient"}]}`},
		{"entries", `<Bundle` + fhir + `><entry><resource><Patient/></resource></entry></Bundle>`, `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient"}}]}`},
		{"narrative", `<Patient` + fhir + `><text><status value="generated"/><div` + xhtml + `>a<br/>"b\c"&lt;` + "\t" + `&#160;<!-- x --></div></text></Patient>`,
			`{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">a<br/>\"b\\c\"&lt;\t&#160;<!-- x --></div>"}}`},
		{"ends of lines in a narrative", "<Patient" + fhir + "><text><div" + xhtml + ">a\r\nb&#13;c\rd</div></text></Patient>",
			`{"resourceType":"Patient","text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">a\nb\rc\nd</div>"}}`},
		{"empty narrative", `<Patient` + fhir + `><text><div` + xhtml + `/></text></Patient>`, `{"resourceType":"Patient","text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"/>"}}`},
		{"narrative with prefix", `<Patient` + fhir + ` xmlns:h="http://www.w3.org/1999/xhtml"><text><h:div class="c">a<h:br/><h:p>b</h:p></h:div></text></Patient>`,
			`{"resourceType":"Patient","text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\" class=\"c\">a<br/><p>b</p></div>"}}`},
		{"narrative with inherited namespace", `<f:Patient xmlns:f="http://hl7.org/fhir"` + xhtml + `><f:text><div>a</div></f:text></f:Patient>`,
			`{"resourceType":"Patient","text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">a</div>"}}`},
		{"prefix for FHIR", `<f:Patient xmlns:f="http://hl7.org/fhir"><f:active value="true"/></f:Patient>`, `{"resourceType":"Patient","active":true}`},
		{"other order", `<Patient` + fhir + `><gender value="male"/><name><family value="F"/></name><active value="true"/><name><family value="G"/></name></Patient>`,
			`{"resourceType":"Patient","active":true,"name":[{"family":"F"},{"family":"G"}],"gender":"male"}`},
		{"extensions in a list with gaps", `<Patient` + fhir + `><name><given value="A"></given><given value="B"/><family value="F"/><given id="c"/><given value="D"/><text value="T"/><given value="E" id="e"></given></name></Patient>`,
			`{"resourceType":"Patient","name":[{"text":"T","family":"F","given":["A","B",null,"D","E"],"_given":[null,null,{"id":"c"},null,{"id":"e"}]}]}`},
		{"list of nothing but extensions", `<Patient` + fhir + `><name><given id="a"/><given id="b"/></name></Patient>`,
			`{"resourceType":"Patient","name":[{"_given":[{"id":"a"},{"id":"b"}]}]}`},
		{"other order within resources within", `<Bundle` + fhir + `><entry><resource><Patient><gender value="male"/><contained><Group><name value="\"/><id value="g"/></Group></contained></Patient></resource></entry><type value="batch"/></Bundle>`,
			`{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Patient","contained":[{"resourceType":"Group","id":"g","name":"\\"}],"gender":"male"}}]}`},
		{"url behind extensions and before others", `<Patient` + fhir + `><extension url="a" id="i"><valueString value="x"/><extension url="b"/></extension></Patient>`,
			`{"resourceType":"Patient","extension":[{"id":"i","extension":[{"url":"b"}],"url":"a","valueString":"x"}]}`},
		{"dropped", "\uFEFF<?xml version='1.0' encoding='UTF-8'?>\n<!-- a --><?b c?>\n<Patient" + fhir + " xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:schemaLocation='x y'>\n <!-- a --><?b c?> <active value='true' ></active>\n</Patient>\n",
			`{"resourceType":"Patient","active":true}`},
		{"empty element is left to validate", `<Patient` + fhir + `><name/></Patient>`, `{"resourceType":"Patient","name":[{}]}`},
		{"empty value is left to validate", `<Patient` + fhir + `><birthDate value=""/></Patient>`, `{"resourceType":"Patient","birthDate":""}`},

		{"malformed", `<Patient` + fhir + `><active value="true"></Patient>`, "line 1, column 59, at Patient.active: the element 'active' must be closed first"},
		{"document type", `<!DOCTYPE x><Patient` + fhir + `/>`, "line 1, column 1: a document type is not allowed: nothing may be declared or fetched"},
		{"no namespace", `<Patient/>`, `line 1, column 1: the element 'Patient' must be in the namespace of FHIR: xmlns="http://hl7.org/fhir"`},
		{"unknown type", `<Patent` + fhir + `/>`, "line 1, column 1: 'Patent' is not a resource type of FHIR 4.0.1. Type names are case-sensitive"},
		{"abstract type", `<Resource` + fhir + `/>`, "line 1, column 1: 'Resource' is not a resource type of FHIR 4.0.1. Type names are case-sensitive"},
		{"unknown element", "<Patient" + fhir + ">\n  <name><text value='a'/></name>\n  <name><Text value='a'/></name></Patient>",
			"line 3, column 9, at Patient.name[1]: 'Text' is not an element of HumanName. Names are case-sensitive: text is one"},
		{"choice without type", `<Patient` + fhir + `><deceased value="true"/></Patient>`,
			"line 1, column 38, at Patient: 'deceased' is not an element of Patient. The name of a choice ends in its type, such as deceasedBoolean"},
		{"element of another namespace", `<Patient` + fhir + `><active xmlns="urn:x" value="true"/></Patient>`,
			"line 1, column 38, at Patient: the element 'active' is in another namespace than FHIR's, which is http://hl7.org/fhir"},
		{"single element twice", `<Patient` + fhir + `><active value="true"/><active value="true"/></Patient>`, "line 1, column 60, at Patient: the element active cannot repeat"},
		{"single element twice, apart", `<Patient` + fhir + `><gender value="male"/><active value="true"/><gender value="male"/></Patient>`,
			"line 1, column 82, at Patient: the element gender cannot repeat"},
		{"unknown element behind a gap", `<Patient` + fhir + `><name><given value="A"/><given value="B"><extension url="u"/></given><text value="t"/><given value="C"><extension url="u"><Url/></extension></given></name></Patient>`,
			"line 1, column 160, at Patient.name[0].given[2].extension[0]: 'Url' is not an element of Extension. Names are case-sensitive: url is one"},
		{"text", `<Patient` + fhir + `>a</Patient>`, "line 1, column 38, at Patient: text cannot stand here; a value stands in the attribute 'value'"},
		{"CDATA", `<Patient` + fhir + `><![CDATA[a]]></Patient>`, "line 1, column 38, at Patient: text cannot stand here; a value stands in the attribute 'value'"},
		{"nothing in it", `<Patient` + fhir + `><active/></Patient>`, "line 1, column 38, at Patient.active: it has neither a value nor an extension; leave out what has no content"},
		{"no number", `<Patient` + fhir + `><multipleBirthInteger value="01"/></Patient>`, "line 1, column 67, at Patient: the value of type integer must be a number, such as 0, -1 or 1.50, without white space"},
		{"blank number", `<Patient` + fhir + `><multipleBirthInteger value=" 1"/></Patient>`, "line 1, column 67, at Patient: the value of type integer must be a number, such as 0, -1 or 1.50, without white space"},
		{"no boolean", `<Patient` + fhir + `><active value="1"/></Patient>`, "line 1, column 53, at Patient: the value of type boolean must be true or false"},
		{"id of a resource as attribute", `<Patient` + fhir + ` id="a"/>`, "line 1, column 38: the id of a resource is an element, not an attribute"},
		{"unknown attribute", `<Patient` + fhir + `><name ID="a"/></Patient>`, "line 1, column 44, at Patient.name[0]: 'ID' is not an attribute of HumanName"},
		{"attribute of a namespace", `<Patient` + fhir + `><name xml:lang="a"/></Patient>`, "line 1, column 44, at Patient.name[0]: the attribute 'lang' is in a namespace; FHIR has no such attributes"},
		{"value of what has none", `<Patient` + fhir + `><name value="a"/></Patient>`, "line 1, column 44, at Patient.name[0]: a HumanName has no value; its content stands in elements"},
		{"attribute as element", `<Patient` + fhir + `><extension><url value="u"/></extension></Patient>`, "line 1, column 49, at Patient.extension[0]: 'url' is an attribute, not an element"},
		{"element in a primitive", `<Patient` + fhir + `><active value="true"><name/></active></Patient>`, "line 1, column 59, at Patient.active: a primitive holds extensions only, no element 'name'"},
		{"two resources in one element", `<Patient` + fhir + `><contained><Patient/><Patient/></contained></Patient>`,
			"line 1, column 59, at Patient.contained[0]: it holds one resource already; each has an element of its own around it"},
		{"no resource", `<Patient` + fhir + `><contained> </contained></Patient>`, "line 1, column 38, at Patient.contained[0]: it is empty; it must hold a resource"},
		{"narrative in FHIR's namespace", `<Patient` + fhir + `><text><div>a</div></text></Patient>`,
			`line 1, column 44, at Patient.text: the narrative must be in the namespace of XHTML: xmlns="http://www.w3.org/1999/xhtml"`},
		{"element of FHIR in a narrative", `<Patient` + fhir + `><text><div` + xhtml + `><p` + fhir + `/></div></text></Patient>`,
			"line 1, column 86, at Patient.text: the element 'p' in a narrative is in another namespace than XHTML's"},
		{"attribute of another namespace in a narrative", `<Patient` + fhir + ` xmlns:x="urn:x"><text><div` + xhtml + ` x:a="b">a</div></text></Patient>`,
			"line 1, column 102, at Patient.text: the attribute 'a' in a narrative is in another namespace than XHTML's"},
		{"HTML entity", `<Patient` + fhir + `><text><div` + xhtml + `>&nbsp;</div></text></Patient>`,
			"line 1, column 86, at Patient.text: this entity is not declared: XML itself has &amp; &lt; &gt; &quot; and &apos; only; others are written as characters or by number, such as &#160;"},
		{"two narratives", `<Patient` + fhir + `><text><div` + xhtml + `>a</div><div` + xhtml + `>a</div></text></Patient>`, "line 1, column 93, at Patient.text: the element div cannot repeat"},
	} {
		t.Run(c.name, func(t *testing.T) {
			json, _, err := read(d, []byte(c.xml), Limits{})
			got := string(json)
			if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("Decode(%s)\n gave %s\nwant %s", c.xml, got, c.want)
			}
			if err == nil {
				if _, err := fhirjson.Parse(json, fhirjson.Limits{}); err != nil {
					t.Errorf("the JSON does not parse: %v", err)
				}
			}
		})
	}
}

func TestDecodeDepth(t *testing.T) {
	d := load(t, definitions.R4)
	nested := func(levels int) string {
		return "<Patient" + fhir + ">" + strings.Repeat(`<extension url="u">`, levels) + strings.Repeat("</extension>", levels) + "</Patient>"
	}
	for _, levels := range []int{1, 4, 5, 6, 100_000} {
		json, _, err := read(d, []byte(nested(levels)), Limits{MaxDepth: 11})
		if fits := 1+2*levels <= 11; fits != (err == nil) {
			t.Errorf("%d levels with a greatest depth of 11: %v", levels, err)
		}
		if err == nil {
			if _, err := fhirjson.Parse(json, fhirjson.Limits{MaxDepth: 1 + 2*levels}); err != nil {
				t.Errorf("%d levels: the JSON is deeper than Decode counted: %v", levels, err)
			}
		}
	}
}

func TestDecodeDepthOfPrimitives(t *testing.T) {
	d := load(t, definitions.R4)
	for text, depth := range map[string]int{
		`<Patient` + fhir + `><birthDate value="2020"/></Patient>`:                                 1,
		`<Patient` + fhir + `><birthDate id="a" value="2020"/></Patient>`:                          2,
		`<Patient` + fhir + `><name><given value="A"/></name></Patient>`:                           4,
		`<Patient` + fhir + `><name><given id="a"/></name></Patient>`:                              5,
		`<Patient` + fhir + `><birthDate><extension url="a"/></birthDate></Patient>`:               4,
		`<Patient` + fhir + `><text><div` + xhtml + `><p><b/></p></div></text></Patient>`:          2,
		`<Bundle` + fhir + `><entry><resource><Patient/></resource></entry></Bundle>`:              4,
		`<Patient` + fhir + `><contained><Patient><id value="a"/></Patient></contained></Patient>`: 3,
	} {
		document, _, err := Decode(d, []byte(text), nil, Limits{MaxDepth: depth})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if _, err := fhirjson.Parse(document.Source(), fhirjson.Limits{MaxDepth: depth}); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if _, _, err := Decode(d, []byte(text), nil, Limits{MaxDepth: depth - 1}); err == nil && depth > 1 {
			t.Errorf("%s has %d levels, and is read where one less is allowed", text, depth)
		}
	}
}

func TestDecodeNodes(t *testing.T) {
	d := load(t, definitions.R4)
	text := []byte(`<Patient` + fhir + `><name><given value="A"/></name></Patient>`) // 6 values: {, resourceType, [, {, [, A
	if _, _, err := Decode(d, text, nil, Limits{MaxNodes: 6}); err != nil {
		t.Error(err)
	}
	_, _, err := Decode(d, text, nil, Limits{MaxNodes: 5})
	if fault, ok := errors.AsType[*DecodeError](err); !ok || fault.Message != "the resource has too many elements" {
		t.Errorf("6 values where 5 are allowed: %v", err)
	}
}

func TestDecodeErrorIsTyped(t *testing.T) {
	_, _, err := read(load(t, definitions.R4), []byte("<Patient"), Limits{})
	fault, ok := errors.AsType[*DecodeError](err)
	if !ok || fault.Line != 1 || fault.Column != 9 || fault.Offset != 8 {
		t.Errorf("Decode gave %#v", err)
	}
}

func TestPlaces(t *testing.T) {
	text := "<?xml version='1.0'?>\n<Patient" + fhir + ">\n  <name>\n    <given value='A'/>\n    <given value='B'><extension url='é'><valueCode value='c'/></extension></given>\n  </name>\n" +
		"  <contained><Organization><name value='O'/></Organization></contained>\n</Patient>"
	json, places, err := read(load(t, definitions.R4), []byte(text), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		of           string // what stands in the JSON
		skip         int    // bytes of it
		line, column int
	}{
		{`{"resourceType"`, 0, 2, 1},
		{`"name":[`, 0, 3, 3},
		{`"A"`, 0, 4, 5},
		{`"B"`, 1, 5, 5},
		{`"_given"`, 0, 4, 5},
		{`{"extension"`, 0, 5, 5},
		{`"url":"é"`, 0, 5, 33},
		{`"valueCode"`, 3, 5, 41},
		{`{"resourceType":"Organization"`, 5, 7, 3},
		{`"O"`, 0, 7, 28},
	} {
		at := strings.Index(string(json), c.of)
		if at < 0 {
			t.Fatalf("%s is not in %s", c.of, json)
		}
		if line, column := places.At(at + c.skip); line != c.line || column != c.column {
			t.Errorf("At(%s + %d) is line %d, column %d, want %d, %d", c.of, c.skip, line, column, c.line, c.column)
		}
	}
	if line, column := places.At(-1); line != 2 || column != 1 {
		t.Errorf("At(-1) is line %d, column %d", line, column)
	}
}
