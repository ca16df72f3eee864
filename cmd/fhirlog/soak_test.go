package main

import (
	"fmt"
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

// TestSoak lets a server work for FHIRLOG_SOAK_MINUTES (make soak): clients write,
// patch, delete, erase, read the present and the past, search and page; jobs index,
// rebuild and compact beside them. Now and then it is killed, or stopped. After each
// of its lives `fhirlog verify` must find the log whole and the continuation of every
// checkpoint it has shown, the next start must find everything that was acknowledged,
// and what it takes of memory, files and goroutines must be within bounds.
func TestSoak(t *testing.T) {
	given := os.Getenv("FHIRLOG_SOAK_MINUTES")
	if given == "" {
		t.Skip("make soak MINUTES=… runs it")
	}
	minutes, err := strconv.ParseFloat(given, 64)
	if err != nil {
		t.Fatal(err)
	}
	_, seed := crashRounds(t)
	random := rand.New(rand.NewPCG(seed, 31))
	began := time.Now()
	var total soakTally
	x := newSoak(t, random, &total)
	for time.Since(began).Minutes() < minutes && !t.Failed() {
		x.live(time.Duration(10+random.IntN(30)) * time.Second)
		if len(x.known.writes) > placesPerSoak {
			x.finish()
			x = newSoak(t, random, &total)
		}
	}
	if !t.Failed() {
		x.finish()
	}
	t.Logf("%s", &total)
}

// placesPerSoak is how many resources a folder gets before another one takes its
// place: all of them are read after every life.
const placesPerSoak = 15_000

// soakTally is what a soak tells at its end.
type soakTally struct {
	lives, kills, stops, folders int
	requests                     int64
	rebuilds, compactions        atomic.Int64
	reads                        atomic.Int64 // answers that were compared
	memory, files, goroutines    float64      // the most
	goroutinesLeft               float64
}

func (y *soakTally) String() string {
	return fmt.Sprintf("%d lives in %d folders, %d ended by kill -9 and %d by a stop; %d requests of writers answered, none lost; %d answers to readers compared; %d rebuilds, %d compactions; at most %.0f MB, %.0f files, %.0f goroutines, %+.0f goroutines at rest",
		y.lives, y.folders, y.kills, y.stops, y.requests, y.reads.Load(), y.rebuilds.Load(), y.compactions.Load(), y.memory/1e6, y.files, y.goroutines, y.goroutinesLeft)
}

// soak is one folder and what is known of it.
type soak struct {
	*soakTally
	t           *testing.T
	random      *rand.Rand
	data        string
	known       *ledger
	secrets     *secrets
	key         string // public key of the log
	checkpoints []string
}

func newSoak(t *testing.T, random *rand.Rand, total *soakTally) *soak {
	total.folders++
	return &soak{soakTally: total, t: t, random: random, data: t.TempDir(), known: newLedger(), secrets: &secrets{n: total.folders * 100_000}}
}

// live starts the server, lets clients at it for some time, ends it, and checks what
// it left.
func (x *soak) live(length time.Duration) {
	s := startServer(x.t, x.data)
	l := &load{t: x.t, known: x.known, server: s}
	atStart := s.gauges()
	clients := x.clients(l)
	for end := time.Now().Add(length); time.Now().Before(end) && !x.t.Failed(); time.Sleep(500 * time.Millisecond) {
		x.measure(s)
	}
	x.keepCheckpoint(s)
	x.lives++
	if x.random.IntN(4) > 0 {
		x.kills++
		l.killed.Store(true)
		s.kill()
		clients.Wait()
	} else {
		x.stops++
		l.over.Store(true)
		clients.Wait()
		x.atRest(s, atStart)
		s.stop()
	}
	x.requests += l.answered.Load()
	x.verifyFolder()
	again := startServer(x.t, x.data)
	x.known.verify(x.t, again, x.random)
	again.stop()
}

// finish compacts, and looks through the files and the projections as well.
func (x *soak) finish() {
	s := startServer(x.t, x.data)
	compactToTheEnd(s)
	x.known.verify(x.t, s, x.random)
	x.keepCheckpoint(s)
	s.stop()
	x.verifyFolder()
	x.secrets.check(x.t, x.data)
	checkProjections(x.t, x.data)
}

// keepCheckpoint keeps what the log has signed, as an auditor would.
func (x *soak) keepCheckpoint(s *server) {
	key := strings.TrimSpace(string(s.get("/log/key")))
	if x.key == "" {
		x.key = key
	} else if x.key != key {
		x.t.Errorf("the log has another key, %s instead of %s", key, x.key)
	}
	path := filepath.Join(x.t.TempDir(), "checkpoint")
	if err := os.WriteFile(path, s.get("/log/checkpoint"), 0o600); err != nil {
		x.t.Fatal(err)
	}
	x.checkpoints = append(x.checkpoints, path)
}

func (x *soak) verifyFolder() {
	args := []string{"verify", "--data", x.data, "--key", x.key}
	for _, path := range x.checkpoints {
		args = append(args, "--checkpoint", path)
	}
	if out, fault, err := runProgram(x.t, args...); err != nil {
		x.t.Errorf("verify: %v\n%s%s", err, out, fault)
	}
}

// clients lets them begin.
func (x *soak) clients(l *load) *sync.WaitGroup {
	var all sync.WaitGroup
	client := func(name string, longestRest time.Duration, act func(w *writer) error) {
		w := &writer{load: l, name: fmt.Sprintf("l%d%s", x.lives, name), random: rand.New(rand.NewPCG(x.random.Uint64(), 32))}
		all.Go(func() { w.repeat(func() error { return act(w) }, longestRest) })
	}
	for number := range 6 {
		client(fmt.Sprint("w", number), 60*time.Millisecond, (*writer).act)
	}
	client("s", 300*time.Millisecond, func(w *writer) error { return w.writeSecret(x.secrets) })
	for number := range 3 {
		client(fmt.Sprint("r", number), 20*time.Millisecond, func(w *writer) error {
			x.reads.Add(1)
			return w.compareRead()
		})
	}
	client("j", 4*time.Second, func(w *writer) error {
		switch w.random.IntN(3) {
		case 0:
			return w.rebuild(&x.rebuilds)
		case 1:
			return w.compact(&x.compactions)
		}
		return w.defineAndReindex()
	})
	return &all
}
