package resource

import (
	"testing"

	"fhirlog/domain/fhirjson"
)

func parse(t *testing.T, text string) fhirjson.Value {
	t.Helper()
	d, err := fhirjson.Parse([]byte(text), fhirjson.Limits{})
	if err != nil {
		t.Fatalf("Parse(%s): %v", text, err)
	}
	return d.Root()
}

// The place of metaAt is written as ^ in what is wanted.
func TestAppendStored(t *testing.T) {
	for name, c := range map[string]struct{ posted, want string }{
		"id and meta missing": {
			`{"resourceType":"Patient","active":true}`,
			`{"resourceType":"Patient","id":"new","meta":{^},"active":true}`,
		},
		"nothing but the type": {
			`{"resourceType":"Patient"}`,
			`{"resourceType":"Patient","id":"new","meta":{^}}`,
		},
		"type in the middle": {
			`{"active":true,"resourceType":"Patient","gender":"male"}`,
			`{"active":true,"resourceType":"Patient","id":"new","meta":{^},"gender":"male"}`,
		},
		"type at the end": {
			`{"active":true,"resourceType":"Patient"}`,
			`{"active":true,"resourceType":"Patient","id":"new","meta":{^}}`,
		},
		"id replaced where it stands": {
			`{"active":true,"id":"old","resourceType":"Patient"}`,
			`{"active":true,"id":"new","meta":{^},"resourceType":"Patient"}`,
		},
		"id spelled with escapes": {
			`{"resourceType":"Patient","\u0069d":"ol\u0064"}`,
			`{"resourceType":"Patient","id":"new","meta":{^}}`,
		},
		"meta before everything": {
			`{"meta":{"tag":[{"code":"a"}]},"resourceType":"Patient","id":"old"}`,
			`{"meta":{^"tag":[{"code":"a"}]},"resourceType":"Patient","id":"new"}`,
		},
		"meta at the end, no id": {
			`{"resourceType":"Patient","active":true,"meta":{"tag":[]}}`,
			`{"resourceType":"Patient","id":"new","active":true,"meta":{^"tag":[]}}`,
		},
		"meta empty": {
			`{"resourceType":"Patient","meta":{}}`,
			`{"resourceType":"Patient","id":"new","meta":{^}}`,
		},
		"version and instant are all of meta": {
			`{"resourceType":"Patient","meta":{"versionId":"7","lastUpdated":"2020-01-01T00:00:00Z"}}`,
			`{"resourceType":"Patient","id":"new","meta":{^}}`,
		},
		"version first": {
			`{"resourceType":"Patient","meta":{"versionId":"7","source":"s"}}`,
			`{"resourceType":"Patient","id":"new","meta":{^"source":"s"}}`,
		},
		"instant last": {
			`{"resourceType":"Patient","meta":{"source":"s","lastUpdated":"2020-01-01T00:00:00Z"}}`,
			`{"resourceType":"Patient","id":"new","meta":{^"source":"s"}}`,
		},
		"both in between": {
			`{"resourceType":"Patient","meta":{"source":"s","lastUpdated":"x","versionId":"7","tag":[{"code":"c"}]}}`,
			`{"resourceType":"Patient","id":"new","meta":{^"source":"s","tag":[{"code":"c"}]}}`,
		},
		"names spelled with escapes": {
			`{"resourceType":"Patient","m\u0065ta":{"version\u0049d":"7","source":"s"}}`,
			`{"resourceType":"Patient","id":"new","meta":{^"source":"s"}}`,
		},
		"only the outer meta and id": {
			`{"resourceType":"Patient","contained":[{"resourceType":"Basic","id":"c","meta":{"versionId":"5"}}]}`,
			`{"resourceType":"Patient","id":"new","meta":{^},"contained":[{"resourceType":"Basic","id":"c","meta":{"versionId":"5"}}]}`,
		},
		"siblings of id and of version": {
			`{"resourceType":"Patient","id":"a","_id":{"id":"x"},"meta":{"versionId":"1","_versionId":{"id":"y"}}}`,
			`{"resourceType":"Patient","id":"new","_id":{"id":"x"},"meta":{^"_versionId":{"id":"y"}}}`,
		},
		"white space goes, text and digits stay": {
			" {\n\t\"resourceType\" : \"Observation\" , \"n\" : [ 1.00 , -0.0e+05 , 10E2 ] , \"s\" : \" a\\u0020\\/ b \\\" , \" } ",
			`{"resourceType":"Observation","id":"new","meta":{^},"n":[1.00,-0.0e+05,10E2],"s":" a\u0020\/ b \" , "}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			stored, metaAt := AppendStored([]byte("before"), parse(t, c.posted), "new", nil)
			if string(stored[:6]) != "before" {
				t.Fatalf("AppendStored changed what was there: %s", stored)
			}
			body := string(stored[6:])
			if got := body[:metaAt] + "^" + body[metaAt:]; got != c.want {
				t.Errorf("AppendStored(%s)\n got %s\nwant %s", c.posted, got, c.want)
			}
		})
	}
}

// editsOf replaces each quoted `from` in the text by to.
func editsOf(text, from, to string) (edits []fhirjson.Edit) {
	quoted := `"` + from + `"`
	for at := 0; at+len(quoted) <= len(text); at++ {
		if text[at:at+len(quoted)] == quoted {
			edits = append(edits, fhirjson.Edit{Start: at, End: at + len(quoted), With: []byte(`"` + to + `"`)})
		}
	}
	return edits
}

func TestAppendStoredAppliesLinks(t *testing.T) {
	for name, c := range map[string]struct{ posted, want string }{
		"in several members": {
			`{"resourceType":"Basic","subject":{"reference":"L"},"author":{"reference":"L"}}`,
			`{"resourceType":"Basic","id":"new","meta":{},"subject":{"reference":"Patient/1"},"author":{"reference":"Patient/1"}}`,
		},
		"in meta, beside what is left out": {
			`{"resourceType":"Basic","meta":{"versionId":"L","profile":["L"],"lastUpdated":"L","source":"L"},"subject":{"reference":"L"}}`,
			`{"resourceType":"Basic","id":"new","meta":{"profile":["Patient/1"],"source":"Patient/1"},"subject":{"reference":"Patient/1"}}`,
		},
		"before and behind an id that is replaced": {
			`{"a":"L","id":"L","resourceType":"Basic","b":"L"}`,
			`{"a":"Patient/1","id":"new","meta":{},"resourceType":"Basic","b":"Patient/1"}`,
		},
		"with white space around": {
			`{ "resourceType" : "Basic", "a" : [ "L" , "x" , "L" ] }`,
			`{"resourceType":"Basic","id":"new","meta":{},"a":["Patient/1","x","Patient/1"]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := AppendStored(nil, parse(t, c.posted), "new", editsOf(c.posted, "L", "Patient/1"))
			if string(got) != c.want {
				t.Errorf("AppendStored(%s)\n got %s\nwant %s", c.posted, got, c.want)
			}
		})
	}
}

