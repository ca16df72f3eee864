package projections

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"fhirlog/domain/event"
	"fhirlog/eventlog"
	"fhirlog/projections/current"
	"fhirlog/projections/history"
	"fhirlog/projections/keys"
	"fhirlog/projections/store"
)

// Log is what the projections need of a log. Reads are safe for concurrent
// use; a record, once durable, never changes except that its body may be erased.
type Log interface {
	Durable() eventlog.Position
	Read(p eventlog.Position) (eventlog.Record, error)
	ReadMetadata(p eventlog.Position) (eventlog.Record, error)
	PositionAt(instant int64) (eventlog.Position, bool)
	// Follow hands over durable records in order, in whole commits, and waits for
	// more until ctx ends. The records are valid only during the call.
	Follow(ctx context.Context, from eventlog.Position, fn func([]eventlog.Record) error) error
}

// Options describe the folder and what it belongs to.
type Options struct {
	Dir         string
	FHIRVersion string // "R4"; a folder of another version is rebuilt
	LogIdentity string // a folder that belongs to another log is rebuilt
	Store       store.Options
	// Observe, if set, is told after each batch: records applied with it.
	Observe func(records int)
}

// Projections are the read models of one log.
type Projections struct {
	log     Log
	options Options
	store   *store.Store
	gate    gate

	// owned by Run
	current   *current.Applier
	history   *history.Applier
	currentAt uint64 // records applied to the current state
}

// Open opens the folder. A folder that another layout, FHIR version or log has
// left, or that is ahead of the log, is emptied; rebuilt says so.
func Open(log Log, o Options) (p *Projections, rebuilt bool, err error) {
	s, err := store.Open(o.Dir, o.Store)
	if err != nil {
		return nil, false, err
	}
	p = &Projections{log: log, options: o, store: s}
	fits, err := p.fits()
	if err == nil && !fits {
		rebuilt = true
		err = p.reset()
	}
	if err == nil {
		err = p.load()
	}
	if err != nil {
		return nil, false, errors.Join(err, p.store.Close())
	}
	return p, rebuilt, nil
}

// stamps are the values that tell to what a folder belongs.
func (p *Projections) stamps() map[string]string {
	return map[string]string{
		string(keys.FormatKey): string(binary.BigEndian.AppendUint32(nil, keys.Format)),
		string(keys.FHIRKey):   p.options.FHIRVersion,
		string(keys.LogKey):    p.options.LogIdentity,
	}
}

// fits says whether the folder can be used as it is; a new one is stamped.
func (p *Projections) fits() (bool, error) {
	found, matching := 0, 0
	for key, want := range p.stamps() {
		ok, err := p.store.Get([]byte(key), func(value []byte) error {
			if string(value) == want {
				matching++
			}
			return nil
		})
		if err != nil {
			return false, err
		}
		if ok {
			found++
		}
	}
	if found == 0 {
		return p.unstamped()
	}
	cursor, err := p.cursor(keys.CurrentCursor)
	return matching == len(p.stamps()) && cursor <= uint64(p.log.Durable()), err
}

// unstamped handles a folder without stamps: new, or lost its first writes.
func (p *Projections) unstamped() (bool, error) {
	empty := true
	err := p.store.Scan(store.Range{KeysOnly: true}, func(_, _ []byte) (bool, error) {
		empty = false
		return false, nil
	})
	if err != nil || !empty {
		return false, err
	}
	return true, p.stamp()
}

func (p *Projections) stamp() error {
	b := p.store.NewBatch()
	for key, value := range p.stamps() {
		b.Put([]byte(key), []byte(value))
	}
	return b.Commit()
}

func (p *Projections) reset() error {
	if err := p.store.Close(); err != nil {
		return err
	}
	if err := os.RemoveAll(p.options.Dir); err != nil {
		return fmt.Errorf("empty the projections folder: %w", err)
	}
	s, err := store.Open(p.options.Dir, p.options.Store)
	if err != nil {
		return err
	}
	p.store = s
	return p.stamp()
}

func (p *Projections) cursor(key []byte) (at uint64, err error) {
	_, err = p.store.Get(key, func(value []byte) error {
		if len(value) != 8 {
			return errors.New("a cursor is damaged; remove the projections folder to rebuild it")
		}
		at = binary.BigEndian.Uint64(value)
		return nil
	})
	return at, err
}

func (p *Projections) load() (err error) {
	if p.currentAt, err = p.cursor(keys.CurrentCursor); err != nil {
		return err
	}
	p.current = current.NewApplier(p.store, p.lookup)
	if p.history, err = history.Open(p.store, p.lookup); err != nil {
		return err
	}
	p.gate.applied.Store(min(p.currentAt, p.history.Through()))
	return nil
}

func (p *Projections) lookup(position uint64) (event.Event, error) {
	record, err := p.log.ReadMetadata(eventlog.Position(position))
	if err != nil {
		return event.Event{}, err
	}
	return event.Decode(record.Metadata)
}

// Run applies the log until ctx ends or the log is closed, and then writes what
// is still in memory. It returns an error when the log or the store fails;
// whoever waits then is told.
func (p *Projections) Run(ctx context.Context) error {
	err := p.log.Follow(ctx, eventlog.Position(p.gate.applied.Load()), p.apply)
	if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, eventlog.ErrClosed) {
		err = fmt.Errorf("apply the log: %w", err)
		p.gate.fail(errors.Join(eventlog.ErrOutcomeUnknown, err))
		return err
	}
	p.gate.fail(eventlog.ErrClosed)
	return p.commit(p.store.NewBatch(), true)
}

// apply adds whole commits and publishes them.
func (p *Projections) apply(records []eventlog.Record) error {
	b := p.store.NewBatch()
	for i := range records {
		if err := p.applyRecord(b, &records[i]); err != nil {
			return fmt.Errorf("position %d: %w", records[i].Position, err)
		}
	}
	if err := p.commit(b, false); err != nil {
		return err
	}
	p.gate.publish(p.currentAt)
	if p.options.Observe != nil {
		p.options.Observe(len(records))
	}
	return nil
}

func (p *Projections) applyRecord(b *store.Batch, record *eventlog.Record) error {
	e, err := event.Decode(record.Metadata)
	if err != nil {
		return err
	}
	position := uint64(record.Position)
	if position >= p.currentAt {
		if err := p.current.Apply(b, position, e); err != nil {
			return err
		}
		p.currentAt = position + 1
	}
	return p.history.Apply(position, e)
}

// commit ends a batch: rows after the keys that they stand for, cursors last.
func (p *Projections) commit(b *store.Batch, flush bool) error {
	p.history.Finish(b, flush)
	p.current.Finish(b)
	b.Put(keys.CurrentCursor, binary.BigEndian.AppendUint64(nil, p.currentAt))
	if err := b.Commit(); err != nil {
		return err
	}
	p.history.Committed()
	return nil
}

// Close writes the store out. Run must have returned.
func (p *Projections) Close() error { return p.store.Close() }

// Applied returns the number of records that reads may see.
func (p *Projections) Applied() uint64 { return p.gate.applied.Load() }

// WaitApplied returns when Applied() ≥ upTo. It fails with ctx, or with
// eventlog.ErrOutcomeUnknown when the log or the store has failed.
func (p *Projections) WaitApplied(ctx context.Context, upTo uint64) error {
	return p.gate.wait(ctx, upTo)
}

// Bytes returns the size of the store on disk.
func (p *Projections) Bytes() int64 { return p.store.Bytes() }
