package main

import (
	"bufio"
	"bytes"
	"strconv"
	"strings"
	"time"
)

// What a server may take at any moment of a soak.
const (
	soakMemory     = 1 << 30
	soakFiles      = 600
	soakGoroutines = 300
	// After its clients have gone, it has this many more than after its start.
	soakGoroutinesLeft = 10
)

// gauges are what the server tells of itself.
type gauges struct{ memory, files, goroutines float64 }

func (s *server) gauges() (g gauges) {
	s.t.Helper()
	wanted := map[string]*float64{"process_resident_memory_bytes": &g.memory, "process_open_fds": &g.files, "go_goroutines": &g.goroutines}
	for lines := bufio.NewScanner(bytes.NewReader(s.get("/metrics"))); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if into := wanted[name]; into != nil {
			var err error
			if *into, err = strconv.ParseFloat(value, 64); err != nil {
				s.t.Fatal(err)
			}
			delete(wanted, name)
		}
	}
	if len(wanted) > 0 {
		s.t.Fatalf("/metrics does not tell %v", wanted)
	}
	return g
}

func (x *soak) measure(s *server) {
	g := s.gauges()
	x.memory, x.files, x.goroutines = max(x.memory, g.memory), max(x.files, g.files), max(x.goroutines, g.goroutines)
	if g.memory > soakMemory || g.files > soakFiles || g.goroutines > soakGoroutines {
		x.t.Errorf("the server takes %.0f MB, %.0f files, %.0f goroutines; at most %d, %d, %d are expected",
			g.memory/1e6, g.files, g.goroutines, soakMemory/1_000_000, soakFiles, soakGoroutines)
	}
}

// atRest waits until what the clients made is gone.
func (x *soak) atRest(s *server, atStart gauges) {
	client.CloseIdleConnections()
	var left float64
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if left = s.gauges().goroutines - atStart.goroutines; left <= soakGoroutinesLeft {
			x.goroutinesLeft = max(x.goroutinesLeft, left)
			return
		}
	}
	x.t.Errorf("the clients are gone, and the server has %.0f goroutines more than at its start", left)
}
