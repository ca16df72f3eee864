package fhirpath

import "github.com/cockroachdb/apd/v3"

// maxPower bounds exponents of power(), whose results grow with them.
const maxPower = 1000

func abs(k *call, v System) (System, error) {
	switch v := v.(type) {
	case Integer:
		if v < 0 {
			return calculateIntegers("-", 0, v), nil
		}
		return v, nil
	case Decimal:
		return Decimal{new(apd.Decimal).Abs(v.Decimal)}, nil
	case *Quantity:
		return &Quantity{Value: Decimal{new(apd.Decimal).Abs(v.Value.Decimal)}, Unit: v.Unit, Calendar: v.Calendar}, nil
	}
	return nil, k.noNumber(v)
}

func (k *call) noNumber(v System) error {
	return k.fault("is called on a number, not a %s", v.SystemType())
}

// whole builds the functions that round to an Integer. Of a quantity they
// round the value.
func whole(k *call, v System, how apd.Rounder) (System, error) {
	if q, ok := v.(*Quantity); ok {
		return &Quantity{Value: Decimal{roundTo(q.Value.Decimal, 0, how)}, Unit: q.Unit, Calendar: q.Calendar}, nil
	}
	if n, ok := v.(Integer); ok {
		return n, nil
	}
	d, ok := v.(Decimal)
	if !ok {
		return nil, k.noNumber(v)
	}
	result := roundTo(d.Decimal, 0, how)
	if n, ok := integerOf(result); ok && fits(int64(n)) {
		return n, nil
	}
	return Decimal{result}, nil
}

func ceiling(k *call, v System) (System, error)  { return whole(k, v, apd.RoundCeiling) }
func floor(k *call, v System) (System, error)    { return whole(k, v, apd.RoundFloor) }
func truncate(k *call, v System) (System, error) { return whole(k, v, apd.RoundDown) }

// round rounds half away from zero, to a number of decimal places.
func round(k *call, v System) (System, error) {
	digits, _, err := k.integer(0)
	if err != nil {
		return nil, err
	}
	if digits < 0 || digits > maxDigits {
		return nil, k.fault("takes the number of decimal places, at most %d", maxDigits)
	}
	if q, ok := v.(*Quantity); ok {
		return &Quantity{Value: Decimal{roundTo(q.Value.Decimal, digits, apd.RoundHalfUp)}, Unit: q.Unit, Calendar: q.Calendar}, nil
	}
	d, ok := asDecimal(v)
	if !ok {
		return nil, k.noNumber(v)
	}
	if places(d.Decimal) <= digits {
		return d, nil
	}
	return Decimal{roundTo(d.Decimal, digits, apd.RoundHalfUp)}, nil
}

// working calculates what is rounded in the end to quotientDigits.
var working = func() apd.Context {
	c := rounded
	c.Precision += 16
	return c
}()

// costly spends the steps of a logarithm or its like.
func (k *call) costly() error { return k.c.spend(k.r, k.n.At, 500) }

// finish rounds a result, nil after an error such as an overflow.
func finish(d *apd.Decimal, err error) System {
	if err != nil || d.Form != apd.Finite {
		return nil
	}
	result := new(apd.Decimal)
	if _, err := rounded.Round(result, d); err != nil {
		return nil
	}
	return Decimal{plainForm(result)}
}

// exponential is exp().
func exponential(k *call, v System) (System, error) {
	d, ok := asDecimal(v)
	if !ok {
		return nil, k.noNumber(v)
	}
	if d.Cmp(apd.New(maxPower, 0)) > 0 {
		return nil, nil
	}
	if err := k.costly(); err != nil {
		return nil, err
	}
	result := new(apd.Decimal)
	_, err := working.Exp(result, d.Decimal)
	return finish(result, err), nil
}

func ln(k *call, v System) (System, error) {
	d, ok := asDecimal(v)
	if !ok {
		return nil, k.noNumber(v)
	}
	if err := k.costly(); err != nil {
		return nil, err
	}
	result, err := naturalLog(d.Decimal)
	if result == nil {
		return nil, nil
	}
	return finish(result, err), nil
}

// naturalLog returns nil for what has no logarithm.
func naturalLog(d *apd.Decimal) (*apd.Decimal, error) {
	if d.Sign() <= 0 {
		return nil, nil
	}
	result := new(apd.Decimal)
	_, err := working.Ln(result, d)
	return result, err
}

// logarithm is log(base).
func logarithm(k *call, v System) (System, error) {
	d, ok := asDecimal(v)
	if !ok {
		return nil, k.noNumber(v)
	}
	argument, err := k.value(0)
	if argument == nil || err != nil {
		return nil, err
	}
	base, ok := asDecimal(argument)
	if !ok {
		return nil, k.fault("takes a number as its base, not a %s", argument.SystemType())
	}
	if err := k.costly(); err != nil {
		return nil, err
	}
	above, err1 := naturalLog(d.Decimal)
	below, err2 := naturalLog(base.Decimal)
	if above == nil || below == nil || err1 != nil || err2 != nil || below.IsZero() {
		return nil, nil
	}
	result := new(apd.Decimal)
	_, err = working.Quo(result, above, below)
	return finish(result, err), nil
}

func power(k *call, v System) (System, error) {
	base, ok := asDecimal(v)
	if !ok {
		return nil, k.noNumber(v)
	}
	argument, err := k.value(0)
	if argument == nil || err != nil {
		return nil, err
	}
	exponent, ok := asDecimal(argument)
	if !ok {
		return nil, k.fault("takes a number as its exponent, not a %s", argument.SystemType())
	}
	magnitude := new(apd.Decimal).Abs(exponent.Decimal)
	if magnitude.Cmp(apd.New(maxPower, 0)) > 0 {
		return nil, nil
	}
	if err := k.costly(); err != nil {
		return nil, err
	}
	n, isInteger := v.(Integer)
	m, isWhole := argument.(Integer)
	if isInteger && isWhole && m >= 0 {
		return integerPower(n, m), nil
	}
	result := new(apd.Decimal)
	_, err = working.Pow(result, base.Decimal, exponent.Decimal)
	return finish(result, err), nil
}

// integerPower multiplies, nil on overflow.
func integerPower(base, exponent Integer) System {
	result := Integer(1)
	for range exponent {
		next, ok := calculateIntegers("*", result, base).(Integer)
		if !ok {
			return nil
		}
		if next == result {
			break // powers of 0 and 1
		}
		result = next
	}
	return result
}

func sqrt(k *call, v System) (System, error) {
	d, ok := asDecimal(v)
	if !ok {
		return nil, k.noNumber(v)
	}
	if d.Sign() < 0 {
		return nil, nil
	}
	if err := k.costly(); err != nil {
		return nil, err
	}
	result := new(apd.Decimal)
	_, err := working.Sqrt(result, d.Decimal)
	return finish(result, err), nil
}
