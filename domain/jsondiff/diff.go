package jsondiff

import (
	"strconv"
	"strings"

	"fhirlog/domain/fhirjson"
)

// Op is what happened at a place.
type Op string

// The operations, by their names in a JSON Patch.
const (
	Add     Op = "add"
	Remove  Op = "remove"
	Replace Op = "replace"
)

// Change is one difference.
type Change struct {
	Op Op
	// Pointer is where the operation applies once those before it are done (RFC 6901).
	Pointer string
	// Place is for people, such as name[0].given[1]: in the former value, and in the
	// latter for what was added.
	Place string
	// Before is absent for Add, After for Remove.
	Before, After fhirjson.Value
}

// Of compares two values. The result shares their memory.
func Of(before, after fhirjson.Value) []Change {
	d := differ{}
	d.value(before, after, "", "", "")
	return d.changes
}

// differ gathers changes.
type differ struct{ changes []Change }

// value compares two values that stand at the same place: pointer where operations
// find it, place in the former value, later in the latter.
func (d *differ) value(a, b fhirjson.Value, pointer, place, later string) {
	switch {
	case a.Kind() == fhirjson.Object && b.Kind() == fhirjson.Object:
		d.objects(a, b, pointer, place, later)
	case a.Kind() == fhirjson.Array && b.Kind() == fhirjson.Array:
		d.arrays(a, b, pointer, place, later)
	case !fhirjson.Equal(a, b):
		d.changes = append(d.changes, Change{Op: Replace, Pointer: pointer, Place: place, Before: a, After: b})
	}
}

func (d *differ) objects(a, b fhirjson.Value, pointer, place, later string) {
	latter := make(map[string]fhirjson.Value)
	for m := b.First(); m.Exists(); m = m.Next() {
		latter[string(m.Name())] = m
	}
	kept := make(map[string]bool)
	for m := a.First(); m.Exists(); m = m.Next() {
		name := string(m.Name())
		at, to := pointer+"/"+escape(name), member(place, name)
		other, stays := latter[name]
		if !stays {
			d.changes = append(d.changes, Change{Op: Remove, Pointer: at, Place: to, Before: m})
			continue
		}
		kept[name] = true
		d.value(m, other, at, to, member(later, name))
	}
	for m := b.First(); m.Exists(); m = m.Next() {
		if name := string(m.Name()); !kept[name] {
			d.changes = append(d.changes, Change{Op: Add, Pointer: pointer + "/" + escape(name), Place: member(later, name), After: m})
		}
	}
}

// arrays changes the former array from its beginning to its end; at is how many
// elements are right.
func (d *differ) arrays(a, b fhirjson.Value, pointer, place, later string) {
	former, latter := elements(a), elements(b)
	at := 0
	for _, s := range align(former, latter) {
		common := min(s.aTo-s.aFrom, s.bTo-s.bFrom)
		for i := range common {
			if !s.equal {
				index := s.aFrom + i
				d.value(former[index], latter[s.bFrom+i], element(pointer, at), item(place, index), item(later, s.bFrom+i))
			}
			at++
		}
		for i := s.aFrom + common; i < s.aTo; i++ {
			d.changes = append(d.changes, Change{Op: Remove, Pointer: element(pointer, at), Place: item(place, i), Before: former[i]})
		}
		for i := s.bFrom + common; i < s.bTo; i++ {
			d.changes = append(d.changes, Change{Op: Add, Pointer: element(pointer, at), Place: item(later, i), After: latter[i]})
			at++
		}
	}
}

func elements(array fhirjson.Value) []fhirjson.Value {
	var list []fhirjson.Value
	for e := array.First(); e.Exists(); e = e.Next() {
		list = append(list, e)
	}
	return list
}

func element(pointer string, i int) string { return pointer + "/" + strconv.Itoa(i) }

func item(place string, i int) string { return place + "[" + strconv.Itoa(i) + "]" }

// member names a member for people. Names that are none of FHIR's are quoted: they
// must not pass for something else.
func member(place, name string) string {
	for _, c := range []byte(name) {
		if c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			name = strconv.Quote(name)
			break
		}
	}
	if place == "" {
		return name
	}
	return place + "." + name
}

// escape writes a name as a part of a pointer (RFC 6901, 3).
func escape(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}
