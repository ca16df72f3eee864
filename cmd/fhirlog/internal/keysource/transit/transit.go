// Package transit is a key service for tests: it answers as the transit engine of Vault
// does (https://developer.hashicorp.com/vault/api-docs/secret/transit), as far as
// encrypting, decrypting and versions of a key go.
package transit

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Service holds keys by name. The zero value is ready.
type Service struct {
	Token string // that is asked for, if any

	mu       sync.Mutex
	versions map[string][]cipher.AEAD
	status   int // of refusals; 0 to answer
	delay    time.Duration
	asked    int
}

// Rotate makes a key, or another version of it.
func (s *Service) Rotate(name string) {
	var key [32]byte
	rand.Read(key[:])
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // a key of this size is always one
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.versions == nil {
		s.versions = map[string][]cipher.AEAD{}
	}
	s.versions[name] = append(s.versions[name], gcm)
}

// Delete removes a key.
func (s *Service) Delete(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.versions, name)
}

// Answer has everything answered with a status; 0 for what is true.
func (s *Service) Answer(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
}

// Delay has every answer wait.
func (s *Service) Delay(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = d
}

// Asked counts the requests.
func (s *Service) Asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// ServeHTTP answers PUT /v1/MOUNT/encrypt/NAME and decrypt.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked++
	status, delay := s.status, s.delay
	s.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-r.Context().Done():
		return
	}
	if status == 0 && s.Token != "" && r.Header.Get("X-Vault-Token") != s.Token {
		status = http.StatusForbidden
	}
	if status != 0 {
		refuse(w, status, http.StatusText(status))
		return
	}
	parts := strings.Split(r.URL.Path, "/")
	var asked struct{ Plaintext, Ciphertext string }
	if len(parts) < 5 || json.NewDecoder(r.Body).Decode(&asked) != nil {
		refuse(w, http.StatusBadRequest, "malformed")
		return
	}
	s.mu.Lock()
	versions := s.versions[parts[len(parts)-1]]
	s.mu.Unlock()
	data, err := map[string]string{}, error(nil)
	switch parts[len(parts)-2] {
	case "encrypt":
		data["ciphertext"], err = encrypt(versions, asked.Plaintext)
	case "decrypt":
		data["plaintext"], err = decrypt(versions, asked.Ciphertext)
	default:
		err = fmt.Errorf("no such path")
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"data": data}) // whoever asked may have left
}

func refuse(w http.ResponseWriter, status int, why string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []string{why}})
}

func encrypt(versions []cipher.AEAD, text string) (string, error) {
	plain, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(versions) == 0 {
		return "", fmt.Errorf("encryption key not found")
	}
	sealed := versions[len(versions)-1].Seal(nil, nil, plain, nil)
	return fmt.Sprintf("vault:v%d:%s", len(versions), base64.StdEncoding.EncodeToString(sealed)), nil
}

func decrypt(versions []cipher.AEAD, text string) (string, error) {
	var number int
	var encoded string
	if _, err := fmt.Sscanf(text, "vault:v%d:%s", &number, &encoded); err != nil || number < 1 {
		return "", fmt.Errorf("invalid ciphertext")
	}
	if number > len(versions) {
		return "", fmt.Errorf("encryption key not found")
	}
	sealed, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", err
	}
	plain, err := versions[number-1].Open(nil, nil, sealed, nil)
	if err != nil {
		return "", fmt.Errorf("cipher: message authentication failed")
	}
	return base64.StdEncoding.EncodeToString(plain), nil
}
