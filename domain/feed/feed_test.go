package feed_test

import (
	"encoding/json"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/feed"
)

const instant = 1772359200123 // 2026-03-01T10:00:00.123Z

// entries are one of each kind, as they are told.
var entries = []struct {
	name  string
	entry feed.Entry
	json  string
	text  string
}{
	{
		"created", feed.Entry{From: 0, Position: 0, Instant: instant, CommitEnd: true, Content: feed.Present,
			Event: event.Event{Kind: event.Written, Interaction: event.Create, Type: "Patient", ID: "1", Version: 1, Previous: event.NoPosition, RequestID: "r-1"}},
		`{"specversion":"1.0","id":"0","source":"urn:x","type":"fhirlog.resource.created","subject":"Patient/1","time":"2026-03-01T10:00:00.123Z","datacontenttype":"application/json","data":{"from":0,"position":0,"commitEnd":true,"interaction":"create","version":"1","requestId":"r-1","content":"present"}}`,
		"         0  2026-03-01T10:00:00.123Z  created         Patient/1 version 1  request r-1",
	},
	{
		"updated with its content", feed.Entry{From: 3, Position: 7, Instant: instant, Content: feed.Present, Body: []byte(`{"resourceType":"Patient"}`),
			Event: event.Event{Kind: event.Written, Interaction: event.Update, Type: "Patient", ID: "1", Version: 2, Previous: 0, Author: "Dr. \"A\"\n", RequestID: "r-2"}},
		`{"specversion":"1.0","id":"7","source":"urn:x","type":"fhirlog.resource.updated","subject":"Patient/1","time":"2026-03-01T10:00:00.123Z","datacontenttype":"application/json","data":{"from":3,"position":7,"commitEnd":false,"interaction":"update","version":"2","previous":0,"author":"Dr. \"A\"\n","requestId":"r-2","content":"present","resource":{"resourceType":"Patient"}}}`,
		"         7  2026-03-01T10:00:00.123Z  updated         Patient/1 version 2  author Dr. \\\"A\\\"\\n  request r-2\n            {\"resourceType\":\"Patient\"}",
	},
	{
		"patched and erased since", feed.Entry{From: 8, Position: 8, Instant: instant, CommitEnd: true, Content: feed.Erased,
			Event: event.Event{Kind: event.Written, Interaction: event.Patch, Type: "Patient", ID: "1", Version: 3, Previous: 7}},
		`{"specversion":"1.0","id":"8","source":"urn:x","type":"fhirlog.resource.patched","subject":"Patient/1","time":"2026-03-01T10:00:00.123Z","datacontenttype":"application/json","data":{"from":8,"position":8,"commitEnd":true,"interaction":"patch","version":"3","previous":7,"content":"erased"}}`,
		"         8  2026-03-01T10:00:00.123Z  patched         Patient/1 version 3  (erased)",
	},
	{
		"deleted", feed.Entry{From: 9, Position: 9, Instant: instant, CommitEnd: true,
			Event: event.Event{Kind: event.Deleted, Interaction: event.Delete, Type: "Patient", ID: "1", Version: 4, Previous: 8}},
		`{"specversion":"1.0","id":"9","source":"urn:x","type":"fhirlog.resource.deleted","subject":"Patient/1","time":"2026-03-01T10:00:00.123Z","datacontenttype":"application/json","data":{"from":9,"position":9,"commitEnd":true,"interaction":"delete","version":"4","previous":8,"content":"none"}}`,
		"         9  2026-03-01T10:00:00.123Z  deleted         Patient/1 version 4",
	},
	{
		"erased", feed.Entry{From: 10, Position: 10, Instant: instant, CommitEnd: true,
			Event: event.Event{Kind: event.Erased, Interaction: event.HardDelete, Type: "Patient", ID: "1", Version: 4, Previous: 9}},
		`{"specversion":"1.0","id":"10","source":"urn:x","type":"fhirlog.resource.erased","subject":"Patient/1","time":"2026-03-01T10:00:00.123Z","datacontenttype":"application/json","data":{"from":10,"position":10,"commitEnd":true,"interaction":"hard-delete","version":"4","previous":9,"content":"none"}}`,
		"        10  2026-03-01T10:00:00.123Z  erased          Patient/1 version 4",
	},
	{
		"erased by somebody for a reason", feed.Entry{From: 10, Position: 10, Instant: instant, CommitEnd: true,
			Event: event.Event{
				Kind: event.Erased, Interaction: event.HardDelete, Type: "Patient", ID: "1", Version: 4, Previous: 9, Author: "ida \u202e", RequestID: "r",
				Agent: "app \"1\" é", Address: netip.MustParseAddr("2001:db8::1"), Reason: "Ticket 12: <asked for>",
			}},
		`{"specversion":"1.0","id":"10","source":"urn:x","type":"fhirlog.resource.erased","subject":"Patient/1","time":"2026-03-01T10:00:00.123Z","datacontenttype":"application/json","data":{"from":10,"position":10,"commitEnd":true,"interaction":"hard-delete","version":"4","previous":9,"author":"ida ` + "\u202e" + `","requestId":"r","agent":"app \"1\" é","address":"2001:db8::1","reason":"Ticket 12: <asked for>","content":"none"}}`,
		`        10  2026-03-01T10:00:00.123Z  erased          Patient/1 version 4  author ida \u202e  request r  address 2001:db8::1  agent "app \"1\" é"  reason "Ticket 12: <asked for>"`,
	},
	{
		"purged", feed.Entry{From: 11, Position: 11, Instant: instant, CommitEnd: true,
			Event: event.Event{Kind: event.HistoryPurged, Interaction: event.PurgeHistory, Type: "Patient", ID: "2", Version: 4, Previous: 9}},
		`{"specversion":"1.0","id":"11","source":"urn:x","type":"fhirlog.resource.history-purged","subject":"Patient/2","time":"2026-03-01T10:00:00.123Z","datacontenttype":"application/json","data":{"from":11,"position":11,"commitEnd":true,"interaction":"purge-history","version":"4","previous":9,"content":"none"}}`,
		"        11  2026-03-01T10:00:00.123Z  history-purged  Patient/2 version 4",
	},
	{
		"of a resource without id", feed.Entry{From: 11, Position: 11, Instant: instant, CommitEnd: true,
			Event: event.Event{Kind: event.Erased, Interaction: event.HardDelete, Type: "Patient", IDErased: true, Version: 4, Previous: 9, Author: "a", Reason: "asked for"}},
		`{"specversion":"1.0","id":"11","source":"urn:x","type":"fhirlog.resource.erased","time":"2026-03-01T10:00:00.123Z","datacontenttype":"application/json","data":{"from":11,"position":11,"commitEnd":true,"interaction":"hard-delete","resourceType":"Patient","idErased":true,"version":"4","previous":9,"author":"a","reason":"asked for","content":"none"}}`,
		`        11  2026-03-01T10:00:00.123Z  erased          Patient (id erased) version 4  author a  reason "asked for"`,
	},
	{
		"a job", feed.Entry{From: 12, Position: 12, Instant: instant, CommitEnd: true, Content: feed.Present, Body: []byte(`{"state":"queued"}`),
			Event: event.Event{Kind: event.JobChanged, Interaction: event.Administer, ID: "job", Previous: event.NoPosition, RequestID: "r"}},
		`{"specversion":"1.0","id":"12","source":"urn:x","type":"fhirlog.job.changed","subject":"job","time":"2026-03-01T10:00:00.123Z","datacontenttype":"application/json","data":{"from":12,"position":12,"commitEnd":true,"interaction":"administer","requestId":"r","content":"present","details":{"state":"queued"}}}`,
		"        12  2026-03-01T10:00:00.123Z  job.changed     job  request r\n            {\"state\":\"queued\"}",
	},
	{
		"a switch", feed.Entry{From: 13, Position: 13, Instant: instant, CommitEnd: true, Content: feed.Present,
			Event: event.Event{Kind: event.ParameterStatus, Interaction: event.Administer, Previous: event.NoPosition}},
		`{"specversion":"1.0","id":"13","source":"urn:x","type":"fhirlog.parameter.changed","time":"2026-03-01T10:00:00.123Z","datacontenttype":"application/json","data":{"from":13,"position":13,"commitEnd":true,"interaction":"administer","content":"present"}}`,
		"        13  2026-03-01T10:00:00.123Z  parameter.changed  ",
	},
	{
		"ids that were erased", feed.Entry{From: 14, Position: 14, Instant: instant, CommitEnd: true, Content: feed.Present, Body: []byte(`{"positions":[[0,3]]}`),
			Event: event.Event{Kind: event.IDsErased, Interaction: event.Administer, Previous: event.NoPosition}},
		`{"specversion":"1.0","id":"14","source":"urn:x","type":"fhirlog.ids.erased","time":"2026-03-01T10:00:00.123Z","datacontenttype":"application/json","data":{"from":14,"position":14,"commitEnd":true,"interaction":"administer","content":"present","details":{"positions":[[0,3]]}}}`,
		"        14  2026-03-01T10:00:00.123Z  ids.erased      \n            {\"positions\":[[0,3]]}",
	},
}

