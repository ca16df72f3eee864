package notary_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"fhirlog/eventlog/faultfs"
	"fhirlog/eventlog/merkle"
	"fhirlog/eventlog/notary"
)

func TestNotary_signs_what_the_log_holds(t *testing.T) {
	disk := faultfs.New()
	w, opening := start(t, disk, quick(disk))
	if !opening.KeyMade || opening.Rebuilt && opening.Torn != 0 {
		t.Errorf("the first start: %+v", opening)
	}
	var last merkle.Checkpoint
	for i := range 9 {
		p := w.checkpoint()
		c, err := merkle.OpenCheckpoint(p.Signed, verifiers(t, disk))
		if err != nil || c != p.Checkpoint || c.Origin != origin || c.Size != uint64(w.log.Durable()) {
			t.Fatalf("checkpoint %d: %+v, %v", i, c, err)
		}
		if want := refRoot(t, w.log, c.Size); c.Root != want {
			t.Fatalf("the root of %d records is %v, and the checkpoint says %v", c.Size, want, c.Root)
		}
		last = c
		w.commit(1 + i*i*11)
	}
	if last.Size < 1000 {
		t.Fatalf("only %d records", last.Size)
	}
	w.commit(3)
	w.stop()
	// A clean stop leaves a checkpoint of everything.
	all := historyOf(t, disk)
	if got := all[len(all)-1].Size; got != uint64(w.log.Durable()) {
		t.Errorf("the last of %d checkpoints is of %d records, the log has %d", len(all), got, w.log.Durable())
	}
	w, opening = start(t, disk, quick(disk))
	defer w.stop()
	if opening.KeyMade || opening.Rebuilt || opening.Torn != 0 {
		t.Errorf("the second start: %+v", opening)
	}
	if p := w.notary.Latest(); p.Checkpoint != all[len(all)-1] {
		t.Errorf("after a restart the newest is %+v", p.Checkpoint)
	}
	w.commit(500)
	if p := w.checkpoint(); p.Root != refRoot(t, w.log, p.Size) {
		t.Error("after a restart the tree goes on wrongly")
	}
}

