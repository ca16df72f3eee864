package commit

import (
	"fmt"
	"testing"

	"fhirlog/domain/event"
)

// linkBundle is a transaction in which a resource refers to others: U is created
// under urn:uuid:u, A under an absolute URL, P is updated under a urn.
func linkBundle(t *testing.T, fullURL, referring string) []Command {
	t.Helper()
	u := create(t, "Patient", `{"resourceType":"Patient"}`)
	u.FullURL = "urn:uuid:00000000-0000-4000-8000-00000000000a"
	a := create(t, "Patient", `{"resourceType":"Patient","id":"9"}`)
	a.FullURL = "http://example.org/fhir/Patient/9"
	p := update(t, "Patient", "kept", `{"resourceType":"Patient","id":"kept"}`)
	p.FullURL = "urn:uuid:00000000-0000-4000-8000-00000000000b"
	k := update(t, "Patient", "7", `{"resourceType":"Patient","id":"7"}`)
	k.FullURL = "http://example.org/fhir/Patient/7"
	r := create(t, "Basic", referring)
	r.FullURL = fullURL
	return []Command{u, a, p, k, r}
}

const (
	urnA = "urn:uuid:00000000-0000-4000-8000-00000000000a"
	urnB = "urn:uuid:00000000-0000-4000-8000-00000000000b"
)

