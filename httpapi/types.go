package httpapi

import (
	"slices"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/definitions"
)

// kind is an interaction of the FHIR specification, or an operation.
type kind uint32

// The kinds are bits, so that a type's rules are one mask.
const (
	readKind kind = 1 << iota
	vreadKind
	updateKind
	patchKind
	deleteKind
	historyInstanceKind
	historyTypeKind
	createKind
	bundleKind
	historySystemKind
	searchTypeKind
	searchSystemKind
	searchCompartmentKind
	includesKind
	purgeKind
	versionsKind
	statusKind
	reindexKind
	indexValuesKind
	rebuildKind
	compactKind
	fhirpathKind
	fhirpathInstanceKind
	validateKind
)

// typeKinds are the interactions that /metadata lists for a type, in the order
// of the specification.
var typeKinds = []kind{readKind, vreadKind, updateKind, patchKind, deleteKind, historyInstanceKind, historyTypeKind, createKind, searchTypeKind}

// code returns the code of the interaction in a CapabilityStatement.
func (k kind) code() string {
	switch k {
	case readKind:
		return "read"
	case vreadKind:
		return "vread"
	case updateKind:
		return "update"
	case patchKind:
		return "patch"
	case deleteKind:
		return "delete"
	case historyInstanceKind:
		return "history-instance"
	case historyTypeKind:
		return "history-type"
	case createKind:
		return "create"
	case historySystemKind:
		return "history-system"
	case searchTypeKind:
		return "search-type"
	case searchSystemKind:
		return "search-system"
	case searchCompartmentKind:
		return "search-compartment"
	case includesKind:
		return "includes"
	case purgeKind:
		return "purge-history"
	case versionsKind:
		return "versions"
	case statusKind:
		return "search-parameter-status"
	case reindexKind:
		return "reindex"
	case indexValuesKind:
		return "resource-reindex"
	case rebuildKind:
		return "rebuild"
	case compactKind:
		return "compact"
	case fhirpathKind:
		return "fhirpath"
	case fhirpathInstanceKind:
		return "resource-fhirpath"
	case validateKind:
		return "validate"
	}
	return ""
}

// withholdable returns the kind that a code in Options.Withheld stands for.
func withholdable(code string) kind {
	for _, k := range append(typeKinds, purgeKind) {
		if k.code() == code {
			return k
		}
	}
	return 0
}

// typeRules is what this server does with one resource type.
type typeRules struct {
	name         domain.ResourceType
	definition   *definitions.Type
	withheld     kind // a mask
	history      bool // former versions are readable
	versioning   commit.VersioningPolicy
	updateCreate bool
}

// offers says whether the type has an interaction. Calls that are no
// interaction (kind 0) are always offered.
func (t *typeRules) offers(k kind) bool { return t.withheld&k == 0 }

func rulesOf(d *definitions.Definitions, o *Options) (map[string]*typeRules, []*typeRules) {
	names := d.Resources()
	byName := make(map[string]*typeRules, len(names))
	sorted := make([]*typeRules, 0, len(names))
	for _, name := range names {
		t := &typeRules{
			name: domain.ResourceType(name), definition: d.Type(name),
			history: true, versioning: o.Versioning, updateCreate: !o.NoUpdateCreate,
		}
		switch name {
		case "AuditEvent":
			// An audit trail that can be rewritten proves nothing.
			t.withheld = updateKind | patchKind | deleteKind | purgeKind
		case "Parameters":
			// It has no endpoint: https://hl7.org/fhir/R4/parameters.html
			t.withheld = ^kind(0)
		}
		if policy, ok := o.VersioningOf[t.name]; ok {
			t.versioning = policy
		}
		if slices.Contains(o.NoHistory, t.name) {
			t.history = false
			t.withheld |= historyInstanceKind | historyTypeKind
		}
		for _, code := range o.Withheld[t.name] {
			t.withheld |= withholdable(code)
		}
		if !t.offers(searchTypeKind) {
			t.withheld |= includesKind
		}
		if !t.offers(readKind) {
			t.withheld |= fhirpathInstanceKind
		}
		byName[name] = t
		sorted = append(sorted, t)
	}
	return byName, sorted
}
