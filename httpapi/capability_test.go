package httpapi

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/validate"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMetadata(t *testing.T) {
	sv := newService(t, Options{
		SoftwareVersion: "1.2.3", NoUpdateCreate: true, NoHistory: []domain.ResourceType{"Group"},
		VersioningOf: map[domain.ResourceType]commit.VersioningPolicy{"Patient": commit.VersionedUpdate, "Basic": commit.NoVersion},
		Withheld:     map[domain.ResourceType][]string{"Device": {"delete", "purge-history"}},
	})
	a := sv.do("GET /fhir/metadata?mode=full").want(200).wantAt("4.0.1", "fhirVersion").wantAt("http://example.com/fhir", "implementation", "url").wantAt("1.2.3", "software", "version")
	types := map[string]map[string]any{}
	for _, r := range a.at("rest", 0, "resource").([]any) {
		r := r.(map[string]any)
		types[r["type"].(string)] = r
	}
	codes := func(name string) string {
		var list []string
		interactions, _ := types[name]["interaction"].([]any)
		for _, i := range interactions {
			list = append(list, i.(map[string]any)["code"].(string))
		}
		return strings.Join(list, " ")
	}
	for name, want := range map[string]string{
		"Patient":    "read vread update patch delete history-instance history-type create search-type",
		"AuditEvent": "read vread history-instance history-type create search-type",
		"Group":      "read vread update patch delete create search-type",
		"Device":     "read vread update patch history-instance history-type create search-type",
		"Parameters": "",
	} {
		if got := codes(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	for name, want := range map[string]any{"Patient": "versioned-update", "Basic": "no-version", "Device": "versioned"} {
		if got := types[name]["versioning"]; got != want {
			t.Errorf("%s: versioning %v, want %v", name, got, want)
		}
	}
	if types["Group"]["readHistory"] != false || types["Patient"]["readHistory"] != true || types["Patient"]["updateCreate"] != false || types["Patient"]["conditionalRead"] != "full-support" {
		t.Errorf("Group %v, Patient %v", types["Group"], types["Patient"])
	}
	if len(types["Patient"]["operation"].([]any)) != 4 || len(types["Device"]["operation"].([]any)) != 3 {
		t.Errorf("operations of Patient %v, of Device %v", types["Patient"]["operation"], types["Device"]["operation"])
	}
}

// TestMetadataTellsTheTruth tries every interaction that is claimed, and those
// that are not.
func TestMetadataTellsTheTruth(t *testing.T) {
	for _, version := range definitions.Versions() {
		sv := newServiceOf(t, version, Options{Withheld: map[domain.ResourceType][]string{"Device": {"delete"}, "Basic": {"vread", "create"}}})
		a := sv.do("GET /fhir/metadata").want(200)
		lines := map[string]string{
			"read": "GET /fhir/{type}/a", "vread": "GET /fhir/{type}/a/_history/1", "update": "PUT /fhir/{type}/a", "delete": "DELETE /fhir/{type}/a",
			"history-instance": "GET /fhir/{type}/a/_history", "history-type": "GET /fhir/{type}/_history", "create": "POST /fhir/{type}",
			"patch": "PATCH /fhir/{type}/a", "search-type": "GET /fhir/{type}",
		}
		claimed := map[string][]string{}
		for _, r := range a.at("rest", 0, "resource").([]any) {
			r := r.(map[string]any)
			for _, i := range r["interaction"].([]any) {
				claimed[r["type"].(string)] = append(claimed[r["type"].(string)], i.(map[string]any)["code"].(string))
			}
		}
		for _, name := range sv.s.fhir.Resources() {
			for code, line := range lines {
				answered := sv.do(strings.Replace(line, "{type}", name, 1), "Content-Type: application/fhir+json", "{}").Code
				if (answered != 405) != slices.Contains(claimed[name], code) {
					t.Errorf("%s %s: claimed %v, answered %d", name, code, slices.Contains(claimed[name], code), answered)
				}
			}
		}
		operations, _ := a.at("rest", 0, "operation").([]any)
		for _, o := range operations {
			link := o.(map[string]any)["definition"]
			if r, ok := link.(map[string]any); ok {
				link = r["reference"]
			}
			sv.do("GET "+strings.TrimPrefix(link.(string), "http://example.com")).want(200).wantAt("OperationDefinition", "resourceType")
		}
		if len(operations) == 0 {
			t.Error("no operation is advertised")
		}
	}
}

// TestDescriptionsAreValid validates what the server says of itself in every
// FHIR version, and compares the CapabilityStatement with a reviewed one.
func TestDescriptionsAreValid(t *testing.T) {
	for _, version := range definitions.Versions() {
		t.Run(string(version), func(t *testing.T) {
			sv := newServiceOf(t, version, Options{SoftwareVersion: "1.2.3"})
			validator := validate.New(sv.s.fhir)
			for _, path := range []string{"/fhir/metadata", "/fhir/OperationDefinition/purge-history", "/fhir/OperationDefinition/versions", "/fhir/metadata?_elements=rest",
				"/fhir/metadata?_summary=true", "/fhir/$versions", "/fhir/Patient/none", "/fhir/_history"} {
				text := sv.do("GET " + path).Body.Bytes()
				d, err := fhirjson.Parse(text, fhirjson.Limits{})
				if err != nil {
					t.Fatalf("%s: %v", path, err)
				}
				for _, issue := range validator.Resource(d.Root(), "", nil) {
					t.Errorf("%s: %s %v", path, issue.Message, issue.Expression)
				}
			}
		})
	}
	t.Run("golden", func(t *testing.T) {
		sv := newService(t, Options{SoftwareVersion: "1.2.3"})
		// A line for each resource type, of which some are enough.
		var lines []string
		for _, line := range strings.Split(strings.ReplaceAll(sv.do("GET /fhir/metadata").Body.String(), `{"type":`, "\n{\"type\":")+"\n", "\n") {
			name, described := strings.CutPrefix(line, `{"type":"`)
			name, _, _ = strings.Cut(name, `"`)
			if !described || slices.Contains([]string{"AuditEvent", "Binary", "Patient", "VisionPrescription"}, name) {
				lines = append(lines, line)
			}
		}
		got := strings.Join(lines, "\n")
		const file = "testdata/capability-r4.txt"
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("the CapabilityStatement differs from %s; if that is meant, run go test ./httpapi -update and review", file)
		}
	})
}

