package fhirpackage

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/zstd"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/profile"
)

// Limits bounds what Read accepts. Zero fields mean the default.
type Limits struct {
	Bytes     int64 // of all files, decompressed; 0 means 1 GiB
	FileBytes int64 // of one file; 0 means 64 MiB
	Files     int   // 0 means 200,000
}

func (l Limits) withDefaults() Limits {
	if l.Bytes == 0 {
		l.Bytes = 1 << 30
	}
	if l.FileBytes == 0 {
		l.FileBytes = 64 << 20
	}
	if l.Files == 0 {
		l.Files = 200_000
	}
	return l
}

// folder is where the definitions of a package are.
const folder = "package/"

// Read reads a package.
func Read(archive io.Reader, limits Limits) (*Package, error) {
	limits = limits.withDefaults()
	unzipped, err := gzip.NewReader(archive)
	if err != nil {
		return nil, fmt.Errorf("a package is a gzipped tar archive: %w", err)
	}
	p := newPackage()
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	bounded := &boundedReader{from: unzipped, left: limits.Bytes}
	entries := tar.NewReader(bounded)
	for count := 0; ; count++ {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, bounded.explain(fmt.Errorf("read the archive: %w", err), limits.Bytes)
		}
		if count >= limits.Files {
			return nil, fmt.Errorf("the package has more than %d files", limits.Files)
		}
		name := path.Clean(header.Name)
		if header.Typeflag != tar.TypeReg || path.Ext(name) != ".json" || path.Dir(name)+"/" != folder {
			continue
		}
		if header.Size > limits.FileBytes {
			return nil, fmt.Errorf("%s: the file has %d bytes, more than %d", printable(name), header.Size, limits.FileBytes)
		}
		content, err := io.ReadAll(io.LimitReader(entries, limits.FileBytes))
		if err != nil {
			return nil, bounded.explain(fmt.Errorf("%s: %w", printable(name), err), limits.Bytes)
		}
		if err := p.take(strings.TrimPrefix(name, folder), content, encoder); err != nil {
			return nil, fmt.Errorf("%s: %w", printable(name), err)
		}
	}
	if p.Name == "" {
		return nil, errors.New("the archive has no package/package.json with a name, so it is no FHIR package")
	}
	return p, nil
}

// boundedReader fails beyond a number of bytes: an archive of a few kilobytes can
// decompress to terabytes.
type boundedReader struct {
	from io.Reader
	left int64
}

var errTooLarge = errors.New("too large")

// Read reads as long as there are bytes left.
func (b *boundedReader) Read(into []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLarge
	}
	if int64(len(into)) > b.left {
		into = into[:b.left]
	}
	n, err := b.from.Read(into)
	b.left -= int64(n)
	return n, err
}

func (b *boundedReader) explain(err error, most int64) error {
	if b.left <= 0 {
		return fmt.Errorf("the package has more than %d bytes when it is decompressed", most)
	}
	return err
}

// take keeps what a file says, if it is of use.
func (p *Package) take(name string, content []byte, encoder *zstd.Encoder) error {
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf")) // in packages of STU3
	if name == "package.json" {
		return p.describe(content)
	}
	if strings.HasPrefix(name, ".") || !mayBeDefinition(content) {
		return nil
	}
	document, err := fhirjson.Parse(content, fhirjson.Limits{})
	if err != nil {
		return fmt.Errorf("the file is not well-formed JSON: %w", err)
	}
	v := document.Root()
	t, url := domain.ResourceType(v.Get("resourceType").String()), v.Get("url").String()
	if !kept[t] || url == "" {
		return nil
	}
	at := address{t, url}
	p.definitions[at] = append(p.definitions[at], stored{v.Get("version").String(), encoder.EncodeAll(content, nil)})
	if t == profile.StructureDefinition {
		if s, ok := profile.Summarize(v); ok && len(p.profiles) < profile.MostProfiles {
			p.profiles = append(p.profiles, s)
		}
	}
	return nil
}

var kept = map[domain.ResourceType]bool{profile.StructureDefinition: true, profile.ValueSet: true, profile.CodeSystem: true}

// mayBeDefinition saves parsing the thousands of other files of a package.
func mayBeDefinition(content []byte) bool {
	for t := range kept {
		if bytes.Contains(content, []byte(`"`+t+`"`)) {
			return true
		}
	}
	return false
}

// describe reads package.json.
func (p *Package) describe(content []byte) error {
	var manifest struct {
		Name          string            `json:"name"`
		Version       string            `json:"version"`
		FHIRVersions  []string          `json:"fhirVersions"`
		FHIRVersions1 []string          `json:"fhir-version-list"` // as older packages have it
		Dependencies  map[string]string `json:"dependencies"`
	}
	if err := json.Unmarshal(content, &manifest); err != nil {
		return fmt.Errorf("read the description of the package: %w", err)
	}
	p.Name, p.Version, p.Dependencies = manifest.Name, manifest.Version, manifest.Dependencies
	p.FHIRVersions = append(manifest.FHIRVersions, manifest.FHIRVersions1...)
	return nil
}

// printable is a name from an archive in a message.
func printable(name string) string {
	const most = 100
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, name)
	if len(name) > most {
		name = strings.ToValidUTF8(name[:most], "") + "…"
	}
	return name
}
