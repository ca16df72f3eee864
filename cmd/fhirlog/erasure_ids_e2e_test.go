package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/oklog/ulid/v2"
	"golang.org/x/mod/sumdb/tlog"

	"fhirlog/cmd/fhirlog/internal/leftovers"
)

// erasingIDs is a server of which some resources are hard deleted, and their ids, which
// stand nowhere else, as text and in 16 bytes.
type erasingIDs struct {
	*server
	gone, kept marks
	packed     []string // ids that the server gave, as the log has them
	records    int      // with the id of what was hard deleted
}

const eraseIDs = `{"resourceType":"Parameters","parameter":[{"name":"eraseIds","valueBoolean":true}]}`

// erase hard deletes, for a reason that names the id as well.
func (w *erasingIDs) erase(place string) {
	w.must(204, "DELETE", "/"+place+"?hardDelete=true", "", "X-Reason: requested for "+place)
	w.records++
}

func (w *erasingIDs) put(id, body string) {
	w.t.Helper()
	if a, err := w.ask("PUT", "/Patient/"+id, body); err != nil || a.status != 200 && a.status != 201 {
		w.t.Fatalf("PUT %s: %d, %v\n%s", id, a.status, err, a.body)
	}
}

// write makes resources with all that may happen to one, and hard deletes some.
func (w *erasingIDs) write() {
	w.t.Helper()
	plain, kept := w.gone.next(), w.kept.next()
	w.put(plain, patientNamed(plain, "Somebody"))
	w.put(kept, patientNamed(kept, "Somebody"))
	w.put(plain, strings.Replace(patientNamed(plain, "Somebody"), "Somebody", "Another", 1))
	w.must(204, "DELETE", "/Patient/"+plain+"/$purge-history", "")
	w.must(204, "DELETE", "/Patient/"+plain, "")
	w.records += 4
	w.erase("Patient/" + plain)

	found := w.gone.next() // by criteria, in one commit with what stays
	w.must(200, "POST", "/", fmt.Sprintf(`{"resourceType":"Bundle","type":"transaction","entry":[
{"resource":%s,"request":{"method":"PUT","url":"Patient/%s"}},
{"resource":{"resourceType":"Observation","id":"%s","status":"final","code":{"text":"x"},"identifier":[{"value":"one"}]},"request":{"method":"PUT","url":"Observation/%s"}}]}`,
		patientNamed(kept, "Somebody"), kept, found, found))
	w.must(204, "DELETE", "/Observation?identifier=one&hardDelete=true", "")
	w.records += 2

	given := w.must(201, "POST", "/Patient", `{"resourceType":"Patient"}`)
	id := strings.Split(given.header.Get("Location")[len(w.base):], "/")[2]
	w.records++
	w.erase("Patient/" + id)
	u, err := ulid.ParseStrict(id)
	if err != nil {
		w.t.Fatal(err)
	}
	w.gone.all, w.packed = append(w.gone.all, id), append(w.packed, string(u[:]))
}

// look looks for the ids in all files of a folder: some are there, and no others.
func (w *erasingIDs) look(when, dir string, there ...string) {
	w.t.Helper()
	all := append(slices.Clone(w.gone.all), w.packed...)
	if dir != w.data {
		skipEncrypted(w.t)
	}
	found, err := leftovers.FindWith(dir, append(slices.Clone(all), w.kept.all...), folderKeys(w.t, dir))
	if err != nil {
		w.t.Fatal(err)
	}
	if missing := found.Missing(append(slices.Clone(there), w.kept.all...)); len(missing) > 0 {
		w.t.Errorf("%s: of the ids that are there these are not found: %q", when, missing)
	}
	gone := slices.DeleteFunc(all, func(id string) bool { return slices.Contains(there, id) })
	if err := found.Present(gone); err != nil {
		w.t.Errorf("%s: erased, and there:\n%v", when, err)
	}
}

