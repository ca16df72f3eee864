package projections

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/registry"
	"fhirlog/domain/search"
	"fhirlog/eventlog"
	"fhirlog/projections/keys"
	"fhirlog/projections/parameters"
	"fhirlog/projections/searchindex"
	"fhirlog/projections/store"
)

// The registry of search parameters is read ahead: a start brings it to the end
// of the log before anything else is applied, since what a version is indexed
// under may follow from later events. Only then does it go with the other models.

// extraction is a set of parameters and the custom ones that it extracts.
type extraction struct {
	set     *search.Set
	numbers []*registry.Number
}

// setsKept is how many sets are remembered: those that values of writes under
// way may come from, and those of the past that a replay needs.
const setsKept = 8

// registered is what the projections have of the registry; owned by Run.
type registered struct {
	rows    *parameters.Rows
	horizon uint64 // the registry was read ahead up to here
	// The set in force was made for these.
	inForce  []*registry.Number
	standard map[string]registry.Status
	known    []extraction // the latest last
	// The numbers that versions from a position to before another are indexed under.
	at         []*registry.Number
	from, till uint64
	of         *registry.Registry

	stored uint32 // blocks in the store when it was last noted how far they are filled
}

// Registry is what is known of search parameters and jobs now. It may be ahead
// of Applied, never behind.
func (p *Projections) Registry() *registry.Registry { return p.registry.Load() }

// openRegistry reads the registry and brings it to the end of the log.
func (p *Projections) openRegistry() error {
	rows, before, same, err := parameters.Open(p.store, p.definitions)
	if err != nil {
		return err
	}
	if !same {
		return errors.New("a custom search parameter means something else to this program")
	}
	from, err := p.cursor(keys.RegistryCursor)
	if err != nil {
		return err
	}
	p.registered = registered{rows: rows, horizon: max(from, uint64(p.log.Durable()))}
	p.registered.remember(extraction{set: p.Parameters()})
	after, err := p.readAhead(before, from)
	if err != nil {
		return err
	}
	b := p.store.NewBatch()
	for _, n := range before.Numbers {
		if after.Number(n.Number) == nil {
			rows.Soil(b, n.Number) // a job has removed its entries, and the store may have lost that
		}
	}
	if err := rows.Save(b, after); err != nil {
		return err
	}
	b.Put(keys.RegistryCursor, binary.BigEndian.AppendUint64(nil, p.registered.horizon))
	if err := b.Commit(); err != nil {
		return err
	}
	p.index.RemoveFromMemory(func(slot search.Slot) bool {
		return slot >= search.CustomSlot(0) && after.Number(uint32(slot-search.CustomSlot(0))) == nil
	})
	return p.register(after)
}

// errReached ends the reading ahead; errReadAhead is the error for what keeps it
// from coming to its end, which is no fault of the folder.
var (
	errReached   = errors.New("the end of the log as it was is reached")
	errReadAhead = errors.New("read the log for search parameters")
)

func (p *Projections) readAhead(r *registry.Registry, from uint64) (*registry.Registry, error) {
	end := eventlog.Position(p.registered.horizon)
	if eventlog.Position(from) >= end {
		return r, nil
	}
	err := p.log.Follow(context.Background(), eventlog.Position(from), func(records []eventlog.Record) error {
		for i := range records {
			if records[i].Position >= end {
				return errReached
			}
			e, err := event.Decode(records[i].Metadata)
			if err == nil {
				err = p.checkErasedParameter(&e, from)
			}
			if err == nil {
				r, err = p.takeIntoAccount(r, &records[i], &e)
			}
			if err != nil {
				return fmt.Errorf("position %d: %w", records[i].Position, err)
			}
		}
		if records[len(records)-1].Position+1 == end {
			return errReached
		}
		return nil
	})
	if errors.Is(err, errParameterUnknown) {
		return nil, err
	}
	if !errors.Is(err, errReached) {
		return nil, fmt.Errorf("%w: %w", errReadAhead, err)
	}
	return r, nil
}

// takeIntoAccount returns the registry after a record.
func (p *Projections) takeIntoAccount(r *registry.Registry, record *eventlog.Record, e *event.Event) (*registry.Registry, error) {
	position := uint64(record.Position)
	concerned, needsBody := registry.Concerns(e)
	if !concerned || position < r.Through {
		return r, nil
	}
	var body []byte
	if needsBody {
		read, err := p.log.Read(record.Position)
		if err != nil {
			return nil, err
		}
		body = read.Body
	}
	return r.Apply(position, record.Instant, e, body)
}

