package search

import (
	"strings"
	"testing"
	"time"
)

func TestKeys(t *testing.T) {
	names := r4Set(t).SlotNames()
	tests := []struct{ search, want string }{
		{"Patient?identifier=s|v", "Patient.identifier=v·3s· Patient.identifier=v·4s·"},
		{"Patient?identifier=s|v&name=x&birthdate=2020&gender:not=male", "Patient.identifier=v·3s· Patient.identifier=v·4s·"},
		{"Patient?identifier=s|v,s|w&name:exact=x", "Patient.name=x··"},
		{"Patient?_tag=s|v", "_tag=v·3s· _tag=v·4s·"},
		{"Patient?_filter=identifier eq s|a or name eq b", "none"},
		{"Patient?_filter=identifier eq s|a and name eq b", "Patient.identifier=a·3s· Patient.identifier=a·4s·"},
		{"?_type=Patient,Person&identifier=s|v", "Patient.identifier=v·3s· Patient.identifier=v·4s· Person.identifier=v·3s· Person.identifier=v·4s·"},
		{"?_type=Patient,Person&_profile=http://x|1", "_profile=http://x·1· _profile=http://x·1·"},
		{"Observation?code-value-concept=s|c$t|d", "Observation.code-value-concept=c·3s·d·3t· Observation.code-value-concept=c·3s·d·4t· Observation.code-value-concept=c·4s·d·3t· Observation.code-value-concept=c·4s·d·4t·"},
		{"Patient?identifier=v", "none"}, // whatever its system: keys that begin so
		{"Patient?identifier=s|", "none"},
		{"Patient?name=x", "none"},
		{"Patient?birthdate=2020", "none"},
		{"Patient?_id=1", "none"},
		{"Patient?gender:not=male", "none"},
		{"Patient?_tag:not=s|v", "_type=Patient·"},
		{"Patient?", "none"},
		{"Observation?patient.identifier=s|v", "none"},
		{"?_type=Foo", "none"},
	}
	for _, test := range tests {
		keys, whole := mustParse(t, test.search).Keys()
		got := "none"
		if whole {
			var lines []string
			for _, key := range keys {
				lines = append(lines, ExplainNamed(Match{Key: key, Whole: true}, names))
			}
			got = strings.Join(lines, " ")
		}
		if got != test.want {
			t.Errorf("%s is watched by %s, want %s", test.search, got, test.want)
		}
	}
}

func TestJoins(t *testing.T) {
	for search, want := range map[string]bool{
		"Patient?identifier=s|v&birthdate=2020":                false,
		"Observation?patient.name=x":                           true,
		"Patient?_has:Observation:patient:code=x":              true,
		"Patient?_list=1":                                      true,
		"Patient?_not-referenced=*:*":                          true,
		"Observation?_filter=not (subject.name eq x)":          true,
		"Patient?_filter=not (name eq x or birthdate pr true)": false,
	} {
		if got := mustParse(t, search).Joins(); got != want {
			t.Errorf("%s joins: %v", search, got)
		}
	}
}

// TestIdentity: queries with the same matches in the same order share it, and
// no others.
func TestIdentity(t *testing.T) {
	base := mustParse(t, "Observation?code=s|c&_sort=date").Identity
	if len(base) != 32 {
		t.Fatalf("the identity has %d bytes", len(base))
	}
	for search, same := range map[string]bool{
		"Observation?code=s|c&_sort=date&_count=5&ct=x":                true,
		"Observation?code=s|c&_sort=date&_include=Observation:subject": true,
		"Observation?code=s|c&_sort=date&foo=1":                        true,
		"Observation?code=s|c&_sort=-date":                             false,
		"Observation?code=s|c":                                         false,
		"Observation?code=s|d&_sort=date":                              false,
		"Observation?code=s|c&_sort=date&status=x":                     false,
		"Patient/1/Observation?code=s|c&_sort=date":                    false,
		"Patient/2/Observation?code=s|c&_sort=date":                    false,
		"?_type=Observation&code=s|c&_sort=date":                       true,
		"?_type=Observation,Condition&code=s|c":                        false,
	} {
		if got := mustParse(t, search).Identity == base; got != same {
			t.Errorf("%s has the same identity: %v", search, got)
		}
	}
	values := map[string]bool{}
	for _, search := range []string{"Observation?date=2020", "Observation?date=2021", "Observation?date=lt2020", "Observation?value-quantity=5", "Observation?value-quantity=5.0", "Observation?_id=1", "Observation?_id:not=1"} {
		identity := mustParse(t, search).Identity
		if values[identity] {
			t.Errorf("%s shares its identity with another search", search)
		}
		values[identity] = true
	}
	for search, changes := range map[string]bool{"Observation?date=ap2020": true, "Patient?_has:Observation:patient:date=ap2020": true, "Observation?_filter=date ap 2020": true, "Observation?code-value-date=a$ap2020": true, "Observation?date=2020": false} {
		ask := askFor(t, search)
		first := mustParse(t, search).Identity
		ask.Now = ask.Now.Add(time.Hour)
		later, err := parseAsk(t, ask)
		if err != nil || (later.Identity != first) != changes {
			t.Errorf("%s an hour later has another identity: %v (%v)", search, later.Identity != first, err)
		}
	}
}

// TestParsed: the criteria of FHIR stand beside their compiled form.
func TestParsed(t *testing.T) {
	q := mustParse(t, `?_type=Patient,Person&name:exact=a\,b,c&_lastUpdated=gt2020`)
	if len(q.Parsed) != 2 || len(q.Parsed[1].Criteria) != 2 || q.Parsed[1].Type != "Person" {
		t.Fatalf("got %+v", q.Parsed)
	}
	name, updated := q.Parsed[1].Criteria[0], q.Parsed[1].Criteria[1]
	if name.Code != "name" || name.Name != "name:exact" || name.Modifier != Exact || name.Parameter.Resource != "Person" || len(name.Operands) != 2 || name.Operands[0].Text != "a,b" || name.Operands[1].Text != "c" {
		t.Errorf("name is %+v", name)
	}
	if updated.Parameter != nil || updated.Operands[0].Prefix != Greater || updated.Operands[0].Text != "2020" {
		t.Errorf("_lastUpdated is %+v", updated)
	}
}
