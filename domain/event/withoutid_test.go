package event

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
)

// goldenWithoutID are what is left of events whose id was erased, which came with
// schema 4.
var goldenWithoutID = []golden{
	{"created", left(Event{
		Kind: Written, Interaction: Create, Type: "Patient", ID: "01JABCDEFGHJKMNPQRSTVWXYZ0", Version: 1,
		Previous: NoPosition, MetaAt: 63, RequestID: "01JABCDEFGHJKMNPQRSTVWXYZ1",
	})},
	{"patched by an author, previous version dropped", left(Event{
		Kind: Written, Interaction: Patch, DropsPrevious: true, Type: "Basic", ID: "own-id.1", Version: 200,
		Previous: 70_000, MetaAt: 9, RequestID: "request-7", Author: "Practitioner/é",
	})},
	{"deleted", left(Event{Kind: Deleted, Interaction: Delete, Type: "Patient", ID: "p", Version: 3, Previous: 127})},
	{"erased from an address for a reason", left(Event{
		Kind: Erased, Interaction: HardDelete, Type: "Patient", ID: "p", Version: 3, Previous: 128, RequestID: "r",
		Author: "Practitioner/é", Agent: "app/1 (é)", Address: netip.MustParseAddr("2001:db8::1"), Reason: "Ticket 12: requested under Art. 17",
	})},
	{"history purged", left(Event{Kind: HistoryPurged, Interaction: PurgeHistory, Type: "Patient", ID: "p", Version: 1 << 40, Previous: 1 << 40})},
}

func left(e Event) Event {
	l, err := e.WithoutID()
	if err != nil {
		panic(err)
	}
	return l
}

// goldenIDsErased is the kind that came with it.
var goldenIDsErased = []golden{
	{"ids erased", Event{Kind: IDsErased, Interaction: Administer, Previous: NoPosition, Author: ByCompact}},
	{"ids erased by a program", Event{Kind: IDsErased, Interaction: Administer, Previous: NoPosition, RequestID: "r", Agent: "a"}},
}

func TestFormatOnDiskWithoutID(t *testing.T) {
	checkFormat(t, "schema-4.txt", goldenWithoutID)
	checkFormat(t, "kind-7.txt", goldenIDsErased)
}

// TestWithoutID: the id goes, and whatever else holds it; all else stays.
func TestWithoutID(t *testing.T) {
	whole := Event{
		Kind: Erased, Interaction: HardDelete, Type: "Patient", ID: "Jo.Doe-7", Version: 3, Previous: 128, RequestID: "r",
		Author: "Practitioner/1", Agent: "app", Address: netip.MustParseAddr("192.0.2.7"), Reason: "asked for",
	}
	l := left(whole)
	want := whole
	want.ID, want.IDErased = "", true
	if l != want {
		t.Errorf("got %+v, want %+v", l, want)
	}
	for text, holds := range map[string]bool{
		"Patient/Jo.Doe-7": true, "Jo.Doe-7": true, "jo.doe-7 has asked": true, "of Patient/JO.DOE-7.": true, "(Jo.Doe-7)": true,
		"Jo.Doe-77, then Jo.Doe-7": true, "xJo.Doe-7": false, "Jo.Doe-70": false, "Jo Doe": false, "-Jo.Doe-7": false,
	} {
		e := whole
		e.Author, e.Agent, e.Reason = text, text, text
		want := want
		if want.Author, want.Agent, want.Reason = text, text, text; holds {
			want.Author, want.Agent, want.Reason = "", "", ""
		}
		if l := left(e); l != want {
			t.Errorf("%q: got %+v", text, l)
		}
	}
}

func TestStub(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for range 1000 {
		e := randomEvent(r)
		metadata := e.Append(nil)
		stub, err := Stub(metadata)
		if e.Kind.Administrative() {
			if err == nil {
				t.Fatalf("%+v has no id of a resource, and loses it", e)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(stub) > len(metadata)+3 { // agent, address and reason are there, if empty
			t.Errorf("%x of %d bytes is left of %+v", stub, len(metadata), e)
		}
		back, err := Decode(stub)
		if err != nil || back != left(e) || !back.IDErased {
			t.Errorf("Decode = %+v, %v, want %+v", back, err, left(e))
		}
		if _, err := Stub(stub); err == nil {
			t.Error("the id is erased twice")
		}
	}
	if _, err := Stub([]byte("no event")); err == nil {
		t.Error("a stub is made of what is no event")
	}
}

// TestDecodeRefusesStubsOfOtherForms: what is left has one form as well.
func TestDecodeRefusesStubsOfOtherForms(t *testing.T) {
	l := left(Event{Kind: Written, Interaction: Create, Type: "Patient", ID: "p", Version: 1, Previous: NoPosition})
	for name, change := range map[string]func(*Event){
		"with an id":          func(e *Event) { e.ID = "p" },
		"with a packed id":    func(e *Event) { e.ID = "01JABCDEFGHJKMNPQRSTVWXYZ0" },
		"with a place in it":  func(e *Event) { e.MetaAt = 1 },
		"of a job":            func(e *Event) { e.Kind, e.Interaction = JobChanged, Administer },
		"of an unknown kind":  func(e *Event) { e.Kind = 9 },
		"of an interaction 0": func(e *Event) { e.Interaction = 0 },
	} {
		e := l
		change(&e)
		if got, err := Decode(e.Append(nil)); err == nil || !strings.HasPrefix(err.Error(), "event: ") {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