func TestEntry(t *testing.T) {
	for _, c := range entries {
		t.Run(c.name, func(t *testing.T) {
			line := c.entry.AppendJSON(nil, "urn:x")
			if string(line) != c.json {
				t.Errorf("AppendJSON:\n%s\nwant\n%s", line, c.json)
			}
			if !json.Valid(line) {
				t.Error("no JSON")
			}
			if got := string(c.entry.AppendText(nil)); got != c.text {
				t.Errorf("AppendText:\n%q\nwant\n%q", got, c.text)
			}
			back, next, err := feed.ParseJSON(line)
			if err != nil || next != 0 || !reflect.DeepEqual(*back, c.entry) {
				t.Errorf("ParseJSON: %+v, %d, %v; want %+v", back, next, err, c.entry)
			}
		})
	}
}

func TestMark(t *testing.T) {
	line := feed.AppendMark(nil, "urn:x", 5, 9)
	const want = `{"specversion":"1.0","id":"reached-9","source":"urn:x","type":"fhirlog.log.reached","datacontenttype":"application/json","data":{"from":5,"next":9}}`
	if string(line) != want {
		t.Errorf("AppendMark: %s", line)
	}
	if e, next, err := feed.ParseJSON(line); e != nil || next != 9 || err != nil {
		t.Errorf("ParseJSON: %v, %d, %v", e, next, err)
	}
}

