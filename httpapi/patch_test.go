package httpapi

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/definitions"
)

const (
	jsonPatchType = "Content-Type: application/json-patch+json"
	acceptPatch   = "application/fhir+json, application/fhir+xml, application/json-patch+json, application/xml-patch+xml"
)

// setTo is a JSON Patch that adds or replaces a member of the resource.
func setTo(member, value string) string {
	return fmt.Sprintf(`[{"op":"add","path":"/%s","value":%s}]`, member, value)
}

// replaceWith is a FHIRPath Patch with one operation.
func replaceWith(path, value string) string {
	return fmt.Sprintf(`{"resourceType":"Parameters","parameter":[{"name":"operation","part":[`+
		`{"name":"type","valueCode":"replace"},{"name":"path","valueString":%q},{"name":"value",%s}]}]}`, path, value)
}

// xmlPatch is an XML Patch.
const xmlPatch = `<diff xmlns:f="http://hl7.org/fhir"><replace sel="f:Patient/f:active/@value">true</replace></diff>`

// binaryOf is a Binary that holds a patch.
func binaryOf(media, patch string) string {
	return fmt.Sprintf(`{"resourceType":"Binary","contentType":%q,"data":%q}`, media, base64.StdEncoding.EncodeToString([]byte(patch)))
}

func jsonBinary(patch string) string { return binaryOf("application/json-patch+json", patch) }

func TestPatch(t *testing.T) {
	for _, version := range definitions.Versions() {
		t.Run(string(version), func(t *testing.T) {
			sv := newServiceOf(t, version, Options{})
			sv.do("PUT /fhir/Patient/a", patient("a", `"gender":"male"`)).want(201)
			a := sv.do("PATCH /fhir/Patient/a", jsonPatchType, setTo("gender", `"other"`)).want(200).
				header("Etag", `W/"2"`).header("Last-Modified", "Thu, 01 Jan 2026 00:00:02 GMT").header("Location", "")
			a.body(`{"resourceType":"Patient","id":"a","meta":{"versionId":"2","lastUpdated":"2026-01-01T00:00:02.000Z"},"gender":"other"}`)
			sv.do("PATCH /fhir/Patient/a", "Content-Type: application/fhir+json", replaceWith("Patient.gender", `"valueCode":"female"`)).want(200).
				wantAt("female", "gender").header("Etag", `W/"3"`)
			sv.do("GET /fhir/Patient/a/_history/2").want(200).wantAt("other", "gender")
			verb := "PATCH"
			if version == definitions.STU3 {
				verb = "PUT" // its verbs have no PATCH
			}
			sv.do("GET /fhir/Patient/a/_history").want(200).wantAt(verb, "entry", 0, "request", "method").
				wantAt("200 OK", "entry", 0, "response", "status").wantAt("Patient/a", "entry", 0, "request", "url")
		})
	}
}

