package fhirpath

import (
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
)

// typeTest is what an item's type is compared with.
type typeTest struct {
	fhir   *definitions.Type
	system string
}

// systemTypes are the names of System's types.
var systemTypes = map[string]bool{
	"Boolean": true, "String": true, "Integer": true, "Long": true, "Decimal": true, "Date": true, "DateTime": true, "Time": true, "Quantity": true, "Any": true,
}

// resolveType finds the type of a name. Without namespace it is one of FHIR, of
// System, or, for Quantity, of both. STU3 writes Uri for uri.
func (c *compiler) resolveType(n *Typed) (typeTest, error) {
	var test typeTest
	if n.Type.Namespace != "System" {
		test.fhir = c.definitions.Type(n.Type.Name)
	}
	if n.Type.Namespace != "FHIR" && systemTypes[n.Type.Name] {
		test.system = n.Type.Name
	}
	if test == (typeTest{}) && n.Type.Namespace == "" {
		test.fhir = c.definitions.Type(strings.ToLower(n.Type.Name[:1]) + n.Type.Name[1:])
	}
	if test == (typeTest{}) && (n.Type.Namespace != "System" || c.definitions.Type(n.Type.Name) == nil) {
		return test, c.fault(n.At, domain.Invalid, "FHIR %s has no type '%s'", c.definitions.FHIRVersion(), n.Type)
	}
	return test, nil
}

// matches tells whether an item is of the type or one of its descendants. With
// exact, primitives must be of the very type: (source as uri) does not find
// what is a canonical, which R4 derives from uri.
func (c *compiler) matches(test typeTest, it *Item, exact bool) bool {
	if it.system != nil {
		return test.system != "" && (test.system == it.system.SystemType() || test.system == "Any")
	}
	if it.typ == nil || test.fhir == nil {
		return false
	}
	if exact && it.typ.JSON != definitions.NotPrimitive {
		return it.typ == test.fhir
	}
	return c.isA(it.typ, test.fhir)
}

// typed compiles is, as and ofType
// (https://hl7.org/fhirpath/N1/#types).
func (c *compiler) typed(n *Typed) (program, error) {
	of, err := c.input(n.Of)
	if err != nil {
		return nil, err
	}
	test, err := c.resolveType(n)
	if err != nil {
		return nil, err
	}
	single := n.Op == Is || n.Op == As && c.singleAs
	return func(r *run, dst Collection) (Collection, error) {
		in, err := of(r, r.take())
		if err != nil {
			return nil, err
		}
		if err := c.spend(r, n.At, 1+len(in)); err != nil {
			return nil, err
		}
		if single && len(in) > 1 {
			return nil, c.fault(n.At, domain.Invalid, "'%s' takes a single item, and there are %d", n.Op, len(in))
		}
		for i := range in {
			switch matches := c.matches(test, &in[i], n.Op != Is); {
			case n.Op == Is:
				dst = appendBoolean(dst, matches)
			case matches:
				dst = append(dst, in[i])
			}
		}
		r.give(in)
		return dst, nil
	}, nil
}
