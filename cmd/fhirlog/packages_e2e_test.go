package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// packFile writes a FHIR package: names and contents of the files below package/.
func packFile(t *testing.T, files ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "p.tgz")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	zipped := gzip.NewWriter(file)
	archive := tar.NewWriter(zipped)
	for i := 0; i < len(files); i += 2 {
		if err := archive.WriteHeader(&tar.Header{Name: "package/" + files[i], Mode: 0o644, Size: int64(len(files[i+1])), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), zipped.Close(), file.Close()); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestPackages starts a server with packages: the later one wins, and what is
// stored on the server comes before both.
func TestPackages(t *testing.T) {
	profile := func(element string) string {
		return `{"resourceType":"StructureDefinition","url":"http://a.example/StructureDefinition/p","name":"P","status":"active","kind":"resource","abstract":false,"type":"Patient","derivation":"constraint","baseDefinition":"http://hl7.org/fhir/StructureDefinition/Patient","differential":{"element":[{"id":"Patient","path":"Patient"},{"id":"Patient.` + element + `","path":"Patient.` + element + `","min":1}]}}`
	}
	describe := func(name, version string) string {
		return `{"name":"` + name + `","version":"1.0.0","fhirVersions":["` + version + `"],"dependencies":{"hl7.fhir.r4.core":"4.0.1","example.missing":"1.0.0"}}`
	}
	first := packFile(t, "package.json", describe("example.first", "4.0.1"), "StructureDefinition-p.json", profile("name"))
	second := packFile(t, "package.json", describe("example.second", "4.0.1"), "StructureDefinition-p.json", profile("gender"))
	s := startServer(t, t.TempDir(), "--package", first, "--package", second)
	lacks := func(element string) {
		t.Helper()
		body := string(s.must(200, "POST", "/Patient/$validate?profile=http://a.example/StructureDefinition/p", `{"resourceType":"Patient"}`).body)
		if !strings.Contains(body, "demands the element "+element+" to be there") {
			t.Errorf("no issue that there is no %s: %s", element, body)
		}
	}
	lacks("gender")
	metadata := string(s.must(200, "GET", "/metadata", "").body)
	if !strings.Contains(metadata, `"supportedProfile":["http://a.example/StructureDefinition/p"]`) {
		t.Error("the profile is not in /metadata")
	}
	s.must(201, "POST", "/StructureDefinition", profile("birthDate"))
	lacks("birthDate")
	s.stop()
	log := s.stderr.String()
	for _, want := range []string{`"package":"example.second#1.0.0"`, `"dependency":"example.missing"`} {
		if !strings.Contains(log, want) {
			t.Errorf("no %s in the log\n%s", want, log)
		}
	}

	fresh := filepath.Join(t.TempDir(), "fresh")
	for want, file := range map[string]string{
		"no such file":                     filepath.Join(fresh, "none.tgz"),
		"a gzipped tar archive":            "packages.go",
		"is for FHIR 5.0.0":                packFile(t, "package.json", describe("example.r5", "5.0.0")),
		"ValueSet-v.json: the file is not": packFile(t, "package.json", describe("example.bad", "4.0.1"), "ValueSet-v.json", `{"resourceType":"ValueSet"`),
	} {
		_, stderr, err := runProgram(t, "serve", "--data", fresh, "--listen", "127.0.0.1:0", "--package", file)
		if err == nil || !strings.Contains(stderr, want) || !strings.Contains(stderr, "--package") {
			t.Errorf("--package %s: %v, want a refusal that says %q\n%s", file, err, want, stderr)
		}
	}
	if _, err := os.Stat(fresh); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a refused start made a data folder: %v", err)
	}
}
