package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
)

// printResult prints one run for a person.
func printResult(w io.Writer, r *result) {
	fmt.Fprintf(w, "%s  %s · %d clients · %.1f s · %s\n", r.Workload, r.Title, r.Clients, r.Seconds, r.Base)
	line := func(name, format string, values ...any) {
		fmt.Fprintf(w, "  %-16s %s\n", name, fmt.Sprintf(format, values...))
	}
	line("requests/s", "%s   (%s requests, %s errors)", count(r.PerSecond), count(float64(r.Requests)), count(float64(r.Errors)))
	if r.Entries > 0 {
		line("entries/s", "%s   (%s entries of transactions answered with 200)", count(r.EntriesPer), count(float64(r.Entries)))
	}
	if r.Found > 0 {
		line("resources/s", "%s   (%s resources in answers, %s each)", count(r.FoundPer), count(float64(r.Found)), count(ratio(float64(r.Found), float64(r.Requests))))
	}
	line("latency", "%s", r.Latency)
	if len(r.Operations) > 1 {
		for _, name := range operationNames {
			if l := r.Operations[name]; l != nil {
				line("  "+name, "%s   (%s)", *l, count(float64(l.Count)))
			}
		}
	}
	printServer(line, r)
	line("client CPU", "%.2f s, %.1f µs per request", r.ClientCPU, r.ClientEach)
	if r.MeanBody > 0 {
		line("bodies", "%s bytes on average", count(r.MeanBody))
	}
	if len(r.Loaded) > 0 {
		line("loaded", "%s", loaded(r.Loaded))
	}
	machine := fmt.Sprintf("%d cores", r.Cores)
	if s := r.SyncRate; s != nil {
		machine += fmt.Sprintf("; the disk alone: %s syncs/s of 4 kB (p50 %v, p99 %v)", count(s.PerSecond),
			s.P50.Round(time.Microsecond), s.P99.Round(time.Microsecond))
	}
	line("machine", "%s", machine)
	if r.Reconnects > 0 {
		line("reconnects", "%d connections were closed by the server between requests", r.Reconnects)
	}
	for _, f := range r.Failures {
		line("error", "%s × %s\n%19s%s", count(float64(f.Count)), f.Kind, "", f.Example)
	}
	for _, p := range r.Problems {
		line("not measured", "%s", p)
	}
	if r.Interrupted {
		line("interrupted", "the figures are of the time until then")
	}
	printShapes(w, r.Shapes)
	fmt.Fprintln(w)
}

// printShapes prints a line for each shape.
func printShapes(w io.Writer, all []shapeFigures) {
	if len(all) == 0 {
		return
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "requests\tmean ms\tp50 ms\tp99 ms\tmax ms\tfound\terrors\t shape")
	for _, s := range all {
		fmt.Fprintf(table, "%s\t%.2f\t%.2f\t%.2f\t%.1f\t%s\t%d\t %s\n", count(float64(s.Count)), s.Mean, s.P50, s.P99, s.Max, count(s.Found), s.Errors, s.Name)
	}
	table.Flush()
}

// loaded tells how much the server holds.
func loaded(n map[string]int) string {
	var parts []string
	for _, typeName := range slices.Sorted(maps.Keys(n)) {
		parts = append(parts, humanize.Comma(int64(n[typeName]))+" "+typeName+"s")
	}
	return strings.Join(parts, ", ")
}

// printServer prints what was asked for about the server's process, its folder
// and its log.
func printServer(line func(name, format string, values ...any), r *result) {
	if s := r.Server; s != nil {
		text := fmt.Sprintf("%s requests per CPU second", count(s.RequestsPerCPU))
		if r.Entries > 0 {
			text += fmt.Sprintf(", %s entries per CPU second", count(s.EntriesPerCPU))
		}
		if r.Found > 0 {
			text += fmt.Sprintf(", %s resources per CPU second", count(s.FoundPerCPU))
		}
		line("server CPU", "%s   (%.2f s, %.0f %% of a core)", text, s.CPUSeconds, 100*ratio(s.CPUSeconds, r.Seconds))
		line("server memory", "%s at its peak since the start, %s now, of these %s pages of mapped files",
			humanize.IBytes(uint64(s.PeakBytes)), humanize.IBytes(uint64(s.ResidentBytes)), humanize.IBytes(uint64(s.MappedBytes)))
		if r.Versions > 0 {
			line("bytes written", "%s, %s per version", size(s.WrittenBytes), count(s.WrittenPerWorked))
		} else {
			line("bytes written", "%s", size(s.WrittenBytes))
		}
	}
	if d := r.Disk; d != nil {
		if r.Versions > 0 {
			line("bytes on disk", "%s per version by allocated blocks, %s by length   (%s versions written; grown by %s, %s)",
				count(d.AllocatedEach), count(d.LengthEach), count(float64(r.Versions)), size(d.AllocatedGrown), size(d.LengthGrown))
		}
		line("data folder", "%s by allocated blocks, %s by length, %d files", size(d.AllocatedBytes), size(d.LengthBytes), d.Files)
	}
	if l := r.Log; l != nil {
		line("commits per sync", "%.1f   (%s commits, %s syncs)", l.CommitsPerSync, count(l.Commits), count(l.Syncs))
	}
}

// printSummary prints one line for each of several runs.
func printSummary(w io.Writer, all []result) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "workload\tclients\trequests/s\tentries/s\tp50 ms\tp95 ms\tp99 ms\tmax ms\terrors\treq/CPU s\tcommits/sync\t")
	for _, r := range all {
		name := r.Workload
		if r.Part != "" || r.Workload == "W9" {
			name, _, _ = strings.Cut(r.Workload+" "+r.Title, " as of ")
		}
		if r.AsOf != "" {
			name += ", past"
		}
		entries, perCPU, perSync := "", "", ""
		if r.Entries > 0 {
			entries = count(r.EntriesPer)
		} else if r.Found > 0 {
			entries = count(r.FoundPer)
		}
		if r.Server != nil {
			perCPU = count(r.Server.RequestsPerCPU)
		}
		if r.Log != nil {
			perSync = fmt.Sprintf("%.1f", r.Log.CommitsPerSync)
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%.2f\t%.2f\t%.2f\t%.1f\t%d\t%s\t%s\t\n", name, r.Clients, count(r.PerSecond),
			entries, r.Latency.P50, r.Latency.P95, r.Latency.P99, r.Latency.Max, r.Errors, perCPU, perSync)
	}
	table.Flush()
}

// printJSON prints one run as a line of JSON.
func printJSON(w io.Writer, r *result) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// String shows the quantiles in a fixed order.
func (l latency) String() string {
	return fmt.Sprintf("p50 %.2f ms, p95 %.2f ms, p99 %.2f ms, max %.1f ms", l.P50, l.P95, l.P99, l.Max)
}

// count shows a number with thousands apart, with a decimal only when small.
func count(n float64) string {
	if n < 100 && n != float64(int64(n)) {
		return strings.TrimSuffix(fmt.Sprintf("%.1f", n), ".0")
	}
	return humanize.Comma(int64(n + 0.5))
}

// size shows a number of bytes that may have become less.
func size(n int64) string {
	if n < 0 {
		return "-" + humanize.Bytes(uint64(-n))
	}
	return humanize.Bytes(uint64(n))
}
