package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/definitions"
)

func TestOptions(t *testing.T) {
	d, err := definitions.Load(definitions.R4)
	if err != nil {
		t.Fatal(err)
	}
	m := newModel(d)
	t.Run("every mistake at once", func(t *testing.T) {
		_, err := New(Dependencies{Writer: m, Reader: m, Searcher: m, Definitions: d}, Options{
			BasePath: "fhir", BaseURL: "ftp://x", MaxBodyBytes: -1, MaxConcurrent: -1, RequestTimeout: -1, NoHistory: []domain.ResourceType{"Nope"},
			VersioningOf: map[domain.ResourceType]commit.VersioningPolicy{"Nil": 0}, Withheld: map[domain.ResourceType][]string{"Patient": {"reed"}, "None": nil},
			CORS: CORS{Origins: []string{"*", "app.example"}, Credentials: true, MaxAge: -1},
		})
		if err == nil {
			t.Fatal("accepted")
		}
		for _, part := range []string{"base path", "base URL", "body bytes", "concurrent", "request timeout", `"Nope"`, `"Nil"`, `"reed"`, `"None"`, "exact origins", `"app.example"`, "max age"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q is not mentioned in:\n%v", part, err)
			}
		}
	})
	for _, o := range []Options{{BasePath: "/a//b"}, {BasePath: "/a?b"}, {BasePath: "/{x}"}, {BaseURL: "http://x/?y"}, {MaxBodyBytes: 10, MaxBodyBytesInFlight: 5}} {
		if _, err := New(Dependencies{Writer: m, Reader: m, Searcher: m, Definitions: d}, o); err == nil {
			t.Errorf("%+v accepted", o)
		}
	}
	for _, o := range []Options{{}, {BasePath: "/"}, {BasePath: "/fhir/r4/"}, {MaxBodyBytes: 1 << 30}, {Metrics: prometheus.NewRegistry()}} {
		if _, err := New(Dependencies{Writer: m, Reader: m, Searcher: m, Definitions: d}, o); err != nil {
			t.Error(err)
		}
	}
	if _, err := New(Dependencies{}, Options{}); err == nil {
		t.Error("a server without a writer")
	}
}

func TestHealth(t *testing.T) {
	sv := newService(t, Options{})
	sv.do("GET /health/check").want(200).body(`{"overallStatus":"Healthy","details":[]}`).header("Content-Type", "application/json; charset=utf-8")
	sick := error(nil)
	sv.s.checks = []HealthCheck{{"log", func(context.Context) error { return nil }}, {"disk", func(context.Context) error { return sick }}}
	sv.do("GET /fhir/health/check").want(200).wantAt("Healthy", "details", 1, "status")
	sick = errors.New("full")
	sv.do("GET /health/check").want(503).wantAt("Unhealthy", "overallStatus").wantAt("disk", "details", 1, "name").wantAt("full", "details", 1, "description").wantAt("Healthy", "details", 0, "status")
	sick = fmt.Errorf("wrapped: %w", Degraded("nearly full"))
	sv.do("GET /health/check").want(200).wantAt("Degraded", "overallStatus").wantAt("wrapped: nearly full", "details", 1, "description").wantAt("Degraded", "details", 1, "status").wantAt("Healthy", "details", 0, "status")
	for _, order := range [][]error{{errors.New("gone"), sick}, {sick, errors.New("gone")}} {
		sv.s.checks = nil
		for _, err := range order {
			sv.s.checks = append(sv.s.checks, HealthCheck{"check", func(context.Context) error { return err }})
		}
		sv.do("GET /health/check").want(503).wantAt("Unhealthy", "overallStatus")
	}
}

