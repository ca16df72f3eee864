package backup_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"fhirlog/domain/feed"
	"fhirlog/eventlog"
	"fhirlog/eventlog/faultfs"
	"fhirlog/eventlog/keyring"
	"fhirlog/eventlog/notary"
	"fhirlog/replay/backup"
)

const (
	dataDir     = "data"
	targetDir   = "target"
	restoredDir = "restored"
)

var background = context.Background()

func logOptions(disk eventlog.FileSystem) eventlog.Options {
	o := withoutKeys(disk)
	o.Keys = keysOn(disk)
	return o
}

// withoutKeys are the options for what opens the keyring itself.
func withoutKeys(disk eventlog.FileSystem) eventlog.Options {
	return eventlog.Options{FS: disk, SegmentBytes: 8 << 10, MinFreeBytes: -1}
}

var operatorKey = keyring.NewLocal([keyring.KeySize]byte{1, 2, 3})

// keysOn opens the keyring of a disk that has one: what is on it is encrypted.
func keysOn(disk eventlog.FileSystem) eventlog.Keys {
	memory, ok := disk.(*faultfs.FS)
	if !ok {
		return nil
	}
	for _, dir := range []string{dataDir, restoredDir} {
		path := dir + "/" + keyring.File
		if !slices.Contains(memory.Names(), path) {
			continue
		}
		r, err := keyring.Open(background, keyring.Options{FS: disk, Path: path, Operator: operatorKey})
		if err != nil {
			panic(err)
		}
		return r
	}
	return nil
}

// encrypt turns encryption on, from the next start of the log.
func (w *world) encrypt() {
	w.t.Helper()
	_, err := keyring.Create(background, keyring.Options{FS: w.disk, Path: dataDir + "/" + keyring.File, Operator: operatorKey})
	if err != nil {
		w.t.Fatal(err)
	}
}

// openKeys opens the keyring of a backup.
func openKeys(text []byte) (eventlog.Keys, error) {
	return keyring.Detached(background, text, operatorKey)
}

// checkOptions are for any backup.
var checkOptions = backup.CheckOptions{OpenKeys: openKeys}

// modelRecord is a record as a plain list knows it.
type modelRecord struct {
	metadata, body string
	instant        int64
	commitEnd      uint64 // position after the last record of its commit
	erased         bool
}

// world is a data folder with a log that runs, its notary, and the list of what was
// acknowledged.
type world struct {
	t      testing.TB
	disk   *faultfs.FS
	random *rand.Rand
	now    time.Time
	keys   eventlog.Keys // nil while it is not encrypted
	log    *eventlog.Log
	notary *notary.Notary
	ended  chan error
	model  []modelRecord
}

func newWorld(t testing.TB, seed uint64) *world {
	w := &world{t: t, disk: faultfs.New(), random: rand.New(rand.NewPCG(seed, 1)), now: time.UnixMilli(1_700_000_000_000)}
	w.write(dataDir+"/fhirlog.json", `{"identity":"one"}`)
	w.start()
	return w
}

func (w *world) write(path, content string) { writeFile(w.t, w.disk, path, content) }

func writeFile(t testing.TB, disk eventlog.FileSystem, path, content string) {
	t.Helper()
	file, err := disk.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.WriteAt([]byte(content), 0)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		t.Fatal(err)
	}
}

