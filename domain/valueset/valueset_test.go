package valueset

import (
	"fmt"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// shelf is a Source in memory.
type shelf struct {
	resources []fhirjson.Value
	standard  *definitions.Definitions
	fail      error
}

func (s *shelf) find(t, url, version string) (found fhirjson.Value, err error) {
	for _, v := range s.resources {
		if v.Get("resourceType").String() == t && v.Get("url").String() == url && (version == "" || v.Get("version").String() == version) {
			found = v
		}
	}
	return found, s.fail
}

func (s *shelf) ValueSet(url, version string) (fhirjson.Value, error) {
	return s.find("ValueSet", url, version)
}

func (s *shelf) CodeSystem(url, version string) (fhirjson.Value, error) {
	return s.find("CodeSystem", url, version)
}

func (s *shelf) Listed(url string) *definitions.Codes { return s.standard.ValueSet(url) }

func newShelf(t testing.TB, texts ...string) *shelf {
	t.Helper()
	d, err := definitions.Load(definitions.R4)
	if err != nil {
		t.Fatal(err)
	}
	s := &shelf{standard: d}
	for _, text := range texts {
		document, err := fhirjson.Parse([]byte(text), fhirjson.Limits{})
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		s.resources = append(s.resources, document.Root())
	}
	return s
}

func set(name, members string) string {
	return `{"resourceType":"ValueSet","url":"urn:vs:` + name + `",` + members + `}`
}

func compose(include string, exclude ...string) string {
	text := `"compose":{"include":[` + include + `]`
	if len(exclude) > 0 {
		text += `,"exclude":[` + strings.Join(exclude, ",") + `]`
	}
	return text + `}`
}

// animals is a code system with a hierarchy and properties.
const animals = `{"resourceType":"CodeSystem","url":"urn:animals","version":"1","content":"complete","concept":[
	{"code":"mammal","concept":[{"code":"dog","property":[{"code":"legs","valueInteger":4}]},{"code":"whale","property":[{"code":"legs","valueInteger":0},{"code":"wet","valueBoolean":true}]}]},
	{"code":"bird","concept":[{"code":"duck","property":[{"code":"legs","valueInteger":2},{"code":"kind","valueCoding":{"code":"wet"}}]}]},
	{"code":"puppy","display":"Puppy","property":[{"code":"subsumedBy","valueCode":"dog"}]}]}`

func TestContains(t *testing.T) {
	a := `{"system":"urn:a","concept":[{"code":"1"},{"code":"2"}]}`
	filtered := func(property, op, value string) string {
		return set("x", compose(`{"system":"urn:animals","filter":[{"property":"`+property+`","op":"`+op+`","value":"`+value+`"}]}`))
	}
	for name, c := range map[string]struct {
		definitions []string // the value set that is asked is urn:vs:x
		inside      string   // codes as system|code, separated by spaces
		outside     string
		unknown     string
		reason      string
	}{
		"enumerated":                      {[]string{set("x", compose(a))}, "urn:a|1 urn:a|2", "urn:a|3 urn:b|1 |1", "", ""},
		"excluded":                        {[]string{set("x", compose(a, `{"system":"urn:a","concept":[{"code":"2"}]}`))}, "urn:a|1", "urn:a|2", "", ""},
		"two systems":                     {[]string{set("x", compose(a+`,{"system":"urn:b","concept":[{"code":"3"}]}`))}, "urn:a|1 urn:b|3", "urn:b|1 urn:a|3", "", ""},
		"a whole system":                  {[]string{set("x", compose(`{"system":"urn:animals"}`)), animals}, "urn:animals|dog urn:animals|bird urn:animals|puppy", "urn:animals|DOG urn:animals|cat urn:a|dog", "", ""},
		"case":                            {[]string{set("x", compose(`{"system":"urn:animals"}`)), strings.Replace(animals, `"content"`, `"caseSensitive":false,"content"`, 1)}, "urn:animals|DOG", "urn:animals|cat", "", ""},
		"a fragment":                      {[]string{set("x", compose(`{"system":"urn:animals"}`)), strings.Replace(animals, "complete", "fragment", 1)}, "urn:animals|dog", "urn:a|dog", "urn:animals|cat", "only a part of the code system urn:animals is known here."},
		"an unknown system":               {[]string{set("x", compose(a+`,{"system":"urn:b"}`))}, "urn:a|1", "urn:a|3 urn:c|1", "urn:b|1", "the code system urn:b is not known here."},
		"excluding unknown":               {[]string{set("x", compose(a, `{"system":"urn:a","filter":[{"property":"concept","op":"is-a","value":"1"}]}`))}, "", "urn:a|3", "urn:a|1 urn:a|2", "the code system urn:a is not known here."},
		"is-a":                            {[]string{filtered("concept", "is-a", "mammal"), animals}, "urn:animals|mammal urn:animals|dog urn:animals|puppy", "urn:animals|bird urn:animals|duck urn:animals|cat", "", ""},
		"descendent-of":                   {[]string{filtered("concept", "descendent-of", "dog"), animals}, "urn:animals|puppy", "urn:animals|dog urn:animals|whale", "", ""},
		"is-not-a":                        {[]string{filtered("concept", "is-not-a", "mammal"), animals}, "urn:animals|bird urn:animals|duck", "urn:animals|mammal urn:animals|puppy", "", ""},
		"a property":                      {[]string{filtered("legs", "=", "4"), animals}, "urn:animals|dog", "urn:animals|duck urn:animals|mammal", "", ""},
		"a boolean property":              {[]string{filtered("wet", "=", "true"), animals}, "urn:animals|whale", "urn:animals|duck", "", ""},
		"a coded property":                {[]string{filtered("kind", "=", "wet"), animals}, "urn:animals|duck", "urn:animals|whale", "", ""},
		"in":                              {[]string{filtered("concept", "in", "dog, duck"), animals}, "urn:animals|dog urn:animals|duck", "urn:animals|whale", "", ""},
		"not in":                          {[]string{filtered("legs", "not-in", "0,2"), animals}, "urn:animals|dog urn:animals|bird", "urn:animals|whale", "", ""},
		"exists":                          {[]string{filtered("legs", "exists", "true"), animals}, "urn:animals|dog urn:animals|whale", "urn:animals|bird", "", ""},
		"exists not":                      {[]string{filtered("legs", "exists", "false"), animals}, "urn:animals|bird", "urn:animals|dog", "", ""},
		"regex":                           {[]string{filtered("concept", "regex", "d.*"), animals}, "urn:animals|dog urn:animals|duck", "urn:animals|bird", "", ""},
		"regex on display":                {[]string{filtered("display", "regex", "Pup+y"), animals}, "urn:animals|puppy", "urn:animals|dog", "", ""},
		"a broken regex":                  {[]string{filtered("concept", "regex", "(("), animals}, "", "urn:a|dog", "urn:animals|dog", "the filter concept regex is not evaluated here."},
		"an unknown filter":               {[]string{filtered("concept", "generalizes", "dog"), animals}, "", "", "urn:animals|dog", "the filter concept generalizes is not evaluated here."},
		"another value set":               {[]string{set("x", compose(`{"valueSet":["urn:vs:y"]}`)), set("y", compose(a))}, "urn:a|1", "urn:a|3", "", ""},
		"a version of it":                 {[]string{set("x", compose(`{"valueSet":["urn:vs:y|1"]}`)), set("y", `"version":"1",`+compose(a)), set("y", `"version":"2",`+compose(`{"system":"urn:b","concept":[{"code":"9"}]}`))}, "urn:a|1", "urn:b|9", "", ""},
		"what is in both":                 {[]string{set("x", compose(`{"valueSet":["urn:vs:y","urn:vs:z"]}`)), set("y", compose(a)), set("z", compose(`{"system":"urn:a","concept":[{"code":"2"},{"code":"3"}]}`))}, "urn:a|2", "urn:a|1 urn:a|3", "", ""},
		"a system of a set":               {[]string{set("x", compose(`{"system":"urn:animals","valueSet":["urn:vs:y"]}`)), animals, set("y", compose(`{"system":"urn:animals","concept":[{"code":"dog"},{"code":"cat"}]}`))}, "urn:animals|dog", "urn:animals|cat urn:animals|duck", "", ""},
		"an unknown value set":            {[]string{set("x", compose(a+`,{"valueSet":["urn:vs:y"]}`))}, "urn:a|1", "", "urn:a|3", "the value set urn:vs:y is not known here."},
		"of the specification":            {[]string{set("x", compose(`{"valueSet":["http://hl7.org/fhir/ValueSet/administrative-gender"]}`))}, "http://hl7.org/fhir/administrative-gender|male", "http://hl7.org/fhir/administrative-gender|M", "", ""},
		"an expansion":                    {[]string{set("x", `"expansion":{"contains":[{"system":"urn:a","abstract":true,"code":"0","contains":[{"system":"urn:a","code":"1"}]},{"system":"urn:b","code":"2"}]}`)}, "urn:a|1 urn:b|2", "urn:a|0 urn:a|2", "", ""},
		"a part of one":                   {[]string{set("x", `"expansion":{"total":100,"contains":[{"system":"urn:a","code":"1"}]}`)}, "urn:a|1", "", "urn:a|2 urn:b|1", "its expansion is only a part of it."},
		"more than the composition tells": {[]string{set("x", compose(`{"system":"urn:large"}`)+`,"expansion":{"contains":[{"system":"urn:large","code":"1"}]}`)}, "urn:large|1", "urn:large|2", "", ""},
		"less than the composition tells": {[]string{set("x", compose(a)+`,"expansion":{"contains":[{"system":"urn:a","code":"9"}]}`)}, "urn:a|1", "urn:a|9", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Compile("urn:vs:x", newShelf(t, c.definitions...))
			if err != nil {
				t.Fatal(err)
			}
			for want, codes := range map[Answer]string{Inside: c.inside, Outside: c.outside, Unknown: c.unknown} {
				for _, text := range strings.Fields(codes) {
					system, code, _ := strings.Cut(text, "|")
					got, reason := s.Contains(system, code)
					if got != want || (got == Unknown) != (reason != "") || want == Unknown && reason != c.reason {
						t.Errorf("Contains(%s) = %d, %q, want %d, %q", text, got, reason, want, c.reason)
					}
				}
			}
		})
	}
}

