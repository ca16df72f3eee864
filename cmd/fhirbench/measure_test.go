package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// newMetricsServer serves counters that grow by 10 commits and 2 syncs from
// one request to the next.
func newMetricsServer(t *testing.T) string {
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		i := n.Add(1)
		fmt.Fprintf(w, "# HELP %s x\n%s %d\n%s{kind=\"a\"} %d\n%s{kind=\"b\"} %de0\nother 7\n",
			commitsMetric, commitsMetric, 10*i, syncsMetric, i, syncsMetric, i)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestReadMetrics(t *testing.T) {
	commits, syncs, err := readMetrics(t.Context(), newMetricsServer(t))
	if err != nil || commits != 10 || syncs != 2 {
		t.Errorf("got %v, %v, %v", commits, syncs, err)
	}
	without := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "up 1\n") }))
	defer without.Close()
	if _, _, err := readMetrics(t.Context(), without.URL); err == nil {
		t.Error("metrics without the counters were taken")
	}
}

func TestReadProcess(t *testing.T) {
	proc := t.TempDir()
	dir := filepath.Join(proc, "42")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"stat":   "42 (a b) c) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 9 0 1 2 3\n",
		"status": "Name:\tx\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\nRssFile:\t   256 kB\n",
		"io":     "rchar: 1\nwrite_bytes: 4096\ncancelled_write_bytes: 0\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := readProcess(proc, 42)
	want := process{cpu: 3 * time.Second, written: 4096, peak: 2 << 20, resident: 1 << 20, mapped: 256 << 10}
	if err != nil || got != want {
		t.Errorf("readProcess = %+v, %v; want %+v", got, err, want)
	}
	if _, err := readProcess(proc, 43); err == nil {
		t.Error("a process that is not there was read")
	}
}

func TestFolderSize(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "below"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "below", "a"), make([]byte, 10_000), 0o600); err != nil {
		t.Fatal(err)
	}
	sparse, err := os.Create(filepath.Join(dir, "sparse"))
	if err != nil {
		t.Fatal(err)
	}
	if err := sparse.Truncate(1 << 20); err != nil {
		t.Fatal(err)
	}
	sparse.Close()
	allocated, length, files, err := folderSize(dir)
	if err != nil || files != 2 || length != 1<<20+10_000 {
		t.Errorf("got %d bytes in %d files, %v", length, files, err)
	}
	if allocated < 10_000 || allocated > 1<<20 {
		t.Errorf("%d bytes allocated: a hole takes no blocks", allocated)
	}
	if _, _, _, err := folderSize(filepath.Join(dir, "nothing")); err == nil {
		t.Error("a folder that is not there has a size")
	}
}

func TestMeasureSyncs(t *testing.T) {
	dir := t.TempDir()
	rate, err := measureSyncs(dir, 20*time.Millisecond)
	if err != nil || rate.PerSecond <= 0 || rate.P50 <= 0 || rate.P99 < rate.P50 {
		t.Errorf("got %+v, %v", rate, err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%v was left behind", left)
	}
}
