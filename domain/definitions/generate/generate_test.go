package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"fhirlog/domain/definitions/tables"
)

// The files of a small package in the manner of STU3, with its traps: a byte
// order mark, a type repeated for each target, value sets by Reference.
var coreFiles = map[string]string{
	"StructureDefinition-Thing.json": "\xef\xbb\xbf" + `{"resourceType":"StructureDefinition","id":"Thing","url":"http://hl7.org/fhir/StructureDefinition/Thing",
		"kind":"resource","derivation":"specialization","baseDefinition":"http://hl7.org/fhir/StructureDefinition/DomainResource","snapshot":{"element":[
		{"path":"Thing","min":0,"max":"*","constraint":[{"key":"thi-1","severity":"error","human":"A rule.","expression":"id.exists()"},{"key":"dom-2","severity":"error"}]},
		{"path":"Thing.id","min":0,"max":"1","type":[{"code":"http://hl7.org/fhirpath/System.String"}]},
		{"path":"Thing.status","min":1,"max":"1","isModifier":true,"isSummary":true,"type":[{"code":"code"}],"binding":{"strength":"required","valueSetReference":{"reference":"http://example.org/vs/status|1.0"}}},
		{"path":"Thing.value[x]","min":0,"max":"1","type":[{"code":"code"},{"code":"Reference","targetProfile":"http://hl7.org/fhir/StructureDefinition/Thing"},{"code":"Reference","targetProfile":"http://hl7.org/fhir/StructureDefinition/Other"}]},
		{"path":"Thing.part","min":0,"max":"*","type":[{"code":"BackboneElement"}]},
		{"path":"Thing.part.id","min":0,"max":"1","representation":["xmlAttr"],"type":[{"code":"id"}]},
		{"path":"Thing.part.part","min":0,"max":"2","contentReference":"#Thing.part"}]}}`,
	"StructureDefinition-code.json": `{"resourceType":"StructureDefinition","id":"code","url":"http://hl7.org/fhir/StructureDefinition/code","kind":"primitive-type","baseDefinition":"http://hl7.org/fhir/StructureDefinition/string",
		"snapshot":{"element":[{"path":"code"},{"path":"code.value","type":[{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/regex","valueString":"x+"}]}]}]}}`,
	"StructureDefinition-id.json":              `{"resourceType":"StructureDefinition","id":"id","url":"http://hl7.org/fhir/StructureDefinition/id","kind":"primitive-type","snapshot":{"element":[{"path":"id"}]}}`,
	"StructureDefinition-string.json":          `{"resourceType":"StructureDefinition","id":"string","url":"http://hl7.org/fhir/StructureDefinition/string","kind":"primitive-type","snapshot":{"element":[{"path":"string"}]}}`,
	"StructureDefinition-Reference.json":       `{"resourceType":"StructureDefinition","id":"Reference","url":"http://hl7.org/fhir/StructureDefinition/Reference","kind":"complex-type","snapshot":{"element":[{"path":"Reference"}]}}`,
	"StructureDefinition-BackboneElement.json": `{"resourceType":"StructureDefinition","id":"BackboneElement","url":"http://hl7.org/fhir/StructureDefinition/BackboneElement","abstract":true,"kind":"complex-type","snapshot":{"element":[{"path":"BackboneElement"}]}}`,
	"StructureDefinition-profile.json":         `{"resourceType":"StructureDefinition","id":"profile","url":"http://hl7.org/fhir/StructureDefinition/profile","kind":"resource","derivation":"constraint"}`,
	"StructureDefinition-example.json":         `{"resourceType":"StructureDefinition","id":"example","url":"http://hl7.org/fhir/StructureDefinition/example","kind":"resource"}`,
	"ValueSet-status.json":                     `{"resourceType":"ValueSet","url":"http://example.org/vs/status","compose":{"include":[{"system":"urn:s","filter":[{"property":"concept","op":"is-a","value":"b"}]},{"system":"urn:t","concept":[{"code":"z"}]}]}}`,
	"CodeSystem-s.json":                        `{"resourceType":"CodeSystem","url":"urn:s","content":"complete","concept":[{"code":"a"},{"code":"b","property":[{"code":"notSelectable","valueBoolean":true}],"concept":[{"code":"d"},{"code":"c"}]}]}`,
	"SearchParameter-a.json":                   `{"resourceType":"SearchParameter","url":"urn:a","code":"a","type":"composite","base":["Thing","Other"],"multipleOr":false,"component":[{"definition":{"reference":"urn:b"},"expression":"x"}]}`,
	"SearchParameter-without-base.json":        `{"resourceType":"SearchParameter","url":"urn:c","code":"c"}`,
	"CompartmentDefinition-t.json":             `{"resourceType":"CompartmentDefinition","url":"urn:t","code":"Thing","resource":[{"code":"Thing","param":["{def}"]},{"code":"Other"}]}`,
	"OperationDefinition-o.json":               `{"resourceType":"OperationDefinition","url":"urn:o","code":"o","kind":"operation","instance":true,"idempotent":true,"parameter":[{"name":"p","use":"in","min":0,"max":"*","part":[{"name":"q","use":"out","min":1,"max":"1"}]}]}`,
	"Patient-x.json":                           `not read at all`,
}

