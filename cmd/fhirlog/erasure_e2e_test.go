package main

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fhirlog/cmd/fhirlog/internal/leftovers"
	"fhirlog/eventlog"
)

// marks are texts that stand nowhere else, of one length, so that none is in
// another.
type marks struct {
	letter string
	all    []string
}

func (m *marks) next() string {
	m.all = append(m.all, fmt.Sprintf("zq%s%04dx", m.letter, len(m.all)))
	return m.all[len(m.all)-1]
}

// in fills a template: each @ becomes a text of its own, each ^ the same one.
func (m *marks) in(template, id string) string {
	var b strings.Builder
	same := ""
	for _, c := range strings.ReplaceAll(template, "ID", id) {
		switch c {
		case '@':
			b.WriteString(m.next())
		case '^':
			if same == "" {
				same = m.next()
			}
			b.WriteString(same)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// Resources with a text of their own wherever there may be one: in names,
// identifiers and codes, in what words are found in, in narrative, in what is
// contained, in references and in places that nothing is indexed of.
const (
	markedPatient = `{"resourceType":"Patient","id":"ID","meta":{"security":[{"system":"urn:@","code":"@"}],"tag":[{"system":"urn:@","code":"@","display":"@"}]},
"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">known as @, or <b>@</b></div>"},
"contained":[{"resourceType":"Organization","id":"^","name":"@","identifier":[{"system":"urn:@","value":"@"}]}],
"extension":[{"url":"http://example.org/@","valueString":"@"}],
"identifier":[{"system":"urn:@","value":"@"}],"name":[{"family":"@","given":["@","@"]}],
"telecom":[{"system":"phone","value":"@"}],"address":[{"line":["@"],"city":"@","postalCode":"@"}],
"generalPractitioner":[{"reference":"Practitioner/@","display":"@"}],"managingOrganization":{"reference":"#^"}}`
	markedObservation = `{"resourceType":"Observation","id":"ID","status":"final","code":{"text":"@","coding":[{"system":"http://example.org/@","code":"@","display":"@"}]},
"subject":{"reference":"Patient/@","display":"@"},"valueString":"@","note":[{"text":"@"}],
"component":[{"code":{"text":"@"},"valueQuantity":{"value":3.5,"unit":"@","system":"urn:@","code":"@"}}]}`
	markedBasic     = `{"resourceType":"Basic","id":"ID","identifier":[{"system":"urn:@","value":"@"}],"code":{"text":"@"}}`
	markedParameter = `{"resourceType":"SearchParameter","id":"ID","url":"http://example.org/SearchParameter/ID","name":"ID","status":"active","description":"@",
"code":"ID","base":["Patient"],"type":"string","expression":"Patient.name.where(family != '@').given"}`
)

// marked is a server with resources of which some are erased, by every way there
// is to do that, and what must be found and not found in its files.
type marked struct {
	*server
	gone, kept marks
	versions   int      // whose content is to go
	searches   []string // whose answers stay
}

func (w *marked) put(of *marks, template, place string) {
	w.t.Helper()
	typ, id, _ := strings.Cut(place, "/")
	a, err := w.ask("PUT", "/"+typ+"/"+id, of.in(template, id))
	if err != nil || a.status != 200 && a.status != 201 {
		w.t.Fatalf("PUT %s: %d, %v\n%s", place, a.status, err, a.body)
	}
	if of == &w.gone {
		w.versions++
	}
}

// write makes the world. What is erased and what is kept is written by turns, so
// that it lies side by side in blocks, frames and tables.
func (w *marked) write(round string) {
	gone, kept := &w.gone, &w.kept
	for range 3 {
		w.put(gone, markedPatient, "Patient/erased"+round)
		w.put(kept, markedPatient, "Patient/kept"+round)
		w.put(gone, markedObservation, "Observation/erased"+round)
	}
	w.must(204, "DELETE", "/Patient/erased"+round+"?hardDelete=true", "")
	w.must(204, "DELETE", "/Observation/erased"+round+"?hardDelete=true", "")

	w.put(gone, markedPatient, "Patient/deleted"+round) // deleted first, erased then
	w.must(204, "DELETE", "/Patient/deleted"+round, "")
	w.must(204, "DELETE", "/Patient/deleted"+round+"?hardDelete=true", "")
	w.put(kept, markedPatient, "Patient/deleted"+round) // another life

	w.put(gone, markedObservation, "Observation/purged"+round)
	w.put(gone, markedObservation, "Observation/purged"+round)
	w.put(kept, markedObservation, "Observation/purged"+round)
	w.must(204, "DELETE", "/Observation/purged"+round+"/$purge-history", "")
	w.put(kept, markedObservation, "Observation/purged"+round)

	w.put(gone, markedBasic, "Basic/replaced"+round) // no history is kept of it
	w.put(kept, markedBasic, "Basic/replaced"+round)

	// In one commit, so in one block, with others.
	var entries []string
	for i := range 20 {
		of, name := kept, "together-kept"
		if i%3 == 0 {
			of, name = gone, "together-erased"
			w.versions++
		}
		id := fmt.Sprint(name, i, "-", round)
		entries = append(entries, fmt.Sprintf(`{"resource":%s,"request":{"method":"PUT","url":"Patient/%s"}}`, of.in(markedPatient, id), id))
	}
	w.must(200, "POST", "/", `{"resourceType":"Bundle","type":"transaction","entry":[`+strings.Join(entries, ",")+`]}`)
	for i := 0; i < 20; i += 3 {
		w.must(204, "DELETE", fmt.Sprint("/Patient/together-erased", i, "-", round, "?hardDelete=true"), "")
	}

	large := strings.Replace(markedObservation, `"note":[`, `"note":[{"text":"`+strings.Repeat("no more than padding; ", 20_000)+`@"},`, 1)
	w.put(gone, large, "Observation/large"+round)
	w.put(kept, large, "Observation/largekept"+round)
	criterion := w.gone.next()
	w.put(gone, strings.Replace(markedObservation, `"status"`, `"identifier":[{"value":"`+criterion+`"}],"status"`, 1), "Observation/found"+round)
	w.must(204, "DELETE", "/Observation/large"+round+"?hardDelete=true", "")
	w.must(204, "DELETE", "/Observation?identifier="+criterion+"&hardDelete=true", "")

	// Definitions: one that goes, and one whose history is purged and that is used on.
	w.put(gone, markedParameter, "SearchParameter/erased"+round)
	w.put(kept, markedParameter, "SearchParameter/used"+round)
	w.reindex()
	w.must(204, "DELETE", "/SearchParameter/erased"+round+"?hardDelete=true", "")
	current := string(w.must(200, "GET", "/SearchParameter/used"+round, "").body)
	described := strings.Replace(current, `"description":"`, `"description":"`+kept.next()+` `, 1)
	w.must(200, "PUT", "/SearchParameter/used"+round, described)
	w.must(204, "DELETE", "/SearchParameter/used"+round+"/$purge-history", "")
	w.searches = append(w.searches, "/Patient?used"+round+"=zqk", "/SearchParameter/$status?url=http://example.org/SearchParameter/used"+round)
}

// reindex indexes what search parameters were defined too late for.
func (w *marked) reindex() {
	w.t.Helper()
	begun := w.must(201, "POST", "/$reindex", "")
	w.await(strings.TrimPrefix(begun.header.Get("Content-Location"), w.base), "status", `"Completed"`)
}

// compact has the server compact, and tells how many versions were erased.
func (w *marked) compact() string {
	w.t.Helper()
	begun := w.must(201, "POST", "/$compact", "")
	job := strings.TrimPrefix(begun.header.Get("Content-Location"), w.base)
	w.await(job, "status", `"Completed"`)
	return w.jobValue(job, "versionsErased")
}

// answers are those to everything that can be asked of what is kept, and to
// searches for what is not.
func (w *marked) answers() snapshot {
	w.t.Helper()
	w.searches = append(w.searches[:len(w.searches):len(w.searches)],
		"/Patient?name=zq&_sort=family&_count=100", "/Patient?name=zqe", "/Patient?address-city=zq&_count=100", "/Observation?subject:missing=false",
		"/Observation?value-string=zqe", "/Patient?_content=zqe0001x", "/Patient?_text=zqe0003x", "/Basic?identifier="+w.kept.all[len(w.kept.all)-1],
		"/Patient?_summary=count", "/Observation?_include=Observation:subject&_count=100")
	for position := 0; position < 60; position += 4 {
		w.searches = append(w.searches, fmt.Sprintf("/Patient?name=zq&_total=accurate&_asOf=%d", position),
			fmt.Sprintf("/Observation?value-string=zq&_total=accurate&_asOf=%d", position), fmt.Sprintf("/Patient?name=zqe&_asOf=%d", position))
	}
	for i := 0; i < len(w.kept.all); i += 7 {
		w.searches = append(w.searches, "/Patient?name="+w.kept.all[i], "/Observation?code:text="+w.kept.all[i], "/Patient?_content="+w.kept.all[i])
	}
	for i := 0; i < len(w.gone.all); i += 7 {
		w.searches = append(w.searches, "/Patient?name="+w.gone.all[i], "/Observation?code:text="+w.gone.all[i], "/Patient?_content="+w.gone.all[i])
	}
	taken := takeSnapshot(w.t.(*testing.T), w.server)
	for _, path := range w.searches {
		a, err := w.ask("GET", path, "")
		if err != nil {
			w.t.Fatal(err)
		}
		// The state of a paging token holds the time at which it was made.
		taken[path] = fmt.Sprintf("%d\n%s", a.status, pagingToken.ReplaceAllString(w.steady(a.body), "ct="))
	}
	for path, answer := range taken {
		if text := erasedMark.FindString(answer); text != "" && !strings.Contains(path, text) {
			w.t.Errorf("GET %s: %s is in the answer, which was erased", path, text)
		}
	}
	return taken
}

var (
	pagingToken = regexp.MustCompile(`ct=[\w-]+`)
	erasedMark  = regexp.MustCompile(`zqe\d{4}x`)
)

// look looks through all files of the data folder.
func (w *marked) look(when string, erasedAreThere bool) {
	w.t.Helper()
	found, err := leftovers.FindWith(w.data, append(slices.Clone(w.gone.all), w.kept.all...), folderKeys(w.t, w.data))
	if err != nil {
		w.t.Fatalf("%s: %v", when, err)
	}
	if missing := found.Missing(w.kept.all); len(missing) > 0 {
		w.t.Errorf("%s: of %d texts that are kept, these are not found: %v", when, len(w.kept.all), missing)
	}
	if erasedAreThere {
		if missing := found.Missing(w.gone.all); len(missing) > 0 {
			w.t.Errorf("%s: of %d texts that are still there, these are not found: %v", when, len(w.gone.all), missing)
		}
	} else if err := found.Present(w.gone.all); err != nil {
		w.t.Errorf("%s: erased, and there:\n%v", when, err)
	}
	how := map[string]bool{}
	for _, places := range found {
		for _, p := range places {
			folder, _, _ := strings.Cut(filepath.Dir(p.File), ".rebuild")
			how[folder+" "+p.How] = true
		}
	}
	w.t.Logf("%s: %d texts looked for, found %v", when, len(w.gone.all)+len(w.kept.all), how)
	if !how["log zstd"] || !how["projections table"] && !how["projections raw"] && !how["projections memtable"] {
		w.t.Errorf("%s: nothing is found in blocks of the log, or in the projections: the search has lost its grip", when)
	}
}

// verifyLog checks every commitment, and that so many bodies are gone.
func (w *marked) verifyLog(erased int) {
	w.t.Helper()
	log, _, err := eventlog.Open(filepath.Join(w.data, "log"), unlocked(w.t, w.data).logOptions())
	if err != nil {
		w.t.Fatal(err)
	}
	defer log.Close()
	n := 0
	if err := log.Scan(context.Background(), 0, true, func(r eventlog.Record) error {
		if r.Erased {
			n++
		}
		return r.Verify()
	}); err != nil {
		w.t.Errorf("verify the log: %v", err)
	}
	if n != erased {
		w.t.Errorf("%d bodies are erased, want %d", n, erased)
	}
}

// TestErasure: what was erased is in no file after a compaction, through every
// compression, and nothing else has changed: no answer about what is kept, no
// commitment.
func TestErasure(t *testing.T) {
	flags := []string{"--versioning-of", "Basic=no-version", "--compact-every", "0"}
	w := &marked{server: startServer(t, t.TempDir(), flags...), gone: marks{letter: "e"}, kept: marks{letter: "k"}}
	restart := func(end func()) {
		end()
		w.server = startServer(t, w.data, flags...)
	}
	w.givenNames(300)
	w.write("a")
	want := w.answers()
	w.look("while it serves", true)
	restart(w.stop)
	w.look("after a clean stop", true)
	restart(w.kill)
	w.look("after a kill", true)
	compareSnapshots(t, w.answers(), want)

	if got := w.compact(); got != fmt.Sprint(w.versions) {
		t.Errorf("%s versions were erased, want %d", got, w.versions)
	}
	compareSnapshots(t, w.answers(), want)
	w.look("after a compaction", false)
	if again := w.compact(); again != "0" {
		t.Errorf("a second compaction erased %s versions", again)
	}
	restart(w.kill)
	w.look("after a kill", false)
	compareSnapshots(t, w.answers(), want)
	w.stop()
	w.look("after a clean stop", false)
	w.verifyLog(w.versions)
	checkProjections(t, w.data)

	// Once more by the command, with more to erase beside what is erased.
	w.server = startServer(t, w.data, flags...)
	w.write("b")
	want = w.answers()
	w.stop()
	found, err := leftovers.FindWith(w.data, w.gone.all, folderKeys(t, w.data))
	if err != nil || len(found) == 0 {
		t.Fatalf("nothing of the second round is found before its compaction: %v", err)
	}
	if stdout, stderr, err := runProgram(t, "compact", "--data", w.data); err != nil || !strings.Contains(stdout, "versions erased") {
		t.Fatalf("compact: %v\n%s%s", err, stdout, stderr)
	}
	w.look("after fhirlog compact", false)
	if stdout, stderr, err := runProgram(t, "compact", "--data", w.data); err != nil || !strings.Contains(stdout, "nothing is to be erased") {
		t.Errorf("compact again: %v\n%s%s", err, stdout, stderr)
	}
	w.verifyLog(w.versions)
	checkProjections(t, w.data)
	w.server = startServer(t, w.data, flags...)
	compareSnapshots(t, w.answers(), want)
	if _, stderr, err := runProgram(t, "compact", "--data", w.data); err == nil || !strings.Contains(stderr, "$compact") {
		t.Errorf("compact of a folder that is served: %v\n%s", err, stderr)
	}
	w.stop()
}
