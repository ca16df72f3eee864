package patch

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// The tests of this file make a random diff between two random values; applied
// to the first it must give the second.

// differ makes the operations of a JSON Patch.
type differ struct {
	*rand.Rand
	operations []string
}

func (d *differ) value(depth int) any {
	kind := d.IntN(8)
	if depth <= 0 {
		kind = d.IntN(5)
	}
	switch kind {
	case 0:
		return nil
	case 1:
		return d.IntN(2) == 0
	case 2:
		return json.Number([]string{"0", "1", "1.0", "1.00", "-12.50e3", "9007199254740993"}[d.IntN(6)])
	case 3, 4:
		return []string{"", "a", "é\n\"", "~/", "-"}[d.IntN(5)]
	case 5:
		list := make([]any, d.IntN(5))
		for i := range list {
			list[i] = d.value(depth - 1)
		}
		return list
	}
	object := map[string]any{}
	for range d.IntN(5) {
		object[[]string{"a", "b", "", "~", "/", "~1", "0", "-", "é"}[d.IntN(9)]] = d.value(depth - 1)
	}
	return object
}

func (d *differ) emit(op, path, from string, value any) {
	o := map[string]any{"op": op, "path": path}
	switch op {
	case "move", "copy":
		o["from"] = from
	case "add", "replace", "test":
		o["value"] = value
	}
	d.operations = append(d.operations, write(o))
}