func wantContent() *tables.Content {
	code := []tables.TypeRef{{Code: "code"}}
	return &tables.Content{
		FHIRVersion: "3.0.2",
		Types: []tables.Type{
			{Name: "code", Base: "string", JSON: tables.JSONString, Regex: "x+"},
			{Name: "id", JSON: tables.JSONString},
			{Name: "string", JSON: tables.JSONString},
			{Name: "BackboneElement", Kind: tables.Complex, Abstract: true},
			{Name: "Reference", Kind: tables.Complex},
			{Name: "Thing.part", Kind: tables.Backbone, Base: "BackboneElement", Elements: []tables.Element{
				{Name: "id", Max: 1, Representation: "xmlAttr", Types: []tables.TypeRef{{Code: "string"}}},
				{Name: "part", Max: 2, ContentReference: "Thing.part"},
			}},
			{Name: "Thing", Kind: tables.Resource, Base: "DomainResource", Elements: []tables.Element{
				{Name: "id", Max: 1, Types: []tables.TypeRef{{Code: "id"}}},
				{Name: "status", Min: 1, Max: 1, Summary: true, Modifier: true, Types: code, Binding: &tables.Binding{Strength: tables.Required, ValueSet: "http://example.org/vs/status"}},
				{Name: "value", Max: 1, Choice: true, Types: []tables.TypeRef{{Code: "code"}, {Code: "Reference", Targets: []string{"Other", "Thing"}}}},
				{Name: "part", Max: tables.Unbounded, Backbone: true, Types: []tables.TypeRef{{Code: "BackboneElement"}}},
			}},
		},
		ValueSets: []tables.ValueSet{{URL: "http://example.org/vs/status", Groups: []tables.CodeGroup{
			{System: "urn:s", Codes: []string{"c", "d"}}, {System: "urn:t", Codes: []string{"z"}},
		}}},
		SearchParameters: []tables.SearchParameter{{URL: "urn:a", Code: "a", Type: "composite", Base: []string{"Other", "Thing"}, SingleOr: true,
			Components: []tables.Component{{Definition: "urn:b", Expression: "x"}}}},
		Compartments: []tables.Compartment{{Code: "Thing", URL: "urn:t", Resources: []tables.CompartmentResource{{Type: "Thing", Parameters: []string{"{def}"}}}}},
		Operations: []tables.Operation{{URL: "urn:o", Code: "o", Instance: true, Parameters: []tables.OperationParameter{
			{Name: "p", Max: tables.Unbounded, Parts: []tables.OperationParameter{{Name: "q", Output: true, Min: 1, Max: 1}}},
		}}},
		Invariants: []tables.Invariant{{Path: "Thing", Key: "thi-1", Expression: "id.exists()", Human: "A rule."}},
	}
}