func TestPatchFormats(t *testing.T) {
	sv := newService(t, Options{})
	sv.do("PUT /fhir/Patient/a", patient("a", "")).want(201)
	document, parameters := setTo("active", "true"), replaceWith("Patient.active", `"valueBoolean":false`)
	for _, c := range []struct {
		name, contentType, body string
		status                  int
		code                    string
	}{
		{"JSON Patch", "application/json-patch+json", document, 200, ""},
		{"with a charset", "application/json-patch+json; charset=UTF-8", document, 200, ""},
		{"in upper case", "Application/JSON-Patch+JSON", document, 200, ""},
		{"of this FHIR version", "application/json-patch+json; fhirVersion=4.0", document, 200, ""},
		{"of another FHIR version", "application/json-patch+json; fhirVersion=5.0", document, 415, "not-supported"},
		{"in another charset", "application/json-patch+json; charset=latin1", document, 415, "not-supported"},
		{"FHIRPath Patch", "application/fhir+json", parameters, 200, ""},
		{"FHIRPath Patch as plain JSON", "application/json", parameters, 200, ""},
		{"FHIRPath Patch in XML", "application/fhir+xml", `<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/><part><name value="type"/><valueCode value="replace"/></part>` +
			`<part><name value="path"/><valueString value="Patient.active"/></part><part><name value="value"/><valueBoolean value="true"/></part></parameter></Parameters>`, 200, ""},
		{"XML Patch", "application/xml-patch+xml", xmlPatch, 200, ""},
		{"XML Patch of this FHIR version", "application/xml-patch+xml; fhirVersion=4.0; charset=utf-8", xmlPatch, 200, ""},
		{"XML Patch of another FHIR version", "application/xml-patch+xml; fhirVersion=3.0", xmlPatch, 415, "not-supported"},
		{"malformed XML Patch", "application/xml-patch+xml", "<diff", 400, "structure"},
		{"an empty XML Patch document", "application/xml-patch+xml", "", 400, "invalid"},
		{"XML Patch of what is not there", "application/xml-patch+xml", strings.Replace(xmlPatch, "f:active", "f:gender", 1), 400, "processing"},
		{"another resource in XML", "application/fhir+xml", `<Patient xmlns="http://hl7.org/fhir"><active value="true"/></Patient>`, 400, "invalid"},
		{"an empty resource in XML", "application/fhir+xml", "", 400, "invalid"},
		{"a format that is not offered", "application/merge-patch+json", `{"active":null}`, 415, "not-supported"},
		{"text", "text/plain", document, 415, "not-supported"},
		{"nonsense", "///", document, 415, "not-supported"},
		{"JSON Patch as a resource", "application/fhir+json", document, 400, "invalid"},
		{"FHIRPath Patch as JSON Patch", "application/json-patch+json", parameters, 400, "invalid"},
		{"another resource", "application/fhir+json", patient("a", `"active":true`), 400, "invalid"},
		{"an empty JSON Patch document", "application/json-patch+json", "", 400, "invalid"},
		{"an empty resource", "application/fhir+json", "", 400, "invalid"},
		{"malformed JSON Patch", "application/json-patch+json", `[{]`, 400, "structure"},
		{"malformed Parameters", "application/fhir+json", `{`, 400, "structure"},
		{"an unknown op", "application/json-patch+json", `[{"op":"set","path":"/active","value":true}]`, 400, "invalid"},
		{"a failing test", "application/json-patch+json", `[{"op":"test","path":"/active","value":"x"}]`, 400, "processing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := sv.do("PATCH /fhir/Patient/a", "Content-Type: "+c.contentType, c.body).want(c.status)
			if c.code != "" {
				a.want(c.status, c.code)
			}
			if c.status == 415 {
				a.header("Accept-Patch", acceptPatch)
			} else {
				a.header("Accept-Patch", "")
			}
		})
	}
	t.Run("what a misplaced JSON Patch is told", func(t *testing.T) {
		for _, contentType := range []string{"application/fhir+json", "application/json"} {
			a := sv.do("PATCH /fhir/Patient/a", "Content-Type: "+contentType, "\n "+document).want(400, "invalid")
			a.wantAt("A FHIRPath Patch is a resource of type Parameters. An array of operations is a JSON Patch, which is sent as application/json-patch+json.", "issue", 0, "diagnostics")
		}
	})
	t.Run("without a type", func(t *testing.T) {
		sv.do("PATCH /fhir/Patient/a").want(415, "not-supported").header("Accept-Patch", acceptPatch)
		sv.do("PATCH /fhir/Patient?_id=a").want(415, "not-supported").header("Accept-Patch", acceptPatch)
		sv.do("PUT /fhir/Patient/a", "Content-Type: text/plain", "x").want(415).header("Accept-Patch", "")
	})
	t.Run("zipped", func(t *testing.T) {
		h := httptest.NewRequest("PATCH", "/fhir/Patient/a", bytes.NewReader(zipped(setTo("active", "true"))))
		h.Header.Set("Content-Type", "application/json-patch+json")
		h.Header.Set("Content-Encoding", "gzip")
		sv.send(h).want(200).wantAt(true, "active")
	})
}

