package main

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// TestHistoriesThatSurviveKillsAreLinearizable lets clients call for the same few
// resources at once, kills the server under them, starts it again and goes on, and
// asks for an order that explains all they were told, over the kills. A call that
// the kill cut off has taken effect by the time of the next start, or never does.
func TestHistoriesThatSurviveKillsAreLinearizable(t *testing.T) {
	rounds, seed := crashRounds(t)
	random, data := rand.New(rand.NewPCG(seed, 21)), t.TempDir()
	var tally tally
	for round := 0; round < rounds; round += roundsPerHistory {
		h := &histories{t: t, name: fmt.Sprintf("h%d", round), began: time.Now()}
		for i := range min(roundsPerHistory, rounds-round) {
			h.start(data)
			if i == 0 {
				h.emptyShelves()
			}
			h.observe()
			h.round(time.Duration(200+random.IntN(600))*time.Millisecond, random)
		}
		h.start(data)
		h.observe()
		h.server.stop()
		tally.add(h)
		for kind, p := range placesOf {
			checkLinearizable(t, p, h.of[kind])
		}
		if t.Failed() {
			t.Fatalf("in the rounds from %d", round)
		}
	}
	checkProjections(t, data)
	t.Logf("%d rounds: %s", rounds, &tally)
	if tally.calls < 20*rounds || tally.cutOff == 0 {
		t.Error("that shows little")
	}
}

const (
	roundsPerHistory  = 3 // kills after which other places are taken
	placesPerHistory  = 3 // of each of the first two kinds
	shelves           = 2
	shelfKind         = 2
	clientsPerHistory = 8
	mostCallsOfARound = 4000 // of each client, so that an order is found in seconds
)

// histories are what clients called for and heard while a server was killed a few
// times: of resources, of identifiers, and of shelves.
type histories struct {
	t      *testing.T
	name   string // of the places
	began  time.Time
	server *server
	killed atomic.Bool
	of     [3][]porcupine.Operation // by kind of place; of the test's goroutine
}

// kinds of places, by the index in histories.of.
var placesOf = [3]place{resourcePlace, identifierPlace, shelfPlace}

func (h *histories) start(data string) {
	h.server = startServer(h.t, data, "--versioning-of", "Organization=no-version")
}

func (h *histories) now() int64 { return int64(time.Since(h.began)) }

// placeName is one of the places of a kind.
func (h *histories) placeName(kind, number int) string {
	return fmt.Sprintf("%s-%c%d", h.name, "ris"[kind], number)
}

// observe reads all places, after a start.
func (h *histories) observe() {
	observer := &caller{histories: h, number: clientsPerHistory, seen: map[string]heard{}}
	h.killed.Store(false)
	for number := range placesPerHistory {
		for _, v := range []verb{read, instanceHistory, find} {
			observer.do(0, call{verb: v, place: h.placeName(0, number)})
		}
		observer.do(1, call{verb: searchFor, place: h.placeName(1, number)})
	}
	for number := range shelves {
		for _, v := range []verb{listShelf, countShelf, listSorted} {
			observer.do(shelfKind, call{verb: v, place: h.placeName(shelfKind, number)})
		}
	}
	observer.do(shelfKind, call{verb: shelfHistory, place: h.placeName(shelfKind, 0)})
	h.keep(observer, h.now())
}

// round lets clients call, and kills the server after some time.
func (h *histories) round(after time.Duration, random *rand.Rand) {
	var all sync.WaitGroup
	callers := make([]*caller, clientsPerHistory)
	for number := range callers {
		callers[number] = &caller{histories: h, number: number, random: rand.New(rand.NewPCG(random.Uint64(), 22)), seen: map[string]heard{}}
		all.Go(callers[number].run)
	}
	time.Sleep(after)
	h.killed.Store(true)
	h.server.kill()
	gone := h.now() // nothing takes effect after it
	all.Wait()
	for _, c := range callers {
		h.keep(c, gone)
	}
}

// keep takes over what a client has noted; what was cut off had its time until gone.
func (h *histories) keep(c *caller, gone int64) {
	for kind, operations := range c.noted {
		for _, o := range operations {
			if o.Output.(heard).cutOff {
				o.Return = max(gone, o.Call)
			}
			h.of[kind] = append(h.of[kind], o)
		}
	}
}

// caller is one client.
type caller struct {
	*histories
	number int
	random *rand.Rand
	count  int              // of texts
	seen   map[string]heard // the last that was heard, by place
	noted  [3][]porcupine.Operation
}

func (c *caller) run() {
	for range mostCallsOfARound {
		kind, places := c.random.IntN(3), placesPerHistory
		var about func(at string) call
		switch kind {
		case shelfKind:
			about, places = c.aboutShelf, shelves
		case 1:
			about = c.aboutIdentifier
		default:
			about = c.aboutResource
		}
		if !c.do(kind, about(c.placeName(kind, c.random.IntN(places)))) {
			return
		}
	}
}

// do sends a call and notes what is heard. It is false when the server is gone.
func (c *caller) do(kind int, asked call) bool {
	method, path, body, headers := placesOf[kind].request(asked)
	called := c.now()
	a, err := c.server.ask(method, path, body, headers...)
	returned := c.now()
	told := heard{cutOff: err != nil, status: a.status}
	if err == nil {
		told.content, err = placesOf[kind].shown(asked, a)
		if tag := a.header.Get("ETag"); tag != "" {
			told.version = versionOf(a)
		}
	} else if c.killed.Load() {
		err = nil
	}
	if err != nil {
		c.t.Errorf("%s: %v", asked, err)
	}
	c.noted[kind] = append(c.noted[kind], porcupine.Operation{ClientId: c.number, Input: asked, Output: told, Call: called, Return: returned})
	if told.content != "" && (kind == 1 || told.version > 0) {
		c.seen[asked.place] = told
	}
	return !told.cutOff && err == nil
}
