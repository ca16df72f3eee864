package keysource

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"fhirlog/eventlog/keyring"
)

// numbered is a key to tell apart from others.
func numbered(n byte) []byte {
	key := bytes.Repeat([]byte{n}, keyring.KeySize)
	key[0] ^= 0xff
	return key
}

func nameOf(key []byte) string { return keyring.NewLocal([keyring.KeySize]byte(key)).Name() }

func TestParseKeys(t *testing.T) {
	one, two := numbered(1), numbered(0xfb)
	standard, url := base64.StdEncoding.EncodeToString(two), base64.RawURLEncoding.EncodeToString(two)
	for name, c := range map[string]struct {
		content string
		want    [][]byte // nil: refused
		says    string
	}{
		"hexadecimal":                      {hex.EncodeToString(one), [][]byte{one}, ""},
		"hexadecimal, capitals, line ends": {"\r\n" + strings.ToUpper(hex.EncodeToString(two)) + "\r\n\r\n", [][]byte{two}, ""},
		"base64":                           {standard + "\n", [][]byte{two}, ""},
		"base64 without padding":           {strings.TrimRight(standard, "="), [][]byte{two}, ""},
		"base64 for URLs":                  {url, [][]byte{two}, ""},
		"32 bytes":                         {string(one), [][]byte{one}, ""},
		"32 bytes that end in a line end":  {string(one[:31]) + "\n", [][]byte{append(bytes.Clone(one[:31]), '\n')}, ""},
		"a key and a former one":           {hex.EncodeToString(one) + "\n" + standard, [][]byte{one, two}, ""},
		"nothing":                          {"", nil, "no key"},
		"blank lines":                      {"\n \n", nil, "no key"},
		"a password of 32 letters":         {"correct horse battery staple 1234", nil, "line 1: 33 characters are no key"},
		"32 printable characters":          {"abcdefghijklmnopqrstuvwxyz012345", nil, "line 1: 32 characters are no key"},
		"a line that is none":              {hex.EncodeToString(one) + "\nnone", nil, "line 2: 4 characters are no key"},
		"64 characters that are none":      {strings.Repeat("xy", 32), nil, "line 1: it is neither"},
		"44 characters that are none":      {strings.Repeat("*", 44), nil, "line 1: it is neither"},
		"base64 with bits too many":        {strings.Repeat("A", 42) + "B=", nil, "line 1: it is neither"},
		"zeros":                            {strings.Repeat("0", 64), nil, "random"},
		"zeros as bytes":                   {strings.Repeat("\x00", 32), nil, "random"},
		"one key twice":                    {hex.EncodeToString(two) + "\n" + standard, nil, "line 2: this key is there twice"},
		"too many":                         {manyKeys(mostKeys + 1), nil, "more than 8 keys"},
		"many": {manyKeys(mostKeys), func() (all [][]byte) {
			for i := range mostKeys {
				all = append(all, numbered(byte(i)))
			}
			return all
		}(), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseKeys([]byte(c.content))
			if c.want == nil {
				if err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("ParseKeys: %v, want an error with %q", err, c.says)
				}
				if err != nil && len(c.content) > 20 && strings.Contains(err.Error(), strings.TrimSpace(c.content)[:10]) {
					t.Errorf("the error tells what may be a key: %v", err)
				}
				return
			}
			if err != nil || len(got) != len(c.want) {
				t.Fatalf("ParseKeys: %d keys, %v, want %d", len(got), err, len(c.want))
			}
			for i := range got {
				if want := nameOf(c.want[i]); got[i].Name() != want {
					t.Errorf("key %d is %s, want %s", i, got[i].Name(), want)
				}
			}
		})
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(hex.EncodeToString(numbered(byte(i))) + "\n")
	}
	return b.String()
}

// FuzzParseKeys: whatever is in a file, there are keys or an error that does not tell
// what is in it.
func FuzzParseKeys(f *testing.F) {
	f.Add(numbered(1))
	f.Add([]byte(hex.EncodeToString(numbered(2)) + "\n" + base64.StdEncoding.EncodeToString(numbered(3))))
	f.Add([]byte(base64.RawURLEncoding.EncodeToString(numbered(0xfb)) + "\r\n"))
	f.Add([]byte("a password that somebody likes"))
	f.Fuzz(func(t *testing.T, content []byte) {
		keys, err := ParseKeys(content)
		if (err == nil) != (len(keys) > 0) || len(keys) > mostKeys {
			t.Fatalf("%d keys, %v", len(keys), err)
		}
		if err == nil {
			return
		}
		for field := range strings.FieldsSeq(string(content)) {
			if len(field) > 20 && strings.Contains(err.Error(), field) {
				t.Errorf("the error tells what may be a key: %v", err)
			}
		}
	})
}
