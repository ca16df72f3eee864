package jsondiff_test

import (
	"testing"

	"fhirlog/domain/fhirjson"
	"fhirlog/domain/jsondiff"
	"fhirlog/domain/patch"
	"fhirlog/domain/publicdata"
)

// TestSharedResources compares each resource of a bulk export with the one before it of
// the same file, as two versions that differ much, and has the patch applied by what
// serves PATCH.
func TestSharedResources(t *testing.T) {
	compared, operations := 0, 0
	for _, file := range publicdata.Files(t, "synthea", "dev", "bulk-r4-2019", "*.ndjson.gz") {
		var before fhirjson.Value
		publicdata.EachLine(t, file, func(line []byte) bool {
			after := parse(t, string(line))
			if before.Exists() {
				changes := jsondiff.Of(before, after)
				p, err := patch.ParseJSON(jsondiff.AppendPatch(nil, changes))
				if err != nil {
					t.Fatal(err)
				}
				made, err := p.Apply(before)
				if err != nil || !fhirjson.Equal(made.Root(), after) {
					t.Fatalf("%s: %v\nbefore %s\nafter  %s", file, err, before.Raw(), after.Raw())
				}
				compared++
				operations += len(changes)
			}
			before = after
			return true
		})
	}
	if compared < 9_000 {
		t.Errorf("only %d pairs", compared)
	}
	t.Logf("%d pairs, %d operations", compared, operations)
}
