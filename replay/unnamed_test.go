package replay_test

import (
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/eventlog"
	"fhirlog/replay"
)

func TestErasureAudit(t *testing.T) {
	// record makes the record of an event at a position.
	record := func(position uint64, erased bool, e event.Event) eventlog.Record {
		if e.Type == "" {
			e.Type, e.ID = "Patient", "a"
		}
		if e.Interaction == 0 {
			e.Interaction = event.Update
		}
		return eventlog.Record{Position: eventlog.Position(position), Erased: erased, HasBody: !erased, Metadata: e.Append(nil)}
	}
	written := func(version domain.VersionID, previous uint64) event.Event {
		return event.Event{Kind: event.Written, Version: version, Previous: previous}
	}
	none := event.NoPosition
	dropping := written(2, 0)
	dropping.DropsPrevious = true
	other := event.Event{Kind: event.Erased, Type: "Patient", ID: "b", Previous: 0}
	for name, c := range map[string]struct {
		records []eventlog.Record
		named   uint64
		unnamed int // position, -1 for none
	}{
		"nothing erased":                        {[]eventlog.Record{record(0, false, written(1, none)), record(1, false, written(2, 0))}, 0, -1},
		"a hard delete":                         {[]eventlog.Record{record(0, true, written(1, none)), record(1, true, written(2, 0)), record(2, false, event.Event{Kind: event.Erased, Previous: 1})}, 2, -1},
		"without one":                           {[]eventlog.Record{record(0, false, written(1, none)), record(1, true, written(2, 0))}, 0, 1},
		"of another resource":                   {[]eventlog.Record{record(0, true, written(1, none)), record(1, false, other)}, 0, 0},
		"a version after the hard delete":       {[]eventlog.Record{record(0, true, written(1, none)), record(1, false, event.Event{Kind: event.Erased, Previous: 0}), record(2, true, written(1, none))}, 1, 2},
		"a purge":                               {[]eventlog.Record{record(0, true, written(1, none)), record(1, false, written(2, 0)), record(2, false, event.Event{Kind: event.HistoryPurged, Previous: 1})}, 1, -1},
		"a purge does not take the current one": {[]eventlog.Record{record(0, true, written(1, none)), record(1, true, written(2, 0)), record(2, false, event.Event{Kind: event.HistoryPurged, Previous: 1})}, 1, 1},
		"replaced without history":              {[]eventlog.Record{record(0, true, written(1, none)), record(1, false, dropping)}, 1, -1},
		"the replacement itself":                {[]eventlog.Record{record(0, true, written(1, none)), record(1, true, dropping)}, 1, 1},
	} {
		var a replay.ErasureAudit
		for i := range c.records {
			e, matters, err := replay.ErasureOf(&c.records[i])
			if err != nil {
				t.Fatal(err)
			}
			if matters {
				a.Add(&e)
			}
		}
		position, ok := a.Unnamed()
		if a.Named != c.named || ok != (c.unnamed >= 0) || ok && position != uint64(c.unnamed) {
			t.Errorf("%s: %d named, unnamed %d %v; want %d and %d", name, a.Named, position, ok, c.named, c.unnamed)
		}
	}
	if _, _, err := replay.ErasureOf(&eventlog.Record{Metadata: []byte("no event")}); err == nil {
		t.Error("what is no event is taken for one")
	}
}

// TestErasureAuditOfIDs uses the words of TestFindErasures, and "ids 0 2" for an event
// that takes these.
func TestErasureAuditOfIDs(t *testing.T) {
	for _, c := range []struct {
		name, log string
		ids       uint64
		unnamed   int // position, -1 for none
	}{
		{"a life", "write a?; write a? 0; erase a? 1; ids 0 1 2", 3, -1},
		{"and a later life", "write a?; erase a? 0; write a; write a 2; ids 0 1", 2, -1},
		{"a part, as of a compaction that was interrupted", "write a?; write a 0; erase a 1; ids 0 1 2", 1, -1},
		{"announced twice", "write a?; erase a? 0; ids 0 1; ids 0 1", 2, -1},
		{"in two parts", "write a?; erase a? 0; write b?; ids 0; ids 1 2", 3, -1},
		{"never announced", "write a?; erase a? 0", 0, 0},
		{"not all announced", "write a?; write a? 0; erase a? 1; ids 0 2", 2, 1},
		{"announced before it was written", "write b; ids 0; write a?", 0, 2},
		{"a body beside it", "write b~; write a?; ids 0 1", 1, 0},
		{"a body and an id", "write b?; write a~", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var a replay.ErasureAudit
			w := parseWritten(t, c.log)
			for p := range w {
				r, _ := w.Read(eventlog.Position(p))
				e, matters, err := replay.ErasureOf(&r)
				if err != nil {
					t.Fatal(err)
				}
				if matters {
					a.Add(&e)
				}
			}
			position, ok := a.Unnamed()
			if a.IDs != c.ids || ok != (c.unnamed >= 0) || ok && position != uint64(c.unnamed) {
				t.Errorf("%d ids named, unnamed %d %v; want %d and %d", a.IDs, position, ok, c.ids, c.unnamed)
			}
		})
	}
}

// TestErasureOfRefusesWhatCannotStandThere: what stands in the place of metadata has no
// id, what was committed to has one, and a list of positions is one.
func TestErasureOfRefusesWhatCannotStandThere(t *testing.T) {
	named := event.Event{Kind: event.Written, Interaction: event.Update, Type: "Patient", ID: "a", Version: 1, Previous: event.NoPosition}
	unnamed := named
	unnamed.ID, unnamed.IDErased = "", true
	ids := event.Event{Kind: event.IDsErased, Interaction: event.Administer, Previous: event.NoPosition}
	list := []byte(`{"positions":[[0,1]]}`)
	for _, c := range []struct {
		name   string
		record eventlog.Record
		fails  bool
	}{
		{"an id in the place of metadata", eventlog.Record{Metadata: named.Append(nil), MetadataErased: true}, true},
		{"a version without id", eventlog.Record{Metadata: unnamed.Append(nil)}, true},
		{"a version whose id is erased", eventlog.Record{Metadata: unnamed.Append(nil), MetadataErased: true, Erased: true}, false},
		{"a list of ids", eventlog.Record{Position: 2, Metadata: ids.Append(nil), Body: list, HasBody: true}, false},
		{"a list of what comes later", eventlog.Record{Position: 1, Metadata: ids.Append(nil), Body: list, HasBody: true}, true},
		{"no list", eventlog.Record{Position: 2, Metadata: ids.Append(nil)}, true},
		{"something else than a list", eventlog.Record{Position: 2, Metadata: ids.Append(nil), Body: []byte("{}"), HasBody: true}, true},
	} {
		if _, _, err := replay.ErasureOf(&c.record); (err != nil) != c.fails {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
