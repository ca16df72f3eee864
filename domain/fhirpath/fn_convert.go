package fhirpath

import (
	"strings"

	"github.com/cockroachdb/apd/v3"

	"fhirlog/domain/ucum"
)

// conversion converts a value to another type, nil if it does not convert
// (https://hl7.org/fhirpath/N1/#conversion).
type conversion func(v System) System

// convert builds toX() of a conversion; toQuantity() may have a unit.
func convert(to conversion) builder {
	return plain(func(k *call, dst Collection) (Collection, error) {
		v, err := k.converted(to)
		return appendSystem(dst, v), err
	})
}

// converts builds convertsToX().
func converts(to conversion) builder {
	return plain(func(k *call, dst Collection) (Collection, error) {
		v, err := k.converted(to)
		if err != nil || len(k.in) == 0 {
			return dst, err
		}
		return appendBoolean(dst, v != nil), nil
	})
}

// converted returns the converted input, nil if there is none.
func (k *call) converted(to conversion) (System, error) {
	if len(k.in) > 1 {
		return nil, k.fault("is called on at most one item, and there are %d", len(k.in))
	}
	if len(k.in) == 0 {
		return nil, nil
	}
	v, ok := k.in[0].System()
	if !ok {
		return nil, nil
	}
	v = to(v)
	if v == nil || len(k.args) == 0 {
		return v, nil
	}
	unit, ok, err := k.text(0)
	if !ok || err != nil {
		return nil, err
	}
	return v.(*Quantity).in(unit), nil
}

// in returns the quantity in another unit, nil if that is of another kind.
func (q *Quantity) in(unit string) System {
	_, isWord := calendarUnits[unit]
	to := &Quantity{Unit: unit, Calendar: isWord}
	mq, mt := q.measure(), to.measure()
	if !mq.comparable(mt) {
		mq, mt = equivalentMeasure(q), equivalentMeasure(to)
		if !mq.comparable(mt) {
			return nil
		}
	}
	value, ok := mq.convert(q.Value.Decimal, mt)
	if !ok {
		return nil
	}
	to.Value = Decimal{value}
	return to
}

func toBoolean(v System) System {
	switch v := v.(type) {
	case Boolean:
		return v
	case Integer, Decimal:
		d, _ := asDecimal(v)
		if d.IsZero() {
			return Boolean(false)
		}
		if d.Cmp(apd.New(1, 0)) == 0 {
			return Boolean(true)
		}
	case String:
		switch strings.ToLower(string(v)) {
		case "true", "t", "yes", "y", "1", "1.0":
			return Boolean(true)
		case "false", "f", "no", "n", "0", "0.0":
			return Boolean(false)
		}
	}
	return nil
}

func toLong(v System) System {
	switch v := v.(type) {
	case Boolean:
		if v {
			return Integer(1)
		}
		return Integer(0)
	case Integer:
		return v
	case String:
		if n, ok := parseInteger(string(v)); ok {
			return n
		}
	}
	return nil
}

func toInteger(v System) System {
	n, ok := toLong(v).(Integer)
	if !ok || !fits(int64(n)) {
		return nil
	}
	return n
}

func toDecimal(v System) System {
	switch v := v.(type) {
	case Boolean:
		if v {
			return Decimal{apd.New(10, -1)}
		}
		return Decimal{apd.New(0, -1)}
	case Integer:
		return decimalOf(v)
	case Decimal:
		return v
	case String:
		if strings.ContainsAny(string(v), "eE") || strings.HasSuffix(string(v), ".") || strings.HasPrefix(strings.TrimLeft(string(v), "+-"), ".") {
			return nil
		}
		if d, ok := parseDecimal(string(v)); ok {
			return d
		}
	}
	return nil
}

func toString(v System) System {
	if _, isInfo := v.(TypeInfo); isInfo {
		return nil
	}
	return String(v.String())
}

func toDate(v System) System {
	switch v := v.(type) {
	case *Temporal:
		switch v.kind {
		case dateKind:
			return v
		case dateTimeKind:
			date := &Temporal{kind: dateKind, precision: min(v.precision, dayPrecision), parts: v.parts}
			date.parts[3], date.parts[4], date.parts[5] = 0, 0, 0
			return date
		}
	case String:
		if t, ok := parseTemporal(string(v), dateKind); ok {
			return t
		}
		if t, ok := parseTemporal(string(v), dateTimeKind); ok {
			return toDate(t)
		}
	}
	return nil
}

func toDateTime(v System) System {
	switch v := v.(type) {
	case *Temporal:
		switch v.kind {
		case dateTimeKind:
			return v
		case dateKind:
			converted := *v
			converted.kind = dateTimeKind
			return &converted
		}
	case String:
		if t, ok := parseTemporal(string(v), dateTimeKind); ok {
			return t
		}
	}
	return nil
}

func toTime(v System) System {
	switch v := v.(type) {
	case *Temporal:
		if v.kind == timeKind {
			return v
		}
	case String:
		if t, ok := parseTemporal(strings.TrimPrefix(string(v), "T"), timeKind); ok {
			return t
		}
	}
	return nil
}

func toQuantity(v System) System {
	switch v := v.(type) {
	case *Quantity:
		return v
	case Integer, Decimal:
		q, _ := asQuantity(v)
		return q
	case Boolean:
		return &Quantity{Value: toDecimal(v).(Decimal), Unit: "1"}
	case String:
		q, ok := parseQuantity(string(v))
		if !ok {
			return nil
		}
		if _, err := ucum.Parse(q.Unit); err != nil && !q.Calendar {
			return nil
		}
		return q
	}
	return nil
}
