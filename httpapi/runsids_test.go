package httpapi

import (
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/definitions"
)

// idleErasers can be asked to erase ids.
type idleErasers struct {
	idleRuns
	erasing int
	by      commit.Caller
}

func (i *idleErasers) BeginErasingIDs(by commit.Caller) (Run, error) {
	i.by = by
	if _, active := i.Active(); active && i.erasing == 0 {
		return Run{}, domain.NewError(domain.Conflict, "one is active that leaves ids")
	}
	i.erasing++
	return i.Begin(by)
}

// TestCompactErasesIDs in each FHIR version: only if it is asked for.
func TestCompactErasesIDs(t *testing.T) {
	for _, version := range definitions.Versions() {
		t.Run(string(version), func(t *testing.T) {
			runs := &idleErasers{}
			sv, _ := newRunning(t, version, func(d *Dependencies, _ Runs) { d.Compactions = runs })
			with := func(value string) string {
				return `{"resourceType":"Parameters","parameter":[{"name":"other","valueString":"x"},{"name":"eraseIds",` + value + `}]}`
			}
			for _, value := range []string{`"valueString":"true"`, `"valueInteger":1`, `"part":[]`} {
				an := sv.do("POST /fhir/$compact", with(value)).want(400, "invalid")
				if !strings.Contains(an.Body.String(), "Parameters.parameter[1]") {
					t.Errorf("%s: the answer names no place: %s", value, an.Body)
				}
			}
			sv.do("POST /fhir/$compact", with(`"valueBoolean":false`)).want(201)
			if runs.erasing != 0 {
				t.Error("ids are erased though that was not asked for")
			}
			sv.do("POST /fhir/$compact", with(`"valueBoolean":true`)).want(409, "conflict")
			runs.last().State = RunCompleted
			sv.do("POST /fhir/$compact", "X-Reason: Art. 17", with(`"valueBoolean":true`)).want(201)
			if runs.by.Reason != "Art. 17" || runs.by.RequestID == "" {
				t.Errorf("it is asked for by %+v", runs.by)
			}
			runs.last().IDs = 5
			an := sv.do("GET /fhir/$compact").want(200)
			if runs.erasing != 1 || !strings.Contains(an.Body.String(), `"idsErased","valueDecimal":5`) {
				t.Errorf("asked %d times, and told %s", runs.erasing, an.Body)
			}
		})
	}
}
