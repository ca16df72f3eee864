package projections

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"fhirlog/domain/event"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/search"
	"fhirlog/eventlog"
)

// handoffBytes bounds the index values that wait for the applier; what has no
// room is extracted again from the body.
const handoffBytes = 256 << 20

// handoff carries the index values of a write from the commit to the applier, so
// that the body need not be read and parsed again. Nothing depends on it: values
// that are not there are extracted.
type handoff struct {
	mu      sync.Mutex // guards the fields below
	waiting map[uint64]handedOver
	bytes   int
	done    uint64 // what comes for positions below comes too late
}

// handedOver is values and the parameters that they were extracted by.
type handedOver struct {
	set    *search.Set
	values *search.Values
}

// Handoff gives the applier the index values of consecutive events; nil stands
// for an event without. set is what they were extracted by; if it is not the one
// in force at their position, they are extracted again. They must not be changed
// any more.
func (p *Projections) Handoff(first eventlog.Position, set *search.Set, values []*search.Values) {
	h := &p.handoff
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, v := range values {
		position := uint64(first) + uint64(i)
		if v != nil && position >= h.done && h.bytes+v.Bytes() <= handoffBytes {
			h.waiting[position] = handedOver{set, v}
			h.bytes += v.Bytes()
		}
	}
}

// take returns the values that were handed over for a position, if any.
func (h *handoff) take(position uint64) handedOver {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.done = max(h.done, position+1)
	v := h.waiting[position]
	if v.values != nil {
		delete(h.waiting, position)
		h.bytes -= v.values.Bytes()
	}
	return v
}

// extractAll finds the index values of records that wrote a resource: those that
// were handed over, and the others from the bodies, on all processors.
func (p *Projections) extractAll(records []eventlog.Record, events []event.Event) ([]*search.Values, error) {
	values := make([]*search.Values, len(records))
	sets := make([]*search.Set, len(records))
	var missing []int
	r := p.Registry()
	for i := range records {
		position := uint64(records[i].Position)
		if events[i].Kind != event.Written || events[i].IDErased || position < p.index.Through() {
			continue
		}
		handed := p.handoff.take(position)
		if handed.values != nil && p.registered.fits(handed.set, r, events[i].Type, position) {
			values[i] = handed.values
			continue
		}
		var err error
		if sets[i], err = p.setFor(r, events[i].Type, position); err != nil {
			return nil, err
		}
		missing = append(missing, i)
	}
	var next atomic.Int64
	var group sync.WaitGroup
	failures := make(chan error, runtime.GOMAXPROCS(0))
	for range min(runtime.GOMAXPROCS(0), (len(missing)+extractAtOnce-1)/extractAtOnce) {
		group.Go(func() {
			for {
				from := int(next.Add(extractAtOnce)) - extractAtOnce
				if from >= len(missing) {
					return
				}
				for _, i := range missing[from:min(from+extractAtOnce, len(missing))] {
					v := new(search.Values)
					err := p.Load(uint64(records[i].Position), func(resource fhirjson.Value) error {
						sets[i].Extract(v, resource)
						return nil
					})
					if err != nil {
						failures <- fmt.Errorf("position %d: %w", records[i].Position, err)
						return
					}
					values[i] = v
				}
			}
		})
	}
	group.Wait()
	close(failures)
	return values, <-failures
}

// extractAtOnce is how many neighbours one processor takes: they often share a
// block of bodies.
const extractAtOnce = 16

// Load parses the stored body of the version at a position and hands it over;
// it is valid during the call. A version without a body, such as an erased one,
// is passed over.
func (p *Projections) Load(position uint64, use func(resource fhirjson.Value) error) error {
	record, err := p.log.Read(eventlog.Position(position))
	if err != nil || !record.HasBody {
		return err
	}
	document, err := fhirjson.Parse(record.Body, fhirjson.Limits{MaxDepth: 10_000, MaxNodes: 1 << 31})
	if err != nil {
		return fmt.Errorf("read a stored resource: %w", err)
	}
	defer document.Release()
	return use(document.Root())
}
