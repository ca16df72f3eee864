package searchtest

import (
	"math/big"
	"time"

	"fhirlog/domain/ucum"
)

func (m *Maker) prefix() string {
	prefixes := []string{"", "", "", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"}
	if m.NoNow {
		prefixes = prefixes[:len(prefixes)-1]
	}
	return one(m, prefixes)
}

// dateValue makes a date at one end of a period, or beside it.
func (m *Maker) dateValue(period span) string {
	at := period.from
	if period.fromOpen || !period.toOpen && m.chance(2) {
		at = period.to
		if m.chance(2) {
			at = at.Add(-100)
		}
	}
	if m.chance(4) {
		at = at.Add(time.Duration(m.rand.IntN(5)-2) * 40 * 24 * time.Hour)
	}
	return m.prefix() + m.moment(at)
}

// instant writes an instant in milliseconds.
func (m *Maker) instant(millis int64) string {
	return m.moment(time.UnixMilli(millis + int64(m.rand.IntN(5)-2)).UTC())
}

// moment writes an instant to some precision.
func (m *Maker) moment(at time.Time) string {
	if m.chance(4) {
		at = at.In(time.FixedZone("", 3600*(m.rand.IntN(27)-12)))
	} else {
		at = at.UTC()
	}
	return at.Format(m.word("2006", "2006-01", "2006-01-02", "2006-01-02", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05.000Z07:00", "2006-01-02T15:04:05.0000000Z07:00"))
}

// end picks one end of a range that is not open.
func (m *Maker) end(low, high number) number {
	if low == nil || high != nil && m.chance(2) {
		return high
	}
	return low
}

// number writes a number, or one close to it, with some digits.
func (m *Maker) number(n number) string {
	if n == nil {
		return "5"
	}
	if m.chance(3) {
		n = new(big.Rat).Add(n, big.NewRat(int64(m.rand.IntN(21)-10), int64(one(m, []int{1, 10, 20, 200}))))
	}
	return n.FloatString(m.rand.IntN(4)) + m.word("", "", "", "", "", "e0", "E+0")
}

func (m *Maker) quantityValue(q quantity) string {
	n := m.end(q.low, q.high)
	switch m.rand.IntN(5) {
	case 0:
		return m.prefix() + m.number(n)
	case 1:
		return m.prefix() + m.number(n) + "||" + escape(m.word(q.code, q.unit, q.code))
	case 2:
		return m.prefix() + m.number(n) + "|" + escape(q.system) + "|" + m.word("", "nothing")
	case 3:
		if other, ok := m.converted(q, n); ok {
			return m.prefix() + other
		}
	}
	return m.prefix() + m.number(n) + "|" + escape(q.system) + "|" + escape(q.code)
}

// converted writes the number in another unit of UCUM.
func (m *Maker) converted(q quantity, n number) (string, bool) {
	to := m.word("mg", "g", "kg", "ug", "mg/dL", "g/L", "Cel", "K", "mm[Hg]", "kPa", "/min", "1/h", "%", "cm", "m", "wk", "d")
	from, err1 := ucum.Parse(q.code)
	unit, err2 := ucum.Parse(to)
	if q.system != ucumSystem || n == nil || err1 != nil || err2 != nil || !from.Comparable(unit) {
		return "", false
	}
	return unit.FromBase(from.ToBase(n)).FloatString(m.rand.IntN(7)) + "|" + ucumSystem + "|" + escape(to), true
}
