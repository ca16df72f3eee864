package main

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fhirlog/cmd/fhirlog/internal/keysource/transit"
)

// awaitStatus waits until a request is answered with a status.
func (s *server) awaitStatus(status int, path string) answer {
	s.t.Helper()
	var a answer
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		var err error
		if a, err = s.ask("GET", path, ""); err != nil {
			s.t.Fatalf("GET %s: %v\n%s", path, err, s.stderr.String())
		}
		if a.status == status {
			return a
		}
	}
	s.t.Fatalf("GET %s: %d, and never %d\n%s", path, a.status, status, a.body)
	return a
}

// metric is the line of a metric.
func (s *server) metric(name string) string {
	s.t.Helper()
	for line := range strings.Lines(string(s.get("/metrics"))) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	s.t.Fatalf("there is no metric %s", name)
	return ""
}

// checkGone: nothing is answered, and everybody is told why.
func (s *server) checkGone() {
	s.t.Helper()
	a := s.awaitStatus(403, "/Patient/a")
	for _, part := range []string{`"code":"invalid"`, "OperationOutcome", "give the key back"} {
		if !strings.Contains(string(a.body), part) {
			s.t.Errorf("the answer lacks %s:\n%s", part, a.body)
		}
	}
	s.must(403, "PUT", "/Patient/b", `{"resourceType":"Patient","id":"b"}`)
	s.must(403, "GET", "/Patient?name=x", "")
	s.must(200, "GET", "/metadata", "")
	if health := s.must(503, "GET", "/health/check", ""); !strings.Contains(string(health.body), "operator's key is gone") {
		s.t.Errorf("health: %s", health.body)
	}
	if value := s.metric("fhirlog_encryption_key_gone"); value != "1" {
		s.t.Errorf("the metric says %s", value)
	}
	s.logLine("the operator's key is gone: requests are answered with 403 until it is back")
}

// checkBack: all is as before.
func (s *server) checkBack() {
	s.t.Helper()
	s.awaitStatus(200, "/Patient/a")
	s.must(200, "GET", "/health/check", "")
	s.must(200, "PUT", "/Patient/a", `{"resourceType":"Patient","id":"a","active":`+boolean(s.next())+`}`)
	if value := s.metric("fhirlog_encryption_key_gone"); value != "0" {
		s.t.Errorf("the metric says %s", value)
	}
}

// next turns round which of two contents the next write has.
func (s *server) next() bool {
	return !strings.Contains(string(s.must(200, "GET", "/Patient/a", "").body), `"active":true`)
}

func boolean(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// TestKeyFileGone: a key that is taken away stops everything until it is back, also if
// another one is put in its place.
func TestKeyFileGone(t *testing.T) {
	key := useKey(t)
	s := startServer(t, t.TempDir(), often...)
	s.must(201, "PUT", "/Patient/a", `{"resourceType":"Patient","id":"a"}`)
	away := key + ".away"
	move := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	move(key, away)
	s.checkGone()
	mustRun(t, "key", "new", key)
	time.Sleep(200 * time.Millisecond)
	s.checkGone()
	move(away, key)
	s.checkBack()
	s.stop()
	mustRun(t, "verify", "--data", s.data)
}

// TestKeyService: a service that refuses stops everything; one that gives no answer does
// not, but for a start; and it may rotate its keys as it likes.
func TestKeyService(t *testing.T) {
	service := &transit.Service{Token: "t0ken"}
	service.Rotate("fhirlog")
	served := httptest.NewServer(service)
	defer served.Close()
	t.Setenv("VAULT_TOKEN", "t0ken")
	t.Setenv("VAULT_MAX_RETRIES", "0")
	t.Setenv(testKey, "hcvault+"+served.URL+"/transit/keys/fhirlog")
	data := filepath.Join(t.TempDir(), "data")
	s := startServer(t, data, often...)
	s.must(201, "PUT", "/Patient/a", `{"resourceType":"Patient","id":"a","name":[{"family":"zqservice"}]}`)
	service.Answer(403)
	s.checkGone()
	service.Answer(0)
	s.checkBack()

	service.Answer(503)
	s.logLine("it cannot be found out whether the operator's key is still there; the server goes on answering, and could not start again")
	s.checkBack()
	if health := s.must(200, "GET", "/health/check", ""); !strings.Contains(string(health.body), `"Degraded"`) {
		t.Errorf("health while the service gives no answer: %s", health.body)
	}
	if value := s.metric("fhirlog_encryption_key_unreachable_seconds"); value == "0" {
		t.Error("the metric says that the service can be reached")
	}
	service.Answer(403)
	s.checkGone()
	service.Answer(503) // it may be back, or not
	time.Sleep(200 * time.Millisecond)
	s.checkGone()
	service.Answer(0)
	s.checkBack()

	service.Rotate("fhirlog")
	asked := service.Asked()
	for deadline := time.Now().Add(patience); service.Asked() < asked+3; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the service is not asked any more\n%s", s.stderr.String())
		}
	}
	s.checkBack()
	s.stop()
	service.Answer(503)
	mustFail(t, "the key service cannot be reached", "verify", "--data", data)
	service.Answer(403)
	mustFail(t, "denied", "verify", "--data", data)
	service.Answer(0)
	if out := mustRun(t, "verify", "--data", data); !strings.Contains(out, "hcvault:transit/keys/fhirlog") {
		t.Errorf("verify does not tell the key:\n%s", out)
	}
}

