package resource

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fhirlog/domain/event"
	"fhirlog/domain/fhirjson"
)

// forms are ways to post the same example: id and meta as they are, missing, or
// moved to the end.
var forms = map[string]func(members []fhirjson.Value) []string{
	"as it is": func(members []fhirjson.Value) []string { return texts(members) },
	"without id and meta": func(members []fhirjson.Value) []string {
		return texts(slices.DeleteFunc(members, func(m fhirjson.Value) bool { return isAssigned(m) }))
	},
	"with meta at the end": func(members []fhirjson.Value) []string {
		rest := slices.DeleteFunc(slices.Clone(members), func(m fhirjson.Value) bool { return string(m.Name()) == "meta" })
		return append(texts(rest), `"meta" : { "lastUpdated":"2020-01-01T00:00:00Z", "source" : "s\u0020", "versionId":"99" }`)
	},
	"backwards": func(members []fhirjson.Value) []string {
		slices.Reverse(members)
		return texts(members)
	},
}

func isAssigned(m fhirjson.Value) bool {
	name := string(m.Name())
	return name == "id" || name == "meta"
}

func texts(members []fhirjson.Value) (list []string) {
	for _, m := range members {
		list = append(list, fmt.Sprintf("\n  %q : %s", m.Name(), m.Raw()))
	}
	return list
}

// TestExamplesComeBackAsPosted stores HL7's examples in several forms. What is
// read back is what was posted, byte for byte, but for id, versionId and
// lastUpdated; and posting what was read changes nothing.
func TestExamplesComeBackAsPosted(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("..", "..", "testdata", "examples", "*", "*.json"))
	if err != nil || len(paths) < 50 {
		t.Fatalf("only %d examples, %v", len(paths), err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for form, arrange := range forms {
			root := parse(t, string(text))
			var members []fhirjson.Value
			for m := root.First(); m.Exists(); m = m.Next() {
				members = append(members, m)
			}
			posted := "{" + strings.Join(arrange(members), ",") + "\n}"
			t.Run(filepath.Base(path)+"/"+form, func(t *testing.T) { checkRoundTrip(t, posted) })
		}
	}
}

func checkRoundTrip(t *testing.T, posted string) {
	root := parse(t, posted)
	body, metaAt := AppendStored(nil, root, "new.id-1", nil)
	e := event.Event{Kind: event.Written, Interaction: event.Create, Type: "X", ID: "new.id-1", Version: 3, MetaAt: metaAt}
	v := FromEvent(&e, 17, 1767323045006, body)
	read := parse(t, string(v.AppendJSON(nil)))
	if id := read.Get("id").String(); id != "new.id-1" {
		t.Fatalf("id = %q", id)
	}
	meta := read.Get("meta")
	if version, at := meta.Get("versionId").String(), meta.Get("lastUpdated").String(); version != "3" || at != "2026-01-02T03:04:05.006Z" {
		t.Fatalf("versionId %q, lastUpdated %q", version, at)
	}
	if got, want := rest(read, false), rest(root, false); got != want {
		t.Fatalf("read back\n%s\nposted\n%s", got, want)
	}
	if got, want := rest(meta, true), rest(root.Get("meta"), true); got != want {
		t.Fatalf("meta read back\n%s\nposted\n%s", got, want)
	}
	again, againAt := AppendStored(nil, read, "new.id-1", nil)
	if string(again) != string(body) || againAt != metaAt || !SameContent(again, body) || !SameButMeta(again, body) {
		t.Fatalf("stored again\n%s\nwas\n%s", again, body)
	}
	other, _ := AppendStored(nil, root, "another.id", nil)
	if SameContent(other, body) || SameButMeta(other, body) {
		t.Fatalf("with another id the content is said to be the same")
	}
}

// rest writes the members that the server does not assign, in order and compact.
func rest(object fhirjson.Value, isMeta bool) string {
	var b strings.Builder
	for m := object.First(); m.Exists(); m = m.Next() {
		name := string(m.Name())
		if isMeta && (name == "versionId" || name == "lastUpdated") || !isMeta && isAssigned(m) {
			continue
		}
		fmt.Fprintf(&b, "%s:%s,", name, fhirjson.AppendCompact(nil, m, nil))
	}
	return b.String()
}

func TestFromEventOfADeletionHasNoBody(t *testing.T) {
	e := event.Event{Kind: event.Deleted, Interaction: event.Delete, Type: "Patient", ID: "p", Version: 2}
	v := FromEvent(&e, 5, 1000, []byte("not to be kept"))
	if !v.Deleted || v.Body != nil || v.Version != 2 || v.Position != 5 || v.Instant != 1000 {
		t.Errorf("FromEvent = %+v", v)
	}
}
