package validate

import "fhirlog/domain/definitions"

// byHand are the invariants that the walk checks itself, with how: they hold for
// very many elements, or are part of the structure.
var byHand = map[string]string{
	"ele-1": "elementRule: an element has a value or children",
	"ext-1": "extensionRule",
	"dom-2": "containedRules",
	"dom-3": "unreached: what is contained is referred to, or refers to its container",
	"txt-1": "narrative: elements and attributes of XHTML that are allowed",
	"txt-2": "narrative: some content",
	"ref-1": "referenceRules: a fragment names a contained resource",
}

// unusable tells why an invariant is not checked in a FHIR version; "" if it is.
func unusable(v definitions.Version, key string) string { return unusableInvariants[v][key] }

// unusableInvariants are those that cannot be evaluated as published, or need
// what a resource alone does not tell.
var unusableInvariants = map[definitions.Version]map[string]string{
	definitions.R5: {
		"eld-11": "calls contains() on the codes of all types, which must be a single one; and means by \":\" a string, which it is not",
		"prov-1": "compares resources that are elsewhere",
		"prov-2": "compares resources that are elsewhere",
		"prov-3": "compares resources that are elsewhere",
	},
}

// mended returns the expression of an invariant as it is meant.
func mended(v definitions.Version, key, published string) string {
	if better := mendedInvariants[v][key]; better != "" {
		return better
	}
	return published
}

// The expressions of rules that say something else than their text, in the words
// of a later version of the specification.
const (
	booleanAnswer   = "operator = 'exists' implies (answer is boolean)"
	eachWhen        = "offset.empty() or (when.exists() and when.select($this in ('C' | 'CM' | 'CD' | 'CV')).allFalse())"
	problemListItem = `clinicalStatus.exists() or verificationStatus.coding.where(system='http://terminology.hl7.org/CodeSystem/condition-ver-status' and code='entered-in-error').exists()
		or category.coding.where(system='http://terminology.hl7.org/CodeSystem/condition-category' and code='problem-list-item').empty()`
)

// mendedInvariants are those of which the mistake is plain: what they refuse is
// right by their own text.
var mendedInvariants = map[definitions.Version]map[string]string{
	definitions.STU3: {
		"nsd-1": "kind != 'root' or uniqueId.all(type != 'uuid')",             // demanded what it is to forbid
		"mad-3": "reasonCode.empty() or notGiven.empty() or notGiven = false", // compared a boolean with a string
		"tim-9": eachWhen,                                                     // fails if when repeats
	},
	definitions.R4: {
		"que-7": booleanAnswer,   // named System.Boolean, which no element is
		"con-3": problemListItem, // compared a concept with a string
		"tim-9": eachWhen,        // fails if when repeats
	},
	definitions.R4B: {
		"tim-9": eachWhen, // fails if when repeats
	},
}
