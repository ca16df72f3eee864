package projections

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/registry"
	"fhirlog/domain/search"
	"fhirlog/projections/searchindex"
	"fhirlog/projections/store"
)

// filling adds the entries of search parameters to versions that are older than
// these, block by block. What is in the store is noted there with each block, so
// that it goes on where it was after any stop; doing a block again changes nothing.
type filling struct {
	p       *Projections
	numbers []*registry.Number
	before  uint64        // positions from here on are not its business
	pause   time.Duration // between blocks
	done    *atomic.Uint64
	stopped func() bool // asked before each block; nil: never

	sets map[string]*search.Set // by the numbers they are made of
}

// errStopped: the filling was told to stop.
var errStopped = errors.New("the filling of the index was stopped")

// blocksOf is how many blocks a number is to be filled in.
func (f *filling) blocksOf(n *registry.Number) uint32 {
	return searchindex.BlocksBefore(min(n.From, f.before))
}

// concerned returns which numbers are to be filled in a block, and of these those
// that are not yet.
func (f *filling) concerned(block uint32) (all, open []*registry.Number) {
	for _, n := range f.numbers {
		if block >= f.blocksOf(n) {
			continue
		}
		all = append(all, n)
		if f.p.registered.rows.Filled(n.Number) <= block {
			open = append(open, n)
		}
	}
	return all, open
}

func (f *filling) blocks() (most uint32) {
	for _, n := range f.numbers {
		most = max(most, f.blocksOf(n))
	}
	return most
}

// needed says whether there is anything to do.
func (f *filling) needed() bool {
	for _, n := range f.numbers {
		if f.p.registered.rows.Filled(n.Number) < f.blocksOf(n) {
			return true
		}
	}
	return false
}

// positions lists the versions in a block that numbers may have entries for.
func (f *filling) positions(block uint32, numbers []*registry.Number) ([]uint64, error) {
	r := f.p.Registry()
	var types [][]byte
	before := uint64(0)
	for _, n := range numbers {
		before = max(before, min(n.From, f.before))
	}
	for _, name := range f.p.definitions.Resources() {
		for _, n := range numbers {
			if r.Applies(n, domain.ResourceType(name)) {
				types = append(types, search.AppendComponent(search.Key(search.SlotType, search.AspectValue), name))
				break
			}
		}
	}
	return f.p.index.Positions(nil, types, block, before)
}

// count returns how many versions there are to be looked at, those included that
// were before a stop.
func (f *filling) count() (total uint64, err error) {
	for block := range f.blocks() {
		all, _ := f.concerned(block)
		positions, err := f.positions(block, all)
		if err != nil {
			return 0, err
		}
		total += uint64(len(positions))
	}
	return total, nil
}

// run fills all blocks.
func (f *filling) run(ctx context.Context) error {
	pause := time.Duration(0) // before the first block there is none
	for block := range f.blocks() {
		all, open := f.concerned(block)
		if err := f.wait(ctx, pause); err != nil {
			return err
		}
		pause = 0
		if len(open) > 0 {
			if err := f.fill(ctx, block, open); err != nil {
				return fmt.Errorf("fill block %d of the search index: %w", block, err)
			}
			pause = f.pause
		}
		positions, err := f.positions(block, all)
		if err != nil {
			return err
		}
		f.done.Add(uint64(len(positions)))
	}
	return nil // even if it is to stop: all is done
}

// wait waits for some time. It fails, at once, when the filling is to stop.
func (f *filling) wait(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if f.stopped != nil && f.stopped() {
			return errStopped
		}
		if pause == 0 {
			return nil
		}
		select {
		case <-timer.C:
			pause = 0
		case <-f.p.jobs: // the registry has changed: the job may have ended
		case <-ctx.Done():
		}
	}
}

