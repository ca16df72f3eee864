package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestReadTokens(t *testing.T) {
	const one, two = "0123456789abcdef0123456789abcdef", "AZaz09-._~+/0000=="
	for name, c := range map[string]struct {
		text  string
		want  []string
		fault string
	}{
		"one":               {one + "\n", []string{one}, ""},
		"without an end":    {one, []string{one}, ""},
		"two, to change":    {one + "\r\n\n  " + two + "\n\n", []string{one, two}, ""},
		"none":              {"\n\n", nil, "has no token"},
		"nothing":           {"", nil, "has no token"},
		"short":             {one + "\nsecret\n", nil, "line 2 is too short"},
		"not one in a line": {one + " " + two, nil, "line 1 has other characters"},
		"far too much":      {strings.Repeat(one+"\n", 3000), nil, "larger than"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "tokens")
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := readTokens(file)
			if !reflect.DeepEqual(got, c.want) || (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
				t.Errorf("got %q, %v; want %q, %q", got, err, c.want, c.fault)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("%v tells the token", err)
			}
		})
	}
	if _, err := readTokens(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there has tokens")
	}
}
