package search

import (
	"crypto/sha256"
	"encoding/binary"
	"unicode/utf8"
)

// MaxKeyText bounds the bytes of one text in a key. What is longer is cut, or
// stands as a digest.
const MaxKeyText = 600

// digestMark begins a component that stands for a text that is too long for a
// key: the SHA-256 of the text follows. No other component begins with it,
// except for the URL of a reference.
const digestMark = 2

// urlMark begins the first component of a reference by URL.
const urlMark = 2

// appendComponent is AppendComponent in one piece where nothing has to be
// escaped, which is nearly always.
func appendComponent[T string | []byte](dst []byte, component T) []byte {
	for i := range len(component) {
		if component[i] <= 1 {
			return AppendComponent(dst, component)
		}
	}
	return append(append(dst, component...), 0)
}

// appendExact appends a text as one component, or its digest if the text is
// too long, or could be taken for a digest.
func appendExact[T string | []byte](dst []byte, text T) []byte {
	if len(text) <= MaxKeyText && (len(text) == 0 || text[0] != digestMark) {
		return appendComponent(dst, text)
	}
	return appendDigest(dst, text)
}

func appendDigest[T string | []byte](dst []byte, text T) []byte {
	var component [1 + sha256.Size]byte
	component[0] = digestMark
	sum := sha256.Sum256([]byte(text))
	copy(component[1:], sum[:])
	return appendComponent(dst, component[:])
}

// cutText cuts a text to at most limit bytes, at the end of a character.
func cutText[T string | []byte](text T, limit int) T {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}

// AppendStringValue appends the value of a string: [normalized][exact, empty if
// the same]. A normalized text longer than MaxKeyText is cut, and an exact one
// that long is replaced by its digest, so that whole values can still be
// looked up; StringIsCut tells.
func AppendStringValue(dst []byte, exact string) []byte {
	if len(exact) <= MaxKeyText && isNormalASCII(exact) && (exact == "" || exact[0] != digestMark) {
		return append(appendComponent(dst, exact), 0)
	}
	return appendStringValue(dst, []byte(exact), []byte(Normalize(exact)))
}

func appendStringValue(dst, exact, normalized []byte) []byte {
	if len(normalized) > MaxKeyText {
		dst = appendComponent(dst, cutText(normalized, MaxKeyText))
		return appendDigest(dst, exact)
	}
	dst = appendComponent(dst, normalized)
	if string(exact) == string(normalized) && (len(exact) == 0 || exact[0] != digestMark) {
		return append(dst, 0)
	}
	return appendExact(dst, exact)
}

// AppendStringPrefix appends the beginning of all values of strings that begin
// with a text, whatever its case and accents. cut tells that the text is too
// long for a key, so that values found must be checked at the resource.
func AppendStringPrefix(dst []byte, beginning string) (prefix []byte, cut bool) {
	normalized := Normalize(beginning)
	kept := cutText(normalized, MaxKeyText)
	return AppendOpen(dst, kept), len(kept) < len(normalized)
}

// StringIsCut tells whether the value of a string does not hold its whole
// text. The normalized component may be whole nevertheless.
func StringIsCut(value []byte) bool {
	if _, rest, ok := CutComponent(value); ok {
		return len(rest) > 0 && rest[0] == digestMark
	}
	return false
}

// The marks tell how the system of a token is known. They stand before the
// system in a key.
const (
	NoSystem      = 2 // none is given
	GivenSystem   = 3
	ImpliedSystem = 4 // a code whose element is bound to one system
)

// AppendTokenValue appends the value of a token: [code][mark system]. Codes of
// case-insensitive systems are lower-cased: whoever looks for a code without
// knowing its system has to look for both spellings.
func AppendTokenValue(dst []byte, system, code string, mark byte) []byte {
	return appendTokenValue(dst, system, code, mark)
}

func appendTokenValue[S, C string | []byte](dst []byte, system S, code C, mark byte) []byte {
	dst = appendCode(dst, system, code)
	return appendSystem(dst, system, mark)
}

// appendCode appends the code of a token as one component.
func appendCode[S, C string | []byte](dst []byte, system S, code C) []byte {
	if len(system) > 0 && caseInsensitive(system) && !isLower(code) {
		return appendExact(dst, lower(string(code)))
	}
	return appendExact(dst, code)
}

// AppendSystem appends the component [mark system] of a token's value, which is
// also the whole value of AspectSystem.
func AppendSystem(dst []byte, system string, mark byte) []byte {
	return appendSystem(dst, system, mark)
}

func appendSystem[S string | []byte](dst []byte, system S, mark byte) []byte {
	dst = append(dst, mark)
	return appendExact(dst, system)
}

// AppendReferenceValue appends the value of a reference to a resource of this
// server: [id][type][version]; type and version are empty if they are not given.
func AppendReferenceValue(dst []byte, id, typ, version string) []byte {
	return appendReferenceValue(dst, id, typ, version)
}

func appendReferenceValue[T string | []byte](dst []byte, id, typ, version T) []byte {
	dst = appendComponent(dst, id)
	dst = appendComponent(dst, typ)
	return appendComponent(dst, version)
}

// AppendURLValue appends the value of a reference by an absolute URL or a
// canonical: [2 url][version][].
func AppendURLValue(dst []byte, url, version string) []byte {
	return appendURLValue(dst, url, version)
}

func appendURLValue[S, V string | []byte](dst []byte, url S, version V) []byte {
	dst = append(dst, urlMark)
	dst = appendExact(dst, url)
	dst = appendExact(dst, version)
	return append(dst, 0)
}

// AppendURIValue appends the value of a uri or canonical: [uri][version]. A
// canonical with a fragment has two values, with the version and with
// version#fragment.
func AppendURIValue(dst []byte, uri, version string) []byte {
	return appendURIValue(dst, uri, version)
}

func appendURIValue[S, V string | []byte](dst []byte, uri S, version V) []byte {
	dst = appendExact(dst, uri)
	return appendExact(dst, version)
}

// AppendOfTypeValue appends the value of AspectOfType: [value][code of the
// type][system of the type].
func AppendOfTypeValue(dst []byte, value, typeSystem, typeCode string) []byte {
	return appendOfTypeValue(dst, value, typeSystem, typeCode)
}

func appendOfTypeValue[T string | []byte](dst []byte, value, typeSystem, typeCode T) []byte {
	dst = appendExact(dst, value)
	dst = appendCode(dst, typeSystem, typeCode)
	return appendExact(dst, typeSystem)
}

// AppendQuantityValue appends the key of a column of quantities:
// [code][system][unit].
func AppendQuantityValue(dst []byte, code, system, unit string) []byte {
	return appendQuantityValue(dst, code, system, unit)
}

func appendQuantityValue[C, S, U string | []byte](dst []byte, code C, system S, unit U) []byte {
	dst = appendExact(dst, code)
	dst = appendExact(dst, system)
	return appendExact(dst, unit)
}

// AppendInt64Component appends a low or high value as one component, in the
// order of the numbers: what stands in the key of a composite for a number or
// date that is not its last component.
func AppendInt64Component(dst []byte, value int64) []byte {
	var component [8]byte
	binary.BigEndian.PutUint64(component[:], uint64(value)^1<<63)
	return appendComponent(dst, component[:])
}