func TestPatchRules(t *testing.T) {
	sv := newService(t, Options{})
	for _, id := range []string{"a", "gone"} {
		sv.do("PUT /fhir/Patient/"+id, patient(id, `"active":true,"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"}`)).want(201)
	}
	sv.do("DELETE /fhir/Patient/gone").want(204)
	commits := sv.model.commits
	for _, c := range []struct {
		name, line, header, patch string
		status                    int
		code, expression          string
	}{
		{"nothing there", "PATCH /fhir/Patient/none", "", setTo("active", "false"), 404, "not-found", ""},
		{"deleted", "PATCH /fhir/Patient/gone", "", setTo("active", "false"), 410, "deleted", ""},
		{"another version", "PATCH /fhir/Patient/a", `If-Match: W/"7"`, setTo("active", "false"), 412, "conflict", ""},
		{"a strong tag", "PATCH /fhir/Patient/a", `If-Match: "1"`, setTo("active", "false"), 400, "invalid", ""},
		{"a version of nothing", "PATCH /fhir/Patient/none", `If-Match: W/"1"`, setTo("active", "false"), 404, "not-found", ""},
		{"only to create", "PATCH /fhir/Patient/a", `If-None-Match: *`, setTo("active", "false"), 400, "invalid", ""},
		{"If-Unmodified-Since", "PATCH /fhir/Patient/a", `If-Unmodified-Since: Thu, 01 Jan 2026 00:00:01 GMT`, setTo("active", "false"), 400, "not-supported", ""},
		{"the id", "PATCH /fhir/Patient/a", "", setTo("id", `"b"`), 400, "", "Patient.id"},
		{"the type", "PATCH /fhir/Patient/a", "", setTo("resourceType", `"Person"`), 400, "", ""},
		{"the version", "PATCH /fhir/Patient/a", "", setTo("meta/versionId", `"9"`), 400, "", "Patient.meta.versionId"},
		{"the instant", "PATCH /fhir/Patient/a", "", setTo("meta/lastUpdated", `"2020-01-01T00:00:00Z"`), 400, "", "Patient.meta.lastUpdated"},
		{"the narrative", "PATCH /fhir/Patient/a", "", setTo("text/div", `"<div xmlns=\"http://www.w3.org/1999/xhtml\">y</div>"`), 400, "", "Patient.text.div"},
		{"its status", "PATCH /fhir/Patient/a", "", setTo("text/status", `"empty"`), 400, "", "Patient.text.status"},
		{"an unknown element", "PATCH /fhir/Patient/a", "", setTo("activ", "true"), 400, "", "Patient.activ"},
		{"a wrong code", "PATCH /fhir/Patient/a", "", setTo("gender", `"m"`), 400, "", "Patient.gender"},
		{"a wrong date", "PATCH /fhir/Patient/a", "", setTo("birthDate", `"2000-13-01"`), 400, "", "Patient.birthDate"},
		{"two of a choice", "PATCH /fhir/Patient/a", "", `[{"op":"add","path":"/deceasedBoolean","value":true},{"op":"add","path":"/deceasedDateTime","value":"2020"}]`, 400, "", ""},
		{"an id that cannot be", "PATCH /fhir/Patient/a_b", "", setTo("active", "false"), 400, "invalid", ""},
		{"_meta-history", "PATCH /fhir/Patient/a?_meta-history=no", "", setTo("active", "false"), 400, "invalid", ""},
		{"of an audit trail", "PATCH /fhir/AuditEvent/a", "", setTo("active", "false"), 405, "forbidden", ""},
		{"of what the server defines", "PATCH /fhir/OperationDefinition/purge-history", "", setTo("name", `"x"`), 405, "forbidden", ""},
		{"of an unknown type", "PATCH /fhir/NotAType/a", "", setTo("active", "false"), 404, "not-found", ""},
		{"strict, an unknown parameter", "PATCH /fhir/Patient/a?x=y", "Prefer: handling=strict", setTo("active", "false"), 400, "invalid", ""},
		{"a wrong X-Provenance", "PATCH /fhir/Patient/a", `X-Provenance: {"resourceType":"Provenance"}`, setTo("active", "false"), 400, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			more := []string{jsonPatchType, c.patch}
			if c.header != "" {
				more = append(more, c.header)
			}
			a := sv.do(c.line, more...).want(c.status)
			if c.code != "" {
				a.want(c.status, c.code)
			}
			if c.expression != "" {
				a.wantAt(c.expression, "issue", 0, "expression", 0)
			}
			if c.status == 410 {
				a.header("Etag", `W/"2"`)
			}
		})
	}
	if sv.model.commits != commits {
		t.Errorf("%d commits: a refused patch must change nothing", sv.model.commits-commits)
	}
	t.Run("STU3 has another status for a wrong version", func(t *testing.T) {
		sv := newServiceOf(t, definitions.STU3, Options{})
		sv.do("PUT /fhir/Patient/a", patient("a", "")).want(201)
		sv.do("PATCH /fhir/Patient/a", jsonPatchType, `If-Match: W/"7"`, setTo("active", "false")).want(409, "conflict")
	})
}

