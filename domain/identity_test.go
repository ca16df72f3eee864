package domain

import (
	"strings"
	"testing"
)

func TestParseLogicalID(t *testing.T) {
	for id, valid := range map[string]bool{
		"1": true, "a-B.9": true, "...": true, strings.Repeat("x", MaxLogicalID): true,
		"": false, ".": false, "..": false, "a b": false, "a/b": false, "ä": false, "a_b": false, "a\x00": false,
		strings.Repeat("x", MaxLogicalID+1): false,
	} {
		got, err := ParseLogicalID(id)
		if (err == nil) != valid || valid && got.String() != id {
			t.Errorf("ParseLogicalID(%q) = %q, %v; valid should be %t", id, got, err, valid)
		}
	}
}

func TestParseVersionID(t *testing.T) {
	for _, text := range []string{"", "0", "01", "-1", "+1", "1.0", "1e3", " 1", "x", "9223372036854775808"} {
		if got, err := ParseVersionID(text); err == nil {
			t.Errorf("ParseVersionID(%q) = %d, want an error", text, got)
		}
	}
	for _, v := range []VersionID{1, 9, 10, 1<<63 - 1} {
		if got, err := ParseVersionID(v.String()); err != nil || got != v {
			t.Errorf("ParseVersionID(%q) = %d, %v", v, got, err)
		}
	}
}

func TestKindOf(t *testing.T) {
	if KindOf(nil) != Internal || KindOf(NewError(Deleted, "gone")) != Deleted {
		t.Error("KindOf does not find the kind")
	}
}
