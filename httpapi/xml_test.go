package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirxml"
	"fhirlog/domain/validate"
)

const (
	xmlType   = "Content-Type: application/fhir+xml"
	xmlAccept = "Accept: application/fhir+xml"
)

// xmlOf writes a resource in XML.
func (sv *service) xmlOf(json string) string {
	sv.t.Helper()
	document, err := fhirjson.Parse([]byte(json), fhirjson.Limits{})
	if err != nil {
		sv.t.Fatal(err)
	}
	text, err := fhirxml.Append(nil, sv.s.fhir, document.Root(), fhirxml.Layout{})
	if err != nil {
		sv.t.Fatal(err)
	}
	return string(text)
}

// fromXML reads an answer in XML, and goes on with it as JSON.
func (a *answer) fromXML() *answer {
	a.t.Helper()
	a.header("Content-Type", "application/fhir+xml; charset=utf-8")
	d, err := definitions.Load(definitions.R4)
	if err != nil {
		a.t.Fatal(err)
	}
	document, _, err := fhirxml.Decode(d, a.Body.Bytes(), nil, fhirxml.Limits{})
	if err != nil {
		a.t.Fatalf("%s: %v in %s", a.request, err, a.Body)
	}
	a.Body = bytes.NewBuffer(document.Source())
	return a
}

func TestXMLReadAndWrite(t *testing.T) {
	sv := newService(t, Options{})
	const stored = `{"resourceType":"Patient","id":"a","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">a &lt; b</div>"},"name":[{"given":["A",null],"_given":[null,{"id":"x"}]}]}`
	a := sv.do("PUT /fhir/Patient/a", xmlType, xmlAccept, sv.xmlOf(stored)).want(201).header("ETag", `W/"1"`)
	if !strings.HasPrefix(a.Body.String(), `<Patient xmlns="http://hl7.org/fhir"><id value="a"/><meta><versionId value="1"/>`) {
		t.Errorf("created in XML: %s", a.Body)
	}
	a.fromXML().wantAt("A", "name", 0, "given", 0).wantAt("x", "name", 0, "_given", 1, "id")

	sv.do("GET /fhir/Patient/a").want(200).header("Content-Type", contentTypeFHIR[0]).wantAt(`<div xmlns="http://www.w3.org/1999/xhtml">a &lt; b</div>`, "text", "div")
	sv.do("GET /fhir/Patient/a", xmlAccept).want(200).header("ETag", `W/"1"`).fromXML().wantAt("1", "meta", "versionId")
	sv.do("GET /fhir/Patient/a/_history/1?_format=xml").want(200).fromXML().wantAt("a", "id")
	sv.do("GET /fhir/Patient/a", xmlAccept, `If-None-Match: W/"1"`).want(304).header("Content-Type", "")
	sv.do("HEAD /fhir/Patient/a", xmlAccept).want(200).header("Content-Type", "application/fhir+xml; charset=utf-8")

	t.Run("the same content is no new version, in either format", func(t *testing.T) {
		sv.do("PUT /fhir/Patient/a", stored).want(200).header("ETag", `W/"1"`)
		sv.do("PUT /fhir/Patient/a", xmlType, sv.xmlOf(stored)).want(200).header("ETag", `W/"1"`).header("Content-Type", contentTypeFHIR[0])
	})
	t.Run("conditions", func(t *testing.T) {
		sv.do("PUT /fhir/Patient/a", xmlType, xmlAccept, `If-Match: W/"7"`, sv.xmlOf(stored)).want(412).fromXML().wantAt("conflict", "issue", 0, "code")
	})
	t.Run("parts", func(t *testing.T) {
		sv.do("GET /fhir/Patient/a?_elements=name", xmlAccept).want(200).fromXML().wantAt(nil, "text").wantAt("SUBSETTED", "meta", "tag", 0, "code")
		sv.do("GET /fhir/Patient/a?_summary=text", xmlAccept).want(200).fromXML().wantAt(nil, "name").wantAt("generated", "text", "status")
	})
	t.Run("pretty", func(t *testing.T) {
		a := sv.do("GET /fhir/Patient/a?_pretty=true", xmlAccept).want(200)
		if !strings.Contains(a.Body.String(), "\n  <name>\n    <given value=\"A\"/>\n") || !strings.HasSuffix(a.Body.String(), "</Patient>\n") {
			t.Errorf("not pretty: %s", a.Body)
		}
		a.fromXML()
	})
	t.Run("Prefer", func(t *testing.T) {
		sv.do("PUT /fhir/Patient/a", xmlType, xmlAccept, "Prefer: return=OperationOutcome", sv.xmlOf(stored)).want(200).fromXML().wantAt("OperationOutcome", "resourceType")
		sv.do("PUT /fhir/Patient/a", xmlType, xmlAccept, "Prefer: return=minimal", sv.xmlOf(stored)).want(200).header("Content-Type", "").body("")
	})
	t.Run("delete", func(t *testing.T) {
		sv.do("DELETE /fhir/Patient/a", xmlAccept).want(204).body("")
		sv.do("GET /fhir/Patient/a", xmlAccept).want(410).header("ETag", `W/"2"`).fromXML().wantAt("deleted", "issue", 0, "code")
	})
}

