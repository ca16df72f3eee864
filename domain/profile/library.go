package profile

import (
	"context"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
)

// The types of resources that a Library holds.
const (
	StructureDefinition domain.ResourceType = "StructureDefinition"
	ValueSet            domain.ResourceType = "ValueSet"
	CodeSystem          domain.ResourceType = "CodeSystem"
)

// Library finds definitions by their canonical URLs. It is called concurrently.
type Library interface {
	// State names what the library holds: as long as it answers the same, so do the
	// other methods.
	State(ctx context.Context) (string, error)
	// Find returns the definition of a type with a URL: of a business version, or
	// the latest if version is "". An absent value means that there is none.
	Find(ctx context.Context, t domain.ResourceType, url, version string) (fhirjson.Value, error)
	// Profiles lists the profiles there are, at most MostProfiles of them.
	Profiles(ctx context.Context) ([]Summary, error)
}

// MostProfiles is how many profiles a Library lists.
const MostProfiles = 5_000

// Summary is a profile in the list of a Library.
type Summary struct {
	URL  string
	Type domain.ResourceType // that it constrains; a data type as well
}

// Summarize returns what a StructureDefinition is in the list of a Library; ok is
// false if it is none that belongs there, such as an extension. Its kind does not
// tell: HL7's own example of a profile for R4 calls itself a complex-type.
func Summarize(v fhirjson.Value) (s Summary, ok bool) {
	s = Summary{v.Get("url").String(), domain.ResourceType(v.Get("type").String())}
	return s, s.URL != "" && v.Get("derivation").String() == "constraint" && s.Type != "Extension"
}

// Libraries are several libraries, those that come first winning.
type Libraries []Library

// State joins the states.
func (ls Libraries) State(ctx context.Context) (string, error) {
	all := ""
	for _, l := range ls {
		state, err := l.State(ctx)
		if err != nil {
			return "", err
		}
		all += state + "\n"
	}
	return all, nil
}

// Find asks one after the other.
func (ls Libraries) Find(ctx context.Context, t domain.ResourceType, url, version string) (fhirjson.Value, error) {
	for _, l := range ls {
		if found, err := l.Find(ctx, t, url, version); err != nil || found.Exists() {
			return found, err
		}
	}
	return fhirjson.Value{}, nil
}

// Profiles lists each URL once.
func (ls Libraries) Profiles(ctx context.Context) ([]Summary, error) {
	var all []Summary
	seen := map[string]bool{}
	for _, l := range ls {
		list, err := l.Profiles(ctx)
		if err != nil {
			return nil, err
		}
		for _, s := range list {
			if !seen[s.URL] && len(all) < MostProfiles {
				seen[s.URL] = true
				all = append(all, s)
			}
		}
	}
	return all, nil
}
