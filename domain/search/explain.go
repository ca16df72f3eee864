package search

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"fhirlog/domain"
)

// Explain writes an expression for people, in one line: what is looked up, with
// the values that were asked for.
//
//	all(a b), any(a b), not(a)
//	12=code·3http://loinc.org·  a posting of slot 12; components end in '·'
//	12=smi…                     all postings that begin so, with a '?' if each is looked at
//	12.present=                 of another aspect than the value
//	12[code·]                   a column, or all columns that begin so: [code·…]
func Explain(e Expr) string {
	return ExplainNamed(e, func(s Slot) string { return strconv.FormatUint(uint64(s), 10) })
}

// ExplainNamed is Explain with a name for each slot.
func ExplainNamed(e Expr, name func(Slot) string) string {
	x := explainer{name: name}
	x.expr(e)
	return x.String()
}

// SlotNames gives the names of slots for ExplainNamed: the code of a parameter,
// with the type of resource where it is not one of all types.
func (s *Set) SlotNames() func(Slot) string {
	names := map[Slot]string{SlotType: "_type", SlotContent: "_content", SlotText: "_text"}
	narrow := map[Slot]bool{} // whether the name is that of a parameter that narrows another
	for t, plan := range s.plans {
		for _, p := range plan.parameters {
			name := t + "." + p.Code
			if p.Shared {
				name = p.Code
			}
			known, has := names[p.Slot]
			isNarrow := p.Narrow != ""
			if !has || narrow[p.Slot] && !isNarrow || narrow[p.Slot] == isNarrow && name < known {
				names[p.Slot], narrow[p.Slot] = name, isNarrow
			}
		}
	}
	return func(slot Slot) string {
		if name, has := names[slot]; has {
			return name
		}
		return strconv.FormatUint(uint64(slot), 10)
	}
}

type explainer struct {
	strings.Builder
	name func(Slot) string
}

func (x *explainer) expr(e Expr) {
	switch e := e.(type) {
	case nil:
		x.WriteString("everything")
	case And:
		explainList(x, "all", e)
	case Or:
		explainList(x, "any", e)
	case Not:
		x.WriteString("not(")
		x.expr(e.Of)
		x.WriteByte(')')
	case Match:
		x.key(e.Key)
		x.WriteByte('=')
		x.value(ValueOf(e.Key), e.Whole)
		if e.Keep != nil {
			x.WriteByte('?')
		}
	case Between:
		x.key(e.Key)
		x.WriteByte('[')
		x.value(ValueOf(e.Key), e.Whole)
		x.WriteByte(']')
		if e.Select != nil {
			x.WriteByte('?')
		}
	case IDs:
		explainIDs(x, e)
	case Updated:
		fmt.Fprintf(x, "updated(%s %s)", instant(e.From), instant(e.Before))
	case Listed:
		fmt.Fprintf(x, "listed(%s)", e.List)
	case Checked:
		x.WriteString("checked(")
		x.expr(e.Of)
		x.WriteByte(')')
	default:
		x.join(e)
	}
}

func (x *explainer) join(e Expr) {
	switch e := e.(type) {
	case Chained:
		x.WriteString("chain(")
		x.reference(e.Reference)
		for _, target := range e.Targets {
			x.WriteString(" → ")
			x.scope(target)
		}
		x.WriteByte(')')
	case Referenced:
		x.WriteString("has(")
		x.scope(e.Source)
		x.WriteString(" → ")
		x.reference(e.Reference)
		x.WriteByte(')')
	case Unreferenced:
		x.WriteString("unreferenced(")
		for i, reference := range e.References {
			if i > 0 {
				x.WriteByte(' ')
			}
			x.reference(reference)
		}
		x.WriteByte(')')
	default:
		fmt.Fprintf(x, "%T", e)
	}
}

func explainList[L ~[]Expr](x *explainer, word string, list L) {
	x.WriteString(word)
	x.WriteByte('(')
	for i, part := range list {
		if i > 0 {
			x.WriteByte(' ')
		}
		x.expr(part)
	}
	x.WriteByte(')')
}

func explainIDs(x *explainer, ids IDs) {
	x.WriteString("id(")
	for i, id := range ids {
		if i > 0 {
			x.WriteByte(' ')
		}
		x.WriteString(string(id))
	}
	x.WriteByte(')')
}

func (x *explainer) scope(s Scope) {
	if s.Type == "" {
		s.Type = domain.ResourceType("*")
	}
	x.WriteString(string(s.Type))
	x.WriteByte(' ')
	x.expr(s.Where)
}

func (x *explainer) reference(r Reference) {
	x.WriteString(x.name(r.Slot))
	if r.Target != "" {
		x.WriteByte(':')
		x.WriteString(string(r.Target))
	}
}

var aspectWords = map[Aspect]string{
	AspectPresent: "present", AspectSystem: "system", AspectIdentifier: "identifier",
	AspectText: "text", AspectOfType: "of-type", AspectForward: "forward",
}

func (x *explainer) key(key []byte) {
	x.WriteString(x.name(SlotOf(key)))
	if aspect := aspectWords[AspectOf(key)]; aspect != "" {
		x.WriteByte('.')
		x.WriteString(aspect)
	}
}

// value writes the components of a value; control characters, such as the marks
// of systems, as digits, and digests shortly.
func (x *explainer) value(value []byte, whole bool) {
	for len(value) > 0 {
		part, rest, ended := CutComponent(value)
		if !ended {
			part, rest = unescape(value), nil
		}
		x.part(part)
		if ended {
			x.WriteString("·")
		}
		value = rest
	}
	if !whole {
		x.WriteString("…")
	}
}

func (x *explainer) part(part []byte) {
	for len(part) > 0 && part[0] < ' ' {
		if isDigest(part) && !utf8.Valid(part) { // the URL of a reference may be as long
			fmt.Fprintf(x, "#%x", part[1:5])
			return
		}
		x.WriteString(strconv.Itoa(int(part[0])))
		part = part[1:]
	}
	for _, r := range strings.ToValidUTF8(string(part), "\uFFFD") {
		if !strconv.IsPrint(r) {
			r = '\uFFFD'
		}
		x.WriteRune(r)
	}
}

func instant(ms int64) string {
	switch ms {
	case math.MinInt64, math.MaxInt64:
		return "-"
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
}