func TestLinksAreRewritten(t *testing.T) {
	const (
		far   = "http://example.org/fhir/Basic/1"      // fullUrl beside the others
		other = "http://example.net/elsewhere/Basic/1" // another server
		urn   = "urn:uuid:00000000-0000-4000-8000-0000000000ff"
	)
	for name, c := range map[string]struct{ fullURL, link, want string }{
		"urn of a create":                           {urn, urnA, "Patient/new1"},
		"urn of an update":                          {urn, urnB, "Patient/kept"},
		"urn, with a fragment":                      {urn, urnA + "#part", "Patient/new1#part"},
		"urn that nobody has":                       {urn, "urn:uuid:00000000-0000-4000-8000-00000000000c", "urn:uuid:00000000-0000-4000-8000-00000000000c"},
		"absolute, of a create":                     {urn, "http://example.org/fhir/Patient/9", "Patient/new2"},
		"absolute, with a fragment":                 {urn, "http://example.org/fhir/Patient/9#x", "Patient/new2#x"},
		"absolute, of an update: it keeps its id":   {urn, "http://example.org/fhir/Patient/7", "http://example.org/fhir/Patient/7"},
		"absolute, of a version over there":         {urn, "http://example.org/fhir/Patient/9/_history/3", "http://example.org/fhir/Patient/9/_history/3"},
		"absolute, with more behind":                {urn, "http://example.org/fhir/Patient/91", "http://example.org/fhir/Patient/91"},
		"relative, on the same base":                {far, "Patient/9", "Patient/new2"},
		"relative, on the same base, with fragment": {far, "Patient/9#x", "Patient/new2#x"},
		"relative, of an update":                    {far, "Patient/7", "Patient/7"},
		"relative, on another base":                 {other, "Patient/9", "Patient/9"},
		"relative, without a base":                  {urn, "Patient/9", "Patient/9"},
		"relative, without a fullUrl":               {"", "Patient/9", "Patient/9"},
		"local":                                     {far, "#9", "#9"},
		"itself":                                    {urn, urn, "Basic/new3"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			commands := linkBundle(t, c.fullURL, fmt.Sprintf(
				`{"resourceType":"Basic","contained":[{"resourceType":"Patient","id":"9"}],"code":{"text":"x"},"subject":{"reference":%q}}`, c.link))
			outcomes := mustCommit(t, newService(t, m, Options{}), commands...)
			want := fmt.Sprintf(`{"resourceType":"Basic","id":"new3","meta":{},"contained":[{"resourceType":"Patient","id":"9"}],"code":{"text":"x"},"subject":{"reference":%q}}`, c.want)
			if got := string(outcomes[4].Version.Body); got != want || got != m.body(4) {
				t.Errorf("stored\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestLinksAreRewrittenWhereverTheyAreLinks puts one link into elements of every
// kind. L stands for the link and what becomes of it, N for one that stays.
func TestLinksAreRewrittenWhereverTheyAreLinks(t *testing.T) {
	for name, resource := range map[string]string{
		"reference in an array":  `"extension":[{"url":"http://e","valueReference":{"reference":"L"}},{"url":"http://e","valueReference":{"reference":"L"}}]`,
		"uri":                    `"extension":[{"url":"http://e","valueUri":"L"}]`,
		"url":                    `"extension":[{"url":"http://e","valueUrl":"L"}]`,
		"uuid":                   `"extension":[{"url":"http://e","valueUuid":"L"}]`,
		"canonical":              `"extension":[{"url":"http://e","valueCanonical":"N"}]`,
		"attachment":             `"extension":[{"url":"http://e","valueAttachment":{"url":"L"}}]`,
		"source and profile":     `"meta":{"source":"L","profile":["N"]}`,
		"contained":              `"contained":[{"resourceType":"Observation","id":"c","status":"final","code":{"text":"N"},"subject":{"reference":"L"}}]`,
		"image in the narrative": `"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><img src=\"L\"/></div>"}`,
		"the narrative":          `"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"L\">N</a><a href='L'>x</a></div>"}`,
		"narrative, spaced":      `"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href = \"L\">N</a><a title='x' href= 'L'>x</a></div>"}`,
		"narrative, no link":     `"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"#L\" title=\"N\">N</a>href</div>"}`,
		"system of identifiers":  `"identifier":[{"system":"L","value":"N"}]`,
		"value of identifiers":   `"identifier":[{"system":"urn:ietf:rfc:3986","value":"N"}]`,
		"display":                `"subject":{"display":"N"}`,
		"text":                   `"code":{"text":"N"}`,
		"string":                 `"extension":[{"url":"http://e","valueString":"N"}]`,
		"identifier of a target": `"subject":{"identifier":{"value":"N"},"display":"N","reference":"L"}`,
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			code := `"code":{"text":"x"},`
			if name == "text" {
				code = ""
			}
			posted := `{"resourceType":"Basic",` + code + replace(replace(resource, "L", urnA), "N", urnA) + `}`
			outcomes := mustCommit(t, newService(t, m, Options{}), linkBundle(t, "", posted)...)
			meta := `"id":"new3","meta":{},`
			if name == "source and profile" {
				meta = `"id":"new3",`
			}
			moved := "Patient/new1"
			if name == "narrative, no link" {
				moved = urnA
			}
			want := `{"resourceType":"Basic",` + meta + code + replace(replace(resource, "L", moved), "N", urnA) + `}`
			if got := string(outcomes[4].Version.Body); got != want {
				t.Errorf("stored\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// replace puts a link where its letter stands alone.
func replace(text, letter, link string) string {
	var b []byte
	for i := range len(text) {
		alone := text[i] == letter[0] && !isLetter(text, i-1) && !isLetter(text, i+1)
		if alone {
			b = append(b, link...)
		} else {
			b = append(b, text[i])
		}
	}
	return string(b)
}

func isLetter(text string, at int) bool {
	return at >= 0 && at < len(text) && (text[at]|0x20 >= 'a' && text[at]|0x20 <= 'z')
}

// TestLinksInOtherSpellings: JSON may spell a slash as \/, in narratives too;
// images have links as well.
func TestLinksInOtherSpellings(t *testing.T) {
	const link = `http:\/\/example.org\/fhir\/Patient\/9`
	posted := `{"resourceType":"Basic","code":{"text":"x"},"subject":{"reference":"` + link + `"},` +
		`"text":{"status":"generated","div":"<div xmlns=\"http:\/\/www.w3.org\/1999\/xhtml\"><a href=\"` + link + `\">x<\/a><img src='http://example.org/fhir/Patient/9' alt=\"http://example.org/fhir/Patient/9\"/><\/div>"}}`
	outcomes := mustCommit(t, newService(t, newMemory(), Options{}), linkBundle(t, "", posted)...)
	want := `{"resourceType":"Basic","id":"new3","meta":{},"code":{"text":"x"},"subject":{"reference":"Patient/new2"},` +
		`"text":{"status":"generated","div":"<div xmlns=\"http:\/\/www.w3.org\/1999\/xhtml\"><a href=\"Patient/new2\">x<\/a><img src='Patient/new2' alt=\"http://example.org/fhir/Patient/9\"/><\/div>"}}`
	if got := string(outcomes[4].Version.Body); got != want {
		t.Errorf("stored\n%s\nwant\n%s", got, want)
	}
}

// TestResourcesMayReferToEachOther commits a circle of references.
func TestResourcesMayReferToEachOther(t *testing.T) {
	circle := func(self, other string) Command {
		c := create(t, "Basic", `{"resourceType":"Basic","code":{"text":"x"},"subject":{"reference":"`+other+`"}}`)
		c.FullURL = self
		return c
	}
	m := newMemory()
	outcomes := mustCommit(t, newService(t, m, Options{}), circle(urnA, urnB), circle(urnB, urnA))
	for i, other := range []string{"Basic/new2", "Basic/new1"} {
		got := parse(t, string(outcomes[i].Version.Body)).Get("subject").Get("reference").String()
		if got != other {
			t.Errorf("resource %d refers to %q, want %q", i, got, other)
		}
	}
}

// TestACommandAloneIsNotRewritten: without a transaction nothing moves.
func TestACommandAloneIsNotRewritten(t *testing.T) {
	posted := `{"resourceType":"Basic","code":{"text":"x"},"subject":{"reference":"` + urnA + `"}}`
	outcomes := mustCommit(t, newService(t, newMemory(), Options{}), Command{Interaction: event.Create, Type: "Basic", Resource: parse(t, posted)})
	if got := parse(t, string(outcomes[0].Version.Body)).Get("subject").Get("reference").String(); got != urnA {
		t.Errorf("reference = %q, want %q", got, urnA)
	}
}
