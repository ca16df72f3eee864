package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// send sends a request that has to get one of some statuses, and returns the body.
func send(t testing.TB, s *server, method, path, body string, status ...int) string {
	t.Helper()
	a, err := s.ask(method, path, body)
	if err != nil || !slices.Contains(status, a.status) {
		t.Fatalf("%s %s: %d, %v: %s", method, path, a.status, err, a.body)
	}
	return string(a.body)
}

// filesOf are the contents of all files below a folder.
func filesOf(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	found := map[string][32]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		found[path] = sha256.Sum256(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestAuditorAgreesWithTheServer runs random changes against a server and asks it for
// the past; then an auditor with a copy of the log and the command line alone must be
// told the same.
func TestAuditorAgreesWithTheServer(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	s := startServer(t, t.TempDir())
	id := func() string { return fmt.Sprintf("p%d", random.IntN(8)) }
	for range 90 {
		switch random.IntN(10) {
		case 0:
			send(t, s, "DELETE", "/Patient/"+id(), "", 204)
		case 1:
			send(t, s, "DELETE", "/Patient/"+id()+"?hardDelete=true", "", 204)
		case 2:
			send(t, s, "DELETE", "/Patient/"+id()+"/$purge-history", "", 204, 404, 410)
		default:
			at := id()
			send(t, s, "PUT", "/Patient/"+at, fmt.Sprintf(`{"resourceType":"Patient","id":%q,"gender":%q,"name":[{"family":"f%d"}]}`,
				at, []string{"male", "female"}[random.IntN(2)], random.IntN(3)), 200, 201)
		}
	}
	var last struct{ Total int }
	type answered struct{ show, search string }
	past := map[string]answered{}
	for range 5 {
		position := fmt.Sprint(random.IntN(60))
		at := "p" + fmt.Sprint(random.IntN(8))
		past[position+" "+at] = answered{
			show:   send(t, s, "GET", "/Patient/"+at+"?_asOf="+position, "", 200, 404, 410),
			search: send(t, s, "GET", "/Patient?gender=male&name=f1&_count=100&_sort=-_lastUpdated&_asOf="+position, "", 200),
		}
	}
	live := send(t, &server{t: t, base: s.root()}, "GET", "/log/events?all=true&bodies=true", "", 200)
	if _, stderr, err := runProgram(t, "replay", "--data", s.data); err == nil || !strings.Contains(stderr, "--url") {
		t.Errorf("replay of a folder in use: %v, %s", err, stderr)
	}
	throughServer, _, err := runProgram(t, "replay", "--url", s.root(), "--format", "ndjson", "--bodies")
	if err != nil || throughServer != live {
		t.Errorf("seed %d: replay --url: %v\n%s\nwant\n%s", seed, err, throughServer, live)
	}
	s.stop()

	bare := t.TempDir() // the log without projections
	if err := errors.Join(os.CopyFS(filepath.Join(bare, "log"), os.DirFS(filepath.Join(s.data, "log"))),
		copyFile(filepath.Join(s.data, descriptionFile), filepath.Join(bare, descriptionFile))); err != nil {
		t.Fatal(err)
	}
	if os.Getenv(testKey) != "" {
		if err := copyFile(filepath.Join(s.data, "keyring"), filepath.Join(bare, "keyring")); err != nil {
			t.Fatal(err)
		}
	}
	before := map[string]map[string][32]byte{s.data: filesOf(t, s.data), bare: filesOf(t, bare)}
	for _, data := range []string{s.data, bare} {
		replayed, stderr, err := runProgram(t, "replay", "--data", data, "--format", "ndjson", "--bodies")
		if err != nil || replayed != live {
			t.Errorf("seed %d: replay: %v %s\n%s\nthe server told\n%s", seed, err, stderr, replayed, live)
		}
	}
	kept := filepath.Join(t.TempDir(), "index") // made at the first search, used by the others
	for question, want := range past {
		position, at, _ := strings.Cut(question, " ")
		shown, _, err := runProgram(t, "show", "--data", bare, "Patient/"+at, "--as-of", position)
		if there := strings.HasPrefix(want.show, `{"resourceType":"Patient"`); there != (err == nil) || there && shown != want.show+"\n" {
			t.Errorf("seed %d: show %s as of %s: %v\n%s\nthe server answered\n%s", seed, at, position, err, shown, want.show)
		}
		var bundle struct {
			Total int
			Entry []struct{ Resource json.RawMessage }
		}
		if err := json.Unmarshal([]byte(want.search), &bundle); err != nil {
			t.Fatal(err)
		}
		var expected strings.Builder
		for _, e := range bundle.Entry {
			expected.WriteString(string(e.Resource) + "\n")
		}
		last.Total += bundle.Total
		// With its projections, and without.
		for data, flags := range map[string][]string{s.data: nil, bare: {"--index", kept}} {
			found, stderr, err := runProgram(t, append([]string{"search", "--data", data, "Patient?gender=male&name=f1&_sort=-_lastUpdated", "--as-of", position}, flags...)...)
			if err != nil || found != expected.String() {
				t.Errorf("seed %d: search as of %s: %v %s\n%s\nthe server answered\n%s", seed, position, err, stderr, found, expected.String())
			}
		}
	}
	if last.Total == 0 {
		t.Logf("seed %d: no search found anything", seed)
	}
	for data, files := range before {
		if after := filesOf(t, data); !sameFiles(files, after) {
			t.Errorf("seed %d: an auditor has changed %s", seed, data)
		}
	}
}

// TestAuditorsLeaveNothingBehind reads the beginning of what is told and goes away.
func TestAuditorsLeaveNothingBehind(t *testing.T) {
	s := startServer(t, t.TempDir())
	for i := range 30 { // more than a pipe holds
		send(t, s, "PUT", fmt.Sprintf("/Basic/b%d", i), fmt.Sprintf(`{"resourceType":"Basic","id":"b%d","code":{"text":%q}}`, i, strings.Repeat("x", 16<<10)), 201)
	}
	s.stop()
	for _, args := range [][]string{{"replay", "--bodies"}, {"diff", "0"}, {"search", "Basic"}} {
		t.Run(args[0], func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			temporary := t.TempDir()
			c := command(ctx, t, append(args, "--data", s.data)...)
			c.Env = append(c.Env, "TMPDIR="+temporary)
			out, err := c.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			if _, err := out.Read(make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
			if err := out.Close(); err != nil {
				t.Fatal(err)
			}
			_ = c.Wait() // that it was cut off may be told
			left, err := os.ReadDir(temporary)
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

func sameFiles(a, b map[string][32]byte) bool {
	for name, hash := range a {
		if b[name] != hash {
			return false
		}
	}
	return len(a) == len(b)
}

func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o600)
}

// TestAuditCommands reads a small log with each command.
func TestAuditCommands(t *testing.T) {
	s := startServer(t, t.TempDir())
	send(t, s, "PUT", "/Patient/a", `{"resourceType":"Patient","id":"a","gender":"male","name":[{"family":"x"},{"family":"y"}]}`, 201)
	send(t, s, "PUT", "/Patient/b", `{"resourceType":"Patient","id":"b"}`, 201)
	send(t, s, "PUT", "/Patient/a", `{"resourceType":"Patient","id":"a","gender":"female","name":[{"family":"y"}],"active":true}`, 200)
	send(t, s, "DELETE", "/Patient/b", "", 204)
	send(t, s, "PUT", "/Observation/o", `{"resourceType":"Observation","id":"o","status":"final","code":{"text":"c"},"subject":{"reference":"Patient/a"}}`, 201)
	send(t, s, "PUT", "/Patient/c", `{"resourceType":"Patient","id":"c","gender":"other"}`, 201)
	send(t, s, "DELETE", "/Patient/c?hardDelete=true", "", 204)
	s.stop()
	const patch = `[{"op":"replace","path":"/gender","value":"female"},{"op":"remove","path":"/name/0"},{"op":"add","path":"/active","value":true}]` + "\n"
	for name, c := range map[string]struct {
		args   string
		out    []string // parts, in their order
		absent string
		fails  string // part of what it says
	}{
		"replay": {"replay", []string{
			"         0  ", "created         Patient/a version 1", "updated         Patient/a version 2", "deleted         Patient/b version 2",
			"created         Observation/o", "created         Patient/c version 1", "(erased)", "         6  ", "erased          Patient/c"}, "resourceType", ""},
		"replay, filtered":       {"replay --type Observation,Patient --interaction delete --from 1", []string{"         3  "}, "         6", ""},
		"replay of one":          {"replay --resource Patient/a --until 1 --bodies", []string{"         0  ", `{"resourceType":"Patient","id":"a"`}, "         2  ", ""},
		"replay without":         {"replay --no-all --format ndjson --from 5", []string{`"id":"6"`, `"from":5,"position":6`, `"next":7`}, `"id":"5"`, ""},
		"replay of nothing":      {"replay --from 9", nil, "", "holds 7 records"},
		"replay of a bad moment": {"replay --from yesterday", nil, "", "--from: A moment is a position"},
		"replay that follows":    {"replay --follow", nil, "", "--url"},
		"replay of a bad type":   {"replay --type Pateint", nil, "", "type must name"},

		"show":                    {"show Patient/a", []string{`"versionId":"2"`, `"gender":"female"`}, `"gender":"male"`, ""},
		"show as of":              {"show Patient/a --as-of 1", []string{`"versionId":"1"`, `"gender":"male"`}, "", ""},
		"show a version":          {"show Patient/a --as-of v1", []string{`"versionId":"1"`}, "", ""},
		"show the history":        {"show Patient/b --history", []string{"created", "deleted"}, "Patient/a", ""},
		"show what is deleted":    {"show Patient/b", nil, "", "Patient/b was deleted"},
		"show what is erased":     {"show Patient/c", nil, "", "Patient/c was erased"},
		"show what was erased":    {"show Patient/c --as-of 5", nil, "other", "is erased; what is left of it"},
		"show what was not there": {"show Observation/o --as-of 3", nil, "", "was not there yet"},
		"show what never was":     {"show Patient/z", nil, "", "never was"},
		"show no such version":    {"show Patient/a --as-of v3", nil, "", "there is no version 3"},
		"show no resource":        {"show Patient", nil, "", "such as Patient/1"},

		"diff": {"diff 0", []string{
			"Patient/a updated, version 1 to 2, ", `  ~ gender: "male" -> "female"`, `  - name[0]: {"family":"x"}`, "  + active: true",
			"Observation/o created", "Patient/c erased"}, "Patient/b", ""},
		"diff to a moment":      {"diff 1 3", []string{"Patient/a updated", "Patient/b deleted"}, "Observation", ""},
		"diff of a type":        {"diff 0 --type Observation --format json-patch", []string{`{"resource":"Observation/o","outcome":"created","after":{"position":4,`, `"content":{"resourceType":"Observation"`}, "Patient/b", ""},
		"diff of versions":      {"diff v1 v2 --resource Patient/a --format json-patch", []string{patch}, "", ""},
		"diff as of":            {"diff 0 --resource Patient/a --format json-patch", []string{patch}, "", ""},
		"diff of nothing":       {"diff 2 6 --resource Patient/a", nil, "Patient", ""},
		"diff of no version":    {"diff v1 v3 --resource Patient/a", nil, "", "there is no version 3"},
		"diff the wrong way":    {"diff 3 1", nil, "", "exchange them"},
		"diff without a patch":  {"diff v1 v2 --resource Patient/b --format json-patch", nil, "", "no patch leads"},
		"diff of what has gone": {"diff 5 --resource Patient/c", []string{"Patient/c erased"}, "other", ""},

		"search":                  {"search Patient?gender=female", []string{`"id":"a"`}, "", ""},
		"search with includes":    {"search Observation?_include=Observation:subject", []string{`"id":"o"`, `"id":"a"`}, "", ""},
		"search as of":            {"search Patient?gender=male --as-of 1 --format list", []string{"         0  ", "Patient/a version 1"}, "resourceType", ""},
		"search the erased":       {"search Patient?gender=other --as-of 5", nil, "other", ""},
		"search by a bad name":    {"search Patient?gendre=male", nil, "", `no parameter "gendre"`},
		"search a bad type":       {"search Pateint", nil, "", "no resource type Pateint"},
		"search in the wrong way": {"search Patient?_summary=count", nil, "", "has no meaning here"},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, err := runProgram(t, append(strings.Fields(c.args), "--data", s.data)...)
			if (err != nil) != (c.fails != "") || !strings.Contains(stderr, c.fails) {
				t.Fatalf("%v\n%s%s", err, stdout, stderr)
			}
			rest := stdout
			for _, part := range c.out {
				_, after, found := strings.Cut(rest, part)
				if !found {
					t.Fatalf("no %q in\n%s", part, stdout)
				}
				rest = after
			}
			if len(c.out) == 0 && stdout != "" || c.absent != "" && strings.Contains(stdout+stderr, c.absent) {
				t.Errorf("it says\n%s%s", stdout, stderr)
			}
		})
	}
}

// TestReplayFollowsAServer goes on through a rebuild, and after a restart of the server
// where it was.
func TestReplayFollowsAServer(t *testing.T) {
	data := t.TempDir()
	s := startServer(t, data)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := command(ctx, t, "replay", "--url", s.root(), "--follow", "--format", "text")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	expect := func(part string) {
		t.Helper()
		if !lines.Scan() || !strings.Contains(lines.Text(), part) {
			t.Fatalf("told %q, want %s: %v", lines.Text(), part, lines.Err())
		}
	}
	send(t, s, "PUT", "/Patient/a", `{"resourceType":"Patient","id":"a"}`, 201)
	expect("Patient/a version 1")
	// Other projections take over, and who follows does not notice.
	send(t, s, "POST", "/$rebuild", "", 201)
	for active := 200; active == 200; {
		a, err := s.ask("GET", "/$rebuild", "")
		if err != nil {
			t.Fatal(err)
		}
		active = a.status
		time.Sleep(10 * time.Millisecond)
	}
	send(t, s, "DELETE", "/Patient/a", "", 204)
	expect("deleted         Patient/a version 2")
	address := strings.TrimPrefix(s.root(), "http://")
	s.stop()
	again := startServer(t, data, "--listen", address)
	send(t, again, "PUT", "/Patient/b", `{"resourceType":"Patient","id":"b"}`, 201)
	expect("Patient/b version 1")
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("replay ends with %v", err)
	}
}

// BenchmarkFeedLag tells how long after its instant, which is before it is durable, an
// event is read by who follows, while others write.
func BenchmarkFeedLag(b *testing.B) {
	s := startServer(b, b.TempDir())
	answer, err := http.Get(s.root() + "/log/events?follow=true&bodies=true")
	if err != nil {
		b.Fatal(err)
	}
	defer answer.Body.Close()
	var lags []time.Duration
	total := 0
	read := make(chan struct{})
	go func() {
		defer close(read)
		lines := bufio.NewScanner(answer.Body)
		lines.Buffer(nil, 1<<20)
		for len(lags) < b.N && lines.Scan() {
			now := time.Now()
			var e struct {
				Type string
				Time time.Time
			}
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				b.Error(err)
				return
			}
			if strings.HasPrefix(e.Type, "fhirlog.resource") {
				lags = append(lags, now.Sub(e.Time))
			}
		}
	}()
	var writing sync.WaitGroup
	var mu sync.Mutex // guards writes
	var writes []time.Duration
	next := make(chan int)
	for range 16 {
		writing.Go(func() {
			for range next {
				began := time.Now()
				send(b, s, "POST", "/Patient", `{"resourceType":"Patient","name":[{"family":"x"}]}`, 201)
				mu.Lock()
				writes = append(writes, time.Since(began))
				mu.Unlock()
			}
		})
	}
	b.ResetTimer()
	for total < b.N {
		next <- total
		total++
	}
	close(next)
	writing.Wait()
	<-read
	b.StopTimer()
	for what, list := range map[string][]time.Duration{"": lags, "write-": writes} { // the writes for comparison: both wait for the disk
		slices.Sort(list)
		for name, part := range map[string]float64{"p50-ms": 0.5, "p99-ms": 0.99} {
			b.ReportMetric(float64(list[int(part*float64(len(list)-1))].Microseconds())/1000, what+name)
		}
	}
}
