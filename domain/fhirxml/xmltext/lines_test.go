package xmltext

import (
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	for _, text := range []string{"", "\n", "a\né\n", strings.Repeat("é", 3*markEvery), strings.Repeat("line é\n", markEvery), strings.Repeat("x", markEvery-1) + "\n" + strings.Repeat("y", markEvery)} {
		lines := NewLines([]byte(text))
		for _, offset := range []int{-1, 0, 1, markEvery - 2, markEvery, markEvery + 2, 2*markEvery + 4, len(text) - 2, len(text), len(text) + 1} {
			if offset > 0 && offset < len(text) && text[offset]&0xC0 == 0x80 {
				continue // Position counts whole characters
			}
			line, column := lines.Position(offset)
			if wantLine, wantColumn := Position([]byte(text), offset); line != wantLine || column != wantColumn {
				t.Errorf("offset %d of %d bytes: %d:%d, want %d:%d", offset, len(text), line, column, wantLine, wantColumn)
			}
		}
	}
}
