package eventlog_test

import (
	"testing"
)

// FuzzOpen overwrites a piece of a log, at any place, with any bytes: what is
// read afterwards is a prefix, or damage is reported.
func FuzzOpen(f *testing.F) {
	f.Add(true, true, false, uint16(100), []byte("overwritten"))
	f.Add(false, false, true, uint16(96), []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add(true, false, true, uint16(2000), []byte("evlogseg"))
	f.Add(false, true, true, uint16(3900), []byte{0xE7, 1, 7, 0})
	f.Fuzz(func(t *testing.T, clean, first, encrypted bool, at uint16, with []byte) {
		fs, commits := smallLog(t, clean, encrypted)
		name := segmentName("00000002")
		if first {
			name = segmentName("00000001")
		}
		content := fs.Content(name)
		if int(at) >= len(content) {
			return
		}
		copy(content[at:], with)
		fs.SetContent(name, content)
		mustBePrefixOrDamage(t, fs, commits, "overwritten", int(at))
	})
}