func TestAppendJSON(t *testing.T) {
	for name, c := range map[string]struct{ posted, want string }{
		"into an empty meta": {
			`{"resourceType":"Patient","active":true}`,
			`{"resourceType":"Patient","id":"p1","meta":{"versionId":"12","lastUpdated":"2026-01-02T03:04:05.006Z"},"active":true}`,
		},
		"before what is in meta": {
			`{"resourceType":"Patient","meta":{"source":"s"},"id":"x"}`,
			`{"resourceType":"Patient","meta":{"versionId":"12","lastUpdated":"2026-01-02T03:04:05.006Z","source":"s"},"id":"p1"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			body, metaAt := AppendStored(nil, parse(t, c.posted), "p1", nil)
			v := Version{Type: "Patient", ID: "p1", Version: 12, Instant: 1767323045006, Body: body, MetaAt: metaAt}
			if got := string(v.AppendJSON([]byte("> "))); got != "> "+c.want {
				t.Errorf("AppendJSON = %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestAppendInstant(t *testing.T) {
	for milliseconds, want := range map[int64]string{
		0:               "1970-01-01T00:00:00.000Z",
		-1:              "1969-12-31T23:59:59.999Z",
		1767323045006:   "2026-01-02T03:04:05.006Z",
		253402300799999: "9999-12-31T23:59:59.999Z",
	} {
		if got := string(AppendInstant(nil, milliseconds)); got != want {
			t.Errorf("AppendInstant(%d) = %s, want %s", milliseconds, got, want)
		}
		if v := (&Version{Instant: milliseconds}); v.LastUpdated().UnixMilli() != milliseconds {
			t.Errorf("LastUpdated of %d = %v", milliseconds, v.LastUpdated())
		}
	}
}