func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	sv := newService(t, Options{Metrics: registry})
	sv.do("PUT /fhir/Patient/secretid?secretname=secretvalue", patient("secretid", "")).want(201)
	sv.do("GET /fhir/Patient/secretid").want(200)
	sv.do("GET /fhir/Patient/other").want(404)
	sv.do("GET /fhir/secretpath").want(404)
	sv.do("SECRET /fhir/Patient/a").want(405)
	if families, err := registry.Gather(); len(families) != 7 || err != nil {
		t.Errorf("%d metrics in the registry, %v", len(families), err)
	}
	text := sv.do("GET /metrics").want(200).Body.String()
	for _, line := range []string{
		`fhirlog_http_requests_total{method="GET",route="/{type}/{id}",status="2xx"} 1`,
		`fhirlog_http_requests_total{method="GET",route="/{type}/{id}",status="4xx"} 1`,
		`fhirlog_http_requests_total{method="GET",route="unknown",status="4xx"} 1`,
		`fhirlog_http_requests_total{method="other",route="/{type}/{id}",status="4xx"} 1`,
		`fhirlog_http_request_seconds_count{method="PUT",route="/{type}/{id}"} 1`,
		`fhirlog_http_received_bytes_total 42`,
		`fhirlog_http_requests_in_flight 1`,
		`fhirlog_http_body_bytes 0`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
	if strings.Contains(text, "secret") {
		t.Error("a part of a request is in the metrics")
	}
}

func TestLogs(t *testing.T) {
	var log bytes.Buffer
	sv := newService(t, Options{Logger: zerolog.New(&log)})
	one := func(t *testing.T) map[string]any {
		t.Helper()
		var line map[string]any
		if err := json.Unmarshal(log.Bytes(), &line); err != nil {
			t.Fatalf("%v in %s", err, &log)
		}
		log.Reset()
		return line
	}
	t.Run("a line for each request", func(t *testing.T) {
		sv.do("PUT /fhir/Patient/secret?secret=secret", "X-Request-Id: secret", patient("secret", `"name":[{"family":"secret"}]`)).want(201)
		if strings.Contains(log.String(), "secret") {
			t.Errorf("a part of the request is in %s", &log)
		}
		line := one(t)
		for name, want := range map[string]any{"level": "debug", "method": "PUT", "route": "/{type}/{id}", "resource_type": "Patient", "status": 201.0, "request_id": "request-1"} {
			if line[name] != want {
				t.Errorf("%s is %v, want %v", name, line[name], want)
			}
		}
		if _, ok := line["elapsed"].(float64); !ok {
			t.Errorf("elapsed is %v", line["elapsed"])
		}
	})
	t.Run("what the client makes up is not repeated", func(t *testing.T) {
		sv.do("SECRET /fhir/Secret/secret?secret").want(404)
		if strings.Contains(strings.ToLower(log.String()), "secret") {
			t.Errorf("a part of the request is in %s", &log)
		}
		log.Reset()
	})
	t.Run("failures of the server, with the whole chain", func(t *testing.T) {
		sv.model.fail = errors.Join(errors.New("read position 7"), errors.New("disk gone"))
		sv.do("GET /fhir/Patient/a").want(500)
		if text := log.String(); !strings.Contains(text, `"level":"error"`) || !strings.Contains(text, "disk gone") || !strings.Contains(text, "request-1") {
			t.Errorf("log %s", text)
		}
	})
	t.Run("silent above debug", func(t *testing.T) {
		log.Reset()
		sv := newService(t, Options{Logger: zerolog.New(&log).Level(zerolog.InfoLevel)})
		sv.do("GET /fhir/Patient/a").want(404)
		if log.Len() > 0 {
			t.Errorf("log %s", &log)
		}
	})
}

func TestDefaultsServe(t *testing.T) {
	d, err := definitions.Load(definitions.R4)
	if err != nil {
		t.Fatal(err)
	}
	m := newModel(d)
	s, err := New(Dependencies{Writer: m, Reader: m, Searcher: m, Definitions: d}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	sv := &service{t: t, s: s, model: m}
	a := sv.do("GET /fhir/Patient/a").want(404)
	if id := a.Header().Get("X-Request-Id"); len(id) != 26 || a.string("id") != id {
		t.Errorf("request id %q, outcome id %q", id, a.string("id"))
	}
	if at, err := time.Parse(time.RFC3339, a.string("meta", "lastUpdated")); err != nil || time.Since(at).Abs() > time.Minute {
		t.Errorf("lastUpdated %v, %v", at, err)
	}
}
