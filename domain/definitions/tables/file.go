package tables

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

const magic = "FHIRTAB\x01"

// MaxSection is the greatest decompressed length of a section in bytes.
const MaxSection = 16 << 20

// SectionKind names the sections of a file.
type SectionKind uint8

// The sections. Their numbers are part of the format.
const (
	SectionTypes            SectionKind = 1
	SectionValueSets        SectionKind = 2
	SectionSearchParameters SectionKind = 3
	SectionCompartments     SectionKind = 4
	SectionOperations       SectionKind = 5
	SectionInvariants       SectionKind = 6
	SectionExtensible       SectionKind = 7 // may be missing
)

// File gives access to the sections of a file, each decompressed and decoded
// anew at every call. It keeps the bytes it was made from.
type File struct {
	fhirVersion string
	sections    map[SectionKind]section
}

type section struct {
	rawLength int
	packed    []byte
}

// Open reads the directory of a file.
func Open(data []byte) (*File, error) {
	if len(data) < len(magic) || string(data[:len(magic)]) != magic {
		return nil, fmt.Errorf("open definition tables: not a table file of format version %d", magic[len(magic)-1])
	}
	c := &coder{in: data[len(magic):]}
	f := &File{sections: map[SectionKind]section{}}
	f.fhirVersion = c.headerString()
	var kinds []SectionKind
	var packed []int
	list(c, &kinds, func(c *coder, kind *SectionKind) {
		enum(c, kind, 255)
		var raw, length int
		c.number(&raw)
		c.number(&length)
		packed = append(packed, length)
		f.sections[*kind] = section{rawLength: raw}
	})
	for i, kind := range kinds {
		if c.err != nil {
			break
		}
		s := f.sections[kind]
		if packed[i] > len(c.in) || s.rawLength > MaxSection || s.packed != nil {
			return nil, fmt.Errorf("open definition tables: section %d does not fit", kind)
		}
		s.packed, c.in = c.in[:packed[i]:packed[i]], c.in[packed[i]:]
		f.sections[kind] = s
	}
	if c.err != nil {
		return nil, fmt.Errorf("open definition tables: %w", c.err)
	}
	if len(c.in) > 0 {
		return nil, fmt.Errorf("open definition tables: %d bytes after the last section", len(c.in))
	}
	return f, nil
}

func (c *coder) headerString() string {
	var n int
	c.number(&n)
	if c.err == nil && n > len(c.in) {
		c.err = errTruncated
	}
	if c.err != nil {
		return ""
	}
	s := string(c.in[:n])
	c.in = c.in[n:]
	return s
}

// FHIRVersion returns the version that the file describes, such as "4.0.1".
func (f *File) FHIRVersion() string { return f.fhirVersion }

// Types reads the types, backbones included.
func (f *File) Types() ([]Type, error) { return read(f, SectionTypes, codeType) }

// ValueSets reads the value sets of required bindings, sorted by URL.
func (f *File) ValueSets() ([]ValueSet, error) { return read(f, SectionValueSets, codeValueSet) }

// SearchParameters reads the search parameters, sorted by URL.
func (f *File) SearchParameters() ([]SearchParameter, error) {
	return read(f, SectionSearchParameters, codeSearchParameter)
}

// Compartments reads the compartment definitions, sorted by code.
func (f *File) Compartments() ([]Compartment, error) {
	return read(f, SectionCompartments, codeCompartment)
}

// Operations reads the operation definitions, sorted by URL.
func (f *File) Operations() ([]Operation, error) { return read(f, SectionOperations, codeOperation) }

// Invariants reads the invariants, sorted by path and key.
func (f *File) Invariants() ([]Invariant, error) { return read(f, SectionInvariants, codeInvariant) }

// Extensible reads the value sets of extensible bindings, sorted by URL.
func (f *File) Extensible() ([]ValueSet, error) {
	if _, ok := f.sections[SectionExtensible]; !ok {
		return nil, nil
	}
	return read(f, SectionExtensible, codeValueSet)
}

func read[T any](f *File, kind SectionKind, item func(*coder, *T)) ([]T, error) {
	s, ok := f.sections[kind]
	if !ok {
		return nil, fmt.Errorf("read definition tables: section %d is missing", kind)
	}
	raw, err := unpack(s)
	if err == nil {
		var items []T
		if items, err = decodeSection(raw, item); err == nil {
			return items, nil
		}
	}
	return nil, fmt.Errorf("read definition tables: section %d: %w", kind, err)
}

// unpack decompresses a section. The decoder is made for each call: sections
// are read once per process, and an idle decoder would hold its window.
func unpack(s section) ([]byte, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(MaxSection))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	raw, err := d.DecodeAll(s.packed, make([]byte, 0, s.rawLength))
	if err == nil && len(raw) != s.rawLength {
		err = fmt.Errorf("%d bytes where the directory says %d", len(raw), s.rawLength)
	}
	return raw, err
}

// Encode writes a file. Equal content gives equal bytes.
func Encode(content *Content) ([]byte, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer encoder.Close()
	var head, body bytes.Buffer
	head.WriteString(magic)
	head.Write(binary.AppendUvarint(nil, uint64(len(content.FHIRVersion))))
	head.WriteString(content.FHIRVersion)
	sections := []struct {
		kind   SectionKind
		encode func() ([]byte, error)
	}{
		{SectionTypes, func() ([]byte, error) { return encodeSection(content.Types, codeType) }},
		{SectionValueSets, func() ([]byte, error) { return encodeSection(content.ValueSets, codeValueSet) }},
		{SectionSearchParameters, func() ([]byte, error) { return encodeSection(content.SearchParameters, codeSearchParameter) }},
		{SectionCompartments, func() ([]byte, error) { return encodeSection(content.Compartments, codeCompartment) }},
		{SectionOperations, func() ([]byte, error) { return encodeSection(content.Operations, codeOperation) }},
		{SectionInvariants, func() ([]byte, error) { return encodeSection(content.Invariants, codeInvariant) }},
		{SectionExtensible, func() ([]byte, error) { return encodeSection(content.Extensible, codeValueSet) }}, // the last
	}
	if len(content.Extensible) == 0 {
		sections = sections[:len(sections)-1]
	}
	head.WriteByte(byte(len(sections)))
	for _, s := range sections {
		raw, err := s.encode()
		if err != nil {
			return nil, fmt.Errorf("write definition tables: section %d: %w", s.kind, err)
		}
		packed := encoder.EncodeAll(raw, nil)
		head.WriteByte(byte(s.kind))
		head.Write(binary.AppendUvarint(nil, uint64(len(raw))))
		head.Write(binary.AppendUvarint(nil, uint64(len(packed))))
		body.Write(packed)
	}
	return append(head.Bytes(), body.Bytes()...), nil
}