func TestContainsCode(t *testing.T) {
	s, err := Compile("urn:vs:x", newShelf(t, set("x", compose(`{"system":"urn:a","concept":[{"code":"1"},{"code":"3"}]},{"valueSet":["http://hl7.org/fhir/ValueSet/administrative-gender"]}`,
		`{"system":"urn:a","concept":[{"code":"3"}]},{"system":"urn:b","concept":[{"code":"1"}]}`))))
	if err != nil {
		t.Fatal(err)
	}
	for code, want := range map[string]Answer{"1": Inside, "male": Inside, "2": Outside, "3": Outside} {
		if got, _ := s.ContainsCode(code); got != want {
			t.Errorf("ContainsCode(%s) = %d, want %d", code, got, want)
		}
	}
}

func TestList(t *testing.T) {
	a := `{"system":"urn:a","concept":[{"code":"3"},{"code":"1"}]}`
	for _, c := range []struct{ name, include, exclude, want string }{
		{"in order", a, "", "1 3 of urn:a"},
		{"of two systems", a + `,{"system":"urn:b","concept":[{"code":"2"},{"code":"1"}]}`, "", "1 2 3 of urn:a urn:b"},
		{"without what is excluded", a, `{"system":"urn:a","concept":[{"code":"3"}]}`, "1 of urn:a"},
		{"a set of the specification", `{"valueSet":["http://hl7.org/fhir/ValueSet/administrative-gender"]}`, "", ""},
		{"not known to the end", a + `,{"system":"urn:large"}`, "", ""},
		{"too many", a + `,{"system":"urn:b","concept":[{"code":"1"},{"code":"2"},{"code":"3"}]}`, "", ""},
		{"none left", a, a, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := compose(c.include)
			if c.exclude != "" {
				text = compose(c.include, c.exclude)
			}
			s, err := Compile("urn:vs:x", newShelf(t, set("x", text)))
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if codes, systems, ok := s.List(4); ok {
				got = strings.Join(codes, " ") + " of " + strings.Join(systems, " ")
			}
			if got != c.want {
				t.Errorf("List(4) = %q, want %q", got, c.want)
			}
		})
	}
	s, err := Compile("http://hl7.org/fhir/ValueSet/administrative-gender", newShelf(t))
	if err != nil {
		t.Fatal(err)
	}
	if codes, _, ok := s.List(4); !ok || strings.Join(codes, " ") != "female male other unknown" {
		t.Errorf("List(4) = %v, %t", codes, ok)
	}
}

