package search

import "encoding/binary"

// Slot is the place of one search parameter of one resource type in the index.
// Parameters that are declared on Resource or DomainResource have one Slot for
// all types. Parameters that always have the same values share a Slot.
//
// The slots of the specification's parameters follow from the definition tables
// and the layout version; those of custom parameters from the order in which the
// log defines them. So a replay of the log gives the same slots.
type Slot uint32

// The slots that every index has.
const (
	SlotType    Slot = 1 // the resource type of a version: [type]
	SlotContent Slot = 2 // words of all texts of a resource: [word]
	SlotText    Slot = 3 // words of the narrative: [word]

	firstStandardSlot Slot = 16
	firstCustomSlot   Slot = 1 << 31
)

// Aspect says which values of a parameter a key holds.
type Aspect byte

// The aspects. The layouts are drawn in the package comment.
const (
	AspectValue      Aspect = 1 // what is searched for without a modifier
	AspectPresent    Aspect = 2 // that there is a value, for :missing
	AspectSystem     Aspect = 3 // the systems of tokens, for `system|`
	AspectIdentifier Aspect = 4 // the identifier of a logical reference, for :identifier
	AspectText       Aspect = 5 // beginnings of words in display and text, for :text
	AspectOfType     Aspect = 6 // identifiers with their type, for :of-type
	AspectForward    Aspect = 7 // where references lead, by position
)

// prefixSize is the length of slot and aspect at the beginning of a key.
const prefixSize = 5

// AppendKey begins a key.
func AppendKey(dst []byte, s Slot, a Aspect) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(s)), byte(a))
}

// Key begins a key of its own.
func Key(s Slot, a Aspect) []byte { return AppendKey(make([]byte, 0, 48), s, a) }

// SlotOf returns the slot of a key.
func SlotOf(key []byte) Slot { return Slot(binary.BigEndian.Uint32(key)) }

// AspectOf returns the aspect of a key.
func AspectOf(key []byte) Aspect { return Aspect(key[4]) }

// ValueOf returns what follows slot and aspect in a key.
func ValueOf(key []byte) []byte { return key[prefixSize:] }

// AppendComponent appends one component of a value: its bytes, such that no
// component is the beginning of another and byte order stays, and an end. Zero
// and one are escaped.
func AppendComponent[T ~string | ~[]byte](dst []byte, component T) []byte {
	for i := range len(component) {
		switch b := component[i]; b {
		case 0:
			dst = append(dst, 1, 1)
		case 1:
			dst = append(dst, 1, 2)
		default:
			dst = append(dst, b)
		}
	}
	return append(dst, 0)
}

// AppendOpen appends the beginning of a component, without its end: a prefix of
// all components that begin so.
func AppendOpen[T ~string | ~[]byte](dst []byte, beginning T) []byte {
	dst = AppendComponent(dst, beginning)
	return dst[:len(dst)-1]
}

// CutComponent splits the first component off a value. ok is false where there
// is none.
func CutComponent(value []byte) (component, rest []byte, ok bool) {
	escaped := false
	for i, b := range value {
		switch b {
		case 1:
			escaped = true
		case 0:
			component, rest = value[:i], value[i+1:]
			if escaped {
				component = unescape(component)
			}
			return component, rest, true
		}
	}
	return nil, value, false
}

func unescape(component []byte) []byte {
	plain := make([]byte, 0, len(component))
	for i := 0; i < len(component); i++ {
		b := component[i]
		if b == 1 && i+1 < len(component) {
			i++
			b = component[i] - 1
		}
		plain = append(plain, b)
	}
	return plain
}
