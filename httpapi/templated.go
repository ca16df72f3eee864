package httpapi

import (
	"bytes"
	"encoding/json"
	"slices"

	"fhirlog/domain/fhirjson"
)

// templated is a document with holes for the base URL of the service.
type templated [][]byte

// baseHole stands for the base URL while a document is made.
const baseHole = "urn:fhirlog:base"

func newTemplated(document any) (templated, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(document); err != nil {
		return nil, err
	}
	return bytes.Split(bytes.TrimSpace(text.Bytes()), []byte(baseHole)), nil
}

// at fills in the base URL.
func (t templated) at(base string) []byte { return bytes.Join(t, quotedInside(base)) }

// write writes the document, in JSON piece by piece.
func (t templated) write(b *bodyWriter, base string) error {
	if b.xml != nil {
		return b.whole(t.at(base))
	}
	hole := quotedInside(base)
	for i, part := range t {
		if i > 0 {
			b.buf = append(b.buf, hole...)
		}
		for piece := range slices.Chunk(part, streamAbove) {
			b.buf = append(b.buf, piece...)
			if err := b.flushIfLarge(); err != nil {
				return err
			}
		}
	}
	return nil
}

// size is how many bytes the document has, but for its holes.
func (t templated) size() (n int) {
	for _, part := range t {
		n += len(part)
	}
	return n
}

// quotedInside escapes a text as it stands within a JSON string.
func quotedInside(text string) []byte {
	quoted := fhirjson.AppendQuoted(nil, text)
	return quoted[1 : len(quoted)-1]
}
