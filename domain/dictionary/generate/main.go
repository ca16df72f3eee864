// Command generate trains the zstd dictionary of fhirlog on the R4 examples
// that HL7 publishes (CC0). Fetch them into a folder with
//
//	npm pack hl7.fhir.r4.examples@4.0.1
//
// and run, from the top of the project,
//
//	go run ./domain/dictionary/generate -package FOLDER/hl7.fhir.r4.examples-4.0.1.tgz
//
// The same package always gives the same bytes. A released dictionary is never
// trained anew: logs name it.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/dict"
	"github.com/klauspost/compress/zstd"
)

// dictionaryID is what zstd frames and segment headers name.
const dictionaryID = 1001

// definitional types describe FHIR, not patients: their text would crowd out
// what records hold.
var definitional = []string{
	"Bundle", "CapabilityStatement", "CodeSystem", "CompartmentDefinition", "ConceptMap", "ImplementationGuide",
	"NamingSystem", "OperationDefinition", "SearchParameter", "StructureDefinition", "StructureMap", "ValueSet",
}

func main() {
	source := flag.String("package", "", "the npm package of R4 examples, a .tgz")
	out := flag.String("out", "domain/dictionary/v1.zdict", "file to write")
	size := flag.Int("size", 32<<10, "size of the dictionary in bytes")
	flag.Parse()
	if *source == "" {
		flag.Usage()
		os.Exit(2)
	}
	if err := generate(*source, *out, *size); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func generate(source, out string, size int) error {
	samples, err := readSamples(source)
	if err != nil {
		return err
	}
	trained, err := dict.BuildZstdDict(samples, dict.Options{
		MaxDictSize: size, HashBytes: 6, ZstdDictID: dictionaryID, ZstdLevel: zstd.SpeedBetterCompression,
	})
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	fmt.Printf("%d samples, %d bytes\n", len(samples), len(trained))
	return os.WriteFile(out, trained, 0o644)
}

// readSamples returns the examples that look like records, in a fixed order.
func readSamples(source string) ([][]byte, error) {
	f, err := os.Open(source)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	byName := map[string][]byte{}
	for archive := tar.NewReader(unzipped); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(archive)
		if err != nil {
			return nil, err
		}
		if sample, ok := sampleOf(header.Name, text); ok {
			byName[header.Name] = sample
		}
	}
	var samples [][]byte
	for _, name := range sortedNames(byName) {
		samples = append(samples, byName[name])
	}
	return samples, nil
}

func sortedNames(byName map[string][]byte) []string {
	names := make([]string, 0, len(byName))
	for name := range byName {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// sampleOf returns the compact text of an example, if it is one to learn from.
func sampleOf(name string, text []byte) ([]byte, bool) {
	base := path.Base(name)
	if !strings.HasSuffix(base, ".json") || base == "package.json" || strings.HasPrefix(base, ".") {
		return nil, false
	}
	var head struct {
		ResourceType string `json:"resourceType"`
	}
	var compact bytes.Buffer
	if json.Unmarshal(text, &head) != nil || json.Compact(&compact, text) != nil {
		return nil, false
	}
	if head.ResourceType == "" || slices.Contains(definitional, head.ResourceType) {
		return nil, false
	}
	return compact.Bytes(), compact.Len() >= 150 && compact.Len() <= 16000
}
