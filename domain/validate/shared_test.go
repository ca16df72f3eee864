package validate

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// The tests of this file run over large sets of public resources that are not
// part of the project. FHIRLOG_SHARED names the folder that holds them:
// data/examples with HL7's examples, data/synthea/dev with Synthea's Bundles.

func sharedFolder(t testing.TB) string {
	t.Helper()
	folder := os.Getenv("FHIRLOG_SHARED")
	if folder == "" {
		t.Skip("FHIRLOG_SHARED does not name the folder of shared data")
	}
	return folder
}

func newValidator(t testing.TB, v definitions.Version) *Validator {
	t.Helper()
	d, err := definitions.Load(v)
	if err != nil {
		t.Fatal(err)
	}
	return New(d)
}

// check parses and validates a resource; a text that is no JSON gives a single
// issue as well.
func check(va *Validator, text []byte) []domain.Issue {
	document, err := fhirjson.Parse(text, fhirjson.Limits{})
	if err != nil {
		return []domain.Issue{{Code: "json", Message: err.Error()}}
	}
	return va.Resource(document.Root(), "", nil)
}

// eachExample calls visit for each file of an archive of examples.
func eachExample(t testing.TB, archive string, visit func(name string, text []byte)) {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	files := tar.NewReader(z)
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(files)
		if err != nil {
			t.Fatal(err)
		}
		visit(filepath.Base(header.Name), text)
	}
}

// knownWrong are the examples that break a rule of their own specification.
var knownWrong = map[definitions.Version]map[string]string{
	definitions.R4: {
		"ActivityDefinition-blood-tubes-supply.json":        "the narrative is empty",
		"ActivityDefinition-heart-valve-replacement.json":   "the narrative is empty",
		"EventDefinition-example.json":                      "the narrative is empty",
		"Questionnaire-qs1.json":                            "items without linkId",
		"Questionnaire-zika-virus-exposure-assessment.json": "the narrative is empty",
	},
	definitions.STU3: {
		"ActivityDefinition-blood-tubes-supply.json":                  "the narrative is empty",
		"ActivityDefinition-heart-valve-replacement.json":             "the narrative is empty",
		"Claim-960151.json":                                           "accident.type is from another code system than its required value set",
		"DeviceRequest-example.json":                                  "the coding of intent has no system",
		"DeviceRequest-insulinpump.json":                              "intent has no coding",
		"ImplementationGuide-fhir.json":                               "name and status are missing",
		"PlanDefinition-exclusive-breastfeeding-intervention-01.json": "action.type has no system",
		"PlanDefinition-exclusive-breastfeeding-intervention-02.json": "action.type has no system",
		"PlanDefinition-exclusive-breastfeeding-intervention-03.json": "action.type has no system",
		"PlanDefinition-exclusive-breastfeeding-intervention-04.json": "action.type has no system",
		"Questionnaire-qs1.json":                                      "items without linkId",
		"Questionnaire-zika-virus-exposure-assessment.json":           "the narrative is empty",
		"ig-r4.json": "a resource of R4",
	},
}

func TestSharedExamples(t *testing.T) {
	folder := sharedFolder(t)
	for _, v := range definitions.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			va := newValidator(t, v)
			total, failed := 0, 0
			archive := filepath.Join(folder, "data", "examples", strings.ToLower(v.String())+"-examples.tar.gz")
			eachExample(t, archive, func(name string, text []byte) {
				total++
				issues := check(va, text)
				reason, wrong := knownWrong[v][name]
				if len(issues) > 0 {
					failed++
				}
				switch {
				case wrong && len(issues) == 0:
					t.Errorf("%s passes, although %s", name, reason)
				case !wrong && len(issues) > 0:
					t.Errorf("%s: %d issues, of them %s %v: %s", name, len(issues), issues[0].Code, issues[0].Expression, issues[0].Message)
				}
			})
			t.Logf("%s: %d of %d examples pass", v, total-failed, total)
		})
	}
}

func TestSharedSynthea(t *testing.T) {
	folder := sharedFolder(t)
	files, err := filepath.Glob(filepath.Join(folder, "data", "synthea", "dev", "*.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files of Synthea: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			version := definitions.R4
			if strings.HasPrefix(filepath.Base(file), "stu3") {
				version = definitions.STU3
			}
			va := newValidator(t, version)
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			z, err := gzip.NewReader(f)
			if err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewReader(z)
			for n := 1; ; n++ {
				line, err := lines.ReadBytes('\n')
				if len(bytes.TrimSpace(line)) > 0 {
					for _, issue := range check(va, line) {
						t.Errorf("line %d: %s %v: %s", n, issue.Code, issue.Expression, issue.Message)
					}
				}
				if err != nil {
					break
				}
			}
		})
	}
}
