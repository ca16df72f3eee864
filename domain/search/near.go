package search

import (
	"math"
	"math/big"
	"strings"

	"fhirlog/domain/ucum"
)

// centre is the operand of near: a point, and how far from it.
type centre struct {
	latitude, longitude float64 // degrees
	kilometres          float64
}

// nearDistance is how far near reaches if the client does not say it.
const nearDistance = 50 // km

// earthRadius is the mean radius of the earth (IUGG).
const earthRadius = 6371.0088 // km

// nearOperand parses latitude|longitude[|distance[|unit]]
// (https://hl7.org/fhir/R4/location.html#positional). The unit is a UCUM length,
// kilometres if there is none.
func (p *queryParser) nearOperand(raw string) (Operand, error) {
	operand := Operand{Text: resolveEscapes(raw), Parts: splitParts(raw)}
	if n := len(operand.Parts); n < 2 || n > 4 {
		return Operand{}, fault("the value %s of near is not latitude|longitude|distance|unit; the last two may be left out", brief(raw))
	}
	var err error
	if operand.place.latitude, err = degrees("latitude", operand.Parts[0], 90); err != nil {
		return Operand{}, err
	}
	if operand.place.longitude, err = degrees("longitude", operand.Parts[1], 180); err != nil {
		return Operand{}, err
	}
	operand.place.kilometres = nearDistance
	if len(operand.Parts) > 2 && operand.Parts[2] != "" {
		unit := "km"
		if len(operand.Parts) > 3 && operand.Parts[3] != "" {
			unit = operand.Parts[3]
		}
		operand.place.kilometres, err = kilometres(operand.Parts[2], unit)
	}
	return operand, err
}

func degrees(name, text string, most int64) (float64, error) {
	d, ok := ParseDecimal(strings.TrimSpace(text))
	if !ok || d.Cmp(DecimalOf(most)) > 0 || d.Cmp(DecimalOf(-most)) < 0 {
		return 0, fault("the %s %s of near is not a number from -%d to %d", name, brief(text), most, most)
	}
	return KeyNumber(d.Key()), nil
}

func kilometres(text, code string) (float64, error) {
	distance, ok := ParseDecimal(strings.TrimSpace(text))
	if !ok || distance.Sign() < 0 {
		return 0, fault("the distance %s of near is not a number from 0 on", brief(text))
	}
	if factor := surveyLengths[code]; factor != nil {
		length, _ := new(big.Rat).Mul(distance.rat(), factor).Float64()
		return length, nil
	}
	unit, err := ucum.Parse(code)
	if err != nil {
		return 0, fault("the unit %s of near is not a UCUM code of a length, such as km, m or [mi_i]", brief(code))
	}
	factor, ok := unit.FactorTo(kilometre)
	if !ok {
		return 0, fault("the unit %s of near does not measure a length; km, m or [mi_i] do", brief(code))
	}
	length, _ := new(big.Rat).Mul(distance.rat(), factor).Float64()
	return length, nil
}

var kilometre = mustUnit("km")

// surveyLengths are lengths of the U.S. survey, which the specification uses in
// its example, in kilometres: the survey foot is 1200/3937 m.
var surveyLengths = map[string]*big.Rat{
	"[mi_us]": big.NewRat(5280*1200, 3937*1000),
	"[ft_us]": big.NewRat(1200, 3937*1000),
}

func mustUnit(code string) ucum.Unit {
	unit, err := ucum.Parse(code)
	if err != nil {
		panic("the unit table lacks " + code)
	}
	return unit
}

// within tells whether a point lies within the distance on the sphere, by the
// haversine formula, which is exact for close points as well.
func (pl centre) within(latitude, longitude float64) bool {
	return pl.distance(latitude, longitude) <= pl.kilometres
}

func (pl centre) distance(latitude, longitude float64) float64 {
	const radian = math.Pi / 180
	φ1, φ2 := pl.latitude*radian, latitude*radian
	sinφ, sinλ := math.Sin((φ2-φ1)/2), math.Sin((longitude-pl.longitude)*radian/2)
	h := sinφ*sinφ + math.Cos(φ1)*math.Cos(φ2)*sinλ*sinλ
	return 2 * earthRadius * math.Asin(math.Min(1, math.Sqrt(h)))
}
