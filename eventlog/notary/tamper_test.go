package notary_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"fhirlog/eventlog"
	"fhirlog/eventlog/faultfs"
	"fhirlog/eventlog/merkle"
	"fhirlog/eventlog/notary"
)

// record makes a disk with a log of a few segments and several checkpoints.
func record(t *testing.T) *faultfs.FS {
	t.Helper()
	disk := faultfs.New()
	w, _ := start(t, disk, quick(disk))
	for range 6 {
		w.commit(90)
		w.checkpoint()
	}
	w.stop()
	return disk
}

// reopened gives the disk to a new process.
func reopened(disk *faultfs.FS) *faultfs.FS {
	d := disk.Clone()
	d.Restart()
	return d
}

func TestOpen_refuses_a_log_that_was_cut(t *testing.T) {
	disk := record(t)
	names := disk.Names()
	last := ""
	for _, name := range names {
		if strings.HasSuffix(name, ".seg") {
			last = name
		}
	}
	disk.Remove(last)
	_, _, err := tryStart(t, reopened(disk), quick(reopened(disk)))
	if shorter, ok := errors.AsType[*merkle.ShorterError](err); !ok || shorter.Signed != 540 || shorter.Size >= 540 {
		t.Errorf("without the last segment: %v", err)
	}
}

// TestOpen_refuses_another_log puts a log in its place that is whole in itself.
func TestOpen_refuses_another_log(t *testing.T) {
	disk, other := record(t), record(t)
	for _, name := range other.Names() {
		if strings.HasPrefix(name, logDir) {
			disk.SetContent(name, other.Content(name))
		}
	}
	d := reopened(disk)
	_, _, err := tryStart(t, d, quick(d))
	if _, ok := errors.AsType[*merkle.AlteredError](err); !ok {
		t.Errorf("with another log: %v", err)
	}
	// And with its tree as well.
	for _, name := range other.Names() {
		if strings.HasPrefix(name, proofDir+"/level-") {
			disk.SetContent(name, other.Content(name))
		}
	}
	d = reopened(disk)
	_, _, err = tryStart(t, d, quick(d))
	if altered, ok := errors.AsType[*merkle.AlteredError](err); !ok || altered.From != 0 || altered.Until != 90 {
		t.Errorf("with another log and its tree: %v", err)
	}
}

func TestOpen_computes_a_lost_or_damaged_tree_again(t *testing.T) {
	for name, damage := range map[string]func(*faultfs.FS){
		"level 0 is gone":        func(d *faultfs.FS) { d.Remove(proofDir + "/level-0") },
		"level 1 is gone":        func(d *faultfs.FS) { d.Remove(proofDir + "/level-1") },
		"all are gone":           func(d *faultfs.FS) { d.Remove(proofDir + "/level-0"); d.Remove(proofDir + "/level-1") },
		"level 0 is cut":         func(d *faultfs.FS) { d.SetContent(proofDir+"/level-0", d.Content(proofDir + "/level-0")[:777]) },
		"the end of 0 differs":   func(d *faultfs.FS) { d.Flip(proofDir+"/level-0", 539*32, 1) },
		"the start of 1 differs": func(d *faultfs.FS) { d.Flip(proofDir+"/level-1", 3, 1) },
	} {
		disk := record(t)
		damage(disk)
		d := reopened(disk)
		w, opening := start(t, d, quick(d))
		if !opening.Rebuilt {
			t.Errorf("%s: %+v", name, opening)
		}
		w.commit(20)
		if p := w.checkpoint(); p.Root != refRoot(t, w.log, p.Size) {
			t.Errorf("%s: the tree is wrong after it", name)
		}
		if _, err := w.notary.Prove(background, notary.Wanted{Position: 17, From: 90}); err != nil {
			t.Errorf("%s: Prove = %v", name, err)
		}
		w.stop()
	}
}

