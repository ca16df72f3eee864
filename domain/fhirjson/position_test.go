package fhirjson

import (
	"strings"
	"testing"
)

// TestPositionLarge asks for places all over a large text, of which marks are
// kept, and counts each from the beginning to compare.
func TestPositionLarge(t *testing.T) {
	for _, line := range []string{strings.Repeat("ä", 70), strings.Repeat("ü€𝄞x", 3000), "a"} {
		text := []byte("[\"x\",\n\"" + strings.Repeat(line+"\",\n\"", 1+60_000/len(line)) + "\"]")
		document, err := Parse(text, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for v := document.Root().First(); v.Exists(); v = v.Next() {
			offset := v.Start()
			if offset%97 > 3 && len(line) < 100 {
				continue // counting from the beginning is slow
			}
			for _, offset := range []int{offset, v.End()} {
				line, column := document.Position(offset)
				wantLine, wantColumn := position(text, offset)
				if line != wantLine || column != wantColumn {
					t.Fatalf("Position(%d) = %d, %d, want %d, %d", offset, line, column, wantLine, wantColumn)
				}
			}
		}
		for _, offset := range []int{-1, len(text), len(text) + 1} {
			line, column := document.Position(offset)
			if wantLine, wantColumn := position(text, offset); line != wantLine || column != wantColumn {
				t.Fatalf("Position(%d) = %d, %d, want %d, %d", offset, line, column, wantLine, wantColumn)
			}
		}
	}
}

func TestLocate(t *testing.T) {
	document, err := Parse([]byte(`{"a":1}`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	document.Locate(func(offset int) (int, int) { return offset, 2 * offset })
	if line, column := document.Position(3); line != 3 || column != 6 {
		t.Errorf("Position(3) = %d, %d, want what Locate was given: 3, 6", line, column)
	}
}