// TestBodyAsItIsRead puts version and instant where a read puts them.
func TestBodyAsItIsRead(t *testing.T) {
	e := feed.Entry{Position: 3, Instant: instant, Event: event.Event{Kind: event.Written, Interaction: event.Update, Type: "Patient", ID: "1", Version: 2, MetaAt: len(`{"resourceType":"Patient","id":"1","meta":{`)}}
	e.SetBody([]byte(`{"resourceType":"Patient","id":"1","meta":{}}`))
	const want = `{"resourceType":"Patient","id":"1","meta":{"versionId":"2","lastUpdated":"2026-03-01T10:00:00.123Z"}}`
	if string(e.Body) != want {
		t.Errorf("SetBody: %s, want %s", e.Body, want)
	}
}

func TestParseJSONRefuses(t *testing.T) {
	whole := entries[0].json
	for name, line := range map[string]string{
		"no JSON":                 `{`,
		"another format":          `{"specversion":"0.3"}`,
		"an unknown type":         strings.Replace(whole, "resource.created", "resource.dreamt", 1),
		"an unknown interaction":  strings.Replace(whole, `"create"`, `"dream"`, 1),
		"no time":                 strings.Replace(whole, "2026-", "", 1),
		"no version":              strings.Replace(whole, `"version":"1"`, `"version":"0"`, 1),
		"no address":              strings.Replace(whole, `"requestId"`, `"address":"host.example","requestId"`, 1),
		"an id that is not where": strings.Replace(whole, `"id":"0"`, `"id":"1"`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			if e, _, err := feed.ParseJSON([]byte(line)); err == nil {
				t.Errorf("ParseJSON(%s) = %+v", line, e)
			}
		})
	}
}

