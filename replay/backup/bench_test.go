package backup_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"fhirlog/domain/feed"
	"fhirlog/eventlog"
	"fhirlog/replay/backup"
)

// benchFolder makes a log of some 64 MB on the disk, of bodies of 1 kB that compress to
// a quarter.
func benchFolder(b *testing.B) (dir string, records int) {
	b.Helper()
	dir = filepath.Join(b.TempDir(), "data")
	log, _, err := eventlog.Open(filepath.Join(dir, "log"), eventlog.Options{SegmentBytes: 16 << 20})
	if err != nil {
		b.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- log.Run(background) }()
	random := rand.New(rand.NewPCG(1, 1))
	for records < 150_000 {
		batch := eventlog.Batch{}
		var bodies [][]byte
		for range 1000 {
			body := fmt.Appendf(nil, "%0900d", records)
			for range 25 {
				body = fmt.Appendf(body, "%x", random.Uint64())
			}
			batch.Metadata, bodies = append(batch.Metadata, fmt.Appendf(nil, "metadata %d", records)), append(bodies, body)
			records++
		}
		batch.Bodies = log.Pack(bodies)
		a, err := log.Append(background, batch)
		if err == nil {
			err = log.WaitDurable(background, a.First+eventlog.Position(a.Count))
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := errors.Join(log.Close(), <-ended); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "fhirlog.json"), []byte("{}"), 0o600); err != nil {
		b.Fatal(err)
	}
	return dir, records
}

func benchBackup(b *testing.B, dir, to string) backup.Report {
	b.Helper()
	target, err := backup.OpenFolderToWrite(eventlog.Disk(), to)
	if err != nil {
		b.Fatal(err)
	}
	report, err := backup.Run(background, backup.Source{Dir: dir}, target, backup.Options{})
	if err := errors.Join(err, target.Close()); err != nil {
		b.Fatal(err)
	}
	return report
}

// BenchmarkBackup makes first backups: read, verify, copy, sync, read back.
func BenchmarkBackup(b *testing.B) {
	dir, records := benchFolder(b)
	n, bytes := 0, int64(0)
	for b.Loop() {
		report := benchBackup(b, dir, filepath.Join(b.TempDir(), fmt.Sprint(n)))
		n, bytes = n+1, report.Bytes
	}
	b.SetBytes(bytes)
	b.ReportMetric(float64(bytes)/float64(records), "bytes/event")
}

// BenchmarkBackupOfNothingNew makes backups of what is backed up.
func BenchmarkBackupOfNothingNew(b *testing.B) {
	dir, _ := benchFolder(b)
	to := filepath.Join(b.TempDir(), "target")
	benchBackup(b, dir, to)
	for b.Loop() {
		if report := benchBackup(b, dir, to); report.Objects > 0 {
			b.Fatalf("%+v", report)
		}
	}
}

// BenchmarkRestore restores all: read, check hashes, write, sync, verify.
func BenchmarkRestore(b *testing.B) {
	dir, records := benchFolder(b)
	to := filepath.Join(b.TempDir(), "target")
	bytes := benchBackup(b, dir, to).Bytes
	n := 0
	for b.Loop() {
		stored, err := backup.Open(background, backup.OpenFolder(eventlog.Disk(), to))
		if err == nil {
			_, err = stored.Restore(background, backup.RestoreOptions{
				Dir: filepath.Join(b.TempDir(), fmt.Sprint(n)), Until: feed.Now, Finish: func(*backup.Restored, []byte) error { return nil },
			})
		}
		if err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.SetBytes(bytes)
	b.ReportMetric(float64(records)*float64(n)/b.Elapsed().Seconds(), "events/s")
}