func TestPatchAnswers(t *testing.T) {
	sv := newService(t, Options{})
	sv.do("PUT /fhir/Patient/a", patient("a", "")).want(201)
	sv.do("PATCH /fhir/Patient/a", jsonPatchType, "Prefer: return=minimal", setTo("active", "true")).want(200).body("").header("Etag", `W/"2"`)
	sv.do("PATCH /fhir/Patient/a", jsonPatchType, "Prefer: return=OperationOutcome", setTo("active", "false")).want(200, "informational").
		wantAt("Patient/a was patched, its version is 3.", "issue", 0, "diagnostics")
	sv.do("PATCH /fhir/Patient/a", jsonPatchType, "Prefer: return=OperationOutcome", setTo("active", "false")).want(200, "informational").
		wantAt("Patient/a was left as it was, as the content is the same, its version is 3.", "issue", 0, "diagnostics").header("Etag", `W/"3"`)
	sv.do("PATCH /fhir/Patient/a?_elements=active", jsonPatchType, `If-Match: W/"3"`, setTo("active", "true")).want(200).header("Etag", `W/"4"`)
	sv.do("PATCH /fhir/Patient/a?_meta-history=false", jsonPatchType, setTo("meta/tag", `[{"code":"t"}]`)).want(200).header("Etag", `W/"5"`)
	sv.do("GET /fhir/Patient/a/_history/4").want(404)
	sv.do("PATCH /fhir/Patient/a?_format=json&unknown=1", jsonPatchType, setTo("active", "false")).want(200)
}

func TestConditionalPatch(t *testing.T) {
	sv := ward(t, Options{})
	withheld := newService(t, Options{Withheld: map[domain.ResourceType][]string{"Patient": {"search-type"}, "Basic": {"patch"}}})
	for _, c := range []struct {
		name, line string
		more       []string
		status     int
		code       string
	}{
		{"one match", "PATCH /fhir/Patient?_id=a", nil, 200, ""},
		{"no match", "PATCH /fhir/Patient?_id=none", nil, 404, "not-found"},
		{"several", "PATCH /fhir/Patient?_id=a,b", nil, 412, "required"},
		{"no criteria", "PATCH /fhir/Patient", nil, 412, "required"},
		{"only what is no criterion", "PATCH /fhir/Patient?_meta-history=false&_format=json", nil, 412, "required"},
		{"empty criteria", "PATCH /fhir/Patient?_tag=", nil, 412, "required"},
		{"an unknown criterion", "PATCH /fhir/Patient?_id=a&nonsense=1", nil, 400, "not-supported"},
		{"only an unknown criterion", "PATCH /fhir/Patient?nonsense=1", nil, 400, "not-supported"},
		{"another version", "PATCH /fhir/Patient?_id=b", []string{`If-Match: W/"7"`}, 412, "conflict"},
		{"the version", "PATCH /fhir/Patient?_id=b", []string{`If-Match: W/"1"`}, 200, ""},
		{"without history of meta", "PATCH /fhir/Patient?_id=c&_meta-history=false", nil, 200, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := sv.do(c.line, append(c.more, jsonPatchType, setTo("meta/tag", `[{"code":"t"}]`))...).want(c.status)
			if c.code != "" {
				a.want(c.status, c.code)
			}
		})
	}
	sv.do("GET /fhir/Patient/a/_history/1").want(200)
	sv.do("GET /fhir/Patient/c/_history/2").want(404)
	withheld.do("PATCH /fhir/Patient?_id=a", jsonPatchType, setTo("active", "true")).want(405, "forbidden")
	withheld.do("PATCH /fhir/Patient/p1", jsonPatchType, setTo("active", "true")).want(404)
	withheld.do("PATCH /fhir/Basic/p1", jsonPatchType, setTo("active", "true")).want(405, "forbidden").header("Allow", "GET, HEAD, PUT, DELETE")
}

