package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// searchOptions are the flags of a short run of searches.
func searchOptions(s *searchServer) *options {
	return &options{Base: s.URL + "/fhir", Seed: 1, Rounds: 1, Duration: 100 * time.Millisecond, Timeout: 10 * time.Second,
		Patients: 1, Preload: 1, Threads: 1, Shapes: true}
}

func TestWalk(t *testing.T) {
	s := newSearchServer(t, 12)
	o := searchOptions(s)
	w := searchWalk(new(ground), false)
	got := measure(t, o, w, 3)
	if len(w.made) < 70 || got.Requests != uint64(3*len(w.made)) || len(got.Shapes) != len(w.made) {
		t.Errorf("%d requests of %d shapes, %d told", got.Requests, len(w.made), len(got.Shapes))
	}
	for i, f := range got.Shapes {
		if f.Count != 3 || f.Mean <= 0 || i > 0 && f.Mean > got.Shapes[i-1].Mean {
			t.Errorf("got %+v", f)
		}
	}
	if got.Loaded["Patient"] != 12 || got.Found == 0 {
		t.Errorf("loaded %v, found %d", got.Loaded, got.Found)
	}
	names := make(map[string]bool)
	for _, f := range w.made {
		names[f.name] = true
	}
	for _, want := range []string{"Patient?name", "Patient?address", "Organization?name", "Organization?name:contains", "Patient?birthdate=",
		"Patient?birthdate=eb", "Observation?date=sa", "Encounter?date=ge", "Observation?category", "Observation?code=a,b", "Encounter?status=miss",
		"Encounter?class=system|", "Observation?value-quantity", "Observation?component-value-quantity=prefix", "Observation?combo-value-quantity=prefix,unit",
		"Observation?code-value-quantity", "Observation?component-code-value-quantity", "Observation?combo-code-value-quantity=system|,unit",
		"Observation?subject", "Observation?encounter", "Observation?performer", "Encounter?subject", "Encounter?participant",
		"MedicationRequest?subject", "MedicationRequest?encounter", "MedicationRequest?requester"} {
		if !names[want] {
			t.Errorf("no shape %s", want)
		}
	}
}