// TestProofs_satisfy_tlog takes tlog's own client for the judge: it reads our
// tiles, checks each against the signed root, and computes proofs of its own.
func TestProofs_satisfy_tlog(t *testing.T) {
	disk := faultfs.New()
	w, _ := start(t, disk, quick(disk))
	defer w.stop()
	w.commit(300)
	w.commit(211)
	early := w.checkpoint()
	w.commit(1)
	w.commit(700)
	p := w.checkpoint()
	known := verifiers(t, disk)
	reader := tlog.TileHashReader(tlog.Tree{N: int64(p.Size), Hash: p.Root}, tileReader{t, w.notary})
	for _, position := range []uint64{0, 1, 255, 256, 300, 510, 511, 512, 1000, p.Size - 1} {
		proof, err := w.notary.Prove(background, notary.Wanted{Position: position, From: early.Size, Body: true})
		if err != nil {
			t.Fatalf("Prove(%d) = %v", position, err)
		}
		theirs, err := tlog.ProveRecord(int64(p.Size), int64(position), reader)
		if err != nil || !slices.Equal([]tlog.Hash(theirs), proof.Path) {
			t.Errorf("tlog's path of record %d is another, %v", position, err)
		}
		if c, err := proof.Check(known); err != nil || c != p.Checkpoint {
			t.Errorf("Check of record %d = %+v, %v", position, c, err)
		}
		if proof.From.Root != early.Root || string(proof.Body) != string(bodyOf(int(position))) || proof.HasBody != (proof.Body != nil) ||
			string(proof.Metadata) != fmt.Sprintf("metadata of %d", position) {
			t.Errorf("the proof of record %d shows %+v", position, proof)
		}
	}
	for _, sizes := range [][2]uint64{{1, 0}, {early.Size, 0}, {256, 512}, {300, 301}, {p.Size, 0}, {0, 0}} {
		c, err := w.notary.Consistency(background, sizes[0], sizes[1])
		if err != nil {
			t.Fatalf("Consistency(%v) = %v", sizes, err)
		}
		if got, err := c.Check(known); err != nil || got != p.Checkpoint {
			t.Errorf("Check of consistency %v = %+v, %v", sizes, got, err)
		}
		if sizes[1] != 0 && c.Size != sizes[1] || c.From.Root != refRoot(t, w.log, sizes[0]) {
			t.Errorf("consistency %v is of %d, from root %v", sizes, c.Size, c.From.Root)
		}
	}
	for _, err := range []error{
		second(w.notary.Prove(background, notary.Wanted{Position: p.Size})),
		second(w.notary.Prove(background, notary.Wanted{Position: 1, From: p.Size + 1})),
		second(w.notary.Consistency(background, p.Size+1, 0)), second(w.notary.Consistency(background, 5, p.Size+1)),
		second(w.notary.Consistency(background, 5, 4)),
		second(w.notary.Tile(merkle.Tile{Level: 0, Index: p.Size / 256, Width: 256})),
	} {
		if !errors.Is(err, notary.ErrNotFound) {
			t.Errorf("beyond the log: %v", err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// tileReader gives our tiles to tlog.
type tileReader struct {
	t *testing.T
	n *notary.Notary
}

func (r tileReader) Height() int { return merkle.TileHeight }

func (r tileReader) ReadTiles(tiles []tlog.Tile) (data [][]byte, err error) {
	for _, tile := range tiles {
		// By its path, as a client over HTTP would.
		parsed, err := merkle.ParseTile(strings.Replace(tile.Path(), "tile/8/", "tile/", 1))
		if err != nil {
			return nil, err
		}
		entries, err := r.n.Tile(parsed)
		if err != nil {
			return nil, err
		}
		data = append(data, entries)
	}
	return data, nil
}

func (r tileReader) SaveTiles([]tlog.Tile, [][]byte) {}

func TestProve_without_body_gives_no_means_to_guess_it(t *testing.T) {
	disk := faultfs.New()
	w, _ := start(t, disk, quick(disk))
	defer w.stop()
	w.commit(3)
	proof, err := w.notary.Prove(background, notary.Wanted{Position: 1})
	if err != nil || proof.Body != nil || proof.BodySalt != nil || proof.From != nil {
		t.Fatalf("%+v, %v", proof, err)
	}
	proof, err = w.notary.Prove(background, notary.Wanted{Position: 1, BodySalt: true})
	if err != nil || proof.Body != nil || proof.CheckBody(bodyOf(1)) != nil || proof.CheckBody(bodyOf(2)) == nil {
		t.Fatalf("with the salt: %+v, %v", proof, err)
	}
}

func TestCovering_shares_one_checkpoint(t *testing.T) {
	disk := faultfs.New()
	o := quick(disk)
	o.Gap = 300 * time.Millisecond
	w, _ := start(t, disk, o)
	w.checkpoint()
	var wait sync.WaitGroup
	began := time.Now()
	for range 40 {
		w.commit(1)
		size := uint64(w.log.Durable())
		wait.Go(func() {
			if p, err := w.notary.Covering(background, size); err != nil || p.Size < size {
				t.Errorf("Covering(%d) = %+v, %v", size, p, err)
			}
		})
	}
	wait.Wait()
	most := 3 + int(time.Since(began)/o.Gap)
	w.stop()
	if got := len(historyOf(t, disk)); got > most {
		t.Errorf("%d checkpoints, want at most %d", got, most)
	}
	if _, err := w.notary.Covering(background, uint64(w.log.Durable())+1); !errors.Is(err, notary.ErrStopped) {
		t.Errorf("Covering after the end = %v", err)
	}
}

func TestRun_makes_checkpoints_by_itself(t *testing.T) {
	disk := faultfs.New()
	o := quick(disk)
	o.Every = 30 * time.Millisecond
	w, _ := start(t, disk, o)
	defer w.stop()
	w.commit(10)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if p := w.notary.Latest(); p != nil && p.Size == 10 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("no checkpoint of 10 records in 10 s")
		}
	}
}

func TestCovering_waits_no_longer_than_its_context(t *testing.T) {
	disk := faultfs.New()
	o := quick(disk)
	o.Gap = time.Hour
	w, _ := start(t, disk, o)
	defer w.stop()
	w.checkpoint()
	w.commit(1)
	ctx, cancel := context.WithTimeout(background, 50*time.Millisecond)
	defer cancel()
	if _, err := w.notary.Covering(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Covering = %v", err)
	}
}

func TestOpen_and_keys(t *testing.T) {
	private, public, _ := note.GenerateKey(nil, "log.example/fhir")
	other, _, _ := note.GenerateKey(nil, "log.example/fhir")
	disk := faultfs.New()
	given := quick(disk)
	given.Origin, given.Key = "", private+"\n"
	w, opening := start(t, disk, given)
	if opening.KeyMade || w.notary.PublicKey() != public {
		t.Errorf("given key: %+v, %s", opening, w.notary.PublicKey())
	}
	w.commit(5)
	w.stop()
	if disk.Content(proofDir+"/"+notary.KeyFile) != nil {
		t.Error("the given key was written to the folder")
	}
	refused := func(what, says string, change func(*faultfs.FS, *notary.Options)) {
		t.Helper()
		d := disk.Clone()
		d.Restart()
		o := given
		o.FS = d
		change(d, &o)
		if w, _, err := tryStart(t, d, o); err == nil {
			w.stop()
			t.Errorf("%s: it starts", what)
		} else if !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q in it", what, err, says)
		}
	}
	refused("another key", "another key", func(_ *faultfs.FS, o *notary.Options) { o.Key = other })
	refused("the key is not given", "--log-key", func(_ *faultfs.FS, o *notary.Options) { o.Key = "" })
	refused("another origin", "log.example/fhir", func(_ *faultfs.FS, o *notary.Options) { o.Origin = "x" })
	refused("no key at all", "PRIVATE+KEY", func(_ *faultfs.FS, o *notary.Options) { o.Key = "nonsense" })
	refused("the public key as key", "PRIVATE+KEY", func(_ *faultfs.FS, o *notary.Options) { o.Key = public })
	refused("the checkpoints were removed", "is missing", func(d *faultfs.FS, _ *notary.Options) { d.Remove(proofDir + "/" + notary.HistoryFile) })
	refused("origin with a space", "no spaces", func(d *faultfs.FS, o *notary.Options) {
		for _, name := range d.Names() {
			if strings.HasPrefix(name, proofDir) {
				d.Remove(name)
			}
		}
		o.Key, o.Origin = "", "a b"
	})
}
