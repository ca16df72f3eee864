package main

import (
	"cmp"
	"runtime"
	"slices"
	"time"
)

// A result is what one run measured. Parts that were not asked for are nil and
// left out of the JSON.
type result struct {
	Workload    string              `json:"workload"`
	Title       string              `json:"title"`
	Part        string              `json:"part,omitempty"`
	AsOf        string              `json:"as_of,omitempty"`
	Base        string              `json:"base"`
	Started     time.Time           `json:"started"`
	Clients     int                 `json:"clients"`
	Seed        int64               `json:"seed"`
	Cores       int                 `json:"cores"`
	Seconds     float64             `json:"seconds"`
	Requests    uint64              `json:"requests"`
	PerSecond   float64             `json:"requests_per_second"`
	Latency     latency             `json:"latency"`
	Operations  map[string]*latency `json:"operations"`
	Entries     uint64              `json:"entries,omitempty"`
	EntriesPer  float64             `json:"entries_per_second,omitempty"`
	Found       uint64              `json:"resources_found,omitempty"`
	FoundPer    float64             `json:"resources_found_per_second,omitempty"`
	Shapes      []shapeFigures      `json:"shapes,omitempty"`
	Loaded      map[string]int      `json:"loaded,omitempty"`
	Versions    uint64              `json:"versions_written"`
	MeanBody    float64             `json:"mean_body_bytes"`
	Received    uint64              `json:"received_bytes"`
	Errors      uint64              `json:"errors"`
	Failures    []failure           `json:"failures,omitempty"`
	Reconnects  int64               `json:"reconnects"`
	ClientCPU   float64             `json:"client_cpu_seconds"`
	ClientEach  float64             `json:"client_cpu_microseconds_per_request"`
	Server      *serverFigures      `json:"server,omitempty"`
	Disk        *diskFigures        `json:"disk,omitempty"`
	Log         *logFigures         `json:"log,omitempty"`
	SyncRate    *syncRate           `json:"disk_syncs,omitempty"`
	Problems    []string            `json:"problems,omitempty"`
	Interrupted bool                `json:"interrupted,omitempty"`
}

// latency tells how long requests took, in milliseconds.
type latency struct {
	Count uint64  `json:"count"`
	P50   float64 `json:"p50_ms"`
	P95   float64 `json:"p95_ms"`
	P99   float64 `json:"p99_ms"`
	Max   float64 `json:"max_ms"`
}

// shapeFigures tell how long the searches of one shape took, in milliseconds,
// and how much they found on average.
type shapeFigures struct {
	Name   string  `json:"name"`
	Mean   float64 `json:"mean_ms"`
	Found  float64 `json:"resources_per_request"`
	Errors uint64  `json:"errors,omitempty"`
	latency
}

// serverFigures come from --pid. Peak is since the server started.
type serverFigures struct {
	CPUSeconds       float64 `json:"cpu_seconds"`
	RequestsPerCPU   float64 `json:"requests_per_cpu_second"`
	EntriesPerCPU    float64 `json:"entries_per_cpu_second,omitempty"`
	FoundPerCPU      float64 `json:"resources_found_per_cpu_second,omitempty"`
	PeakBytes        int64   `json:"peak_memory_bytes"`
	ResidentBytes    int64   `json:"memory_bytes"`
	MappedBytes      int64   `json:"mapped_memory_bytes"`
	WrittenBytes     int64   `json:"written_bytes"`
	WrittenPerWorked float64 `json:"written_bytes_per_version"`
}

// diskFigures come from --data: how much the folder grew while the clock ran.
type diskFigures struct {
	Files          int     `json:"files"`
	AllocatedBytes int64   `json:"allocated_bytes"`
	LengthBytes    int64   `json:"length_bytes"`
	AllocatedGrown int64   `json:"allocated_bytes_grown"`
	LengthGrown    int64   `json:"length_bytes_grown"`
	AllocatedEach  float64 `json:"allocated_bytes_per_version"`
	LengthEach     float64 `json:"length_bytes_per_version"`
}

