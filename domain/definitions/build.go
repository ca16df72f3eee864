package definitions

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"fhirlog/domain/definitions/tables"
)

// builder links the plain tables to types that point at each other.
type builder struct {
	source []tables.Type
	codes  map[string]*Codes
	made   map[string]*Type

	// What the tables share is shared in the result as well.
	refs     map[*tables.TypeRef][]TypeRef // by the first of a list
	bindings map[*tables.Binding]*Binding

	room    []Element     // for the elements of the types to come
	members []namedMember // those of the type in work, reused
}

func newBuilder(types []tables.Type, valueSets []tables.ValueSet) *builder {
	b := &builder{
		source:   types,
		codes:    make(map[string]*Codes, len(valueSets)),
		made:     make(map[string]*Type, len(types)),
		refs:     map[*tables.TypeRef][]TypeRef{},
		bindings: map[*tables.Binding]*Binding{},
	}
	for _, v := range valueSets {
		if !v.Open {
			b.codes[v.URL] = &Codes{URL: v.URL, groups: v.Groups}
		}
	}
	return b
}

func (b *builder) build() error {
	all := make([]Type, len(b.source))
	total := 0
	for i := range b.source {
		s := &b.source[i]
		all[i] = Type{Name: s.Name, Number: i, Kind: s.Kind, Abstract: s.Abstract, Profile: s.Profile, Base: s.Base, JSON: s.JSON, Regex: s.Regex}
		if s.Kind == Primitive {
			if all[i].Format = formats[s.Name]; all[i].Format == NoFormat {
				return fmt.Errorf("primitive type %s has no known format", s.Name)
			}
		}
		if b.made[s.Name] != nil {
			return fmt.Errorf("type %s is there twice", s.Name)
		}
		b.made[s.Name] = &all[i]
		total += len(s.Elements)
	}
	b.room = make([]Element, total)
	for i := range b.source {
		if err := b.elements(&all[i], &b.source[i]); err != nil {
			return err
		}
	}
	for i := range all {
		if base := b.made[all[i].Base]; all[i].Profile && base != nil {
			all[i].Elements, all[i].Required, all[i].members = base.Elements, base.Required, base.members
		}
	}
	return nil
}

// elements fills in the elements of t from its table.
func (b *builder) elements(t *Type, s *tables.Type) error {
	if len(s.Elements) > MaxElements {
		return fmt.Errorf("type %s has %d elements, more than %d", s.Name, len(s.Elements), MaxElements)
	}
	t.Elements = b.room[:len(s.Elements):len(s.Elements)]
	b.room = b.room[len(s.Elements):]
	members := b.members[:0]
	for i := range s.Elements {
		from, e := &s.Elements[i], &t.Elements[i]
		e.Name, e.Index, e.Min, e.Max = from.Name, i, from.Min, from.Max
		e.Choice, e.Summary, e.Modifier = from.Choice, from.Summary, from.Modifier
		e.Representation, e.ContentReference = from.Representation, from.ContentReference
		if e.Min > 0 {
			t.Required = append(t.Required, uint8(i))
		}
		e.Binding = b.binding(from)
		if err := b.types(t, e, from); err != nil {
			return err
		}
		if !e.Choice {
			members = append(members, namedMember{name: e.Name, Member: Member{e, e.Type}})
			continue
		}
		for _, ref := range e.Types {
			name := e.Name + strings.ToUpper(ref.Type.Name[:1]) + ref.Type.Name[1:]
			members = append(members, namedMember{name: name, Member: Member{e, ref.Type}})
		}
	}
	t.members = newMemberTable(slices.Clone(members))
	b.members = members
	return nil
}

// types resolves the types of an element.
func (b *builder) types(t *Type, e *Element, from *tables.Element) error {
	var err error
	if e.Types, err = b.typeRefs(from); err != nil {
		return fmt.Errorf("%s.%s: %w", t.Name, e.Name, err)
	}
	switch {
	case from.Choice:
		return nil
	case from.Backbone:
		e.Type = b.made[t.Name+"."+e.Name]
	case from.ContentReference != "":
		e.Type = b.made[from.ContentReference]
	case len(e.Types) == 1:
		e.Type = e.Types[0].Type
	}
	if e.Type == nil {
		return fmt.Errorf("%s.%s has no single type", t.Name, e.Name)
	}
	return nil
}

func (b *builder) typeRefs(from *tables.Element) ([]TypeRef, error) {
	if len(from.Types) == 0 {
		return nil, nil
	}
	if shared := b.refs[&from.Types[0]]; shared != nil {
		return shared, nil
	}
	refs := make([]TypeRef, len(from.Types))
	for i, ref := range from.Types {
		typ := b.made[ref.Code]
		if typ == nil {
			return nil, fmt.Errorf("the type %q is unknown", ref.Code)
		}
		refs[i] = TypeRef{Type: typ, Targets: ref.Targets, Profiles: ref.Profiles}
	}
	b.refs[&from.Types[0]] = refs
	return refs, nil
}

func (b *builder) binding(from *tables.Element) *Binding {
	if from.Binding == nil {
		return nil
	}
	if shared := b.bindings[from.Binding]; shared != nil {
		return shared
	}
	made := &Binding{Strength: from.Binding.Strength, ValueSet: from.Binding.ValueSet, MaxValueSet: from.Binding.MaxValueSet}
	if made.Strength == Required {
		made.Codes = b.codes[made.ValueSet]
	}
	b.bindings[from.Binding] = made
	return made
}

// resources lists the concrete resource types.
func (b *builder) resources() []string {
	var names []string
	for name, t := range b.made {
		if t.Kind == Resource && !t.Abstract {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}
