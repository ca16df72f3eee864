package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fhirlog/eventlog/keyring"
)

// often is how often servers under test look for their key.
var often = []string{"--key-check-every", "30ms", "--compact-every", "0"}

// fingerprints are the keys in a file, the one in force first.
func fingerprints(t testing.TB, file string) (names []string) {
	t.Helper()
	for line := range strings.Lines(mustRun(t, "key", "show", file)) {
		names = append(names, strings.Fields(line)[1])
	}
	return names
}

// awaitKey waits until a data folder is under a key.
func awaitKey(t testing.TB, data, name string) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if strings.Contains(mustRun(t, "key", "show", "--data", data), name) {
			return
		}
	}
	t.Fatalf("%s does not come under the key %s", data, name)
}

// writers write without a pause, and want every write to succeed.
type writers struct {
	written sync.Map // paths that were acknowledged
	count   atomic.Int64
	stop    chan struct{}
	running sync.WaitGroup
}

func startWriters(t testing.TB, s *server, round int) *writers {
	w := &writers{stop: make(chan struct{})}
	for worker := range 4 {
		w.running.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-w.stop:
					return
				default:
				}
				path := fmt.Sprintf("/Patient/r%d-%d-%d", round, worker, n)
				a, err := s.ask("PUT", path, fmt.Sprintf(`{"resourceType":"Patient","id":%q}`, filepath.Base(path)))
				if err != nil {
					return // it was killed; who must not see that, counts
				}
				if a.status != 201 {
					t.Errorf("PUT %s: %d\n%s", path, a.status, a.body)
					return
				}
				w.written.Store(path, true)
				w.count.Add(1)
			}
		})
	}
	return w
}

// await waits for more writes.
func (w *writers) await(t testing.TB, more int64) {
	t.Helper()
	for until, deadline := w.count.Load()+more, time.Now().Add(patience); w.count.Load() < until; time.Sleep(time.Millisecond) {
		if t.Failed() || time.Now().After(deadline) {
			t.Fatal("writes do not go on")
		}
	}
}

func (w *writers) end() {
	close(w.stop)
	w.running.Wait()
}

// TestKeyRotation: the key is rotated while clients write and the projections are
// rebuilt, and no write fails; the former key opens nothing afterwards, also not after a
// restart.
func TestKeyRotation(t *testing.T) {
	key := useKey(t)
	s := startServer(t, t.TempDir(), often...)
	w := startWriters(t, s, 0)
	former := filepath.Join(t.TempDir(), "former")
	for range 3 {
		content, err := os.ReadFile(key)
		if err == nil {
			err = os.WriteFile(former, content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		w.await(t, 20)
		s.must(201, "POST", "/$rebuild", "")
		mustRun(t, "key", "rotate", key)
		names := fingerprints(t, key)
		awaitKey(t, s.data, names[0])
		mustRun(t, "key", "retire", key, "--data", s.data)
		if now := fingerprints(t, key); len(names) != 2 || len(now) != 1 || now[0] != names[0] {
			t.Errorf("the file had the keys %v, and has %v", names, now)
		}
		w.await(t, 20)
	}
	s.logLine("the data folder is under the new key: the former one opens nothing of it any more. Make a backup before you destroy that: earlier ones are still under it")
	w.end()
	t.Logf("%d writes during 3 rotations", w.count.Load())
	s.stop()
	back := withKey(t, "file:"+former)
	mustFail(t, "wrong key", "verify", "--data", s.data)
	back()
	s = startServer(t, s.data, often...)
	checkWritten(t, s, w)
	s.stop()
	checkProjections(t, s.data)
}

func checkWritten(t testing.TB, s *server, w *writers) {
	t.Helper()
	w.written.Range(func(path, _ any) bool {
		s.must(200, "GET", path.(string), "")
		return !t.Failed()
	})
}

// TestKeyRotationCrash kills the server at some moment around a rotation: it opens again
// with the file as it is, everything acknowledged is there, and the rotation comes to its
// end.
func TestKeyRotationCrash(t *testing.T) {
	key, data := useKey(t), t.TempDir()
	random := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	rounds := 4
	if testing.Short() {
		rounds = 1
	}
	for round := range rounds {
		s := startServer(t, data, often...)
		w := startWriters(t, s, round)
		w.await(t, 5)
		mustRun(t, "key", "rotate", key)
		time.Sleep(time.Duration(random.IntN(60)) * time.Millisecond)
		s.kill()
		w.end()
		s = startServer(t, data, often...)
		checkWritten(t, s, w)
		awaitKey(t, data, fingerprints(t, key)[0])
		mustRun(t, "key", "retire", key, "--data", data)
		s.stop()
	}
	mustRun(t, "verify", "--data", data)
}

// TestKeyCommands: what is made is private and not overwritten, and nothing is retired
// that a folder is still under.
func TestKeyCommands(t *testing.T) {
	key, data := useKey(t), filepath.Join(t.TempDir(), "data")
	info, err := os.Stat(key)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file of a key has mode %v, %v", info.Mode(), err)
	}
	before, _ := os.ReadFile(key)
	mustFail(t, "is there already", "key", "new", key)
	startServer(t, data).stop()
	index := filepath.Join(t.TempDir(), "index")
	search := func() (under string) {
		t.Helper()
		mustRun(t, "search", "Patient", "--data", data, "--index", index)
		text, err := os.ReadFile(index + ".keyring")
		if err == nil {
			under, err = keyring.OperatorOf(text)
		}
		if err != nil {
			t.Fatal(err)
		}
		return under
	}
	search()
	if err := os.Chmod(key, 0o640); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "key", "rotate", key)
	if after, _ := os.ReadFile(key); !strings.HasSuffix(string(after), string(before)) || len(after) != 2*len(before) {
		t.Errorf("rotate makes of %d bytes %d", len(before), len(after))
	}
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("a rotated file has mode %v, %v; it has to stay readable for whom it was", info.Mode(), err)
	}
	names := fingerprints(t, key)
	mustFail(t, names[1], "key", "retire", key, "--data", data)
	mustFail(t, "lies in the data folder", "verify", "--data", data, "--encryption-key", "file:"+filepath.Join(data, "key"))
	startServer(t, data).stop() // the first look puts it under the new key
	mustRun(t, "key", "retire", key, "--data", data)
	if left := fingerprints(t, key); len(left) != 1 || left[0] != names[0] {
		t.Errorf("after retire the file has %v", left)
	}
	if under := search(); under != names[0] {
		t.Errorf("an index beside the folder is under %s, want it under the only key that is left, %s", under, names[0])
	}
	plain := filepath.Join(t.TempDir(), "plain")
	back := withKey(t, "")
	startServer(t, plain).stop()
	mustFail(t, "is not encrypted", "key", "show", "--data", plain)
	back()
	mustRun(t, "verify", "--data", plain) // a key that is not needed does no harm
	mustFail(t, "say which", "key", "show")
	if err := os.WriteFile(key, []byte("no key\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	mustFail(t, "line 1", "key", "rotate", key)
}
