package keysource

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fhirlog/eventlog/keyring"
)

func TestParse(t *testing.T) {
	for name, c := range map[string]struct {
		sources []string
		want    string // the sources, or what the error says
		fails   bool
	}{
		"a file":                  {[]string{"file:/etc/fhirlog/key"}, "file:/etc/fhirlog/key", false},
		"a variable":              {[]string{"env:KEY"}, "env:KEY", false},
		"a service":               {[]string{"hcvault://vault.example.org:8200/transit/keys/fhirlog"}, "hcvault://vault.example.org:8200/transit/keys/fhirlog", false},
		"a token file":            {[]string{"hcvault://v/a/b/keys/k?token-file=/run/token"}, "hcvault://v/a/b/keys/k", false},
		"an agent":                {[]string{"hcvault+http://127.0.0.1:8200/transit/keys/k"}, "hcvault+http://127.0.0.1:8200/transit/keys/k", false},
		"a key of AWS":            {[]string{"aws-kms://" + testARN}, "aws-kms://" + testARN, false},
		"an alias of AWS":         {[]string{"aws-kms://arn:aws:kms:eu-central-1:111122223333:alias/a"}, "alias", true},
		"no ARN":                  {[]string{"aws-kms://key"}, "aws-kms://arn", true},
		"several":                 {[]string{"hcvault://v/transit/keys/k", "file:old"}, "hcvault://v/transit/keys/k, file:old", false},
		"nothing":                 {nil, "no source", true},
		"a key itself":            {[]string{strings.Repeat("ab", 32)}, "say where the key is", true},
		"an unknown service":      {[]string{"kms://x"}, "say where the key is", true},
		"no path":                 {[]string{"file:"}, "path is missing", true},
		"no variable":             {[]string{"env:"}, "name of the variable", true},
		"no host":                 {[]string{"hcvault:///transit/keys/k"}, "hcvault://HOST", true},
		"no key":                  {[]string{"hcvault://v/transit"}, "hcvault://HOST", true},
		"no mount":                {[]string{"hcvault://v/keys/k"}, "hcvault://HOST", true},
		"a password in the URL":   {[]string{"hcvault://u:p@v/transit/keys/k"}, "hcvault://HOST", true},
		"a path that climbs":      {[]string{"hcvault://v/transit/../keys/k"}, "hcvault://HOST", true},
		"a parameter":             {[]string{"hcvault://v/transit/keys/k?token=secret"}, "token-file", true},
		"plain, over the network": {[]string{"hcvault+http://vault.example.org/transit/keys/k"}, "not this machine", true},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Parse(c.sources)
			if c.fails {
				if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "abab") || strings.Contains(err.Error(), "secret") {
					t.Errorf("Parse: %v, want an error with %q", err, c.want)
				}
				return
			}
			if err != nil || s.String() != c.want {
				t.Errorf("Parse: %v, %v, want %s", s, err, c.want)
			}
		})
	}
}

// load parses and loads.
func load(t *testing.T, sources ...string) *Operator {
	t.Helper()
	s, err := Parse(sources)
	if err != nil {
		t.Fatal(err)
	}
	o, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func writeKeys(t *testing.T, path string, keys ...[]byte) {
	t.Helper()
	var text []byte
	for _, key := range keys {
		text = append(hex.AppendEncode(text, key), '\n')
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestAKeyInAFile goes through the life of a key in a file.
func TestAKeyInAFile(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "key")
	old, next, other := numbered(1), numbered(2), numbered(3)
	writeKeys(t, path, old)
	o := load(t, "file:"+path)
	plain := []byte("the key of a folder")
	wrapped, err := o.Wrap(ctx, plain)
	if err != nil {
		t.Fatal(err)
	}
	check := func(when string, o *Operator, want error) {
		t.Helper()
		got, err := o.Unwrap(ctx, wrapped)
		if !errors.Is(err, want) || want == nil && !bytes.Equal(got, plain) {
			t.Errorf("%s: Unwrap gives %q, %v, want %v", when, got, err, want)
		}
	}
	check("as it was", o, nil)
	writeKeys(t, path, next, old)
	check("another key is put in front", o, nil)
	both := load(t, "file:"+path)
	if both.Name() != nameOf(next) || o.Name() != nameOf(old) {
		t.Errorf("the first keys are %s and %s", both.Name(), o.Name())
	}
	check("the former key opens", both, nil)
	writeKeys(t, path, next)
	check("the former key is taken away", both, keyring.ErrWrongKey)
	if wrapped, err = both.Wrap(ctx, plain); err != nil {
		t.Fatal(err)
	}
	check("it is wrapped by the first key", both, nil)
	writeKeys(t, path, other)
	check("another key is there instead", both, keyring.ErrWrongKey)
	for what, content := range map[string]string{"empty": "", "no key": "none\n"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		check(what, both, keyring.ErrDenied)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	check("it is gone", both, keyring.ErrDenied)
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	check("it cannot be read", both, keyring.ErrUnreachable)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	writeKeys(t, path, next)
	check("it is back", both, nil)
}

func TestAKeyInTheEnvironment(t *testing.T) {
	t.Setenv("OPERATORS_KEY", hex.EncodeToString(numbered(1)))
	o := load(t, "env:OPERATORS_KEY")
	if o.Name() != nameOf(numbered(1)) {
		t.Errorf("the key is %s", o.Name())
	}
	s, err := Parse([]string{"env:NOT_SET"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(); !errors.Is(err, keyring.ErrDenied) || !strings.Contains(err.Error(), "NOT_SET") {
		t.Errorf("Load of a variable that is not set: %v", err)
	}
}

// TestFormerSources: a key may move from one source to another.
func TestFormerSources(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	former, now := filepath.Join(dir, "former"), filepath.Join(dir, "now")
	writeKeys(t, former, numbered(1))
	writeKeys(t, now, numbered(2))
	wrapped, err := load(t, "file:"+former).Wrap(ctx, []byte("k"))
	if err != nil {
		t.Fatal(err)
	}
	o := load(t, "file:"+now, "file:"+former)
	if got, err := o.Unwrap(ctx, wrapped); string(got) != "k" {
		t.Errorf("Unwrap by the former source: %q, %v", got, err)
	}
	if err := os.Remove(former); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Unwrap(ctx, wrapped); !errors.Is(err, keyring.ErrDenied) {
		t.Errorf("Unwrap without the former source: %v, want that it is gone, not that the key is wrong", err)
	}
	if wrapped, err = o.Wrap(ctx, []byte("k")); err != nil {
		t.Fatal(err)
	}
	if got, err := o.Unwrap(ctx, wrapped); string(got) != "k" {
		t.Errorf("Unwrap of what the first source has wrapped, without the former: %q, %v", got, err)
	}
}
