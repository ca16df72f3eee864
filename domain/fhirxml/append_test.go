package fhirxml

import (
	"strings"
	"testing"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

func TestAppend(t *testing.T) {
	d := load(t, definitions.R4)
	for _, c := range []struct{ name, json, want string }{
		{"nothing but a type", `{"resourceType":"Patient"}`, `<Patient xmlns="http://hl7.org/fhir"/>`},
		{"any order of members", `{"gender":"male","_birthDate":{"id":"b"},"name":[{"text":"t","id":"n"}],"birthDate":"2020","resourceType":"Patient","active":true}`,
			`<Patient xmlns="http://hl7.org/fhir"><active value="true"/><name id="n"><text value="t"/></name><gender value="male"/><birthDate id="b" value="2020"/></Patient>`},
		{"escapes", `{"resourceType":"Patient","name":[{"text":"\"<&>'\\é\u00e9\t\n\r\u0001\uffff ]]>"}]}`,
			"<Patient xmlns=\"http://hl7.org/fhir\"><name><text value=\"&quot;&lt;&amp;>'\\éé&#9;&#10;&#13;\uFFFD\uFFFD ]]>\"/></name></Patient>"},
		{"raw character that XML lacks", "{\"resourceType\":\"Patient\",\"name\":[{\"text\":\"a\uFFFEb\uFF01\"}]}",
			"<Patient xmlns=\"http://hl7.org/fhir\"><name><text value=\"a\uFFFDb\uFF01\"/></name></Patient>"},
		{"digits", `{"resourceType":"Observation","valueQuantity":{"value":1.500E+2}}`,
			`<Observation xmlns="http://hl7.org/fhir"><valueQuantity><value value="1.500E+2"/></valueQuantity></Observation>`},
		{"lists of primitives", `{"resourceType":"Patient","name":[{"_given":[null,{"extension":[{"url":"u","valueCode":"c"}]}],"given":["A",null]}]}`,
			`<Patient xmlns="http://hl7.org/fhir"><name><given value="A"/><given><extension url="u"><valueCode value="c"/></extension></given></name></Patient>`},
		{"extensions only", `{"resourceType":"Patient","name":[{"_given":[{"id":"x"}]}],"_active":{"id":"y"}}`,
			`<Patient xmlns="http://hl7.org/fhir"><active id="y"/><name><given id="x"/></name></Patient>`},
		{"resources within", `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","contained":[{"resourceType":"Group"}]}}]}`,
			`<Bundle xmlns="http://hl7.org/fhir"><entry><resource><Patient><contained><Group/></contained></Patient></resource></entry></Bundle>`},
		{"narrative", `{"resourceType":"Patient","text":{"div":" <div xmlns=\"http://www.w3.org/1999/xhtml\">a&nbsp;&amp;&#160;&lt;b\r\n<br/>&hearts;</div>\n"}}`,
			`<Patient xmlns="http://hl7.org/fhir"><text><div xmlns="http://www.w3.org/1999/xhtml">a&#160;&amp;&#160;&lt;b&#13;` + "\n" + `<br/>&#9829;</div></text></Patient>`},

		{"unknown member", `{"resourceType":"Patient","nam":[]}`, "Patient cannot be written as XML: it has a member that is not an element of Patient"},
		{"unknown type", `{"resourceType":"Patent"}`, "Patent cannot be written as XML: it is not a resource of a known type"},
		{"no array", `{"resourceType":"Patient","name":{}}`, "Patient.name cannot be written as XML: it is not an array, and the element can repeat"},
		{"array", `{"resourceType":"Patient","active":[true]}`, "Patient.active cannot be written as XML: it is an array, and the element cannot repeat"},
		{"other kind", `{"resourceType":"Patient","active":"true"}`, "Patient.active cannot be written as XML: it is string, and the element is of type boolean"},
		{"no object", `{"resourceType":"Patient","name":["a"]}`, "Patient.name[0] cannot be written as XML: it is not an object"},
		{"extensions of an object", `{"resourceType":"Patient","_name":[{}]}`, "Patient cannot be written as XML: it has extensions of what is not a primitive"},
		{"narrative that breaks out", `{"resourceType":"Patient","text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"/></text>"}}`,
			"Patient.text.div cannot be written as XML: it is not a well-formed div of XHTML"},
		{"narrative without namespace", `{"resourceType":"Patient","text":{"div":"<div>a</div>"}}`, "Patient.text.div cannot be written as XML: it is not a well-formed div of XHTML"},
		{"narrative without end", `{"resourceType":"Patient","text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">"}}`,
			"Patient.text.div cannot be written as XML: it is not a well-formed div of XHTML"},
	} {
		t.Run(c.name, func(t *testing.T) {
			document, err := fhirjson.Parse([]byte(c.json), fhirjson.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			xml, err := Append(nil, d, document.Root(), Layout{})
			got := string(xml)
			if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("Append(%s)\n gave %s\nwant %s", c.json, got, c.want)
			}
		})
	}
}

func TestAppendIndented(t *testing.T) {
	const text = `{"resourceType":"Patient","text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">a <b>c</b>\n</div>"},"contained":[{"resourceType":"Group","id":"g"}],"name":[{"given":["A","B"]}],"_active":{"id":"x"}}`
	const want = `<Patient xmlns="http://hl7.org/fhir">
  <text>
    <div xmlns="http://www.w3.org/1999/xhtml">a <b>c</b>
</div>
  </text>
  <contained>
    <Group>
      <id value="g"/>
    </Group>
  </contained>
  <active id="x"/>
  <name>
    <given value="A"/>
    <given value="B"/>
  </name>
</Patient>`
	document, err := fhirjson.Parse([]byte(text), fhirjson.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	d := load(t, definitions.R4)
	if got, err := Append(nil, d, document.Root(), Layout{Indent: true}); err != nil || string(got) != want {
		t.Errorf("indented: %v\n%s", err, got)
	}
	within := strings.ReplaceAll(strings.Replace(want, ` xmlns="http://hl7.org/fhir"`, "", 1), "\n  ", "\n      ")
	within = strings.Replace(within, "\n</Patient>", "\n    </Patient>", 1)
	if got, err := Append(nil, d, document.Root(), Layout{Indent: true, Depth: 2}); err != nil || string(got) != within {
		t.Errorf("indented at level 2: %v\n%s\nwant\n%s", err, got, within)
	}
}
