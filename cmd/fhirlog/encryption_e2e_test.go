package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fhirlog/cmd/fhirlog/internal/leftovers"
	"fhirlog/projections/store"
)

// withKey has the programs of the test work with another source of the key, "" for
// none, until back is called.
func withKey(t testing.TB, source string) (back func()) {
	former := os.Getenv(testKey)
	t.Setenv(testKey, source)
	return func() { t.Setenv(testKey, former) }
}

// lookWithoutKeys looks through all files of some folders, as somebody would who has got
// hold of the disk and of no key.
func (w *marked) lookWithoutKeys(when string, folders ...string) {
	w.t.Helper()
	for _, dir := range folders {
		found, err := leftovers.Find(dir, append(slices.Clone(w.gone.all), w.kept.all...))
		if err != nil {
			w.t.Fatalf("%s: %v", when, err)
		}
		if len(found) > 0 {
			w.t.Errorf("%s: %d texts are in %s in plain:\n%.2000v", when, len(found), dir, found.Present(append(slices.Clone(w.gone.all), w.kept.all...)))
		}
	}
}

// lookWithKeys looks through the data folder with its keys, where all that was written has
// to be.
func (w *marked) lookWithKeys(when string) {
	w.t.Helper()
	all := append(slices.Clone(w.gone.all), w.kept.all...)
	found, err := leftovers.FindWith(w.data, all, folderKeys(w.t, w.data))
	if err != nil {
		w.t.Fatalf("%s: %v", when, err)
	}
	if missing := found.Missing(all); len(missing) > 0 {
		w.t.Errorf("%s: with the keys %d of %d texts are not found: the search has lost its grip", when, len(missing), len(all))
	}
}

// writeSome is write with a part of the resources.
func (w *marked) writeSome(round string) {
	w.put(&w.kept, markedPatient, "Patient/kept"+round)
	w.put(&w.kept, markedObservation, "Observation/kept"+round)
	w.put(&w.gone, markedPatient, "Patient/erased"+round)
	w.put(&w.gone, markedPatient, "Patient/erased"+round)
	w.must(204, "DELETE", "/Patient/erased"+round+"?hardDelete=true", "")
}

// TestEncryptedFolder: from the first byte, no file holds anything of what was written,
// neither in the data folder nor where commands put something beside it, while it is
// served, after a stop and after a kill, before any compaction. With the keys all of it
// is found in the same files. Every command works with the key.
func TestEncryptedFolder(t *testing.T) {
	key, beside := useKey(t), t.TempDir()
	t.Setenv("TMPDIR", beside)
	w := &marked{server: startServer(t, filepath.Join(t.TempDir(), "data")), gone: marks{letter: "e"}, kept: marks{letter: "k"}}
	line := w.logLine("everything is encrypted")
	if name := strings.Fields(mustRun(t, "key", "show", key))[1]; !strings.Contains(line, name) || !strings.Contains(mustRun(t, "key", "show", "--data", w.data), name) {
		t.Errorf("the folder is not under %s:\n%s", name, line)
	}
	w.givenNames(300)
	w.writeSome("a")
	w.lookWithoutKeys("while it serves", w.data, beside)
	w.lookWithKeys("while it serves")
	w.stop()
	w.lookWithoutKeys("after a stop", w.data, beside)
	w.server = startServer(t, w.data)
	w.writeSome("b")
	w.kill()
	w.lookWithoutKeys("after a kill", w.data, beside)
	w.lookWithKeys("after a kill")

	name := w.kept.all[9] // a name of the first patient
	index, copied, restored := filepath.Join(beside, "index"), filepath.Join(beside, "backup"), filepath.Join(beside, "restored")
	for _, c := range []struct {
		says string
		args []string
	}{
		{"every content is what was committed to", []string{"verify", "--data", w.data}},
		{"Patient/kepta", []string{"replay", "--data", w.data}},
		{name, []string{"show", "Patient/kepta", "--data", w.data}},
		{name, []string{"search", "Patient?_id=kepta", "--data", w.data}},
		{name, []string{"search", "Patient?_id=kepta", "--data", w.data, "--index", index}},
		{name, []string{"search", "Patient?_id=kepta", "--data", w.data, "--index", index}},
		{"kepta", []string{"diff", "0", "now", "--data", w.data}},
		{"what the log gives", []string{"rebuild", "--check", "--data", w.data}},
		{"checkpoint", []string{"prove", "--position", "3", "--data", w.data, "--sign"}},
		{"records", []string{"rebuild", "--data", w.data}},
		{"run", []string{"backup", "--data", w.data, "--to", copied, "--with-key"}},
		{"every object is whole", []string{"backup", "verify", copied}},
		{"restored", []string{"restore", "--from", copied, "--data", restored}},
		{"every content is what was committed to", []string{"verify", "--data", restored}},
	} {
		if out := mustRun(t, c.args...); !strings.Contains(out, c.says) {
			t.Errorf("fhirlog %q does not say %q:\n%.1000s", c.args, c.says, out)
		}
		w.lookWithoutKeys(c.args[0], w.data, beside)
	}
	compacted := mustRun(t, "compact", "--data", w.data)
	if !strings.Contains(compacted, "versions erased") {
		t.Errorf("compact: %s", compacted)
	}
	w.look("after a compaction", false)
	checkRefusals(t, w.data, restored, copied)
	again := startServer(t, restored)
	again.must(200, "GET", "/Patient/kepta", "")
	again.stop()
}