// logFigures come from --metrics.
type logFigures struct {
	Commits        float64 `json:"commits"`
	Syncs          float64 `json:"syncs"`
	CommitsPerSync float64 `json:"commits_per_sync"`
}

// result makes the figures of the time between two snapshots.
func (r *run) result(before, after snapshot) result {
	t, o := &r.tally, r.options
	seconds := after.at.Sub(before.at).Seconds()
	out := result{Title: r.workload.title(), Base: o.Base, Started: before.at, Clients: r.clients, Seed: o.Seed,
		AsOf: r.asOf, Loaded: r.loaded, Found: t.found.Load(), Problems: r.notes, Cores: runtime.NumCPU(), Seconds: seconds, Latency: t.all.summary(), Operations: make(map[string]*latency),
		Entries: t.entries.Load(), Versions: t.written.Load(), Received: t.got.Load(),
		Errors: t.errors.count.Load(), Failures: t.errors.list(), Reconnects: r.target.reconnects.Load(),
		ClientCPU: (after.clientCPU - before.clientCPU).Seconds()}
	out.Requests = out.Latency.Count
	out.PerSecond = ratio(float64(out.Requests), seconds)
	out.EntriesPer = ratio(float64(out.Entries), seconds)
	out.FoundPer = ratio(float64(out.Found), seconds)
	if o.Shapes {
		out.Shapes = r.shapeFigures()
	}
	out.MeanBody = ratio(float64(t.sent.Load()), float64(t.bodies.Load()))
	out.ClientEach = ratio(out.ClientCPU*1e6, float64(out.Requests))
	for op := range operations {
		if t.each[op].count.Load() > 0 {
			l := t.each[op].summary()
			out.Operations[operationNames[op]] = &l
		}
	}
	versions := float64(out.Versions)
	if len(o.PID) > 0 {
		s := serverFigures{CPUSeconds: (after.serverCPU - before.serverCPU).Seconds(), PeakBytes: after.peak,
			ResidentBytes: after.resident, MappedBytes: after.mapped, WrittenBytes: after.written - before.written}
		s.RequestsPerCPU = ratio(float64(out.Requests), s.CPUSeconds)
		s.EntriesPerCPU = ratio(float64(out.Entries), s.CPUSeconds)
		s.FoundPerCPU = ratio(float64(out.Found), s.CPUSeconds)
		s.WrittenPerWorked = ratio(float64(s.WrittenBytes), versions)
		out.Server = &s
	}
	if o.Data != "" {
		d := diskFigures{Files: after.files, AllocatedBytes: after.allocated, LengthBytes: after.length,
			AllocatedGrown: after.allocated - before.allocated, LengthGrown: after.length - before.length}
		d.AllocatedEach, d.LengthEach = ratio(float64(d.AllocatedGrown), versions), ratio(float64(d.LengthGrown), versions)
		out.Disk = &d
	}
	if o.Metrics != "" {
		l := logFigures{Commits: after.commits - before.commits, Syncs: after.syncs - before.syncs}
		l.CommitsPerSync = ratio(l.Commits, l.Syncs)
		out.Log = &l
	}
	for _, err := range append(before.problems, after.problems...) {
		out.Problems = append(out.Problems, err.Error())
	}
	return out
}

// shapeFigures lists the shapes, the slowest first.
func (r *run) shapeFigures() (all []shapeFigures) {
	for i := range r.shapes {
		t := &r.tally.shapes[i]
		f := shapeFigures{Name: r.shapes[i].name, Mean: float64(t.times.mean()) / float64(time.Millisecond), Errors: t.failed.Load(), latency: t.times.summary()}
		f.Found = ratio(float64(t.found.Load()), float64(f.Count))
		all = append(all, f)
	}
	slices.SortStableFunc(all, func(a, b shapeFigures) int { return cmp.Compare(b.Mean, a.Mean) })
	return all
}

// summary reads the usual quantiles.
func (h *histogram) summary() latency {
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return latency{h.count.Load(), ms(h.quantile(0.5)), ms(h.quantile(0.95)), ms(h.quantile(0.99)), ms(h.largest())}
}

// ratio is a/b, and zero when there is no b.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
