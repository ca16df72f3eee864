package eventlog_test

import (
	"fmt"
	"slices"
	"testing"

	"fhirlog/eventlog"
	"fhirlog/eventlog/faultfs"
	"fhirlog/eventlog/keyring"
)

// eachHalt lets the process end at every operation of a compaction of an encrypted log,
// with and without effect.
func eachHalt(t *testing.T, then func(t *testing.T, w *compactWorld, disk *faultfs.FS)) {
	w := newCompactWorld(t, newDisk(t, true))
	whole := w.fs.Clone()
	total, err := w.compactWith(t, whole, func() { whole.FailAt(0, faultfs.None) })
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= total; n++ {
		for _, effect := range []faultfs.Effect{faultfs.None, faultfs.Full} {
			t.Run(fmt.Sprintf("operation %d, effect %d", n, effect), func(t *testing.T) {
				disk := w.fs.Clone()
				_, _ = w.compactWith(t, disk, func() { disk.HaltAt(n, effect) })
				disk.Restart()
				then(t, w, disk)
			})
		}
	}
}

// TestOpen_drops_no_key_that_a_power_cut_needs: after a crash the new file is there, and
// its name not yet durable; then the power goes, and the old one is back.
func TestOpen_drops_no_key_that_a_power_cut_needs(t *testing.T) {
	eachHalt(t, func(t *testing.T, w *compactWorld, disk *faultfs.FS) {
		open(t, faultDir, faultOptions(disk)).Close()
		disk.PowerCut(faultfs.Nothing, nil)
		l := open(t, faultDir, faultOptions(disk))
		defer l.Close()
		w.look(t, l)
	})
}

// TestOpen_drops_the_keys_of_what_a_crash_has_left: those of files half made, and of files
// that others have replaced.
func TestOpen_drops_the_keys_of_what_a_crash_has_left(t *testing.T) {
	eachHalt(t, func(t *testing.T, _ *compactWorld, disk *faultfs.FS) {
		l, stop := start(t, faultDir, faultOptions(disk))
		mustCommit(t, l, "life goes on")
		stop()
		checkKeys(t, disk, headersOn(t, disk))
	})
}

// TestCompact_drops_the_keys_that_an_earlier_one_could_not: in the same process, also if
// nothing else is to be done.
func TestCompact_drops_the_keys_that_an_earlier_one_could_not(t *testing.T) {
	w := newCompactWorld(t, newDisk(t, true))
	failed := 0
	for n := 1; ; n++ {
		disk := w.fs.Clone()
		l, stop := start(t, faultDir, faultOptions(disk))
		disk.FailAt(n, faultfs.None)
		_, err := l.Compact(background, slices.Values(w.positions()), eventlog.CompactOptions{})
		done := disk.Operations() < n
		disk.FailAt(0, faultfs.None)
		if err != nil {
			failed++
		}
		if _, dead := commit(l, "is it alive?"); dead == nil {
			mustCompact(t, l, these())
			w.checkKeys(t, disk)
		}
		stop()
		if done {
			break
		}
	}
	if failed < 20 {
		t.Errorf("%d failures: the test has lost its grip", failed)
	}
}

// TestLog_is_read_and_written_while_its_operator_key_changes: nothing is encrypted anew,
// and nobody waits.
func TestLog_is_read_and_written_while_its_operator_key_changes(t *testing.T) {
	disk := newDisk(t, true)
	o := faultOptions(disk)
	l, stop := start(t, faultDir, o)
	fillSmall(t, l, 60)
	before := snapshot(t, l)
	next := keyring.NewLocal([keyring.KeySize]byte{9})
	if err := o.Keys.(*keyring.Ring).Rotate(background, next); err != nil {
		t.Fatal(err)
	}
	checkErased(t, l, before, nil)
	fillSmall(t, l, 60) // goes on to more segments
	before = snapshot(t, l)
	stop()
	if _, err := keyring.Open(background, keyring.Options{FS: disk, Path: keyringOn, Operator: operatorKey}); err == nil {
		t.Error("the former operator's key opens the keyring")
	}
	r, err := keyring.Open(background, keyring.Options{FS: disk, Path: keyringOn, Operator: next})
	if err != nil {
		t.Fatal(err)
	}
	l = open(t, faultDir, eventlog.Options{FS: disk, MinFreeBytes: -1, Keys: r})
	defer l.Close()
	checkErased(t, l, before, nil)
}