func write(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func escaped(name string) string {
	return "/" + strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// diff makes what turns a, at path, into b; now and then in a roundabout way.
func (d *differ) diff(path string, a, b any) {
	if d.IntN(8) == 0 {
		d.emit("test", path, "", a)
	}
	x, isObject := a.(map[string]any)
	y, toObject := b.(map[string]any)
	list, isList := a.([]any)
	goal, toList := b.([]any)
	switch {
	case isObject && toObject && d.IntN(6) > 0:
		d.diffObject(path, x, y)
	case isList && toList && d.IntN(6) > 0:
		d.diffList(path, list, goal)
	case write(a) != write(b):
		d.emit("replace", path, "", b)
	}
}

func (d *differ) diffObject(path string, a, b map[string]any) {
	var spare []string // members that can be moved, since b has none of the name
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if _, stays := b[name]; !stays {
			spare = append(spare, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b)) {
		goal := b[name]
		is, there := a[name]
		switch {
		case there:
			d.diff(path+escaped(name), is, goal)
		case len(spare) > 0 && d.IntN(2) == 0:
			from := spare[0]
			spare = spare[1:]
			d.emit("move", path+escaped(name), path+escaped(from), nil)
			d.diff(path+escaped(name), a[from], goal)
		default:
			d.emit("add", path+escaped(name), "", goal)
		}
	}
	for _, name := range spare {
		d.emit("remove", path+escaped(name), "", nil)
	}
}

func (d *differ) diffList(path string, a, b []any) {
	is := append([]any(nil), a...)
	at := func(i int) string { return path + "/" + strconv.Itoa(i) }
	for len(is) > len(b) {
		i := d.IntN(len(is))
		d.emit("remove", at(i), "", nil)
		is = append(is[:i:i], is[i+1:]...)
	}
	for len(is) < len(b) {
		i := d.IntN(len(is) + 1)
		made := d.value(1)
		switch from := 0; {
		case len(is) > 0 && d.IntN(3) == 0:
			from = d.IntN(len(is))
			d.emit("copy", at(i), at(from), nil)
			made = is[from]
		case i == len(is) && d.IntN(2) == 0:
			d.emit("add", path+"/-", "", made)
		default:
			d.emit("add", at(i), "", made)
		}
		is = append(is[:i:i], append([]any{made}, is[i:]...)...)
	}
	if len(is) > 1 {
		from, to := d.IntN(len(is)), d.IntN(len(is))
		d.emit("move", at(to), at(from), nil)
		moved := is[from]
		is = append(is[:from:from], is[from+1:]...)
		is = append(is[:to:to], append([]any{moved}, is[to:]...)...)
	}
	for i := range is {
		d.diff(at(i), is[i], b[i])
	}
}

func TestRandomJSONDiff(t *testing.T) {
	for seed := range uint64(6000) {
		d := &differ{Rand: rand.New(rand.NewPCG(seed, 1))}
		a, b := d.value(4), d.value(4)
		d.diff("", a, b)
		patch := "[" + strings.Join(d.operations, ",") + "]"
		got, err := runJSON(t, []byte(patch), write(a))
		if err != nil || !fhirjson.Equal(got, parse(t, write(b))) {
			t.Fatalf("seed %d: patch %s of %s\n gives %s, %v\nwant   %s", seed, patch, write(a), got.Raw(), err, write(b))
		}
	}
}

// person is a Patient with one element of each sort.
type person struct {
	gender   string
	deceased string   // the member with its name; "" if there is none
	given    []string // of the name "a": the value, and after a comma the id in the sibling
	telecom  []string
}

func (d *differ) person() person {
	pick := func(texts ...string) string { return texts[d.IntN(len(texts))] }
	list := func(texts ...string) (list []string) {
		for range d.IntN(5) {
			list = append(list, pick(texts...))
		}
		return list
	}
	return person{pick("", "male", "other"), pick("", `"deceasedBoolean":true`, `"deceasedDateTime":"2020"`, `"deceasedDateTime":"2021"`),
		list("A", "B", "A,i", "C,j", ",k"), list("1", "2", "3")}
}

// givenValue writes a given name as a value[x].
func givenValue(name, text string) string {
	value, id, _ := strings.Cut(text, ",")
	var members []string
	if value != "" {
		members = append(members, fmt.Sprintf("%q:%q", name, value))
	}
	if id != "" {
		members = append(members, fmt.Sprintf(`"_%s":{"id":%q}`, name, id))
	}
	return strings.Join(members, ",")
}

func (p person) String() string {
	members := []string{`"resourceType":"Patient"`}
	if p.gender != "" {
		members = append(members, fmt.Sprintf(`"gender":%q`, p.gender))
	}
	if p.deceased != "" {
		members = append(members, p.deceased)
	}
	name := []string{`"text":"a"`}
	var values, siblings []string
	hasValue, hasSibling := false, false
	for _, text := range p.given {
		value, id, _ := strings.Cut(text, ",")
		values, siblings = append(values, "null"), append(siblings, "null")
		if value != "" {
			values[len(values)-1], hasValue = strconv.Quote(value), true
		}
		if id != "" {
			siblings[len(siblings)-1], hasSibling = fmt.Sprintf(`{"id":%q}`, id), true
		}
	}
	if hasValue {
		name = append(name, `"given":[`+strings.Join(values, ",")+`]`)
	}
	if hasSibling {
		name = append(name, `"_given":[`+strings.Join(siblings, ",")+`]`)
	}
	members = append(members, `"name":[{`+strings.Join(name, ",")+`}]`)
	if len(p.telecom) > 0 {
		members = append(members, `"telecom":[{"value":"`+strings.Join(p.telecom, `"},{"value":"`)+`"}]`)
	}
	return "{" + strings.Join(members, ",") + "}"
}

// diffPath makes the operations of a FHIRPath Patch for a list.
func (d *differ) diffPath(owner, name string, a, b []string, value func(string) string) {
	is := append([]string(nil), a...)
	for i, want := range b {
		path := owner + "." + name
		from := -1
		for k := i; k < len(is) && from < 0; k++ {
			if is[k] == want {
				from = k
			}
		}
		switch {
		case from == i:
		case from > i && d.IntN(3) > 0:
			d.operations = append(d.operations, op("move", path, at("source", from), at("destination", i)))
			is = append(is[:from:from], is[from+1:]...)
			is = append(is[:i:i], append([]string{want}, is[i:]...)...)
		case i < len(is) && d.IntN(2) == 0:
			d.operations = append(d.operations, op("replace", fmt.Sprintf("%s[%d]", path, i), with(value(want))))
			is[i] = want
		case i == len(is) && d.IntN(2) == 0:
			d.operations = append(d.operations, add(owner, name, value(want)))
			is = append(is, want)
		default:
			d.operations = append(d.operations, op("insert", path, at("index", i), with(value(want))))
			is = append(is[:i:i], append([]string{want}, is[i:]...)...)
		}
	}
	for len(is) > len(b) {
		d.operations = append(d.operations, op("delete", fmt.Sprintf("%s.%s[%d]", owner, name, len(is)-1)))
		is = is[:len(is)-1]
	}
}

func (d *differ) diffPerson(a, b person) {
	switch {
	case a.gender == b.gender:
	case b.gender == "":
		d.operations = append(d.operations, op("delete", "Patient.gender"))
	default:
		d.operations = append(d.operations, op("upsert", "Patient", named("gender"), with(fmt.Sprintf(`"valueCode":%q`, b.gender))))
	}
	value := "value" + strings.TrimPrefix(b.deceased, `"deceased`)
	switch {
	case a.deceased == b.deceased:
	case b.deceased == "":
		d.operations = append(d.operations, op("delete", "deceased"))
	case a.deceased == "":
		d.operations = append(d.operations, add("Patient", "deceased", `"`+value))
	default:
		d.operations = append(d.operations, op("replace", "Patient.deceased", with(`"`+value)))
	}
	d.diffPath("Patient.name", "given", a.given, b.given, func(text string) string { return givenValue("valueString", text) })
	d.diffPath("Patient", "telecom", a.telecom, b.telecom, func(text string) string { return fmt.Sprintf(`"valueContactPoint":{"value":%q}`, text) })
}

func TestRandomFHIRPathDiff(t *testing.T) {
	for seed := range uint64(1000) {
		d := &differ{Rand: rand.New(rand.NewPCG(seed, 2))}
		a, b := d.person(), d.person()
		d.diffPerson(a, b)
		patch := parameters(d.operations...)
		p, err := ParseFHIRPath(load(t, definitions.R4), parse(t, patch))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		got, err := apply(t, p, a.String())
		if err != nil || !fhirjson.Equal(parse(t, got), parse(t, b.String())) {
			t.Fatalf("seed %d: patch %s of %s\n gives %s, %v\nwant   %s", seed, patch, a, got, err, b)
		}
	}
}
