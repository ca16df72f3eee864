package tables

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden file")

// sample is a content with every field in use.
func sample() *Content {
	binding := &Binding{Strength: Required, ValueSet: "http://example.org/ValueSet/a", MaxValueSet: "http://example.org/ValueSet/b"}
	return &Content{
		FHIRVersion: "4.0.1",
		Types: []Type{
			{Name: "code", Kind: Primitive, Base: "string", JSON: JSONString, Regex: `[^\s]+`},
			{Name: "Part", Kind: Complex, Abstract: true, Base: "Element"},
			{Name: "SmallPart", Kind: Complex, Profile: true, Base: "Part"},
			{Name: "Thing", Kind: Resource, Base: "DomainResource", Elements: []Element{
				{Name: "id", Max: 1, Types: []TypeRef{{Code: "id"}}, Representation: "xmlAttr"},
				{Name: "status", Min: 1, Max: 1, Modifier: true, Summary: true, Types: []TypeRef{{Code: "code"}}, Binding: binding},
				{Name: "kind", Max: 3, Types: []TypeRef{{Code: "code"}}, Binding: binding},
				{Name: "value", Max: 1, Choice: true, Types: []TypeRef{{Code: "Reference", Targets: []string{"Patient", "Group"}}, {Code: "Quantity", Profiles: []string{"SimpleQuantity"}}}},
				{Name: "part", Max: Unbounded, Backbone: true, Types: []TypeRef{{Code: "BackboneElement"}}},
			}},
			{Name: "Thing.part", Kind: Backbone, Base: "BackboneElement", Elements: []Element{
				{Name: "part", Max: Unbounded, ContentReference: "Thing.part"},
				{Name: "note", Max: 1, Types: []TypeRef{{Code: "code"}}, Binding: &Binding{Strength: Example, ValueSet: "http://example.org/ValueSet/c"}},
			}},
		},
		ValueSets: []ValueSet{
			{URL: "http://example.org/ValueSet/a", Groups: []CodeGroup{{System: "urn:s", Codes: []string{"x", "y"}}, {System: "urn:t", Codes: []string{"x"}}}},
			{URL: "http://example.org/ValueSet/b", Open: true},
		},
		SearchParameters: []SearchParameter{{
			URL: "http://example.org/SearchParameter/a", Code: "a", Type: "composite", Base: []string{"Thing"}, Expression: "Thing.part",
			Targets: []string{"Patient"}, Components: []Component{{Definition: "http://example.org/SearchParameter/b", Expression: "kind"}},
			Comparator: []string{"eq", "ne"}, Modifier: []string{"exact"}, Mode: "phonetic", SingleOr: true, SingleAnd: true, Status: "draft", Constraint: "x",
		}},
		Compartments: []Compartment{{Code: "Patient", URL: "http://example.org/c", Resources: []CompartmentResource{{Type: "Thing", Parameters: []string{"a", "b"}}}}},
		Operations: []Operation{{
			URL: "http://example.org/o", Code: "o", Resources: []string{"Thing"}, System: true, Type: true, Instance: true, Affects: true, Query: true,
			Parameters: []OperationParameter{{Name: "p", Output: true, Min: 1, Max: Unbounded, Type: "string", SearchType: "token", Targets: []string{"Thing"},
				Parts: []OperationParameter{{Name: "q", Max: 1}}}},
		}},
		Invariants: []Invariant{{Path: "Thing.part", Key: "thi-1", Warning: true, BestPractice: true, Expression: "part.exists()", Human: "There is a part."}},
	}
}

func decode(data []byte) (*Content, error) {
	f, err := Open(data)
	if err != nil {
		return nil, err
	}
	content := &Content{FHIRVersion: f.FHIRVersion()}
	for _, read := range []func() error{
		func() (err error) { content.Types, err = f.Types(); return },
		func() (err error) { content.ValueSets, err = f.ValueSets(); return },
		func() (err error) { content.SearchParameters, err = f.SearchParameters(); return },
		func() (err error) { content.Compartments, err = f.Compartments(); return },
		func() (err error) { content.Operations, err = f.Operations(); return },
		func() (err error) { content.Invariants, err = f.Invariants(); return },
		func() (err error) { content.Extensible, err = f.Extensible(); return },
	} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	return content, nil
}