func (f *filling) fill(ctx context.Context, block uint32, numbers []*registry.Number) error {
	positions, err := f.positions(block, numbers)
	if err != nil {
		return err
	}
	set, err := f.setOf(numbers)
	if err != nil {
		return err
	}
	late, err := f.p.extractLate(ctx, set, positions)
	if err != nil {
		return err
	}
	return f.p.index.AddLate(block, late, func(b *store.Batch) {
		for _, n := range numbers {
			f.p.registered.rows.Fill(b, n.Number, block+1)
		}
	})
}

// setOf makes a set of nothing but some numbers.
func (f *filling) setOf(numbers []*registry.Number) (*search.Set, error) {
	name := ""
	for _, n := range numbers {
		name += fmt.Sprint(n.Number, " ")
	}
	if set := f.sets[name]; set != nil {
		return set, nil
	}
	set, err := search.NewCustomSet(f.p.definitions, customsOf(numbers))
	if err != nil {
		return nil, fmt.Errorf("compile the search parameters: %w", err)
	}
	f.sets = map[string]*search.Set{name: set}
	return set, nil
}

// extractLate extracts the values of versions by a set, on all processors.
// Versions without values are left out.
func (p *Projections) extractLate(ctx context.Context, set *search.Set, positions []uint64) ([]searchindex.Late, error) {
	values := make([]*search.Values, len(positions))
	var next atomic.Int64
	var group sync.WaitGroup
	failures := make(chan error, runtime.GOMAXPROCS(0))
	for range min(runtime.GOMAXPROCS(0), (len(positions)+extractAtOnce-1)/extractAtOnce) {
		group.Go(func() {
			for {
				from := int(next.Add(extractAtOnce)) - extractAtOnce
				if from >= len(positions) || ctx.Err() != nil {
					return
				}
				for i := from; i < min(from+extractAtOnce, len(positions)); i++ {
					v := new(search.Values)
					if err := p.Load(positions[i], func(resource fhirjson.Value) error { set.Extract(v, resource); return nil }); err != nil {
						failures <- fmt.Errorf("position %d: %w", positions[i], err)
						return
					}
					values[i] = v
				}
			}
		})
	}
	group.Wait()
	close(failures)
	if err := errors.Join(<-failures, ctx.Err()); err != nil {
		return nil, err
	}
	late := make([]searchindex.Late, 0, len(positions))
	for i, v := range values {
		if v.Bytes() > 0 {
			late = append(late, searchindex.Late{Position: positions[i], Values: v})
		}
	}
	return late, nil
}

// repair makes up for what an unclean stop has lost: the log tells of jobs that
// have completed, and the store lacks a part of what they did. Run does it before
// anything is applied.
func (p *Projections) repair(ctx context.Context) error {
	unclean := p.registered.rows.Unclean()
	if len(unclean) > 0 {
		if err := p.removeEntries(ctx, unclean); err != nil {
			return fmt.Errorf("repair the search index: %w", err)
		}
	}
	f := p.repairs()
	if err := f.run(ctx); err != nil {
		return fmt.Errorf("repair the search index: %w", err)
	}
	return nil
}

// repairs is the filling that a repair does.
func (p *Projections) repairs() *filling {
	f := &filling{p: p, before: p.index.Through(), done: new(atomic.Uint64)}
	for _, n := range p.Registry().Numbers {
		if n.Complete && n.Fault == "" {
			f.numbers = append(f.numbers, n)
		}
	}
	return f
}

// needsRepair says whether there is anything to be repaired.
func (p *Projections) needsRepair() bool {
	return len(p.registered.rows.Unclean()) > 0 || p.repairs().needed()
}

// removeEntries takes numbers that are out of force out of the index.
func (p *Projections) removeEntries(ctx context.Context, numbers []uint32) error {
	slots := make([]search.Slot, len(numbers))
	for i, number := range numbers {
		slots[i] = search.CustomSlot(number)
	}
	return p.index.RemoveSlots(ctx, slots, func(b *store.Batch) {
		for _, number := range numbers {
			p.registered.rows.Clear(b, number)
		}
	})
}
