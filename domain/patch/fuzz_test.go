package patch

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// checkResult fails unless an error tells the client something and the result
// of a patch is a text that can be read. It returns the members of the resource
// that the result lacks or has otherwise.
func checkResult(t *testing.T, resource fhirjson.Value, result *fhirjson.Document, err error) (touched []string) {
	t.Helper()
	if err != nil {
		if known, ok := errors.AsType[*domain.Error](err); !ok || known.Kind == domain.Internal || len(known.Issues) == 0 {
			t.Fatalf("Apply fails with %v", err)
		}
		return nil
	}
	again, err := fhirjson.Parse(result.Source(), fhirjson.Limits{})
	if err != nil {
		t.Fatalf("the result %q cannot be read: %v", result.Source(), err)
	}
	if text := fhirjson.AppendCompact(nil, again.Root(), nil); !bytes.Equal(text, result.Source()) {
		t.Fatalf("the result %q is not compact", result.Source())
	}
	for m := resource.First(); m.IsMember(); m = m.Next() {
		is := again.Root().Get(string(m.Name()))
		if !bytes.Equal(is.Raw(), fhirjson.AppendCompact(nil, m, nil)) {
			touched = append(touched, string(m.Name()))
		}
	}
	return touched
}

// FuzzJSONPatch applies any JSON Patch to any text. Members that no pointer
// begins with must stay byte for byte.
func FuzzJSONPatch(f *testing.F) {
	for _, patch := range []string{
		`[]`, `[{"op":"add","path":"/name/0/given/-","value":[1.50]}]`, `[{"op":"remove","path":"/name/0"},{"op":"remove","path":"/name/0"}]`,
		`[{"op":"replace","path":"/extension/0/valueDecimal","value":1e2},{"op":"test","path":"/extension","value":[{"url":"http://example.org/weight","valueDecimal":100}]}]`,
		`[{"op":"move","from":"/telecom/2","path":"/name/1"},{"op":"copy","from":"/name","path":"/name/0/_given/0"}]`,
		`[{"op":"copy","from":"","path":"/a~1b"},{"op":"copy","from":"","path":"/a~0b"},{"op":"remove","path":"/contact/0/gender"}]`,
		`[{"op":"add","path":"","value":{"b":[]}},{"op":"add","path":"/b/-","value":{}}]`, `{"op":"add"}`, `[{"op":"add","path":null}]`,
	} {
		f.Add([]byte(patch), []byte(patientJSON))
		f.Add([]byte(patch), []byte(`{ "\u0061" : [ 1 , { } ] , "b" : -0.0 }`))
	}
	f.Fuzz(func(t *testing.T, patch, resource []byte) {
		document, err := fhirjson.Parse(resource, fhirjson.Limits{})
		if err != nil {
			return
		}
		p, err := ParseJSON(patch)
		if err != nil {
			checkResult(t, fhirjson.Value{}, nil, err)
			return
		}
		result, err := p.Apply(document.Root())
		meant := map[string]bool{}
		for _, o := range p.(jsonPatch) {
			for _, pointer := range []pointer{o.path, o.from} {
				if len(pointer) > 0 {
					meant[pointer[0]] = true
				} else if o.verb != "test" {
					return // the whole
				}
			}
		}
		for _, name := range checkResult(t, document.Root(), result, err) {
			if !meant[name] {
				t.Fatalf("patch %q of %q changes %q: %q", patch, resource, name, result.Source())
			}
		}
	})
}

// FuzzFHIRPathPatch applies any FHIRPath Patch to any resource. One operation
// changes at most one element of the resource, which has at most two members
// and two others if its type changes.
func FuzzFHIRPathPatch(f *testing.F) {
	for _, patch := range []string{
		parameters(), parameters(op("delete", "Patient.name.given[0]"), op("delete", "name[0]")), parameters(op("delete", "Patient.birthDate")),
		parameters(add("Patient.gender", "extension", `"part":[{"name":"url","valueUri":"u"},{"name":"value","valueBoolean":true,"_valueBoolean":{}}]`)),
		parameters(add("Patient", "contained", `"resource":{"resourceType":"Basic"}`)),
		parameters(op("replace", "Patient.deceased", with(`"valueDateTime":"2020"`))),
		parameters(op("upsert", "Patient", named("deceased"), with(`"valueDate":"2020"`))),
		parameters(op("insert", "Patient.name[0].given", at("index", 1), with(`"_valueString":{"id":"i"}`)), op("move", "Patient.name.given", at("source", 2), at("destination", 0))),
		parameters(op("insert", "Patient.photo", at("index", 0), with(`"part":[{"name":"size","valueInteger":1}]`))),
		parameters(op("replace", "%resource.descendants().where($this is code)[0]", with(`"valueString":"x"`))),
		parameters(op("replace", "Patient.extension.value", with(`"valueQuantity":{"value":1.0}`))),
	} {
		f.Add([]byte(patch), []byte(patientJSON))
		f.Add([]byte(patch), []byte(`{ "resourceType" : "Patient" , "name" : { "given" : "x" } , "deceasedDateTime" : [ ] , "_gender" : null , "photo" : [ null , 1 ] }`))
	}
	d := load(f, definitions.R4)
	f.Fuzz(func(t *testing.T, patch, resource []byte) {
		document, err := fhirjson.Parse(resource, fhirjson.Limits{})
		if err != nil {
			return
		}
		posted, err := fhirjson.Parse(patch, fhirjson.Limits{})
		if err != nil {
			return
		}
		p, err := ParseFHIRPath(d, posted.Root())
		if err != nil {
			checkResult(t, fhirjson.Value{}, nil, err)
			return
		}
		result, err := p.Apply(document.Root())
		touched := checkResult(t, document.Root(), result, err)
		if len(touched) > 4*len(p.(*fhirpathPatch).operations) {
			t.Fatalf("patch %q of %q changes %s: %q", patch, resource, strings.Join(touched, ", "), result.Source())
		}
	})
}
