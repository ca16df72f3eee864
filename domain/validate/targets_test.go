package validate

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// TestTargets has what references and canonicals may lead to. Findings are written
// as "code expression".
func TestTargets(t *testing.T) {
	reference := func(content string) string {
		return `{"resourceType":"Patient","generalPractitioner":[{` + content + `}]}`
	}
	const at = "Patient.generalPractitioner[0].reference"
	contained := func(typ, canonical string) string {
		return `{"resourceType":"ActivityDefinition","status":"draft","library":["` + canonical + `"],"subjectReference":{"reference":"#a"},"contained":[{"resourceType":"` + typ + `","id":"a"` +
			map[string]string{"Library": `,"status":"draft","type":{"text":"x"}`, "Group": `,"type":"person","actual":true`}[typ] + `}]}`
	}
	bundle := func(fullURL, link string) string {
		return `{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"` + fullURL + `","resource":{"resourceType":"Patient","id":"1"}},{"resource":{"resourceType":"Patient","generalPractitioner":[{"reference":"` + link + `"}]}}]}`
	}
	const inBundle = "structure Bundle.entry[1].resource.generalPractitioner[0].reference"
	tests := []struct {
		name, json string
		want       []string
	}{
		{"allowed", reference(`"reference":"Practitioner/1"`), nil},
		{"wrong", reference(`"reference":"Patient/1"`), []string{"structure " + at}},
		{"version of a wrong one", reference(`"reference":"Patient/1/_history/2"`), []string{"structure " + at}},
		{"search for a wrong one", reference(`"reference":"Patient?identifier=1"`), []string{"structure " + at}},
		{"search for an allowed one", reference(`"reference":"Practitioner?identifier=1"`), nil},
		{"absolute, on this server", reference(`"reference":"http://server.example/fhir/Patient/1"`), []string{"structure " + at}},
		{"absolute, elsewhere", reference(`"reference":"http://elsewhere.example/fhir/Patient/1"`), nil},
		{"no type of this version", reference(`"reference":"Doctor/1"`), []string{"structure " + at}},
		{"something else", reference(`"reference":"a/b/c"`), nil},
		{"urn", reference(`"reference":"urn:uuid:0fc374a1-a226-4552-9683-55dd510e67c9"`), nil},
		{"no reference", reference(`"display":"x"`), nil},
		{"any type", `{"resourceType":"Basic","code":{"text":"x"},"subject":{"reference":"Medication/1"}}`, nil},
		{"type agrees", reference(`"reference":"Practitioner/1","type":"Practitioner"`), nil},
		{"type as a URL agrees", reference(`"reference":"Practitioner/1","type":"http://hl7.org/fhir/StructureDefinition/Practitioner"`), nil},
		{"type differs", reference(`"reference":"Practitioner/1","type":"Organization"`), []string{"structure Patient.generalPractitioner[0].type"}},
		{"type of a logical reference is wrong", reference(`"identifier":{"value":"1"},"type":"Patient"`), []string{"structure Patient.generalPractitioner[0].type"}},
		{"type that nobody knows", reference(`"reference":"urn:x","type":"http://example.org/Doctor"`), nil},
		{"contained, allowed", `{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"a","name":"x"}],"generalPractitioner":[{"reference":"#a"}]}`, nil},
		{"contained, wrong", `{"resourceType":"Patient","contained":[{"resourceType":"Patient","id":"a"}],"generalPractitioner":[{"reference":"#a"}]}`, []string{"structure " + at}},
		{"not contained", reference(`"reference":"#a"`), []string{"invariant " + at}},
		{"container, allowed", `{"resourceType":"Patient","contained":[{"resourceType":"Observation","id":"a","status":"final","code":{"text":"x"},"subject":{"reference":"#"}}]}`, nil},
		{"container, wrong", `{"resourceType":"Patient","contained":[{"resourceType":"Patient","id":"a","generalPractitioner":[{"reference":"#"}]}]}`, []string{"structure Patient.contained[0].generalPractitioner[0].reference"}},
		{"between contained ones", `{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"a","name":"x","partOf":{"reference":"#b"}},{"resourceType":"Organization","id":"b","name":"x"}],"managingOrganization":{"reference":"#a"}}`, nil},
		{"canonical to a contained one", contained("Library", "#a"), []string{"structure ActivityDefinition.subject.reference"}},
		{"canonical to a wrong contained one", contained("Group", "#a|1"), []string{"structure ActivityDefinition.library[0]"}},
		{"canonical to what is not contained", contained("Group", "#b"), []string{"invariant ActivityDefinition.library[0]"}},
		{"canonical to a wrong one here", contained("Group", "http://server.example/fhir/Patient/1"), []string{"structure ActivityDefinition.library[0]"}},
		{"canonical name", contained("Group", "http://elsewhere.example/Patient/1|2"), nil},
		{"entry of a Bundle, allowed", bundle("urn:x", "urn:y"), nil},
		{"entry of a Bundle, wrong", bundle("urn:x", "urn:x"), []string{inBundle}},
		{"entry of a Bundle by its URL", bundle("http://elsewhere.example/Patient/1", "http://elsewhere.example/Patient/1"), []string{inBundle}},
		{"what another resource of a Bundle contains", `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"a","name":"x"}],"managingOrganization":{"reference":"#a"}}},{"resource":{"resourceType":"Patient","managingOrganization":{"reference":"#a"}}}]}`,
			[]string{"invariant Bundle.entry[1].resource.managingOrganization.reference"}},
	}
	va := newValidator(t, definitions.R4)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := summary(faults(checkRules(t, va, test.json))); !slices.Equal(got, test.want) {
				t.Errorf("%s: %q, want %q", test.json, got, test.want)
			}
		})
	}
}

