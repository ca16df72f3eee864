package main

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fhirlog/cmd/fhirlog/internal/leftovers"
	"fhirlog/replay/backup"
)

// mustRun runs the program, which must end without an error, and gives what it printed.
func mustRun(t testing.TB, args ...string) string {
	t.Helper()
	stdout, stderr, err := runProgram(t, args...)
	if err != nil {
		t.Fatalf("fhirlog %q: %v\n%s%s", args, err, stdout, stderr)
	}
	return stdout
}

// mustFail runs the program, which must end with an error that says so.
func mustFail(t testing.TB, want string, args ...string) {
	t.Helper()
	stdout, stderr, err := runProgram(t, args...)
	if err == nil || !strings.Contains(stderr, want) {
		t.Errorf("fhirlog %q: %v, want %q\n%s%s", args, err, want, stdout, stderr)
	}
}

// answersAsOf asks for the same as of a position.
func answersAsOf(s *server, asOf string) map[string]string {
	answers := map[string]string{}
	for _, path := range []string{"/Patient?_total=accurate&_count=1000&_sort=_id", "/Patient?name=Family&_summary=count", "/Patient/a7", "/Patient/b3", "/Patient?_id=c5"} {
		full := path
		if asOf != "" {
			joint := "?"
			if strings.Contains(path, "?") {
				joint = "&"
			}
			full += joint + "_asOf=" + asOf
		}
		a, err := s.ask("GET", full, "")
		if err != nil {
			s.t.Fatal(err)
		}
		var bundle struct {
			ResourceType string
			Total        *int
			Entry        []struct{ Resource json.RawMessage }
		}
		if err := json.Unmarshal(a.body, &bundle); err != nil {
			s.t.Fatalf("GET %s: %v: %s", full, err, a.body)
		}
		text := fmt.Sprint(a.status, " ", bundle.ResourceType, " ")
		switch {
		case bundle.ResourceType == "Bundle":
			if bundle.Total != nil {
				text += fmt.Sprint("total ", *bundle.Total, " ")
			}
			for _, e := range bundle.Entry {
				text += string(e.Resource) + "\n"
			}
		case a.status == 200:
			text += string(a.body)
		}
		answers[path] = text
	}
	return answers
}

func sameAnswers(t testing.TB, what string, got, want map[string]string) {
	t.Helper()
	for path, answer := range want {
		if got[path] != answer {
			t.Errorf("%s: GET %s gives\n%.600s\nwant\n%.600s", what, path, got[path], answer)
		}
	}
}

