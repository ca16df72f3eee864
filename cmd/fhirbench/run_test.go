package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// testOptions are the flags of a short run.
func testOptions(s *fakeServer) *options {
	return &options{Base: s.URL + "/fhir", Seed: 1, Patients: 3, Preload: 512, Duration: 200 * time.Millisecond,
		WarmUp: 50 * time.Millisecond, Timeout: 10 * time.Second, Threads: 1}
}

func measure(t *testing.T, o *options, w workload, clients int) result {
	t.Helper()
	r, err := newRun(o, w, clients)
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range got.Failures {
		t.Errorf("%d × %s: %s", f.Count, f.Kind, f.Example)
	}
	return got
}

func TestCRUD(t *testing.T) {
	t.Run("a round is 36 requests and leaves nothing", func(t *testing.T) {
		s := newFakeServer(t)
		o := testOptions(s)
		o.Rounds = 2
		got := measure(t, o, crud{}, 3)
		if got.Requests != 3*2*36 || got.Versions != 3*2*18 {
			t.Errorf("%d requests, %d versions", got.Requests, got.Versions)
		}
		for k := range crudKinds {
			for _, method := range []string{"POST ", "GET ", "PUT ", "DELETE "} {
				if n := s.requests[method+k.typeName()]; n != 6 {
					t.Errorf("%d × %s%s, want 6", n, method, k.typeName())
				}
			}
		}
		if len(s.resources) != 0 || s.most < 9 {
			t.Errorf("%d resources are left, %d at most", len(s.resources), s.most)
		}
		if got.MeanBody < 2000 || got.MeanBody > 2300 {
			t.Errorf("bodies of %v bytes on average", got.MeanBody)
		}
	})
	t.Run("an interrupted round is taken back", func(t *testing.T) {
		s := newFakeServer(t)
		got := measure(t, testOptions(s), crud{}, 4)
		if got.Requests == 0 || got.Seconds < 0.19 {
			t.Errorf("%d requests in %v s", got.Requests, got.Seconds)
		}
		if len(s.resources) != 0 {
			t.Errorf("%d resources are left", len(s.resources))
		}
	})
	t.Run("without a warm-up the clock runs at once", func(t *testing.T) {
		o := testOptions(newFakeServer(t))
		o.WarmUp = 0
		if got := measure(t, o, crud{}, 1); got.Requests == 0 || got.Seconds > 5 {
			t.Errorf("%d requests in %v s", got.Requests, got.Seconds)
		}
	})
	t.Run("refusals are counted by kind with an example", func(t *testing.T) {
		s := newFakeServer(t)
		s.refuse = "PUT Claim"
		o := testOptions(s)
		o.Rounds = 2
		r, err := newRun(o, crud{}, 1)
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.measure(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Failures) != 1 || got.Errors != 2 || got.Requests != 70 {
			t.Fatalf("%d requests, %d errors: %+v", got.Requests, got.Errors, got.Failures)
		}
		f := got.Failures[0]
		if f.Kind != "update Claim: status 422" || f.Count != 2 || !strings.Contains(f.Example, "refused by the test") {
			t.Errorf("got %+v", f)
		}
	})
}

func TestMixed(t *testing.T) {
	s := newFakeServer(t)
	o := testOptions(s)
	o.Rounds = 2000
	got := measure(t, o, mixed{}, 2)
	if got.Requests != 4000 {
		t.Errorf("%d requests, want 4000", got.Requests)
	}
	for name, want := range map[string]float64{"create": 400, "read": 2400, "update": 1000, "delete": 200} {
		if n := float64(got.Operations[name].Count); n < want*0.8 || n > want*1.2 {
			t.Errorf("%v × %s, want about %v", n, name, want)
		}
	}
	if n := s.requests["GET Observation"]; n < 1080 || n > 1320 {
		t.Errorf("%d reads of Observations, want about half of 2400", n)
	}
}

func TestPairs(t *testing.T) {
	s := newFakeServer(t)
	o := testOptions(s)
	o.Rounds = 5
	got := measure(t, o, pairs{}, 4)
	if got.Requests != 20 || got.Entries != 40 || len(s.resources) != 40 {
		t.Errorf("%d requests, %d entries, %d resources", got.Requests, got.Entries, len(s.resources))
	}
}

