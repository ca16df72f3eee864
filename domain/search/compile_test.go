package search

import (
	"strings"
	"testing"
)

// TestCompile gives searches as the index sees them, one line for each scope.
// What is looked up, and what is looked at one by one ('?'), decides how fast a
// search is; what matches is for the TestMatch tables.
func TestCompile(t *testing.T) {
	const subject1 = "any(Observation.subject=1·Patient·… Observation.subject=2http://here/fhir/Patient/1·…)"
	tests := []struct{ search, want string }{
		{"Patient?", "Patient everything"},
		{"Patient?name=Müller", "Patient Patient.name=muller…"},
		{"Patient?name:exact=Müller", "Patient Patient.name=muller·Müller·"},
		{"Patient?name:contains=ül", "Patient any(Patient.name=…? checked(Patient.name=…?))"},
		{"Patient?name:contains=a,b,c", "Patient any(Patient.name=…? checked(Patient.name=…?))"},
		{`Patient?name=a\,b,c`, "Patient any(Patient.name=a,b… Patient.name=c…)"},
		{"Patient?identifier=http://acme.org|12", "Patient any(Patient.identifier=12·3http://acme.org· Patient.identifier=12·4http://acme.org·)"},
		{"Patient?identifier=|12", "Patient any(Patient.identifier=12·2· Patient.identifier=12·4…)"},
		{"Patient?identifier=http://acme.org|", "Patient any(Patient.identifier.system=3http://acme.org· Patient.identifier.system=4http://acme.org·)"},
		{"Patient?gender=male,female", "Patient any(Patient.gender=male·… Patient.gender=female·…)"},
		{"Patient?gender:not=male", "Patient not(Patient.gender=male·…)"},
		{"Observation?code=LP1-5", "Observation any(Observation.code=LP1-5·… Observation.code=lp1-5·…?)"},
		{"Observation?code:text=Blood  pres", "Observation any(Observation.code.text=blood pres… checked(Observation.code.text=2·))"},
		{"Observation?code:text=a,b", "Observation any(Observation.code.text=a… Observation.code.text=b… checked(Observation.code.text=2·))"},
		{"Observation?code:text=12345678901234567890123456789012345678901234567890,b", "Observation any(checked(Observation.code.text=123456789012345678901234567890123456789012345678…) Observation.code.text=b… checked(Observation.code.text=2·))"},
		{"Patient?identifier:of-type=http://t|MR|1", "Patient Patient.identifier.of-type=1·MR·http://t·"},
		{"Observation?subject=Patient/1", "Observation " + subject1},
		{"Observation?subject:Patient=1", "Observation " + subject1},
		{"Observation?patient=1", "Observation " + subject1},
		{"Observation?patient=http://here/fhir/Patient/1", "Observation " + subject1},
		{"Observation?patient=Group/1", "Observation any()"},
		{"Observation?encounter=3", "Observation any(Observation.encounter=3·… Observation.encounter=2http://here/fhir/Encounter/3·…)"},
		{"Observation?subject=http://else/Patient/1/_history/2", "Observation Observation.subject=2http://else/Patient/1·2··"},
		{"Observation?subject:identifier=http://x|1", "Observation any(Observation.subject.identifier=1·3http://x· Observation.subject.identifier=1·4http://x·)"},
		{"Observation?patient:identifier=http://x|1", "Observation all(Observation.subject.present=Patient· any(Observation.subject.identifier=1·3http://x· Observation.subject.identifier=1·4http://x·))"},
		{"Observation?patient:missing=true", "Observation not(Observation.subject.present=Patient·)"},
		{"Observation?subject:missing=false", "Observation Observation.subject.present=…"},
		{"Patient?birthdate=ge1990&birthdate=lt2000", "Patient all(Patient.birthdate[] Patient.birthdate[])"},
		{"Observation?value-quantity=5.4", "Observation Observation.value-quantity[…]"},
		{"Observation?value-quantity=5.4||mg", "Observation Observation.value-quantity[…]?"},
		{"Observation?value-quantity=5.4|http://s|mg", "Observation Observation.value-quantity[mg·http://s·…]"},
		{"Observation?value-quantity=5.4|http://unitsofmeasure.org|mg", "Observation Observation.value-quantity[…]?"},
		{"Observation?code-value-quantity=http://s|c$gt1", "Observation any(Observation.code-value-quantity[c·3http://s·…]? Observation.code-value-quantity[c·4http://s·…]?)"},
		{"Observation?code-value-date=http://s|c$2020", "Observation any(Observation.code-value-date[c·3http://s·] Observation.code-value-date[c·4http://s·])"},
		{"Observation?code-value-string=http://s|c$abc", "Observation any(Observation.code-value-string=c·3http://s·abc… Observation.code-value-string=c·4http://s·abc…)"},
		{"Observation?code-value-date=c$2020", "Observation Observation.code-value-date[c·…]?"},
		{"ValueSet?url=http://a|1", "ValueSet ValueSet.url=http://a|1·…"},
		{"ValueSet?url:below=http://a/", "ValueSet any(ValueSet.url=http://a/… checked(ValueSet.url=2…))"},
		{"ValueSet?url:above=a:b", "ValueSet any(ValueSet.url=a·… ValueSet.url=a:·… ValueSet.url=a:b·…)"},
		{"ValueSet?url:below=ur", "ValueSet any(ValueSet.url=ur…? checked(ValueSet.url=2…))"},
		{"Patient?_profile=http://x|1.0", "Patient all(_type=Patient· _profile=http://x·1.0·)"},
		{"?_tag=s|x", " any(_tag=x·3s· _tag=x·4s·)"},
		{"?_type=Patient,Person&_tag=x", "Patient all(_type=Patient· _tag=x·…)\nPerson all(_type=Person· _tag=x·…)"},
		{"?_type=Patient,Person&_type=Person,Group", "Person everything"},
		{"Patient?_type=Group", ""},
		{"?_type=Foo", ""},
		{"?_type:not=Patient", " not(_type=Patient·)"},
		{"?_type=Patient,Person&_type:not=Patient", "Person everything"},
		{"Patient?_id=1,2,1,not!", "Patient id(1 2)"},
		{"Patient?_id=not!", "Patient id()"},
		{"Patient?_lastUpdated=gt2024-01-01", "Patient updated(2024-01-02T00:00:00.000Z -)"},
		{"Patient?_lastUpdated=ne2024", "Patient any(updated(- 2024-01-01T00:00:00.000Z) updated(2025-01-01T00:00:00.000Z -))"},
		{"Patient?_lastUpdated=2024-01-01T00:00:00.0001Z", "Patient any()"},
		{"Patient?_lastUpdated:missing=true", "Patient any()"},
		{"Patient?_list=42,List/43", "Patient any(listed(42) listed(43))"},
		{"Patient?_not-referenced=*:*", "Patient unreferenced()"},
		{"Patient?_not-referenced=Observation:subject", "Patient unreferenced(Observation.subject)"},
		{"Patient?_not-referenced=Observation:patient", "Patient unreferenced(Observation.subject:Patient)"},
		{"Patient?_not-referenced=Bundle:*", "Patient unreferenced(Bundle.composition:Composition Bundle.message:MessageHeader)"},
		{"Patient?_not-referenced=Parameters:*", "Patient all()"},
		{"Patient?_text=(bone or liver) and not x-ray", "Patient all(any(_text=bone· _text=liver·) not(checked(all(_text=ray·))))"},
		{"Patient?_content=aspirin*", "Patient _content=aspirin…"},
		// chains
		{"Observation?subject:Patient.name=p", "Observation chain(Observation.subject → Patient Patient.name=p…)"},
		{"Observation?patient.organization.name=x", "Observation chain(Observation.subject:Patient → Patient chain(Patient.organization → Organization Organization.name=x…))"},
		{"Observation?patient._tag=x", "Observation chain(Observation.subject:Patient → Patient all(_type=Patient· _tag=x·…))"},
		{"Observation?patient._id=x", "Observation chain(Observation.subject:Patient → Patient id(x))"},
		{"QuestionnaireResponse?questionnaire.title=x", "QuestionnaireResponse chain(QuestionnaireResponse.questionnaire → Questionnaire Questionnaire.title=x…)"},
		{"Questionnaire?_has:QuestionnaireResponse:questionnaire:status=a", "Questionnaire has(QuestionnaireResponse QuestionnaireResponse.status=a·… → QuestionnaireResponse.questionnaire)"},
		{"Observation?patient.name:missing=true", "Observation chain(Observation.subject:Patient → Patient not(Patient.name.present=))"},
		{"Patient?_has:Observation:patient:code=1-5", "Patient has(Observation Observation.code=1-5·… → Observation.subject:Patient)"},
		{"Patient?_has:Observation:patient:encounter.status=a", "Patient has(Observation chain(Observation.encounter → Encounter Encounter.status=a·…) → Observation.subject:Patient)"},
		{"Patient?_has:Observation:subject:_has:Provenance:target:_tag=x", "Patient has(Observation has(Provenance all(_type=Provenance· _tag=x·…) → Provenance.target) → Observation.subject)"},
		{"Observation?patient._has:Group:member:_id=1", "Observation chain(Observation.subject:Patient → Patient has(Group id(1) → Group.member))"},
		{"?_has:Observation:subject:status=final", " has(Observation Observation.status=final·… → Observation.subject)"},
		// compartments
		{"Patient/1/Observation?code=x", "Observation all(any(Observation.subject=1·Patient·… Observation.subject=2http://here/fhir/Patient/1·… Observation.performer=1·Patient·… Observation.performer=2http://here/fhir/Patient/1·…) Observation.code=x·…)"},
		{"Practitioner/1/Practitioner?", "Practitioner id(1)"},
		{"Patient/1/Medication?", "Medication any()"},
		{"Device/1/*?_type=Flag,Medication", "Flag any(Flag.author=1·Device·… Flag.author=2http://here/fhir/Device/1·…)"},
	}
	for _, test := range tests {
		q := mustParse(t, test.search)
		if got := explainScopes(t, q); got != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.search, got, test.want)
		}
	}
}

