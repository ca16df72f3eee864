package httpapi

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// shelfFake has the profiles of one type.
type shelfFake struct {
	state    string
	profiles []string
	fail     error
}

func (s *shelfFake) Validate(context.Context, fhirjson.Value, []string) ([]domain.Issue, error) {
	return nil, s.fail
}

func (s *shelfFake) Supported(_ context.Context, t domain.ResourceType) ([]string, error) {
	if t != "Patient" {
		return nil, s.fail
	}
	return s.profiles, s.fail
}

func (s *shelfFake) State(context.Context) (string, error) { return s.state, s.fail }

func TestProfileCheck(t *testing.T) {
	const header = "X-Ms-Profile-Validation: "
	jsonPatch := []string{"Content-Type: application/json-patch+json", `[{"op":"add","path":"/active","value":true}]`}
	put := []string{patient("a", `"active":false`)}
	for name, c := range map[string]struct {
		line    string
		headers []string
		options ProfileValidation
		want    commit.ProfileCheck
	}{
		"by default":                  {"PUT /fhir/Patient/a", put, ProfileValidation{}, commit.NoProfiles},
		"asked for":                   {"PUT /fhir/Patient/a", append(put, header+"true"), ProfileValidation{}, commit.LenientProfiles},
		"asked for in another case":   {"PUT /fhir/Patient/a", append(put, header+"TRUE"), ProfileValidation{}, commit.LenientProfiles},
		"strictly":                    {"PUT /fhir/Patient/a", append(put, header+"true", "Prefer: handling=strict"), ProfileValidation{}, commit.StrictProfiles},
		"refused":                     {"PUT /fhir/Patient/a", append(put, header+"false"), ProfileValidation{Update: true}, commit.NoProfiles},
		"switched on for updates":     {"PUT /fhir/Patient/a", put, ProfileValidation{Update: true}, commit.LenientProfiles},
		"switched on for creates":     {"PUT /fhir/Patient/a", put, ProfileValidation{Create: true}, commit.NoProfiles},
		"a create":                    {"POST /fhir/Patient", []string{patient("a", "")}, ProfileValidation{Create: true}, commit.LenientProfiles},
		"a create without":            {"POST /fhir/Patient", []string{patient("a", "")}, ProfileValidation{Update: true}, commit.NoProfiles},
		"a conditional update":        {"PUT /fhir/Patient?_id=a", put, ProfileValidation{Update: true}, commit.LenientProfiles},
		"a patch":                     {"PATCH /fhir/Patient/a", jsonPatch, ProfileValidation{Update: true}, commit.LenientProfiles},
		"a patch that asks for it":    {"PATCH /fhir/Patient/a", append(jsonPatch, header+"true"), ProfileValidation{}, commit.LenientProfiles},
		"a transaction":               {"POST /fhir", []string{`{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"PUT","url":"Patient/a"},"resource":` + put[0] + `}]}`, header + "true"}, ProfileValidation{}, commit.LenientProfiles},
		"a batch":                     {"POST /fhir", []string{`{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"PUT","url":"Patient/a"},"resource":` + put[0] + `}]}`, header + "true"}, ProfileValidation{}, commit.LenientProfiles},
		"a batch where it is default": {"POST /fhir", []string{`{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"POST","url":"Patient"},"resource":` + put[0] + `}]}`}, ProfileValidation{Create: true}, commit.LenientProfiles},
		"a deletion":                  {"DELETE /fhir/Patient/a", []string{header + "true"}, ProfileValidation{Update: true}, commit.LenientProfiles},
	} {
		t.Run(name, func(t *testing.T) {
			sv := newService(t, Options{})
			sv.do("PUT /fhir/Patient/a", patient("a", "")).want(http.StatusCreated)
			sv.s.options.ProfileValidation = c.options
			sv.do(c.line, c.headers...)
			if len(sv.model.commands) != 1 || sv.model.commands[0].Profiles != c.want {
				t.Errorf("the commands are %+v, want one with Profiles %d", sv.model.commands, c.want)
			}
		})
	}
	sv := newService(t, Options{})
	for _, value := range []string{"", "yes", "1", "true, false"} {
		sv.do("PUT /fhir/Patient/a", append(put, header+value)...).want(http.StatusBadRequest, "invalid")
	}
}

func TestSupportedProfiles(t *testing.T) {
	find := func(a *answer, typ string) any {
		list, _ := a.at("rest", 0, "resource").([]any)
		for _, item := range list {
			if r, _ := item.(map[string]any); r["type"] == typ {
				return r["supportedProfile"]
			}
		}
		t.Fatalf("no type %s in /metadata", typ)
		return nil
	}
	for _, version := range definitions.Versions() {
		t.Run(version.String(), func(t *testing.T) {
			sv := newServiceOf(t, version, Options{})
			shelf := &shelfFake{state: "1", profiles: []string{"http://a.example/p"}}
			sv.s.profiles = shelf
			a := sv.do("GET /fhir/metadata").want(http.StatusOK)
			got, typed := a.at("profile", 0, "reference"), find(a, "Patient")
			if version != definitions.STU3 {
				list, _ := typed.([]any)
				if len(list) == 1 {
					got, typed = list[0], a.at("profile")
				}
			}
			if got != "http://a.example/p" || typed != nil || find(a, "Group") != nil {
				t.Errorf("got %v, %v: %s", got, typed, a.Body)
			}
			shelf.profiles = nil // without another state nobody looks again
			if sv.do("GET /fhir/metadata").Body.String() != a.Body.String() {
				t.Error("the statement was made anew")
			}
			shelf.state = "2"
			if b := sv.do("GET /fhir/metadata").want(http.StatusOK); find(b, "Patient") != nil || b.at("profile") != nil {
				t.Errorf("the profile is still there: %s", b.Body)
			}
			shelf.fail = errors.New("the disk is gone")
			sv.do("GET /fhir/metadata").want(http.StatusInternalServerError)
		})
	}
}
