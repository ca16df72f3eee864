package commit

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/fhirjson"
)

// wish is a command as the model understands it.
type wish struct {
	interaction event.Interaction
	id          domain.LogicalID // of a plain command, or in the body of an update
	by          criterion        // of a conditional command
	limit       int
	identifier  string // of the content
	family      string
	cites       string // for a Basic: the identifier that its reference searches for
}

// criterion is an identifier, or the beginning of a family name, or nothing.
type criterion struct{ identifier, family string }

func (c criterion) given() bool { return c != criterion{} }

// modelPatient is what the model keeps of a Patient.
type modelPatient struct {
	identifier, family string
	deleted            bool
	at                 int // of its last change, for the order
}

// model is the Patients by id, changed in the order of the log.
type model struct {
	patients map[domain.LogicalID]modelPatient
	changes  int
}

func (m *model) matches(c criterion) (ids []domain.LogicalID) {
	for id, p := range m.patients {
		meets := p.identifier == c.identifier
		if c.family != "" {
			meets = strings.HasPrefix(p.family, c.family)
		}
		if meets && !p.deleted {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b domain.LogicalID) int { return m.patients[a].at - m.patients[b].at })
	return ids
}

// effect is an event that the model expects.
type effect struct {
	kind  event.Kind
	id    domain.LogicalID // "" is one that the server makes
	wish  *wish
	cited domain.LogicalID
}

// judge says what wishes of one commit do to the model: their events, and what
// becomes of each; or that they must fail.
func (m *model) judge(wishes []wish) (effects []effect, changes []Change, fails bool) {
	targets := map[string]bool{}
	aim := func(target string) {
		fails = fails || targets[target]
		targets[target] = true
	}
	for i := range wishes {
		w := &wishes[i]
		write := func(kind event.Kind, id domain.LogicalID) {
			effects = append(effects, effect{kind: kind, id: id, wish: w})
		}
		if w.cites != "" {
			found := m.matches(criterion{identifier: w.cites})
			if len(found) != 1 {
				return nil, nil, true
			}
			effects = append(effects, effect{event.Written, "", w, found[0]})
			changes = append(changes, Created)
			continue
		}
		id := w.id
		deletes := w.interaction == event.Delete || w.interaction == event.HardDelete
		if w.by.given() {
			found := m.matches(w.by)
			switch {
			case deletes && len(found) > max(1, w.limit) && w.limit > 1:
				found = found[:w.limit]
			case len(found) > max(1, w.limit):
				return nil, nil, true
			}
			if deletes {
				kind := event.Deleted
				if w.interaction == event.HardDelete {
					kind = event.Erased
				}
				for _, id := range found {
					aim(string(id))
					write(kind, id)
				}
				changes = append(changes, Nothing)
				if len(found) > 0 {
					changes[i] = Deleted
				}
				continue
			}
			if len(found) == 1 {
				if w.interaction == event.Create {
					aim(string(found[0]))
					changes = append(changes, Existing)
					continue
				}
				fails = fails || id != "" && id != found[0]
				id = found[0]
			} else if w.interaction == event.Patch {
				return nil, nil, true
			} else {
				aim(fmt.Sprint(w.by))
			}
		}
		if id != "" {
			aim(string(id))
		}
		p, known := m.patients[id]
		switch {
		case w.interaction == event.Delete && known && !p.deleted:
			write(event.Deleted, id)
			changes = append(changes, Deleted)
		case w.interaction == event.HardDelete && known:
			write(event.Erased, id)
			changes = append(changes, Deleted)
		case deletes:
			changes = append(changes, Nothing)
		case w.interaction == event.Patch && (!known || p.deleted):
			return nil, nil, true
		default:
			write(event.Written, id)
			changes = append(changes, Updated)
			if id == "" || !known {
				changes[i] = Created
			}
		}
	}
	return effects, changes, fails
}

// apply makes an event part of the model.
func (m *model) apply(e effect, id domain.LogicalID) {
	m.changes++
	p := m.patients[id]
	switch {
	case e.wish.cites != "":
	case e.kind == event.Erased:
		delete(m.patients, id)
	case e.kind == event.Deleted:
		p.deleted, p.at = true, m.changes
		m.patients[id] = p
	case e.wish.interaction == event.Patch: // the identifier stays
		m.patients[id] = modelPatient{p.identifier, e.wish.family, false, m.changes}
	default:
		m.patients[id] = modelPatient{e.wish.identifier, e.wish.family, false, m.changes}
	}
}