// TestBackupAndRestore backs up a server that runs, and restores it as of now and as of
// a moment before; the copies answer as the first one does.
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, target := filepath.Join(dir, "data"), filepath.Join(dir, "target")
	s := startServer(t, data)
	writePatients(t, s, "a", 150)
	mustRun(t, "backup", "--data", data, "--to", target)
	writePatients(t, s, "b", 150)
	s.must(204, "DELETE", "/Patient/a7", "")
	s.get("/log/proof?position=300") // makes a checkpoint of all
	if out := mustRun(t, "backup", "--data", data, "--to", target, "--dry-run"); !strings.Contains(out, "would be copied") {
		t.Errorf("a dry run says\n%s", out)
	}
	if out := mustRun(t, "backup", "list", target); strings.Contains(out, "\n2 ") {
		t.Errorf("a dry run has made a backup:\n%s", out)
	}
	if out := mustRun(t, "backup", "--data", data, "--to", target); !strings.Contains(out, "301 records") || !strings.Contains(out, "signed   301") {
		t.Errorf("the second run says\n%s", out)
	}
	key := filepath.Join(data, "proof", "key.pub")
	if out := mustRun(t, "backup", "verify", target, "--key", key); !strings.Contains(out, "301 records") || !strings.Contains(out, "last one is of 301") {
		t.Errorf("verify says\n%s", out)
	}
	now, then := answersAsOf(s, ""), answersAsOf(s, "199")
	kept := filepath.Join(dir, "checkpoint")
	if err := os.WriteFile(kept, s.get("/log/checkpoint"), 0o600); err != nil {
		t.Fatal(err)
	}

	whole := filepath.Join(dir, "whole")
	if out := mustRun(t, "restore", "--from", target, "--data", whole, "--key", key); !strings.Contains(out, "proven: these records are the first ones of the 301") || !strings.Contains(out, "continues") {
		t.Errorf("restore says\n%s", out)
	}
	// A restored copy is a prefix of the original: it agrees with a checkpoint that an
	// auditor kept.
	if out := mustRun(t, "verify", "--data", whole, "--key", key, "--checkpoint", kept); !strings.Contains(out, "the last one is of 301") {
		t.Errorf("verify says\n%s", out)
	}
	mustFail(t, "not empty", "restore", "--from", target, "--data", whole)
	mustFail(t, "key is missing", "serve", "--data", whole, "--listen", "127.0.0.1:0")
	again := startServer(t, whole, "--log-key", filepath.Join(data, "proof", "key"))
	sameAnswers(t, "all", answersAsOf(again, ""), now)
	sameAnswers(t, "all, as of before", answersAsOf(again, "199"), then)
	again.stop()

	forked := filepath.Join(dir, "forked")
	// Position 199 is in the middle of a transaction: up to its end.
	size := strings.Fields(mustRun(t, "restore", "--from", target, "--data", forked, "--until", "199"))[1]
	out := mustRun(t, "verify", "--data", forked)
	if !strings.Contains(out, "the first "+size+" records are those of fhirlog/") {
		t.Errorf("verify of a fork says\n%s", out)
	}
	mustFail(t, "must not be signed in its name", "serve", "--data", forked, "--listen", "127.0.0.1:0", "--log-key", filepath.Join(data, "proof", "key"))
	fork := startServer(t, forked)
	sameAnswers(t, "a moment", answersAsOf(fork, ""), then)
	fork.logLine("this log is a fork: it begins with so many records of another one")
	writePatients(t, fork, "c", 10)
	if string(fork.get("/log/key")) == string(s.get("/log/key")) {
		t.Error("a fork has the key of the log it was forked from")
	}
	fork.stop()
	out = mustRun(t, "verify", "--data", forked)
	if !strings.Contains(out, "the first "+size+" records are those of fhirlog/") || !strings.Contains(out, "checkpoints ") {
		t.Errorf("verify of a fork that has grown says\n%s", out)
	}
	mustFail(t, "give another target", "backup", "--data", forked, "--to", target)
	// The copy of a fork is that fork, and still proves where it comes from.
	mustRun(t, "backup", "--data", forked, "--to", target+"-of-fork", "--with-key")
	mustRun(t, "restore", "--from", target+"-of-fork", "--data", filepath.Join(dir, "fork2"))
	out = mustRun(t, "verify", "--data", filepath.Join(dir, "fork2"))
	if !strings.Contains(out, "the first "+size+" records are those of fhirlog/") {
		t.Errorf("verify of the copy of a fork says\n%s", out)
	}
	mustFail(t, "must not be signed in its name", "prove", "--position", "1", "--sign", "--data", filepath.Join(dir, "fork2"), "--log-key", filepath.Join(data, "proof", "key"))
	mustFail(t, "are not apart", "backup", "--data", data, "--to", filepath.Join(data, "backup"))
	mustFail(t, "no backup at", "restore", "--from", filepath.Join(dir, "nothing"), "--data", filepath.Join(dir, "new"))
	s.stop()
}

