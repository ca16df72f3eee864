package keys

import (
	"bytes"
	"encoding/binary"

	"fhirlog/domain"
)

// Format is the version of the layout. A folder of another format is rebuilt.
const Format = 1

// The first bytes of the key families.
const (
	metaFamily    = 'm'
	currentFamily = 'c'
	versionFamily = 'v'
	setFamily     = 'h'
	sizeFamily    = 'n'
)

// The keys that describe the folder itself.
var (
	FormatKey     = []byte("mformat")
	FHIRKey       = []byte("mfhir")
	LogKey        = []byte("mlog")
	CurrentCursor = []byte("mcurrent")
	HistoryCursor = []byte("mhistory")
)

// Current is the key of a resource's current state.
func Current(t domain.ResourceType, id domain.LogicalID) []byte {
	key := make([]byte, 0, 2+len(t)+len(id))
	key = append(key, currentFamily)
	key = append(key, t...)
	key = append(key, 0)
	return append(key, id...)
}

// ParseCurrent inverts Current.
func ParseCurrent(key []byte) (domain.ResourceType, domain.LogicalID, bool) {
	if len(key) == 0 || key[0] != currentFamily {
		return "", "", false
	}
	t, id, ok := bytes.Cut(key[1:], []byte{0})
	return domain.ResourceType(t), domain.LogicalID(id), ok
}

// Version is the key of a version that is kept and not current.
func Version(t domain.ResourceType, id domain.LogicalID, v domain.VersionID) []byte {
	return binary.BigEndian.AppendUint64(Versions(t, id), uint64(v))
}

// Versions is the prefix of all Version keys of one resource.
func Versions(t domain.ResourceType, id domain.LogicalID) []byte {
	key := make([]byte, 0, 3+len(t)+len(id)+8)
	key = append(key, versionFamily)
	key = append(key, t...)
	key = append(key, 0)
	key = append(key, id...)
	return append(key, 0)
}

// VersionOf returns the version at the end of a Version key.
func VersionOf(key []byte) domain.VersionID {
	return domain.VersionID(binary.BigEndian.Uint64(key[len(key)-8:]))
}

// Set is the key of the positions of type t within a block; "" is the system.
func Set(t domain.ResourceType, block uint32) []byte { return blockKey(setFamily, t, block) }

// Size is the key of the number of positions in a Set.
func Size(t domain.ResourceType, block uint32) []byte { return blockKey(sizeFamily, t, block) }

// Sizes is the prefix of all Size keys.
func Sizes() []byte { return []byte{sizeFamily} }

func blockKey(family byte, t domain.ResourceType, block uint32) []byte {
	key := make([]byte, 0, 6+len(t))
	key = append(key, family)
	key = append(key, t...)
	key = append(key, 0)
	return binary.BigEndian.AppendUint32(key, block)
}

// ParseSize inverts Size.
func ParseSize(key []byte) (t domain.ResourceType, block uint32, ok bool) {
	if len(key) < 6 || key[0] != sizeFamily || key[len(key)-5] != 0 {
		return "", 0, false
	}
	return domain.ResourceType(key[1 : len(key)-5]), binary.BigEndian.Uint32(key[len(key)-4:]), true
}
