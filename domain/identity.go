package domain

import (
	"fmt"
	"strconv"
)

// ResourceType is the name of a FHIR resource type, such as Patient. Names
// are case-sensitive. Whether a name exists depends on the FHIR version and is
// answered by the definitions package.
type ResourceType string

// LogicalID is the id of a resource on this server: 1 to 64 characters of
// A-Z, a-z, 0-9, '-' and '.' (https://hl7.org/fhir/R4/datatypes.html#id).
type LogicalID string

// MaxLogicalID is the greatest length of a LogicalID in bytes.
const MaxLogicalID = 64

// ParseLogicalID checks s against the grammar of FHIR ids.
func ParseLogicalID(s string) (LogicalID, error) {
	if len(s) == 0 || len(s) > MaxLogicalID {
		return "", fmt.Errorf("an id has 1 to %d characters, this one has %d", MaxLogicalID, len(s))
	}
	if s == "." || s == ".." {
		// Legal in FHIR, and unreachable: every client takes them for path steps
		// (RFC 3986, 5.2.4).
		return "", fmt.Errorf("an id cannot be %q, which a URL takes for a step in its path", s)
	}
	for i := 0; i < len(s); i++ {
		if !isIDByte(s[i]) {
			return "", fmt.Errorf("an id holds only letters, digits, '-' and '.'; the character at %d is none of these", i)
		}
	}
	return LogicalID(s), nil
}

func isIDByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '-' || c == '.'
}

// String returns the id as it stands in a URL.
func (id LogicalID) String() string { return string(id) }

// VersionID is meta.versionId: a counter from 1 that each stored change of a
// resource raises by exactly 1. Zero means "no version".
type VersionID uint64

// ParseVersionID reads the decimal form without sign or leading zeros, so
// that ParseVersionID and String are inverses.
func ParseVersionID(s string) (VersionID, error) {
	if s == "" || s[0] < '1' || s[0] > '9' {
		return 0, fmt.Errorf("a version id is a whole number from 1")
	}
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("a version id is a whole number from 1")
	}
	return VersionID(n), nil
}

// String returns the decimal form used in meta.versionId, ETags and URLs.
func (v VersionID) String() string { return strconv.FormatUint(uint64(v), 10) }