// TestBundlesAreValid validates the Bundles that the server makes.
func TestBundlesAreValid(t *testing.T) {
	for _, version := range definitions.Versions() {
		sv := newServiceOf(t, version, Options{})
		validator := validate.New(sv.s.fhir)
		check := func(a *answer) {
			t.Helper()
			d, err := fhirjson.Parse(a.want(200).Body.Bytes(), fhirjson.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			for _, issue := range validator.Resource(d.Root(), "Bundle", nil) {
				t.Errorf("%s %s: %s %v", version, a.request, issue.Message, issue.Expression)
			}
		}
		check(sv.do("POST /fhir", bundleOf("transaction", item{line: "POST Patient", resource: `{"resourceType":"Patient"}`}, item{line: "GET metadata"})))
		check(sv.do("POST /fhir", "X-Bundle-Processing-Logic: x", bundleOf("batch", item{line: "PUT Patient/a", resource: patient("a", "")}, item{line: "DELETE Patient/a"}, item{line: "GET Patient/a"})))
		check(sv.do("GET /fhir/_history?_count=2000&x=y"))
		sv.do("PUT /fhir/Practitioner/p", `{"resourceType":"Practitioner","id":"p"}`).want(201)
		for _, id := range []string{"b", "c", "d"} {
			sv.do("PUT /fhir/Patient/"+id, patient(id, `"generalPractitioner":[{"reference":"Practitioner/p"}]`)).want(201)
		}
		check(sv.do("GET /fhir/Patient?_count=2000&nonsense=y&_explain=true&_include=Patient:general-practitioner"))
		check(sv.do("GET " + sv.do("GET /fhir/Patient?_count=1").link("next")))
		check(sv.do("GET /fhir/Patient?_summary=count&_asOf=1"))
		a := sv.do("GET /fhir/Practitioner?_revinclude=Patient:general-practitioner&_includesCount=1&_elements=id")
		check(a)
		check(sv.do("GET " + a.link("related")))
		check(sv.do("POST /fhir", bundleOf("batch", item{line: "GET Patient"}, item{line: "DELETE Patient?_id=b"})))
	}
}
