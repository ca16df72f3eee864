package search

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
)

// Described is one value that a resource is found by, for people to read.
type Described struct{ Code, Value string }

// Describe tells by which parameters and values a resource is found, by code;
// what serves a modifier only is left out.
func (s *Set) Describe(resource fhirjson.Value) []Described {
	bySlot := map[Slot][]*Parameter{}
	for _, p := range s.Of(domain.ResourceType(resource.Get("resourceType").String())) {
		if p.Slot != 0 && p.Slot != SlotContent && p.Slot != SlotText {
			bySlot[p.Slot] = append(bySlot[p.Slot], p)
		}
	}
	var values Values
	s.Extract(&values, resource)
	var list []Described
	values.Each(func(e Entry) {
		if AspectOf(e.Key) != AspectValue {
			return
		}
		for _, p := range bySlot[SlotOf(e.Key)] {
			if p.Narrow == "" || targetOf(ValueOf(e.Key)) == string(p.Narrow) {
				list = append(list, Described{p.Code, p.describe(&e)})
			}
		}
	})
	slices.SortStableFunc(list, func(a, b Described) int { return strings.Compare(a.Code, b.Code) })
	return list
}

// describe writes one value as it would be searched for, or nearly so.
func (p *Parameter) describe(e *Entry) string {
	parts := componentsIn(ValueOf(e.Key))
	part := func(i int) string {
		if i < len(parts) {
			return parts[i]
		}
		return ""
	}
	switch {
	case p.Type == Date && e.Kind == Column:
		return describeInstant(e.Low) + " to before " + describeInstant(e.High)
	case e.Kind == Column:
		text := describeNumber(e.Low)
		if e.High != e.Low {
			text += " to " + describeNumber(e.High)
		}
		if p.Type == Quantity {
			text += "|" + part(1) + "|" + part(0)
		}
		return text
	case p.Type == Token:
		return strings.TrimLeft(part(1)+"|"+part(0), "|")
	case p.Type == ReferTo && part(1) != "" && len(parts) == 3:
		return strings.TrimSuffix(part(1)+"/"+part(0)+"/_history/"+part(2), "/_history/")
	case p.Type == String && part(1) != "":
		return part(1)
	case p.Type == URI || p.Type == ReferTo:
		return strings.TrimSuffix(part(0)+"|"+part(1), "|")
	case p.Type == Composite:
		return strings.Join(parts, "$")
	}
	return part(0)
}

// componentsIn takes the components of a value apart. Marks are left out, and
// digests are no text.
func componentsIn(value []byte) (parts []string) {
	for len(value) > 0 {
		component, rest, ok := CutComponent(value)
		if !ok {
			break
		}
		value = rest
		switch {
		case len(component) > 0 && component[0] == digestMark && len(component) == 33:
			parts = append(parts, "(a long text)")
		case len(component) > 0 && component[0] < ' ':
			parts = append(parts, string(component[1:]))
		default:
			parts = append(parts, string(component))
		}
	}
	return parts
}

func describeInstant(t Ticks) string {
	if t == math.MinInt64 || t == math.MaxInt64 {
		return "any time"
	}
	return time.Unix(t/second, t%second*100).UTC().Format("2006-01-02T15:04:05.999999999Z")
}

func describeNumber(key int64) string {
	if key == math.MinInt64 || key == math.MaxInt64 {
		return "any number"
	}
	return strconv.FormatFloat(KeyNumber(key), 'g', -1, 64)
}
