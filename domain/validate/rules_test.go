package validate

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// TestRules breaks each rule in a small resource. Issues are written as
// "code expression", in the order of the walk; none means valid.
func TestRules(t *testing.T) {
	const div = `"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"`
	tests := []struct {
		name string
		json string
		want []string
	}{
		// Resources and their types.
		{"smallest", `{"resourceType":"Patient"}`, nil},
		{"type last", `{"active":true,"resourceType":"Patient"}`, nil},
		{"not an object", `[]`, []string{"structure Resource"}},
		{"no type", `{"active":true}`, []string{"structure Resource"}},
		{"type not a string", `{"resourceType":1}`, []string{"structure Resource"}},
		{"unknown type", `{"resourceType":"Patiant"}`, []string{"not-supported Resource"}},
		{"type in the wrong case", `{"resourceType":"patient"}`, []string{"not-supported Resource"}},
		{"abstract type", `{"resourceType":"DomainResource"}`, []string{"not-supported Resource"}},
		{"data type", `{"resourceType":"HumanName"}`, []string{"not-supported Resource"}},

		// Members.
		{"unknown member", `{"resourceType":"Patient","shoeSize":7}`, []string{"structure Patient.shoeSize"}},
		{"unknown member below", `{"resourceType":"Patient","name":[{"given":["A"]},{"first":"A"}]}`, []string{"structure Patient.name[1].first"}},
		{"odd member name", "{\"resourceType\":\"Patient\",\"a`\\\"b c\":1}", []string{"structure Patient.`a??b c`"}},
		{"empty member name", `{"resourceType":"Patient","":1}`, []string{"structure Patient.``"}},
		{"name in the wrong case", `{"resourceType":"Patient","birthdate":"2000"}`, []string{"structure Patient.birthdate"}},
		{"resourceType below", `{"resourceType":"Patient","name":[{"resourceType":"HumanName","text":"A"}]}`, []string{"structure Patient.name[0].resourceType"}},
		{"comments are no FHIR", `{"resourceType":"Patient","fhir_comments":["x"]}`, []string{"structure Patient.fhir_comments"}},
		{"several at once", `{"resourceType":"Patient","a":1,"birthDate":"x","name":{},"gender":"m"}`,
			[]string{"structure Patient.a", "value Patient.birthDate", "structure Patient.name", "structure Patient.name", "code-invalid Patient.gender"}},

		// Cardinality.
		{"required elements", `{"resourceType":"Observation"}`, []string{"required Observation.status", "required Observation.code"}},
		{"required below", `{"resourceType":"Patient","link":[{"type":"refer"}]}`, []string{"required Patient.link[0].other"}},
		{"required choice", `{"resourceType":"MedicationRequest","status":"active","intent":"order","subject":{"display":"x"}}`, []string{"required MedicationRequest.medication"}},
		{"required by extension only", `{"resourceType":"Observation","_status":{"extension":[{"url":"urn:x","valueCode":"unknown"}]},"code":{"text":"x"}}`, nil},
		{"array for a single value", `{"resourceType":"Patient","birthDate":["2000"]}`, []string{"structure Patient.birthDate"}},
		{"single value for an array", `{"resourceType":"Patient","name":{"text":"A"}}`, []string{"structure Patient.name"}},
		{"single value for an array is looked into", `{"resourceType":"Patient","name":{"texd":"A"}}`, []string{"structure Patient.name", "structure Patient.name.texd"}},
		{"empty array", `{"resourceType":"Patient","name":[]}`, []string{"structure Patient.name"}},
		{"array in an array", `{"resourceType":"Patient","name":[[{"text":"A"}]]}`, []string{"structure Patient.name[0]"}},
		{"empty object", `{"resourceType":"Patient","maritalStatus":{}}`, []string{"structure Patient.maritalStatus"}},
		{"object for a primitive", `{"resourceType":"Patient","birthDate":{}}`, []string{"structure Patient.birthDate"}},
		{"primitive for an object", `{"resourceType":"Patient","maritalStatus":"M"}`, []string{"structure Patient.maritalStatus"}},

		// Choices.
		{"choice", `{"resourceType":"Patient","deceasedBoolean":true}`, nil},
		{"choice twice", `{"resourceType":"Patient","deceasedBoolean":true,"deceasedDateTime":"2000"}`, []string{"structure Patient.deceased"}},
		{"choice twice by a sibling", `{"resourceType":"Patient","deceasedBoolean":true,"_deceasedDateTime":{"id":"a"}}`, []string{"structure Patient.deceased"}},
		{"choice with its own sibling", `{"resourceType":"Patient","deceasedBoolean":true,"_deceasedBoolean":{"id":"a"}}`, nil},
		{"choice without type", `{"resourceType":"Patient","deceased":true}`, []string{"structure Patient.deceased"}},
		{"choice of a wrong type", `{"resourceType":"Patient","deceasedString":"yes"}`, []string{"structure Patient.deceasedString"}},
		{"kind of a choice", `{"resourceType":"Patient","deceasedBoolean":"true"}`, []string{"structure Patient.deceased"}},

		// Primitives and their siblings.
		{"number for a string", `{"resourceType":"Patient","language":1}`, []string{"structure Patient.language"}},
		{"string for a boolean", `{"resourceType":"Patient","active":"true"}`, []string{"structure Patient.active"}},
		{"string for a number", `{"resourceType":"Patient","multipleBirthInteger":"1"}`, []string{"structure Patient.multipleBirth"}},
		{"null", `{"resourceType":"Patient","active":null}`, []string{"structure Patient.active"}},
		{"null for an object", `{"resourceType":"Patient","name":[null]}`, []string{"structure Patient.name[0]"}},
		{"empty string", `{"resourceType":"Patient","name":[{"text":""}]}`, []string{"value Patient.name[0].text"}},
		{"control character", `{"resourceType":"Patient","name":[{"text":"a\u0001"}]}`, []string{"value Patient.name[0].text"}},
		{"line feed", `{"resourceType":"Patient","name":[{"text":"a\nb"}]}`, nil},
		{"sibling", `{"resourceType":"Patient","birthDate":"2000","_birthDate":{"extension":[{"url":"urn:x","valueString":"x"}]}}`, nil},
		{"sibling without a value", `{"resourceType":"Patient","_birthDate":{"id":"a"}}`, nil},
		{"sibling of nothing", `{"resourceType":"Patient","_shoeSize":{"id":"a"}}`, []string{"structure Patient._shoeSize"}},
		{"sibling of an object", `{"resourceType":"Patient","_maritalStatus":{"id":"a"}}`, []string{"structure Patient._maritalStatus"}},
		{"sibling not an object", `{"resourceType":"Patient","_birthDate":"a"}`, []string{"structure Patient.birthDate"}},
		{"sibling null", `{"resourceType":"Patient","_birthDate":null}`, []string{"structure Patient.birthDate"}},
		{"sibling an array", `{"resourceType":"Patient","_birthDate":[{"id":"a"}]}`, []string{"structure Patient.birthDate"}},
		{"sibling empty", `{"resourceType":"Patient","_birthDate":{}}`, []string{"structure Patient.birthDate"}},
		{"sibling with more", `{"resourceType":"Patient","_birthDate":{"value":"2000"}}`, []string{"structure Patient.birthDate.value"}},
		{"sibling array", `{"resourceType":"Patient","name":[{"given":["A",null],"_given":[null,{"id":"a"}]}]}`, nil},
		{"sibling array without values", `{"resourceType":"Patient","name":[{"_given":[{"id":"a"}]}]}`, nil},
		{"sibling not an array", `{"resourceType":"Patient","name":[{"given":["A"],"_given":{"id":"a"}}]}`, []string{"structure Patient.name[0].given"}},
		{"sibling too short", `{"resourceType":"Patient","name":[{"given":["A","B"],"_given":[{"id":"a"}]}]}`, []string{"structure Patient.name[0].given"}},
		{"null without sibling", `{"resourceType":"Patient","name":[{"given":["A",null]}]}`, []string{"structure Patient.name[0].given[1]"}},
		{"null on both sides", `{"resourceType":"Patient","name":[{"given":[null,"B"],"_given":[null,null]}]}`, []string{"structure Patient.name[0].given[0]"}},
		{"null and nothing", `{"resourceType":"Patient","name":[{"_given":[null]}]}`, []string{"structure Patient.name[0].given[0]"}},
		{"sibling array empty", `{"resourceType":"Patient","name":[{"_given":[]}]}`, []string{"structure Patient.name[0].given"}},
		{"sibling item not an object", `{"resourceType":"Patient","name":[{"given":["A"],"_given":["A"]}]}`, []string{"structure Patient.name[0].given[0]"}},

		// Codes.
		{"code", `{"resourceType":"Patient","gender":"female"}`, nil},
		{"code not in the value set", `{"resourceType":"Patient","gender":"f"}`, []string{"code-invalid Patient.gender"}},
		{"code in the wrong case", `{"resourceType":"Patient","gender":"Female"}`, []string{"code-invalid Patient.gender"}},
		{"code with space", `{"resourceType":"Patient","gender":" female"}`, []string{"value Patient.gender"}},
		{"code of an open value set", `{"resourceType":"Binary","contentType":"chemical/x-odd"}`, nil},
		{"concept", `{"resourceType":"Condition","subject":{"display":"x"},"clinicalStatus":{"coding":[{"system":"urn:local","code":"a"},{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}]}}`, nil},
		{"concept of another system", `{"resourceType":"Condition","subject":{"display":"x"},"clinicalStatus":{"coding":[{"system":"urn:local","code":"active"}]}}`, []string{"code-invalid Condition.clinicalStatus"}},
		{"concept with text only", `{"resourceType":"Condition","subject":{"display":"x"},"clinicalStatus":{"text":"active"}}`, []string{"code-invalid Condition.clinicalStatus"}},
		{"concept with a weaker binding", `{"resourceType":"Patient","maritalStatus":{"coding":[{"system":"urn:local","code":"x"}]}}`, nil},

		// Resources in resources.
		{"contained", `{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o","name":"x"}],"managingOrganization":{"reference":"#o"}}`, nil},
		{"contained without id", `{"resourceType":"Patient","contained":[{"resourceType":"Organization","name":"x"}]}`, []string{"required Patient.contained[0].id"}},
		{"contained in contained", `{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o","contained":[{"resourceType":"Location","id":"l","name":"x"}]}]}`, []string{"invariant Patient.contained[0].contained"}},
		{"contained without type", `{"resourceType":"Patient","contained":[{"id":"o"}]}`, []string{"structure Patient.contained[0]"}},
		{"contained of an unknown type", `{"resourceType":"Patient","contained":[{"resourceType":"Org","id":"o"}]}`, []string{"not-supported Patient.contained[0]"}},
		{"contained not an object", `{"resourceType":"Patient","contained":["o"]}`, []string{"structure Patient.contained[0]"}},
		{"fault in contained", `{"resourceType":"Patient","contained":[{"resourceType":"Patient","id":"o","gender":"x"}]}`, []string{"code-invalid Patient.contained[0].gender"}},
		{"bundle entry", `{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"urn:x","resource":{"resourceType":"Patient","birthDate":"1"}},{"resource":{"resourceType":"Observation","status":"final"}}]}`,
			[]string{"value Bundle.entry[0].resource.birthDate", "required Bundle.entry[1].resource.code"}},
		{"parameters", `{"resourceType":"Parameters","parameter":[{"name":"a","resource":{"resourceType":"Patient","x":1}},{"name":"b","part":[{"valueString":"c"}]}]}`,
			[]string{"structure Parameters.parameter[0].resource.x", "required Parameters.parameter[1].part[0].name"}},
		{"content reference", `{"resourceType":"Questionnaire","status":"draft","item":[{"linkId":"1","type":"group","item":[{"linkId":"2","type":"group","item":[{"type":"display"}]}]}]}`,
			[]string{"required Questionnaire.item[0].item[0].item[0].linkId"}},
		{"id with a space", `{"resourceType":"Patient","id":"a b"}`, []string{"value Patient.id"}},
		{"id too long", `{"resourceType":"Patient","id":"` + strings.Repeat("a", 65) + `"}`, []string{"value Patient.id"}},
		{"id of an element is a string", `{"resourceType":"Patient","name":[{"id":"a_b","text":"x"}]}`, nil},

		// Extensions.
		{"extension", `{"resourceType":"Patient","extension":[{"url":"urn:x","valueString":"x"}]}`, nil},
		{"nested extension", `{"resourceType":"Patient","extension":[{"url":"urn:x","extension":[{"url":"y","valueBoolean":true}]}]}`, nil},
		{"extension without url", `{"resourceType":"Patient","extension":[{"valueString":"x"}]}`, []string{"required Patient.extension[0].url"}},
		{"extension without value", `{"resourceType":"Patient","extension":[{"url":"urn:x"}]}`, []string{"invariant Patient.extension[0]"}},
		{"extension with both", `{"resourceType":"Patient","extension":[{"url":"urn:x","valueString":"x","extension":[{"url":"y","valueBoolean":true}]}]}`, []string{"invariant Patient.extension[0]"}},
		{"extension with two values", `{"resourceType":"Patient","extension":[{"url":"urn:x","valueString":"x","valueBoolean":true}]}`, []string{"structure Patient.extension[0].value"}},
		{"modifier extension below", `{"resourceType":"Patient","contact":[{"modifierExtension":[{"url":"urn:x"}]}]}`, []string{"invariant Patient.contact[0].modifierExtension[0]"}},
		{"no modifier extension in data types", `{"resourceType":"Patient","name":[{"modifierExtension":[{"url":"urn:x","valueString":"x"}]}]}`, []string{"structure Patient.name[0].modifierExtension"}},
		{"extension in a sibling", `{"resourceType":"Patient","_birthDate":{"extension":[{"url":"urn:x","valueDate":"x"}]}}`, []string{"value Patient.birthDate.extension[0].value"}},

		// Narrative; see TestNarrative.
		{"narrative", `{"resourceType":"Patient","text":{"status":"generated","div":` + div + `}}`, nil},
		{"narrative without div", `{"resourceType":"Patient","text":{"status":"generated"}}`, []string{"required Patient.text.div"}},
		{"narrative with script", `{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><script>x</script></div>"}}`, []string{"invariant Patient.text.div"}},
		{"narrative not XML", `{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><b>x</div>"}}`, []string{"structure Patient.text.div"}},
		{"narrative not a string", `{"resourceType":"Patient","text":{"status":"generated","div":1}}`, []string{"structure Patient.text.div"}},
	}
	va := newValidator(t, definitions.R4)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			issues := check(va, []byte(test.json))
			if got := summary(issues); !slices.Equal(got, test.want) {
				t.Errorf("issues of %s:\n%q, want\n%q", test.json, got, test.want)
			}
			for _, issue := range issues {
				if issue.Severity != domain.Fault || !strings.HasSuffix(issue.Message, ".") || strings.Contains(issue.Message, "%!") {
					t.Errorf("severity %q, message %q", issue.Severity, issue.Message)
				}
			}
		})
	}
}

