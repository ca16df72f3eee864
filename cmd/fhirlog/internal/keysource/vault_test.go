package keysource

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fhirlog/cmd/fhirlog/internal/keysource/transit"
	"fhirlog/eventlog/keyring"
)

// service is a key service on this machine, with the key k.
func service(t *testing.T) (*transit.Service, string) {
	t.Helper()
	for _, name := range []string{"VAULT_ADDR", "VAULT_AGENT_ADDR", "VAULT_NAMESPACE", "HTTP_PROXY", "http_proxy"} {
		t.Setenv(name, "")
	}
	t.Setenv("VAULT_TOKEN", "t0ken")
	t.Setenv("VAULT_MAX_RETRIES", "0")
	s := &transit.Service{Token: "t0ken"}
	s.Rotate("k")
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, "hcvault+" + server.URL + "/transit/keys/k"
}

func TestAKeyService(t *testing.T) {
	ctx := context.Background()
	s, source := service(t)
	o := load(t, source)
	if o.Name() != "hcvault:transit/keys/k" {
		t.Errorf("the key is called %s", o.Name())
	}
	plain := "0123456789abcdef0123456789abcdef"
	wrapped, err := o.Wrap(ctx, []byte(plain))
	if err != nil || strings.Contains(string(wrapped), plain) {
		t.Fatalf("Wrap: %q, %v", wrapped, err)
	}
	check := func(when string, want error) {
		t.Helper()
		got, err := o.Unwrap(ctx, wrapped)
		if !errors.Is(err, want) || want == nil && string(got) != plain {
			t.Errorf("%s: Unwrap gives %q, %v, want %v", when, got, err, want)
		}
	}
	check("as it was", nil)
	s.Rotate("k")
	check("the key was rotated there", nil)
	if again, err := o.Wrap(ctx, []byte(plain)); err != nil || !strings.HasPrefix(string(again), "vault:v2:") {
		t.Errorf("Wrap after the key was rotated there: %q, %v", again, err)
	}
	for status, want := range map[int]error{
		400: keyring.ErrDenied, 403: keyring.ErrDenied, 404: keyring.ErrDenied,
		429: keyring.ErrUnreachable, 473: keyring.ErrUnreachable, 500: keyring.ErrUnreachable, 502: keyring.ErrUnreachable,
	} {
		s.Answer(status)
		check("it answers with a status", want)
	}
	s.Answer(0)
	check("it answers again", nil)
	s.Delay(time.Second)
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if _, err := o.Unwrap(short, wrapped); !errors.Is(err, keyring.ErrUnreachable) {
		t.Errorf("Unwrap while the service does not answer: %v", err)
	}
	s.Delay(0)
	s.Delete("k")
	check("the key is deleted", keyring.ErrDenied)
	s.Rotate("k")
	check("another key has its name", keyring.ErrDenied)
	t.Setenv("VAULT_TOKEN", "revoked")
	check("the token is not accepted", keyring.ErrDenied)
}

func TestATokenInAFile(t *testing.T) {
	ctx := context.Background()
	_, source := service(t)
	t.Setenv("VAULT_TOKEN", "")
	token := filepath.Join(t.TempDir(), "token")
	o := load(t, source+"?token-file="+token)
	if _, err := o.Wrap(ctx, []byte("k")); !errors.Is(err, keyring.ErrUnreachable) {
		t.Errorf("Wrap without the file: %v", err)
	}
	for _, c := range []struct {
		token string
		want  error
	}{{"t0ken\n", nil}, {"expired\n", keyring.ErrDenied}, {"t0ken", nil}} {
		if err := os.WriteFile(token, []byte(c.token), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := o.Wrap(ctx, []byte("k")); !errors.Is(err, c.want) {
			t.Errorf("Wrap with the token %q: %v, want %v", c.token, err, c.want)
		}
	}
}

// TestNoService: nobody listens there.
func TestNoService(t *testing.T) {
	server := httptest.NewServer(nil)
	source := "hcvault+" + server.URL + "/transit/keys/k"
	server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := load(t, source).Wrap(ctx, []byte("k")); !errors.Is(err, keyring.ErrUnreachable) {
		t.Errorf("Wrap: %v", err)
	}
}

// TestFromAFileToAService: what a local key has wrapped is not asked of the service.
func TestFromAFileToAService(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "key")
	s, source := service(t)
	writeKeys(t, path, numbered(1))
	wrapped, err := load(t, "file:"+path).Wrap(ctx, []byte("k"))
	if err != nil {
		t.Fatal(err)
	}
	o := load(t, source, "file:"+path)
	if got, err := o.Unwrap(ctx, wrapped); string(got) != "k" || s.Asked() != 0 {
		t.Errorf("Unwrap of what the file has wrapped: %q, %v, the service was asked %d times", got, err, s.Asked())
	}
	if wrapped, err = o.Wrap(ctx, []byte("k")); err != nil {
		t.Fatal(err)
	}
	if got, err := o.Unwrap(ctx, wrapped); string(got) != "k" || s.Asked() != 2 {
		t.Errorf("Unwrap of what the service has wrapped: %q, %v, the service was asked %d times", got, err, s.Asked())
	}
}
