package patch

import (
	"strings"
	"testing"
)

func TestShown(t *testing.T) {
	long := strings.Repeat("é", greatestShown)
	for text, want := range map[string]string{
		"":                 "",
		"/name/0":          "/name/0",
		"a\nb\x00\x7f\xff": "a?b???",
		long:               long[:greatestShown] + "…",
		"x" + long:         "x" + long[:greatestShown-2] + "…",
	} {
		if got := shown(text); got != want {
			t.Errorf("shown(%q) = %q, want %q", text, got, want)
		}
	}
}