func isType(name string) bool { return name == "Patient" || name == "Observation" }

func TestFilter(t *testing.T) {
	of := func(kind event.Kind, i event.Interaction, typ domain.ResourceType, id domain.LogicalID, author string) event.Event {
		e := event.Event{Kind: kind, Interaction: i, Type: typ, ID: id, Author: author}
		if author != "" {
			e.Agent, e.Address = author+"'s app", netip.MustParseAddr("192.0.2.7")
		}
		return e
	}
	events := map[string]event.Event{
		"create": of(event.Written, event.Create, "Patient", "1", "ann"),
		"delete": of(event.Deleted, event.Delete, "Patient", "2", "bob"),
		"update": of(event.Written, event.Update, "Observation", "1", ""),
		"job":    of(event.JobChanged, event.Administer, "", "1", "ann"),
	}
	for name, c := range map[string]struct {
		words feed.Words
		all   bool
		want  string
	}{
		"nothing asked for":    {feed.Words{}, false, "create delete update"},
		"all":                  {feed.Words{}, true, "create delete job update"},
		"a type":               {feed.Words{Type: "Patient"}, true, "create delete"},
		"two types":            {feed.Words{Type: "Patient,Observation"}, false, "create delete update"},
		"a resource":           {feed.Words{Resource: "Patient/1"}, true, "create"},
		"an author":            {feed.Words{Author: "ann"}, false, "create"},
		"an author of all":     {feed.Words{Author: "ann"}, true, "create job"},
		"an agent":             {feed.Words{Agent: "bob's app"}, true, "delete"},
		"an address":           {feed.Words{Address: "192.0.2.7"}, false, "create delete"},
		"it, written anyhow":   {feed.Words{Address: "::ffff:192.0.2.7"}, true, "create delete job"},
		"another address":      {feed.Words{Address: "192.0.2.8"}, true, ""},
		"interactions":         {feed.Words{Interaction: "create,delete"}, true, "create delete"},
		"what administers":     {feed.Words{Interaction: "administer"}, false, "job"},
		"a type and an author": {feed.Words{Type: "Observation", Author: "ann"}, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := c.words.Parse(isType)
			if err != nil {
				t.Fatal(err)
			}
			f.All = c.all
			var got []string
			for _, name := range []string{"create", "delete", "job", "update"} {
				if e := events[name]; f.Wants(&e) {
					got = append(got, name)
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
}

func TestWordsThatAreWrong(t *testing.T) {
	for name, w := range map[string]feed.Words{
		"no such type":           {Type: "Pateint"},
		"an empty type":          {Type: "Patient,"},
		"no id":                  {Resource: "Patient"},
		"an id that is none":     {Resource: "Patient/a b"},
		"a resource of no type":  {Resource: "X/1"},
		"no such interaction":    {Interaction: "read"},
		"no address":             {Address: "host.example"},
		"an empty interaction":   {Interaction: "create,,"},
		"too many types":         {Type: strings.Repeat("Patient,", 300) + "Patient"},
		"a version in its place": {Resource: "Patient/1/_history/1"},
	} {
		t.Run(name, func(t *testing.T) {
			if f, err := w.Parse(isType); domain.KindOf(err) != domain.Invalid {
				t.Errorf("Parse(%+v) = %+v, %v", w, f, err)
			}
		})
	}
}

// timeline is a log of ten records, of instants 1000, 1001, …; commits of two.
type timeline struct{}

func (timeline) Applied() uint64 { return 10 }
func (timeline) Before(instant int64) (uint64, error) {
	return uint64(min(max(instant-1000, 0), 10)), nil
}
func (timeline) CommitEnd(position uint64) (uint64, error) {
	if position >= 10 {
		return 0, errors.New("asked for what is not there")
	}
	return position/2*2 + 2, nil
}

func TestMoment(t *testing.T) {
	const never = 99
	for text, want := range map[string]struct{ first, snapshot uint64 }{
		"0":                             {0, 2},
		"3":                             {3, 4},
		"9":                             {9, 10},
		"10":                            {10, never},
		"11":                            {never, never},
		"now":                           {10, 10},
		"1970-01-01T00:00:01.004Z":      {4, 5},
		"1970-01-01T00:00:00Z":          {0, 0},
		"1969-01-01T00:00:00Z":          {0, 0},
		"2026-01-01T00:00:00Z":          {10, 10},
		"1970-01-01T01:00:01.004+01:00": {4, 5},
		"1970-01-01T01:00:01.004 01:00": {4, 5},
		"1970-01-01T00:00":              {0, 0},
	} {
		t.Run(text, func(t *testing.T) {
			m, err := feed.ParseMoment(text)
			if err != nil {
				t.Fatal(err)
			}
			for what, c := range map[string]struct {
				got  func(feed.Timeline) (uint64, error)
				want uint64
			}{"First": {m.First, want.first}, "Snapshot": {m.Snapshot, want.snapshot}} {
				got, err := c.got(timeline{})
				if c.want == never && domain.KindOf(err) == domain.Invalid {
					continue
				}
				if err != nil || got != c.want {
					t.Errorf("%s: %d, %v; want %d", what, got, err, c.want)
				}
			}
		})
	}
	for _, text := range []string{"", "-1", "2026-01-01", "2026-13-01T00:00:00Z", "99999999999999999999", "yesterday", "1.5", "+3"} {
		t.Run("not "+text, func(t *testing.T) {
			if m, err := feed.ParseMoment(text); domain.KindOf(err) != domain.Invalid {
				t.Errorf("ParseMoment(%q) = %+v, %v", text, m, err)
			}
		})
	}
}

func FuzzParseJSON(f *testing.F) {
	for _, c := range entries {
		f.Add(c.json)
	}
	f.Add(string(feed.AppendMark(nil, "urn:x", 1, 2)))
	f.Fuzz(func(t *testing.T, line string) {
		e, _, err := feed.ParseJSON([]byte(line))
		if err != nil || e == nil {
			return
		}
		again := e.AppendJSON(nil, "urn:x")
		if !json.Valid(again) {
			t.Fatalf("no JSON: %s", again)
		}
		if strings.ContainsAny(string(e.AppendText(nil)[:20]), "\n\x1b") {
			t.Fatalf("a line that is none: %q", e.AppendText(nil))
		}
	})
}

func FuzzMoment(f *testing.F) {
	for _, text := range []string{"0", "now", "2026-01-01T00:00:00.0001Z", "2026-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := feed.ParseMoment(text)
		if err != nil {
			if domain.KindOf(err) != domain.Invalid {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		first, errFirst := m.First(timeline{})
		snapshot, errSnapshot := m.Snapshot(timeline{})
		if errFirst == nil && first > 10 || errSnapshot == nil && snapshot > 10 || errFirst == nil && errSnapshot == nil && snapshot < first {
			t.Fatalf("%q: from %d, %v, up to %d, %v", text, first, errFirst, snapshot, errSnapshot)
		}
	})
}
