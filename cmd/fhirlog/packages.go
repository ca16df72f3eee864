package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirpackage"
	"fhirlog/domain/profile"
)

// readPackages reads the FHIR packages that serve was given.
func readPackages(files []string) ([]*fhirpackage.Package, error) {
	var packages []*fhirpackage.Package
	for _, name := range files {
		p, err := readPackage(name)
		if err != nil {
			return nil, fmt.Errorf("--package %s: %w", name, err)
		}
		packages = append(packages, p)
	}
	return packages, nil
}

// checkPackages makes sure that the packages are for a FHIR version; "" stands for
// one that is not known yet.
func checkPackages(packages []*fhirpackage.Package, version definitions.Version) error {
	if version == "" {
		return nil
	}
	d, err := definitions.Load(version)
	if err != nil {
		return err
	}
	for _, p := range packages {
		if !p.Serves(d.FHIRVersion()) {
			return fmt.Errorf("--package: the package %s is for FHIR %s, and this server is for %s", p, strings.Join(p.FHIRVersions, ", "), d.FHIRVersion())
		}
	}
	return nil
}

func readPackage(name string) (*fhirpackage.Package, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return fhirpackage.Read(file, fhirpackage.Limits{})
}

// newProfiles makes what checks profiles: what is stored here comes first, then
// the packages, the last one first.
func (n *node) newProfiles(packages []*fhirpackage.Package) *profile.Validator {
	libraries := profile.Libraries{n.projections.Library()}
	for _, p := range slices.Backward(packages) {
		libraries = append(libraries, p)
	}
	return profile.New(n.definitions, libraries, time.Now)
}

// reportPackages logs what was read, and which packages would be needed besides.
func reportPackages(log zerolog.Logger, packages []*fhirpackage.Package) {
	for _, p := range packages {
		log.Info().Stringer("package", p).Int("definitions", p.Len()).Msg("package read")
		for name := range p.Dependencies {
			given := slices.ContainsFunc(packages, func(other *fhirpackage.Package) bool { return other.Name == name })
			if !given && !fhirpackage.IsCore(name) {
				log.Warn().Stringer("package", p).Str("dependency", name).Msg("a package that this one depends on was not given: what refers to it cannot be checked")
			}
		}
	}
}