// command makes what the service understands of a wish.
func (w *wish) command(t testing.TB) Command {
	c := Command{Interaction: w.interaction, Type: "Patient", Limit: w.limit}
	if w.cites != "" {
		return create(t, "Basic", citing("", "Patient?identifier=s|"+w.cites))
	}
	switch {
	case w.by.family != "":
		c.Criteria = query(t, "Patient", "family", w.by.family)
	case w.by.given():
		c.Criteria = query(t, "Patient", "identifier", "s|"+w.by.identifier)
	default:
		c.ID = w.id
	}
	if w.interaction == event.Create || w.interaction == event.Update {
		c.Resource = parse(t, patient(string(w.id), w.family, w.identifier))
	}
	if w.interaction == event.Patch {
		c.Patch = renaming(w.family)
	}
	return c
}

// renaming is a patch that gives a Patient another family name.
type renaming string

func (r renaming) Apply(v fhirjson.Value) (*fhirjson.Document, error) {
	family := v.Get("name").First().Get("family")
	edit := fhirjson.Edit{Start: family.Start(), End: family.End(), With: fhirjson.AppendQuoted(nil, string(r))}
	return fhirjson.Parse(fhirjson.AppendCompact(nil, v, []fhirjson.Edit{edit}), fhirjson.Limits{})
}

// refused says whether a commit failed as one of these may: for what it asked.
func refused(err error) bool {
	switch domain.KindOf(err) {
	case domain.Invalid, domain.PreconditionFailed, domain.NotFound, domain.Deleted:
		return true
	}
	return false
}

// randomWishes are those of one commit. serial makes contents differ.
func randomWishes(r *rand.Rand, serial string) []wish {
	wishes := make([]wish, 1+r.IntN(7)/5*(1+r.IntN(2)))
	for i := range wishes {
		w := &wishes[i]
		group := fmt.Sprint(r.IntN(4))
		w.identifier, w.family = fmt.Sprint(r.IntN(4)), fmt.Sprintf("f%s-%s-%d", group, serial, i)
		own := domain.LogicalID(fmt.Sprintf("p%d", r.IntN(4)))
		by := criterion{identifier: fmt.Sprint(r.IntN(4))}
		if r.IntN(3) == 0 {
			by = criterion{family: fmt.Sprintf("f%d-", r.IntN(4))}
		}
		removal := event.Delete
		if r.IntN(4) == 0 {
			removal = event.HardDelete
		}
		switch r.IntN(20) {
		case 16, 17:
			w.interaction, w.id = event.Patch, own
		case 18, 19:
			w.interaction, w.by = event.Patch, by
		case 0:
			w.interaction = event.Create
		case 1, 2:
			w.interaction, w.id = event.Update, own
		case 3, 4:
			w.interaction, w.id = removal, own
		case 5, 6, 7:
			w.interaction, w.by = event.Create, by
		case 8, 9, 10:
			w.interaction, w.by = event.Update, by
			if r.IntN(3) == 0 {
				w.id = own
			}
		case 11, 12:
			w.interaction, w.by = removal, by
		case 13:
			w.interaction, w.by, w.limit = removal, by, 1+r.IntN(4)
		default:
			w.interaction, w.cites = event.Create, fmt.Sprint(r.IntN(4))
		}
	}
	return wishes
}

// TestModelOfConditionalCommands carries out random commands one after the other
// and compares each answer with a plain map.
func TestModelOfConditionalCommands(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 3))
	rounds := 3000
	if testing.Short() {
		rounds = 500
	}
	m, truth := newMemory(), model{patients: map[domain.LogicalID]modelPatient{}}
	s := newService(t, m, Options{})
	refusals := 0
	seen := map[Change]int{}
	for round := range rounds {
		wishes := randomWishes(r, fmt.Sprint(round))
		commands := make([]Command, len(wishes))
		for i := range wishes {
			commands[i] = wishes[i].command(t)
		}
		effects, changes, fails := truth.judge(wishes)
		before := int(m.Next())
		outcomes, err := s.Commit(t.Context(), Caller{}, commands)
		if (err != nil) != fails {
			t.Fatalf("seed %d, round %d: %+v, %v; must fail: %t\n%+v\n%+v", seed, round, outcomes, err, fails, wishes, truth.patients)
		}
		if fails {
			refusals++
			if !refused(err) || int(m.Next()) != before {
				t.Fatalf("seed %d, round %d: %v, %d records instead of %d", seed, round, err, m.Next(), before)
			}
			continue
		}
		for i, o := range outcomes {
			seen[o.Change]++
			if o.Change != changes[i] {
				t.Fatalf("seed %d, round %d: change %d of command %d, want %d\n%+v\n%+v", seed, round, o.Change, i, changes[i], wishes, truth.patients)
			}
		}
		truth.follow(t, m.events(t, before), effects)
		if t.Failed() {
			t.Fatalf("seed %d, round %d\n%+v", seed, round, wishes)
		}
	}
	for _, c := range []Change{Created, Updated, Deleted, Nothing, Existing} {
		if seen[c] == 0 || refusals == 0 {
			t.Errorf("seed %d: change %d came %d times, %d refusals: the test reached too little", seed, c, seen[c], refusals)
		}
	}
}