func TestCompile(t *testing.T) {
	deep := strings.Repeat(`{"code":"a","concept":[`, deepestConcept+2) + strings.Repeat("]}", deepestConcept+2)
	var chain, fan []string
	for i := range deepestSets + 2 {
		chain = append(chain, set(fmt.Sprint("c", i), compose(fmt.Sprintf(`{"valueSet":["urn:vs:c%d"]}`, i+1))))
	}
	for i := range 20 { // each twice the next: a million parts
		fan = append(fan, set(fmt.Sprint("f", i), compose(fmt.Sprintf(`{"valueSet":["urn:vs:f%d"]},{"valueSet":["urn:vs:f%[1]d"]}`, i+1))))
	}
	for name, c := range map[string]struct {
		url         string
		definitions []string
		want        string
	}{
		"itself":             {"urn:vs:x", []string{set("x", compose(`{"valueSet":["urn:vs:x"]}`))}, "the value set urn:vs:x cannot be used: it includes itself."},
		"a circle":           {"urn:vs:x", []string{set("x", compose(`{"valueSet":["urn:vs:y"]}`)), set("y", compose(`{"valueSet":["urn:vs:x|1"]}`))}, "the value set urn:vs:x cannot be used: it includes itself."},
		"a long chain":       {"urn:vs:c0", chain, "it includes others more than 32 deep."},
		"a wide fan":         {"urn:vs:f0", fan, "it has more than 5000 parts."},
		"neither nor":        {"urn:vs:x", []string{set("x", compose(`{}`))}, "a part of it names neither a system nor value sets."},
		"nothing":            {"urn:vs:x", []string{set("x", `"status":"draft"`)}, "it says neither of what it is composed nor what it expands to."},
		"a deep code system": {"urn:vs:x", []string{set("x", compose(`{"system":"urn:s"}`)), `{"resourceType":"CodeSystem","url":"urn:s","concept":[` + deep + `]}`}, "a code system of it is nested too deeply."},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Compile(c.url, newShelf(t, c.definitions...))
			if s != nil || domain.KindOf(err) != domain.Invalid || !strings.HasSuffix(err.Error(), c.want) {
				t.Errorf("got %v, %v, want an error that ends in %q", s, err, c.want)
			}
		})
	}
	if s, err := Compile("urn:vs:none", newShelf(t)); s != nil || err != nil {
		t.Errorf("a value set that is not there: %v, %v", s, err)
	}
	s, err := Compile("http://hl7.org/fhir/ValueSet/administrative-gender", newShelf(t))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := s.ContainsCode("male"); got != Inside {
		t.Errorf("male is no gender of the specification")
	}
	failing := newShelf(t, set("x", compose(`{"system":"urn:s"}`)))
	failing.fail = fmt.Errorf("the disk is gone")
	if _, err := Compile("urn:vs:x", failing); err != failing.fail {
		t.Errorf("got %v, want %v", err, failing.fail)
	}
}

