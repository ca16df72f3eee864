package httpapi

import (
	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirpath"
)

// memberOf answers memberOf() by the value sets whose codes the specification
// lists (https://hl7.org/fhir/R4/fhirpath.html#functions); of others nothing is
// known here.
func memberOf(d *definitions.Definitions) func(item fhirpath.Item, valueSet string) (bool, error) {
	return func(item fhirpath.Item, valueSet string) (bool, error) {
		codes := d.ValueSet(valueSet)
		if codes == nil {
			return false, domain.NewError(domain.NotSupported, "memberOf() knows the value sets that FHIR's own elements are bound to, and not "+printable(valueSet, 200)+".")
		}
		v := item.Place()
		if v.Kind() != fhirjson.Object {
			code, _ := item.System()
			text, ok := code.(fhirpath.String)
			return ok && codes.HasCode([]byte(text)), nil
		}
		for coding := v.Get("coding").First(); coding.Exists(); coding = coding.Next() {
			if hasCoding(codes, coding) {
				return true, nil
			}
		}
		return hasCoding(codes, v), nil
	}
}

func hasCoding(codes *definitions.Codes, v fhirjson.Value) bool {
	code := v.Get("code").Text()
	return len(code) > 0 && codes.Has(v.Get("system").Text(), code)
}
