package httpapi

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"fhirlog/domain/definitions"
)

func TestNegotiation(t *testing.T) {
	sv := newService(t, Options{})
	sv.do("PUT /fhir/Patient/a", patient("a", "")).want(201)
	const json, plain, xml, plainXML, textXML = "application/fhir+json", "application/json", "application/fhir+xml", "application/xml", "text/xml"
	for _, c := range []struct {
		accept string
		want   string // "" for 406
	}{
		{"application/fhir+json;q=0.5, application/json", plain},
		{"application/json, */*;q=0.1", plain},
		{"*/*", json},
		{"application/*", json},
		{"application/json", plain},
		{"application/fhir+json", json},
		{"APPLICATION/FHIR+JSON", json},
		{"application/fhir+json; fhirVersion=4.0", json},
		{"application/fhir+json; fhirVersion=4.0.1", json},
		{"application/fhir+json; fhirVersion=3.0", ""},
		{"application/fhir+json; fhirVersion=4", ""},
		{"application/fhir+json; fhirVersion=3.0, application/fhir+json", json},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", plainXML},
		{"application/fhir+xml", xml},
		{"application/xml", plainXML},
		{"text/xml", textXML},
		{"text/*", textXML},
		{"application/fhir+xml; fhirVersion=4.0", xml},
		{"application/fhir+xml; fhirVersion=3.0", ""},
		{"application/fhir+xml, application/fhir+json;q=0.1", xml},
		{"application/fhir+xml, application/fhir+json", json},
		{"application/fhir+xml, */*", xml},
		{"application/fhir+json;q=0.9, application/fhir+xml;q=0.8", json},
		{"application/xml, application/json;q=0.9", plainXML},
		{"application/fhir+json;q=0, application/json;q=0", ""},
		{"application/fhir+json;q=0, application/json;q=0, */*", xml},
		{"application/fhir+json;q=0, */*", plain},
		{"application/fhir+json;q=2", ""},
		{"text/plain", ""},
		{"garbage/", ""},
	} {
		t.Run(c.accept, func(t *testing.T) {
			a := sv.do("GET /fhir/Patient/a", "Accept: "+c.accept).header("Vary", "Accept, Accept-Encoding")
			if c.want == "" {
				a.want(406, "not-supported").header("Content-Type", json+"; charset=utf-8")
				return
			}
			a.want(200).header("Content-Type", c.want+"; charset=utf-8")
		})
	}
	t.Run("plain JSON is kept to", func(t *testing.T) {
		const accept, want = "Accept: application/json", "application/json; charset=utf-8"
		sv.do("GET /fhir/_history", accept).want(200).header("Content-Type", want)
		sv.do("POST /fhir", accept, bundleOf("batch", item{line: "GET Patient/a"})).want(200).header("Content-Type", want)
		sv.do("GET /fhir/Patient/none", accept).want(404).header("Content-Type", want)
		sv.do("GET /fhir/Patient/a?_format=json", accept).want(200).header("Content-Type", "application/fhir+json; charset=utf-8")
		sv.do("PUT /fhir/Patient/a", accept, "Prefer: return=minimal", patient("a", "")).want(200).header("Content-Type", "")
	})
	for _, c := range []struct {
		format string
		status int
		want   string
	}{
		{"json", 200, json}, {"application/json", 200, json}, {"application/fhir+json", 200, json}, {"application/fhir%2Bjson", 200, json},
		{"application/fhir%2Bjson;%20fhirVersion=4.0", 200, json}, {"application/fhir%2Bjson;fhirVersion=5.0", 406, json},
		{"xml", 200, xml}, {"application/fhir+xml", 200, xml}, {"application/fhir%2Bxml", 200, xml}, {"application/xml", 200, xml}, {"text/xml", 200, xml},
		{"application/fhir%2Bxml;fhirVersion=4.0", 200, xml}, {"application/fhir%2Bxml;fhirVersion=5.0", 406, json},
		{"html", 406, json}, {"", 406, json}, {"nonsense", 406, json}, {"json&_format=xml", 400, json},
	} {
		t.Run("_format="+c.format, func(t *testing.T) {
			sv.do("GET /fhir/Patient/a?_format="+c.format, "Accept: text/plain").want(c.status).header("Content-Type", c.want+"; charset=utf-8")
		})
	}
}

