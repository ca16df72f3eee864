package leftovers

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"fhirlog/domain/dictionary"
	"fhirlog/eventlog"
	"fhirlog/eventlog/keyring"
	"fhirlog/projections/store"
)

// TestFindInWhatIsEncrypted: without the keys nothing is found, with them everything.
func TestFindInWhatIsEncrypted(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	keys, err := keyring.Create(ctx, keyring.Options{Path: filepath.Join(dir, keyring.File), Operator: keyring.NewLocal([32]byte{7})})
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(filepath.Join(dir, "tables"), store.Options{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	b := s.NewBatch()
	b.Put([]byte("keysecret"), []byte("valuesecret"))
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	log, _, err := eventlog.Open(filepath.Join(dir, "log"), eventlog.Options{Dictionary: dictionary.V1, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- log.Run(ctx) }()
	body := `{"resourceType":"Patient"`
	for i := range 200 {
		body += fmt.Sprintf(`,"p%d":"bodysecret"`, i%7)
	}
	if _, err := log.Append(ctx, eventlog.Batch{Metadata: [][]byte{[]byte("metasecret")}, Bodies: log.Pack([][]byte{[]byte(body)})}); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	texts := []string{"keysecret", "valuesecret", "metasecret", "bodysecret"}
	found, err := Find(dir, texts)
	if err != nil || len(found) != 0 {
		t.Errorf("without the keys: %v, %v", found, err)
	}
	if found, err = FindWith(dir, texts, keys); err != nil {
		t.Fatal(err)
	}
	for text, how := range map[string]string{"keysecret": "table", "valuesecret": "table", "metasecret": "sealed", "bodysecret": "zstd"} {
		if places := found[text]; len(places) == 0 || places[len(places)-1].How != how {
			t.Errorf("%s: found in %v, want it by %s", text, places, how)
		}
	}
}
