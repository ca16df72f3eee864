package search

import "strings"

// caseInsensitiveSystems are the code systems whose publishers say that case
// does not distinguish codes. All other codes are compared as they are, UCUM
// above all, where m and M differ. ICD and ISO 3166 are not here: their codes
// are published in capitals, and HL7's records of them (terminology.hl7.org)
// say that case counts.
//
//	LOINC   https://hl7.org/fhir/R4/loinc.html: "not case sensitive"
//	BCP 47  RFC 5646, 2.1.1
var caseInsensitiveSystems = []string{
	"http://loinc.org",
	"urn:ietf:bcp:47",
}

// CaseInsensitiveSystem tells whether the codes of a system are known to be
// the same in upper and lower case.
func CaseInsensitiveSystem(system string) bool { return caseInsensitive(system) }

func caseInsensitive[S string | []byte](system S) bool {
	for _, known := range caseInsensitiveSystems {
		if string(system) == known {
			return true
		}
	}
	return false
}

// isLower tells whether lower leaves a code as it is.
func isLower[C string | []byte](code C) bool {
	for i := range len(code) {
		if c := code[i]; c >= 'A' && c <= 'Z' || c >= 0x80 {
			return false
		}
	}
	return true
}

func lower(code string) string { return strings.ToLower(code) }
