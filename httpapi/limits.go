package httpapi

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"fhirlog/domain"
)

// gate lets a bounded number of requests through at once.
type gate struct {
	turns *semaphore.Weighted
	wait  time.Duration
}

func newGate(most int, wait time.Duration) *gate {
	return &gate{turns: semaphore.NewWeighted(int64(most)), wait: wait}
}

// enter waits for a turn; leave ends it.
func (g *gate) enter(ctx context.Context) error {
	if g.turns.TryAcquire(1) {
		return nil
	}
	return acquire(ctx, g.turns, 1, g.wait, "Too many requests are being answered.")
}

func (g *gate) leave() { g.turns.Release(1) }

func acquire(ctx context.Context, w *semaphore.Weighted, n int64, wait time.Duration, message string) error {
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if w.Acquire(waiting, n) == nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return domain.NewError(domain.Throttled, message+" Try again later.")
}

// budget bounds the memory that the bodies of all requests take.
type budget struct {
	bytes *semaphore.Weighted
	most  int64
	wait  time.Duration
	used  atomic.Int64
}

func newBudget(most int64, wait time.Duration) *budget {
	return &budget{bytes: semaphore.NewWeighted(most), most: most, wait: wait}
}

// share is the part of the budget that one request holds.
type share struct {
	of   *budget
	held atomic.Int64
}

// grow raises the share to n bytes, waiting for room.
func (h *share) grow(ctx context.Context, n int64) error { return h.growBy(ctx, n-h.held.Load()) }

// growBy raises the share by n bytes, waiting for room. There is none for more than
// the whole budget. It is safe for concurrent use, unlike grow.
func (h *share) growBy(ctx context.Context, more int64) error {
	if more <= 0 {
		return nil
	}
	if h.held.Load()+more > h.of.most {
		return domain.NewError(domain.TooLarge, "The request needs more memory than the "+bytesText(h.of.most)+" that are set aside for all: it has too many values or entries. Send it in several parts.")
	}
	if !h.of.bytes.TryAcquire(more) {
		if err := acquire(ctx, h.of.bytes, more, h.of.wait, "The bodies of the requests being answered fill the memory set aside for them."); err != nil {
			return err
		}
	}
	h.held.Add(more)
	h.of.used.Add(more)
	return nil
}

func (h *share) release() {
	if held := h.held.Swap(0); held > 0 {
		h.of.bytes.Release(held)
		h.of.used.Add(-held)
	}
}
