package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/httpapi"
)

// TestCompactingNote: what is noted is for good, and erasing ids is not forgotten.
func TestCompactingNote(t *testing.T) {
	f := &folder{path: t.TempDir()}
	expect := func(when string, wantBegun, wantIDs bool) {
		t.Helper()
		if begun, ids, err := f.unfinished(); err != nil || begun != wantBegun || ids != wantIDs {
			t.Errorf("%s: begun %t, ids %t, %v; want %t, %t", when, begun, ids, err, wantBegun, wantIDs)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	expect("at first", false, false)
	must(f.endCompacting())
	must(f.beginCompacting(false))
	expect("without ids", true, false)
	must(f.beginCompacting(true))
	expect("with ids then", true, true)
	must(f.beginCompacting(false))
	expect("and without them asked for", true, true)
	must(f.endCompacting())
	expect("at last", false, false)
	must(os.WriteFile(f.compacting(), nil, 0o600)) // as versions before left it
	expect("an empty note", true, false)
	must(os.WriteFile(f.compacting(), []byte("more\n"), 0o600))
	if _, _, err := f.unfinished(); err == nil || !strings.Contains(err.Error(), "later version") {
		t.Errorf("a note of a later version: %v", err)
	}
	if err := f.beginCompacting(true); err == nil {
		t.Error("a note of a later version is overwritten")
	}
}

// TestRebuildsWaitWhileIDsAreErased, and the erasure waits for a rebuild that is active.
func TestRebuildsWaitWhileIDsAreErased(t *testing.T) {
	b := newRebuilds(nil)
	if err := b.holdOffWhen(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r, err := b.Begin(commit.Caller{}); domain.KindOf(err) != domain.Conflict {
		t.Errorf("a rebuild begins meanwhile: %+v, %v", r, err)
	}
	b.goOn()
	b.may, b.now = func() error { return nil }, func(*httpapi.Run) {}
	if _, err := b.Begin(commit.Caller{}); err != nil {
		t.Fatalf("none begins afterwards: %v", err)
	}
	ended, end := context.WithTimeout(t.Context(), time.Millisecond)
	defer end()
	if err := b.holdOffWhen(ended); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a rebuild that is active is not waited for: %v", err)
	}
	active := <-b.next
	go b.carryOut(t.Context(), active, func(*knownRun) (httpapi.RunState, error) { return httpapi.RunCompleted, nil })
	if err := b.holdOffWhen(t.Context()); err != nil {
		t.Error(err)
	}
}
