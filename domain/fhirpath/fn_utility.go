package fhirpath

import (
	"strings"
	"time"

	"fhirlog/domain"
)

// variable compiles %name.
func (c *compiler) variable(n *Variable) program {
	if text, ok := constantVariable(n.Name); ok {
		return c.constant(&Literal{At: n.At, Value: String(text)})
	}
	return func(r *run, dst Collection) (Collection, error) {
		for v := r.scope.variables; v != nil; v = v.outer {
			if v.name == n.Name {
				return append(dst, v.value...), nil
			}
		}
		if value, ok := r.context.Variables[n.Name]; ok {
			return append(dst, value...), nil
		}
		var it Item
		switch n.Name {
		case "context":
			it = r.context.Root
		case "resource":
			it = r.resource()
		case "rootResource":
			it = r.rootResource()
		default:
			return nil, c.fault(n.At, domain.Invalid, "there is no variable '%%%s'", n.Name)
		}
		if it.isZero() {
			return dst, nil
		}
		return append(dst, it), nil
	}
}

func (r *run) resource() Item {
	if !r.context.Resource.isZero() {
		return r.context.Resource
	}
	return r.context.Root
}

func (r *run) rootResource() Item {
	if !r.context.RootResource.isZero() {
		return r.context.RootResource
	}
	return r.resource()
}

// constantVariable returns the URLs that FHIR has names for
// (https://hl7.org/fhir/R4/fhirpath.html#variables).
func constantVariable(name string) (string, bool) {
	switch name {
	case "ucum":
		return ucumURL, true
	case "sct":
		return "http://snomed.info/sct", true
	case "loinc":
		return "http://loinc.org", true
	}
	if rest, ok := strings.CutPrefix(name, "vs-"); ok {
		return "http://hl7.org/fhir/ValueSet/" + rest, true
	}
	if rest, ok := strings.CutPrefix(name, "ext-"); ok {
		return "http://hl7.org/fhir/StructureDefinition/" + rest, true
	}
	return "", false
}

// IsReserved tells whether a variable of this name has a meaning of its own, so
// that nobody else can give it one.
func IsReserved(name string) bool {
	_, isConstant := constantVariable(name)
	return isConstant || name == "context" || name == "resource" || name == "rootResource"
}

// defineVariable binds a name for the rest of the path, to its input or to what
// an argument gives for it.
func defineVariable(c *compiler, n *Call, of program, args []program) (program, error) {
	return func(r *run, dst Collection) (Collection, error) {
		in, err := of(r, r.take())
		if err != nil {
			return nil, err
		}
		name, err := c.one(r, args[0], n.At, role{text: "the name of a variable"})
		if err != nil {
			return nil, err
		}
		text, ok := name.(String)
		if !ok || IsReserved(string(text)) {
			return nil, c.fault(n.At, domain.Invalid, "defineVariable() takes a name that is not taken, as a String")
		}
		var value Collection
		if len(args) == 1 {
			value = append(value, in...)
		} else {
			outer := r.scope
			r.scope.this = in
			if value, err = args[1](r, nil); err != nil {
				return nil, err
			}
			r.scope = outer
		}
		for v := r.scope.variables; v != nil; v = v.outer {
			if v.name == string(text) {
				return nil, c.fault(n.At, domain.Invalid, "a variable of this name is defined already")
			}
		}
		r.scope.variables = &variable{string(text), value, r.scope.variables}
		dst = append(dst, in...)
		r.give(in)
		return dst, c.step(r, n.At)
	}, nil
}

// trace hands its input, or a projection of it, to the context's Trace.
func trace(c *compiler, n *Call, of program, args []program) (program, error) {
	return func(r *run, dst Collection) (Collection, error) {
		in, err := of(r, r.take())
		if err != nil {
			return nil, err
		}
		name, err := c.one(r, args[0], n.At, role{text: "the name of a trace"})
		if err != nil {
			return nil, err
		}
		if r.context.Trace != nil {
			seen := in
			if len(args) > 1 {
				if seen, err = c.project(r, n, in, args[1], nil); err != nil {
					return nil, err
				}
			}
			text, _ := name.(String)
			r.context.Trace(string(text), append(Collection(nil), seen...))
		}
		dst = append(dst, in...)
		r.give(in)
		return dst, c.step(r, n.At)
	}, nil
}

// present returns the time that the context was given.
func (k *call) present() (time.Time, error) {
	if k.r.context.Now.IsZero() {
		return time.Time{}, k.c.fault(k.n.At, domain.NotSupported, "%s() is not known here", k.n.Name)
	}
	return k.r.context.Now, nil
}

func temporalAt(at time.Time) *Temporal {
	t := &Temporal{kind: dateTimeKind, precision: secondPrecision, digits: 3}
	_, offset := at.Zone()
	t.setTime(at)
	t.nanos -= t.nanos % 1_000_000
	t.zoned, t.zone = true, offset/60
	return t
}

func now(k *call, dst Collection) (Collection, error) {
	at, err := k.present()
	if err != nil {
		return nil, err
	}
	return append(dst, NewItem(temporalAt(at))), nil
}

func today(k *call, dst Collection) (Collection, error) {
	at, err := k.present()
	if err != nil {
		return nil, err
	}
	return append(dst, NewItem(toDate(temporalAt(at)))), nil
}

func timeOfDay(k *call, dst Collection) (Collection, error) {
	at, err := k.present()
	if err != nil {
		return nil, err
	}
	t := temporalAt(at)
	t.kind, t.zoned, t.zone = timeKind, false, 0
	t.parts[0], t.parts[1], t.parts[2] = 1, 1, 1
	return append(dst, NewItem(t)), nil
}
