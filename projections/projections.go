package projections

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"fhirlog/domain/definitions"
	"fhirlog/domain/event"
	"fhirlog/domain/registry"
	"fhirlog/domain/search"
	"fhirlog/eventlog"
	"fhirlog/projections/current"
	"fhirlog/projections/history"
	"fhirlog/projections/keys"
	"fhirlog/projections/searchindex"
	"fhirlog/projections/store"
)

// Log is what the projections need of a log. Reads are safe for concurrent
// use; a record, once durable, never changes except that its body may be erased.
type Log interface {
	Durable() eventlog.Position
	Read(p eventlog.Position) (eventlog.Record, error)
	ReadMetadata(p eventlog.Position) (eventlog.Record, error)
	PositionAt(instant int64) (eventlog.Position, bool, error)
	// Follow hands over durable records in order, in whole commits, and waits for
	// more until ctx ends. The records are valid only during the call.
	Follow(ctx context.Context, from eventlog.Position, fn func([]eventlog.Record) error) error
}

// Options describe the folder and what it belongs to.
type Options struct {
	Dir         string
	FHIRVersion string // "R4"; a folder of the same log in another version is refused
	LogIdentity string // a folder that belongs to another log is rebuilt
	Store       store.Options
	// Observe, if set, is told after each batch: records applied with it.
	Observe func(records int)
}

// Projections are the read models of one log.
type Projections struct {
	log      Log
	options  Options
	store    *store.Store
	index    *searchindex.Index
	gate     gate
	handoff  handoff
	versions versionCache

	definitions *definitions.Definitions
	parameters  atomic.Pointer[search.Set]
	registry    atomic.Pointer[registry.Registry]
	progress    atomic.Pointer[progress]
	jobs        chan struct{} // the registry has changed; capacity 1

	// owned by Run
	registered registered
	current    *current.Applier
	history    *history.Applier
	currentAt  uint64 // records applied to the current state
	broken     bool   // the folder as it was opened needs a repair
}

// Open opens the folder. One that is damaged, that another layout or log has left, or
// that is ahead of the log is emptied, and the log is applied from its beginning;
// rebuilt says why, nil if it is used as it is. It fails with a *VersionError when the
// folder is of this log in another FHIR version.
func Open(log Log, o Options) (p *Projections, rebuilt, err error) {
	p = &Projections{log: log, options: o}
	rebuilt = p.open()
	if rebuilt == nil {
		return p, nil, nil
	}
	if _, other := errors.AsType[*VersionError](rebuilt); other || obstructed(rebuilt) {
		return nil, nil, rebuilt
	}
	if err := os.RemoveAll(o.Dir); err != nil {
		return nil, nil, fmt.Errorf("empty the projections folder: %w", err)
	}
	if err := p.open(); err != nil {
		return nil, nil, err
	}
	return p, rebuilt, nil
}

// VersionError says that the log was served as another FHIR version before. A log does
// not say in which version its resources are, and does not change it: so whoever says
// another one now is mistaken, or whoever said the former one was.
type VersionError struct{ Was, Is string }

// Error names both.
func (e *VersionError) Error() string {
	return "the projections were computed from this log as FHIR " + e.Was + ", and now it is said to hold FHIR " + e.Is
}

// obstacles are reasons why a folder cannot be opened that emptying it would not
// mend.
var obstacles = []error{
	store.ErrInUse, store.ErrNoKey, syscall.EACCES, syscall.EPERM, syscall.EROFS, syscall.ENOSPC,
	syscall.EDQUOT, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, errReadAhead,
}

// obstructed says that the reason is an obstacle. Badger hands causes on as text
// only.
func obstructed(err error) bool {
	return slices.ContainsFunc(obstacles, func(obstacle error) bool {
		return errors.Is(err, obstacle) || strings.Contains(err.Error(), obstacle.Error())
	})
}

// open opens the store and reads what is kept in memory.
func (p *Projections) open() (err error) {
	if err := p.loadParameters(); err != nil {
		return err
	}
	p.handoff.waiting = map[uint64]handedOver{}
	if p.store, err = store.Open(p.options.Dir, p.options.Store); err != nil {
		return err
	}
	if err = p.checkStamps(); err == nil {
		err = p.load()
	}
	if err != nil {
		return errors.Join(err, p.store.Close())
	}
	return nil
}

// loadParameters makes the search parameters of the FHIR version.
func (p *Projections) loadParameters() error {
	d, err := definitions.Load(definitions.Version(p.options.FHIRVersion))
	if err != nil {
		return err
	}
	set, err := search.NewSet(d, nil)
	if err != nil {
		return err
	}
	p.definitions, p.jobs = d, make(chan struct{}, 1)
	p.parameters.Store(set)
	return nil
}

// stamps are the values that tell to what a folder belongs.
func (p *Projections) stamps() map[string]string {
	return map[string]string{
		string(keys.FormatKey): string(binary.BigEndian.AppendUint32(nil, keys.Format)),
		string(keys.FHIRKey):   p.options.FHIRVersion,
		string(keys.LogKey):    p.options.LogIdentity,
		string(keys.SearchKey): p.Parameters().Digest(),
	}
}

