package profile

import (
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirpath"
)

// content checks a value by itself: fixed value, pattern, range, length, binding.
func (w *walk) content(s *shape, v spot) {
	if s.fixed.Exists() && !fhirjson.Equal(s.fixed, v.place) {
		w.fault(codeValue, w.demands()+s.name+" to be exactly "+brief(s.fixed)+".")
	}
	if s.pattern.Exists() && !w.matches(s.pattern, v.place) {
		w.fault(codeValue, w.demands()+s.name+" to have all of "+brief(s.pattern)+".")
	}
	if s.maxLength > 0 && v.place.Kind() == fhirjson.String && utf8.RuneCount(v.place.Text()) > s.maxLength {
		w.fault(codeValue, fmt.Sprintf("%s%s to have at most %d characters.", w.demands(), s.name, s.maxLength))
	}
	w.bound(s, v, s.minimum, "%value >= %limit", "not less than")
	w.bound(s, v, s.maximum, "%value <= %limit", "not more than")
	if s.binding != nil && v.place.Exists() { // an extension may say why there is no code
		w.bindings(s, v)
	}
}

// brief is what a profile demands, in a message.
func brief(v fhirjson.Value) string {
	const most = 200
	text := string(fhirjson.AppendCompact(nil, v, nil))
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// matches says that a value has all that a pattern has
// (https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.pattern_x_).
func (w *walk) matches(pattern, v fhirjson.Value) bool {
	if !w.spend() {
		return false
	}
	switch pattern.Kind() {
	case fhirjson.Object:
		if v.Kind() != fhirjson.Object {
			return false
		}
		for m := pattern.First(); m.Exists(); m = m.Next() {
			if !w.matches(m, v.Get(string(m.Name()))) {
				return false
			}
		}
		return true
	case fhirjson.Array:
		for p := pattern.First(); p.Exists(); p = p.Next() {
			found := false
			for item := items(v); item.Exists() && !found; item = item.Next() {
				found = w.matches(p, item)
			}
			if !found {
				return false
			}
		}
		return v.Kind() == fhirjson.Array
	}
	return fhirjson.Equal(pattern, v)
}

// comparisons are the compiled expressions of bound, by FHIR version and text.
var comparisons sync.Map

// bound checks minValue[x] and maxValue[x]. A limit that is a period before or
// after now, or of another kind than the value, says nothing.
func (w *walk) bound(s *shape, v spot, limit fhirjson.Value, expression, words string) {
	if !limit.Exists() || !v.place.Exists() {
		return
	}
	type compared struct {
		version    definitions.Version
		expression string
	}
	k := compared{w.d.Version(), expression}
	found, ok := comparisons.Load(k)
	if !ok {
		compiled, err := fhirpath.Compile(w.d, expression, fhirpath.Options{})
		if err != nil {
			w.err = err
			return
		}
		found, _ = comparisons.LoadOrStore(k, compiled)
	}
	c := w.context(v)
	c.Variables = map[string]fhirpath.Collection{
		"value": {v.item()},
		"limit": {fhirpath.NewElement(v.typ, limit, fhirjson.Value{})},
	}
	holds, known, err := found.(*fhirpath.Expression).Test(c)
	if err == nil && known && !holds {
		w.fault(codeValue, w.demands()+s.name+" to be "+words+" "+brief(limit)+".")
	}
}