func TestContentType(t *testing.T) {
	sv := newService(t, Options{})
	for _, c := range []struct {
		given  string
		status int
	}{
		{"application/fhir+json", 201}, {"application/json", 201}, {"Application/FHIR+json; charset=UTF-8", 201},
		{"application/fhir+json; fhirVersion=4.0", 201}, {"application/fhir+json; fhirVersion=5.0", 415},
		{"application/fhir+json; charset=latin1", 415}, {"application/fhir+xml; charset=latin1", 415}, {"application/fhir+xml; fhirVersion=5.0", 415}, {"text/plain", 415}, {"/", 415}, {"", 415},
	} {
		t.Run(c.given, func(t *testing.T) {
			h, _ := http.NewRequest("POST", "http://example.com/fhir/Patient", strings.NewReader(`{"resourceType":"Patient"}`))
			if c.given != "" {
				h.Header.Set("Content-Type", c.given)
			}
			a := sv.send(h).want(c.status)
			if c.status == 415 {
				a.want(415, "not-supported")
			}
		})
	}
}

func TestRequestIDs(t *testing.T) {
	sv := newService(t, Options{})
	for _, c := range []struct{ given, echoed string }{
		{"abc-123", "abc-123"},
		{"", ""},
		{"with blank", ""},
		{"é", ""},
		{strings.Repeat("x", 129), ""},
		{strings.Repeat("x", 128), strings.Repeat("x", 128)},
	} {
		sv.do("GET /fhir/Patient/a", "X-Request-Id: "+c.given).want(404).header("X-Request-Id", "request-1").header("X-Correlation-Id", c.echoed)
	}
	t.Run("the server's own are ULIDs and differ", func(t *testing.T) {
		first, second := newID(), newID()
		if len(first) != 26 || first == second {
			t.Errorf("%q, %q", first, second)
		}
	})
}

func TestGzip(t *testing.T) {
	sv := newService(t, Options{MaxBodyBytes: 100_000, MaxBodyBytesInFlight: 200_000})
	text := `"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">` + strings.Repeat("text ", 2000) + `</div>"}`
	large := patient("a", text)
	t.Run("request", func(t *testing.T) {
		sv.do("PUT /fhir/Patient/a", "Content-Encoding: gzip", "Content-Type: application/fhir+json", "{"+string(zipped(large))).want(400) // the brace spoils it
		sv.sendZipped(t, "PUT", "/fhir/Patient/a", zipped(large)).want(201)
		sv.sendZipped(t, "PUT", "/fhir/Patient/a", zipped(large)[:100]).want(400, "invalid")
		sv.sendZipped(t, "PUT", "/fhir/Patient/a", nil).want(400, "invalid")
		sv.sendZipped(t, "PUT", "/fhir/Patient/a", zipped(strings.Repeat(" ", 100_000))).want(400, "structure")
		sv.sendZipped(t, "PUT", "/fhir/Patient/a", zipped(strings.Repeat(" ", 100_001))).want(413, "invalid")
		sv.do("PUT /fhir/Patient/a", "Content-Encoding: br", large).want(415, "not-supported").header("Accept-Encoding", "gzip")
		sv.do("PUT /fhir/Patient/a", "Content-Encoding: identity", large).want(200)
	})
	t.Run("answer", func(t *testing.T) {
		plain := sv.do("GET /fhir/Patient/a").want(200).header("Content-Encoding", "")
		for _, accept := range []string{"gzip", "br, GZIP;q=0.5", "*", "deflate, gzip;q=1.0, *;q=0"} {
			a := sv.do("GET /fhir/Patient/a", "Accept-Encoding: "+accept).want(200).header("Content-Encoding", "gzip")
			if got := unzipped(t, a.Body.Bytes()); got != plain.Body.String() {
				t.Errorf("%s: unzipped answer differs", accept)
			}
		}
		for _, accept := range []string{"br", "gzip;q=0", "gzip;q=0, *", "gzip;q=x", ""} {
			sv.do("GET /fhir/Patient/a", "Accept-Encoding: "+accept).want(200).header("Content-Encoding", "")
		}
		sv.do("GET /fhir/Patient/none", "Accept-Encoding: gzip").want(404).header("Content-Encoding", "")
		sv.do("HEAD /fhir/Patient/a", "Accept-Encoding: gzip").want(200).body("")
	})
	t.Run("switched off", func(t *testing.T) {
		sv := newService(t, Options{NoCompression: true})
		sv.do("PUT /fhir/Patient/a", large).want(201)
		sv.do("GET /fhir/Patient/a", "Accept-Encoding: gzip").want(200).header("Content-Encoding", "")
	})
}

