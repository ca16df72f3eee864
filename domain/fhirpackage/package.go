package fhirpackage

import (
	"context"
	"fmt"
	"strings"

	"github.com/klauspost/compress/zstd"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/profile"
)

var _ profile.Library = (*Package)(nil)

// Package is a FHIR package: the definitions in it.
type Package struct {
	Name, Version string
	FHIRVersions  []string          // that it is for; none if it does not say
	Dependencies  map[string]string // versions by the names of packages

	definitions map[address][]stored
	profiles    []profile.Summary
}

// address is how a definition is asked for.
type address struct {
	typ domain.ResourceType
	url string
}

// stored is one definition: its business version and its text, compressed, as a
// package holds tens of megabytes of which little is ever asked for.
type stored struct {
	version string
	text    []byte
}

func newPackage() *Package { return &Package{definitions: map[address][]stored{}} }

// String names the package as in the list of dependencies of another.
func (p *Package) String() string { return printable(p.Name) + "#" + printable(p.Version) }

// Len is how many definitions there are.
func (p *Package) Len() int { return len(p.definitions) }

// Serves says whether the package is for a FHIR version, such as 4.0.1: the first
// two numbers decide.
func (p *Package) Serves(version string) bool {
	for _, v := range p.FHIRVersions {
		if release(v) == release(version) {
			return true
		}
	}
	return len(p.FHIRVersions) == 0
}

func release(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// IsCore says whether a name is that of a package of the specification itself,
// whose definitions of types every server has.
func IsCore(name string) bool {
	return strings.HasPrefix(name, "hl7.fhir.r") && strings.HasSuffix(name, ".core")
}

// State is always the same.
func (p *Package) State(context.Context) (string, error) { return p.String(), nil }

// Find returns a definition; without version the one that comes last.
func (p *Package) Find(_ context.Context, t domain.ResourceType, url, version string) (fhirjson.Value, error) {
	all := p.definitions[address{t, url}]
	for i := len(all) - 1; i >= 0; i-- {
		if version != "" && all[i].version != version {
			continue
		}
		text, err := decode(all[i].text)
		if err != nil {
			return fhirjson.Value{}, fmt.Errorf("read %s %s of the package %s: %w", t, url, p, err)
		}
		document, err := fhirjson.Parse(text, fhirjson.Limits{})
		if err != nil {
			return fhirjson.Value{}, fmt.Errorf("read %s %s of the package %s: %w", t, url, p, err)
		}
		return document.Root(), nil
	}
	return fhirjson.Value{}, nil
}

func decode(text []byte) ([]byte, error) {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer decoder.Close()
	return decoder.DecodeAll(text, nil)
}

// Profiles lists the profiles of resources.
func (p *Package) Profiles(context.Context) ([]profile.Summary, error) { return p.profiles, nil }
