package profile

import (
	"fmt"
	"strconv"
	"strings"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// fill takes over what an ElementDefinition says.
func (r *reader) fill(e *element, v fhirjson.Value) (problem string) {
	for m := v.First(); m.Exists(); m = m.Next() {
		name := string(m.Name())
		switch name {
		case "min":
			e.min, problem = cardinality(m)
		case "max":
			e.max, problem = cardinality(m)
		case "type":
			problem = r.types(e, m)
		case "maxLength":
			e.maxLength, problem = cardinality(m)
		case "contentReference":
			e.reference = m.String()
		case "binding":
			e.binding = readBinding(m)
		case "constraint":
			problem = readRules(e, m)
		case "slicing":
			e.slicing, problem = readSlicing(m)
		default:
			readValue(e, name, m)
		}
		if problem != "" {
			return problem
		}
	}
	return ""
}

// readValue takes over the elements whose names end in a type.
func readValue(e *element, name string, v fhirjson.Value) {
	for prefix, into := range map[string]*fhirjson.Value{
		"fixed": &e.fixed, "pattern": &e.pattern, "minValue": &e.minimum, "maxValue": &e.maximum,
	} {
		if rest, ok := strings.CutPrefix(name, prefix); ok && rest != "" && rest[0] >= 'A' && rest[0] <= 'Z' {
			*into = keep(v)
		}
	}
}

// keep copies a value, so that the rest of the text can be forgotten.
func keep(v fhirjson.Value) fhirjson.Value {
	doc, err := fhirjson.Parse(fhirjson.AppendCompact(nil, v, nil), fhirjson.Limits{})
	if err != nil {
		return v
	}
	return doc.Root()
}

// cardinality reads min, max and maxLength: a number, a string of digits, or "*".
func cardinality(v fhirjson.Value) (n int, problem string) {
	text := string(v.Raw())
	if v.Kind() == fhirjson.String {
		text = v.String()
	}
	if text == "*" {
		return definitions.Unbounded, ""
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, "has a cardinality or length that is no number: " + shown(text)
	}
	return n, ""
}

// types reads ElementDefinition.type. What R4 writes as lists, STU3 writes as one
// type with one profile each; both are taken. Types that only the specification
// uses, such as http://hl7.org/fhirpath/System.String, are left to it.
func (r *reader) types(e *element, list fhirjson.Value) (problem string) {
	var rules []typeRule
	count := 0
	for v := list.First(); v.Exists(); v = v.Next() {
		if count++; count > mostOfAKind {
			return "has an element with too many types"
		}
		t := typeNamed(r.d, v.Get("code").String())
		if t == nil {
			return ""
		}
		made := typeRule{typ: t, profiles: texts(v.Get("profile")), targets: texts(v.Get("targetProfile"))}
		if n := len(rules); n > 0 && rules[n-1].typ == t && (len(made.profiles) > 0) == (len(rules[n-1].profiles) > 0) {
			rules[n-1].profiles = append(rules[n-1].profiles, made.profiles...)
			rules[n-1].targets = append(rules[n-1].targets, made.targets...)
			continue
		}
		rules = append(rules, made)
	}
	e.types = rules
	if len(rules) == 1 && (e.typ == nil || e.typ.Kind != definitions.Backbone) {
		e.typ = concrete(rules[0].typ)
	}
	return ""
}

// texts reads a string or a list of strings.
func texts(v fhirjson.Value) []string {
	var all []string
	if v.Kind() == fhirjson.String {
		return []string{v.String()}
	}
	for item := v.First(); item.Exists() && len(all) < mostOfAKind; item = item.Next() {
		if item.Kind() == fhirjson.String {
			all = append(all, item.String())
		}
	}
	return all
}

// readBinding reads ElementDefinition.binding. STU3 writes the value set as a
// uri or a Reference, R4 the greatest one as an extension.
func readBinding(v fhirjson.Value) *binding {
	b := &binding{strength: strengths[v.Get("strength").String()]}
	for _, set := range []fhirjson.Value{v.Get("valueSet"), v.Get("valueSetUri"), v.Get("valueSetReference").Get("reference")} {
		if set.Kind() == fhirjson.String {
			b.valueSet = set.String()
		}
	}
	for x := v.Get("extension").First(); x.Exists(); x = x.Next() {
		if x.Get("url").String() != coreURL+"elementdefinition-maxValueSet" {
			continue
		}
		for _, set := range []fhirjson.Value{x.Get("valueCanonical"), x.Get("valueUri"), x.Get("valueReference").Get("reference")} {
			if set.Kind() == fhirjson.String {
				b.greatest = set.String()
			}
		}
	}
	for x := v.Get("additional").First(); x.Exists(); x = x.Next() { // R5
		if x.Get("purpose").String() == "maximum" && !x.Get("usage").Exists() {
			b.greatest = x.Get("valueSet").String()
		}
	}
	return b
}

var strengths = map[string]definitions.Strength{
	"example": definitions.Example, "preferred": definitions.Preferred, "extensible": definitions.Extensible, "required": definitions.Required,
}

func readSlicing(v fhirjson.Value) (*slicing, string) {
	s := &slicing{ordered: v.Get("ordered").Kind() == fhirjson.True, rules: v.Get("rules").String()}
	for item := v.Get("discriminator").First(); item.Exists(); item = item.Next() {
		if len(s.discriminators) == mostDiscriminators {
			return nil, fmt.Sprintf("has a slicing with more than %d discriminators", mostDiscriminators)
		}
		s.discriminators = append(s.discriminators, discriminator{item.Get("type").String(), item.Get("path").String()})
	}
	return s, ""
}

const mostDiscriminators = 20