func zipped(s string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(s))
	_ = z.Close()
	return b.Bytes()
}

func unzipped(t *testing.T, b []byte) string {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestCORS(t *testing.T) {
	sv := newService(t, Options{CORS: CORS{Origins: []string{"https://app.example"}, MaxAge: 600e9, Credentials: true}})
	t.Run("preflight", func(t *testing.T) {
		sv.do("OPTIONS /fhir/Patient/a", "Origin: https://app.example", "Access-Control-Request-Method: PUT").want(204).
			header("Access-Control-Allow-Origin", "https://app.example").header("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE").
			header("Access-Control-Max-Age", "600").header("Access-Control-Allow-Credentials", "true").header("Vary", "Accept, Accept-Encoding")
		sv.do("OPTIONS /fhir/Patient/a", "Origin: https://other.example", "Access-Control-Request-Method: PUT").want(204).
			header("Access-Control-Allow-Origin", "").header("Access-Control-Allow-Methods", "")
	})
	t.Run("request", func(t *testing.T) {
		if vary := sv.do("GET /fhir/metadata").want(200).Header().Values("Vary"); strings.Join(vary, ", ") != "Accept, Accept-Encoding, Origin" {
			t.Errorf("Vary is %q", vary)
		}
		sv.do("GET /fhir/Patient/a", "Origin: https://app.example").want(404).header("Access-Control-Allow-Origin", "https://app.example").header("Access-Control-Expose-Headers", exposedHeaders)
		sv.do("GET /fhir/Patient/a", "Origin: https://other.example").want(404).header("Access-Control-Allow-Origin", "")
		sv.do("OPTIONS /fhir/Patient/a", "Origin: https://app.example").want(405)
	})
	t.Run("any origin, own lists", func(t *testing.T) {
		sv := newService(t, Options{CORS: CORS{Origins: []string{"*"}, Methods: []string{"GET"}, Headers: []string{"*"}}})
		sv.do("OPTIONS /fhir/Patient/a", "Origin: https://x.example", "Access-Control-Request-Method: GET", "Access-Control-Request-Headers: x-a, x-b").want(204).
			header("Access-Control-Allow-Origin", "*").header("Access-Control-Allow-Methods", "GET").header("Access-Control-Allow-Headers", "x-a, x-b")
		sv.do("GET /fhir/metadata").want(200).wantAt(true, "rest", 0, "security", "cors")
	})
	t.Run("off", func(t *testing.T) {
		newService(t, Options{}).do("OPTIONS /fhir/Patient/a", "Origin: https://x.example", "Access-Control-Request-Method: GET").want(405).header("Access-Control-Allow-Origin", "")
	})
}

func TestVersions(t *testing.T) {
	for version, short := range map[definitions.Version]string{definitions.R4: "4.0", definitions.STU3: "3.0", definitions.R4B: "4.3", definitions.R5: "5.0"} {
		sv := newServiceOf(t, version, Options{})
		sv.do("GET /fhir/$versions", "Accept: application/json").want(200).body(`{"versions":["`+short+`"],"default":"`+short+`"}`).header("Content-Type", "application/json; charset=utf-8")
		sv.do("GET /fhir/$versions").want(200).wantAt("Parameters", "resourceType").wantAt("version", "parameter", 0, "name").wantAt(short, "parameter", 0, "valueCode")
		sv.do("GET /fhir/$versions", "Accept: application/fhir+json, application/json;q=0.9").want(200).wantAt("Parameters", "resourceType")
		sv.do("GET /fhir/$versions", "Accept: text/html").want(406)
	}
}