// follow compares events with what was expected, and applies them.
func (m *model) follow(t *testing.T, events []event.Event, effects []effect) {
	t.Helper()
	if len(events) != len(effects) {
		t.Errorf("%d events, want %d: %+v, %+v", len(events), len(effects), events, effects)
		return
	}
	for i, e := range events {
		want := effects[i]
		_, known := m.patients[e.ID]
		if e.Kind != want.kind || want.id != "" && e.ID != want.id || want.id == "" && known {
			t.Errorf("event %d of kind %d on %s, want kind %d on %q", i, e.Kind, e.ID, want.kind, want.id)
		}
		m.apply(want, e.ID)
	}
}

// TestConcurrentConditionalCommandsAreSerial lets many goroutines loose, and then
// reads the log: each commit must have done what its commands ask for in the state
// that the commits before it left.
func TestConcurrentConditionalCommandsAreSerial(t *testing.T) {
	goroutines, rounds := 8, 150
	if testing.Short() {
		rounds = 40
	}
	seed := rand.Uint64()
	m := newMemory()
	s := newService(t, m, Options{})
	asked := make([]map[string][]wish, goroutines)
	var wg sync.WaitGroup
	for g := range goroutines {
		r := rand.New(rand.NewPCG(seed, uint64(g)))
		asked[g] = map[string][]wish{}
		wg.Go(func() {
			for round := range rounds {
				request := fmt.Sprintf("%d-%d", g, round)
				wishes := randomWishes(r, request)
				commands := make([]Command, len(wishes))
				for i := range wishes {
					commands[i] = wishes[i].command(t)
				}
				asked[g][request] = wishes
				_, err := s.Commit(t.Context(), Caller{RequestID: request}, commands)
				if err != nil && !refused(err) {
					t.Errorf("seed %d: Commit: %v", seed, err)
				}
			}
		})
	}
	wg.Wait()
	truth := model{patients: map[domain.LogicalID]modelPatient{}}
	events := m.events(t, 0)
	commits := 0
	for first := 0; first < len(events); commits++ {
		end := first + 1
		for !m.records[end-1].CommitEnd {
			end++
		}
		request := events[first].RequestID
		var g int
		fmt.Sscanf(request, "%d-", &g)
		effects, _, fails := truth.judge(asked[g][request])
		if fails {
			t.Fatalf("seed %d: request %s was accepted at %d, and must fail there\n%+v\n%+v", seed, request, first, asked[g][request], truth.patients)
		}
		truth.follow(t, events[first:end], effects)
		for i, e := range effects {
			if e.wish.interaction == event.Patch {
				m.checkPatched(t, first+i, truth.patients[e.id])
			}
			if e.wish.cites == "" || t.Failed() {
				continue
			}
			got := parse(t, m.body(uint64(first+i))).Get("subject").Get("reference").String()
			if want := "Patient/" + string(e.cited); got != want {
				t.Errorf("position %d refers to %q, want %q", first+i, got, want)
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d: request %s at %d\n%+v", seed, request, first, asked[g][request])
		}
		first = end
	}
	if commits < goroutines*rounds/10 {
		t.Errorf("seed %d: only %d commits wrote something", seed, commits)
	}
}

// checkPatched compares what a patch has written with what it must lead to.
func (m *memory) checkPatched(t *testing.T, position int, want modelPatient) {
	t.Helper()
	body := parse(t, m.body(uint64(position)))
	identifier, family := body.Get("identifier").First().Get("value").String(), body.Get("name").First().Get("family").String()
	if identifier != want.identifier || family != want.family {
		t.Errorf("position %d: the patch wrote identifier %s and family %s, want %+v", position, identifier, family, want)
	}
}