// FuzzCompile reads any value set and code system, and asks.
func FuzzCompile(f *testing.F) {
	f.Add(set("x", compose(`{"system":"urn:animals","filter":[{"property":"concept","op":"is-a","value":"mammal"}]}`)), animals, "urn:animals", "dog")
	f.Add(set("x", `"expansion":{"total":2,"contains":[{"code":"1","contains":[{"system":"a"}]}]}`), `{"url":"a"}`, "", "1")
	f.Add(set("x", compose(`{"valueSet":["urn:vs:x",1]},null`, `{"system":"urn:animals","filter":[{"property":"legs","op":"not-in"}]}`)), animals, "urn:animals", "")
	f.Fuzz(func(t *testing.T, valueSet, codeSystem, system, code string) {
		var texts []string
		for _, text := range []string{valueSet, codeSystem} {
			if _, err := fhirjson.Parse([]byte(text), fhirjson.Limits{MaxDepth: 60}); err == nil {
				texts = append(texts, text)
			}
		}
		s, err := Compile("urn:vs:x", newShelf(t, texts...))
		if err != nil && domain.KindOf(err) != domain.Invalid {
			t.Fatal(err)
		}
		if s == nil {
			return
		}
		for range 2 {
			answer, reason := s.Contains(system, code)
			if (answer == Unknown) != (reason != "") {
				t.Errorf("Contains = %d, %q", answer, reason)
			}
			anySystem, _ := s.ContainsCode(code)
			if answer == Inside && anySystem == Outside {
				t.Errorf("the code is inside with its system and outside without")
			}
		}
	})
}

func BenchmarkContains(b *testing.B) {
	s, err := Compile("urn:vs:x", newShelf(b, set("x", compose(`{"system":"urn:animals","filter":[{"property":"concept","op":"is-a","value":"mammal"}]}`)), animals))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if answer, _ := s.Contains("urn:animals", "puppy"); answer != Inside {
			b.Fatal(answer)
		}
	}
}