// TestDistil reads the same package as an archive and as folders.
func TestDistil(t *testing.T) {
	dir := t.TempDir()
	for name, text := range coreFiles {
		write(t, filepath.Join(dir, "folder", "package", name), []byte(text))
		write(t, filepath.Join(dir, "bare", name), []byte(text))
	}
	write(t, filepath.Join(dir, "archive.tgz"), archive(t))
	for _, name := range []string{"archive", "folder", "bare"} {
		core, err := readPackage(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := distil("3.0.2", core, library{})
		if err != nil {
			t.Fatal(err)
		}
		if want := wantContent(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got\n%+v, want\n%+v", name, got, want)
		}
	}
	if _, err := readPackage(dir, "absent"); err == nil {
		t.Error("an absent package is read without an error")
	}
}

func write(t *testing.T, file string, data []byte) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(file), 0o755)
	if err == nil {
		err = os.WriteFile(file, data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func archive(t *testing.T) []byte {
	t.Helper()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	files := tar.NewWriter(z)
	add := func(name, text string) {
		if err := files.WriteHeader(&tar.Header{Name: name, Size: int64(len(text)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := files.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range coreFiles {
		add("package/"+name, text)
	}
	add("package/other/StructureDefinition-code.json", "not read")
	for _, err := range []error{files.Close(), z.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return packed.Bytes()
}

func TestExpansions(t *testing.T) {
	tests := []struct {
		name, expansion, valueSet string
		want                      tables.ValueSet
	}{
		{"expansion first", `{"total":2,"contains":[{"system":"urn:s","code":"b"},{"system":"urn:s","code":"g","abstract":true,"contains":[{"system":"urn:s","code":"a"}]}]}`,
			`{"include":[{"system":"urn:s","concept":[{"code":"z"}]}]}`,
			tables.ValueSet{URL: "urn:v", Groups: []tables.CodeGroup{{System: "urn:s", Codes: []string{"a", "b"}}}}},
		{"cut expansion", `{"total":5,"contains":[{"system":"urn:s","code":"b"}]}`, `{"include":[{"system":"urn:s","concept":[{"code":"z"}]}]}`,
			tables.ValueSet{URL: "urn:v", Groups: []tables.CodeGroup{{System: "urn:s", Codes: []string{"z"}}}}},
		{"cut expansion and a foreign system", `{"total":5,"contains":[{"system":"urn:s","code":"b"}]}`, `{"include":[{"system":"urn:foreign"}]}`, tables.ValueSet{URL: "urn:v", Open: true}},
		{"unclosed expansion", `{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/valueset-unclosed","valueBoolean":true}],"contains":[{"system":"urn:s","code":"b"}]}`, `{}`, tables.ValueSet{URL: "urn:v", Open: true}},
		{"codes of SNOMED CT", `{"contains":[{"system":"http://snomed.info/sct","code":"1"}]}`, `{}`, tables.ValueSet{URL: "urn:v", Open: true}},
		{"unknown filter", `{}`, `{"include":[{"system":"urn:s","filter":[{"op":"regex","value":"."}]}]}`, tables.ValueSet{URL: "urn:v", Open: true}},
		{"exclusion", `{}`, `{"include":[{"system":"urn:s"}],"exclude":[{"system":"urn:s"}]}`, tables.ValueSet{URL: "urn:v", Open: true}},
		{"import", `{}`, `{"include":[{"valueSet":["urn:w|1"]}]}`, tables.ValueSet{URL: "urn:v", Groups: []tables.CodeGroup{{System: "urn:s", Codes: []string{"a", "b"}}}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			parse := func(text string) object {
				o, err := decode([]byte(text))
				if err != nil {
					t.Fatal(err)
				}
				return o
			}
			core := library{
				"ValueSet": {parse(`{"url":"urn:v","compose":` + test.valueSet + `}`),
					parse(`{"url":"urn:w","compose":{"include":[{"system":"urn:s"}]}}`)},
				"CodeSystem": {parse(`{"url":"urn:s","content":"complete","concept":[{"code":"a"},{"code":"b"}]}`)},
			}
			expansions := library{"ValueSet": {parse(`{"url":"urn:v","expansion":` + test.expansion + `}`)}}
			if got := newTerminology(core, expansions).list("urn:v"); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}
