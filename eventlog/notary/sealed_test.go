package notary_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"fhirlog/eventlog"
	"fhirlog/eventlog/faultfs"
	"fhirlog/eventlog/keyring"
	"fhirlog/eventlog/notary"
)

const keyringPath, keyPath = "data/keyring", proofDir + "/" + notary.KeyFile

var operatorKey = keyring.NewLocal([keyring.KeySize]byte{1})

// withKeys are the options for a disk with a keyring, which is made if there is none.
func withKeys(t testing.TB, disk *faultfs.FS) notary.Options {
	t.Helper()
	o := keyring.Options{FS: disk, Path: keyringPath, Operator: operatorKey}
	r, err := keyring.Open(background, o)
	if err != nil {
		r, err = keyring.Create(background, o)
	}
	if err != nil {
		t.Fatal(err)
	}
	n := quick(disk)
	n.Keys = r
	return n
}

func TestOpen_seals_the_private_key(t *testing.T) {
	for _, before := range []string{"a new folder", "a folder with a key that is not sealed"} {
		t.Run(before, func(t *testing.T) {
			disk := faultfs.New()
			public := ""
			if before != "a new folder" {
				w, _ := start(t, disk, quick(disk))
				w.commit(3)
				w.checkpoint()
				public = w.notary.PublicKey()
				w.stop()
				if !bytes.Contains(disk.Content(keyPath), []byte("PRIVATE+KEY+")) {
					t.Fatal("the key is sealed already: the test has lost its grip")
				}
			}
			w, _ := start(t, disk, withKeys(t, disk))
			w.commit(3)
			w.checkpoint()
			if public != "" && w.notary.PublicKey() != public {
				t.Errorf("the public key is %s, and was %s", w.notary.PublicKey(), public)
			}
			public = w.notary.PublicKey()
			w.stop()
			for _, name := range disk.Names() {
				if bytes.Contains(disk.Content(name), []byte("PRIVATE")) {
					t.Errorf("%s has the private key", name)
				}
			}
			sealed := disk.Content(keyPath)
			w, opening := start(t, disk, withKeys(t, disk))
			w.commit(3)
			w.checkpoint()
			if opening.KeyMade || w.notary.PublicKey() != public || !bytes.Equal(disk.Content(keyPath), sealed) {
				t.Errorf("the next start has another key: %+v", opening)
			}
			w.stop()
		})
	}
}

func TestOpen_tells_why_a_sealed_key_does_not_open(t *testing.T) {
	disk := faultfs.New()
	w, _ := start(t, disk, withKeys(t, disk))
	w.commit(3)
	w.checkpoint()
	w.stop()
	other := withKeys(t, faultfs.New())
	sealed := disk.Content(keyPath)
	for name, c := range map[string]struct {
		keys eventlog.Keys
		want error
		text string
	}{
		"no keyring":        {want: eventlog.ErrEncrypted},
		"another keyring":   {keys: other.Keys, want: keyring.ErrNoKey},
		"a flipped byte":    {keys: withKeys(t, disk).Keys, text: strings.Replace(string(sealed), "sealed-key-1 ", "sealed-key-1 A", 1)},
		"a byte too little": {keys: withKeys(t, disk).Keys, text: string(sealed[:len(sealed)-9]) + "\n"},
		"nothing":           {keys: withKeys(t, disk).Keys, text: "\n"},
	} {
		after := disk.Clone()
		if c.text != "" {
			after.SetContent(keyPath, []byte(c.text))
		}
		o := quick(after)
		o.Keys = c.keys
		_, _, err := tryStart(t, after, o)
		if err == nil || c.want != nil && !errors.Is(err, c.want) || strings.Contains(err.Error(), "PRIVATE+KEY+"+origin) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		o.Unsigned = true // what is signed can be looked at without the private key
		if w, _, err := tryOpen(t, after, o); err != nil {
			t.Errorf("%s: unsigned: %v", name, err)
		} else {
			w()
		}
	}
}

// tryOpen opens log and notary, and runs neither.
func tryOpen(t *testing.T, disk *faultfs.FS, o notary.Options) (closeBoth func(), opening notary.Opening, err error) {
	t.Helper()
	log, _, err := eventlog.Open(logDir, logOptions(disk))
	if err != nil {
		return nil, opening, err
	}
	n, opening, err := notary.Open(background, log, o)
	if err != nil {
		log.Close()
		return nil, opening, err
	}
	return func() { n.Close(); log.Close() }, opening, nil
}

// TestOpen_that_seals_the_key_survives_a_fault_at_every_operation: it is there sealed or
// not, whole.
func TestOpen_that_seals_the_key_survives_a_fault_at_every_operation(t *testing.T) {
	before := faultfs.New()
	w, _ := start(t, before, quick(before))
	w.commit(3)
	w.checkpoint()
	public := w.notary.PublicKey()
	w.stop()
	withKeys(t, before)
	whole := before.Clone()
	o := withKeys(t, whole)
	whole.FailAt(0, faultfs.None)
	closeBoth, _, err := tryOpen(t, whole, o)
	if err != nil {
		t.Fatal(err)
	}
	total := whole.Operations()
	closeBoth()
	outcomes := map[bool]int{}
	for n := 1; n <= total; n++ {
		for _, effect := range []faultfs.Effect{faultfs.None, faultfs.Partial, faultfs.Full} {
			t.Run(fmt.Sprintf("operation %d, effect %d", n, effect), func(t *testing.T) {
				disk := before.Clone()
				o := withKeys(t, disk)
				disk.HaltAt(n, effect)
				if closeBoth, _, err := tryOpen(t, disk, o); err == nil {
					closeBoth()
				}
				disk.PowerCut(faultfs.Pieces, rand.New(rand.NewPCG(uint64(n), uint64(effect))))
				outcomes[bytes.HasPrefix(disk.Content(keyPath), []byte("sealed-key-1 "))]++
				w, _ := start(t, disk, withKeys(t, disk))
				if w.notary.PublicKey() != public {
					t.Errorf("the key is another: %s", w.notary.PublicKey())
				}
				w.stop()
				for _, name := range disk.Names() {
					if bytes.Contains(disk.Content(name), []byte("PRIVATE")) {
						t.Errorf("%s has the private key", name)
					}
				}
			})
		}
	}
	if outcomes[true] == 0 || outcomes[false] == 0 {
		t.Errorf("outcomes %v: the test has lost its grip", outcomes)
	}
}
