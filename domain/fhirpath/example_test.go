package fhirpath_test

import (
	"fmt"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirpath"
)

func Example() {
	r4, err := definitions.Load(definitions.R4)
	if err != nil {
		panic(err)
	}
	document, err := fhirjson.Parse([]byte(`{
		"resourceType": "Patient",
		"telecom": [{"system": "email", "value": "a@example.org"}, {"system": "phone", "value": "555"}]
	}`), fhirjson.Limits{})
	if err != nil {
		panic(err)
	}
	phones, err := fhirpath.Compile(r4, "Patient.telecom.where(system = 'phone').value", fhirpath.Options{})
	if err != nil {
		panic(err)
	}
	items, err := phones.Eval(fhirpath.Context{Root: fhirpath.NewResource(r4, document.Root())})
	if err != nil {
		panic(err)
	}
	for _, item := range items {
		fmt.Println(item.Place().Path(), item.Type(), item)
	}
	// Output: Patient.telecom[1].value FHIR.string 555
}

func ExampleParse() {
	node, err := fhirpath.Parse("Observation.value.as(Quantity) | Observation.component.value")
	if err != nil {
		panic(err)
	}
	union := node.(*fhirpath.Binary)
	left := union.Left.(*fhirpath.Typed)
	fmt.Println(union.Op, left.Op, left.Type, left.Of)
	// Output: | as Quantity Observation.value
}

func ExampleCompile_error() {
	r4, err := definitions.Load(definitions.R4)
	if err != nil {
		panic(err)
	}
	_, err = fhirpath.Compile(r4, "Patient.name.fist()", fhirpath.Options{})
	fmt.Println(err)
	// Output: FHIRPath, column 14: there is no function 'fist'
}
