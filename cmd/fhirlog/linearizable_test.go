package main

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// Operations on one resource are linearizable: each takes effect at one moment
// between its call and its reply. The tests below record what clients called for at
// the same time and what they were told, and porcupine looks for an order in which
// a plain model gives the very same replies.
//
// A history is of one place: a resource (resourcePlace), or all that carries an
// identifier (identifierPlace).

// call is what a client asks for.
type call struct {
	verb     verb
	place    string
	language string // what is to be written
	text     string // the same; for a patch, what must be there
	match    int    // If-Match this version; ifAbsent, or 0
	version  int    // of a vread
	id       string // of a deletion by id
}

type verb string

// ifAbsent stands for If-None-Match: *.
const ifAbsent = -1

// heard is what the client is told.
type heard struct {
	cutOff  bool // the connection broke: the call has taken effect, or never will
	status  int
	version int    // in the ETag
	content string // of what is shown, as the model writes it
}

// place is a thing whose history is checked.
type place struct {
	// serve is the model: what a call makes of a state, and what is told. The
	// state at the beginning is "". An id that only the server can choose is a
	// question mark and a text that belongs to nothing else.
	serve func(state string, c call) (after string, r heard)
	// request is the call as HTTP.
	request func(c call) (method, path, body string, headers []string)
	// shown is what an answer shows, as the model writes it.
	shown func(c call, a answer) (string, error)
}

// model is how porcupine sees a place. What becomes of a call that was cut off is
// open: both states are possible from there on.
func (p place) model() porcupine.Model {
	seed := maphash.MakeSeed()
	nondeterministic := porcupine.NondeterministicModel{
		Init: func() []any { return []any{""} },
		Step: func(state, in, out any) []any {
			after, want := p.serve(state.(string), in.(call))
			got := out.(heard)
			if got.cutOff {
				return []any{state, after}
			}
			after, agreed := learn(after, want, got)
			if !agreed {
				return nil
			}
			return []any{after}
		},
		Hash:              func(state any) uint64 { return maphash.String(seed, state.(string)) },
		DescribeOperation: func(in, out any) string { return fmt.Sprintf("%v → %v", in, out) },
	}
	return nondeterministic.ToModel()
}

// learn compares what was told with what the model tells, and puts the ids that it
// shows into the state for those that were not known.
func learn(after string, want, got heard) (string, bool) {
	wanted, shown := parts(want.content), parts(got.content)
	if got.status != want.status || got.version != want.version || len(shown) != len(wanted) {
		return "", false
	}
	for i, part := range wanted {
		switch {
		case part == shown[i]:
		case strings.HasPrefix(part, "?"):
			after = strings.ReplaceAll(after, part+"=", shown[i]+"=")
		default:
			return "", false
		}
	}
	return after, true
}

// parts are the pieces of a content: its members, and what these consist of.
func parts(content string) []string {
	return strings.FieldsFunc(content, func(c rune) bool { return c == '/' || c == '=' })
}

func (c call) String() string {
	text := fmt.Sprintf("%s %s", c.verb, c.place)
	for name, value := range map[string]string{"language": c.language, "text": c.text, "id": c.id} {
		if value != "" {
			text += fmt.Sprintf(" %s %s", name, value)
		}
	}
	if c.match != 0 {
		text += fmt.Sprintf(" if %d", c.match)
	}
	if c.version != 0 {
		text += fmt.Sprintf(" version %d", c.version)
	}
	return text
}

func (r heard) String() string {
	if r.cutOff {
		return "cut off"
	}
	return fmt.Sprintf("%d version %d %s", r.status, r.version, r.content)
}

// checkLinearizable looks for an order that explains a history, place by place.
func checkLinearizable(t *testing.T, p place, history []porcupine.Operation) {
	t.Helper()
	places := map[string][]porcupine.Operation{}
	for _, o := range history {
		at := o.Input.(call).place
		places[at] = append(places[at], o)
	}
	model := p.model()
	for _, at := range slices.Sorted(maps.Keys(places)) {
		switch result := porcupine.CheckOperationsTimeout(model, places[at], time.Minute); result {
		case porcupine.Ok:
		case porcupine.Illegal:
			t.Errorf("no order of the %d operations on %s explains what was told: %s", len(places[at]), at, explain(model, places[at]))
		default:
			t.Errorf("whether an order explains the %d operations on %s is not decided within a minute", len(places[at]), at)
		}
	}
}

// explain says how far an order explains a history, and writes a picture of it, which
// outlives the test.
func explain(model porcupine.Model, history []porcupine.Operation) string {
	_, info := porcupine.CheckOperationsVerbose(model, history, time.Minute)
	var explained []porcupine.Operation
	for _, order := range info.PartialLinearizationsOperations()[0] {
		if len(order) > len(explained) {
			explained = order
		}
	}
	state, done := model.Init(), map[porcupine.Operation]bool{}
	for _, o := range explained {
		_, state = model.Step(state, o.Input, o.Output)
		done[o] = true
	}
	text := fmt.Sprintf("%d of %d are explained; then the state is %.300v, and none of these can follow:", len(explained), len(history), state)
	left := slices.DeleteFunc(slices.Clone(history), func(o porcupine.Operation) bool { return done[o] })
	slices.SortFunc(left, func(a, b porcupine.Operation) int { return cmp.Compare(a.Return, b.Return) })
	for _, o := range left[:min(clientsPerHistory, len(left))] {
		text += fmt.Sprintf("\n\t%d: %v → %v", o.ClientId, o.Input, o.Output)
	}
	dir, err := os.MkdirTemp("", "fhirlog-history-")
	if err == nil {
		dir = filepath.Join(dir, "history.html")
		err = porcupine.VisualizePath(model, info, dir)
	}
	if err != nil {
		return fmt.Sprintf("%s\nIt cannot be drawn: %v", text, err)
	}
	return text + "\nThe picture is " + dir
}
