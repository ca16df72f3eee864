package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// mostMemory bounds the server's resident memory while it processes a Bundle of
// 30,000 entries and 70 MB, in bytes.
const mostMemory = 1 << 30

// TestLargeTransaction posts a transaction as large as a patient's whole record
// can be. FHIRLOG_LARGE=1 makes it 30,000 entries and about 70 MB; else it is a
// tenth of that.
func TestLargeTransaction(t *testing.T) {
	entries := 3_000
	if os.Getenv("FHIRLOG_LARGE") != "" {
		entries = 30_000
	}
	s := startServer(t, t.TempDir())
	bundle := largeBundle(entries, "")
	a := s.must(200, "POST", "", bundle)
	if got := bytes.Count(a.body, []byte(`"status":"201 Created"`)); got != entries {
		t.Errorf("%d entries were created, want %d", got, entries)
	}
	t.Logf("a transaction of %d entries and %.1f MB: the server's memory was at most %s", entries, float64(len(bundle))/1e6, checkMemory(t, s))

	places := regexp.MustCompile(`"location":"[^"]*?(Observation/[^/"]+)/_history/1"`).FindAllSubmatch(a.body, -1)
	patient := regexp.MustCompile(`"location":"[^"]*?(Patient/[^/"]+)/_history/1"`).FindSubmatch(a.body)
	if len(places) != entries-1 || patient == nil {
		t.Fatalf("%d locations of Observations, want %d; of the Patient: %s", len(places), entries-1, patient)
	}
	check := func(s *server) {
		t.Helper()
		if total, err := parseTree(s.must(200, "GET", "/_history?_summary=count", "").body); err != nil || total.get("total").string() != strconv.Itoa(entries) {
			t.Errorf("history: %s, %v; want a total of %d", total, err, entries)
		}
		for _, i := range []int{0, 1, len(places) / 2, len(places) - 1} {
			o, err := parseTree(s.must(200, "GET", "/"+string(places[i][1]), "").body)
			if err != nil {
				t.Fatal(err)
			}
			before := string(places[max(0, i-1)][1])
			subject, _ := o.at("subject.reference")
			derived, _ := o.at("derivedFrom[0].reference")
			number, _ := o.at("valueQuantity.value")
			if subject.string() != string(patient[1]) || derived.string() != before || number.string() != fmt.Sprintf("%d.00", i+1) {
				t.Errorf("%s: %s", places[i][1], o)
			}
		}
	}
	check(s)

	// The same with a fault in its last entry changes nothing.
	s.must(400, "POST", "", largeBundle(entries, `,"unknown":1`))
	check(s)
	t.Logf("and with one that was refused at its last entry: %s", checkMemory(t, s))
	s.stop()
	again := startServer(t, s.data)
	check(again)
	again.stop()
}

// TestCrashInLargeTransaction kills the server while it works on a transaction of
// thousands of entries: afterwards all of them are there, or none.
func TestCrashInLargeTransaction(t *testing.T) {
	const entries = 2_000
	bundle := largeBundle(entries, "")
	data, before, committed := t.TempDir(), 0, 0
	for range 4 {
		s := startServer(t, data)
		answered := make(chan bool)
		go func() {
			a, err := s.ask("POST", "", bundle)
			answered <- err == nil && a.status == 200
		}()
		time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
		s.kill()
		acknowledged := <-answered

		again := startServer(t, data)
		total, err := strconv.Atoi(mustTree(t, string(again.must(200, "GET", "/_history?_count=0", "").body)).get("total").string())
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case total == before+entries:
			committed++
		case total != before:
			t.Fatalf("%d versions were there, now %d: the transaction of %d is there in part", before, total, entries)
		case acknowledged:
			t.Fatal("an acknowledged transaction is lost")
		}
		before = total
		again.stop()
	}
	t.Logf("%d of 4 transactions had been committed", committed)
	checkProjections(t, data)
}

// largeBundle makes a transaction of one Patient and many Observations, each of
// which refers to the Patient and to the one before.
func largeBundle(entries int, fault string) string {
	random := rand.New(rand.NewPCG(1, 2))
	link := func(i int) string { return fmt.Sprintf("urn:uuid:00000000-0000-4000-8000-%012d", i) }
	var b bytes.Buffer
	b.WriteString(`{"resourceType":"Bundle","type":"transaction","entry":[`)
	fmt.Fprintf(&b, `{"fullUrl":"%s","resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}}`, link(0))
	for i := 1; i < entries; i++ {
		fmt.Fprintf(&b, `,{"fullUrl":"%s","resource":{"resourceType":"Observation","status":"final","code":{"text":"c"},"subject":{"reference":"%s"},"derivedFrom":[{"reference":"%s"}],"valueQuantity":{"value":%d.00},"note":[{"text":"`,
			link(i), link(0), link(max(1, i-1)), i)
		for range 120 {
			fmt.Fprintf(&b, "%016x ", random.Uint64())
		}
		b.WriteString(`"}]`)
		if i == entries-1 {
			b.WriteString(fault)
		}
		b.WriteString(`},"request":{"method":"POST","url":"Observation"}}`)
	}
	b.WriteString(`]}`)
	return b.String()
}

var highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// checkMemory asserts that the server never had more memory than it may have,
// and says how much it had.
func checkMemory(t *testing.T, s *server) string {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	m := highWater.FindSubmatch(status)
	if err != nil || m == nil {
		return "not known on " + runtime.GOOS
	}
	kilobytes, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	if kilobytes<<10 > mostMemory {
		t.Errorf("the server had %d MiB of memory, more than %d", kilobytes>>10, mostMemory>>20)
	}
	return fmt.Sprintf("%d MiB", kilobytes>>10)
}