func TestBundles(t *testing.T) {
	t.Run("made-up patients refer to the hospitals posted first", func(t *testing.T) {
		s := newFakeServer(t)
		o := testOptions(s)
		o.Rounds = 2
		got := measure(t, o, new(bundles), 2)
		if got.Requests != 6 || int(got.Entries) != len(s.resources)-3*supportCount {
			t.Errorf("%d requests, %d entries, %d resources", got.Requests, got.Entries, len(s.resources))
		}
	})
	t.Run("files are posted over and over, beyond the memory too", func(t *testing.T) {
		s := newFakeServer(t)
		o := testOptions(s)
		o.Rounds = 3
		o.File = []string{writeBundles(t, "x.patients.ndjson.gz", 7), writeBundles(t, "x.support.ndjson", 2)}
		w := new(bundles)
		r, err := newRun(o, w, 2)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.prepare(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if len(s.resources) != 4 {
			t.Errorf("%d resources after the supports, want 4", len(s.resources))
		}
		if len(w.source.loaded) != 7 {
			t.Errorf("%d Bundles in memory", len(w.source.loaded))
		}
		if w.source, err = readSource(o.File[:1], 1); err != nil || len(w.source.loaded) != 1 {
			t.Fatalf("%d in memory, %v", len(w.source.loaded), err)
		}
		got := measure(t, o, w, 2)
		if got.Requests != 21 || got.Entries != 42 {
			t.Errorf("%d requests, %d entries; want 3 × 7 Bundles of 2", got.Requests, got.Entries)
		}
	})
	t.Run("an answer with a failed entry is an error", func(t *testing.T) {
		s := newFakeServer(t)
		r, err := newRun(testOptions(s), pairs{}, 1)
		if err != nil {
			t.Fatal(err)
		}
		u := r.newUser(0)
		defer u.conn.close()
		if _, ok := u.transact(t.Context(), &pairSession{user: u}, 3); ok {
			t.Error("two entries passed for three")
		}
		if got := r.tally.errors.list(); len(got) != 1 || got[0].Kind != "transaction: 2 of 3 entries succeeded" {
			t.Errorf("got %+v", got)
		}
	})
}

// writeBundles writes a file of Bundles with two resources each.
func writeBundles(t *testing.T, name string, n int) string {
	t.Helper()
	var text bytes.Buffer
	s := &pairSession{user: &user{rng: 5}}
	for range n {
		text.Write(s.appendTo(nil))
		text.WriteString("\n\n")
	}
	if strings.HasSuffix(name, ".gz") {
		var zipped bytes.Buffer
		w := gzip.NewWriter(&zipped)
		w.Write(text.Bytes())
		w.Close()
		text = zipped
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSameSeedSameRequests(t *testing.T) {
	a, b := &pairSession{user: &user{rng: 9}}, &pairSession{user: &user{rng: 9}}
	if !bytes.Equal(a.appendTo(nil), b.appendTo(nil)) {
		t.Error("the same seed made different Bundles")
	}
	one := makeRecords(3, 2, &supports{{"Organization/1"}, {"Location/1"}, {"Practitioner/1"}})
	two := makeRecords(3, 2, &supports{{"Organization/1"}, {"Location/1"}, {"Practitioner/1"}})
	for i := range one {
		if !bytes.Equal(one[i].text, two[i].text) {
			t.Errorf("record %d differs", i)
		}
		if n, err := bundleEntries(one[i].text); err != nil || n != one[i].entries {
			t.Errorf("record %d has %d entries, said %d, %v", i, n, one[i].entries, err)
		}
	}
}

func TestInterrupted(t *testing.T) {
	s := newFakeServer(t)
	o := testOptions(s)
	o.Duration = time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var out bytes.Buffer
	o.Workload, o.Clients = []string{"W8"}, []int{3}
	if err := o.runAll(ctx, &out); err == nil || err.Error() != "interrupted" {
		t.Errorf("runAll = %v", err)
	}
	if !strings.Contains(out.String(), "the figures are of the time until then") {
		t.Errorf("printed %s", out.String())
	}
}

func TestServerGone(t *testing.T) {
	s := newFakeServer(t)
	o := testOptions(s)
	s.Close()
	o.Workload, o.Clients = []string{"W5"}, []int{2}
	if err := o.runAll(t.Context(), new(bytes.Buffer)); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("runAll = %v, want connection refused", err)
	}
}

// TestReport looks at both forms of a report that has everything.
func TestReport(t *testing.T) {
	s := newFakeServer(t)
	metrics := newMetricsServer(t)
	o := testOptions(s)
	o.Workload, o.Clients, o.Rounds = []string{"W1", "W8"}, []int{2}, 40
	o.PID, o.Data, o.Metrics = []int{os.Getpid()}, t.TempDir(), metrics
	var text bytes.Buffer
	if err := o.runAll(t.Context(), &text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"W1  create, read, update, delete · 2 clients", "requests/s", "p50 ", "p99 ", "  update", "requests per CPU second",
		"client CPU", "bytes on disk", "allocated blocks", "bytes written", "commits per sync 5.0   (10 commits, 2 syncs)", "cores; the disk alone: ",
		"160 entries", "req/CPU s", "W8        2"} {
		if !strings.Contains(strings.ReplaceAll(text.String(), "160 entries", "160 entries"), want) {
			t.Errorf("%q is missing in\n%s", want, text.String())
		}
	}
	o.JSON = true
	var lines bytes.Buffer
	if err := o.runAll(t.Context(), &lines); err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(&lines)
	for _, name := range o.Workload {
		var r result
		if err := decoder.Decode(&r); err != nil {
			t.Fatal(err)
		}
		if r.Workload != name || r.Server == nil || r.Server.PeakBytes == 0 || r.Disk == nil || r.Log.CommitsPerSync != 5 ||
			r.SyncRate.PerSecond <= 0 || r.Cores < 1 || len(r.Problems) > 0 {
			t.Errorf("got %+v", r)
		}
	}
}

func TestValidate(t *testing.T) {
	o := &options{Base: "nonsense", Workload: []string{"w1", "W7"}, Clients: []int{0}, Duration: 1, Timeout: 1, Threads: 1, Preload: 1}
	err := o.Validate()
	for _, want := range []string{"W7", "--clients", "--patients", "nonsense"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
	if o.Workload[0] != "W1" {
		t.Errorf("w1 became %s", o.Workload[0])
	}
}

func TestFailuresAreBounded(t *testing.T) {
	var f failures
	for i := range 10 * maxKinds {
		f.add(fmt.Sprint(i), []byte("x"))
	}
	if got := f.list(); len(got) != maxKinds+1 || got[0].Kind != "other" || got[0].Count != 9*maxKinds {
		t.Errorf("%d kinds, first %+v", len(got), got[0])
	}
}