// compactIDs has the server compact, and tells how many ids were erased.
func (w *erasingIDs) compactIDs(parameters string) string {
	w.t.Helper()
	begun := w.must(201, "POST", "/$compact", parameters, "X-Reason: Art. 17")
	job := strings.TrimPrefix(begun.header.Get("Content-Location"), w.base)
	w.await(job, "status", `"Completed"`)
	return w.jobValue(job, "idsErased")
}

// TestErasureOfIDs: a compaction that erases ids leaves none of what was hard deleted in
// any file, and all that was proven stays proven.
func TestErasureOfIDs(t *testing.T) {
	dir := t.TempDir()
	data, target := filepath.Join(dir, "data"), filepath.Join(dir, "target")
	w := &erasingIDs{server: startServer(t, data, "--compact-every", "0"), gone: marks{letter: "i"}, kept: marks{letter: "k"}}
	w.write()
	plain, kept := w.gone.all[0], w.kept.all[0]
	key := strings.TrimSpace(string(w.get("/log/key")))
	early := filepath.Join(dir, "early.json")
	if err := os.WriteFile(early, w.get("/log/proof?position=0"), 0o600); err != nil {
		t.Fatal(err)
	}
	ids, packed := w.gone.all, w.packed
	w.look("while it serves", data, append(slices.Clone(ids), packed...)...)
	mustRun(t, "backup", "--data", data, "--to", target)

	// Without ids first, as a server does that is not told to.
	if got := w.compactIDs(""); got != "0" {
		t.Errorf("%s ids are erased though nobody asked for it", got)
	}
	w.must(400, "POST", "/$compact", strings.Replace(eraseIDs, "true", `"yes"`, 1))
	if text := w.feed(); !strings.Contains(text, plain) {
		t.Errorf("the feed does not tell the id:\n%s", text)
	}
	if got := w.compactIDs(eraseIDs); got != fmt.Sprint(w.records) {
		t.Errorf("%s ids are erased, want %d", got, w.records)
	}
	w.look("after a compaction", data)
	if again := w.compactIDs(eraseIDs); again != "0" {
		t.Errorf("a second compaction erases %s ids", again)
	}
	w.checkAnswers(plain, kept)

	// Another life of the same id begins at version 1, and is erased by the command.
	if a := w.must(201, "PUT", "/Patient/"+plain, patientNamed(plain, "Somebody")); a.header.Get("ETag") != `W/"1"` {
		t.Errorf("the version of another life is %s", a.header.Get("ETag"))
	}
	w.records = 1
	tree := checkpointOf(t, w.get("/log/checkpoint"), key)
	for position := range tree.N {
		checkByHand(t, w.server, w.get(fmt.Sprintf("/log/proof?position=%d", position)), checkpointOf(t, w.get("/log/checkpoint"), key), tlog.TileHashReader(checkpointOf(t, w.get("/log/checkpoint"), key), httpTiles{w.server}))
	}
	w.erase("Patient/" + plain)
	w.kill()
	w.look("after another life", data, plain)
	if out := mustRun(t, "compact", "--data", data, "--erase-ids"); !strings.Contains(out, fmt.Sprintf("%d ids erased", w.records)) {
		t.Errorf("compact says\n%s", out)
	}
	w.look("after fhirlog compact", data)
	if out := mustRun(t, "compact", "--data", data, "--erase-ids"); !strings.Contains(out, "nothing is to be erased") {
		t.Errorf("compact again says\n%s", out)
	}
	w.checkOffline(t, early, key)
	checkProjections(t, data)

	// Backups, and what is restored of a moment before.
	w.look("in the backup", target, append(slices.Clone(ids), packed...)...)
	mustRun(t, "backup", "--data", data, "--to", target)
	w.look("in the next backup", target)
	forked := filepath.Join(dir, "forked")
	if out := mustRun(t, "restore", "--from", target, "--data", forked, "--until", "3"); !strings.Contains(out, "ids erased from 3 records") {
		t.Errorf("restore says\n%s", out)
	}
	s := startServer(t, forked)
	if a, err := s.ask("GET", "/Patient/"+plain, ""); err != nil || a.status != 404 {
		t.Errorf("GET of what is erased, in a moment before: %d, %v", a.status, err)
	}
	s.must(200, "GET", "/Patient/"+kept, "")
	if got := s.total("/Patient/_history?_count=0"); got != 1 {
		t.Errorf("%d versions of patients are in the restored server, want 1", got)
	}
	s.stop()
	mustRun(t, "verify", "--data", forked, "--projections")
}

