package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

// auditScript is the script in replay/AUDIT.md, as it stands there.
func auditScript(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../replay/AUDIT.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, begins := strings.Cut(string(text), "\n```sh\n")
	script, _, ends := strings.Cut(after, "\n```\n")
	if !begins || !ends {
		t.Fatal("replay/AUDIT.md has no script between ```sh and ```")
	}
	return script + "\n"
}

// TestAuditScript runs what auditors are told to do by hand, with nothing of fhirlog,
// on proofs of a real server, good ones and altered ones.
func TestAuditScript(t *testing.T) {
	for _, tool := range []string{"sh", "jq", "xxd", "sha256sum", "openssl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the script needs %s: %v", tool, err)
		}
	}
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	script := write("walk.sh", []byte(auditScript(t)))
	walk := func(proof []byte, key string) (string, error) {
		cmd := exec.CommandContext(t.Context(), "sh", script, write("proof.json", proof), key)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}

	s := startServer(t, t.TempDir())
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		send(t, s, "PUT", "/Patient/"+id, `{"resourceType":"Patient","id":"`+id+`","name":[{"family":"Sand"}]}`, 201)
	}
	send(t, s, "DELETE", "/Patient/c", "", 204)
	send(t, s, "DELETE", "/Patient/b?hardDelete=true", "", 204)
	key := write("log.pub", s.get("/log/key"))
	var proofs [][]byte
	for _, position := range []string{"2", "5"} {
		proofs = append(proofs, s.get("/log/proof?position="+position))
	}
	s.stop()
	withBody, stderr, err := runProgram(t, "prove", "--data", s.data, "--position", "4", "--with-body")
	if err != nil {
		t.Fatalf("prove: %v\n%s", err, stderr)
	}
	proofs = append(proofs, []byte(withBody))
	for i, proof := range proofs {
		if out, err := walk(proof, key); err != nil || !strings.Contains(out, "Signature Verified Successfully") {
			t.Errorf("proof %d: %v\n%s\n%s", i, err, out, proof)
		}
	}

	_, public, err := note.GenerateKey(rand.Reader, "other")
	if err != nil {
		t.Fatal(err)
	}
	foreign := write("other.pub", []byte(public))
	if out, err := walk(proofs[0], foreign); err == nil {
		t.Errorf("a proof under the key of another log passes:\n%s", out)
	}
	for name, alter := range map[string]func(map[string]any){
		"position":  func(p map[string]any) { p["position"] = 3 },
		"commitEnd": func(p map[string]any) { p["commitEnd"] = false },
		"body":      func(p map[string]any) { p["body"] = "e30=" },
		"path":      func(p map[string]any) { p["path"] = p["path"].([]any)[1:] },
		"size": func(p map[string]any) {
			p["checkpoint"] = strings.Replace(p["checkpoint"].(string), "\n7\n", "\n8\n", 1)
		},
	} {
		var proof map[string]any
		if err := json.Unmarshal([]byte(withBody), &proof); err != nil {
			t.Fatal(err)
		}
		alter(proof)
		altered, err := json.Marshal(proof)
		if err != nil || bytes.Equal(altered, []byte(withBody)) {
			t.Fatal(name, err)
		}
		if out, err := walk(altered, key); err == nil {
			t.Errorf("a proof with another %s passes:\n%s", name, out)
		}
	}
}
