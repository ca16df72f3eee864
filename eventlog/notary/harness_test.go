package notary_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"fhirlog/eventlog"
	"fhirlog/eventlog/faultfs"
	"fhirlog/eventlog/merkle"
	"fhirlog/eventlog/notary"
)

const (
	logDir   = "data/log"
	proofDir = "data/proof"
	origin   = "fhirlog/test"
)

var background = context.Background()

func logOptions(disk eventlog.FileSystem) eventlog.Options {
	return eventlog.Options{FS: disk, SegmentBytes: 16 << 10, MinFreeBytes: -1}
}

// quick makes checkpoints only when they are asked for, and then at once.
func quick(disk eventlog.FileSystem) notary.Options {
	return notary.Options{Dir: proofDir, FS: disk, Origin: origin, Every: time.Hour, Gap: time.Nanosecond}
}

// world is a log with its notary, both running.
type world struct {
	t      testing.TB
	log    *eventlog.Log
	notary *notary.Notary
	ended  chan error
}

// start opens both, which must succeed.
func start(t testing.TB, disk eventlog.FileSystem, o notary.Options) (*world, notary.Opening) {
	t.Helper()
	w, opening, err := tryStart(t, disk, o)
	if err != nil {
		t.Fatal(err)
	}
	return w, opening
}

func tryStart(t testing.TB, disk eventlog.FileSystem, o notary.Options) (*world, notary.Opening, error) {
	t.Helper()
	log, _, err := eventlog.Open(logDir, logOptions(disk))
	if err != nil {
		return nil, notary.Opening{}, err
	}
	n, opening, err := notary.Open(background, log, o)
	if err != nil {
		log.Close()
		return nil, opening, err
	}
	w := &world{t: t, log: log, notary: n, ended: make(chan error, 2)}
	go func() { w.ended <- log.Run(background) }()
	go func() { w.ended <- n.Run(background) }()
	return w, opening, nil
}

// stop closes the log; the notary ends by itself.
func (w *world) stop() {
	w.log.Close()
	<-w.ended
	<-w.ended
	w.notary.Close()
}

// commit appends one commit of so many records, and waits for it.
func (w *world) commit(records int) {
	w.t.Helper()
	if err := w.tryCommit(records); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) tryCommit(records int) error {
	var b eventlog.Batch
	var bodies [][]byte
	next := int(w.log.Next())
	for i := range records {
		b.Metadata = append(b.Metadata, fmt.Appendf(nil, "metadata of %d", next+i))
		bodies = append(bodies, bodyOf(next+i))
	}
	b.Bodies = w.log.Pack(bodies)
	a, err := w.log.Append(background, b)
	if err != nil {
		return err
	}
	return w.log.WaitDurable(background, a.First+eventlog.Position(a.Count))
}

func bodyOf(i int) []byte {
	if i%5 == 4 {
		return nil
	}
	return fmt.Appendf(nil, "the body of %d", i)
}

// checkpoint asks for one that covers everything.
func (w *world) checkpoint() *notary.Published {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(background, 20*time.Second)
	defer cancel()
	p, err := w.notary.Covering(ctx, uint64(w.log.Durable()))
	if err != nil {
		w.t.Fatalf("Covering(%d) = %v", w.log.Durable(), err)
	}
	return p
}

// refRoot is the root over what the log holds, plainly (RFC 6962, 2.1).
func refRoot(t testing.TB, log *eventlog.Log, size uint64) merkle.Hash {
	t.Helper()
	leaves := refLeaves(t, log)
	if uint64(len(leaves)) < size {
		t.Fatalf("the log has %d records, and not %d", len(leaves), size)
	}
	return rootOf(leaves[:size])
}

// refLeaves hashes what the log holds.
func refLeaves(t testing.TB, log *eventlog.Log) (leaves []merkle.Hash) {
	t.Helper()
	err := log.Scan(background, 0, true, func(r eventlog.Record) error {
		data := []byte{0, 1, 0}
		if r.CommitEnd {
			data[2] = 1
		}
		data = append(append(data, r.MetadataCommitment[:]...), r.BodyCommitment[:]...)
		leaves = append(leaves, sha256.Sum256(data))
		return r.Verify()
	})
	if err != nil {
		t.Fatalf("Scan = %v", err)
	}
	return leaves
}

func rootOf(leaves []merkle.Hash) merkle.Hash {
	switch len(leaves) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return leaves[0]
	}
	k := 1
	for 2*k < len(leaves) {
		k *= 2
	}
	l, r := rootOf(leaves[:k]), rootOf(leaves[k:])
	return sha256.Sum256(append(append([]byte{1}, l[:]...), r[:]...))
}

// verifiers is the public key that the folder tells.
func verifiers(t testing.TB, disk *faultfs.FS) note.Verifiers {
	t.Helper()
	text := string(disk.Content(proofDir + "/" + notary.PublicKeyFile))
	v, err := note.NewVerifier(text[:len(text)-1])
	if err != nil {
		t.Fatalf("public key %q: %v", text, err)
	}
	return note.VerifierList(v)
}

// historyOf reads all checkpoints of the folder, and checks each signature.
func historyOf(t testing.TB, disk *faultfs.FS) (all []merkle.Checkpoint) {
	t.Helper()
	known := verifiers(t, disk)
	err := merkle.EachInHistory(disk.Content(proofDir+"/"+notary.HistoryFile), func(signed []byte) error {
		c, err := merkle.OpenCheckpoint(signed, known)
		all = append(all, c)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
