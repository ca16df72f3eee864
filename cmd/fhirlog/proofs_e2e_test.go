package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"fhirlog/eventlog/record"
)

// get fetches what is outside the FHIR service.
func (s *server) get(path string) []byte {
	s.t.Helper()
	response, err := client.Get(s.root() + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	body := make([]byte, 0, 1024)
	for buffer := make([]byte, 4096); ; {
		n, err := response.Body.Read(buffer)
		if body = append(body, buffer[:n]...); err != nil {
			break
		}
	}
	if response.StatusCode != 200 {
		s.t.Fatalf("GET %s: %d %s", path, response.StatusCode, body)
	}
	return body
}

// checkpointOf opens a checkpoint by package note alone, and reads it by hand.
func checkpointOf(t *testing.T, signed []byte, key string) tlog.Tree {
	t.Helper()
	verifier, err := note.NewVerifier(strings.TrimSpace(key))
	if err != nil {
		t.Fatal(err)
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		t.Fatalf("checkpoint %q: %v", signed, err)
	}
	var tree tlog.Tree
	lines := strings.Split(opened.Text, "\n")
	if _, err := fmt.Sscan(lines[1], &tree.N); err != nil || lines[0] != verifier.Name() || len(lines) != 4 {
		t.Fatalf("checkpoint %q: %v", opened.Text, err)
	}
	if tree.Hash, err = tlog.ParseHash(lines[2]); err != nil {
		t.Fatal(err)
	}
	return tree
}

// httpTiles fetches tiles as any client of a transparency log does
// (https://c2sp.org/tlog-tiles).
type httpTiles struct{ s *server }

func (h httpTiles) Height() int                     { return 8 }
func (h httpTiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (h httpTiles) ReadTiles(tiles []tlog.Tile) (data [][]byte, err error) {
	for _, tile := range tiles {
		data = append(data, h.s.get("/log/"+strings.Replace(tile.Path(), "tile/8/", "tile/", 1)))
	}
	return data, nil
}

// write makes n resources in transactions of some, and returns the ids.
func writePatients(t *testing.T, s *server, prefix string, n int) {
	t.Helper()
	for i := 0; i < n; {
		var entries []string
		for ; i < n && len(entries) < 1+i%90; i++ {
			id := fmt.Sprintf("%s%d", prefix, i)
			entries = append(entries, fmt.Sprintf(`{"resource":{"resourceType":"Patient","id":"%s","name":[{"family":"Family of %s"}]},"request":{"method":"PUT","url":"Patient/%s"}}`, id, id, id))
		}
		a, err := s.ask("POST", "", `{"resourceType":"Bundle","type":"transaction","entry":[`+strings.Join(entries, ",")+`]}`)
		if err != nil || a.status != 200 {
			t.Fatalf("transaction: %d %s %v", a.status, a.body, err)
		}
	}
}

// TestLogIsProvenToStrangers checks everything that /log gives with other people's
// code: notes, tiles and proofs by golang.org/x/mod, JSON by hand.
func TestLogIsProvenToStrangers(t *testing.T) {
	s := startServer(t, t.TempDir())
	writePatients(t, s, "a", 400)
	key := string(s.get("/log/key"))
	s.get("/log/proof?position=399") // makes a checkpoint of all
	early := checkpointOf(t, s.get("/log/checkpoint"), key)
	writePatients(t, s, "b", 700)
	last := s.get("/log/proof?position=1099")
	now := checkpointOf(t, s.get("/log/checkpoint"), key)
	if early.N != 400 || now.N != 1100 {
		t.Fatalf("checkpoints of %d and %d records", early.N, now.N)
	}
	tiles := tlog.TileHashReader(now, httpTiles{s})
	path, err := tlog.ProveTree(now.N, early.N, tiles)
	if err != nil || tlog.CheckTree(path, now.N, now.Hash, early.N, early.Hash) != nil {
		t.Errorf("the log does not continue the early checkpoint: %v", err)
	}
	var consistency struct {
		From struct{ Path []tlog.Hash }
		Root tlog.Hash
	}
	if err := json.Unmarshal(s.get("/log/consistency?from=400"), &consistency); err != nil || !slices.Equal(consistency.From.Path, path) || consistency.Root != now.Hash {
		t.Errorf("consistency %+v, want the path %v, %v", consistency, path, err)
	}
	for _, text := range [][]byte{last, s.get("/log/proof?position=0"), s.get("/log/proof?position=255&bodySalt=true"), s.get("/log/proof?resource=Patient/b3&version=1&size=400")} {
		checkByHand(t, s, text, now, tiles)
	}
}

// checkByHand checks a proof with tlog and SHA-256.
func checkByHand(t *testing.T, s *server, text []byte, now tlog.Tree, tiles tlog.HashReader) {
	t.Helper()
	var p struct {
		Position, Instant                  int64
		CommitEnd, MetadataErased          bool
		Metadata, MetadataSalt, BodySalt   string
		MetadataCommitment, BodyCommitment tlog.Hash
		Path                               tlog.RecordProof
		Checkpoint                         string
	}
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	metadata, _ := base64.StdEncoding.DecodeString(p.Metadata)
	salt, _ := base64.StdEncoding.DecodeString(p.MetadataSalt)
	if p.MetadataErased && len(salt) > 0 {
		t.Errorf("the metadata of record %d are erased, and can be guessed", p.Position)
	}
	if !p.MetadataErased && record.CommitMetadata([16]byte(salt), uint64(p.Position), p.Instant, metadata) != p.MetadataCommitment {
		t.Errorf("metadata of record %d are not what was committed to", p.Position)
	}
	data := []byte{1, 0}
	if p.CommitEnd {
		data[1] = 1
	}
	data = append(append(data, p.MetadataCommitment[:]...), p.BodyCommitment[:]...)
	if err := tlog.CheckRecord(p.Path, now.N, now.Hash, p.Position, tlog.RecordHash(data)); err != nil {
		t.Errorf("record %d is not proven: %v", p.Position, err)
	}
	stored, err := tiles.ReadHashes([]int64{tlog.StoredHashIndex(0, p.Position)})
	if err != nil || stored[0] != tlog.RecordHash(data) {
		t.Errorf("the tile has another leaf for record %d, %v", p.Position, err)
	}
	if p.BodySalt != "" {
		bodySalt, _ := base64.StdEncoding.DecodeString(p.BodySalt)
		body := fmt.Sprintf(`{"resourceType":"Patient","id":"a%d","meta":{},"name":[{"family":"Family of a%d"}]}`, p.Position, p.Position)
		if record.CommitBody([16]byte(bodySalt), []byte(body)) != p.BodyCommitment {
			t.Errorf("the body of record %d is not what was committed to", p.Position)
		}
	}
}

// TestCheckpointsSurviveKills: whatever checkpoint anybody has seen, the log
// continues it after every crash.
func TestCheckpointsSurviveKills(t *testing.T) {
	data := t.TempDir()
	var seen []tlog.Tree
	key := ""
	for round := range 6 {
		s := startServer(t, data, "--checkpoint-every", "5ms")
		key = string(s.get("/log/key"))
		for i := range 15 {
			writePatients(t, s, fmt.Sprintf("r%d-%d-", round, i), 10)
			seen = append(seen, checkpointOf(t, s.get("/log/checkpoint"), key))
		}
		now := checkpointOf(t, s.get("/log/checkpoint"), key)
		reader := tlog.TileHashReader(now, httpTiles{s})
		for _, tree := range seen {
			if tree.N == 0 {
				continue
			}
			path, err := tlog.ProveTree(now.N, tree.N, reader)
			if err != nil || tlog.CheckTree(path, now.N, now.Hash, tree.N, tree.Hash) != nil {
				t.Fatalf("round %d: the log of %d records does not continue that of %d: %v", round, now.N, tree.N, err)
			}
		}
		s.kill()
	}
	if out, fault, err := runProgram(t, "verify", "--data", data, "--key", strings.TrimSpace(key)); err != nil {
		t.Errorf("verify: %v\n%s%s", err, out, fault)
	}
}

// recorded makes a data folder with some history and returns it with the public key
// and a checkpoint from the middle.
func recorded(t *testing.T) (data, key, kept string) {
	t.Helper()
	data = t.TempDir()
	s := startServer(t, data)
	for i := range 20 { // each a commit of its own
		s.put("Patient/p", fmt.Sprintf(`{"resourceType":"Patient","id":"p","name":[{"family":"Name %d"}]}`, i))
	}
	key = strings.TrimSpace(string(s.get("/log/key")))
	s.get("/log/proof?position=19")
	kept = filepath.Join(t.TempDir(), "checkpoint")
	if err := os.WriteFile(kept, s.get("/log/checkpoint"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.put("Patient/q", `{"resourceType":"Patient","id":"q"}`)
	s.stop()
	return data, key, kept
}

func (s *server) put(path, body string) {
	s.t.Helper()
	if a, err := s.ask("PUT", "/"+path, body); err != nil || a.status >= 300 {
		s.t.Fatalf("PUT %s: %d %s %v", path, a.status, a.body, err)
	}
}

func TestVerifyAndProveOffline(t *testing.T) {
	data, key, kept := recorded(t)
	ok := func(says string, args ...string) string {
		t.Helper()
		out, fault, err := runProgram(t, args...)
		if err != nil || !strings.Contains(out, says) {
			t.Fatalf("fhirlog %q: %v, want %q in\n%s%s", args, err, says, out, fault)
		}
		return out
	}
	refused := func(says string, args ...string) {
		t.Helper()
		out, fault, err := runProgram(t, args...)
		if err == nil || !strings.Contains(fault, says) {
			t.Fatalf("fhirlog %q: %v, want %q in\n%s%s", args, err, says, out, fault)
		}
	}
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "proof.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ok("the folder's own", "verify", "--data", data)
	ok("21 records", "verify", "--data", data, "--key", key, "--checkpoint", kept)
	ok("projections are what the log gives", "verify", "--data", data, "--projections")

	proof := file(ok(`"position": 4`, "prove", "--data", data, "--resource", "Patient/p", "--version-id", "5", "--from", kept, "--with-body"))
	ok("version 5 of Patient/p was written (PUT)", "verify", "--proof", proof, "--key", key, "--checkpoint", kept)
	ok("body         not shown", "verify", "--proof", file(ok(`"position": 20`, "prove", "--data", data, "--position", "20")), "--key", filepath.Join(data, "proof", "key.pub"))
	text, _ := os.ReadFile(proof)
	refused("was changed", "verify", "--proof", file(strings.Replace(string(text), `"position": 4`, `"position": 5`, 1)), "--key", key)
	refused("--key", "verify", "--proof", proof)
	other, _, _ := note.GenerateKey(nil, "fhirlog/other")
	refused("not the public key", "verify", "--data", data, "--key", file(other))
	_, stranger, _ := note.GenerateKey(nil, "fhirlog/other")
	refused("is not signed by the key", "verify", "--proof", proof, "--key", stranger)
	refused("is not signed by the key", "verify", "--data", data, "--key", stranger)
	refused("either --position", "prove", "--data", data)
	refused("no such version", "prove", "--data", data, "--resource", "Patient/p", "--version-id", "99")
	refused("must be a type and an id", "prove", "--data", data, "--resource", "Patient")
	refused("not on the log", "prove", "--data", data, "--position", "21")

	// An auditor's copy has no private key.
	copied := copyFolder(t, data)
	if err := os.Remove(filepath.Join(copied, "proof", "key")); err != nil {
		t.Fatal(err)
	}
	ok(`"position": 4`, "prove", "--data", copied, "--position", "4")
	ok("tree         as the log gives", "verify", "--data", copied, "--key", key)

	s := startServer(t, data)
	defer s.stop()
	refused("in use by another process", "verify", "--data", data)
	refused("GET /log/proof", "prove", "--data", data, "--position", "0")
}

func TestVerifyFindsWhatWasForged(t *testing.T) {
	skipEncrypted(t) // it forges frames in plain
	data, key, kept := recorded(t)
	for name, c := range map[string]struct {
		says   string
		serves bool // a start finds it as well
		damage func(t *testing.T, data string)
	}{
		"metadata of one record": {"among the records from 0 to 19 at least one", true, func(t *testing.T, data string) {
			forge(t, data, func(position uint64, run *record.Run, i int) {
				if position == 7 {
					e := &run.Entries[i]
					e.Metadata = append([]byte(nil), e.Metadata...)
					e.Metadata[len(e.Metadata)-2] ^= 1 // of the client's address
				}
			})
		}},
		"a body removed without an event": {"the body or the id of record 7 is erased, and no event", false, func(t *testing.T, data string) {
			forge(t, data, func(position uint64, run *record.Run, i int) {
				if position == 7 {
					removeBody(run, i)
				}
			})
		}},
		"an id removed without an event": {"the body or the id of record 7 is erased, and no event", false, func(t *testing.T, data string) {
			forge(t, data, func(position uint64, run *record.Run, i int) {
				if position == 7 {
					removeID(t, run, i)
				}
			})
		}},
		"an id put where one was removed": {"it was put there by hand", false, func(t *testing.T, data string) {
			forge(t, data, func(position uint64, run *record.Run, i int) {
				if position == 7 {
					named := run.Entries[i].Metadata
					removeID(t, run, i)
					run.Entries[i].Metadata = named
				}
			})
		}},
		"the latest records cut off": {"the log was cut", true, func(t *testing.T, data string) {
			cutLog(t, data, 18)
		}},
		"one bit of the log": {"log is damaged: segment 1, offset", true, func(t *testing.T, data string) {
			flipByte(t, filepath.Join(data, "log", "00000001.seg"), 400)
		}},
		"one bit of the stored tree": {"entry 3 of level 0 is not what the log gives", false, func(t *testing.T, data string) {
			flipByte(t, filepath.Join(data, "proof", "level-0"), 3*32+5)
		}},
		"the stored tree is short": {"entry 1 of level 0 is missing", false, func(t *testing.T, data string) {
			if err := os.Truncate(filepath.Join(data, "proof", "level-0"), 32); err != nil {
				t.Fatal(err)
			}
		}},
		"a checkpoint": {"was changed", true, func(t *testing.T, data string) {
			text, _ := os.ReadFile(filepath.Join(data, "proof", "checkpoints"))
			flipByte(t, filepath.Join(data, "proof", "checkpoints"), strings.LastIndex(string(text), "\n21\n")+1)
		}},
		"all checkpoints": {"the folder's own", true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			copied := copyFolder(t, data)
			if c.damage == nil {
				removeProofs(t, copied, key, kept)
				return
			}
			c.damage(t, copied)
			out, fault, err := runProgram(t, "verify", "--data", copied, "--key", key, "--checkpoint", kept)
			if err == nil || !strings.Contains(fault, c.says) {
				t.Errorf("verify: %v, want %q in\n%s%s", err, c.says, out, fault)
			}
			before := filesOf(t, copied)
			s := launch(t, copied)
			err = s.awaitURL(s.pipe(t))
			if c.serves == (err == nil) {
				t.Errorf("start: %v\n%s", err, s.stderr.String())
			}
			if err != nil {
				tellChanged(t, before, filesOf(t, copied))
			}
			if err == nil {
				s.stop()
				return
			}
			if !strings.Contains(s.stderr.String(), "fhirlog:") {
				t.Errorf("the start says\n%s", s.stderr.String())
			}
		})
	}
}

// tellChanged: a start that refuses a log changes nothing, for those who look into it.
func tellChanged(t *testing.T, before, after map[string][32]byte) {
	t.Helper()
	for name := range before {
		if _, there := after[name]; !there {
			t.Errorf("the refused start has removed %s", name)
		} else if before[name] != after[name] {
			t.Errorf("the refused start has changed %s", name)
		}
	}
	for name := range after {
		if _, there := before[name]; !there {
			t.Errorf("the refused start has made %s", name)
		}
	}
}

// removeProofs removes all that was signed: the folder alone says nothing then, and
// a checkpoint that somebody kept still does.
func removeProofs(t *testing.T, data, key, kept string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(data, "proof")); err != nil {
		t.Fatal(err)
	}
	if _, fault, err := runProgram(t, "verify", "--data", data); err == nil || !strings.Contains(fault, "no signed checkpoint") {
		t.Errorf("verify without any checkpoint: %v\n%s", err, fault)
	}
	if _, fault, err := runProgram(t, "verify", "--data", data, "--key", key, "--checkpoint", kept); err != nil {
		t.Errorf("verify by the kept checkpoint: %v\n%s", err, fault)
	}
	forge(t, data, func(position uint64, run *record.Run, i int) {
		if position == 3 {
			run.Entries[i].Metadata = append([]byte(nil), run.Entries[i].Metadata...)
			run.Entries[i].Metadata[len(run.Entries[i].Metadata)-2] ^= 1
		}
	})
	if _, fault, err := runProgram(t, "verify", "--data", data, "--key", key, "--checkpoint", kept); err == nil || !strings.Contains(fault, "altered") {
		t.Errorf("verify of a forged log by the kept checkpoint: %v\n%s", err, fault)
	}
}

// cutLog leaves the first records of a log, as if it had been stopped there.
func cutLog(t *testing.T, data string, records uint64) {
	t.Helper()
	path := filepath.Join(data, "log", "00000001.seg")
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h, err := record.DecodeHeader(src)
	if err != nil {
		t.Fatal(err)
	}
	for at := record.HeaderSize; at < len(src); {
		frame, err := record.DecodeFrame(src[at:], h.Key())
		if err != nil {
			t.Fatal(err)
		}
		at += frame.Size()
		if c, err := record.DecodeCommit(frame); err == nil && c.Next == records {
			if err := os.WriteFile(path, src[:at], 0o600); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatal("no such commit")
}

func flipByte(t *testing.T, path string, at int) {
	t.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	src[at] ^= 1
	if err := os.WriteFile(path, src, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestProofsOutliveErasure: a proof from before an erasure, one made after it, and
// the verification of the whole log, all after the bytes are gone.
func TestProofsOutliveErasure(t *testing.T) {
	data := t.TempDir()
	s := startServer(t, data)
	for i := range 4 {
		s.put("Patient/gone", fmt.Sprintf(`{"resourceType":"Patient","id":"gone","name":[{"family":"Secretname%d"}]}`, i))
		s.put("Patient/stays", fmt.Sprintf(`{"resourceType":"Patient","id":"stays","name":[{"family":"Publicname%d"}]}`, i))
	}
	key := strings.TrimSpace(string(s.get("/log/key")))
	dir := t.TempDir()
	before := filepath.Join(dir, "before.json")
	if err := os.WriteFile(before, s.get("/log/proof?resource=Patient/gone&version=2&bodySalt=true"), 0o600); err != nil {
		t.Fatal(err)
	}
	if a, err := s.ask("DELETE", "/Patient/gone?_hardDelete=true", ""); err != nil || a.status != 204 {
		t.Fatalf("hard delete: %d %s %v", a.status, a.body, err)
	}
	s.stop()
	if _, fault, err := runProgram(t, "compact", "--data", data); err != nil {
		t.Fatalf("compact: %v\n%s", err, fault)
	}
	after, fault, err := runProgram(t, "prove", "--data", data, "--position", "2", "--with-body")
	if err != nil || !strings.Contains(after, `"erased": true`) || strings.Contains(after, `"bodySalt"`) {
		t.Fatalf("prove an erased record: %v\n%s%s", err, after, fault)
	}
	afterFile := filepath.Join(dir, "after.json")
	if err := os.WriteFile(afterFile, []byte(after), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, proof := range []string{before, afterFile} {
		out, fault, err := runProgram(t, "verify", "--proof", proof, "--key", key)
		if err != nil || !strings.Contains(out, "version 2 of Patient/gone was written") {
			t.Errorf("verify %s: %v\n%s%s", proof, err, out, fault)
		}
	}
	out, fault, err := runProgram(t, "verify", "--data", data, "--key", key)
	if err != nil || !strings.Contains(out, "erased       4 bodies, each taken by an event") {
		t.Errorf("verify after the compaction: %v\n%s%s", err, out, fault)
	}
}
