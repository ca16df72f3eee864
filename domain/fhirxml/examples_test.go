package fhirxml

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"fhirlog/domain/definitions"
)

// TestExamples takes HL7's examples in testdata through XML and back.
func TestExamples(t *testing.T) {
	for folder, v := range map[string]definitions.Version{"r4": definitions.R4, "stu3": definitions.STU3, "r4b": definitions.R4B, "r5": definitions.R5} {
		files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "examples", folder, "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no examples of %s: %v", folder, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			roundTrip(t, load(t, v), folder+"/"+filepath.Base(file), bytes.TrimPrefix(text, []byte("\uFEFF")))
		}
	}
}
