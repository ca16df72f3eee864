package fhirjson_test

import (
	"fmt"

	"fhirlog/domain/fhirjson"
)

// A posted body becomes a stored one: white space goes, the id is inserted,
// members of meta are removed, and everything else stays as it was spelled.
func ExampleAppendCompact() {
	posted := []byte(`{ "resourceType": "Observation",
		"meta": { "versionId": "7", "tag": [], "lastUpdated": "2024-01-01" },
		"valueQuantity": { "value": 1.00, "unit": "\u00b5g" } }`)
	d, err := fhirjson.Parse(posted, fhirjson.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	kind := d.Root().Get("resourceType")
	edits := []fhirjson.Edit{{Start: kind.End(), End: kind.End(), With: []byte(`,"id":"o1"`)}}
	edits = fhirjson.RemoveMembers(edits, d.Root().Get("meta"), func(name []byte) bool {
		return string(name) == "versionId" || string(name) == "lastUpdated"
	})
	fmt.Printf("%s\n", fhirjson.AppendCompact(nil, d.Root(), edits))
	// Output: {"resourceType":"Observation","id":"o1","meta":{"tag":[]},"valueQuantity":{"value":1.00,"unit":"\u00b5g"}}
}

func ExampleParse() {
	_, err := fhirjson.Parse([]byte("{\"resourceType\":\"Patient\",\n\"name\":[{\"given\":[\"A\",]}]}"), fhirjson.Limits{})
	fmt.Println(err)
	// Output: line 2, column 23 (byte 49), at Patient.name[0].given: a comma must be followed by another element, not by the end of the array
}