func TestRoundTrip(t *testing.T) {
	extended := sample()
	extended.Extensible = []ValueSet{{URL: "http://example.org/ValueSet/d", Groups: []CodeGroup{{System: "urn:s", Codes: []string{"x"}}}}}
	for name, content := range map[string]*Content{"sample": sample(), "empty": {FHIRVersion: "x"}, "with extensible bindings": extended} {
		data, err := Encode(content)
		if err != nil {
			t.Fatalf("%s: Encode: %v", name, err)
		}
		got, err := decode(data)
		if err != nil || !reflect.DeepEqual(got, content) {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, err, content)
		}
		again, err := Encode(content)
		if err != nil || !bytes.Equal(again, data) {
			t.Errorf("%s: a second Encode differs (%v)", name, err)
		}
	}
}

func TestReadShares(t *testing.T) {
	data, err := Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	content, err := decode(data)
	if err != nil {
		t.Fatal(err)
	}
	thing := content.Types[3].Elements
	if thing[1].Binding != thing[2].Binding || &thing[1].Types[0] != &thing[2].Types[0] {
		t.Error("equal bindings and type lists are not shared")
	}
}

// TestGolden reads a file of format version 1 as it was written first. The
// format may not change under that number.
func TestGolden(t *testing.T) {
	golden := filepath.Join("testdata", "sample-1.tables")
	if *update {
		data, err := Encode(sample())
		if err == nil {
			err = os.WriteFile(golden, data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := decode(data); err != nil || !reflect.DeepEqual(got, sample()) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestNegativeNumber(t *testing.T) {
	content := sample()
	content.Types[3].Elements[0].Min = -1
	if _, err := Encode(content); err == nil {
		t.Error("Encode accepts a negative minimum")
	}
}

// TestDamage cuts a file at every byte and flips bits in every byte: reading
// fails or gives the content, and never panics.
func TestDamage(t *testing.T) {
	data, err := Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	for n := range data {
		if _, err := decode(data[:n]); err == nil {
			t.Errorf("the first %d of %d bytes are read without an error", n, len(data))
		}
		for _, flip := range []byte{0x01, 0x40, 0xFF} {
			damaged := bytes.Clone(data)
			damaged[n] ^= flip
			got, err := decode(damaged)
			// The header's version and the frames' unused bits carry no
			// checksum; what is read from the frames must be right.
			if err == nil && !reflect.DeepEqual(got.Types, sample().Types) {
				t.Errorf("byte %d flipped by %02x gives other content without an error", n, flip)
			}
		}
	}
	if _, err := decode(append(bytes.Clone(data), 0)); err == nil {
		t.Error("a byte after the end is not noticed")
	}
}

// FuzzSection decodes arbitrary bytes as the sections with the richest items.
func FuzzSection(f *testing.F) {
	for _, encode := range []func() ([]byte, error){
		func() ([]byte, error) { return encodeSection(sample().Types, codeType) },
		func() ([]byte, error) { return encodeSection(sample().Operations, codeOperation) },
	} {
		raw, err := encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		types, err := decodeSection(raw, codeType)
		if err == nil {
			again, err := encodeSection(types, codeType)
			if err != nil {
				t.Fatalf("what was read cannot be written: %v", err)
			}
			if back, err := decodeSection(again, codeType); err != nil || !reflect.DeepEqual(back, types) {
				t.Fatalf("read %+v, then %+v, %v", types, back, err)
			}
		}
		if operations, err := decodeSection(raw, codeOperation); err == nil {
			if _, err := encodeSection(operations, codeOperation); err != nil {
				t.Fatalf("what was read cannot be written: %v", err)
			}
		}
	})
}
