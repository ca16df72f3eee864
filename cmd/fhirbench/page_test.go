package main

import (
	"strings"
	"testing"
	"time"
)

func TestPage(t *testing.T) {
	const full = `{ "resourceType" : "Bundle", "id":"x", "type":"searchset" , "total": 17,
		"link":[{"relation":"self","url":"s"},{"url":"http:\/\/h\/fhir\/Patient?a=1\u0026b=2","relation":"next"}],
		"entry":[{"fullUrl":"u","resource":{"resourceType":"OperationOutcome","issue":[{"severity":"information","code":"informational"}]},"search":{"mode":"outcome"}},
		{"resource":{"text":{"div":"<a href=\"}\\\">]"},"contained":[{"resourceType":"Group","id":"c"}],"id":"1","n":[1.5e3,true,null,{}],"resourceType":"Patient"},"search":{"score":1,"mode":"match"}},
		{"resource":{"resourceType":"Organization","id":"2"},"search":{"mode":"include"}},
		{"search":{},"resource":{"resourceType":"Patient","id":"3"}}]}
	`
	var p page
	if !p.parse([]byte(full), "Patient") || !p.searchset || p.total != 17 || p.matches != 2 || p.strange || p.warning != nil || len(p.ids) != 2 || p.repeats() {
		t.Errorf("got %+v", p)
	}
	target, err := newTarget("http://other:1/fhir", nil, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if next, err := target.follow([]byte("old"), p.next); err != nil || string(next) != "/fhir/Patient?a=1&b=2" {
		t.Errorf("next %q, %v", next, err)
	}
	for end := range len(strings.TrimSpace(full)) {
		if p.parse([]byte(full[:end]), "Patient") {
			t.Fatalf("a part of %d bytes passed", end)
		}
	}
	for _, test := range []struct{ name, text, want string }{
		{"another type", `{"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"resourceType":"Group","id":"1"}}]}`, "an entry is not of the type searched for"},
		{"no id", `{"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"resourceType":"Patient"}}]}`, "an entry is not of the type searched for"},
		{"no resource", `{"resourceType":"Bundle","type":"searchset","entry":[{"fullUrl":"x"}]}`, "an entry is not of the type searched for"},
		{"history", `{"resourceType":"Bundle","type":"history"}`, "answer is no searchset Bundle"},
		{"no Bundle", `{"resourceType":"Parameters","type":"searchset"}`, "answer is no searchset Bundle"},
		{"two objects", `{"resourceType":"Bundle","type":"searchset"}{}`, "answer is no JSON object"},
		{"HTML", `<html>`, "answer is no JSON object"},
		{"twice", `{"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"resourceType":"Patient","id":"1"}},{"resource":{"resourceType":"Patient","id":"1"}}]}`, "an id repeats"},
		{"total", `{"resourceType":"Bundle","type":"searchset","total":0,"entry":[{"resource":{"resourceType":"Patient","id":"1"}}]}`, "a total of less than the entries"},
		{"warning", `{"resourceType":"Bundle","type":"searchset","entry":[{"search":{"mode":"outcome"},"resource":{"resourceType":"OperationOutcome","issue":[{"severity":"warning","code":"not-supported"}]}}]}`,
			"the server warns: not-supported"},
		{"nothing", `{"resourceType":"Bundle","type":"searchset","total":0}`, "nothing found, but the value was read from a resource"},
		{"right", `{"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"resourceType":"Patient","id":"1"}}]}`, ""},
	} {
		s := shape{typeName: "Patient", count: pageSize}
		if got := s.complaint(&query{total: -1, hits: some}, &p, []byte(test.text)); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
	s := shape{typeName: "Patient", count: pageSize}
	if got := s.complaint(&query{total: -1, hits: none}, &p, []byte(`{"resourceType":"Bundle","type":"searchset","total":1}`)); !strings.HasPrefix(got, "found something") {
		t.Errorf("a miss that is found: %q", got)
	}
}

func TestFollow(t *testing.T) {
	target, err := newTarget("http://h:1/a/fhir/", nil, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	for link, want := range map[string]string{
		"https://x/a/fhir/Patient?ct=%7C": "/a/fhir/Patient?ct=%7C",
		"http://x/a/fhir?_getpages=1":     "/a/fhir?_getpages=1",
		"Patient?ct=2":                    "/a/fhir/Patient?ct=2",
		"/other/Patient?ct=2":             "/other/Patient?ct=2",
	} {
		if got, err := target.follow(nil, []byte(link)); err != nil || string(got) != want {
			t.Errorf("follow(%s) = %s, %v; want %s", link, got, err, want)
		}
	}
	if _, err := target.follow(nil, []byte("http://a b/\x01")); err == nil {
		t.Error("a link that is no URL was followed")
	}
}

func TestOutcomeCodes(t *testing.T) {
	if got := string(outcomeCodes([]byte(`{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"invalid","diagnostics":"Ada"}]}`))); got != "OperationOutcome: error invalid" {
		t.Errorf("got %q", got)
	}
	if got := string(outcomeCodes([]byte("Ada"))); strings.Contains(got, "Ada") {
		t.Errorf("got %q", got)
	}
}

func BenchmarkPage(b *testing.B) {
	r := resource{kind: observation, seed: 1, id: []byte("01J00000000000000000000000"), refs: new(references)}
	text := []byte(`{"resourceType":"Bundle","type":"searchset","entry":[`)
	for i := range pageSize {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(append(append(text, `{"resource":`...), r.appendTo(nil)...), `,"search":{"mode":"match"}}`...)
	}
	text = append(text, "]}"...)
	var p page
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if !p.parse(text, "Observation") || p.matches != pageSize {
			b.Fatal("not read")
		}
	}
}