// checkStamps fails when the folder belongs to something else; a new folder is
// stamped.
func (p *Projections) checkStamps() error {
	have := map[string]string{}
	for key := range p.stamps() {
		_, err := p.store.Get([]byte(key), func(value []byte) error {
			have[key] = string(value)
			return nil
		})
		if err != nil {
			return err
		}
	}
	was, stamped := have[string(keys.FHIRKey)]
	if stamped && was != p.options.FHIRVersion && have[string(keys.LogKey)] == p.options.LogIdentity {
		return &VersionError{Was: was, Is: p.options.FHIRVersion}
	}
	for key, value := range have {
		if value != p.stamps()[key] {
			return fmt.Errorf("the projections have another %s", key[1:])
		}
	}
	found := len(have)
	if found == 0 {
		return p.stamp()
	}
	if found < len(p.stamps()) {
		return errors.New("the projections have only a part of their description")
	}
	for _, key := range [][]byte{keys.CurrentCursor, keys.HistoryCursor, keys.IndexCursor, keys.SavedCursor} {
		cursor, err := p.cursor(key)
		if err == nil && cursor > uint64(p.log.Durable()) {
			err = errors.New("the projections are ahead of the log")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// stamp marks an empty folder; keys without stamps have lost their beginning.
func (p *Projections) stamp() error {
	empty := true
	err := p.store.Scan(store.Range{KeysOnly: true}, func(_, _ []byte) (bool, error) {
		empty = false
		return false, nil
	})
	if err == nil && !empty {
		err = errors.New("the projections have no description")
	}
	if err != nil {
		return err
	}
	b := p.store.NewBatch()
	for key, value := range p.stamps() {
		b.Put([]byte(key), []byte(value))
	}
	return b.Commit()
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
	if err := p.forgetUnidentified(); err != nil {
		return err
	}
	p.current = current.NewApplier(p.store, p.lookup)
	historyAt, err := p.cursor(keys.HistoryCursor)
	if err != nil {
		return err
	}
	if p.history, err = history.Open(p.store, historyAt, p.lookup); err != nil {
		return err
	}
	indexAt, err := p.cursor(keys.IndexCursor)
	if err != nil {
		return err
	}
	savedAt, err := p.cursor(keys.SavedCursor)
	if err != nil {
		return err
	}
	if p.index, err = searchindex.Open(p.store, indexAt, savedAt, p.lookup); err != nil {
		return err
	}
	p.index.ForgetRemovals(max(p.currentAt, historyAt))
	if err := p.openRegistry(); err != nil {
		return err
	}
	if p.broken = p.needsRepair(); p.broken {
		return nil // nothing is told to be applied before that is done
	}
	p.gate.applied.Store(p.appliedThrough())
	return nil
}

// appliedThrough is how many records all models have applied. After a stop one
// may be ahead of the other.
func (p *Projections) appliedThrough() uint64 {
	return min(p.currentAt, p.history.Through(), p.index.Through())
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
	writing, stopWriting := context.WithCancel(context.Background())
	written := make(chan error, 1)
	go func() { written <- p.index.Write(writing) }()
	var repaired error
	if p.broken { // as it was found: a job may be at work by now if it was not
		repaired = p.repair(ctx)
	}
	err := repaired
	if repaired == nil {
		p.gate.publish(p.appliedThrough())
		err = p.log.Follow(ctx, eventlog.Position(p.appliedThrough()), p.apply)
	}
	stopWriting()
	if failed := <-written; failed != nil {
		err = errors.Join(failed, err)
		p.gate.fail(errors.Join(eventlog.ErrOutcomeUnknown, err))
		return err
	}
	stopped := errors.Is(err, eventlog.ErrClosed) || ctx.Err() != nil && errors.Is(err, ctx.Err())
	if !stopped {
		err = fmt.Errorf("apply the log: %w", err)
		p.gate.fail(errors.Join(eventlog.ErrOutcomeUnknown, err))
		return err
	}
	p.gate.fail(eventlog.ErrClosed)
	if repaired != nil {
		return nil // the next start goes on with it
	}
	return p.commit(p.store.NewBatch(), true)
}

// apply adds whole commits and publishes them.
func (p *Projections) apply(records []eventlog.Record) error {
	b := p.store.NewBatch()
	if err := p.applyRecords(b, records); err != nil {
		return err
	}
	if err := p.commit(b, false); err != nil {
		return err
	}
	p.gate.publish(p.appliedThrough())
	if p.options.Observe != nil {
		p.options.Observe(len(records))
	}
	return nil
}

// applyRecords adds the effects of records to the batch and to the index.
func (p *Projections) applyRecords(b *store.Batch, records []eventlog.Record) error {
	events := make([]event.Event, len(records))
	for i := range records {
		var err error
		if events[i], err = event.Decode(records[i].Metadata); err != nil {
			return fmt.Errorf("position %d: %w", records[i].Position, err)
		}
	}
	if err := p.registerAll(records, events); err != nil {
		return err
	}
	values, err := p.extractAll(records, events)
	if err != nil {
		return err
	}
	for i := range records {
		if err := p.applyEvent(b, uint64(records[i].Position), events[i], values[i]); err != nil {
			return fmt.Errorf("position %d: %w", records[i].Position, err)
		}
	}
	return nil
}

func (p *Projections) applyEvent(b *store.Batch, position uint64, e event.Event, values *search.Values) error {
	if position >= p.currentAt {
		if err := p.current.Apply(b, position, e); err != nil {
			return err
		}
		p.currentAt = position + 1
	}
	// What is removed is known to the index before it is gone from anything that is
	// read: an answer that does not see the removal yet asks there (moment).
	if err := p.index.Apply(position, e, values); err != nil {
		return err
	}
	return p.history.Apply(position, e)
}

// commit ends a batch: rows after the keys that they stand for, cursors last.
func (p *Projections) commit(b *store.Batch, flush bool) error {
	p.history.Finish(b, flush)
	p.current.Finish(b)
	p.finishRegistry(b, flush)
	if flush {
		p.index.Save(b)
	}
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

// Verify reads all tables of the store and checks them. After damage, answers
// may lack resources until a restart, which then computes the folder anew.
func (p *Projections) Verify() error { return p.store.Verify() }

// Bytes returns the size of the store on disk.
func (p *Projections) Bytes() int64 { return p.store.Bytes() }