func TestPatchesInBundles(t *testing.T) {
	setup := func(t *testing.T) *service {
		sv := newService(t, Options{})
		for _, id := range []string{"a", "b"} {
			sv.do("PUT /fhir/Patient/"+id, patient(id, `"active":true`)).want(201)
		}
		return sv
	}
	off, on := jsonBinary(setTo("active", "false")), replaceWith("Patient.active", `"valueBoolean":true`)
	for _, kind := range []string{"batch", "transaction"} {
		t.Run("in a "+kind, func(t *testing.T) {
			sv := setup(t)
			a := sv.do("POST /fhir", bundleOf(kind,
				item{line: "GET Patient/a"},
				item{line: "PATCH Patient/a", resource: off},
				item{line: "PATCH Patient?_id=b&_meta-history=false", resource: off, more: `"ifMatch":"W/\"1\""`},
				item{line: "PUT Patient/c", resource: patient("c", "")},
				item{line: "GET Patient/b"},
			)).wantStatuses("200 200 200 201 200")
			a.wantAt(false, "entry", 0, "resource", "active").wantAt(false, "entry", 1, "resource", "active").wantAt(false, "entry", 4, "resource", "active")
			a.wantAt(`W/"2"`, "entry", 1, "response", "etag").wantAt("200 OK", "entry", 1, "response", "status").wantAt(nil, "entry", 1, "response", "location")
			sv.do("POST /fhir", bundleOf(kind, item{line: "PATCH Patient/a", resource: on})).wantStatuses("200")
			sv.do("GET /fhir/Patient/a").want(200).wantAt(true, "active")
		})
	}
	t.Run("patches come after updates", func(t *testing.T) {
		sv := setup(t)
		sv.do("POST /fhir", bundleOf("batch",
			item{line: "PATCH Patient/n", resource: off},
			item{line: "PUT Patient/n", resource: patient("n", `"active":true`)},
		)).wantStatuses("200 201")
	})
	t.Run("patches of one resource follow each other", func(t *testing.T) {
		sv := setup(t)
		twice := bundleOf("batch", item{line: "PATCH Patient/a", resource: off}, item{line: "PATCH Patient/a", resource: on}, item{line: "PATCH Patient/b", resource: off})
		sv.do("POST /fhir", twice).wantStatuses("200 200 200").wantAt(`W/"3"`, "entry", 1, "response", "etag").wantAt(true, "entry", 1, "resource", "active")
		sv.do("POST /fhir", "X-Bundle-Processing-Logic: parallel", twice).wantStatuses("200 400 200")
		sv.do("POST /fhir", strings.Replace(twice, "batch", "transaction", 1)).want(400)
	})
	for _, c := range []struct {
		name       string
		item       item
		status     int
		code       string
		expression string
	}{
		{"no resource", item{line: "PATCH Patient/a"}, 400, "invalid", "Bundle.entry[0].resource"},
		{"another resource", item{line: "PATCH Patient/a", resource: patient("a", "")}, 400, "invalid", "Bundle.entry[0].resource"},
		{"a Binary of another type", item{line: "PATCH Patient/a", resource: binaryOf("text/plain", "x")}, 415, "not-supported", "Bundle.entry[0].resource.contentType"},
		{"a Binary without a type", item{line: "PATCH Patient/a", resource: `{"resourceType":"Binary","data":"W10="}`}, 415, "not-supported", "Bundle.entry[0].resource.contentType"},
		{"a Binary without data", item{line: "PATCH Patient/a", resource: `{"resourceType":"Binary","contentType":"application/json-patch+json"}`}, 400, "invalid", "Bundle.entry[0].resource.data"},
		{"data that is no string", item{line: "PATCH Patient/a", resource: `{"resourceType":"Binary","contentType":"application/json-patch+json","data":[]}`}, 400, "structure", "Bundle.entry[0].resource.data"},
		{"data that is not base64", item{line: "PATCH Patient/a", resource: `{"resourceType":"Binary","contentType":"application/json-patch+json","data":"[]"}`}, 400, "invalid", "Bundle.entry[0].resource.data"},
		{"a patch that is malformed", item{line: "PATCH Patient/a", resource: jsonBinary("[{]")}, 400, "structure", ""},
		{"a test that fails", item{line: "PATCH Patient/a", resource: jsonBinary(`[{"op":"test","path":"/active","value":false}]`)}, 400, "processing", "Patient.active"},
		{"a result that is wrong", item{line: "PATCH Patient/a", resource: jsonBinary(setTo("gender", `"x"`))}, 400, "", "Patient.gender"},
		{"nothing there", item{line: "PATCH Patient/none", resource: off}, 404, "not-found", ""},
		{"no match", item{line: "PATCH Patient?_id=none", resource: off}, 404, "not-found", ""},
		{"several matches", item{line: "PATCH Patient?_id=a,b", resource: off}, 412, "required", ""},
		{"no criteria", item{line: "PATCH Patient", resource: off}, 412, "required", ""},
		{"an unknown criterion", item{line: "PATCH Patient?nonsense=1", resource: off}, 400, "not-supported", ""},
		{"another version", item{line: "PATCH Patient/a", resource: off, more: `"ifMatch":"W/\"7\""`}, 412, "conflict", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			sv := setup(t)
			commits := sv.model.commits
			a := sv.do("POST /fhir", bundleOf("batch", c.item)).want(200)
			a.wantStatuses(fmt.Sprint(c.status))
			if c.code != "" {
				a.wantAt(c.code, "entry", 0, "response", "outcome", "issue", 0, "code")
			}
			if c.expression != "" {
				a.wantAt(c.expression, "entry", 0, "response", "outcome", "issue", 0, "expression", 0)
			}
			// As a part of a transaction it makes the others fail as well.
			a = sv.do("POST /fhir", bundleOf("transaction", c.item, item{line: "PUT Patient/c", resource: patient("c", "")})).want(c.status)
			if c.expression != "" {
				issues := a.at("issue").([]any)
				if got := issues[len(issues)-1].(map[string]any)["expression"].([]any)[0]; got != c.expression {
					t.Errorf("in a transaction the expression is %v, want %s", got, c.expression)
				}
			}
			if sv.model.commits != commits {
				t.Error("something was written")
			}
		})
	}
	t.Run("base64 in lines", func(t *testing.T) {
		sv := setup(t)
		data := base64.StdEncoding.EncodeToString([]byte(setTo("active", "false")))
		inLines := fmt.Sprintf(`{"resourceType":"Binary","contentType":"application/json-patch+json","data":"%s\n %s"}`, data[:20], data[20:])
		sv.do("POST /fhir", bundleOf("batch", item{line: "PATCH Patient/a", resource: inLines})).wantStatuses("200")
	})
	t.Run("an XML Patch in a Binary", func(t *testing.T) {
		sv := setup(t)
		sv.do("POST /fhir", bundleOf("transaction", item{line: "PATCH Patient/a", resource: jsonBinary(setTo("active", "false"))})).wantStatuses("200")
		sv.do("POST /fhir", bundleOf("transaction", item{line: "PATCH Patient/a", resource: binaryOf("application/xml-patch+xml", xmlPatch)})).wantStatuses("200").
			wantAt(true, "entry", 0, "resource", "active")
	})
	t.Run("not in STU3", func(t *testing.T) {
		sv := newServiceOf(t, definitions.STU3, Options{})
		sv.do("PUT /fhir/Patient/a", patient("a", `"active":true`)).want(201)
		a := sv.do("POST /fhir", bundleOf("batch", item{line: "PATCH Patient/a", resource: on})).wantStatuses("400")
		a.wantAt("'PATCH' is not a verb that a Bundle may use.", "entry", 0, "response", "outcome", "issue", 0, "diagnostics")
	})
}

