package profile

import (
	"strings"

	"fhirlog/domain/definitions"
)

// ownTypes leaves out types that are those of the specification.
func ownTypes(types []typeRule, def *definitions.Element) []typeRule {
	if def == nil || len(types) == 0 {
		return types
	}
	if len(def.Types) == 0 { // a backbone, which has no types to choose from
		return nil
	}
	if len(types) != len(def.Types) {
		return types
	}
	for i := range types {
		of := findType(def.Types, types[i].typ)
		if of == nil || !sameTexts(types[i].targets, of.Targets) || !sameTexts(types[i].profiles, of.Profiles) {
			return types
		}
	}
	return nil
}

func findType(refs []definitions.TypeRef, t *definitions.Type) *definitions.TypeRef {
	for i := range refs {
		if refs[i].Type == t || refs[i].Type.Profile && refs[i].Type.Base == t.Name {
			return &refs[i]
		}
	}
	return nil
}

// sameTexts compares lists of types, by URL or name and in any order.
func sameTexts(urls, names []string) bool {
	if len(urls) != len(names) {
		return len(names) == 0 && len(urls) == 1 && isCoreProfile(urls[0])
	}
	for _, url := range urls {
		found := false
		for _, name := range names {
			found = found || strings.TrimPrefix(url, coreURL) == strings.TrimPrefix(name, coreURL)
		}
		if !found {
			return false
		}
	}
	return true
}

// isCoreProfile says that a profile is one that the tables know as a type, such
// as SimpleQuantity, or demands nothing, such as any Resource.
func isCoreProfile(url string) bool {
	switch strings.TrimPrefix(url, coreURL) {
	case "SimpleQuantity", "MoneyQuantity", "Resource":
		return true
	}
	return false
}

// ownBinding leaves out the binding of the specification.
func ownBinding(b *binding, def *definitions.Element) *binding {
	if b == nil || def == nil || def.Binding == nil || b.strength != def.Binding.Strength {
		return b
	}
	url, _, _ := strings.Cut(b.valueSet, "|")
	if url == def.Binding.ValueSet && (b.greatest == "" || b.greatest == def.Binding.MaxValueSet) {
		return nil
	}
	return b
}
