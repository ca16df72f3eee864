package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
)

// library holds the definitional resources of a package by resource type, in
// the order of their file names.
type library map[string][]object

// wanted are the resource types that tables are made of.
var wanted = []string{"StructureDefinition", "SearchParameter", "CompartmentDefinition", "OperationDefinition", "ValueSet", "CodeSystem"}

// readPackage reads a package from name.tgz, name/package or name in dir.
func readPackage(dir, name string) (library, error) {
	files := map[string][]byte{}
	err := readArchive(filepath.Join(dir, name+".tgz"), files)
	if errors.Is(err, os.ErrNotExist) {
		err = readFolder(filepath.Join(dir, name), files)
	}
	if err != nil {
		return nil, fmt.Errorf("read package %s: %w", name, err)
	}
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	sort.Strings(names)
	lib := library{}
	for _, name := range names {
		o, err := decode(files[name])
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		kind := o.text("resourceType")
		lib[kind] = append(lib[kind], o)
	}
	return lib, nil
}

func isWanted(file string) bool {
	if path.Ext(file) != ".json" {
		return false
	}
	for _, kind := range wanted {
		if strings.HasPrefix(file, kind+"-") {
			return true
		}
	}
	return false
}

func readArchive(file string, files map[string][]byte) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	archive := tar.NewReader(z)
	for {
		header, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		folder, base := path.Split(path.Clean(header.Name))
		if folder != "package/" || !isWanted(base) {
			continue
		}
		if files[base], err = io.ReadAll(archive); err != nil {
			return err
		}
	}
}

func readFolder(folder string, files map[string][]byte) error {
	if inner := filepath.Join(folder, "package"); isFolder(inner) {
		folder = inner
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !isWanted(entry.Name()) {
			continue
		}
		if files[entry.Name()], err = os.ReadFile(filepath.Join(folder, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

func isFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// object is a JSON object; its methods give the zero value for a member that
// is absent or of another kind.
type object map[string]any

// decode reads a resource. Some files of STU3 begin with a byte order mark.
func decode(data []byte) (object, error) {
	var o object
	err := json.Unmarshal(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), &o)
	return o, err
}

func (o object) text(name string) string {
	s, _ := o[name].(string)
	return s
}

func (o object) flag(name string) bool {
	b, _ := o[name].(bool)
	return b
}

func (o object) isFalse(name string) bool {
	b, ok := o[name].(bool)
	return ok && !b
}

func (o object) number(name string) int {
	n, _ := o[name].(float64)
	return int(n)
}

func (o object) object(name string) object {
	m, _ := o[name].(map[string]any)
	return m
}

func (o object) objects(name string) []object {
	items, _ := o[name].([]any)
	var all []object
	for _, item := range items {
		if m, ok := item.(map[string]any); ok {
			all = append(all, m)
		}
	}
	return all
}

// texts returns the strings of a list, or the single string: STU3 has one
// where later versions have many.
func (o object) texts(name string) []string {
	switch v := o[name].(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, item := range v {
			if s, ok := item.(string); ok {
				all = append(all, s)
			}
		}
		return all
	}
	return nil
}

// extension returns the value of the extension whose URL ends in "/"+name:
// a string, or the reference of a Reference.
func (o object) extension(name string) string {
	for _, e := range o.objects("extension") {
		if !strings.HasSuffix(e.text("url"), "/"+name) {
			continue
		}
		for member, value := range e {
			if !strings.HasPrefix(member, "value") {
				continue
			}
			switch v := value.(type) {
			case string:
				return v
			case bool:
				return fmt.Sprint(v)
			case map[string]any:
				return object(v).text("reference")
			}
		}
	}
	return ""
}

// isExample tells the example instances in a package from the definitions.
func (o object) isExample() bool {
	return strings.Contains(o.text("id"), "example") || strings.Contains(o.text("url"), "example")
}