// TestTypeOf has what somebody else knows of a link.
func TestTypeOf(t *testing.T) {
	const text = `{"resourceType":"Patient","generalPractitioner":[{"reference":"urn:a"},{"reference":"urn:b"},{"reference":"urn:c"}]}`
	document, err := fhirjson.Parse([]byte(text), fhirjson.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]string{"urn:a": "Patient", "urn:b": "Practitioner"}
	issues := newValidator(t, definitions.R4).Check(document.Root(), Options{Rules: Fail, TypeOf: func(link []byte) string { return known[string(link)] }})
	if got := summary(issues); !slices.Equal(got, []string{"structure Patient.generalPractitioner[0].reference"}) {
		t.Errorf("%q", got)
	}
}

// TestExtensible has codings that the specification wants from a value set if any of
// it fits.
func TestExtensible(t *testing.T) {
	va := newValidator(t, definitions.R4)
	other, fits := `{"system":"urn:local","code":"x"}`, `{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}`
	for concept, want := range map[string][]string{
		`{"coding":[` + other + `]}`:                        {"code-invalid Patient.identifier[0].type"},
		`{"coding":[{"display":"x"}]}`:                      {"code-invalid Patient.identifier[0].type"},
		`{"coding":[` + other + "," + fits + `]}`:           nil,
		`{"text":"x"}`:                                      nil,
		`{"coding":[` + other + `],"text":"x"}`:             {"code-invalid Patient.identifier[0].type"},
		`{"extension":[{"url":"urn:x","valueString":"x"}]}`: nil,
	} {
		text := `{"resourceType":"Patient",` + narrative + `,"identifier":[{"value":"1","type":` + concept + `}]}`
		issues := checkRules(t, va, text)
		if got := summary(issues); !slices.Equal(got, want) || faults(issues) != nil {
			t.Errorf("%s: %q, want %q as warnings", concept, got, want)
		}
		document, err := fhirjson.Parse([]byte(text), fhirjson.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if issues := va.Check(document.Root(), Options{Rules: Fail}); issues != nil {
			t.Errorf("%s: %q without Recommendations", concept, summary(issues))
		}
	}
}

// TestCodeableReference is R5's: the targets stand at the element, the reference is
// inside.
func TestCodeableReference(t *testing.T) {
	va := newValidator(t, definitions.R5)
	for link, want := range map[string][]string{
		"ObservationDefinition/1": nil,
		"Patient/1":               {"structure ServiceRequest.code.reference.reference"},
	} {
		text := `{"resourceType":"ServiceRequest","status":"draft","intent":"order","subject":{"display":"x"},"code":{"reference":{"reference":"` + link + `"}}}`
		if link == "ObservationDefinition/1" {
			text = strings.Replace(text, link, "ActivityDefinition/1", 1)
		}
		if got := summary(faults(checkRules(t, va, text))); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// TestCostly has resources made to take long: each ends soon, says so, and says it
// once.
func TestCostly(t *testing.T) {
	many := func(n int, item func(i int) string) string {
		var all []string
		for i := range n {
			all = append(all, item(i))
		}
		return "[" + strings.Join(all, ",") + "]"
	}
	va := newValidator(t, definitions.R5)
	tests := map[string]string{
		"instances by processes": `{"resourceType":"ExampleScenario","status":"draft","instance":` + many(3000, func(i int) string {
			return fmt.Sprintf(`{"key":"%d","title":"%d","structureType":{"code":"Patient"}}`, i, i)
		}) + `,"process":` + many(3000, func(i int) string {
			return fmt.Sprintf(`{"title":"%d","step":[{"operation":{"title":"x","initiator":"%d"}}]}`, i, i)
		}) + `}`,
	}
	for name, text := range tests {
		issues := checkRules(t, va, text)
		costly := 0
		for _, issue := range issues {
			if issue.Code == codeTooCostly {
				costly++
			}
		}
		if costly != 1 {
			t.Errorf("%s: %d issues say that the rules take too long; %.300v", name, costly, issues)
		}
	}
	// Much of what takes little is no reason to give up.
	contained := `{"resourceType":"Patient","contained":` + many(3000, func(i int) string {
		return fmt.Sprintf(`{"resourceType":"Organization","id":"o%d","name":"x"}`, i)
	}) + `,"generalPractitioner":` + many(3000, func(i int) string { return fmt.Sprintf(`{"reference":"#o%d"}`, i) }) + `}`
	if issues := faults(checkRules(t, newValidator(t, definitions.R4), contained)); issues != nil {
		t.Errorf("many contained resources: %.300v", issues)
	}
}

// TestStopped makes sure that nothing is evaluated any more once somebody says so.
func TestStopped(t *testing.T) {
	asked := 0
	text := `{"resourceType":"Questionnaire","status":"draft","item":[` + strings.Repeat(`{"linkId":"1","type":"display"},`, 50_000) + `{"linkId":"1","type":"display"}]}`
	document, err := fhirjson.Parse([]byte(text), fhirjson.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	issues := newValidator(t, definitions.R4).Check(document.Root(), Options{Rules: Fail, Stopped: func() error {
		asked++
		return errors.New("stopped")
	}})
	if asked == 0 || asked > 3 || len(issues) != 0 {
		t.Errorf("asked %d times, %d issues", asked, len(issues))
	}
}

// TestWarningsLeaveRoom makes sure that any number of warnings hides no fault.
func TestWarningsLeaveRoom(t *testing.T) {
	entries := strings.Repeat(`{"resource":{"resourceType":"Patient"}},`, 3*MaxIssues)
	text := `{"resourceType":"Bundle","type":"collection","entry":[` + entries + `{"resource":{"resourceType":"Patient","gender":"x"}}]}`
	issues := checkRules(t, newValidator(t, definitions.R4), text)
	if got := summary(faults(issues)); len(issues) != MaxIssues+1 || len(got) != 1 || !strings.HasSuffix(got[0], ".gender") {
		t.Errorf("%d issues, faults %q", len(issues), got)
	}
}

func TestPlaces(t *testing.T) {
	const text = `{
  "resourceType": "Patient",
  "gender": "x",
  "ä": 1,
  "name": [
    {"given": ["A", ""]}, {"text": "ü"},
    {}
  ],
  "communication": [{"preferred": true}],
  "deceasedBoolean": true, "deceasedDateTime": "2000"
}`
	document, err := fhirjson.Parse([]byte(text), fhirjson.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, issue := range newValidator(t, definitions.R4).Resource(document.Root(), "", nil) {
		got = append(got, fmt.Sprintf("%s %d:%d", issue.Expression[0], issue.Line, issue.Column))
	}
	want := []string{
		"Patient.gender 3:3", "Patient.`ä` 4:3", "Patient.name[0].given[1] 6:21", "Patient.name[2] 7:5",
		"Patient.communication[0].language 9:21", // missing: the place of what it is missing in
		"Patient.deceased 10:3",
	}
	want[1] = "Patient." + pathName([]byte("ä")) + " 4:3"
	if !slices.Equal(got, want) {
		t.Errorf("places %q\nwant %q", got, want)
	}
}