func explainScopes(t *testing.T, q *Query) string {
	t.Helper()
	names := r4Set(t).SlotNames()
	var lines []string
	for _, scope := range q.Scopes {
		lines = append(lines, string(scope.Type)+" "+ExplainNamed(scope.Where, names))
	}
	return strings.Join(lines, "\n")
}

// TestCompartmentTypes: all types that can be in it are searched, and nothing
// else.
func TestCompartmentTypes(t *testing.T) {
	q := mustParse(t, "Patient/1/*?_lastUpdated=gt2020")
	if len(q.Scopes) != 66 || q.Criteria != 1 {
		t.Errorf("%d scopes, %d criteria, want those 66 types that the definition lists with parameters", len(q.Scopes), q.Criteria)
	}
	for _, scope := range q.Scopes {
		if all, ok := scope.Where.(And); !ok || len(all) != 2 {
			t.Errorf("%s: %s", scope.Type, Explain(scope.Where))
		}
	}
}

// TestWalks: totals are told by default unless values have to be looked at.
func TestWalks(t *testing.T) {
	tests := []struct {
		search string
		want   bool
	}{
		{"Patient?name=x&identifier=s|v&_id=1&organization=2&gender:not=male&name:contains=y", false},
		{"ValueSet?url:below=http://x", false},
		{"Patient?_lastUpdated=gt2020", false},
		{"Observation?patient.name=x&_has:Provenance:target:_id=5", false},
		{"Patient?_content=word", false},
		{"Patient?birthdate=2020", true},
		{"Observation?patient.birthdate=2020", true},
		{"Patient?_has:Observation:patient:date=2020", true},
		{"Observation?value-quantity=5", true},
		{"Observation?code-value-quantity=a$5", true},
		{"Observation?code-value-concept=a$b", false},
		{"Patient?_filter=name eq x or birthdate eq 2020", true},
		{`Patient?_content="two words"`, true},
		{"Patient?_not-referenced=*:*", true},
		{"Location?near=1|2", true},
	}
	for _, test := range tests {
		if got := mustParse(t, test.search).Walks; got != test.want {
			t.Errorf("%s walks: %v", test.search, got)
		}
	}
}
