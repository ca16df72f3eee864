package eventlog_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fhirlog/eventlog"
	"fhirlog/eventlog/faultfs"
)

// gathering runs a log whose groups are counted.
func gathering(t *testing.T, more func() bool, most time.Duration, test func(l *eventlog.Log, groups *atomic.Int64, commits *atomic.Int64)) {
	synctest.Test(t, func(t *testing.T) {
		var groups, commits atomic.Int64
		o := eventlog.Options{
			FS: faultfs.New(), MinFreeBytes: -1, Gather: more, MaxGather: most,
			Observe: func(g eventlog.GroupStats) { groups.Add(1); commits.Add(int64(g.Commits)) },
		}
		l, stop := start(t, faultDir, o)
		test(l, &groups, &commits)
		if ran, closed := stop(); ran != nil || closed != nil {
			t.Errorf("Run, Close = %v, %v", ran, closed)
		}
	})
}

func TestRun_holds_a_group_back_while_others_are_on_their_way(t *testing.T) {
	var coming atomic.Int64
	gathering(t, func() bool { return coming.Load() > 0 }, time.Second, func(l *eventlog.Log, groups, commits *atomic.Int64) {
		coming.Store(1)
		go func() {
			time.Sleep(20 * time.Millisecond)
			l.Append(background, batch(l, "b"))
			coming.Store(0)
		}()
		before, start := groups.Load(), time.Now()
		mustCommit(t, l, "c")
		if waited := time.Since(start); waited < 20*time.Millisecond || waited > 21*time.Millisecond {
			t.Errorf("the group was held back for %v, want 20ms", waited)
		}
		if groups.Load() != before+1 || commits.Load() != 2 {
			t.Errorf("%d groups more, %d commits, want one group with both", groups.Load()-before, commits.Load())
		}
	})
}

func TestRun_holds_a_group_back_no_longer_than_allowed(t *testing.T) {
	gathering(t, func() bool { return true }, 3*time.Millisecond, func(l *eventlog.Log, groups, _ *atomic.Int64) {
		for range 5 {
			start := time.Now()
			mustCommit(t, l, "a")
			if waited := time.Since(start); waited != 3*time.Millisecond {
				t.Errorf("the group was held back for %v, want 3ms", waited)
			}
		}
		if groups.Load() != 5 {
			t.Errorf("%d groups, want 5", groups.Load())
		}
	})
}

func TestRun_without_gathering_writes_at_once(t *testing.T) {
	gathering(t, nil, 0, func(l *eventlog.Log, _, _ *atomic.Int64) {
		start := time.Now()
		mustCommit(t, l, "a")
		if waited := time.Since(start); waited != 0 {
			t.Errorf("the commit took %v of waiting", waited)
		}
	})
}

func TestClose_does_not_wait_for_what_gathers(t *testing.T) {
	gathering(t, func() bool { return true }, time.Hour, func(l *eventlog.Log, _, _ *atomic.Int64) {
		start := time.Now()
		if _, err := l.Append(background, batch(l, "a")); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil || time.Since(start) > time.Second {
			t.Errorf("Close took %v, %v", time.Since(start), err)
		}
		if l.Durable() != 1 {
			t.Errorf("Durable() = %d after Close, want 1", l.Durable())
		}
	})
}