// TestErasureOfWhatIsEncrypted: after a compaction what was erased is in no file either
// when it is looked at with all keys that there are, and the keys of former files are
// dropped.
func TestErasureOfWhatIsEncrypted(t *testing.T) {
	useKey(t)
	flags := []string{"--versioning-of", "Basic=no-version", "--compact-every", "0"}
	w := &marked{server: startServer(t, t.TempDir(), flags...), gone: marks{letter: "e"}, kept: marks{letter: "k"}}
	w.givenNames(300)
	w.write("a")
	w.look("while it serves", true)
	former := folderKeys(t, w.data).Names()
	if got := w.compact(); got != fmt.Sprint(w.versions) {
		t.Errorf("%s versions were erased, want %d", got, w.versions)
	}
	w.look("after a compaction", false)
	w.kill()
	w.look("after a kill", false)
	kept := folderKeys(t, w.data).Names()
	for _, name := range former {
		if name != "proof-key" && slices.Contains(kept, name) {
			t.Errorf("the key %s is there after a compaction that has replaced what it was of", name)
		}
	}
	w.verifyLog(w.versions)
	checkProjections(t, w.data)
	ofStore := func(name string) bool { return strings.HasPrefix(name, store.KeyPrefix) }
	if after := folderKeys(t, w.data).Names(); slices.IndexFunc(after, ofStore) != slices.IndexFunc(kept, ofStore) || slices.ContainsFunc(after[1:], ofStore) {
		t.Errorf("a check of the projections leaves the keys %v, there were %v", after, kept)
	}
}

// checkRefusals: without the key, or with another one, nothing opens, the message says
// which key it takes, and nothing in the folder changes.
func checkRefusals(t *testing.T, data, restored, copied string) {
	t.Helper()
	other := filepath.Join(t.TempDir(), "other")
	mustRun(t, "key", "new", other)
	name := regexp.MustCompile(`aes256-[0-9a-f]{16}`)
	needed := name.FindString(mustRun(t, "key", "show", "--data", data))
	before := files(t, data)
	for source, says := range map[string]string{"": "--encryption-key", "file:" + other: name.FindString(mustRun(t, "key", "show", other)), "file:" + other + ".gone": "is gone"} {
		back := withKey(t, source)
		for _, args := range [][]string{
			{"serve", "--data", data, "--listen", "127.0.0.1:0"}, {"verify", "--data", data}, {"replay", "--data", data}, {"show", "Patient/kepta", "--data", data},
			{"search", "Patient", "--data", data}, {"diff", "0", "now", "--data", data}, {"rebuild", "--data", data}, {"rebuild", "--check", "--data", data},
			{"prove", "--position", "1", "--data", data}, {"compact", "--data", data}, {"backup", "--data", data, "--to", copied},
			{"backup", "verify", copied}, {"restore", "--from", copied, "--data", restored + "2"},
		} {
			stdout, stderr, err := runProgram(t, args...)
			if err == nil || !strings.Contains(stderr, says) || !strings.Contains(stderr, needed) && !strings.Contains(source, ".gone") {
				t.Errorf("fhirlog %q with the key %q: %v\n%s%s", args, source, err, stdout, stderr)
			}
			if lines := strings.Count(stderr, "\n"); lines > 3 {
				t.Errorf("fhirlog %q with the key %q needs %d lines to say so:\n%s", args, source, lines, stderr)
			}
		}
		back()
	}
	if after := files(t, data); !slices.Equal(before, after) {
		t.Errorf("the folder has changed: %v, was %v", after, before)
	}
}

// files lists the names and sizes of all files below a folder.
func files(t *testing.T, dir string) (list []string) {
	t.Helper()
	if err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		list = append(list, path+" "+info.ModTime().String())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return list
}