func (w *world) start() {
	w.t.Helper()
	o := logOptions(w.disk)
	o.Clock = func() time.Time { return w.now }
	w.keys = o.Keys
	var err error
	if w.log, _, err = eventlog.Open(dataDir+"/log", o); err != nil {
		w.t.Fatal(err)
	}
	w.notary, _, err = notary.Open(background, w.log, notary.Options{
		Dir: dataDir + "/proof", FS: w.disk, Origin: "test/one", Every: time.Hour, Gap: time.Nanosecond, Keys: o.Keys,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.ended = make(chan error, 2)
	log, n := w.log, w.notary
	go func() { w.ended <- log.Run(background) }()
	go func() { w.ended <- n.Run(background) }()
}

func (w *world) stop() {
	w.t.Helper()
	err := w.log.Close()
	if err := errors.Join(err, <-w.ended, <-w.ended, w.notary.Close()); err != nil {
		w.t.Fatal(err)
	}
}

// commit appends one commit of so many records, and waits for it.
func (w *world) commit(records int) {
	w.t.Helper()
	w.now = w.now.Add(time.Duration(w.random.IntN(3)) * time.Millisecond)
	b := eventlog.Batch{}
	var bodies [][]byte
	first := len(w.model)
	for i := range records {
		m := modelRecord{metadata: fmt.Sprintf("metadata %d", first+i), commitEnd: uint64(first + records)}
		body := []byte(nil)
		if w.random.IntN(6) > 0 {
			body = fmt.Appendf(nil, "body of %d: %x", first+i, make([]byte, w.random.IntN(300)))
			m.body = string(body)
		}
		bodies, b.Metadata = append(bodies, body), append(b.Metadata, []byte(m.metadata))
		w.model = append(w.model, m)
	}
	b.Bodies = w.log.Pack(bodies)
	a, err := w.log.Append(background, b)
	if err == nil {
		err = w.log.WaitDurable(background, a.First+eventlog.Position(a.Count))
	}
	if err != nil || int(a.First) != first {
		w.t.Fatalf("append at %d: %+v, %v", first, a, err)
	}
	for i := range records {
		w.model[first+i].instant = a.Instant
	}
}

// fill makes commits of all sizes.
func (w *world) fill(commits int) {
	for range commits {
		w.commit(1 + w.random.IntN(5))
	}
}

// sign waits for a checkpoint of all.
func (w *world) sign() {
	w.t.Helper()
	if _, err := w.notary.Covering(background, uint64(len(w.model))); err != nil {
		w.t.Fatal(err)
	}
}

// erase compacts some bodies away.
func (w *world) erase(share int) {
	w.t.Helper()
	gone := func(yield func(eventlog.Position) bool) {
		for p := range w.model {
			if w.model[p].body == "" || p%share != 0 {
				continue
			}
			w.model[p].erased = true
			if !yield(eventlog.Position(p)) {
				return
			}
		}
	}
	if _, err := w.log.Compact(background, iter.Seq[eventlog.Position](gone), eventlog.CompactOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) source() backup.Source {
	return backup.Source{FS: w.disk, Dir: dataDir, Identity: "one", Log: withoutKeys(w.disk), OpenKeys: openKeys}
}

// backUp makes a backup that must succeed.
func (w *world) backUp(disk *faultfs.FS) backup.Report {
	w.t.Helper()
	report, err := tryBackUp(w.source(), disk)
	if err != nil {
		w.t.Fatalf("backup: %v", err)
	}
	return report
}

func tryBackUp(s backup.Source, disk *faultfs.FS) (backup.Report, error) {
	target, err := backup.OpenFolderToWrite(disk, targetDir)
	if err != nil {
		return backup.Report{}, err
	}
	report, err := backup.Run(background, s, target, backup.Options{Now: func() time.Time { return time.UnixMilli(1) }})
	return report, errors.Join(err, target.Close())
}

func openBackup(t testing.TB, disk *faultfs.FS) *backup.Stored {
	t.Helper()
	s, err := backup.Open(background, backup.OpenFolder(disk, targetDir))
	if err != nil {
		t.Fatalf("open the backup: %v", err)
	}
	return s
}

func moment(t testing.TB, text string) feed.Moment {
	t.Helper()
	m, err := feed.ParseMoment(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// restoreOptions restore to a disk of their own; the description is written as it is.
func restoreOptions(disk *faultfs.FS, until feed.Moment) backup.RestoreOptions {
	return backup.RestoreOptions{
		FS: disk, Dir: restoredDir, Log: withoutKeys(disk), OpenKeys: openKeys, Until: until,
		Finish: func(_ *backup.Restored, description []byte) error {
			path := restoredDir + "/fhirlog.json"
			_ = disk.Remove(path) // of a restore that was stopped
			file, err := disk.Create(path)
			if err != nil {
				return err
			}
			_, err = file.WriteAt(description, 0)
			return errors.Join(err, file.Sync(), file.Close(), disk.SyncDir(restoredDir))
		},
	}
}

// checkRestored compares a restored log with the list, and writes to it.
func checkRestored(t testing.TB, disk *faultfs.FS, want []modelRecord) {
	t.Helper()
	log, _, err := eventlog.Open(restoredDir+"/log", logOptions(disk))
	if err != nil {
		t.Fatalf("open the restored log: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- log.Run(background) }()
	if got := int(log.Durable()); got != len(want) {
		t.Errorf("restored are %d records, want %d", got, len(want))
	}
	err = log.Scan(background, 0, true, func(r eventlog.Record) error {
		m := &want[r.Position]
		if string(r.Metadata) != m.metadata || r.Instant != m.instant || r.Erased != m.erased || !m.erased && !bytes.Equal(r.Body, []byte(m.body)) {
			return fmt.Errorf("record %d is %q, erased %t, %q at %d, want %+v", r.Position, r.Metadata, r.Erased, r.Body, r.Instant, m)
		}
		return r.Verify()
	})
	if err != nil {
		t.Error(err)
	}
	a, err := log.Append(background, eventlog.Batch{Metadata: [][]byte{[]byte("life goes on")}, Bodies: log.Pack([][]byte{nil})})
	if err == nil {
		err = log.WaitDurable(background, a.First+1)
	}
	if err != nil || int(a.First) != len(want) {
		t.Errorf("append to the restored log: %+v, %v", a, err)
	}
	if err := errors.Join(log.Close(), <-ended); err != nil {
		t.Error(err)
	}
	if _, err := eventlog.Verify(background, restoredDir+"/log", logOptions(disk), eventlog.VerifyOptions{}); err != nil {
		t.Errorf("verify the restored log: %v", err)
	}
}