func summary(issues []domain.Issue) []string {
	var all []string
	for _, issue := range issues {
		all = append(all, issue.Code+" "+strings.Join(issue.Expression, ", "))
	}
	return all
}

// TestVersions has what is right in one FHIR version and wrong in another.
func TestVersions(t *testing.T) {
	tests := []struct {
		json  string
		valid string // the versions in which it is
	}{
		{`{"resourceType":"Patient","animal":{"species":{"text":"cow"}}}`, "STU3"},
		{`{"resourceType":"Encounter","status":"in-progress","class":{"code":"AMB"}}`, "R4 STU3 R4B"},
		{`{"resourceType":"Encounter","status":"in-progress","class":[{"text":"AMB"}]}`, "R5"},
		{`{"resourceType":"BodySite","patient":{"display":"x"}}`, "STU3"},
		{`{"resourceType":"BodyStructure","patient":{"display":"x"},"location":{"text":"x"}}`, "R4 R4B"},
		{`{"resourceType":"Parameters","parameter":[{"name":"x","valueInteger64":"9007199254740993"}]}`, "R5"},
		{`{"resourceType":"Parameters","parameter":[{"name":"x","valueInteger64":9007199254740993}]}`, ""},
		{`{"resourceType":"Parameters","parameter":[{"name":"x","valueCanonical":"urn:x"}]}`, "R4 R4B R5"},
		{`{"resourceType":"MedicationRequest","intent":"order","medicationReference":{"display":"x"},"subject":{"display":"x"}}`, "STU3"},
		{`{"resourceType":"MedicationRequest","status":"active","intent":"order","medication":{"concept":{"text":"x"}},"subject":{"display":"x"}}`, "R5"},
		{`{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.50}}`, "R4 STU3 R4B R5"},
		{`{"resourceType":"Observation","id":"a_b","status":"final","code":{"text":"x"}}`, ""},
	}
	for _, test := range tests {
		for _, v := range definitions.Versions() {
			issues := check(newValidator(t, v), []byte(test.json))
			if want := slices.Contains(strings.Fields(test.valid), v.String()); want != (len(issues) == 0) {
				t.Errorf("%s: %s: %v, want valid = %v", v, test.json, summary(issues), want)
			}
		}
	}
}

