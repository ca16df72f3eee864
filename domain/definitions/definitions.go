package definitions

import (
	"fmt"
	"iter"
	"maps"
	"strings"
	"sync"

	"fhirlog/domain/definitions/tables"
)

// Definitions is the facts of one FHIR version.
type Definitions struct {
	version   Version
	file      *tables.File
	types     map[string]*Type
	resources []string
	valueSets map[string]*Codes

	search       func() (*searchTables, error)
	compartments func() ([]Compartment, error)
	operations   func() ([]Operation, error)
	invariants   func() (map[string][]Invariant, error)
	extensible   func() (map[string]*Codes, error)
}

// loaded keeps what Load has read; mu guards it.
var (
	mu     sync.Mutex
	loaded = map[Version]*Definitions{}
)

// Load returns the definitions of a version. The first call takes a few
// milliseconds, later ones give the same value.
func Load(v Version) (*Definitions, error) {
	mu.Lock()
	defer mu.Unlock()
	if d := loaded[v]; d != nil {
		return d, nil
	}
	data := v.embedded()
	if data == nil {
		return nil, fmt.Errorf("load definitions: no tables of FHIR version %q", string(v))
	}
	d, err := read(v, data)
	if err != nil {
		return nil, fmt.Errorf("load definitions of %s: %w", v, err)
	}
	loaded[v] = d
	return d, nil
}

// read builds the definitions from the bytes of a table file.
func read(v Version, data []byte) (*Definitions, error) {
	file, err := tables.Open(data)
	if err != nil {
		return nil, err
	}
	types, err := file.Types()
	if err != nil {
		return nil, err
	}
	valueSets, err := file.ValueSets()
	if err != nil {
		return nil, err
	}
	b := newBuilder(types, valueSets)
	if err := b.build(); err != nil {
		return nil, err
	}
	d := &Definitions{version: v, file: file, types: b.made, resources: b.resources(), valueSets: b.codes}
	d.search = sync.OnceValues(d.readSearch)
	d.compartments = sync.OnceValues(d.file.Compartments)
	d.operations = sync.OnceValues(d.file.Operations)
	d.invariants = sync.OnceValues(d.readInvariants)
	d.extensible = sync.OnceValues(d.readExtensible)
	return d, nil
}

// Version returns the version as it was asked for.
func (d *Definitions) Version() Version { return d.version }

// FHIRVersion returns the full version, such as "4.0.1".
func (d *Definitions) FHIRVersion() string { return d.file.FHIRVersion() }

// Resources returns the names of the concrete resource types, sorted. The
// caller must not change the slice.
func (d *Definitions) Resources() []string { return d.resources }

// IsResource tells whether name is a concrete resource type.
func (d *Definitions) IsResource(name string) bool {
	t := d.types[name]
	return t != nil && t.Kind == Resource && !t.Abstract
}

// Type returns a type by its name, or nil. A backbone has the path of its
// element as its name, such as "Patient.contact".
func (d *Definitions) Type(name string) *Type { return d.types[name] }

// Types lists all types, in no order.
func (d *Definitions) Types() iter.Seq[*Type] { return maps.Values(d.types) }

// ValueSet returns the codes of a value set that a required or an extensible binding
// names, nil if they are not known. A version at the end of the URL makes no
// difference.
func (d *Definitions) ValueSet(url string) *Codes {
	url, _, _ = strings.Cut(url, "|")
	if codes := d.valueSets[url]; codes != nil {
		return codes
	}
	more, err := d.extensible()
	if err != nil {
		return nil // the tables are part of the binary; a test reads all of them
	}
	return more[url]
}

func (d *Definitions) readExtensible() (map[string]*Codes, error) {
	all, err := d.file.Extensible()
	if err != nil {
		return nil, err
	}
	made := make(map[string]*Codes, len(all))
	for _, v := range all {
		made[v.URL] = &Codes{URL: v.URL, groups: v.Groups}
	}
	return made, nil
}

// TypeOf is Type for a name that is not a string yet; it does not allocate.
func (d *Definitions) TypeOf(name []byte) *Type { return d.types[string(name)] }
