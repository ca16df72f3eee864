package event

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden file anew")

type golden struct {
	name  string
	event Event
}

// goldenEvents name one event of each kind about resources and each form of a
// field.
var goldenEvents = []golden{
	{"created with packed ids", Event{
		Kind: Written, Interaction: Create, Type: "Patient", ID: "01JABCDEFGHJKMNPQRSTVWXYZ0", Version: 1,
		Previous: NoPosition, MetaAt: 63, RequestID: "01JABCDEFGHJKMNPQRSTVWXYZ1",
	}},
	{"updated by an author, previous version kept", Event{
		Kind: Written, Interaction: Update, Type: "Observation", ID: "own-id.1", Version: 2,
		Previous: 0, MetaAt: 300, RequestID: "request-7", Author: "Practitioner/é",
	}},
	{"patched, previous version dropped", Event{
		Kind: Written, Interaction: Patch, DropsPrevious: true, Type: "Basic", ID: "b", Version: 200,
		Previous: 70_000, MetaAt: 9,
	}},
	{"deleted", Event{Kind: Deleted, Interaction: Delete, Type: "Patient", ID: "p", Version: 3, Previous: 127}},
	{"erased", Event{Kind: Erased, Interaction: HardDelete, Type: "Patient", ID: "p", Version: 3, Previous: 128}},
	{"history purged", Event{Kind: HistoryPurged, Interaction: PurgeHistory, Type: "Patient", ID: "p", Version: 1 << 40, Previous: 1 << 40}},
}

// goldenAdministrative are the kinds that came with schema 2.
var goldenAdministrative = []golden{
	{"job began", Event{
		Kind: JobChanged, Interaction: Administer, ID: "01JABCDEFGHJKMNPQRSTVWXYZ2",
		Previous: NoPosition, RequestID: "01JABCDEFGHJKMNPQRSTVWXYZ1",
	}},
	{"job ended", Event{Kind: JobChanged, Interaction: Administer, ID: "01JABCDEFGHJKMNPQRSTVWXYZ2", Previous: 1000}},
	{"parameters switched by an author", Event{
		Kind: ParameterStatus, Interaction: Administer, Previous: NoPosition, RequestID: "r", Author: "Practitioner/é",
	}},
}

// goldenClients have what came with schema 3.
var goldenClients = []golden{
	{"created by a program at an IPv4 address", Event{
		Kind: Written, Interaction: Create, Type: "Patient", ID: "01JABCDEFGHJKMNPQRSTVWXYZ0", Version: 1,
		Previous: NoPosition, MetaAt: 63, RequestID: "01JABCDEFGHJKMNPQRSTVWXYZ1",
		Agent: "curl/8.5.0", Address: netip.MustParseAddr("192.0.2.7"),
	}},
	{"erased by an author at an IPv6 address for a reason", Event{
		Kind: Erased, Interaction: HardDelete, Type: "Patient", ID: "p", Version: 3, Previous: 128, RequestID: "r",
		Author: "Practitioner/é", Agent: "app/1 (é)", Address: netip.MustParseAddr("2001:db8::1"), Reason: "Ticket 12: requested under Art. 17",
	}},
	{"a reason alone", Event{Kind: HistoryPurged, Interaction: PurgeHistory, Type: "Patient", ID: "p", Version: 3, Previous: 4, Reason: "é"}},
	{"job began, by a program", Event{
		Kind: JobChanged, Interaction: Administer, ID: "01JABCDEFGHJKMNPQRSTVWXYZ2",
		Previous: NoPosition, RequestID: "01JABCDEFGHJKMNPQRSTVWXYZ1", Agent: "a", Reason: "new parameters",
	}},
	{"parameters switched from an address", Event{
		Kind: ParameterStatus, Interaction: Administer, Previous: NoPosition, RequestID: "r", Address: netip.MustParseAddr("::1"),
	}},
}

// TestFormatOnDisk pins the bytes of each schema. A change here makes logs that
// exist unreadable: a new need gets a new schema, and these files stay as they
// are.
func TestFormatOnDisk(t *testing.T) {
	checkFormat(t, "schema-1.txt", goldenEvents)
	checkFormat(t, "schema-2.txt", goldenAdministrative)
	checkFormat(t, "schema-3.txt", goldenClients)
}

func checkFormat(t *testing.T, file string, events []golden) {
	path := filepath.Join("..", "..", "testdata", "event", file)
	var got bytes.Buffer
	for _, g := range events {
		fmt.Fprintf(&got, "%s\n%s\n", g.name, hex.EncodeToString(g.event.Append(nil)))
	}
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSuffix(want, []byte("\n")), []byte("\n"))
	if len(lines) != 2*len(events) {
		t.Fatalf("%s has %d lines, want %d", path, len(lines), 2*len(events))
	}
	for i, g := range events {
		name, text := string(lines[2*i]), string(lines[2*i+1])
		stored, err := hex.DecodeString(text)
		if err != nil || name != g.name {
			t.Fatalf("%s: entry %d is %q, %v; want %q", path, i, name, err, g.name)
		}
		if now := hex.EncodeToString(g.event.Append(nil)); now != text {
			t.Errorf("%s: Append gives\n%s\nwant\n%s", g.name, now, text)
		}
		if e, err := Decode(stored); err != nil || e != g.event {
			t.Errorf("%s: Decode = %+v, %v; want %+v", g.name, e, err, g.event)
		}
	}
}