// TestQueries sends many of the queries that W3 and W4 may draw: what was sampled
// must be found, what nothing has must not.
func TestQueries(t *testing.T) {
	s := newSearchServer(t, 5)
	g := new(ground)
	for _, w := range []*searches{searchWalk(g, false), searchMix(g)} {
		r, err := newRun(searchOptions(s), w, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.prepare(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		u := r.newUser(0)
		defer u.conn.close()
		hitting := 0
		for i := range r.shapes {
			of := &r.shapes[i]
			found := false
			for j := range min(60, len(of.queries)) {
				q := &of.queries[j]
				u.search(t.Context(), of, q)
				found = found || q.hits == some
			}
			if found {
				hitting++
			}
		}
		for _, f := range r.tally.errors.list() {
			t.Errorf("%s: %d × %s: %s", w.what, f.Count, f.Kind, f.Example)
		}
		if hitting < 10 {
			t.Errorf("%s: only %d of %d shapes look for something known", w.what, hitting, len(r.shapes))
		}
	}
}

func TestMix(t *testing.T) {
	s := newSearchServer(t, 4)
	o := searchOptions(s)
	o.Rounds = 300
	w := searchMix(new(ground))
	got := measure(t, o, w, 2)
	if len(w.made) != 30 || got.Requests != 600 {
		t.Errorf("%d shapes, %d requests", len(w.made), got.Requests)
	}
	for _, f := range got.Shapes {
		if f.Count < 5 || f.Count > 45 {
			t.Errorf("%d × %s, want about 20", f.Count, f.Name)
		}
	}
	if got.Operations["read"] == nil || got.Operations["search"] == nil {
		t.Errorf("operations %v", got.Operations)
	}
}

func TestCodes(t *testing.T) {
	s := newSearchServer(t, 20)
	o := searchOptions(s)
	g := new(ground)
	counts := measure(t, o, codeCounts(g, false), 2)
	codes := 0
	for _, class := range g.codes {
		codes += len(class.codes)
	}
	if codes != 9 || counts.Requests != 18 || counts.Operations["count"].Count != 18 {
		t.Errorf("%d codes, %d requests: %+v", codes, counts.Requests, g.codes)
	}
	w := codeDownloads(g, false)
	downloads := measure(t, o, w, 2)
	want, pages := 0, 0
	for _, of := range w.made {
		for _, q := range of.queries {
			want += q.total
			pages += (q.total + downloadSize - 1) / downloadSize
		}
	}
	if downloads.Found != uint64(2*want) || downloads.Requests != uint64(2*pages) || downloads.Operations["page"] == nil {
		t.Errorf("%d resources on %d pages, want 2 × %d on %d", downloads.Found, downloads.Requests, want, pages)
	}
}

func TestCodesByFrequency(t *testing.T) {
	s := newSearchServer(t, 20)
	r, err := newRun(searchOptions(s), searchMix(new(ground)), 1)
	if err != nil {
		t.Fatal(err)
	}
	u := r.newUser(-1)
	defer u.conn.close()
	g := new(ground)
	if err := g.learn(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	for n := 1; n < len(g.samples.codes.list); n++ {
		one := &ground{samples: &samples{codes: pool{list: g.samples.codes.list[:n]}}}
		if err := one.chooseCodes(t.Context(), u); err != nil {
			t.Fatalf("%d codes: %v", n, err)
		}
		if len(one.codes) != 3 || len(one.codes[1].codes) != min(3, (n+2)/3) {
			t.Errorf("%d codes: %+v", n, one.codes)
		}
	}
}

// TestTime runs W11 whole and looks at both forms of its report.
func TestTime(t *testing.T) {
	s := newSearchServer(t, 21)
	o := searchOptions(s)
	o.Workload, o.Clients = []string{"W11"}, []int{2}
	var text bytes.Buffer
	if err := o.runAll(t.Context(), &text); err != nil {
		t.Fatalf("%v\n%s", err, text.String())
	}
	for _, want := range []string{"W11  search · 2 clients", "W11  search as of 20", "W11  counts as of", "W11  downloads as of",
		"Now and as of the middle of the load:", "cost ratio", "resources per second", "mean ms", "Observation?code-value-quantity", "W11 downloads, past"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is missing in\n%s", want, text.String())
		}
	}
	o.JSON = true
	var lines bytes.Buffer
	if err := o.runAll(t.Context(), &lines); err != nil {
		t.Fatal(err)
	}
	all := strings.Split(strings.TrimSpace(lines.String()), "\n")
	var compared struct{ Compared []comparison }
	if err := json.Unmarshal([]byte(all[len(all)-1]), &compared); err != nil || len(all) != 13 || len(compared.Compared) != 3 {
		t.Fatalf("%d lines, %v, %+v", len(all), err, compared)
	}
	found := make(map[bool]uint64) // by whether it is the past
	for _, line := range all[:12] {
		var r result
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if r.Part == "downloads" {
			found[r.AsOf != ""] += r.Found
		}
	}
	if found[true] == 0 || found[true]*10 > found[false]*7 {
		t.Errorf("%d resources in the past, %d now; want about half", found[true], found[false])
	}
}

func TestCompare(t *testing.T) {
	run := func(part, asOf string, requests, found uint64, cpu float64) result {
		return result{Part: part, AsOf: asOf, Clients: 4, Requests: requests, Found: found, Seconds: 1, Server: &serverFigures{CPUSeconds: cpu},
			Latency: latency{P50: cpu}}
	}
	got := compare([]result{run("search", "", 1000, 7, 1), run("search", "x", 600, 7, 1), run("search", "x", 400, 7, 1), run("search", "", 3000, 7, 1),
		run("downloads", "", 10, 10_000, 2), run("downloads", "x", 20, 10_000, 1), {Workload: "W1"}})
	if len(got) != 2 || got[0].Now != 2000 || got[0].Past != 500 || got[0].Cost != 4 || got[1].Cost != 0.5 || got[1].Unit != "resources per CPU second" {
		t.Errorf("got %+v", got)
	}
}

// smallPage makes downloads of several pages out of little data.
const smallPage = 60

// TestFaults lets the server do something wrong once the samples are read.
func TestFaults(t *testing.T) {
	s := newSearchServer(t, 25)
	patch := func(w *searches) *searches { // smaller pages, so that there are some
		old := w.shapes
		w.shapes = func(b *builder) {
			old(b)
			for i := range b.shapes {
				for j := range b.shapes[i].queries {
					q := &b.shapes[i].queries[j]
					q.path = strings.Replace(q.path, "_count=1000", fmt.Sprint("_count=", smallPage), 1)
				}
			}
		}
		return w
	}
	g := new(ground)
	for _, test := range []struct {
		fault string
		w     *searches
		want  string
	}{
		{"type", searchWalk(g, false), "search Patient?name: an entry is not of the type searched for"},
		{"more", searchWalk(g, false), "search Patient?name: more entries than _count"},
		{"other bundle", searchWalk(g, false), "search Patient?name: answer is no searchset Bundle"},
		{"cut", searchWalk(g, false), "search Patient?name: answer is no JSON object"},
		{"refuse name", searchWalk(g, false), "search Patient?name: status 400"},
		{"no total", searchMix(g), "search Observation total: no total"},
		{"no total", codeCounts(g, false), "count count of rare codes: no total"},
		{"", patch(codeDownloads(g, false)), ""},
		{"total", patch(codeDownloads(g, false)), "page pages of dense codes: another total than before"},
		{"repeat", patch(codeDownloads(g, false)), "page pages of dense codes: an id repeats"},
		{"lose", patch(codeDownloads(g, false)), "page pages of dense codes: fewer resources than the total"},
		{"refuse page", patch(codeDownloads(g, false)), "page pages of dense codes: status 400"},
	} {
		t.Run(test.w.what+" "+test.fault, func(t *testing.T) {
			o := searchOptions(s)
			if test.w.what == "mixed search" {
				o.Rounds, o.Only = 20, "Observation total"
			}
			r, err := newRun(o, test.w, 1)
			if err != nil {
				t.Fatal(err)
			}
			if err := test.w.prepare(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			if test.w.what == "search" { // a query that finds many
				test.w.made[0].queries = []query{{path: "Patient?name=&_count=20", total: -1}}
			}
			s.setFault(test.fault)
			defer s.setFault("")
			got, err := r.measure(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if test.want == "" {
				if got.Errors > 0 || got.Requests < 18 {
					t.Errorf("%d requests, %+v", got.Requests, got.Failures)
				}
				return
			}
			i := slices.IndexFunc(got.Failures, func(f failure) bool { return f.Kind == test.want })
			if i < 0 {
				t.Fatalf("%q is missing in %+v", test.want, got.Failures)
			}
			if strings.HasPrefix(test.fault, "refuse") && got.Failures[i].Example != "OperationOutcome: error invalid" {
				t.Errorf("example %q", got.Failures[i].Example)
			}
			if !slices.ContainsFunc(got.Shapes, func(f shapeFigures) bool { return f.Errors > 0 }) {
				t.Error("no shape has an error")
			}
		})
	}
}

func (s *searchServer) setFault(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = name
}

func TestSearchesNeedData(t *testing.T) {
	s := newSearchServer(t, 0)
	o := searchOptions(s)
	for _, name := range []string{"W3", "W4", "W9", "W11"} {
		o.Workload = []string{name}
		if err := o.runAll(t.Context(), new(bytes.Buffer)); err == nil || !strings.Contains(err.Error(), "no Patients on the server") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWanted(t *testing.T) {
	all := []shape{{name: "Patient?name"}, {name: "Patient?birthdate=ge"}, {name: "Observation?date=ge"}}
	for _, test := range []struct{ only, skip, want string }{
		{"", "", "Patient?name Patient?birthdate=ge Observation?date=ge"},
		{"date", "", "Patient?birthdate=ge Observation?date=ge"},
		{"date", "^Obs", "Patient?birthdate=ge"},
		{"nope", "", ""},
	} {
		got, err := (&options{Only: test.only, Skip: test.skip}).wanted(all)
		var names []string
		for _, s := range got {
			names = append(names, s.name)
		}
		if strings.Join(names, " ") != test.want || (err != nil) != (test.want == "") {
			t.Errorf("only %q, skip %q: %v, %v", test.only, test.skip, names, err)
		}
	}
}

func TestSameSeedSameSearches(t *testing.T) {
	s := newSearchServer(t, 3)
	var made [2]string
	for i := range made {
		w := searchWalk(new(ground), false)
		r, err := newRun(searchOptions(s), w, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.prepare(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		made[i] = fmt.Sprint(w.made)
	}
	if made[0] != made[1] {
		t.Error("the same seed made different searches")
	}
}