// TestBackupUnderLoad backs up while clients write, and while the server compacts; some
// runs are killed. What was acknowledged before a run began is in what it leaves.
func TestBackupUnderLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, target := filepath.Join(dir, "data"), filepath.Join(dir, "target")
	s := startServer(t, data)
	var written [2]atomic.Int64
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for c := range written {
		clients.Go(func() {
			for i := int64(0); ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				id := fmt.Sprintf("c%d-%d", c, i)
				a, err := s.ask("PUT", "/Patient/"+id, fmt.Sprintf(`{"resourceType":"Patient","id":"%s","name":[{"family":"%s %s"}]}`, id, id, strings.Repeat("x", 200)))
				if err != nil || a.status != 201 {
					t.Errorf("PUT %s: %d, %v", id, a.status, err)
					return
				}
				if i%5 == 4 { // of what is gone there is something to compact
					if a, err := s.ask("DELETE", "/Patient/"+id+"?hardDelete=true", ""); err != nil || a.status != 204 {
						t.Errorf("DELETE %s: %d, %v", id, a.status, err)
						return
					}
				}
				written[c].Store(i + 1)
			}
		})
	}
	time.Sleep(300 * time.Millisecond)
	var before [2]int64
	for round := range 4 {
		if round > 0 {
			if a, err := s.ask("POST", "/$compact", ""); err != nil || a.status >= 400 {
				t.Fatalf("POST /$compact: %d, %v", a.status, err)
			}
			killed := command(t.Context(), t, "backup", "--data", data, "--to", target)
			if err := killed.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(10+20*round) * time.Millisecond)
			_ = killed.Process.Kill()
			_ = killed.Wait()
		}
		for c := range before {
			before[c] = written[c].Load()
		}
		mustRun(t, "backup", "--data", data, "--to", target)
	}
	close(stop)
	clients.Wait()
	s.kill()
	mustRun(t, "backup", "verify", target)
	restored := filepath.Join(dir, "restored")
	mustRun(t, "restore", "--from", target, "--data", restored, "--fork")
	again := startServer(t, restored)
	for c, n := range before {
		// Exactly a prefix: of each client everything up to some number, and nothing beyond.
		at := int64(0)
		for ; ; at++ {
			a, err := again.ask("GET", fmt.Sprintf("/Patient/c%d-%d", c, at), "")
			if err != nil {
				t.Fatal(err)
			}
			if a.status != 200 && at%5 != 4 {
				break
			}
		}
		last := written[c].Load()
		if at < n || at > last+1 {
			t.Errorf("client %d: %d of what it wrote is there; %d were acknowledged before the last run, %d in all", c, at, n, last)
		}
		for beyond := at; beyond < at+20; beyond++ {
			if a, err := again.ask("GET", fmt.Sprintf("/Patient/c%d-%d", c, beyond), ""); err != nil || a.status == 200 {
				t.Errorf("client %d: %d is there, and %d is not", c, beyond, at)
			}
		}
		t.Logf("client %d: %d acknowledged before the last run, %d restored, %d in all", c, n, at, last)
	}
	again.stop()
}

// TestErasureReachesTheBackup: after a compaction and another run no object at the
// target has what was erased, and no moment that is restored.
func TestErasureReachesTheBackup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	target := filepath.Join(dir, "target")
	w := &marked{server: startServer(t, filepath.Join(dir, "data"), "--versioning-of", "Basic=no-version", "--compact-every", "0"), gone: marks{letter: "e"}, kept: marks{letter: "k"}}
	w.write("1")
	back := func() leftovers.Found {
		t.Helper()
		mustRun(t, "backup", "--data", w.data, "--to", target)
		skipEncrypted(t)
		found, err := leftovers.Find(target, append(append([]string(nil), w.gone.all...), w.kept.all...))
		if err != nil {
			t.Fatal(err)
		}
		if missing := found.Missing(w.kept.all); len(missing) > 0 {
			t.Errorf("of %d texts that are kept, these are not found: %v", len(w.kept.all), missing)
		}
		return found
	}
	if missing := back().Missing(w.gone.all); len(missing) > 0 {
		t.Errorf("before the compaction these texts are not found: %v", missing)
	}
	if n := w.compact(); n == "0" {
		t.Fatal("nothing was compacted")
	}
	if err := back().Present(w.gone.all); err != nil {
		t.Errorf("erased, and in the backup:\n%v", err)
	}
	w.stop()
	// A moment before the erasures: resources that have no content any more are erased
	// there as well, and the log says so.
	forked := filepath.Join(dir, "forked")
	out := mustRun(t, "restore", "--from", target, "--data", forked, "--until", "5")
	if !strings.Contains(out, "erased     2 resources") {
		t.Errorf("restore says\n%s", out)
	}
	s := startServer(t, forked)
	for path, status := range map[string]int{"/Patient/erased1": 404, "/Observation/erased1": 404, "/Patient/kept1": 200, "/Patient/erased1/_history": 404} {
		if a, err := s.ask("GET", path, ""); err != nil || a.status != status {
			t.Errorf("GET %s: %d, %v, want %d", path, a.status, err, status)
		}
	}
	s.stop()
	mustRun(t, "verify", "--data", forked, "--projections")
}

