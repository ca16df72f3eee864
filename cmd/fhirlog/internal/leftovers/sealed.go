package leftovers

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"

	"fhirlog/eventlog"
	"fhirlog/eventlog/record"
	"fhirlog/projections/store"
	"fhirlog/projections/store/storetest"
)

// badger looks at the entries of a table, or of an encrypted log of Badger's. What is
// encrypted, without its key, is bytes like others.
func (f *finder) badger(name string, content []byte) error {
	folder := filepath.Dir(filepath.Join(f.dir, name))
	keyName, err := store.KeyName(folder)
	if err != nil || keyName != "" && f.keys == nil {
		return err
	}
	var keys []storetest.DataKey
	if keyName != "" {
		if keys, err = storetest.DataKeys(folder, f.keys); err != nil {
			return err
		}
	}
	read, how := storetest.Entries, "table"
	if strings.HasSuffix(name, storetest.MemtableSuffix) {
		read, how = storetest.LogEntries, "memtable"
	}
	var all []byte
	err = read(content, keys, func(key, value []byte) {
		all = append(append(append(append(all, key...), 0), value...), 0)
	})
	f.look(name, how, all)
	return err
}

// sealed looks into every encrypted frame of a segment of the log, wherever one begins:
// also where none is expected any more.
func (f *finder) sealed(name string, content []byte) error {
	header, err := record.DecodeHeader(content)
	if err != nil || header.Scheme == record.Plain {
		return nil // no segment, or one that is not encrypted
	}
	key, err := f.keys.Key(eventlog.SegmentKey(header.SegmentID))
	if err != nil {
		return fmt.Errorf("a segment is encrypted, and its key is not there: %w", err)
	}
	cipher := record.NewCipher(key, header.SegmentID)
	for at := range content {
		frame, err := record.DecodeFrame(content[at:], header.Key())
		if err != nil || frame.Kind != record.KindRecords {
			continue
		}
		frame.Payload = bytes.Clone(frame.Payload) // Open overwrites it
		if frame, err = cipher.Open(frame, int64(at)); err != nil {
			return fmt.Errorf("frame at %d: %w", at, err)
		}
		f.unpack(name, "sealed", frame.Payload)
	}
	return nil
}
