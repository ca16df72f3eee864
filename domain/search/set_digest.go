package search

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"fhirlog/domain/definitions"
)

// computeDigest hashes all that index values depend on beside the code: the
// parameters of the specification with their slots and programs, the FHIR
// version with its types and codes, and the version of Unicode.
func (b *setBuilder) computeDigest() string {
	h := sha256.New()
	d := b.set.definitions
	fmt.Fprintln(h, "fhirlog search", LayoutVersion, d.FHIRVersion(), unicode.Version, norm.Version)
	for _, resource := range d.Resources() {
		c := &pathCompiler{definitions: d, resource: d.Type(resource)}
		fmt.Fprintln(h, resource)
		for _, p := range b.set.plans[resource].parameters {
			if p.program == nil {
				continue
			}
			fmt.Fprintln(h, p.Slot, p.Type, p.Shared, p.Narrow, p.program.fullKey())
			for _, found := range p.program.paths {
				_, systems := systemsOfPath(c, p.Type, found)
				fmt.Fprintln(h, systems)
			}
		}
	}
	for _, t := range slices.SortedFunc(maps.Keys(b.shapes.made), func(a, b *definitions.Type) int { return strings.Compare(a.Name, b.Name) }) {
		writeShape(h, b.shapes.made[t])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// writeShape writes where texts are.
func writeShape(w io.Writer, s *shape) {
	fmt.Fprintln(w, s.typ.Name)
	for i := range s.members {
		fmt.Fprintln(w, s.members[i].name, s.members[i].text, s.members[i].member.Type.Name)
	}
}
