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
