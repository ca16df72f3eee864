package keys

import (
	"bytes"
	"encoding/binary"

	"fhirlog/domain"
)

// Format is the version of the layout. A folder of another format is rebuilt.
const Format = 2

// The first bytes of the key families.
const (
	metaFamily    = 'm'
	currentFamily = 'c'
	versionFamily = 'v'
	setFamily     = 'h'
	sizeFamily    = 'n'
	postingFamily = 'i'
	columnFamily  = 'd'
	forwardFamily = 'f'
	endingFamily  = 's'
	// RegistryFamily begins the rows of package parameters, which draws them.
	RegistryFamily = 'q'
	savedFamily    = 'w'
)

// The keys that describe the folder itself.
var (
	FormatKey     = []byte("mformat")
	FHIRKey       = []byte("mfhir")
	LogKey        = []byte("mlog")
	CurrentCursor = []byte("mcurrent")
	HistoryCursor = []byte("mhistory")
	IndexCursor   = []byte("mindex")
	// RegistryCursor is how many records the registry has taken into account. It may
	// be ahead of the other cursors.
	RegistryCursor = []byte("mregistry")
	SavedCursor    = []byte("msaved")
	SearchKey      = []byte("msearch")
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

// Index families: what a key of the search index holds within a block.
type IndexFamily byte

// The families.
const (
	Postings IndexFamily = postingFamily
	Columns  IndexFamily = columnFamily
	Forwards IndexFamily = forwardFamily
)

// Index is the key of what an index key (slot, aspect, value; see domain/search)
// holds within a block.
func Index(f IndexFamily, indexKey string, block uint32) []byte {
	key := make([]byte, 0, 5+len(indexKey))
	key = append(key, byte(f))
	key = append(key, indexKey...)
	return binary.BigEndian.AppendUint32(key, block)
}

// IndexPrefix is the beginning of the Index keys of all index keys that begin
// with beginning.
func IndexPrefix(f IndexFamily, beginning []byte) []byte {
	return append(append(make([]byte, 0, 5+len(beginning)), byte(f)), beginning...)
}

// ParseIndex inverts Index. The index key shares memory with key.
func ParseIndex(key []byte) (indexKey []byte, block uint32, ok bool) {
	if len(key) < 10 {
		return nil, 0, false
	}
	end := len(key) - 4
	return key[1:end], binary.BigEndian.Uint32(key[end:]), true
}

// Endings is the key of the endings that events of block by gave to versions of
// a block.
func Endings(block, by uint32) []byte {
	return binary.BigEndian.AppendUint32(EndingsOf(block), by)
}

// EndingsOf is the prefix of the Endings keys of a block.
func EndingsOf(block uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{endingFamily}, block)
}

// AllEndings is the prefix of all Endings keys.
func AllEndings() []byte { return []byte{endingFamily} }

// ParseEndings inverts Endings.
func ParseEndings(key []byte) (block, by uint32, ok bool) {
	if len(key) != 9 || key[0] != endingFamily {
		return 0, 0, false
	}
	return binary.BigEndian.Uint32(key[1:]), binary.BigEndian.Uint32(key[5:]), true
}

// SavedHead is the key of one piece of the head that a clean stop has saved.
func SavedHead(block, piece uint32) []byte {
	return binary.BigEndian.AppendUint32(SavedHeads(block), piece)
}

// SavedHeads is the prefix of all SavedHead keys of a block.
func SavedHeads(block uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{savedFamily}, block)
}