// registerAll takes records into account before any of them is applied. The rows
// go into the store first: no block with entries of a new number may be there
// without them.
func (p *Projections) registerAll(records []eventlog.Record, events []event.Event) error {
	before := p.Registry()
	after := before
	for i := range records {
		var err error
		if after, err = p.takeIntoAccount(after, &records[i], &events[i]); err != nil {
			return err
		}
	}
	if after == before {
		return nil
	}
	b := p.store.NewBatch()
	for _, n := range before.Numbers {
		if after.Number(n.Number) == nil {
			p.registered.rows.Clear(b, n.Number) // the job has removed the entries before it said so
		}
	}
	if err := p.registered.rows.Save(b, after); err != nil {
		return err
	}
	if err := b.Commit(); err != nil {
		return err
	}
	return p.register(after)
}

// register puts a registry in force, with the set of parameters that follows.
func (p *Projections) register(r *registry.Registry) error {
	g := &p.registered
	inForce := r.InForce()
	if !slices.Equal(inForce, g.inForce) || !maps.Equal(r.Standard, g.standard) {
		set, err := p.setOf(inForce)
		if err != nil {
			return err
		}
		if len(r.Standard) > 0 {
			set = set.Switch(
				func(url string) bool {
					return r.Standard[url] == registry.Disabled || r.Standard[url] == registry.PendingDisable
				},
				func(url string) bool { return r.Standard[url] == registry.Supported })
		}
		g.inForce, g.standard = inForce, r.Standard
		g.remember(extraction{set, inForce})
		slots := make([]search.Slot, len(inForce))
		for i, n := range inForce {
			slots[i] = n.Slot()
		}
		p.index.Forget(slots)
		p.parameters.Store(set)
	}
	p.registry.Store(r)
	select {
	case p.jobs <- struct{}{}:
	default:
	}
	return nil
}

func (p *Projections) setOf(numbers []*registry.Number) (*search.Set, error) {
	set, err := search.NewSet(p.definitions, customsOf(numbers))
	if err != nil {
		return nil, fmt.Errorf("compile the search parameters: %w", err)
	}
	return set, nil
}

func customsOf(numbers []*registry.Number) []search.Custom {
	customs := make([]search.Custom, len(numbers))
	for i, n := range numbers {
		customs[i] = n.Custom()
	}
	return customs
}

func (g *registered) remember(e extraction) {
	g.known = append(g.known, e)
	if len(g.known) > setsKept {
		g.known = slices.Clone(g.known[1:])
	}
}

// numbersAt lists the numbers that a version at a position is indexed under.
func (g *registered) numbersAt(r *registry.Registry, position uint64) []*registry.Number {
	if g.of == r && position >= g.from && position < g.till {
		return g.at
	}
	g.of, g.at, g.from, g.till = r, r.Extracting(position), 0, registry.InForce
	for _, n := range r.Numbers {
		for _, border := range [...]uint64{n.From, n.Until} {
			if border <= position {
				g.from = max(g.from, border)
			} else {
				g.till = min(g.till, border)
			}
		}
	}
	return g.at
}

// alike says that two lists of numbers are the same for a type of resource.
func alike(r *registry.Registry, t domain.ResourceType, a, b []*registry.Number) bool {
	for {
		for len(a) > 0 && !r.Applies(a[0], t) {
			a = a[1:]
		}
		for len(b) > 0 && !r.Applies(b[0], t) {
			b = b[1:]
		}
		if len(a) == 0 || len(b) == 0 {
			return len(a) == len(b)
		}
		if a[0].Number != b[0].Number {
			return false
		}
		a, b = a[1:], b[1:]
	}
}

// fits says that values that were extracted by a set are those that a version of
// a type at a position is indexed under.
func (g *registered) fits(set *search.Set, r *registry.Registry, t domain.ResourceType, position uint64) bool {
	for _, k := range g.known {
		if k.set == set {
			return alike(r, t, k.numbers, g.numbersAt(r, position))
		}
	}
	return false
}

// setFor returns a set that extracts what a version of a type at a position is
// indexed under.
func (p *Projections) setFor(r *registry.Registry, t domain.ResourceType, position uint64) (*search.Set, error) {
	g := &p.registered
	numbers := g.numbersAt(r, position)
	for _, k := range slices.Backward(g.known) {
		if alike(r, t, k.numbers, numbers) {
			return k.set, nil
		}
	}
	set, err := p.setOf(numbers)
	if err != nil {
		return nil, err
	}
	g.remember(extraction{set, numbers})
	return set, nil
}

// finishRegistry adds to a batch how far the registry has come, and how far the
// blocks in the store are filled: under a number that is complete, all blocks are.
// flush says that the blocks in memory are in the batch as well.
func (p *Projections) finishRegistry(b *store.Batch, flush bool) {
	g := &p.registered
	b.Put(keys.RegistryCursor, binary.BigEndian.AppendUint64(nil, max(g.horizon, p.currentAt)))
	stored := p.index.Stored()
	if !flush && stored == g.stored {
		return
	}
	g.stored = stored
	for _, n := range p.Registry().Numbers {
		if n.Complete && n.Fault == "" {
			blocks := searchindex.BlocksBefore(n.From)
			if !flush {
				blocks = min(blocks, stored)
			}
			g.rows.Fill(b, n.Number, blocks)
		}
	}
}
