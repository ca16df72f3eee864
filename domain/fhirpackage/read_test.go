package fhirpackage

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/profile"
)

// file is a file of an archive; links have a target.
type file struct{ name, content, target string }

// pack makes an archive.
func pack(t testing.TB, files ...file) []byte {
	t.Helper()
	var packed bytes.Buffer
	zipped := gzip.NewWriter(&packed)
	archive := tar.NewWriter(zipped)
	for _, f := range files {
		header := &tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.content)), Typeflag: tar.TypeReg}
		if f.target != "" {
			header.Typeflag, header.Linkname, header.Size = tar.TypeSymlink, f.target, 0
		}
		if err := archive.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(f.content)); f.target == "" && err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

const (
	manifest = `{"name":"example.clinic","version":"1.2.0","fhirVersions":["4.0.1"],"dependencies":{"hl7.fhir.r4.core":"4.0.1","example.base":"1.0.0"}}`
	clinic   = `{"resourceType":"StructureDefinition","url":"http://example.org/p","version":"1","kind":"resource","type":"Patient","derivation":"constraint","name":"first"}`
	clinic2  = `{"resourceType":"StructureDefinition","url":"http://example.org/p","version":"2","kind":"resource","type":"Patient","derivation":"constraint","name":"second"}`
	codes    = "\xef\xbb\xbf" + `{"resourceType":"CodeSystem","url":"http://example.org/c"}`
	values   = `{"resourceType":"ValueSet","url":"http://example.org/v"}`
	example  = `{"resourceType":"Patient","id":"a","note":"ValueSet"}`
)

func TestRead(t *testing.T) {
	p, err := Read(bytes.NewReader(pack(t,
		file{name: "package/package.json", content: manifest},
		file{name: "package/StructureDefinition-p.json", content: clinic},
		file{name: "package/StructureDefinition-p2.json", content: clinic2},
		file{name: "package/CodeSystem-c.json", content: codes},
		file{name: "./package/ValueSet-v.json", content: values},
		file{name: "package/.index.json", content: `{"files":"ValueSet" `},
		file{name: "package/Patient-a.json", content: example},
		file{name: "package/notes.md", content: "# not JSON"},
		file{name: "package/example/StructureDefinition-x.json", content: strings.ReplaceAll(clinic, "/p", "/x")},
		file{name: "package/../../etc/StructureDefinition-y.json", content: strings.ReplaceAll(clinic, "/p", "/y")},
		file{name: "package/StructureDefinition-z.json", target: "/etc/passwd"},
	)), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if p.String() != "example.clinic#1.2.0" || p.Len() != 3 || p.Dependencies["example.base"] != "1.0.0" {
		t.Errorf("got %s with %d definitions and the dependencies %v", p, p.Len(), p.Dependencies)
	}
	for _, c := range []struct {
		typ          string
		url, version string
		want         string // the name or the url
	}{
		{"StructureDefinition", "http://example.org/p", "", "second"},
		{"StructureDefinition", "http://example.org/p", "1", "first"},
		{"StructureDefinition", "http://example.org/p", "3", ""},
		{"StructureDefinition", "http://example.org/x", "", ""},
		{"StructureDefinition", "http://example.org/y", "", ""},
		{"CodeSystem", "http://example.org/c", "", "http://example.org/c"},
		{"ValueSet", "http://example.org/v", "", "http://example.org/v"},
		{"ValueSet", "http://example.org/c", "", ""},
	} {
		v, err := p.Find(t.Context(), domain.ResourceType(c.typ), c.url, c.version)
		got := v.Get("name").String()
		if v.Exists() && got == "" {
			got = v.Get("url").String()
		}
		if err != nil || got != c.want {
			t.Errorf("Find(%s, %s, %s) = %q, %v, want %q", c.typ, c.url, c.version, got, err, c.want)
		}
	}
	list, err := p.Profiles(t.Context())
	if err != nil || len(list) != 2 || list[0] != (profile.Summary{URL: "http://example.org/p", Type: "Patient"}) {
		t.Errorf("Profiles() = %v, %v", list, err)
	}
	for version, want := range map[string]bool{"4.0.1": true, "4.0.0": true, "4.3.0": false, "5.0.0": false} {
		if p.Serves(version) != want {
			t.Errorf("Serves(%s) = %v", version, !want)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	whole := pack(t, file{name: "package/package.json", content: manifest}, file{name: "package/StructureDefinition-p.json", content: clinic})
	zeros := strings.Repeat("\x00", 1<<20)
	for name, c := range map[string]struct {
		archive []byte
		want    string
	}{
		"nothing":             {nil, "a package is a gzipped tar archive"},
		"no archive":          {[]byte("PK\x03\x04 and more that is not"), "a package is a gzipped tar archive"},
		"cut off":             {whole[:len(whole)-40], "unexpected EOF"},
		"no manifest":         {pack(t, file{name: "package/StructureDefinition-p.json", content: clinic}), "no package/package.json with a name"},
		"a broken manifest":   {pack(t, file{name: "package/package.json", content: `{"name":`}), "package/package.json: read the description of the package"},
		"a broken definition": {pack(t, file{name: "package/package.json", content: manifest}, file{name: "package/StructureDefinition-p.json", content: clinic + clinic}), "package/StructureDefinition-p.json: the file is not well-formed JSON"},
		"a large file":        {pack(t, file{name: "package/package.json", content: manifest}, file{name: "package/StructureDefinition-p.json", content: zeros[:1<<20-1]}), "has 1048575 bytes, more than 500000"},
		"many files":          {pack(t, file{name: "a"}, file{name: "b"}, file{name: "c"}, file{name: "d"}, file{name: "e"}, file{name: "f"}), "more than 5 files"},
		"a bomb":              {pack(t, file{name: "other/a", content: zeros}, file{name: "other/b", content: zeros}, file{name: "other/c", content: zeros}), "more than 2000000 bytes when it is decompressed"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Read(bytes.NewReader(c.archive), Limits{Bytes: 2_000_000, FileBytes: 500_000, Files: 5})
			if p != nil || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, %v, want an error with %q", p, err, c.want)
			}
		})
	}
}

// FuzzRead reads any archive: it ends, and what it finds can be read again.
func FuzzRead(f *testing.F) {
	f.Add(pack(f, file{name: "package/package.json", content: manifest}, file{name: "package/StructureDefinition-p.json", content: clinic}))
	f.Add(pack(f, file{name: "package/ValueSet-v.json", content: values}, file{name: "package/x", target: "y"}))
	f.Fuzz(func(t *testing.T, archive []byte) {
		p, err := Read(bytes.NewReader(archive), Limits{Bytes: 1 << 20, FileBytes: 1 << 18, Files: 100})
		if err != nil {
			return
		}
		for at := range p.definitions {
			if v, err := p.Find(t.Context(), at.typ, at.url, ""); err != nil || v.Get("url").String() != at.url {
				t.Errorf("Find(%s, %q) = %v, %v", at.typ, at.url, v, err)
			}
		}
	})
}
