package profile

import (
	"slices"

	"fhirlog/domain/definitions"
)

// edition is what the FHIR versions do differently when a snapshot is made of a
// differential. It follows HL7's own snapshots of HL7's own profiles, which the
// test TestPublishedDifferentials of fhirpackage compares. (How STU3 writes
// definitions in another way is in describe.go, which takes both.)
type edition struct {
	// shortPaths says what a differential with Observation.valueQuantity, and no
	// other type of value[x], means for the other types.
	shortPaths shortPaths
	// mustBeThere says that if that one must be there, the element must as well.
	mustBeThere bool
	// contentReferences says that what a profile demands of Questionnaire.item, it
	// demands of Questionnaire.item.item as well.
	contentReferences bool
}

type shortPaths uint8

const (
	othersStay    shortPaths = iota // the other types are as they were
	othersGo                        // they are not permitted
	othersGiveWay                   // they are not permitted if the one must be there
)

func editionOf(d *definitions.Definitions) edition {
	switch d.Version() {
	case definitions.STU3:
		return edition{shortPaths: othersStay, contentReferences: true}
	case definitions.R4:
		return edition{shortPaths: othersGo, contentReferences: true}
	case definitions.R4B:
		return edition{shortPaths: othersGo, mustBeThere: true}
	}
	return edition{shortPaths: othersGiveWay, mustBeThere: true}
}

// narrow permits only the type of a short path, in an element and all below it,
// where a differential has one of them and says nothing else of the types.
func (e *element) narrow(by edition) {
	slices.SortFunc(e.short, func(a, b *definitions.Type) int { return a.Number - b.Number })
	if types := slices.Compact(e.short); len(types) == 1 && len(e.slices) == 1 && e.types == nil && e.slicing == nil {
		only := e.slices[0]
		if by.shortPaths == othersGo || by.shortPaths == othersGiveWay && only.min > 0 {
			e.types, e.typ = []typeRule{{typ: types[0]}}, types[0]
			if by.mustBeThere {
				e.min = max(e.min, only.min)
			}
			e.slicing = &slicing{discriminators: []discriminator{{kind: "type", path: "$this"}}, rules: rulesClosed}
		}
	}
	for _, below := range e.slices {
		below.narrow(by)
	}
	for _, below := range e.children {
		below.narrow(by)
	}
}
