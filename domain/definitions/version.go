package definitions

import (
	_ "embed"
	"fmt"
)

// Version names a FHIR release as the command line does.
type Version string

// The versions that fhirlog has tables of.
const (
	R4   Version = "R4"
	STU3 Version = "STU3"
	R4B  Version = "R4B"
	R5   Version = "R5"
)

// Versions returns all versions, the default first.
func Versions() []Version { return []Version{R4, STU3, R4B, R5} }

// ParseVersion reads the name of a version, in exactly the spelling of the
// constants.
func ParseVersion(s string) (Version, error) {
	for _, v := range Versions() {
		if string(v) == s {
			return v, nil
		}
	}
	return "", fmt.Errorf("unknown FHIR version %q: known are %v", s, Versions())
}

// String returns the name, such as "R4B".
func (v Version) String() string { return string(v) }

//go:generate go run ./generate -packages ${FHIR_PACKAGES} -out .

//go:embed r4.tables
var tablesR4 []byte

//go:embed stu3.tables
var tablesSTU3 []byte

//go:embed r4b.tables
var tablesR4B []byte

//go:embed r5.tables
var tablesR5 []byte

func (v Version) embedded() []byte {
	switch v {
	case R4:
		return tablesR4
	case STU3:
		return tablesSTU3
	case R4B:
		return tablesR4B
	case R5:
		return tablesR5
	}
	return nil
}
