package main

import (
	"context"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"fhirlog/domain/commit"
	"fhirlog/eventlog"
	"fhirlog/httpapi"
)

// metrics are those of the log and the projections; httpapi adds its own to the
// registry. None has a label that a client can choose.
type metrics struct {
	registry                       *prometheus.Registry
	commits, records, bytes, syncs prometheus.Counter
	writeTime, syncTime, groupSize prometheus.Histogram
	gatherTime, commitTime         prometheus.Histogram
}

func newMetrics() *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	histogram := func(name, help string, start, factor float64, count int) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: name, Help: help, Buckets: prometheus.ExponentialBuckets(start, factor, count),
		})
	}
	m := &metrics{
		registry:   prometheus.NewRegistry(),
		commits:    counter("fhirlog_log_commits_total", "Commits made durable."),
		records:    counter("fhirlog_log_records_total", "Records made durable."),
		bytes:      counter("fhirlog_log_written_bytes_total", "Bytes written to the log."),
		syncs:      counter("fhirlog_log_syncs_total", "Syncs of the log, one for each group of commits."),
		writeTime:  histogram("fhirlog_log_write_seconds", "Time to write a group.", 10e-6, 2, 16),
		syncTime:   histogram("fhirlog_log_sync_seconds", "Time to sync a group.", 50e-6, 2, 16),
		gatherTime: histogram("fhirlog_log_gather_seconds", "Time that a group was held back for more commits.", 10e-6, 2, 16),
		commitTime: histogram("fhirlog_commit_seconds", "Time from a command to its answer: durable and applied, or refused.", 100e-6, 2, 18),
		groupSize:  histogram("fhirlog_log_group_commits", "Commits in a group.", 1, 2, 12),
	}
	m.registry.MustRegister(
		m.commits, m.records, m.bytes, m.syncs, m.writeTime, m.syncTime, m.gatherTime, m.commitTime, m.groupSize,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// observeGroup is called by the log after each sync.
func (m *metrics) observeGroup(g eventlog.GroupStats) {
	m.commits.Add(float64(g.Commits))
	m.records.Add(float64(g.Records))
	m.bytes.Add(float64(g.Bytes))
	m.syncs.Inc()
	m.writeTime.Observe(g.Write.Seconds())
	m.syncTime.Observe(g.Sync.Seconds())
	m.gatherTime.Observe(g.Gather.Seconds())
	m.groupSize.Observe(float64(g.Commits))
}

// timedWriter measures how long commits take.
type timedWriter struct {
	httpapi.Writer
	seconds prometheus.Histogram
}

// Commit is Writer's.
func (w timedWriter) Commit(ctx context.Context, caller commit.Caller, commands []commit.Command) ([]commit.Outcome, error) {
	began := time.Now()
	defer func() { w.seconds.Observe(time.Since(began).Seconds()) }()
	return w.Writer.Commit(ctx, caller, commands)
}

// follow registers what is read from a node when somebody asks.
func (m *metrics) follow(n *node) {
	gauge := func(name, help string, value func() float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	gauge("fhirlog_log_durable_records", "Records in the log.", func() float64 { return float64(n.log.Durable()) })
	gauge("fhirlog_log_segments", "Segment files of the log.", func() float64 { return float64(n.log.Stats().Segments) })
	gauge("fhirlog_log_encrypted_segments", "Of these, how many are encrypted.", func() float64 { return float64(n.log.Stats().Encrypted) })
	gauge("fhirlog_log_used_bytes", "Bytes of the log in use.", func() float64 { return float64(n.log.Stats().BytesUsed) })
	gauge("fhirlog_log_allocated_bytes", "Bytes of the log on disk, with what is allocated ahead.", func() float64 { return float64(n.log.Stats().BytesAllocated) })
	room := func(value func(eventlog.Room) int64) func() float64 {
		return func() float64 {
			r, err := n.log.Room()
			if err != nil {
				return math.NaN()
			}
			return float64(value(r))
		}
	}
	gauge("fhirlog_disk_free_bytes", "Bytes that the disk of the log can still take.", room(func(r eventlog.Room) int64 { return r.Free }))
	gauge("fhirlog_disk_reserve_bytes", "Bytes that the log leaves free on its disk: it refuses writes that need more.", room(func(r eventlog.Room) int64 { return r.Reserve }))
	gauge("fhirlog_log_queued_bytes", "Bytes accepted and not yet durable.", func() float64 { return float64(n.log.Stats().BytesQueued) })
	gauge("fhirlog_log_signed_records", "Records that the newest checkpoint covers.", func() float64 {
		if latest := n.notary.Latest(); latest != nil {
			return float64(latest.Size)
		}
		return 0
	})
	gauge("fhirlog_encryption_key_gone", "1 while the operator's key was taken away, and nothing is answered.", func() float64 {
		if n.keyCheck.locked() != nil {
			return 1
		}
		return 0
	})
	gauge("fhirlog_encryption_key_unreachable_seconds", "Since when it cannot be found out whether the operator's key is there; 0 if it can.", n.keyCheck.unreachable)
	gauge("fhirlog_projections_bytes", "Bytes of the projections' tables on disk.", func() float64 { return float64(n.projections.Bytes()) })
	gauge("fhirlog_projections_lag_records", "Durable records that are not yet applied.", func() float64 {
		applied := n.projections.Applied() // first, so that the difference is never negative
		return float64(uint64(n.log.Durable()) - applied)
	})
}
