package notary

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"fhirlog/eventlog/merkle"
)

// Published is a checkpoint that is durable.
type Published struct {
	merkle.Checkpoint
	Signed []byte // not to be changed
}

// Opening tells what Open found.
type Opening struct {
	KeyMade bool
	// Torn is how many bytes of a checkpoint that was never published were cut off.
	Torn int64
	// Rebuilt says that the tree on disk did not give the root of the last
	// checkpoint, and was computed anew from the log, which does.
	Rebuilt bool
	Elapsed time.Duration
}

// ErrStopped says that no more checkpoints are made.
var ErrStopped = errors.New("no more checkpoints are made")

// ErrFailing says that checkpoints cannot be made at the moment.
var ErrFailing = errors.New("checkpoints cannot be made at the moment")

// Notary keeps the tree of a log and signs checkpoints of it.
type Notary struct {
	log     Log
	options Options
	key     *key
	levels  *levels  // written by the goroutine in Run
	history *history // used by the goroutine in Run

	cosigned cosigned

	published atomic.Pointer[Published] // nil until there is one
	wanted    chan struct{}             // the signer is asked for a checkpoint
	hurry     chan struct{}             // the follower shall not rest

	mu sync.Mutex // guards the fields below; never held while anything is read or written
	// edge and pending are what was followed: the tree, and what it adds to levels.
	edge    merkle.Edge
	pending merkle.Levels
	asked   uint64        // a checkpoint of so many records is waited for
	drained chan struct{} // closed when pending was taken
	changed chan struct{} // closed at every publication and change of failure
	failure error
	stopped bool
}

// Open opens the folder and compares the tree with the last checkpoint and the
// log. A log that is shorter, or holds other records than those signed, gives a
// *merkle.ShorterError or *merkle.AlteredError. The caller starts Run and, when
// that has returned, calls Close.
func Open(ctx context.Context, log Log, o Options) (*Notary, Opening, error) {
	began := time.Now()
	n := &Notary{
		log: log, options: o.withDefaults(), wanted: make(chan struct{}, 1), hurry: make(chan struct{}, 1),
		drained: make(chan struct{}), changed: make(chan struct{}), stopped: o.Unsigned,
	}
	opening, err := n.open(ctx)
	if err != nil {
		return nil, opening, errors.Join(fmt.Errorf("open the checkpoints of the log: %w", err), n.Close())
	}
	opening.Elapsed = time.Since(began)
	return n, opening, nil
}

func (n *Notary) open(ctx context.Context) (o Opening, err error) {
	disk, dir := n.options.FS, n.options.Dir
	if err := disk.MakeDir(dir); err != nil {
		return o, err
	}
	if err := disk.SyncDir(filepath.Dir(dir)); err != nil {
		return o, fmt.Errorf("sync parent folder: %w", err)
	}
	var fresh bool
	if n.history, fresh, err = openHistory(disk, dir, HistoryFile); err != nil {
		return o, err
	}
	size, err := n.history.file.Size()
	if err != nil {
		return o, err
	}
	if n.key, err = openKey(&n.options, fresh, size > 0); err != nil {
		return o, err
	}
	o.KeyMade = n.key.made
	last, torn, err := n.history.last(n.key.known)
	if err != nil {
		return o, err
	}
	if o.Torn = torn; last != nil {
		n.published.Store(last)
	}
	if err := n.openCosigned(); err != nil {
		return o, err
	}
	if n.levels, err = openLevels(disk, dir); err != nil {
		return o, err
	}
	o.Rebuilt, err = n.load(ctx)
	return o, err
}

// Close releases the files. Run has returned, or was never called.
func (n *Notary) Close() error {
	var faults []error
	if n.levels != nil {
		faults = append(faults, n.levels.close())
	}
	if n.history != nil && n.history.file != nil {
		faults = append(faults, n.history.file.Close())
	}
	if h := n.cosigned.history; h != nil && h.file != nil {
		faults = append(faults, h.file.Close())
	}
	return errors.Join(faults...)
}

// PublicKey is the key that checkpoints are verified with, as note.NewVerifier
// reads it.
func (n *Notary) PublicKey() string { return n.key.public }

// Latest is the newest checkpoint, nil before there is one.
func (n *Notary) Latest() *Published { return n.published.Load() }

// Failing tells why checkpoints cannot be made at the moment, nil if they can.
func (n *Notary) Failing() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.failure
}

// Covering waits for a checkpoint of at least so many records, which are durable,
// and asks for one if need be. It fails with ErrFailing or ErrStopped instead of
// waiting for ever.
func (n *Notary) Covering(ctx context.Context, size uint64) (*Published, error) {
	for {
		if p := n.published.Load(); p != nil && p.Size >= size {
			return p, nil
		}
		n.mu.Lock()
		changed, failure, stopped := n.changed, n.failure, n.stopped
		n.asked = max(n.asked, size)
		ready := n.edge.Size() >= size
		n.mu.Unlock()
		if p := n.published.Load(); p != nil && p.Size >= size {
			return p, nil
		}
		switch {
		case failure != nil:
			return nil, fmt.Errorf("%w: %w", ErrFailing, failure)
		case stopped:
			return nil, ErrStopped
		case ready:
			signal(n.wanted)
		}
		signal(n.hurry)
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// signal wakes whoever waits for the channel, now or next. It never blocks.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// notify wakes those who wait for a checkpoint.
func (n *Notary) notify(failure error, stopped bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.failure, n.stopped = failure, stopped
	close(n.changed)
	n.changed = make(chan struct{})
}

// size is how many records a checkpoint covers; nil is none.
func (p *Published) size() uint64 {
	if p == nil {
		return 0
	}
	return p.Size
}