func TestPatchInMetadata(t *testing.T) {
	for _, version := range definitions.Versions() {
		sv := newServiceOf(t, version, Options{Withheld: map[domain.ResourceType][]string{"Group": {"search-type"}, "Basic": {"patch"}}})
		a := sv.do("GET /fhir/metadata").want(200)
		if got := fmt.Sprint(a.at("patchFormat")); got != "["+strings.ReplaceAll(acceptPatch, ",", "")+"]" {
			t.Errorf("%s: patchFormat is %s", version, got)
		}
		conditional := map[any]any{"Patient": true, "Group": false, "Basic": false, "AuditEvent": false}
		for _, r := range a.at("rest", 0, "resource").([]any) {
			r := r.(map[string]any)
			want, named := conditional[r["type"]]
			if version != definitions.R5 { // the element came with R5
				want = nil
			}
			if got := r["conditionalPatch"]; named && got != want {
				t.Errorf("%s: conditionalPatch of %v is %v, want %v", version, r["type"], got, want)
			}
		}
	}
}

// TestPatchCommands looks at what becomes of a request beside its patch.
func TestPatchCommands(t *testing.T) {
	sv := newService(t, Options{})
	sv.do("PUT /fhir/Patient/a", patient("a", "")).want(201)
	sv.do("PATCH /fhir/Patient/a?_meta-history=false", jsonPatchType, `If-Match: W/"1"`, setTo("active", "true")).want(200)
	c := sv.model.commands[0]
	if c.Type != "Patient" || c.ID != "a" || *c.IfMatch != "1" || !c.KeepNoMetaHistory || c.Patch == nil {
		t.Errorf("command %+v", c)
	}
	sv.do("POST /fhir", bundleOf("transaction", item{line: "PATCH Patient/a", fullURL: "urn:uuid:1", resource: jsonBinary(setTo("active", "false"))})).wantStatuses("200")
	if c := sv.model.commands[0]; c.FullURL != "urn:uuid:1" || c.IfMatch != nil || c.KeepNoMetaHistory {
		t.Errorf("command %+v", c)
	}
}