func TestExpectedType(t *testing.T) {
	va := newValidator(t, definitions.R4)
	document, err := fhirjson.Parse([]byte(`{"resourceType":"Patient","x":1}`), fhirjson.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for expected, want := range map[string][]string{
		"":            {"structure Patient.x"},
		"Patient":     {"structure Patient.x"},
		"Observation": {"invalid Patient", "structure Patient.x"},
	} {
		if got := summary(va.Resource(document.Root(), expected, nil)); !slices.Equal(got, want) {
			t.Errorf("expected %q: %q, want %q", expected, got, want)
		}
	}
}

func TestMessages(t *testing.T) {
	va := newValidator(t, definitions.R4)
	const secret = "Zaphod"
	tests := []struct{ json, has string }{
		{`{"resourceType":"Patient","gender":"` + strings.Repeat("x", 70) + `"}`, `"` + strings.Repeat("x", 64) + `…"`},
		{`{"resourceType":"Patient","gender":"f"}`, "female, male, other, unknown"},
		{`{"resourceType":"Patient","birthdate":"` + secret + `"}`, "birthDate is one"},
		{`{"resourceType":"Patient","deceased":"` + secret + `"}`, "deceasedBoolean, deceasedDateTime"},
		{`{"resourceType":"Patient","birthDate":"` + secret + `"}`, "YYYY-MM-DD"},
		{`{"resourceType":"Patient","name":"` + secret + `"}`, "must be an array"},
		{`{"resourceType":"Patient","id":"` + secret + ` "}`, "1 to 64 letters"},
		{`{"resourceType":"Patient","active":"` + secret + `"}`, "true or false"},
		{`{"resourceType":"Patient","text":{"status":"generated","div":"<p>` + secret + `"}}`, "single div"},
		{`{"resourceType":"Condition","subject":{"display":"x"},"clinicalStatus":{"text":"` + secret + `"}}`, "active, inactive"},
	}
	for _, test := range tests {
		var all string
		for _, issue := range check(va, []byte(test.json)) {
			all += issue.Message
		}
		if !strings.Contains(all, test.has) || strings.Contains(all, secret) {
			t.Errorf("%s: %s; want it with %q and without values", test.json, all, test.has)
		}
	}
}

func TestLimits(t *testing.T) {
	va := newValidator(t, definitions.R4)
	many := `{"resourceType":"Patient","name":[` + strings.Repeat(`{"text":""},`, 300) + `{"text":""}]}`
	if got := len(check(va, []byte(many))); got != MaxIssues {
		t.Errorf("%d issues, want %d", got, MaxIssues)
	}
	depth := MaxDepth + 10
	deep := `{"resourceType":"Patient","extension":[` + strings.Repeat(`{"url":"urn:x","extension":[`, depth) +
		`{"url":"urn:x","valueString":"x"}` + strings.Repeat(`]}`, depth) + `]}`
	document, err := fhirjson.Parse([]byte(deep), fhirjson.Limits{MaxDepth: 10 * depth})
	if err != nil {
		t.Fatal(err)
	}
	issues := va.Resource(document.Root(), "", nil)
	if len(issues) != 1 || !strings.Contains(issues[0].Message, "deeper") {
		t.Errorf("%d issues of a deep resource: %.200v", len(issues), issues)
	}
}

// TestManyNulls would not end before the test is stopped if each null looked for its sibling anew.
func TestManyNulls(t *testing.T) {
	const n = 1_000_000
	text := `{"resourceType":"Patient","name":[{"given":[` + strings.Repeat("null,", n) + `"A"],"_given":[` +
		strings.Repeat(`{"id":"a"},`, n) + `null]}]}`
	if issues := check(newValidator(t, definitions.R4), []byte(text)); issues != nil {
		t.Errorf("issues %v", summary(issues))
	}
}

func TestConcurrentUse(t *testing.T) {
	va := newValidator(t, definitions.R4)
	var group sync.WaitGroup
	for _, e := range examples(t) {
		if e.version != definitions.R4 {
			continue
		}
		group.Go(func() {
			for range 3 {
				if issues := check(va, e.text); issues != nil {
					t.Errorf("%s: %v", e.name, summary(issues))
				}
				if len(e.text) < 20_000 {
					checkRules(t, va, string(e.text))
				}
				if issues := check(va, []byte(`{"resourceType":"Patient","text":{"status":"x","div":"<div>"}}`)); len(issues) != 2 {
					t.Errorf("%v", summary(issues))
				}
			}
		})
	}
	group.Wait()
}

func TestLinks(t *testing.T) {
	const text = `{"resourceType":"Observation","meta":{"profile":["http://p"]},"implicitRules":"urn:i",` +
		`"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"Patient/1\">x</a></div>"},` +
		`"contained":[{"resourceType":"Patient","id":"p","managingOrganization":{"reference":"Organization/2"}}],` +
		`"status":"final","code":{"coding":[{"system":"http://s","code":"c"}],"text":"http://not"},` +
		`"subject":{"reference":"Patient/1","_reference":{"id":"x"},"display":"Patient/no"}}`
	document, err := fhirjson.Parse([]byte(text), fhirjson.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	issues := newValidator(t, definitions.R4).Resource(document.Root(), "", func(kind LinkKind, v fhirjson.Value) {
		got = append(got, fmt.Sprintf("%d %.10s", kind, v.Text()))
	})
	want := []string{"2 http://p", "1 urn:i", "3 <div xmlns", "0 Organizati", "1 http://s", "0 Patient/1"}
	for i := range want {
		want[i] = want[i][:min(len(want[i]), 12)]
	}
	if !slices.Equal(got, want) || issues != nil {
		t.Errorf("links %q, want %q; issues %v", got, want, issues)
	}
}
