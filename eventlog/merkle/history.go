package merkle

import (
	"bytes"
	"fmt"
)

// signatureMark begins every line of signatures in a signed note.
var signatureMark = []byte("— ")

// AppendToHistory appends a signed checkpoint to a history of them: the notes as
// they are, an empty line after each.
func AppendToHistory(history, signed []byte) []byte {
	return append(append(history, signed...), '\n')
}

// NextInHistory splits the first signed checkpoint off a history. ok is false when
// there is none that is whole; whether it is signed rightly is not asked.
func NextInHistory(history []byte) (signed, rest []byte, ok bool) {
	blank := bytes.Index(history[:min(len(history), MaxSignedBytes)], []byte("\n\n"))
	if blank < 0 {
		return nil, history, false
	}
	at := blank + 2
	for bytes.HasPrefix(history[at:], signatureMark) {
		end := bytes.IndexByte(history[at:min(len(history), MaxSignedBytes)], '\n')
		if end < 0 {
			return nil, history, false
		}
		at += end + 1
		if at >= MaxSignedBytes {
			return nil, history, false
		}
	}
	if at == blank+2 || at >= len(history) || history[at] != '\n' {
		return nil, history, false
	}
	return history[:at:at], history[at+1:], true
}

// SkipInHistory looks for where the next signed checkpoint may begin, in the rest
// of a history that was cut somewhere.
func SkipInHistory(history []byte) (rest []byte, ok bool) {
	for at := 0; ; {
		line := bytes.Index(history[at:], signatureMark)
		if line < 0 {
			return nil, false
		}
		at += line
		end := bytes.IndexByte(history[at:], '\n')
		if end < 0 {
			return nil, false
		}
		at += end + 1
		if at < len(history) && history[at] == '\n' {
			return history[at+1:], true
		}
	}
}

// EachInHistory calls fn for every signed checkpoint of a whole history.
func EachInHistory(history []byte, fn func(signed []byte) error) error {
	for at, rest := 0, history; len(rest) > 0; {
		signed, after, ok := NextInHistory(rest)
		if !ok {
			return fmt.Errorf("no whole checkpoint at byte %d of the history", at)
		}
		if err := fn(signed); err != nil {
			return fmt.Errorf("checkpoint at byte %d of the history: %w", at, err)
		}
		at, rest = len(history)-len(after), after
	}
	return nil
}
