package patch_test

import (
	"fmt"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/patch"
)

func ExampleParseJSON() {
	p, err := patch.ParseJSON([]byte(`[
		{"op": "test", "path": "/birthDate", "value": "1980"},
		{"op": "replace", "path": "/birthDate", "value": "1980-02-29"}
	]`))
	if err != nil {
		panic(err)
	}
	for _, text := range []string{`{"resourceType":"Patient","birthDate":"1980"}`, `{"resourceType":"Patient"}`} {
		resource, err := fhirjson.Parse([]byte(text), fhirjson.Limits{})
		if err != nil {
			panic(err)
		}
		result, err := p.Apply(resource.Root())
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Printf("%s\n", result.Source())
	}
	// Output:
	// {"resourceType":"Patient","birthDate":"1980-02-29"}
	// Operation 1 (test, path /birthDate): there is no birthDate in the resource.
}

func ExampleParseFHIRPath() {
	d, err := definitions.Load(definitions.R4)
	if err != nil {
		panic(err)
	}
	read := func(text string) fhirjson.Value {
		document, err := fhirjson.Parse([]byte(text), fhirjson.Limits{})
		if err != nil {
			panic(err)
		}
		return document.Root()
	}
	p, err := patch.ParseFHIRPath(d, read(`{"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [
		{"name": "type", "valueCode": "replace"},
		{"name": "path", "valueString": "Patient.deceased"},
		{"name": "value", "valueDateTime": "2024-03-01"}
	]}]}`))
	if err != nil {
		panic(err)
	}
	for _, text := range []string{`{"resourceType":"Patient","deceasedBoolean":true}`, `{"resourceType":"Patient"}`} {
		result, err := p.Apply(read(text))
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Printf("%s\n", result.Source())
	}
	// Output:
	// {"resourceType":"Patient","deceasedDateTime":"2024-03-01"}
	// Operation 1 (replace, path Patient.deceased): the path selects nothing in this resource, and must select one element.
}
