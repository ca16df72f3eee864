package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A snapshot is what is known about the server, its disk and this program at
// one moment. Figures of a run are differences of two.
type snapshot struct {
	fastSnapshot
	slowSnapshot
	problems []error // figures that could not be had
}

// A fastSnapshot is read in microseconds, at the edges of the clock.
type fastSnapshot struct {
	at        time.Time
	serverCPU time.Duration
	clientCPU time.Duration
	written   int64 // bytes that the server handed to the disk
	peak      int64 // bytes, since the server started
	resident  int64
	mapped    int64 // of resident: pages of files, which the kernel may drop at will
}

// A slowSnapshot takes a walk over a folder or a request.
type slowSnapshot struct {
	allocated, length int64 // of the data folder
	files             int
	commits, syncs    float64
}

// clockTick is the unit of CPU times in /proc, 10 ms on every Linux.
const clockTick = 10 * time.Millisecond

// takeFast reads the processes' figures.
func (o *options) takeFast(s *snapshot) {
	s.clientCPU = ownCPU()
	s.serverCPU, s.written, s.peak, s.resident, s.mapped = 0, 0, 0, 0, 0
	for _, pid := range o.PID {
		p, err := readProcess("/proc", pid)
		if err != nil {
			s.problems = append(s.problems, err)
		}
		s.serverCPU += p.cpu
		s.written += p.written
		s.peak += p.peak
		s.resident += p.resident
		s.mapped += p.mapped
	}
	s.at = time.Now()
}

// takeSlow reads the data folder and the server's metrics.
func (o *options) takeSlow(ctx context.Context) (s snapshot) {
	var err error
	if o.Data != "" {
		if s.allocated, s.length, s.files, err = folderSize(o.Data); err != nil {
			s.problems = append(s.problems, err)
		}
	}
	if o.Metrics != "" {
		if s.commits, s.syncs, err = readMetrics(ctx, o.Metrics); err != nil {
			s.problems = append(s.problems, err)
		}
	}
	return s
}

// process is what /proc tells of one process.
type process struct {
	cpu                             time.Duration
	written, peak, resident, mapped int64
}

// readProcess reads stat, io and status of a process below a mount of proc.
func readProcess(proc string, pid int) (p process, err error) {
	dir := filepath.Join(proc, strconv.Itoa(pid))
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return p, fmt.Errorf("server process: %w", err)
	}
	// The name in parentheses may hold anything; utime and stime are the 14th
	// and 15th fields, the 12th and 13th after it.
	_, after, _ := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')')+1:]), " ")
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return p, fmt.Errorf("server process: %s/stat has %d fields", dir, len(fields))
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	p.cpu = time.Duration(user+system) * clockTick
	errs := []error{err1, err2}
	for _, f := range []struct {
		file, field string
		value       *int64
		unit        int64
	}{{"status", "VmHWM:", &p.peak, 1 << 10}, {"status", "VmRSS:", &p.resident, 1 << 10}, {"status", "RssFile:", &p.mapped, 1 << 10}, {"io", "write_bytes:", &p.written, 1}} {
		n, err := procField(filepath.Join(dir, f.file), f.field)
		*f.value = n * f.unit
		errs = append(errs, err)
	}
	return p, errors.Join(errs...)
}

// procField reads the number after a name at the start of a line.
func procField(path, name string) (int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
			return strconv.ParseInt(number, 10, 64)
		}
	}
	return 0, fmt.Errorf("%s has no %s", path, name)
}

// folderSize adds up all files below a folder, by allocated blocks and by
// length. Files that vanish meanwhile do not count.
func folderSize(dir string) (allocated, length int64, files int, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path != dir {
			return nil
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		allocated += allocatedBytes(info)
		length += info.Size()
		files++
		return nil
	})
	return allocated, length, files, err
}

// The counters of fhirlog that tell how many commits shared a sync.
const (
	commitsMetric = "fhirlog_log_commits_total"
	syncsMetric   = "fhirlog_log_syncs_total"
)

// readMetrics reads the two counters from Prometheus text.
func readMetrics(ctx context.Context, url string) (commits, syncs float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, 0, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, 0, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return 0, 0, fmt.Errorf("metrics: %s answers %s", url, answer.Status)
	}
	found := 0
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		name, _, _ = strings.Cut(name, "{")
		number, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil {
			continue
		}
		switch name {
		case commitsMetric:
			commits += number
			found |= 1
		case syncsMetric:
			syncs += number
			found |= 2
		}
	}
	if err := lines.Err(); err != nil {
		return 0, 0, fmt.Errorf("metrics: %w", err)
	}
	if found != 3 {
		return 0, 0, fmt.Errorf("metrics: %s lacks %s or %s", url, commitsMetric, syncsMetric)
	}
	return commits, syncs, nil
}
