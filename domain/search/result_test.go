package search

import (
	"fmt"
	"strings"
	"testing"

	"fhirlog/domain"
)

func TestResultParameters(t *testing.T) {
	q := mustParse(t, "Patient?_count=20&name=x&_total=accurate&_summary=text&_asOf=2024-01-01&_explain=true&ct=abc&_format=json&_pretty=true&_contained=false")
	if q.Count != 20 || q.Total != TotalAccurate || q.AsOf != "2024-01-01" || !q.Explain || q.Token != "abc" || q.Criteria != 1 {
		t.Errorf("got %+v", q)
	}
	if got := written(q.Applied); got != "_count=20&name=x&_total=accurate&_summary=text&_asOf=2024-01-01&_explain=true&ct=abc&_contained=false" {
		t.Errorf("applied %s", got)
	}
	if q := mustParse(t, "Patient?"); q.Count != -1 || q.Total != TotalDefault || q.IncludesCount != 0 || q.Explain {
		t.Errorf("without parameters: %+v", q)
	}
	for text, want := range map[string]TotalMode{"none": TotalNone, "estimate": TotalEstimate} {
		if got := mustParse(t, "Patient?_total="+text).Total; got != want {
			t.Errorf("_total=%s is %d", text, got)
		}
	}
}

func TestCounts(t *testing.T) {
	tests := []struct {
		search           string
		count, includes  int
		severity, within string // of the warning
	}{
		{"Patient?_count=0", 0, 0, "", ""},
		{"Patient?_count=1000&_includesCount=1000", 1000, 1000, "", ""},
		{"Patient?_count=1001", 1000, 0, "warning", "exceeds limit of 1000"},
		{"Patient?_includesCount=5000", -1, 1000, "information", "exceeds limit of 1000"},
	}
	for _, test := range tests {
		q := mustParse(t, test.search)
		warnings := fmt.Sprint(q.Warnings)
		if q.Count != test.count || q.IncludesCount != test.includes || !strings.Contains(warnings, test.within) || len(q.Warnings) > 0 != (test.severity != "") {
			t.Errorf("%s: count %d, includes %d, warnings %s", test.search, q.Count, q.IncludesCount, warnings)
		}
		if test.severity != "" && (string(q.Warnings[0].Severity) != test.severity || strings.Contains(written(q.Applied), "001")) {
			t.Errorf("%s: severity %s, applied %s", test.search, q.Warnings[0].Severity, written(q.Applied))
		}
	}
	ask := askFor(t, "Patient?_count=50&_includesCount=60")
	ask.MostCount, ask.MostIncludes = 40, 30
	if q, err := parseAsk(t, ask); err != nil || q.Count != 40 || q.IncludesCount != 30 {
		t.Errorf("with other caps: %+v, %v", q, err)
	}
}

func TestSort(t *testing.T) {
	slot := func(typ domain.ResourceType, code string) Slot { return r4Set(t).Find(typ, code).Slot }
	tests := []struct {
		search string
		want   []SortKey
	}{
		{"Patient?_sort=-birthdate,name, _id", []SortKey{
			{Code: "birthdate", Descending: true, By: SortColumn, Slots: []Slot{slot("Patient", "birthdate")}},
			{Code: "name", By: SortPostings, Slots: []Slot{slot("Patient", "name")}},
			{Code: "_id", By: SortID},
		}},
		{"?_type=Patient,Group&_sort=_type,-_lastUpdated,name", []SortKey{
			{Code: "_type", By: SortType},
			{Code: "_lastUpdated", Descending: true, By: SortLastUpdated},
			{Code: "name", By: SortPostings, Slots: []Slot{slot("Patient", "name"), 0}},
		}},
		{"?_sort=_tag", []SortKey{{Code: "_tag", By: SortPostings, Slots: []Slot{slot("Patient", "_tag")}}}},
		{"Observation?_sort=value-quantity", []SortKey{{Code: "value-quantity", By: SortColumn, Slots: []Slot{slot("Observation", "value-quantity")}}}},
	}
	for _, test := range tests {
		if got := mustParse(t, test.search).Sort; fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("%s sorts by %v, want %v", test.search, got, test.want)
		}
	}
}

func TestInclude(t *testing.T) {
	tests := []struct{ search, want string }{
		{"Patient?_include=Patient:organization", "include Patient.organization"},
		{"Patient?_include=Patient:organization:Organization", "include Patient.organization:Organization"},
		{"Patient?_include:iterate=Patient:organization&_include:recurse=Organization:partof", "include* Patient.organization, include* Organization.partof"},
		{"Observation?_include=Observation:patient", "include Observation.patient:Patient"},
		{"Observation?_include=Observation:subject:Group", "include Observation.subject:Group"},
		{"Patient?_include=Patient:*", "include Patient.general-practitioner Patient.link Patient.organization"},
		{"Patient?_include=*", "include Patient.general-practitioner Patient.link Patient.organization"},
		{"Patient?_include=*:*:Organization", "include Patient.general-practitioner:Organization Patient.organization:Organization"},
		{"Patient?_revinclude=Observation:subject", "revinclude Observation.subject"},
		{"Patient?_revinclude:iterate=Observation:patient", "revinclude* Observation.patient:Patient"},
		{"Patient?_revinclude:iterate=Provenance:target:Patient", "revinclude* Provenance.target:Patient"},
		{"Organization?_revinclude:iterate=Patient:*", "revinclude Patient.general-practitioner Patient.link Patient.organization"},
	}
	for _, test := range tests {
		q := mustParse(t, test.search)
		var lines []string
		for _, list := range []struct {
			word     string
			includes []Include
		}{{"include", q.Include}, {"revinclude", q.RevInclude}} {
			for _, include := range list.includes {
				lines = append(lines, list.word+describeInclude(include))
			}
		}
		if got := strings.Join(lines, ", "); got != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.search, got, test.want)
		}
	}
}

func describeInclude(of Include) string {
	var b strings.Builder
	if of.Iterate {
		b.WriteByte('*')
	}
	for _, r := range of.References {
		fmt.Fprintf(&b, " %s.%s", r.Source, r.Code)
		if r.Reference.Target != "" {
			fmt.Fprintf(&b, ":%s", r.Reference.Target)
		}
	}
	return b.String()
}

// TestRevIncludeEverything: only what can refer to the types searched is
// followed.
func TestRevIncludeEverything(t *testing.T) {
	q := mustParse(t, "Medication?_revinclude=*:*")
	found := map[string]bool{}
	for _, r := range q.RevInclude[0].References {
		found[string(r.Source)+"."+r.Code] = true
	}
	for name, want := range map[string]bool{"MedicationRequest.medication": true, "Provenance.target": true, "Observation.encounter": false, "Patient.organization": false} {
		if found[name] != want {
			t.Errorf("%s is followed: %v", name, found[name])
		}
	}
}