// feed is all that the feed tells.
func (w *erasingIDs) feed() string { return string(w.get("/log/events?all=true")) }

// checkAnswers asks the server for what is erased, and for what is not.
func (w *erasingIDs) checkAnswers(plain, kept string) {
	w.t.Helper()
	for _, path := range []string{"/Patient/" + plain, "/Patient/" + plain + "/_history", "/Patient/" + plain + "/_history/1", "/Patient/" + w.gone.all[2]} {
		w.must(404, "GET", path, "")
	}
	w.must(200, "GET", "/Patient/"+kept, "")
	for path, want := range map[string]int{"/Patient?_id=" + plain: 0, "/Patient": 1, "/Observation": 0, "/_history?_count=0": 1} {
		if got := w.total(path); got != want {
			w.t.Errorf("GET %s: total %d, want %d", path, got, want)
		}
	}
	text := w.feed()
	for _, id := range w.gone.all {
		if strings.Contains(text, id) {
			w.t.Errorf("the feed tells of %s:\n%s", id, text)
		}
	}
	if n := strings.Count(text, `"idErased":true`); n != w.records || !strings.Contains(text, `"resourceType":"Observation"`) {
		w.t.Errorf("the feed tells of %d records without id, want %d:\n%s", n, w.records, text)
	}
	if !strings.Contains(text, "fhirlog.ids.erased") || !strings.Contains(text, `"reason":"Art. 17"`) {
		w.t.Errorf("the feed does not tell who erased the ids, and why:\n%s", text)
	}
	if strings.Contains(text, "requested for") {
		w.t.Errorf("a reason that names the id is told:\n%s", text)
	}
}

// checkOffline has everything told by the commands of an auditor.
func (w *erasingIDs) checkOffline(t *testing.T, early, key string) {
	t.Helper()
	plain := w.gone.all[0]
	if out := mustRun(t, "verify", "--data", w.data, "--key", key); !strings.Contains(out, "ids erased   from ") {
		t.Errorf("verify says\n%s", out)
	}
	if out := mustRun(t, "verify", "--proof", early, "--key", key); !strings.Contains(out, "version 1 of Patient/"+plain+" was written") {
		t.Errorf("a proof from before says\n%s", out)
	}
	late := filepath.Join(t.TempDir(), "late.json")
	text := mustRun(t, "prove", "--data", w.data, "--position", "0", "--with-body", "--sign")
	if !strings.Contains(text, `"metadataErased": true`) || !strings.Contains(text, `"fhirlog-proof/2"`) {
		t.Errorf("prove says\n%s", text)
	}
	if err := os.WriteFile(late, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := mustRun(t, "verify", "--proof", late, "--key", key); !strings.Contains(out, "version 1 of a Patient whose id is erased was written") || !strings.Contains(out, "what the server says") {
		t.Errorf("a proof from after says\n%s", out)
	}
	mustFail(t, "no such version", "prove", "--data", w.data, "--resource", "Patient/"+plain)
	mustFail(t, "it never was", "show", "--data", w.data, "Patient/"+plain)
	if out := mustRun(t, "replay", "--data", w.data, "--all"); !strings.Contains(out, "Patient (id erased) version 1") || strings.Contains(out, plain) {
		t.Errorf("replay says\n%s", out)
	}
	if out := mustRun(t, "diff", "--data", w.data, "0", "now"); strings.Contains(out, plain) {
		t.Errorf("diff says\n%s", out)
	}
}
