package fhirxml

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden compares with XML that was reviewed, and reads it back.
func TestGolden(t *testing.T) {
	for _, c := range []struct {
		version definitions.Version
		example string
	}{
		{definitions.R4, "r4/Patient-example"},
		{definitions.R4, "r4/Bundle-bundle-response"},
		{definitions.STU3, "stu3/Claim-100150"},
		{definitions.R4B, "r4b/Ingredient-example"},
		{definitions.R5, "r5/GenomicStudy-example"},
	} {
		t.Run(c.example, func(t *testing.T) {
			d := load(t, c.version)
			text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "examples", filepath.FromSlash(c.example)+".json"))
			if err != nil {
				t.Fatal(err)
			}
			document, err := fhirjson.Parse(bytes.TrimPrefix(text, []byte("\uFEFF")), fhirjson.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := Append(nil, d, document.Root(), Layout{Indent: true})
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, '\n')
			file := filepath.Join("testdata", filepath.Base(c.example)+".xml")
			if *update {
				if err := os.MkdirAll("testdata", 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("the XML differs from %s; if that is meant, run go test ./domain/fhirxml -update and review", file)
			}
			json, _, err := read(d, want, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			again, err := fhirjson.Parse(json, fhirjson.Limits{})
			if err != nil || !fhirjson.Equal(document.Root(), again.Root()) {
				t.Errorf("%s is read as something else (%v)", file, err)
			}
		})
	}
}