// TestDamageOfABackupIsNamed: verify and restore name the object, and the next run
// copies it again.
func TestDamageOfABackupIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, target := filepath.Join(dir, "data"), filepath.Join(dir, "target")
	s := startServer(t, data)
	writePatients(t, s, "a", 50)
	s.stop()
	mustRun(t, "backup", "--data", data, "--to", target)
	stored, err := backup.Open(t.Context(), backup.OpenFolder(disk(), target))
	if err != nil {
		t.Fatal(err)
	}
	object := filepath.Join(target, "chunks", stored.Segments[0].Chunks[0])
	text, err := os.ReadFile(object)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(object, text, 0o600); err != nil {
		t.Fatal(err)
	}
	name := "chunks/" + stored.Segments[0].Chunks[0]
	mustFail(t, name, "backup", "verify", target)
	mustFail(t, name, "restore", "--from", target, "--data", filepath.Join(dir, "restored"))
	mustFail(t, "was not restored to the end", "serve", "--data", filepath.Join(dir, "restored"), "--listen", "127.0.0.1:0")
	if err := os.Remove(object); err != nil {
		t.Fatal(err)
	}
	mustFail(t, "it is missing", "backup", "verify", target)
	if out := mustRun(t, "backup", "--data", data, "--to", target); !strings.Contains(out, "has been replaced") {
		t.Errorf("the next run says\n%s", out)
	}
	mustRun(t, "backup", "verify", target)
	mustRun(t, "restore", "--from", target, "--data", filepath.Join(dir, "restored"))

	segment := filepath.Join(data, "log", "00000001.seg")
	if text, err = os.ReadFile(segment); err != nil {
		t.Fatal(err)
	}
	text[len(text)/3] ^= 1
	if err := os.WriteFile(segment, text, 0o600); err != nil {
		t.Fatal(err)
	}
	mustFail(t, "segment 1, offset", "backup", "--data", data, "--to", filepath.Join(dir, "other"))
}

// TestBackupToABucket does all of it over the API of S3.
func TestBackupToABucket(t *testing.T) {
	t.Parallel()
	store := newBucketServer(t, "backups")
	web := httptest.NewServer(store)
	defer web.Close()
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	s := startServer(t, data)
	writePatients(t, s, "a", 60)
	target := "s3://backups/fhir/one?endpoint=" + web.URL
	withKeys := func(args ...string) string {
		t.Helper()
		c := command(t.Context(), t, args...)
		c.Env = append(c.Env, "AWS_ACCESS_KEY_ID="+bucketUser, "AWS_SECRET_ACCESS_KEY=a secret")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("fhirlog %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	withKeys("backup", "--data", data, "--to", target)
	writePatients(t, s, "b", 60)
	withKeys("backup", "--data", data, "--to", target)
	want := answersAsOf(s, "")
	s.stop()
	withKeys("backup", "verify", target)
	if out := withKeys("backup", "list", target); !strings.Contains(out, "120 records") {
		t.Errorf("list says\n%s", out)
	}
	for _, name := range store.names() {
		if !strings.HasPrefix(name, "fhir/one/chunks/") && !strings.HasPrefix(name, "fhir/one/manifests/") {
			t.Errorf("an object %q", name)
		}
	}
	if n := len(store.names()); n > 8 || store.deleted == 0 {
		t.Errorf("%d objects, %d deleted", n, store.deleted)
	}
	withKeys("restore", "--from", target, "--data", filepath.Join(dir, "restored"), "--fork")
	again := startServer(t, filepath.Join(dir, "restored"))
	sameAnswers(t, "from a bucket", answersAsOf(again, ""), want)
	again.stop()

	for bad, says := range map[string]string{
		"s3://":                     "a bucket is given as",
		"s3://b?bucket=x":           "has the parameters endpoint and region",
		"s3://b?endpoint=localhost": "it is a URL such as",
		"gs://b":                    "is no target that fhirlog knows",
	} {
		mustFail(t, says, "backup", "--data", data, "--to", bad)
	}
}
