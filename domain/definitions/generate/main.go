// Command generate makes the definition tables of fhirlog from the npm
// packages that HL7 publishes (CC0). Fetch them into a folder with
//
//	npm pack hl7.fhir.r4.examples@4.0.1 hl7.fhir.r4.expansions@4.0.1 \
//	         hl7.fhir.r3.examples@3.0.2 hl7.fhir.r3.expansions@3.0.2 \
//	         hl7.fhir.r4b.core@4.3.0    hl7.fhir.r4b.expansions@4.3.0 \
//	         hl7.fhir.r5.core@5.0.0     hl7.fhir.r5.expansions@5.0.0
//
// (the examples packages of R4 and STU3 hold the definitions too) and run,
// from the top of the project,
//
//	go run ./domain/definitions/generate -packages FOLDER
//
// Each package may be the .tgz or a folder of the same name with its content.
// The same packages always give the same bytes.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"fhirlog/domain/definitions/tables"
)

// source names the packages of one FHIR version.
type source struct {
	file        string // the table file without its extension
	fhirVersion string
	core        string
	expansions  string
}

var sources = []source{
	{"r4", "4.0.1", "hl7.fhir.r4.examples-4.0.1", "hl7.fhir.r4.expansions-4.0.1"},
	{"stu3", "3.0.2", "hl7.fhir.r3.examples-3.0.2", "hl7.fhir.r3.expansions-3.0.2"},
	{"r4b", "4.3.0", "hl7.fhir.r4b.core-4.3.0", "hl7.fhir.r4b.expansions-4.3.0"},
	{"r5", "5.0.0", "hl7.fhir.r5.core-5.0.0", "hl7.fhir.r5.expansions-5.0.0"},
}

func main() {
	packages := flag.String("packages", "", "folder that holds the npm packages, as .tgz or unpacked")
	out := flag.String("out", filepath.Join("domain", "definitions"), "folder to write the tables to")
	flag.Parse()
	if *packages == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	for _, s := range sources {
		if err := generate(*packages, *out, s); err != nil {
			fmt.Fprintf(os.Stderr, "generate %s: %v\n", s.file, err)
			os.Exit(1)
		}
	}
}

// generate writes the table file of one FHIR version and prints its figures.
func generate(packages, out string, s source) error {
	core, err := readPackage(packages, s.core)
	if err != nil {
		return err
	}
	expansions, err := readPackage(packages, s.expansions)
	if err != nil {
		return err
	}
	content, err := distil(s.fhirVersion, core, expansions)
	if err != nil {
		return err
	}
	data, err := tables.Encode(content)
	if err != nil {
		return err
	}
	open := 0
	for _, v := range content.ValueSets {
		if v.Open {
			open++
			fmt.Printf("%s: not listed: %s\n", s.file, v.URL)
		}
	}
	fmt.Printf("%s: %d types, %d value sets (%d open) and %d extensible, %d search parameters, %d compartments, %d operations, %d invariants: %d bytes\n",
		s.file, len(content.Types), len(content.ValueSets), open, len(content.Extensible), len(content.SearchParameters), len(content.Compartments),
		len(content.Operations), len(content.Invariants), len(data))
	return os.WriteFile(filepath.Join(out, s.file+".tables"), data, 0o644)
}

// distil turns the resources of the packages into tables.
func distil(fhirVersion string, core, expansions library) (*tables.Content, error) {
	content := &tables.Content{FHIRVersion: fhirVersion}
	var err error
	if content.Types, content.Invariants, err = distilTypes(core["StructureDefinition"]); err != nil {
		return nil, err
	}
	terms := newTerminology(core, expansions)
	content.ValueSets = terms.required(content.Types)
	content.Extensible = terms.extensible(content.Types)
	content.SearchParameters = distilSearchParameters(core["SearchParameter"])
	content.Compartments = distilCompartments(core["CompartmentDefinition"])
	content.Operations = distilOperations(core["OperationDefinition"])
	return content, nil
}
