package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestCrash kills the real server while clients write, starts it again, and
// looks for everything that it acknowledged.
func TestCrash(t *testing.T) {
	rounds, seed := crashRounds(t)
	random := rand.New(rand.NewPCG(seed, 1))
	known, data := newLedger(), t.TempDir()
	acknowledged, inJobs := int64(0), 0
	for round := range rounds {
		if round > 0 && round%roundsPerFolder == 0 {
			finishFolder(t, known, data, random)
			known, data = newLedger(), t.TempDir()
		}
		answered, inJob := crash(t, known, data, round, random)
		if acknowledged += answered; inJob {
			inJobs++
		}
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	finishFolder(t, known, data, random)
	t.Logf("%d rounds, %d of them in the middle of a reindex; %d acknowledged requests, none lost", rounds, inJobs, acknowledged)
}

// crashRounds says how often a server is to be killed, as FHIRLOG_CRASH_ROUNDS has it,
// and what the choices are drawn from: FHIRLOG_CRASH_SEED repeats those of a run, not
// its timing.
func crashRounds(t *testing.T) (rounds int, seed uint64) {
	t.Helper()
	rounds, seed = 3, uint64(time.Now().UnixNano())
	if given := os.Getenv("FHIRLOG_CRASH_ROUNDS"); given != "" {
		var err error
		if rounds, err = strconv.Atoi(given); err != nil {
			t.Fatal(err)
		}
	}
	if given := os.Getenv("FHIRLOG_CRASH_SEED"); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("FHIRLOG_CRASH_SEED=%d FHIRLOG_CRASH_ROUNDS=%d", seed, rounds)
	return rounds, seed
}

// roundsPerFolder is after how many crashes a folder is replaced, so that the
// comparison does not grow without end.
const roundsPerFolder = 5

// finishFolder compares a last time, after a clean stop.
func finishFolder(t *testing.T, known *ledger, data string, random *rand.Rand) {
	s := startServer(t, data)
	known.verify(t, s, random)
	s.stop()
	checkProjections(t, data)
}

// crash runs one round: load, kill, and a start that must find everything. It
// tells how many requests were answered, and whether a reindex was at work when
// the server was killed.
func crash(t *testing.T, known *ledger, data string, round int, random *rand.Rand) (answered int64, inJob bool) {
	s := startServer(t, data)
	l := &load{t: t, known: known, server: s}
	l.run(fmt.Sprintf("r%d", round), int64(50+random.IntN(600)), random, s.kill)

	switch random.IntN(4) {
	case 0: // while it starts
		again := launch(t, data)
		_ = again.pipe(t)
		time.Sleep(time.Duration(random.IntN(60)) * time.Millisecond)
		killUnread(again)
	case 1:
		if err := os.RemoveAll(filepath.Join(data, "projections")); err != nil {
			t.Fatal(err)
		}
	case 2:
		checkProjections(t, data)
	}
	again := startServer(t, data)
	known.verify(t, again, random)
	if random.IntN(2) == 0 {
		again.kill()
	} else {
		again.stop()
	}
	return l.answered.Load(), l.indexing.Load()
}

// TestStopUnderLoad stops the server while clients write: it finishes what runs,
// and ends without an error.
func TestStopUnderLoad(t *testing.T) {
	known, random := newLedger(), rand.New(rand.NewPCG(1, 1))
	s := startServer(t, t.TempDir())
	l := &load{t: t, known: known, server: s}
	l.run("stop", 500, random, s.stop)
	if unclean := strings.Contains(s.stderr.String(), `"level":"error"`); unclean {
		t.Errorf("the stop was not clean:\n%s", s.stderr.String())
	}
	again := startServer(t, s.data)
	if line := again.logLine("log opened"); !strings.Contains(line, `"unclean":false`) {
		t.Errorf("the start after it found an unclean log:\n%s", line)
	}
	known.verify(t, again, random)
	again.stop()
	checkProjections(t, s.data)
}

// killUnread ends a process whose output nobody reads.
func killUnread(s *server) {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait() // says that it was killed
	s.gone = true
}

// load is what the clients of a round share.
type load struct {
	t        *testing.T
	known    *ledger
	server   *server
	killed   atomic.Bool  // connections may break from now on
	over     atomic.Bool  // clients are to end with what they do
	answered atomic.Int64 // requests
	indexing atomic.Bool  // a job was asked for and has not ended yet
}

// run lets clients write, and one of them index a search parameter, until enough
// requests are answered, and ends the server under them.
func (l *load) run(name string, enough int64, random *rand.Rand, end func()) {
	var clients sync.WaitGroup
	for number := range 8 {
		c := &writer{load: l, name: fmt.Sprintf("%sc%d", name, number), random: rand.New(rand.NewPCG(random.Uint64(), 2))}
		clients.Go(c.run)
	}
	indexer := &writer{load: l, name: name + "i", random: rand.New(rand.NewPCG(random.Uint64(), 2))}
	clients.Go(indexer.index)
	for l.answered.Load() < enough && !l.t.Failed() {
		time.Sleep(time.Millisecond)
	}
	if random.IntN(3) > 0 { // in a job
		for deadline := time.Now().Add(time.Second); !l.indexing.Load() && time.Now().Before(deadline); {
			time.Sleep(20 * time.Microsecond)
		}
		time.Sleep(time.Duration(random.IntN(2000)) * time.Microsecond)
	}
	l.killed.Store(true)
	end()
	clients.Wait()
}

// writer is one client. Its resources begin with its name; a few are shared
// with the others.
type writer struct {
	*load
	name   string
	random *rand.Rand
	count  int
	own    []string
}

// errCutOff ends a client: the server is gone, the outcome of the last request
// is unknown.
var errCutOff = fmt.Errorf("the server is gone: %w", io.ErrUnexpectedEOF)

func (w *writer) run() { w.repeat(w.act, 0) }

// act does one of the things that clients do.
func (w *writer) act() error {
	acts := []func() error{w.create, w.put, w.put, w.put, w.share, w.patch, w.patch, w.delete, w.transact, w.transact, w.hardDelete}
	return acts[w.random.IntN(len(acts))]()
}

// repeat does something again and again, with a rest of random length in between,
// until the server is gone or enough is done.
func (w *writer) repeat(act func() error, longestRest time.Duration) {
	for !w.over.Load() {
		if err := act(); err != nil {
			if err != errCutOff {
				w.t.Error(err)
			}
			return
		}
		if longestRest > 0 {
			time.Sleep(time.Duration(w.random.Int64N(int64(longestRest))))
		}
	}
}

// ask sends a request; the answer must have one of some statuses.
func (w *writer) ask(method, path, body string, statuses ...int) (answer, error) {
	return w.send(method, path, body, nil, statuses...)
}

// send is ask with headers.
func (w *writer) send(method, path, body string, headers []string, statuses ...int) (answer, error) {
	a, err := w.server.ask(method, path, body, headers...)
	if err != nil {
		if w.killed.Load() {
			return a, errCutOff
		}
		return a, fmt.Errorf("%s %s: %w", method, path, err)
	}
	w.answered.Add(1)
	for _, status := range statuses {
		if a.status == status {
			return a, nil
		}
	}
	return a, fmt.Errorf("%s %s: got %d, want %d\n%s", method, path, a.status, statuses, a.body)
}

// next makes a marker that no other resource version has.
func (w *writer) next() string {
	w.count++
	return fmt.Sprintf("%s-%d", w.name, w.count)
}

// resource makes a resource that carries a marker, of changing size.
func (w *writer) resource(id, marker string) string {
	member := ""
	if id != "" {
		member = `"id":"` + id + `",`
	}
	size := w.random.IntN(200)
	if w.random.IntN(20) == 0 {
		size = w.random.IntN(50_000)
	}
	return `{"resourceType":"Basic",` + member + markers(marker) + `,"display":"` + strings.Repeat("é", size+1) + `"}]}}`
}

// keep notes the resource of an answer.
func (w *writer) keep(resource *tree) error {
	version, err := strconv.Atoi(resource.get("meta").get("versionId").string())
	if err != nil {
		return fmt.Errorf("%s has no version: %w", resource, err)
	}
	return w.known.acknowledge(resource.get("resourceType").string()+"/"+resource.get("id").string(), version, resource.String())
}

func (w *writer) keepBody(a answer) error {
	resource, err := parseTree(a.body)
	if err != nil {
		return err
	}
	return w.keep(resource)
}

func (w *writer) create() error {
	a, err := w.ask("POST", "/Basic", w.resource("", w.next()), 201)
	if err != nil {
		return err
	}
	return w.keepBody(a)
}

// pick chooses a resource of the client's own, often a new one.
func (w *writer) pick() string {
	if len(w.own) == 0 || w.random.IntN(3) == 0 {
		w.own = append(w.own, w.next())
	}
	return w.own[w.random.IntN(len(w.own))]
}

// put writes a resource, reads it and finds it at once: nobody else writes it.
func (w *writer) put() error {
	id, marker := w.pick(), w.next()
	a, err := w.ask("PUT", "/Basic/"+id, w.resource(id, marker), 200, 201)
	if err != nil {
		return err
	}
	if err := w.keepBody(a); err != nil {
		return err
	}
	read, err := w.ask("GET", "/Basic/"+id, "", 200)
	if err == nil && string(read.body) != string(a.body) {
		err = fmt.Errorf("GET Basic/%s: got\n%s\nright after the server had said\n%s", id, read.body, a.body)
	}
	if err == nil {
		err = w.found(id, marker)
	}
	return err
}

func (w *writer) share() error {
	id := "shared-" + strconv.Itoa(w.random.IntN(3))
	a, err := w.ask("PUT", "/Basic/"+id, w.resource(id, w.next()), 200, 201)
	if err != nil {
		return err
	}
	return w.keepBody(a)
}

// patch changes a shared resource, if it is there: only what carries the marker, so
// that the rest is what another client has written.
func (w *writer) patch() error {
	id := "shared-" + strconv.Itoa(w.random.IntN(3))
	a, err := w.send("PATCH", "/Basic/"+id, markerPatch(w.next()), []string{"Content-Type: " + jsonPatch}, 200, 404)
	if err != nil || a.status == 404 {
		return err
	}
	return w.keepBody(a)
}

func (w *writer) delete() error {
	id := w.pick()
	a, err := w.ask("DELETE", "/Basic/"+id, "", 204)
	if err != nil || a.header.Get("ETag") == "" { // nothing to delete
		return err
	}
	version, err := strconv.Atoi(strings.Trim(a.header.Get("ETag"), `W/"`))
	if err != nil {
		return err
	}
	return w.known.acknowledge("Basic/"+id, version, "")
}

// transact writes several resources at once, one of them shared.
func (w *writer) transact() error {
	marker, own, shared := w.next(), w.pick(), "shared-"+strconv.Itoa(w.random.IntN(3))
	other := w.next()
	entries := []string{
		`{"resource":` + w.resource("", marker) + `,"request":{"method":"POST","url":"Basic"}}`,
		`{"resource":` + w.resource(own, marker) + `,"request":{"method":"PUT","url":"Basic/` + own + `"}}`,
		`{"resource":` + w.resource(shared, marker) + `,"request":{"method":"PUT","url":"Basic/` + shared + `"}}`,
		`{"resource":` + w.resource(other, marker) + `,"request":{"method":"PUT","url":"Basic/` + other + `"}}`,
	}
	w.known.transaction(marker, attempt{len(entries), unknown})
	a, err := w.ask("POST", "/", `{"resourceType":"Bundle","type":"transaction","entry":[`+strings.Join(entries, ",")+`]}`, 200, 409)
	if err != nil {
		return err
	}
	if a.status == 409 {
		w.known.transaction(marker, attempt{len(entries), refused})
		return nil
	}
	w.known.transaction(marker, attempt{len(entries), done})
	bundle, err := parseTree(a.body)
	if err != nil {
		return err
	}
	for _, entry := range bundle.get("entry").items() {
		if err := w.keep(entry.get("resource")); err != nil {
			return err
		}
	}
	return nil
}

// hardDelete writes a resource, and removes it with all its versions.
func (w *writer) hardDelete() error {
	id := w.next()
	for range 2 {
		a, err := w.ask("PUT", "/Basic/"+id, w.resource(id, w.next()), 200, 201)
		if err != nil {
			return err
		}
		if err := w.keepBody(a); err != nil {
			return err
		}
	}
	w.known.erase("Basic/"+id, false)
	if _, err := w.ask("DELETE", "/Basic/"+id+"?hardDelete=true", "", 204); err != nil {
		return err
	}
	w.known.erase("Basic/"+id, true)
	return nil
}
