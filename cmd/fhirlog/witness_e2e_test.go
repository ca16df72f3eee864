package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestWitness plays a witness (https://c2sp.org/tlog-cosignature) against the real
// server and the offline verification.
func TestWitness(t *testing.T) {
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32))
	data := append([]byte{4}, private.Public().(ed25519.PublicKey)...)
	hash := sha256.Sum256(append([]byte("witness.example\n"), data...))
	key := fmt.Sprintf("witness.example+%x+%s", hash[:4], base64.StdEncoding.EncodeToString(data))

	dir := t.TempDir()
	s := startServer(t, dir, "--witness", key)
	writePatients(t, s, "a", 30)
	s.get("/log/proof?position=29")
	signed := s.get("/log/checkpoint")
	text, _, _ := strings.Cut(string(signed), "\n\n")
	raw := binary.BigEndian.AppendUint64(hash[:4:4], 1_800_000_000)
	raw = append(raw, ed25519.Sign(private, []byte("cosignature/v1\ntime 1800000000\n"+text+"\n"))...)
	cosigned := string(signed) + "— witness.example " + base64.StdEncoding.EncodeToString(raw) + "\n"
	for body, status := range map[string]int{cosigned: 200, string(signed): 400, "nonsense": 400} {
		response, err := client.Post(s.root()+"/log/cosigned", "text/plain", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != status {
			t.Errorf("POST %q: %s, want %d", body, response.Status, status)
		}
	}
	if got := string(s.get("/log/cosigned")); got != cosigned {
		t.Errorf("GET /log/cosigned: %q", got)
	}
	s.stop()
	out, fault, err := runProgram(t, "verify", "--data", dir, "--witness", key)
	if err != nil || !strings.Contains(out, "witness.example has seen 30 records at 2027-01-15T08:00:00Z") {
		t.Errorf("verify: %v\n%s%s", err, out, fault)
	}
	if _, fault, err := runProgram(t, "serve", "--data", dir, "--witness", "nonsense"); err == nil || !strings.Contains(fault, "not the public key of a witness") {
		t.Errorf("serve with a bad witness: %v\n%s", err, fault)
	}
	s = startServer(t, dir)
	defer s.stop()
	response, err := client.Get(s.root() + "/log/cosigned")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusNotFound {
		t.Errorf("without witnesses: %s", response.Status)
	}
}
