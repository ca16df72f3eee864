package fhirpackage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/profile"
	"fhirlog/domain/publicdata"
)

// HL7's packages of the specification itself, which hold its profiles.
var published = map[definitions.Version]string{
	definitions.R4: "hl7.fhir.r4.examples-4.0.1.tgz", definitions.STU3: "hl7.fhir.r3.examples-3.0.2.tgz",
	definitions.R4B: "hl7.fhir.r4b.core-4.3.0.tgz", definitions.R5: "hl7.fhir.r5.core-5.0.0.tgz",
}

// readPublished reads a published package from the folder FHIRLOG_FHIR_PACKAGES.
func readPublished(t *testing.T, version definitions.Version) *Package {
	t.Helper()
	folder := os.Getenv("FHIRLOG_FHIR_PACKAGES")
	if folder == "" {
		t.Skip("FHIRLOG_FHIR_PACKAGES is the folder with HL7's packages " + fmt.Sprint(published))
	}
	file, err := os.Open(filepath.Join(folder, published[version]))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	start := time.Now()
	p, err := Read(file, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d definitions in %v", p, p.Len(), time.Since(start))
	return p
}

// eachExample visits HL7's example resources of a version.
func eachExample(t *testing.T, version definitions.Version, visit func(name string, v fhirjson.Value)) {
	t.Helper()
	publicdata.EachExample(t, version, func(name string, text []byte) {
		document, err := fhirjson.Parse(text, fhirjson.Limits{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		visit(name, document.Root())
	})
}

// faulty are the examples that break a published profile, with what is wrong.
var faulty = map[definitions.Version]map[string]string{
	definitions.R4: {
		"StructureDefinition-ExampleScenario.json": "structuredefinition-fhir-type stands at a type, and its context is ElementDefinition.type.code",
	},
	definitions.STU3: {
		"List-example-double-cousin-relationship.json": "a coding of a sibling has no system",
		"Questionnaire-qs1.json":                       "vitalsigns is no type of resource",
	},
	definitions.R4B: {
		"StructureDefinition-ExampleScenario.json": "structuredefinition-fhir-type stands at a type",
		"Bundle-dataelements.json":                 "structuredefinition-fhir-type and regex stand at a type",
		"CodeSystem-list-example-codes.json":       "it declares shareablecodesystem and has no publisher",
	},
	definitions.R5: {},
}

// TestPublishedProfiles checks HL7's examples against HL7's profiles: those that
// they declare, and the definitions of their extensions.
func TestPublishedProfiles(t *testing.T) {
	for _, version := range definitions.Versions() {
		t.Run(version.String(), func(t *testing.T) {
			p := readPublished(t, version)
			d, err := definitions.Load(version)
			if err != nil {
				t.Fatal(err)
			}
			va := profile.New(d, p, time.Now)
			broken := map[string]bool{}
			count := 0
			var took time.Duration
			eachExample(t, version, func(name string, v fhirjson.Value) {
				count++
				start := time.Now()
				issues, err := va.Validate(t.Context(), v, nil)
				took += time.Since(start)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				for _, i := range issues {
					if i.Severity == domain.Fault {
						broken[name] = true
						if faulty[version][name] == "" {
							t.Errorf("%s: %s %v: %s", name, i.Code, i.Expression, i.Message)
						}
					}
				}
			})
			for name := range faulty[version] {
				if !broken[name] {
					t.Errorf("%s is listed as faulty, and nothing is wrong with it", name)
				}
			}
			t.Logf("%d examples in %v", count, took)
		})
	}
}

// incomplete are profiles whose published snapshot lacks something, with what.
var incomplete = map[definitions.Version]map[string]string{
	definitions.STU3: {
		"http://hl7.org/fhir/StructureDefinition/bp": "the binding of component.code, which its base has",
	},
}

// bare is a Library without snapshots: they are made from the differentials.
type bare struct{ *Package }

func (b bare) Find(ctx context.Context, t domain.ResourceType, url, version string) (fhirjson.Value, error) {
	v, err := b.Package.Find(ctx, t, url, version)
	if err != nil || t != profile.StructureDefinition || !v.Get("differential").Exists() {
		return v, err
	}
	edits := fhirjson.RemoveMembers(nil, v, func(name []byte) bool { return string(name) == "snapshot" })
	document, err := fhirjson.Parse(fhirjson.AppendCompact(nil, v, edits), fhirjson.Limits{})
	if err != nil {
		return v, err
	}
	return document.Root(), nil
}

// TestPublishedDifferentials holds the examples against each profile of their type
// twice: with the snapshot that HL7 has published, and with what is made of the
// differentials. Both find the same.
func TestPublishedDifferentials(t *testing.T) {
	for _, version := range definitions.Versions() {
		t.Run(version.String(), func(t *testing.T) {
			p := readPublished(t, version)
			d, err := definitions.Load(version)
			if err != nil {
				t.Fatal(err)
			}
			whole, made := profile.New(d, p, time.Now), profile.New(d, bare{p}, time.Now)
			compared, found := 0, 0
			differ := map[string]int{}
			eachExample(t, version, func(name string, v fhirjson.Value) {
				for _, s := range p.profiles {
					if string(s.Type) != v.Get("resourceType").String() {
						continue
					}
					var lines [2][]string
					for i, va := range []*profile.Validator{whole, made} {
						issues, err := va.Validate(t.Context(), v, []string{s.URL})
						if err != nil {
							t.Fatalf("%s against %s: %v", name, s.URL, err)
						}
						for _, issue := range issues {
							lines[i] = append(lines[i], fmt.Sprint(issue.Severity, issue.Code, issue.Expression, issue.Message))
						}
						slices.Sort(lines[i])
					}
					compared++
					found += len(lines[0])
					if !slices.Equal(lines[0], lines[1]) {
						if differ[s.URL]++; differ[s.URL] == 1 && incomplete[version][s.URL] == "" {
							t.Errorf("%s against %s: with the snapshot\n%s\nwith the differential\n%s", name, s.URL, strings.Join(lines[0], "\n"), strings.Join(lines[1], "\n"))
						}
					}
				}
			})
			for url := range incomplete[version] {
				if differ[url] == 0 {
					t.Errorf("%s is listed as incomplete, and nothing differs", url)
				}
			}
			t.Logf("%d comparisons, %d issues; profiles that differ: %v", compared, found, differ)
		})
	}
}
