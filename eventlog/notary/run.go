package notary

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"fhirlog/eventlog"
	"fhirlog/eventlog/merkle"
)

// Run follows the log and makes checkpoints until the context is done or the log
// is closed; of a log that was closed in order, a last one is made. What fails is
// told to Options.Failed and tried again.
func (n *Notary) Run(ctx context.Context) error {
	defer func() { n.notify(n.Failing(), true) }()
	err := n.keep(ctx)
	for wait := retryFirst; err != nil && ctx.Err() == nil; wait = min(2*wait, retryMost) {
		n.notify(err, false)
		n.options.Failed(err)
		last := n.logEnds(ctx, wait)
		// What a failed write or sync left is unknown: begin again at what is durable.
		if _, err = n.load(ctx); err == nil {
			err = n.keep(ctx)
		}
		if last {
			break
		}
	}
	return nil
}

// logEnds waits so long, or until the log is closed or has failed.
func (n *Notary) logEnds(ctx context.Context, wait time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	err := n.log.WaitDurable(ctx, math.MaxUint64)
	return errors.Is(err, eventlog.ErrClosed) || errors.Is(err, eventlog.ErrOutcomeUnknown)
}

// keep follows and signs until the log ends, which is no failure, or something
// fails.
func (n *Notary) keep(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	f := &follower{n: n, ctx: ctx}
	ended := make(chan error, 1)
	go func() { ended <- n.log.Follow(ctx, eventlog.Position(n.edge.Size()), f.take) }()
	done := false
	defer func() {
		cancel()
		if !done {
			<-ended
		}
	}()
	regular := time.NewTicker(n.options.Every)
	defer regular.Stop()
	var soon <-chan time.Time
	latest := time.Time{} // when the last one was made
	if n.Latest() == nil || n.Failing() != nil {
		signal(n.wanted)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-ended:
			done = true
			if errors.Is(err, eventlog.ErrClosed) {
				return n.publish()
			}
			if errors.Is(err, eventlog.ErrOutcomeUnknown) || ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("follow the log: %w", err)
		case <-regular.C:
		case <-n.wanted:
			if gap := n.options.Gap - time.Since(latest); gap > 0 && !n.full() {
				if soon == nil {
					soon = time.After(gap)
				}
				continue
			}
		case <-soon:
		}
		soon = nil
		if err := n.publish(); err != nil {
			return err
		}
		latest = time.Now()
		if n.Failing() != nil {
			n.notify(nil, false)
		}
	}
}

// full says whether the follower waits for room.
func (n *Notary) full() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.fullLocked()
}

func (n *Notary) fullLocked() bool { return len(n.pending[0]) >= mostPending*merkle.HashSize }

// publish writes what was followed, and makes a checkpoint of it if there is
// anything new.
func (n *Notary) publish() error {
	n.mu.Lock()
	edge, entries := n.edge, n.pending
	n.pending = merkle.Levels{}
	close(n.drained)
	n.drained = make(chan struct{})
	n.mu.Unlock()

	if err := n.levels.write(&entries); err != nil {
		return err
	}
	if last := n.Latest(); last != nil && last.Size == edge.Size() {
		return nil
	}
	// The entries are durable before the checkpoint is: see doc.go.
	if err := n.levels.sync(); err != nil {
		return err
	}
	checkpoint := merkle.Checkpoint{Origin: n.key.signer.Name(), Size: edge.Size(), Root: edge.Root()}
	signed, err := checkpoint.Sign(n.key.signer)
	if err != nil {
		return fmt.Errorf("sign the checkpoint: %w", err)
	}
	if err := n.history.append(signed); err != nil {
		return err
	}
	n.published.Store(&Published{checkpoint, signed})
	n.notify(nil, false)
	return nil
}

// follower takes the records that the log gives.
type follower struct {
	n   *Notary
	ctx context.Context // of this following; it ends the waits in take
}

// take adds records to the tree. It is called with what is durable.
func (f *follower) take(records []eventlog.Record) error {
	n := f.n
	for {
		n.mu.Lock()
		if !n.fullLocked() {
			break
		}
		drained := n.drained
		n.mu.Unlock()
		signal(n.wanted)
		select {
		case <-drained:
		case <-f.ctx.Done():
			return f.ctx.Err()
		}
	}
	for i := range records {
		n.edge.Append(leafOf(&records[i]), &n.pending)
	}
	reached := n.edge.Size()
	ready := n.asked > n.Latest().size() && reached >= n.asked
	n.mu.Unlock()
	if ready {
		signal(n.wanted)
	}
	if reached < uint64(n.log.Durable()) {
		return nil
	}
	select {
	case <-time.After(rest):
	case <-n.hurry:
	case <-f.ctx.Done():
	}
	return f.ctx.Err()
}