// TestEncryptionTurnedOn: a folder that was not encrypted goes on, what is written from
// then on is encrypted at once, a compaction does the rest, and there is no way back
// without the key.
func TestEncryptionTurnedOn(t *testing.T) {
	withKey(t, "")
	s := startServer(t, filepath.Join(t.TempDir(), "data"), often...)
	w := &marked{server: s, gone: marks{letter: "e"}, kept: marks{letter: "k"}}
	w.givenNames(50)
	w.put(&w.kept, markedPatient, "Patient/before")
	w.stop()
	useKey(t)
	before := w.kept.all
	w.kept.all = nil
	w.server = startServer(t, s.data, often...)
	w.logLine("the data folder is encrypted from now on: what is written, at once; the projections are computed anew; the rest of the log with the next compaction, POST $compact or fhirlog compact")
	w.must(200, "GET", "/Patient/before", "")
	w.put(&marks{letter: "x"}, markedPatient, "Patient/after")
	after := marks{letter: "k", all: before}
	w.put(&after, markedPatient, "Patient/after")
	w.kept.all = after.all[len(before):]
	w.lookWithoutKeys("turned on", s.data)
	if w.metric("fhirlog_log_encrypted_segments") == w.metric("fhirlog_log_segments") {
		t.Error("all segments are encrypted before a compaction: that shows nothing")
	}
	w.stop()
	if out := mustRun(t, "verify", "--data", s.data); !strings.Contains(out, "encrypted    1 of 2 segments") {
		t.Errorf("verify: %s", out)
	}
	w.server = startServer(t, s.data, often...)
	w.logLine("a part of the log is not encrypted yet: the next compaction does it, POST $compact or fhirlog compact")
	w.compact()
	w.kept.all = after.all
	w.lookWithoutKeys("after a compaction", s.data)
	w.lookWithKeys("after a compaction")
	if encrypted, all := w.metric("fhirlog_log_encrypted_segments"), w.metric("fhirlog_log_segments"); encrypted != all {
		t.Errorf("after a compaction %s of %s segments are encrypted", encrypted, all)
	}
	w.stop()
	withKey(t, "")
	mustFail(t, "--encryption-key", "serve", "--data", s.data, "--listen", "127.0.0.1:0")
	mustFail(t, "--encryption-key", "rebuild", "--data", s.data)
}

// TestEncryptionTurnedOnWithoutAServer: a compaction of a folder that is stopped encrypts
// all of it, and says so; a keyring that is lost is not replaced by another one.
func TestEncryptionTurnedOnWithoutAServer(t *testing.T) {
	withKey(t, "")
	w := &marked{server: startServer(t, filepath.Join(t.TempDir(), "data")), kept: marks{letter: "k"}}
	w.put(&w.kept, markedPatient, "Patient/a")
	w.stop()
	useKey(t)
	if out := mustRun(t, "compact", "--data", w.data); !strings.Contains(out, "1 segments were not encrypted, and are now") {
		t.Errorf("compact: %s", out)
	}
	w.lookWithoutKeys("after a compaction", w.data)
	w.lookWithKeys("after a compaction")
	checkProjections(t, w.data)
	ring := filepath.Join(w.data, "keyring")
	if err := os.Rename(ring, ring+".away"); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"compact", "rebuild", "verify", "replay"} {
		mustFail(t, "bring the newest", command, "--data", w.data)
	}
	mustFail(t, "bring the newest", "serve", "--data", w.data, "--listen", "127.0.0.1:0")
	if _, err := os.Stat(ring); err == nil {
		t.Error("a keyring was made that opens nothing")
	}
	if err := os.Rename(ring+".away", ring); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "verify", "--data", w.data)
}