func TestCheck_mends_the_tree_and_finds_an_altered_log(t *testing.T) {
	disk := record(t)
	// In the middle, where no root at Open looks; the latest records are compared there,
	// so a log that is longer than those would hide it.
	d := reopened(disk)
	w, _ := start(t, d, quick(d))
	if c, err := w.notary.Check(background, 0); err != nil || c.Records != 540 || c.Mended != 0 {
		t.Errorf("Check of what is whole = %+v, %v", c, err)
	}
	d.Flip(proofDir+"/level-0", 100*32+5, 4)
	if _, err := w.notary.Prove(background, notary.Wanted{Position: 100}); err != nil {
		t.Errorf("its own leaf is no part of a path: %v", err)
	}
	if _, err := w.notary.Prove(background, notary.Wanted{Position: 101}); !errors.Is(err, notary.ErrDamagedTree) {
		t.Errorf("Prove beside a damaged entry = %v", err)
	}
	if c, err := w.notary.Check(background, 0); err != nil || c.Mended != 1 {
		t.Errorf("Check of a damaged tree = %+v, %v", c, err)
	}
	if _, err := w.notary.Prove(background, notary.Wanted{Position: 101}); err != nil {
		t.Errorf("Prove after the tree was mended = %v", err)
	}
	if c, err := w.notary.Check(background, 0); err != nil || c.Mended != 0 {
		t.Errorf("the second Check = %+v, %v", c, err)
	}
	w.stop()

	liar := &alteredLog{Log: nil, at: 123}
	log, _, err := eventlog.Open(logDir, logOptions(reopened(disk)))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	liar.Log = log
	_, _, err = notary.Open(background, liar, quick(reopened(disk)))
	if altered, ok := errors.AsType[*merkle.AlteredError](err); !ok || altered.From != 123 || altered.Until != 124 {
		t.Errorf("Open with one record changed = %v", err)
	}
	liar.honest = true
	n, _, err := notary.Open(background, liar, quick(reopened(disk)))
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	liar.honest = false
	if _, err := n.Check(background, 0); err == nil || !strings.Contains(err.Error(), "record 123 ") {
		t.Errorf("Check with one record changed = %v", err)
	}
}

func TestOpen_and_a_damaged_history(t *testing.T) {
	disk := record(t)
	history := disk.Content(proofDir + "/" + notary.HistoryFile)
	var ends []int
	for rest := history; len(rest) > 0; {
		_, after, ok := merkle.NextInHistory(rest)
		if !ok {
			t.Fatal("the history is not whole")
		}
		rest = after
		ends = append(ends, len(history)-len(rest))
	}
	lastStart := ends[len(ends)-2]
	for cut := lastStart; cut < len(history); cut += 7 {
		d := reopened(disk)
		d.SetContent(proofDir+"/"+notary.HistoryFile, history[:cut])
		w, opening := start(t, d, quick(d))
		if opening.Torn != int64(cut-lastStart) {
			t.Errorf("cut at %d of %d: %+v", cut, len(history), opening)
		}
		if w.checkpoint(); len(historyOf(t, d)) != len(ends) {
			t.Errorf("cut at %d: %d checkpoints in the end, want %d", cut, len(historyOf(t, d)), len(ends))
		}
		w.stop()
	}
	zeros := bytes.Clone(history)
	clear(zeros[lastStart+20 : lastStart+90])
	signer, _ := note.NewSigner(strings.TrimSpace(string(disk.Content(proofDir + "/" + notary.KeyFile))))
	forged := merkle.Checkpoint{Origin: origin, Size: 540, Root: merkle.Hash{1}}
	lie, _ := forged.Sign(signer)
	for name, c := range map[string]struct {
		history []byte
		says    string // "" opens
	}{
		"zeros in the last":                    {zeros, ""},
		"a byte of the last was changed":       {flip(history, lastStart+len(origin)+2), "was changed"},
		"an earlier one is no note":            {flip(history, ends[1]+1+strings.Index(string(history[ends[1]:]), "\n\n")), "whole ones after it"},
		"a checkpoint of another root, signed": {merkle.AppendToHistory(bytes.Clone(history), lie), "contradict"},
		"much that is no checkpoint":           {append(bytes.Clone(history), bytes.Repeat([]byte("x"), 100<<10)...), "is damaged"},
	} {
		d := reopened(disk)
		d.SetContent(proofDir+"/"+notary.HistoryFile, c.history)
		w, _, err := tryStart(t, d, quick(d))
		if err == nil {
			w.stop()
		}
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q in it", name, err, c.says)
		}
	}
}

func flip(src []byte, at int) []byte {
	out := bytes.Clone(src)
	out[at] ^= 1
	return out
}
