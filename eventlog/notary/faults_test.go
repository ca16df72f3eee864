package notary_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fhirlog/eventlog/faultfs"
	"fhirlog/eventlog/merkle"
	"fhirlog/eventlog/notary"
)

// live opens log and notary, commits, and asks for checkpoints. It gives those
// that were published.
func live(t *testing.T, disk *faultfs.FS) (published []merkle.Checkpoint) {
	t.Helper()
	w, _, err := tryStart(t, disk, quick(disk))
	if err != nil {
		return nil
	}
	for i := range 4 {
		if w.tryCommit(30+i) != nil {
			break
		}
		ctx, cancel := context.WithTimeout(background, 30*time.Second)
		p, err := w.notary.Covering(ctx, uint64(w.log.Durable()))
		if err != nil {
			<-time.After(3 * time.Second) // what failed is tried again
			p, err = w.notary.Covering(ctx, uint64(w.log.Durable()))
		}
		cancel()
		if err == nil {
			published = append(published, p.Checkpoint)
		}
	}
	w.stop()
	return published
}

// check opens what a fault and its fate left: everything published is there, and
// agrees with the log; and it goes on.
func check(t *testing.T, disk *faultfs.FS, published []merkle.Checkpoint) {
	t.Helper()
	w, _, err := tryStart(t, disk, quick(disk))
	if err != nil {
		t.Fatalf("the start after the fault: %v", err)
	}
	w.commit(7)
	w.checkpoint()
	if _, err := w.notary.Check(background, 0); err != nil {
		t.Fatalf("Check after the fault: %v", err)
	}
	if _, err := w.notary.Prove(background, notary.Wanted{Position: 3, From: 2}); err != nil {
		t.Fatalf("Prove after the fault: %v", err)
	}
	all, leaves := historyOf(t, disk), refLeaves(t, w.log)
	have := map[merkle.Checkpoint]bool{}
	for i, c := range all {
		have[c] = true
		if i > 0 && c.Size < all[i-1].Size {
			t.Fatalf("checkpoint %d is smaller than the one before", i)
		}
		if c.Root != rootOf(leaves[:c.Size]) {
			t.Fatalf("checkpoint of %d records is not of this log", c.Size)
		}
	}
	for _, c := range published {
		if !have[c] {
			t.Fatalf("the checkpoint of %d records was published, and is gone", c.Size)
		}
	}
	w.stop()
}

func TestNotary_survives_a_fault_at_every_operation(t *testing.T) {
	whole := faultfs.New()
	synctest.Test(t, func(t *testing.T) {
		if got := live(t, whole); len(got) != 4 {
			t.Fatalf("without a fault: %d checkpoints", len(got))
		}
	})
	total := whole.Operations()
	t.Logf("%d operations", total)
	stride := 1
	if testing.Short() {
		stride = 5
	}
	full, fewer := 0, 0
	for n := 1; n <= total; n += stride {
		for _, effect := range []faultfs.Effect{faultfs.None, faultfs.Partial, faultfs.Full} {
			for _, halts := range []bool{false, true} {
				ok := t.Run(fmt.Sprintf("operation %d, effect %d, halts %v", n, effect, halts), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						disk := faultfs.New()
						if halts {
							disk.HaltAt(n, effect)
						} else {
							disk.FailAt(n, effect)
						}
						published := live(t, disk)
						if len(published) == 4 {
							full++
						} else {
							fewer++
						}
						random := rand.New(rand.NewPCG(uint64(n), uint64(effect)))
						for _, fate := range []func(*faultfs.FS){
							(*faultfs.FS).Restart,
							func(d *faultfs.FS) { d.PowerCut(faultfs.Nothing, nil) },
							func(d *faultfs.FS) { d.PowerCut(faultfs.Everything, nil) },
							func(d *faultfs.FS) { d.PowerCut(faultfs.Pieces, random) },
							func(d *faultfs.FS) { d.PowerCut(faultfs.Pieces, random) },
						} {
							d := disk.Clone()
							fate(d)
							check(t, d, published)
						}
					})
				})
				if !ok {
					t.FailNow()
				}
			}
		}
	}
	t.Logf("%d runs published everything, %d did not", full, fewer)
	if full == 0 || fewer == 0 {
		t.Error("the test has lost its grip")
	}
}

// TestNotary_goes_on_after_its_own_failure: the log never notices.
func TestNotary_goes_on_after_its_own_failure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := faultfs.New()
		proofs := &failing{FS: disk}
		o := quick(proofs)
		var told atomic.Int64
		o.Failed = func(error) { told.Add(1) }
		w, _, err := tryStart(t, disk, o)
		if err != nil {
			t.Fatal(err)
		}
		w.commit(10)
		before := w.checkpoint()
		proofs.broken.Store(true)
		w.commit(10)
		ctx, cancel := context.WithTimeout(background, time.Minute)
		defer cancel()
		if p, err := w.notary.Covering(ctx, 20); err == nil {
			t.Fatalf("Covering on a broken disk = %+v", p)
		}
		<-time.After(10 * time.Minute)
		if w.notary.Failing() == nil || told.Load() < 5 || w.notary.Latest().Checkpoint != before.Checkpoint {
			t.Errorf("on a broken disk: failing %v, told %d times, newest %+v", w.notary.Failing(), told.Load(), w.notary.Latest())
		}
		w.commit(300)
		proofs.broken.Store(false)
		<-time.After(2 * time.Minute)
		if p := w.checkpoint(); p.Size != 320 || w.notary.Failing() != nil {
			t.Errorf("on the mended disk: %+v, failing %v", p.Checkpoint, w.notary.Failing())
		}
		w.stop()
		check(t, reopened(disk), historyOf(t, disk))
	})
}
