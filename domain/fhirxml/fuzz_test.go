package fhirxml

import (
	"bytes"
	"testing"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/validate"
)

// FuzzDecode takes what Decode accepts through XML again: the JSON must be the
// same, byte by byte, and Places must know every offset.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{
		`<Patient` + fhir + `><id value="a"/><text><status value="generated"/><div` + xhtml + `>a<br/>&lt;&#13;</div></text><active value="true"/></Patient>`,
		`<Patient` + fhir + `><name id="n"><given value="A"/><given id="x"/><family value="&#10;"/></name><name/><birthDate><extension url="u"><valueCode value="c"/></extension></birthDate></Patient>`,
		`<Bundle` + fhir + `><entry><resource><Patient><contained><Group/></contained></Patient></resource></entry></Bundle>`,
		`<f:Patient xmlns:f="http://hl7.org/fhir"` + xhtml + `><f:gender value="male"/><f:text><div>a</div></f:text></f:Patient>`,
		`<Observation` + fhir + `><valueQuantity><value value="1.50"/></valueQuantity></Observation>`,
	} {
		f.Add([]byte(text))
	}
	d := load(f, definitions.R4)
	f.Fuzz(func(t *testing.T, text []byte) {
		json, places, err := read(d, text, Limits{})
		if err != nil {
			return
		}
		document, err := fhirjson.Parse(json, fhirjson.Limits{})
		if err != nil {
			t.Fatalf("the JSON does not parse: %v\n%s", err, json)
		}
		for _, layout := range []Layout{{}, {Indent: true}} {
			xml, err := Append(nil, d, document.Root(), layout)
			if err != nil {
				t.Fatalf("the JSON cannot be written: %v\n%s", err, json)
			}
			again, _, err := read(d, xml, Limits{})
			if err != nil {
				t.Fatalf("what is written cannot be read: %v\n%s", err, xml)
			}
			if !bytes.Equal(json, again) {
				t.Fatalf("read    %s\nwritten %s\nread    %s", json, xml, again)
			}
		}
		for _, offset := range []int{0, len(json) / 2, len(json)} {
			if line, column := places.At(offset); line < 1 || column < 1 {
				t.Fatalf("At(%d) is line %d, column %d", offset, line, column)
			}
		}
	})
}

// FuzzAppend takes valid resources through XML: the tree must come back.
func FuzzAppend(f *testing.F) {
	for _, text := range []string{
		`{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">a<br/></div>"},"active":true,"_birthDate":{"id":"b"}}`,
		`{"name":[{"given":["A",null],"_given":[null,{"extension":[{"url":"u","valueDecimal":1.50}]}]}],"resourceType":"Patient","contained":[{"resourceType":"Group","id":"g","type":"person","actual":true}]}`,
		`{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","id":"a"}}]}`,
		`{"resourceType":"Basic","code":{"text":"\t\"<&>\\\u00e9"}}`,
	} {
		f.Add([]byte(text))
	}
	d := load(f, definitions.R4)
	validator := validate.New(d)
	f.Fuzz(func(t *testing.T, text []byte) {
		document, err := fhirjson.Parse(text, fhirjson.Limits{})
		if err != nil {
			return
		}
		xml, err := Append(nil, d, document.Root(), Layout{})
		valid := validator.Resource(document.Root(), "", nil) == nil
		if err != nil {
			if valid {
				t.Fatalf("%v\n%s", err, text)
			}
			return
		}
		if !valid || !same(text) {
			return
		}
		json, _, err := read(d, xml, Limits{})
		if err != nil {
			t.Fatalf("what is written cannot be read: %v\n%s", err, xml)
		}
		again, err := fhirjson.Parse(json, fhirjson.Limits{})
		if err != nil || !fhirjson.Equal(document.Root(), again.Root()) {
			t.Fatalf("%v\n%s\nis written\n%s\nand read\n%s", err, text, xml, json)
		}
	})
}

// same tells whether a text has nothing that XML spells in another way: white
// space around a narrative, references in it, or characters that XML lacks.
func same(text []byte) bool {
	for _, odd := range []string{`\u0`, `\b`, `\f`, "\uFFFE", "\uFFFF", `\uf`, `\uF`, `&`} {
		if bytes.Contains(text, []byte(odd)) {
			return false
		}
	}
	return !bytes.Contains(text, []byte(`div`)) || bytes.Contains(text, []byte(`"<div`)) && bytes.Contains(text, []byte(`div>"`))
}
