package validate

import (
	"slices"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// checkRules validates a resource with all rules.
func checkRules(t testing.TB, va *Validator, text string) []domain.Issue {
	t.Helper()
	document, err := fhirjson.Parse([]byte(text), fhirjson.Limits{})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return va.Check(document.Root(), Options{Rules: Fail, Recommendations: true, Bases: []string{"http://server.example/fhir/"}})
}

// broke returns where a rule does not hold, by the message.
func broke(issues []domain.Issue, key string) (places []string) {
	for _, issue := range issues {
		if strings.HasPrefix(issue.Message, "The rule "+key+" does not hold: ") {
			places = append(places, issue.Expression...)
		}
	}
	return places
}

// faults are the issues that are no warnings.
func faults(issues []domain.Issue) (all []domain.Issue) {
	for _, issue := range issues {
		if issue.Severity == domain.Fault {
			all = append(all, issue)
		}
	}
	return all
}

// The beginnings of resources that the table below goes on with.
const (
	appointment  = `{"resourceType":"Appointment","participant":[{"status":"accepted","actor":{"display":"x"}}],`
	capabilities = `{"resourceType":"CapabilityStatement","status":"draft","date":"2020","fhirVersion":"4.0.1","format":["json"],`
	aCondition   = `{"resourceType":"Condition","subject":{"display":"x"},`
	structure    = `{"resourceType":"StructureDefinition","url":"http://example.org/s","name":"S","status":"draft","abstract":false,`
	script       = `{"resourceType":"TestScript","url":"http://example.org/t","name":"T","status":"draft",`
	terminology  = `{"resourceType":"TerminologyCapabilities","status":"draft","date":"2020",`
	problem      = `"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-category","code":"problem-list-item"}]}]`
	abated       = `"abatementDateTime":"2020","clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":`
	narrative    = `"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"}`
)

// of makes a resource with one value of a data type.
func of(typ, value string) string {
	return `{"resourceType":"Basic","code":{"text":"x"},"extension":[{"url":"urn:x","value` + typ + `":` + value + `}]}`
}

// element makes a StructureDefinition with one ElementDefinition.
func element(content string) string {
	return structure + `"kind":"logical","type":"http://example.org/s","baseDefinition":"http://example.org/b","derivation":"specialization","differential":{"element":[{"id":"S","path":"S"},{"id":"S.a","path":"S.a",` + content + `}]}}`
}

// item makes a Questionnaire with one item.
func item(content string) string {
	return `{"resourceType":"Questionnaire","status":"draft","item":[{"linkId":"1",` + content + `}]}`
}

// invariantTest is a resource that breaks a rule, where, and one that does not.
type invariantTest struct {
	key, broken, at, kept string
}

// invariantsR4 has each family of the invariants of R4.
var invariantsR4 = []invariantTest{
	{"ait-1", `{"resourceType":"AllergyIntolerance","patient":{"display":"x"}}`, "AllergyIntolerance",
		`{"resourceType":"AllergyIntolerance","patient":{"display":"x"},"clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical","code":"active"}]}}`},
	{"app-1", `{"resourceType":"Appointment","status":"proposed","participant":[{"status":"accepted"}]}`, "Appointment.participant[0]",
		appointment + `"status":"proposed"}`},
	{"app-2", appointment + `"status":"proposed","start":"2020-01-01T00:00:00Z"}`, "Appointment",
		appointment + `"status":"proposed","start":"2020-01-01T00:00:00Z","end":"2020-01-01T00:00:00Z"}`},
	{"app-3", appointment + `"status":"booked"}`, "Appointment", appointment + `"status":"cancelled"}`},
	{"app-4", appointment + `"status":"proposed","cancelationReason":{"text":"x"}}`, "Appointment", appointment + `"status":"cancelled","cancelationReason":{"text":"x"}}`},
	{"apr-1", `{"resourceType":"AppointmentResponse","appointment":{"display":"x"},"participantStatus":"accepted"}`, "AppointmentResponse",
		`{"resourceType":"AppointmentResponse","appointment":{"display":"x"},"participantStatus":"accepted","actor":{"display":"x"}}`},
	{"att-1", of("Attachment", `{"data":"AAAA"}`), "Basic.extension[0].value", of("Attachment", `{"data":"AAAA","contentType":"text/plain"}`)},
	{"age-1", of("Age", `{"value":1}`), "Basic.extension[0].value", of("Age", `{"unit":"years"}`)},
	{"cnt-3", of("Count", `{"value":1.5,"code":"1","system":"http://unitsofmeasure.org"}`), "Basic.extension[0].value", of("Count", `{"value":1,"code":"1","system":"http://unitsofmeasure.org"}`)},
	{"dis-1", of("Distance", `{"value":1,"code":"m","system":"urn:x"}`), "Basic.extension[0].value", of("Distance", `{"value":1,"code":"m","system":"http://unitsofmeasure.org"}`)},
	{"drt-1", of("Duration", `{"code":"s","system":"http://unitsofmeasure.org"}`), "Basic.extension[0].value", of("Duration", `{"value":1,"code":"s","system":"http://unitsofmeasure.org"}`)},
	{"qty-3", of("Quantity", `{"value":1,"code":"m"}`), "Basic.extension[0].value", of("Quantity", `{"value":1,"code":"m","system":"http://unitsofmeasure.org"}`)},
	{"sqty-1", of("Range", `{"low":{"value":1,"comparator":"<"}}`), "Basic.extension[0].value.low", of("Quantity", `{"value":1,"comparator":"<"}`)},
	{"rng-2", of("Range", `{"low":{"value":2},"high":{"value":1}}`), "Basic.extension[0].value", of("Range", `{"low":{"value":1},"high":{"value":1}}`)},
	{"rat-1", of("Ratio", `{"numerator":{"value":1}}`), "Basic.extension[0].value", of("Ratio", `{"numerator":{"value":1},"denominator":{"value":1}}`)},
	{"per-1", of("Period", `{"start":"2021","end":"2020"}`), "Basic.extension[0].value", of("Period", `{"start":"2020","end":"2020-05"}`)},
	{"cpt-2", of("ContactPoint", `{"value":"1"}`), "Basic.extension[0].value", of("ContactPoint", `{"value":"1","system":"phone"}`)},
	{"drq-1", of("DataRequirement", `{"type":"Patient","codeFilter":[{"path":"a","searchParam":"b"}]}`), "Basic.extension[0].value.codeFilter[0]", of("DataRequirement", `{"type":"Patient","codeFilter":[{"path":"a"}]}`)},
	{"drq-2", of("DataRequirement", `{"type":"Patient","dateFilter":[{"valueDateTime":"2020"}]}`), "Basic.extension[0].value.dateFilter[0]", of("DataRequirement", `{"type":"Patient","dateFilter":[{"searchParam":"a"}]}`)},
	{"exp-1", of("Expression", `{"language":"text/cql"}`), "Basic.extension[0].value", of("Expression", `{"language":"text/cql","expression":"a"}`)},
	{"tim-1", of("Timing", `{"repeat":{"duration":1}}`), "Basic.extension[0].value.repeat", of("Timing", `{"repeat":{"duration":1,"durationUnit":"d"}}`)},
	{"tim-4", of("Timing", `{"repeat":{"duration":-1,"durationUnit":"d"}}`), "Basic.extension[0].value.repeat", of("Timing", `{"repeat":{"duration":0,"durationUnit":"d"}}`)},
	{"tim-9", of("Timing", `{"repeat":{"offset":1,"when":["C","MORN"]}}`), "Basic.extension[0].value.repeat", of("Timing", `{"repeat":{"offset":1,"when":["MORN","EVE"]}}`)},
	{"tim-10", of("Timing", `{"repeat":{"timeOfDay":["10:00:00"],"when":["C"]}}`), "Basic.extension[0].value.repeat", of("Timing", `{"repeat":{"timeOfDay":["10:00:00"]}}`)},
	{"trd-1", of("TriggerDefinition", `{"type":"data-added","data":[{"type":"Patient"}],"timingDate":"2020"}`), "Basic.extension[0].value", of("TriggerDefinition", `{"type":"data-added","data":[{"type":"Patient"}]}`)},
	{"trd-3", of("TriggerDefinition", `{"type":"named-event"}`), "Basic.extension[0].value", of("TriggerDefinition", `{"type":"named-event","name":"a"}`)},
	{"ele-1", `{"resourceType":"Patient","name":[{"id":"a"}]}`, "Patient.name[0]", `{"resourceType":"Patient","name":[{"id":"a","text":"b"}]}`},
	{"ele-1", `{"resourceType":"Patient","_birthDate":{"id":"a"}}`, "Patient.birthDate", `{"resourceType":"Patient","birthDate":"2000","_birthDate":{"id":"a"}}`},
	{"ele-1", `{"resourceType":"Patient","name":[{"given":["a",null],"_given":[{"id":"a"},{"id":"b"}]}]}`, "Patient.name[0].given[1]", `{"resourceType":"Patient","name":[{"given":["a"],"_given":[{"id":"a"}]}]}`},
	{"ref-1", `{"resourceType":"Patient","managingOrganization":{"reference":"#a"}}`, "Patient.managingOrganization.reference",
		`{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"a","name":"x"}],"managingOrganization":{"reference":"#a"}}`},
	{"sev-1", `{"resourceType":"AuditEvent","type":{"code":"x"},"recorded":"2020-01-01T00:00:00Z","agent":[{"requestor":true}],"source":{"observer":{"display":"x"}},"entity":[{"name":"a","query":"AAAA"}]}`, "AuditEvent.entity[0]",
		`{"resourceType":"AuditEvent","type":{"code":"x"},"recorded":"2020-01-01T00:00:00Z","agent":[{"requestor":true}],"source":{"observer":{"display":"x"}},"entity":[{"name":"a"}]}`},
	{"bdl-1", `{"resourceType":"Bundle","type":"batch","total":1}`, "Bundle", `{"resourceType":"Bundle","type":"searchset","total":1}`},
	{"bdl-3", `{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Patient"}}]}`, "Bundle", `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient"}}]}`},
	{"bdl-5", `{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"urn:x"}]}`, "Bundle.entry[0]", `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient"}}]}`},
	{"bdl-7", `{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"urn:x","resource":{"resourceType":"Patient"}},{"fullUrl":"urn:x","resource":{"resourceType":"Patient"}}]}`, "Bundle",
		`{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"urn:x","resource":{"resourceType":"Patient"}},{"fullUrl":"urn:y","resource":{"resourceType":"Patient"}}]}`},
	{"bdl-8", `{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"http://x/Patient/1/_history/1","resource":{"resourceType":"Patient"}}]}`, "Bundle.entry[0]",
		`{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"http://x/Patient/1","resource":{"resourceType":"Patient"}}]}`},
	{"bdl-11", `{"resourceType":"Bundle","type":"document","identifier":{"system":"urn:x","value":"1"},"timestamp":"2020-01-01T00:00:00Z","entry":[{"resource":{"resourceType":"Patient"}}]}`, "Bundle",
		`{"resourceType":"Bundle","type":"document","identifier":{"system":"urn:x","value":"1"},"timestamp":"2020-01-01T00:00:00Z","entry":[{"resource":{"resourceType":"Composition","status":"final","type":{"text":"x"},"date":"2020","author":[{"display":"x"}],"title":"x"}}]}`},
	{"cpb-1", capabilities + `"kind":"requirements","description":"x"}`, "CapabilityStatement", capabilities + `"kind":"requirements","description":"x","rest":[{"mode":"server"}]}`},
	{"cpb-9", capabilities + `"kind":"requirements","description":"x","rest":[{"mode":"server","resource":[{"type":"Patient"},{"type":"Patient"}]}]}`, "CapabilityStatement.rest[0]",
		capabilities + `"kind":"requirements","description":"x","rest":[{"mode":"server","resource":[{"type":"Patient"},{"type":"Group"}]}]}`},
	{"cpb-14", capabilities + `"kind":"instance","description":"x","rest":[{"mode":"server"}]}`, "CapabilityStatement", capabilities + `"kind":"instance","implementation":{"description":"x"},"rest":[{"mode":"server"}]}`},
	{"cpl-3", `{"resourceType":"CarePlan","status":"draft","intent":"plan","subject":{"display":"x"},"activity":[{"reference":{"display":"x"},"detail":{"status":"unknown"}}]}`, "CarePlan.activity[0]",
		`{"resourceType":"CarePlan","status":"draft","intent":"plan","subject":{"display":"x"},"activity":[{"detail":{"status":"unknown"}}]}`},
	{"ctm-1", `{"resourceType":"CareTeam","participant":[{"member":{"reference":"Patient/1"},"onBehalfOf":{"display":"x"}}]}`, "CareTeam.participant[0]",
		`{"resourceType":"CareTeam","participant":[{"member":{"reference":"Practitioner/1"},"onBehalfOf":{"display":"x"}}]}`},
	{"csd-1", `{"resourceType":"CodeSystem","status":"draft","content":"complete","concept":[{"code":"a","concept":[{"code":"a"}]}]}`, "CodeSystem",
		`{"resourceType":"CodeSystem","status":"draft","content":"complete","concept":[{"code":"a","concept":[{"code":"b"}]}]}`},
	{"cmp-1", `{"resourceType":"Composition","status":"final","type":{"text":"x"},"date":"2020","author":[{"display":"x"}],"title":"x","section":[{"title":"x"}]}`, "Composition.section[0]",
		`{"resourceType":"Composition","status":"final","type":{"text":"x"},"date":"2020","author":[{"display":"x"}],"title":"x","section":[{"entry":[{"display":"x"}]}]}`},
	{"cmd-1", `{"resourceType":"ConceptMap","status":"draft","group":[{"element":[{"target":[{"equivalence":"narrower"}]}]}]}`, "ConceptMap.group[0].element[0].target[0]",
		`{"resourceType":"ConceptMap","status":"draft","group":[{"element":[{"target":[{"equivalence":"narrower","comment":"x"}]}]}]}`},
	{"con-1", aCondition + `"stage":[{"type":{"text":"x"}}]}`, "Condition.stage[0]", aCondition + `"stage":[{"summary":{"text":"x"}}]}`},
	{"con-3", aCondition + problem + `}`, "Condition", aCondition + problem + `,"clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}]}}`},
	{"con-3", aCondition + problem + `}`, "Condition", aCondition + `"category":[{"text":"x"}]}`},
	{"con-4", aCondition + abated + `"active"}]}}`, "Condition", aCondition + abated + `"resolved"}]}}`},
	{"con-5", aCondition + `"verificationStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-ver-status","code":"entered-in-error"}]},"clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}]}}`, "Condition",
		aCondition + `"verificationStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-ver-status","code":"entered-in-error"}]}}`},
	{"ppc-1", `{"resourceType":"Consent","status":"active","scope":{"text":"x"},"category":[{"text":"x"}]}`, "Consent", `{"resourceType":"Consent","status":"active","scope":{"text":"x"},"category":[{"text":"x"}],"policyRule":{"text":"x"}}`},
	{"ces-1", `{"resourceType":"CoverageEligibilityResponse","status":"active","purpose":["benefits"],"patient":{"display":"x"},"created":"2020","request":{"display":"x"},"outcome":"complete","insurer":{"display":"x"},"insurance":[{"coverage":{"display":"x"},"item":[{"name":"x"}]}]}`,
		"CoverageEligibilityResponse.insurance[0].item[0]",
		`{"resourceType":"CoverageEligibilityResponse","status":"active","purpose":["benefits"],"patient":{"display":"x"},"created":"2020","request":{"display":"x"},"outcome":"complete","insurer":{"display":"x"},"insurance":[{"coverage":{"display":"x"},"item":[{"category":{"text":"x"}}]}]}`},
	{"dom-3", `{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"a","name":"x"}]}`, "Patient.contained[0]",
		`{"resourceType":"Patient","contained":[{"resourceType":"Observation","id":"a","status":"final","code":{"text":"x"},"subject":{"reference":"#"}}]}`},
	{"dom-4", `{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"a","meta":{"versionId":"1"},"name":"x"}],"managingOrganization":{"reference":"#a"}}`, "Patient",
		`{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"a","meta":{"source":"urn:x"},"name":"x"}],"managingOrganization":{"reference":"#a"}}`},
	{"dom-5", `{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"a","meta":{"security":[{"code":"x"}]},"name":"x"}],"managingOrganization":{"reference":"#a"}}`, "Patient",
		`{"resourceType":"Patient","meta":{"security":[{"code":"x"}]}}`},
	{"dom-6", `{"resourceType":"Patient"}`, "Patient", `{"resourceType":"Patient",` + narrative + `}`},
	{"eld-2", element(`"min":2,"max":"1"`), "StructureDefinition.differential.element[1]", element(`"min":1,"max":"*"`)},
	{"eld-3", element(`"max":"-1"`), "StructureDefinition.differential.element[1].max", element(`"max":"2"`)},
	{"eld-8", element(`"patternString":"a","fixedString":"a"`), "StructureDefinition.differential.element[1]", element(`"patternString":"a"`)},
	{"eld-14", element(`"constraint":[{"key":"a","severity":"error","human":"x","expression":"x"},{"key":"a","severity":"error","human":"x","expression":"x"}]`), "StructureDefinition.differential.element[1]",
		element(`"constraint":[{"key":"a","severity":"error","human":"x","expression":"x"}]`)},
	{"eld-17", element(`"type":[{"code":"string","targetProfile":["http://x"]}]`), "StructureDefinition.differential.element[1].type[0]", element(`"type":[{"code":"Reference","targetProfile":["http://x"]}]`)},
	{"fhs-1", `{"resourceType":"FamilyMemberHistory","status":"partial","patient":{"display":"x"},"relationship":{"text":"x"},"ageString":"1","bornString":"1"}`, "FamilyMemberHistory",
		`{"resourceType":"FamilyMemberHistory","status":"partial","patient":{"display":"x"},"relationship":{"text":"x"},"ageString":"1"}`},
	{"gol-1", `{"resourceType":"Goal","lifecycleStatus":"active","description":{"text":"x"},"subject":{"display":"x"},"target":[{"detailString":"x"}]}`, "Goal.target[0]",
		`{"resourceType":"Goal","lifecycleStatus":"active","description":{"text":"x"},"subject":{"display":"x"},"target":[{"detailString":"x","measure":{"text":"x"}}]}`},
	{"grp-1", `{"resourceType":"Group","type":"person","actual":false,"member":[{"entity":{"display":"x"}}]}`, "Group", `{"resourceType":"Group","type":"person","actual":true,"member":[{"entity":{"display":"x"}}]}`},
	{"imm-1", `{"resourceType":"Immunization","status":"completed","vaccineCode":{"text":"x"},"patient":{"display":"x"},"occurrenceString":"x","education":[{"publicationDate":"2020"}]}`, "Immunization.education[0]",
		`{"resourceType":"Immunization","status":"completed","vaccineCode":{"text":"x"},"patient":{"display":"x"},"occurrenceString":"x","education":[{"documentType":"x"}]}`},
	{"imr-1", `{"resourceType":"ImmunizationRecommendation","patient":{"display":"x"},"date":"2020","recommendation":[{"forecastStatus":{"text":"x"}}]}`, "ImmunizationRecommendation.recommendation[0]",
		`{"resourceType":"ImmunizationRecommendation","patient":{"display":"x"},"date":"2020","recommendation":[{"forecastStatus":{"text":"x"},"targetDisease":{"text":"x"}}]}`},
	{"ig-1", `{"resourceType":"ImplementationGuide","url":"http://x","name":"X","status":"draft","packageId":"x","fhirVersion":["4.0.1"],"definition":{"grouping":[{"id":"a","name":"x"}],"resource":[{"reference":{"display":"x"},"groupingId":"b"}]}}`, "ImplementationGuide.definition",
		`{"resourceType":"ImplementationGuide","url":"http://x","name":"X","status":"draft","packageId":"x","fhirVersion":["4.0.1"],"definition":{"grouping":[{"id":"a","name":"x"}],"resource":[{"reference":{"display":"x"},"groupingId":"a"}]}}`},
	{"ipn-1", `{"resourceType":"InsurancePlan","status":"draft"}`, "InsurancePlan", `{"resourceType":"InsurancePlan","name":"x"}`},
	{"lnk-1", `{"resourceType":"Linkage","item":[{"type":"source","resource":{"display":"x"}}]}`, "Linkage",
		`{"resourceType":"Linkage","item":[{"type":"source","resource":{"display":"x"}},{"type":"alternate","resource":{"display":"x"}}]}`},
	{"lst-2", `{"resourceType":"List","status":"current","mode":"working","entry":[{"deleted":true,"item":{"display":"x"}}]}`, "List", `{"resourceType":"List","status":"current","mode":"changes","entry":[{"deleted":true,"item":{"display":"x"}}]}`},
	{"mea-1", `{"resourceType":"Measure","status":"draft","group":[{"stratifier":[{"description":"x","component":[{"criteria":{"language":"text/cql","expression":"x"}}]}]}]}`, "Measure",
		`{"resourceType":"Measure","status":"draft","group":[{"stratifier":[{"description":"x"}]}]}`},
	{"mrp-1", `{"resourceType":"MeasureReport","status":"complete","type":"data-collection","measure":"http://x","period":{"start":"2020"},"group":[{"code":{"text":"x"}}]}`, "MeasureReport",
		`{"resourceType":"MeasureReport","status":"complete","type":"individual","measure":"http://x","period":{"start":"2020"},"group":[{"code":{"text":"x"}}]}`},
	{"mad-1", `{"resourceType":"MedicationAdministration","status":"completed","medicationCodeableConcept":{"text":"x"},"subject":{"display":"x"},"effectiveDateTime":"2020","dosage":{"text":"x"}}`, "MedicationAdministration.dosage",
		`{"resourceType":"MedicationAdministration","status":"completed","medicationCodeableConcept":{"text":"x"},"subject":{"display":"x"},"effectiveDateTime":"2020","dosage":{"dose":{"value":1}}}`},
	{"mdd-1", `{"resourceType":"MedicationDispense","status":"completed","medicationCodeableConcept":{"text":"x"},"whenPrepared":"2020-02-01","whenHandedOver":"2020-01-01"}`, "MedicationDispense",
		`{"resourceType":"MedicationDispense","status":"completed","medicationCodeableConcept":{"text":"x"},"whenPrepared":"2020-01-01","whenHandedOver":"2020-02-01"}`},
	{"md-1", `{"resourceType":"MessageDefinition","status":"draft","date":"2020","eventUri":"urn:x","focus":[{"code":"Patient","min":0,"max":"0"}]}`, "MessageDefinition.focus[0]",
		`{"resourceType":"MessageDefinition","status":"draft","date":"2020","eventUri":"urn:x","focus":[{"code":"Patient","min":0,"max":"*"}]}`},
	{"msq-3", `{"resourceType":"MolecularSequence","coordinateSystem":2}`, "MolecularSequence", `{"resourceType":"MolecularSequence","coordinateSystem":1}`},
	{"nsd-2", `{"resourceType":"NamingSystem","name":"X","status":"draft","kind":"identifier","date":"2020","uniqueId":[{"type":"uri","value":"a","preferred":true},{"type":"uri","value":"b","preferred":true}]}`, "NamingSystem",
		`{"resourceType":"NamingSystem","name":"X","status":"draft","kind":"identifier","date":"2020","uniqueId":[{"type":"uri","value":"a","preferred":true},{"type":"oid","value":"b","preferred":true}]}`},
	{"nor-1", `{"resourceType":"NutritionOrder","status":"draft","intent":"order","patient":{"display":"x"},"dateTime":"2020"}`, "NutritionOrder",
		`{"resourceType":"NutritionOrder","status":"draft","intent":"order","patient":{"display":"x"},"dateTime":"2020","oralDiet":{"instruction":"x"}}`},
	{"obs-3", `{"resourceType":"Observation","status":"final","code":{"text":"x"},"referenceRange":[{"type":{"text":"x"}}]}`, "Observation.referenceRange[0]", `{"resourceType":"Observation","status":"final","code":{"text":"x"},"referenceRange":[{"text":"x"}]}`},
	{"obs-6", `{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueString":"x","dataAbsentReason":{"text":"x"}}`, "Observation", `{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueString":"x"}`},
	{"obs-7", `{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"urn:s","code":"a"}]},"valueString":"x","component":[{"code":{"coding":[{"system":"urn:s","code":"a"}]}}]}`, "Observation",
		`{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"urn:s","code":"a"}]},"valueString":"x","component":[{"code":{"coding":[{"system":"urn:s","code":"b"}]}}]}`},
	{"opd-1", `{"resourceType":"OperationDefinition","name":"X","status":"draft","kind":"operation","code":"x","system":true,"type":false,"instance":false,"parameter":[{"name":"x","use":"in","min":0,"max":"1"}]}`, "OperationDefinition.parameter[0]",
		`{"resourceType":"OperationDefinition","name":"X","status":"draft","kind":"operation","code":"x","system":true,"type":false,"instance":false,"parameter":[{"name":"x","use":"in","min":0,"max":"1","type":"string"}]}`},
	{"org-1", `{"resourceType":"Organization","active":true}`, "Organization", `{"resourceType":"Organization","name":"x"}`},
	{"org-2", `{"resourceType":"Organization","name":"x","address":[{"text":"x"},{"use":"home"}]}`, "Organization.address[1]", `{"resourceType":"Organization","name":"x","address":[{"use":"work"}]}`},
	{"org-3", `{"resourceType":"Organization","name":"x","telecom":[{"use":"home"}]}`, "Organization.telecom[0]", `{"resourceType":"Patient","telecom":[{"use":"home"}]}`},
	{"inv-1", `{"resourceType":"Parameters","parameter":[{"name":"a","valueString":"x","part":[{"name":"b","valueString":"x"}]}]}`, "Parameters.parameter[0]", `{"resourceType":"Parameters","parameter":[{"name":"a","part":[{"name":"b","valueString":"x"}]}]}`},
	{"inv-1", `{"resourceType":"Task","status":"draft","intent":"order","authoredOn":"2020-02-01","lastModified":"2020-01-01"}`, "Task", `{"resourceType":"Task","status":"draft","intent":"order","authoredOn":"2020-01-01","lastModified":"2020-02-01"}`},
	{"pat-1", `{"resourceType":"Patient","contact":[{"gender":"male"}]}`, "Patient.contact[0]", `{"resourceType":"Patient","contact":[{"name":{"text":"x"}}]}`},
	{"que-1", item(`"type":"group"`), "Questionnaire.item[0]", item(`"type":"group","item":[{"linkId":"2","type":"display"}]`)},
	{"que-2", item(`"type":"group","item":[{"linkId":"1","type":"display"}]`), "Questionnaire", item(`"type":"group","item":[{"linkId":"2","type":"display"}]`)},
	{"que-6", item(`"type":"display","required":true`), "Questionnaire.item[0]", item(`"type":"string","required":true`)},
	{"que-7", item(`"type":"string","enableWhen":[{"question":"2","operator":"exists","answerString":"x"}]`), "Questionnaire.item[0].enableWhen[0]", item(`"type":"string","enableWhen":[{"question":"2","operator":"exists","answerBoolean":true}]`)},
	{"que-10", item(`"type":"group","maxLength":1,"item":[{"linkId":"2","type":"display"}]`), "Questionnaire.item[0]", item(`"type":"string","maxLength":1`)},
	{"qrs-1", `{"resourceType":"QuestionnaireResponse","status":"completed","item":[{"linkId":"1","answer":[{"valueString":"x"}],"item":[{"linkId":"2"}]}]}`, "QuestionnaireResponse.item[0]",
		`{"resourceType":"QuestionnaireResponse","status":"completed","item":[{"linkId":"1","answer":[{"valueString":"x"}]}]}`},
	{"rqg-1", `{"resourceType":"RequestGroup","status":"draft","intent":"plan","action":[{"title":"x"}]}`, "RequestGroup.action[0]", `{"resourceType":"RequestGroup","status":"draft","intent":"plan","action":[{"resource":{"display":"x"}}]}`},
	{"ras-1", `{"resourceType":"RiskAssessment","status":"final","subject":{"display":"x"},"prediction":[{"probabilityRange":{"low":{"value":1,"code":"1","system":"http://unitsofmeasure.org"}}}]}`, "RiskAssessment.prediction[0].probability",
		`{"resourceType":"RiskAssessment","status":"final","subject":{"display":"x"},"prediction":[{"probabilityRange":{"low":{"value":1,"code":"%","system":"http://unitsofmeasure.org"}}}]}`},
	{"ras-2", `{"resourceType":"RiskAssessment","status":"final","subject":{"display":"x"},"prediction":[{"probabilityDecimal":101}]}`, "RiskAssessment.prediction[0]",
		`{"resourceType":"RiskAssessment","status":"final","subject":{"display":"x"},"prediction":[{"probabilityDecimal":1e2}]}`},
	{"spd-1", `{"resourceType":"SearchParameter","url":"http://x","name":"X","status":"draft","description":"x","code":"x","base":["Patient"],"type":"string","xpath":"x"}`, "SearchParameter",
		`{"resourceType":"SearchParameter","url":"http://x","name":"X","status":"draft","description":"x","code":"x","base":["Patient"],"type":"string","xpath":"x","xpathUsage":"normal"}`},
	{"prr-1", `{"resourceType":"ServiceRequest","status":"draft","intent":"order","subject":{"display":"x"},"orderDetail":[{"text":"x"}]}`, "ServiceRequest", `{"resourceType":"ServiceRequest","status":"draft","intent":"order","subject":{"display":"x"},"code":{"text":"x"},"orderDetail":[{"text":"x"}]}`},
	{"sdf-4", structure + `"kind":"logical","type":"http://example.org/s","differential":{"element":[{"id":"S","path":"S"}]}}`, "StructureDefinition", element(`"min":0`)},
	{"sdf-6", structure + `"kind":"logical","type":"http://example.org/s","baseDefinition":"http://example.org/b"}`, "StructureDefinition", element(`"min":0`)},
	{"sdf-17", structure + `"kind":"logical","type":"S","baseDefinition":"http://example.org/b","differential":{"element":[{"id":"S","path":"S"},{"id":"S","path":"S.a"}]}}`, "StructureDefinition", element(`"min":0`)},
	{"smp-1", `{"resourceType":"StructureMap","url":"http://x","name":"X","status":"draft","group":[{"name":"a","typeMode":"none","input":[{"name":"s","mode":"source"}],"rule":[{"name":"r","source":[{"context":"s"}],"target":[{"element":"e"}]}]}]}`, "StructureMap.group[0].rule[0].target[0]",
		`{"resourceType":"StructureMap","url":"http://x","name":"X","status":"draft","group":[{"name":"a","typeMode":"none","input":[{"name":"s","mode":"source"}],"rule":[{"name":"r","source":[{"context":"s"}],"target":[{"context":"s","contextType":"variable","element":"e"}]}]}]}`},
	{"tcp-3", terminology + `"kind":"instance","description":"x"}`, "TerminologyCapabilities", terminology + `"kind":"instance","implementation":{"description":"x"}}`},
	{"tst-1", script + `"setup":{"action":[{"id":"a","extension":[{"url":"urn:x","valueString":"x"}]}]}}`, "TestScript.setup.action[0]", script + `"setup":{"action":[{"operation":{"encodeRequestUrl":true,"url":"x"}}]}}`},
	{"tst-8", script + `"test":[{"action":[{"operation":{"encodeRequestUrl":true,"type":{"code":"read"}}}]}]}`, "TestScript.test[0].action[0].operation", script + `"test":[{"action":[{"operation":{"encodeRequestUrl":true,"url":"x"}}]}]}`},
	{"vsd-1", `{"resourceType":"ValueSet","status":"draft","compose":{"include":[{"version":"1"}]}}`, "ValueSet.compose.include[0]", `{"resourceType":"ValueSet","status":"draft","compose":{"include":[{"system":"urn:x"}]}}`},
	{"vsd-3", `{"resourceType":"ValueSet","status":"draft","compose":{"include":[{"system":"urn:x","concept":[{"code":"a"}],"filter":[{"property":"a","op":"=","value":"b"}]}]}}`, "ValueSet.compose.include[0]",
		`{"resourceType":"ValueSet","status":"draft","compose":{"include":[{"system":"urn:x","concept":[{"code":"a"}]}]}}`},
	{"vsd-0", `{"resourceType":"ValueSet","status":"draft","name":"no name"}`, "ValueSet", `{"resourceType":"ValueSet","status":"draft","name":"A_name"}`},
}

// invariantsElsewhere has rules of other versions that R4 has not, or otherwise.
var invariantsElsewhere = map[definitions.Version][]invariantTest{
	definitions.STU3: {
		{"dom-1", `{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"a","name":"x",` + narrative + `}],"managingOrganization":{"reference":"#a"}}`, "Patient",
			`{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"a","name":"x"}],"managingOrganization":{"reference":"#a"}}`},
		{"dom-3", `{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"a","name":"x"}]}`, "Patient.contained[0]", `{"resourceType":"Patient"}`},
		{"per-1", `{"resourceType":"Patient","name":[{"period":{"start":"2021","end":"2020"}}]}`, "Patient.name[0].period", `{"resourceType":"Patient","name":[{"period":{"start":"2020","end":"2021"}}]}`},
		{"mad-3", `{"resourceType":"MedicationAdministration","status":"completed","medicationCodeableConcept":{"text":"x"},"subject":{"display":"x"},"effectiveDateTime":"2020","notGiven":true,"reasonCode":[{"text":"x"}]}`, "MedicationAdministration",
			`{"resourceType":"MedicationAdministration","status":"completed","medicationCodeableConcept":{"text":"x"},"subject":{"display":"x"},"effectiveDateTime":"2020","notGiven":false,"reasonCode":[{"text":"x"}]}`},
		{"nsd-1", `{"resourceType":"NamingSystem","name":"X","status":"draft","kind":"root","date":"2020","uniqueId":[{"type":"uuid","value":"a"}]}`, "NamingSystem",
			`{"resourceType":"NamingSystem","name":"X","status":"draft","kind":"root","date":"2020","uniqueId":[{"type":"oid","value":"a"}]}`},
		{"con-4", `{"resourceType":"Condition","subject":{"display":"x"},"clinicalStatus":"active","abatementBoolean":true}`, "Condition", `{"resourceType":"Condition","subject":{"display":"x"},"clinicalStatus":"active","abatementBoolean":false}`},
		{"obs-7", `{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"urn:s","code":"a"}]},"valueString":"x","component":[{"code":{"coding":[{"system":"urn:s","code":"a"}]}}]}`, "Observation",
			`{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"urn:s","code":"a"}]},"valueString":"x","component":[{"code":{"coding":[{"system":"urn:s","code":"b"}]}}]}`},
	},
	definitions.R4B: {
		{"drt-1", of("Duration", `{"value":1}`), "Basic.extension[0].value", of("Duration", `{"value":1,"code":"s","system":"http://unitsofmeasure.org"}`)},
		{"inv-2", of("RatioRange", `{"lowNumerator":{"value":2},"highNumerator":{"value":1},"denominator":{"value":1}}`), "Basic.extension[0].value",
			of("RatioRange", `{"lowNumerator":{"value":1},"highNumerator":{"value":2},"denominator":{"value":1}}`)},
		{"cud-1", `{"resourceType":"ClinicalUseDefinition","type":"warning","warning":{"description":"x"},"indication":{"intendedEffect":{"concept":{"text":"x"}}}}`, "ClinicalUseDefinition",
			`{"resourceType":"ClinicalUseDefinition","type":"warning","warning":{"description":"x"}}`},
	},
	definitions.R5: {
		{"ref-2", `{"resourceType":"Patient","managingOrganization":{"type":"Organization"}}`, "Patient.managingOrganization", `{"resourceType":"Patient","managingOrganization":{"display":"x"}}`},
		{"cod-1", `{"resourceType":"Patient","maritalStatus":{"coding":[{"display":"x"}]}}`, "Patient.maritalStatus.coding[0]", `{"resourceType":"Patient","maritalStatus":{"coding":[{"code":"M","display":"x"}]}}`},
		{"cnl-1", `{"resourceType":"ValueSet","status":"draft","url":"http://x#y"}`, "ValueSet.url", `{"resourceType":"ValueSet","status":"draft","url":"http://x/y"}`},
		{"que-15", `{"resourceType":"Questionnaire","status":"draft","item":[{"linkId":"` + strings.Repeat("a", 256) + `","type":"string"}]}`, "Questionnaire.item[0].linkId",
			`{"resourceType":"Questionnaire","status":"draft","item":[{"linkId":"` + strings.Repeat("ä", 255) + `","type":"string"}]}`},
		{"bdl-3c", `{"resourceType":"Bundle","type":"batch","entry":[{"fullUrl":"urn:x","request":{"method":"GET","url":"Patient"},"resource":{"resourceType":"Patient"}}]}`, "Bundle",
			`{"resourceType":"Bundle","type":"batch","entry":[{"fullUrl":"urn:x","request":{"method":"POST","url":"Patient"},"resource":{"resourceType":"Patient"}}]}`},
		{"rng-2", of("Range", `{"low":{"value":3},"high":{"value":1}}`), "Basic.extension[0].value", of("Range", `{"low":{"value":1},"high":{"value":2}}`)},
		{"exs-1", `{"resourceType":"ExampleScenario","status":"draft","instance":[{"key":"a","title":"x","structureType":{"code":"other"}}]}`, "ExampleScenario.instance[0]",
			`{"resourceType":"ExampleScenario","status":"draft","instance":[{"key":"a","title":"x","structureType":{"code":"Patient"}}]}`},
	},
}

func TestInvariantsBrokenAndKept(t *testing.T) {
	tests := map[definitions.Version][]invariantTest{definitions.R4: invariantsR4}
	for v, list := range invariantsElsewhere {
		tests[v] = list
	}
	for v, list := range tests {
		va := newValidator(t, v)
		for _, test := range list {
			t.Run(v.String()+"/"+test.key, func(t *testing.T) {
				var want []string
				if test.at != "" {
					want = []string{test.at}
				}
				if got := broke(checkRules(t, va, test.broken), test.key); !slices.Equal(got, want) {
					t.Errorf("%s is broken at %q in %s, want %q; all: %v", test.key, got, test.broken, want, checkRules(t, va, test.broken))
				}
				issues := checkRules(t, va, test.kept)
				if got := broke(issues, test.key); got != nil || faults(issues) != nil {
					t.Errorf("%s is broken at %q in %s; all: %v", test.key, got, test.kept, issues)
				}
			})
		}
	}
}

// TestInvariantSeverity has rules that are warnings, and what the policy Warn makes of
// all.
func TestInvariantSeverity(t *testing.T) {
	va := newValidator(t, definitions.R4)
	const text = `{"resourceType":"ValueSet","status":"draft","name":"no name","compose":{"include":[{"version":"1"}]}}`
	document, err := fhirjson.Parse([]byte(text), fhirjson.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		options Options
		want    string
	}{
		{Options{}, ""},
		{Options{Rules: Warn}, "warning vsd-1, warning vsd-0"},
		{Options{Rules: Fail}, "error vsd-1, warning vsd-0"},
		{Options{Rules: Fail, Recommendations: true}, "error vsd-1, warning dom-6, warning vsd-0"},
	}
	for _, test := range tests {
		var got []string
		for _, issue := range va.Check(document.Root(), test.options) {
			key, _, _ := strings.Cut(strings.TrimPrefix(issue.Message, "The rule "), " ")
			got = append(got, string(issue.Severity)+" "+key)
		}
		slices.Sort(got)
		want := strings.Split(test.want, ", ")
		slices.Sort(want)
		if strings.Join(got, ", ") != strings.Join(want, ", ") {
			t.Errorf("%+v: %q, want %q", test.options, got, want)
		}
	}
}
