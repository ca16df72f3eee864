package eventlog

import "sort"

// recordBytes is about what a record in the tail takes beside its metadata.
const recordBytes = 160

// tail is the latest records, metadata only, for followers. Guarded by Log.mu;
// the groups themselves are never changed.
type tail struct {
	limit  int64
	bytes  int64
	groups []tailGroup // consecutive
}

type tailGroup struct {
	records []Record
	bytes   int64
}

// add takes a group and drops the oldest ones beyond the limit.
func (t *tail) add(records []Record) {
	g := tailGroup{records: records}
	for i := range records {
		g.bytes += recordBytes + int64(len(records[i].Metadata))
	}
	t.groups = append(t.groups, g)
	t.bytes += g.bytes
	drop := 0
	for t.bytes > t.limit && drop < len(t.groups) {
		t.bytes -= t.groups[drop].bytes
		t.groups[drop] = tailGroup{}
		drop++
	}
	t.groups = t.groups[drop:]
}

// forget drops the groups that begin before a position: their metadata may be erased
// on disk.
func (t *tail) forget(before Position) {
	drop := 0
	for drop < len(t.groups) && t.groups[drop].records[0].Position < before {
		t.bytes -= t.groups[drop].bytes
		t.groups[drop] = tailGroup{}
		drop++
	}
	t.groups = t.groups[drop:]
}

// from gives the records of the group that holds p, from p on, or nil.
func (t *tail) from(p Position) []Record {
	i := sort.Search(len(t.groups), func(i int) bool {
		last := t.groups[i].records[len(t.groups[i].records)-1]
		return last.Position >= p
	})
	if i == len(t.groups) || t.groups[i].records[0].Position > p {
		return nil
	}
	return t.groups[i].records[p-t.groups[i].records[0].Position:]
}
