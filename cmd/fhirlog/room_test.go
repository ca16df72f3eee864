package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"fhirlog/eventlog"
	"fhirlog/eventlog/faultfs"
	"fhirlog/httpapi"
)

func TestJudgeRoom(t *testing.T) {
	const mega, giga = 1 << 20, 1 << 30
	for _, c := range []struct {
		name string
		room eventlog.Room
		err  error
		want string // part of what is told; "": all is well
	}{
		{"plenty", eventlog.Room{Free: 50 * giga, Reserve: 64 * mega}, nil, ""},
		{"just enough", eventlog.Room{Free: giga + 64*mega, Reserve: 64 * mega}, nil, ""},
		{"nearly full", eventlog.Room{Free: giga + 64*mega - 1, Reserve: 64 * mega}, nil, "nearly full: there is room for 1023 MiB"},
		{"the last byte", eventlog.Room{Free: 64*mega + 1, Reserve: 64 * mega}, nil, "nearly full: there is room for 0 MiB"},
		{"full", eventlog.Room{Free: 64 * mega, Reserve: 64 * mega}, nil, "full: 64 MiB are free, and 64 MiB have to stay free; writes are refused"},
		{"nothing at all", eventlog.Room{Reserve: 64 * mega}, nil, "full: 0 MiB are free"},
		{"not known", eventlog.Room{}, errors.New("statfs"), "cannot be found out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := judgeRoom(c.room, c.err)
			if c.want == "" {
				if err != nil {
					t.Errorf("told: %v", err)
				}
				return
			}
			if _, ok := errors.AsType[httpapi.Degraded](err); !ok || !strings.Contains(err.Error(), c.want) {
				t.Errorf("told: %v, want it degraded, with %q", err, c.want)
			}
		})
	}
}

func TestMayOpen(t *testing.T) {
	if err := mayOpen(eventlog.Room{Free: leastRoom}, nil); err != nil {
		t.Error(err)
	}
	if err := mayOpen(eventlog.Room{Free: leastRoom - 1024}, nil); err == nil || !strings.Contains(err.Error(), "16383 kB free, and the projections need 16384") {
		t.Errorf("on a full disk: %v", err)
	}
	if err := mayOpen(eventlog.Room{}, errors.New("statfs")); err == nil {
		t.Error("it does not matter what the disk says")
	}
}

// TestFullDisk: what is told of a real log fits what it does with writes.
func TestFullDisk(t *testing.T) {
	disk := faultfs.New()
	disk.SetCapacity(200 << 10)
	log, _, err := eventlog.Open("log", eventlog.Options{FS: disk, SegmentBytes: 16 << 10, MinFreeBytes: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- log.Run(context.Background()) }()
	metadata := make([]byte, 2000)
	write := func() error {
		a, err := log.Append(t.Context(), eventlog.Batch{Metadata: [][]byte{metadata}, Bodies: log.Pack(make([][]byte, 1))})
		if err == nil {
			err = log.WaitDurable(t.Context(), a.First+1)
		}
		return err
	}
	writes := 0
	for ; err == nil && writes < 1000; writes++ {
		if state := stateOf(log.Room()); state == enoughRoom {
			t.Fatalf("after %d writes there is said to be enough room", writes)
		}
		err = write()
	}
	if !errors.Is(err, eventlog.ErrDiskFull) || writes < 2 {
		t.Fatalf("write %d: %v", writes, err)
	}
	disk.SetCapacity(10 << 20)
	if state := stateOf(log.Room()); state != nearlyFull {
		t.Errorf("with room again: state %d", state)
	}
	if err := write(); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if err := errors.Join(log.Close(), <-ended); err != nil {
		t.Error(err)
	}
}

// watched is a disk that is watched, and what is logged of it.
type watched struct {
	mu      sync.Mutex // guards the fields below
	room    eventlog.Room
	failure error
	lines   bytes.Buffer
}

func (w *watched) ask() (eventlog.Room, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.room, w.failure
}

func (w *watched) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lines.Write(line)
}

// becomes sets the disk, and returns what is logged for a while.
func (w *watched) becomes(free int64, failure error) string {
	w.mu.Lock()
	w.room, w.failure = eventlog.Room{Free: free, Reserve: 1}, failure
	w.mu.Unlock()
	time.Sleep(3*watchEvery + 1)
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.lines.Reset()
	return w.lines.String()
}

// TestWatchRoom: each change is one line.
func TestWatchRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const giga = 1 << 30
		w := &watched{room: eventlog.Room{Free: 9 * giga, Reserve: 1}}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			watchRoom(ctx, w.ask, zerolog.New(w))
		}()
		for _, c := range []struct {
			free    int64
			failure error
			want    string // "": nothing
		}{
			{9 * giga, nil, ""},
			{giga / 2, nil, `"level":"warn","free_bytes":536870912,"reserve_bytes":1,"message":"the disk is nearly full`},
			{1, nil, `"level":"error","free_bytes":1,"reserve_bytes":1,"message":"the disk is full: writes are refused`},
			{0, nil, ""},
			{0, errors.New("broken"), `"error":"broken"`},
			{9 * giga, nil, `"level":"info"`},
		} {
			got := w.becomes(c.free, c.failure)
			if lines := strings.Count(got, "\n"); lines != min(len(c.want), 1) || !strings.Contains(got, c.want) {
				t.Errorf("%d bytes free, %v: logged\n%swant one line with %q, or none", c.free, c.failure, got, c.want)
			}
		}
		stop()
		<-done
	})
}
