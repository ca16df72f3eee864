package search

import (
	"bytes"
	"crypto/sha256"

	"fhirlog/domain/fhirjson"
)

// What is too long for a key stands there cut, or as a digest. Whether such a
// value matches is seen at the resource: its text is the one with that digest,
// so that no text of another element is taken for it.

// longText makes the condition that a version has a value of the pattern, all
// of which hold a digest, whose text passes the test.
func (c *compiler) longText(of *Parameter, p pattern, test func(text string) bool) Expr {
	set, prefix := c.parser.set, Key(of.Slot, AspectValue)
	return Checked{Of: p.match(of.Slot, AspectValue), Accept: func(resource fhirjson.Value) bool {
		wanted := map[[sha256.Size]byte]bool{}
		var values Values
		set.Extract(&values, resource)
		values.Each(func(e Entry) {
			if e.Kind != Posting || !bytes.HasPrefix(e.Key, prefix) || !p.holds(ValueOf(e.Key)) {
				return
			}
			if digest, ok := digestOf(ValueOf(e.Key)); ok {
				wanted[digest] = true
			}
		})
		passes := func(text []byte) bool { return wanted[sha256.Sum256(text)] && test(string(text)) }
		return len(wanted) > 0 && anyString(resource, func(text []byte) bool {
			// The key of a canonical has its URL apart from version and fragment.
			end := bytes.IndexAny(text, "|#")
			return passes(text) || end > 0 && passes(text[:end])
		})
	}}
}

// digestOf finds the component of a value that is a digest.
func digestOf(value []byte) (digest [sha256.Size]byte, ok bool) {
	for len(value) > 0 {
		var part []byte
		if part, value, ok = CutComponent(value); !ok {
			return digest, false
		}
		if isDigest(part) {
			copy(digest[:], part[1:])
			return digest, true
		}
	}
	return digest, false
}

func isDigest(component []byte) bool {
	return len(component) == 1+sha256.Size && component[0] == digestMark
}

// anyString looks for a string that passes the test, anywhere below a value.
func anyString(v fhirjson.Value, test func(text []byte) bool) bool {
	switch v.Kind() {
	case fhirjson.String:
		return test(v.Text())
	case fhirjson.Object, fhirjson.Array:
		for child := v.First(); child.Exists(); child = child.Next() {
			if anyString(child, test) {
				return true
			}
		}
	}
	return false
}
