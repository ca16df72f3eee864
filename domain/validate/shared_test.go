package validate

import (
	"path/filepath"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/publicdata"
)

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

// knownToBreak are the examples, right in structure, that break a rule beyond.
var knownToBreak = map[definitions.Version]map[string]string{
	definitions.R4: {
		"DeviceMetric-example.json":                 "parent refers to a DeviceDefinition and may to a Device only",
		"DeviceUseStatement-example.json":           "reasonReference refers to a Procedure, which it may not",
		"MedicationRequest-medrx0301.json":          "dispenseRequest.performer refers to a Practitioner and may to an Organization only",
		"Observation-clinical-gender.json":          "performer refers to an Encounter",
		"PlanDefinition-example-cardiology-os.json": "canonicals name fragments that are not contained",
	},
	definitions.STU3: {
		"Patient-null.json": "dom-1: what it contains has a narrative",
	},
	definitions.R4B: {
		"Bundle-conceptmaps.json":   "cmd-1: narrower concepts without a comment",
		"DeviceMetric-example.json": "parent refers to a DeviceDefinition and may to a Device only",
		"EvidenceVariable-example-Wardlaw2014Analysis1.16.3EvidenceSet.json": "definition refers to Evidence and may to EvidenceVariable or Group only",
		"Observation-clinical-gender.json":                                   "performer refers to an Encounter",
		"PlanDefinition-example-cardiology-os.json":                          "canonicals name fragments that are not contained",
		"Questionnaire-qs1.json":                                             "que-2: linkIds are there twice",
	},
	definitions.R5: {
		"BiologicallyDerivedProduct-allogeneicHCT.json": "request refers to a BiologicallyDerivedProduct and may to a ServiceRequest only",
		"BiologicallyDerivedProduct-autologousHCT.json": "request refers to a BiologicallyDerivedProduct and may to a ServiceRequest only",
		"DocumentReference-xray.json":                   "context refers to a DocumentReference",
		"Encounter-example.json":                        "careTeam refers to an Encounter",
		"ImagingStudy-example-xr.json":                  "procedure refers to a Procedure and may to ActivityDefinition or PlanDefinition only",
		"Medication-med0301.json":                       "ele-1: an identifier with nothing but an id",
		"PlanDefinition-example-cardiology-os.json":     "canonicals name fragments that are not contained",
		"Transport-simpledelivery.json":                 "locations refer to a Transport",
	},
}

// generated are the questionnaires that HL7 generated of R5's types: where an element
// has several types, the linkIds for them are all the same, which breaks que-2.
func generated(v definitions.Version, name string) bool {
	return v == definitions.R5 && strings.HasPrefix(name, "Questionnaire-qgen-")
}

// TestSharedRules holds all examples that are right in structure to the invariants,
// and to what references may lead to. What is broken is named above.
func TestSharedRules(t *testing.T) {
	for _, v := range definitions.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			va := newValidator(t, v)
			total, failed := 0, 0
			publicdata.EachExample(t, v, func(name string, text []byte) {
				document, err := fhirjson.Parse(text, fhirjson.Limits{})
				if err != nil || knownWrong[v][name] != "" {
					return
				}
				total++
				var found []domain.Issue
				for _, issue := range va.Check(document.Root(), Options{Rules: Fail}) {
					switch {
					case strings.Contains(issue.Message, "could not be evaluated"), issue.Code == codeTooCostly:
						t.Errorf("%s: %v: %s", name, issue.Expression, issue.Message)
					case issue.Severity == domain.Fault && !generated(v, name):
						found = append(found, issue)
					case issue.Severity == domain.Fault && !strings.HasPrefix(issue.Message, "The rule que-2 "):
						t.Errorf("%s: %v: %s", name, issue.Expression, issue.Message)
					}
				}
				reason, known := knownToBreak[v][name]
				if len(found) > 0 {
					failed++
				}
				switch {
				case known && len(found) == 0:
					t.Errorf("%s passes, although %s", name, reason)
				case !known && len(found) > 0:
					t.Errorf("%s: %d issues, of them %s %v: %s", name, len(found), found[0].Code, found[0].Expression, found[0].Message)
				}
			})
			t.Logf("%s: %d of %d examples keep all rules", v, total-failed, total)
		})
	}
}

func TestSharedExamples(t *testing.T) {
	for _, v := range definitions.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			va := newValidator(t, v)
			total, failed := 0, 0
			publicdata.EachExample(t, v, func(name string, text []byte) {
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
	for _, file := range publicdata.Files(t, "synthea", "dev", "*.gz") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			version := definitions.R4
			if strings.HasPrefix(filepath.Base(file), "stu3") {
				version = definitions.STU3
			}
			va, n := newValidator(t, version), 0
			publicdata.EachLine(t, file, func(line []byte) bool {
				n++
				document, err := fhirjson.Parse(line, fhirjson.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				for _, issue := range faults(va.Check(document.Root(), Options{Rules: Fail})) {
					t.Errorf("line %d: %s %v: %s", n, issue.Code, issue.Expression, issue.Message)
				}
				return true
			})
		})
	}
}
