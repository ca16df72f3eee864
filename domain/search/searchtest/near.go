package searchtest

import (
	"math"
	"math/big"

	"fhirlog/domain/search"
	"fhirlog/domain/ucum"
)

// earthRadius is the mean radius of the earth in kilometres (IUGG).
const earthRadius = 6371.0088

// isNear compares a position with latitude|longitude|distance|unit
// (https://hl7.org/fhir/R4/location.html#positional), by the angle between the
// two places as it follows from their vectors.
func (e *Evaluator) isNear(o search.Operand, el element) bool {
	latitude, _, ok1 := parseNumber(string(el.get("latitude").Raw()))
	longitude, _, ok2 := parseNumber(string(el.get("longitude").Raw()))
	askedLatitude, _, ok3 := parseNumber(o.Parts[0])
	askedLongitude, _, ok4 := parseNumber(o.Parts[1])
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return false
	}
	a, b := vector(latitude, longitude), vector(askedLatitude, askedLongitude)
	cross := [3]float64{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
	angle := math.Atan2(math.Hypot(math.Hypot(cross[0], cross[1]), cross[2]), a[0]*b[0]+a[1]*b[1]+a[2]*b[2])
	return angle*earthRadius <= e.reach(o.Parts)
}

// reach is the distance in kilometres: 50 if none is given.
func (e *Evaluator) reach(parts []string) float64 {
	if len(parts) < 3 || parts[2] == "" {
		return 50
	}
	distance, _, _ := parseNumber(parts[2])
	if len(parts) > 3 && parts[3] != "" && parts[3] != "km" {
		unit, err := ucum.Parse(parts[3])
		e.note(err)
		kilometre, err := ucum.Parse("km")
		e.note(err)
		distance = kilometre.FromBase(unit.ToBase(distance))
	}
	f, _ := distance.Float64()
	return f
}

func vector(latitude, longitude *big.Rat) [3]float64 {
	φ, _ := latitude.Float64()
	λ, _ := longitude.Float64()
	φ, λ = φ*math.Pi/180, λ*math.Pi/180
	return [3]float64{math.Cos(φ) * math.Cos(λ), math.Cos(φ) * math.Sin(λ), math.Sin(φ)}
}