// TestPatchesHoldMemory: what a patch makes of a large resource counts against the
// memory for bodies, also for the entries of a Bundle, and is given back.
func TestPatchesHoldMemory(t *testing.T) {
	sv := newService(t, Options{})
	sv.do("PUT /fhir/Patient/a", patient("a", "")).want(201)
	greedy := &reserving{Writer: sv.model, budget: sv.s.bodies}
	sv.s.writer = greedy
	patchOne := func() { sv.do("PATCH /fhir/Patient/a", jsonPatchType, setTo("active", "true")).want(greedy.status) }
	patchBatch := func() {
		sv.do("POST /fhir", bundleOf("batch", item{line: "PATCH Patient/a", resource: jsonBinary(setTo("active", "true"))})).wantStatuses(fmt.Sprint(greedy.status))
	}
	for _, c := range []struct {
		bytes  int64
		status int
	}{{1 << 20, 200}, {sv.s.bodies.most + 1, 413}} {
		greedy.bytes, greedy.status = c.bytes, c.status
		patchOne()
		patchBatch()
		if c.status == 200 && greedy.used < c.bytes {
			t.Errorf("%d bytes in use while %d are held", greedy.used, c.bytes)
		}
		if used := sv.s.bodies.used.Load(); used != 0 {
			t.Errorf("%d bytes are not given back", used)
		}
	}
}

// reserving is a Writer that takes memory first.
type reserving struct {
	Writer
	bytes  int64
	status int // of the answer that is due
	used   int64
	budget *budget
}

func (g *reserving) Commit(ctx context.Context, caller commit.Caller, commands []commit.Command) ([]commit.Outcome, error) {
	if err := caller.Reserve(ctx, g.bytes); err != nil {
		return nil, err
	}
	g.used = g.budget.used.Load()
	return g.Writer.Commit(ctx, caller, commands)
}