func TestXMLErrors(t *testing.T) {
	sv := newService(t, Options{MaxDepth: 20})
	const start = `<Patient xmlns="http://hl7.org/fhir">`
	for _, c := range []struct {
		name, body, says string
		line, column     float64
		expression       any
	}{
		{"malformed", start + "\n<active value='true'></Patient>", "must be closed first", 2, 22, "Patient.active"},
		{"document type", `<!DOCTYPE Patient [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + start + `<active value="&x;"/></Patient>`, "document type", 1, 1, nil},
		{"unknown element", start + "\n  <nam/></Patient>", "'nam' is not an element of Patient", 2, 3, "Patient"},
		{"JSON", `{"resourceType":"Patient"}`, "text stands outside", 1, 1, nil},
		{"depth", start + strings.Repeat(`<extension url="u">`, 12) + strings.Repeat(`</extension>`, 12) + `</Patient>`, "nested too deeply", 1, 209, "Patient.extension"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := sv.do("POST /fhir/Patient", xmlType, xmlAccept, c.body).want(400).fromXML()
			if m := a.string("issue", 0, "diagnostics"); !strings.Contains(m, c.says) {
				t.Errorf("%q does not say %q", m, c.says)
			}
			a.wantAt(c.line, "issue", 0, "extension", 0, "valueInteger").wantAt(c.column, "issue", 0, "extension", 1, "valueInteger").wantAt("structure", "issue", 0, "code")
			if got := a.string("issue", 0, "expression", 0); c.expression != nil && !strings.HasPrefix(got, c.expression.(string)) {
				t.Errorf("expression %q", got)
			}
		})
	}
	t.Run("what validation finds has its place in the XML", func(t *testing.T) {
		a := sv.do("POST /fhir/Patient", xmlType, start+"\n  <gender value='x'/>\n  <name/></Patient>").want(400)
		a.wantAt("Patient.name[0]", "issue", 0, "expression", 0).wantAt(3.0, "issue", 0, "extension", 0, "valueInteger").wantAt(3.0, "issue", 0, "extension", 1, "valueInteger")
		a.wantAt("Patient.gender", "issue", 1, "expression", 0).wantAt(2.0, "issue", 1, "extension", 0, "valueInteger")
	})
	for _, path := range []string{"/fhir/Nothing", "/fhir/patient/a", "/fhir/Patient/a/b/c/d", "/fhir/Patient/none", "/fhir/Patient?name:x=y"} {
		t.Run(path, func(t *testing.T) {
			a := sv.do("GET "+path, xmlAccept)
			if a.Code < 400 {
				t.Fatalf("status %d", a.Code)
			}
			a.fromXML().wantAt("OperationOutcome", "resourceType")
		})
	}
	t.Run("wrong method", func(t *testing.T) {
		sv.do("PUT /fhir/_history?_format=xml").want(405).fromXML()
	})
	t.Run("empty body", func(t *testing.T) {
		sv.do("POST /fhir/Patient", xmlType).want(400, "invalid")
	})
}

func TestXMLBundles(t *testing.T) {
	sv := newService(t, Options{})
	transaction := bundleOf("transaction",
		item{line: "POST Patient", fullURL: "urn:uuid:1", resource: `{"resourceType":"Patient","name":[{"family":"F & <G>"}]}`},
		item{line: "PUT Observation/o", resource: `{"resourceType":"Observation","id":"o","status":"final","code":{"text":"c"},"subject":{"reference":"urn:uuid:1"},"valueQuantity":{"value":1.50}}`},
		item{line: "GET Patient?_count=1"})
	a := sv.do("POST /fhir", xmlType, xmlAccept, sv.xmlOf(transaction)).want(200).fromXML()
	a.wantAt("transaction-response", "type").wantAt("201 Created", "entry", 0, "response", "status").wantAt(`W/"1"`, "entry", 1, "response", "etag")
	a.wantAt("F & <G>", "entry", 0, "resource", "name", 0, "family").wantAt("searchset", "entry", 2, "resource", "type").wantAt("Patient", "entry", 2, "resource", "entry", 0, "resource", "resourceType")
	if text := sv.do("GET /fhir/Observation/o").want(200).Body.String(); !strings.Contains(text, `"value":1.50}`) {
		t.Errorf("digits were lost: %s", text)
	}

	batch := bundleOf("batch", item{line: "GET Patient/none"}, item{line: "GET Patient/_history"}, item{line: "GET $versions"}, item{line: "DELETE Observation/o"}, item{line: "GET metadata"})
	a = sv.do("POST /fhir?_pretty=true", xmlType, xmlAccept, "X-Bundle-Processing-Logic: odd", sv.xmlOf(batch)).want(200).fromXML()
	a.wantAt("404 Not Found", "entry", 0, "response", "status").wantAt("not-found", "entry", 0, "response", "outcome", "issue", 0, "code")
	a.wantAt("history", "entry", 1, "resource", "type").wantAt("Parameters", "entry", 2, "resource", "resourceType").wantAt("204 No Content", "entry", 3, "response", "status")
	a.wantAt("CapabilityStatement", "entry", 4, "resource", "resourceType").wantAt("405 Method Not Allowed", "entry", 5, "response", "status")

	t.Run("a failed transaction", func(t *testing.T) {
		sv.do("POST /fhir", xmlType, xmlAccept, sv.xmlOf(bundleOf("transaction", item{line: "GET Patient/none"}))).want(404).fromXML().wantAt("processing", "issue", 0, "code")
	})
}

// TestXMLSameAsJSON asks for everything in both formats.
func TestXMLSameAsJSON(t *testing.T) {
	sv := newService(t, Options{})
	narrative := `"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">` + strings.Repeat("text ", 700) + `</div>"}`
	for i := range 60 {
		sv.do(fmt.Sprintf("PUT /fhir/Patient/p%d", i), patient(fmt.Sprintf("p%d", i), `"gender":"male","managingOrganization":{"reference":"Organization/o"},`+narrative)).want(201)
	}
	sv.do("PUT /fhir/Organization/o", `{"resourceType":"Organization","id":"o","name":"\"O\""}`).want(201)
	sv.do("DELETE /fhir/Patient/p7").want(204)
	for _, path := range []string{
		"/fhir/Patient/p1", "/fhir/Patient/p1/_history", "/fhir/Patient/_history", "/fhir/_history?_count=45", "/fhir/_history?_count=100", "/fhir/_history?_summary=count",
		"/fhir/_history?_sort=_lastUpdated&_count=11&_elements=gender", "/fhir/Patient?_count=40", "/fhir/Patient?_count=5&_include=Patient:organization&name=x,y&unknown=1",
		"/fhir/Patient?_summary=count", "/fhir/Patient?_summary=true&_count=3", "/fhir/Patient?_count=1&_include=Patient:organization&_includesCount=1&_revinclude=Patient:organization",
		"/fhir/metadata", "/fhir/metadata?_elements=rest", "/fhir/OperationDefinition/purge-history", "/fhir/$versions", "/fhir/Patient/none", "/fhir?_type=Patient&_count=2",
	} {
		t.Run(path, func(t *testing.T) {
			inJSON := sv.do("GET " + path)
			inXML := sv.do("GET "+path, xmlAccept).want(inJSON.Code)
			for _, name := range []string{"ETag", "Last-Modified"} {
				inXML.header(name, inJSON.Header().Get(name))
			}
			pretty := sv.do("GET "+path+map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")]+"_pretty=true", xmlAccept).want(inJSON.Code)
			for i, a := range []*answer{inXML.fromXML(), pretty.fromXML()} {
				want, got := comparable(t, inJSON.Body.Bytes()), comparable(t, a.Body.Bytes())
				if got != want {
					t.Errorf("%d: in JSON\n%.2000s\nin XML\n%.2000s", i, want, got)
				}
			}
		})
	}
	t.Run("HEAD", func(t *testing.T) {
		sv.do("HEAD /fhir/_history?_count=100", xmlAccept).want(200).body("")
	})
	t.Run("compressed", func(t *testing.T) {
		a := sv.do("GET /fhir/Patient?_count=40", xmlAccept, "Accept-Encoding: gzip").want(200).header("Content-Encoding", "gzip")
		a.Body = bytes.NewBufferString(unzipped(t, a.Body.Bytes()))
		a.fromXML().wantAt("searchset", "type")
	})
}

// comparable makes a text of an answer in which nothing depends on the time or on
// what was asked.
func comparable(t *testing.T, text []byte) string {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if links, ok := v["link"].([]any); ok { // sealed tokens differ
		for _, l := range links {
			l.(map[string]any)["url"] = ""
		}
	}
	if meta, ok := v["meta"].(map[string]any); ok && v["resourceType"] != "Patient" {
		delete(meta, "lastUpdated")
	}
	delete(v, "date")
	for _, e := range entriesOf(v) {
		if outcome, ok := e["resource"].(map[string]any); ok && outcome["resourceType"] == "OperationOutcome" {
			delete(outcome, "meta")
		}
	}
	made, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(made)
}

func entriesOf(bundle map[string]any) (entries []map[string]any) {
	list, _ := bundle["entry"].([]any)
	for _, e := range list {
		entries = append(entries, e.(map[string]any))
	}
	return entries
}

// TestXMLUnwritable begins anew when an answer goes wrong that has not been sent.
func TestXMLUnwritable(t *testing.T) {
	sv := newService(t, Options{})
	b := sv.s.newBodyWriter(nil, &http.Request{Method: "GET", Header: http.Header{}}, 200)
	b.xml = sv.s.fhir
	b.beginResource("Bundle")
	if err := b.whole([]byte(`{"resourceType":"Patient","unknown":1}`)); domain.KindOf(err) != domain.NotAcceptable {
		t.Errorf("an unknown member was written: %v", err)
	}
	b.restart()
	if err := sv.s.writeOutcome(b, "r", &response{issues: done("x")}); err != nil || !strings.HasPrefix(string(b.buf), "<OperationOutcome xmlns=") {
		t.Errorf("after a restart: %v, %s", err, b.buf)
	}
}

// TestXMLOfEveryVersion reads what the server says of itself in every FHIR version.
func TestXMLOfEveryVersion(t *testing.T) {
	for _, version := range definitions.Versions() {
		t.Run(string(version), func(t *testing.T) {
			sv := newServiceOf(t, version, Options{})
			sv.do("PUT /fhir/Patient/a", xmlType, `<Patient xmlns="http://hl7.org/fhir"><id value="a"/><active value="true"/></Patient>`).want(201).wantAt(true, "active")
			for _, path := range []string{"/fhir/metadata", "/fhir/metadata?_elements=rest&_pretty=true", "/fhir/$versions", "/fhir/OperationDefinition/versions", "/fhir/Patient/none", "/fhir/_history", "/fhir/Patient?_count=1"} {
				a := sv.do("GET "+path, xmlAccept)
				document, _, err := fhirxml.Decode(sv.s.fhir, a.Body.Bytes(), nil, fhirxml.Limits{})
				if err != nil {
					t.Fatalf("%s: %v in %.1000s", path, err, a.Body)
				}
				if issues := validate.New(sv.s.fhir).Resource(document.Root(), "", nil); issues != nil {
					t.Errorf("%s: %v", path, issues)
				}
			}
		})
	}
}

// TestXMLCountsAgainstTheMemoryForBodies: what is dense in XML is dense in memory.
func TestXMLCountsAgainstTheMemoryForBodies(t *testing.T) {
	sv := newService(t, Options{MaxBodyBytes: 1 << 20, MaxBodyBytesInFlight: 1 << 20})
	dense := `<Patient xmlns="http://hl7.org/fhir">` + strings.Repeat("<name/>", 50_000) + `</Patient>`
	sv.do("POST /fhir/Patient", xmlType, xmlAccept, dense).want(413).fromXML().wantAt("OperationOutcome", "resourceType")
	sv.do("POST /fhir/Patient", xmlType, strings.Replace(dense, "<name/>", "<photo/>", 1)).want(413)
	if held := sv.s.BodyBytes(); held != 0 {
		t.Errorf("%d bytes are held after the answers", held)
	}
	sv.do("POST /fhir/Patient", xmlType, `<Patient xmlns="http://hl7.org/fhir"><active value="true"/></Patient>`).want(201)
}
