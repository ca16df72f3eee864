package profile

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// shelf is a Library in memory.
type shelf struct {
	resources []fhirjson.Value
	state     int
	finds     atomic.Int64
	fail      error // of everything
	lost      error // of Find alone
}

func (s *shelf) State(context.Context) (string, error) { return fmt.Sprint(s.state), s.fail }

func (s *shelf) Find(_ context.Context, t domain.ResourceType, url, version string) (found fhirjson.Value, err error) {
	s.finds.Add(1)
	for _, v := range s.resources {
		if v.Get("resourceType").String() == string(t) && v.Get("url").String() == url && (version == "" || v.Get("version").String() == version) {
			found = v
		}
	}
	if s.lost != nil {
		return fhirjson.Value{}, s.lost
	}
	return found, s.fail
}

func (s *shelf) Profiles(context.Context) (all []Summary, err error) {
	for _, v := range s.resources {
		if one, ok := Summarize(v); ok {
			all = append(all, one)
		}
	}
	return all, s.fail
}

func (s *shelf) put(t testing.TB, text string) {
	t.Helper()
	s.resources = append(s.resources, parse(t, text))
	s.state++
}

func parse(t testing.TB, text string) fhirjson.Value {
	t.Helper()
	document, err := fhirjson.Parse([]byte(text), fhirjson.Limits{})
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return document.Root()
}

const here = "http://example.org/StructureDefinition/"

// constrain writes a profile with a differential: a name, a type, the name or the
// URL of its base, and elements as pairs of an id and members:
//
//	"Patient.identifier:mrn.system", `"min":1`
func constrain(name, typ, base string, elements ...string) string {
	return defined(name, typ, base, "differential", elements)
}

var slicesInID = regexp.MustCompile(`:[^.]*`)

// whole is constrain with a snapshot.
func whole(name, typ string, elements ...string) string {
	return defined(name, typ, typ, "snapshot", elements)
}

func defined(name, typ, base, form string, elements []string) string {
	if !strings.Contains(base, ":") {
		if base[0] >= 'a' {
			base = here + base
		} else {
			base = coreURL + base
		}
	}
	var list []string
	for i := 0; i < len(elements); i += 2 {
		head := `"id":"` + elements[i] + `","path":"` + slicesInID.ReplaceAllString(elements[i], "") + `"`
		if last := elements[i][strings.LastIndexByte(elements[i], '.')+1:]; strings.Contains(last, ":") {
			_, slice, _ := strings.Cut(last, ":")
			head += `,"sliceName":"` + slice + `"`
		}
		if elements[i+1] != "" {
			head += "," + elements[i+1]
		}
		list = append(list, "{"+head+"}")
	}
	return fmt.Sprintf(`{"resourceType":"StructureDefinition","url":%q,"version":"1","name":"T","kind":"resource","type":%q,"derivation":"constraint","baseDefinition":%q,%q:{"element":[%s]}}`,
		here+name, typ, base, form, strings.Join(list, ","))
}

// extensionOf writes the definition of an extension.
func extensionOf(name string, context string, elements ...string) string {
	text := constrain(name, "Extension", "Extension", elements...)
	return strings.Replace(text, `"kind":"resource"`, `"kind":"complex-type",`+context, 1)
}

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func newValidator(t testing.TB, version definitions.Version, definitionTexts ...string) (*Validator, *shelf) {
	t.Helper()
	d, err := definitions.Load(version)
	if err != nil {
		t.Fatal(err)
	}
	s := &shelf{}
	for _, text := range definitionTexts {
		s.put(t, text)
	}
	return New(d, s, func() time.Time { return noon }), s
}

// told writes issues one in a line.
func told(issues []domain.Issue) []string {
	var lines []string
	for _, i := range issues {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s: %s", i.Severity, i.Code, strings.Join(i.Expression, ","), i.Message)))
	}
	return lines
}

// expect checks what is found in a resource. Each want is what an issue begins
// with, and, behind *, what it has further on.
func expect(t *testing.T, va *Validator, resource string, profiles []string, want ...string) {
	t.Helper()
	issues, err := va.Validate(context.Background(), parse(t, resource), profiles)
	if err != nil {
		t.Fatalf("Validate(%s): %v", resource, err)
	}
	got := told(issues)
	ok := len(got) == len(want)
	for i := 0; ok && i < len(want); i++ {
		head, rest, _ := strings.Cut(want[i], "*")
		ok = strings.HasPrefix(got[i], head) && strings.Contains(got[i], rest)
	}
	if !ok {
		t.Errorf("Validate(%s, %v)\ngot:\n  %s\nwant:\n  %s", resource, profiles, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// instance is a resource and what is found in it.
type instance struct {
	resource string
	want     []string
}

// rulesCase is a profile with resources that conform or do not.
type rulesCase struct {
	name        string
	definitions []string // the first is the profile, by the name p
	instances   []instance
}

func runCases(t *testing.T, version definitions.Version, cases []rulesCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			va, _ := newValidator(t, version, c.definitions...)
			for _, i := range c.instances {
				expect(t, va, i.resource, []string{here + "p"}, i.want...)
			}
		})
	}
}

// patient and observation make resources.
func patient(members string) string     { return resourceOf("Patient", members) }
func observation(members string) string { return resourceOf("Observation", members) }

func resourceOf(typ, members string) string {
	if members != "" {
		members = "," + members
	}
	return `{"resourceType":"` + typ + `"` + members + `}`
}

func some(want ...string) []string { return want }
