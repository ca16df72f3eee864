package search

import "fhirlog/domain/fhirjson"

// addToken adds a token and its system.
func (x *extractor) addToken(a *action, aspect Aspect, system, code []byte, mark byte) {
	if len(code) > 0 && x.start(a, aspect) {
		x.key = appendTokenValue(x.key, system, code, mark)
		if aspect == AspectValue {
			x.posting(a)
		} else {
			x.addPosting()
		}
	}
	if len(system) > 0 && aspect == AspectValue && x.start(a, AspectSystem) {
		x.key = appendSystem(x.key, system, mark)
		x.addPosting()
	}
}

func markOf(system []byte) byte {
	if len(system) == 0 {
		return NoSystem
	}
	return GivenSystem
}

func codingToken(x *extractor, a *action, v fhirjson.Value) {
	x.present(a)
	x.addCoding(a, v)
}

func (x *extractor) addCoding(a *action, v fhirjson.Value) {
	var system, code []byte
	var display fhirjson.Value
	for m := v.First(); m.Exists(); m = m.Next() {
		switch string(m.Name()) {
		case "system":
			system = m.Text()
		case "code":
			code = m.Text()
		case "display":
			display = m
		}
	}
	x.addToken(a, AspectValue, system, code, markOf(system))
	x.addText(a, display)
}

func conceptToken(x *extractor, a *action, v fhirjson.Value) {
	x.present(a)
	for m := v.First(); m.Exists(); m = m.Next() {
		switch string(m.Name()) {
		case "coding":
			for coding := m.First(); coding.Exists(); coding = coding.Next() {
				x.addCoding(a, coding)
			}
		case "text":
			x.addText(a, m)
		}
	}
}

// codeableToken is R5's CodeableReference, of which a token is the concept.
func codeableToken(x *extractor, a *action, v fhirjson.Value) {
	if concept := v.Get("concept"); concept.Exists() {
		conceptToken(x, a, concept)
	}
}

// identifierToken adds the value within its system, for each of the
// identifier's types as well, and the text of the type
// (https://hl7.org/fhir/R4/search.html#token).
func identifierToken(x *extractor, a *action, v fhirjson.Value) {
	x.present(a)
	system, value, typ := identifierParts(v)
	x.addToken(a, AspectValue, system, value, markOf(system))
	if len(value) > 0 {
		for coding := typ.Get("coding").First(); coding.Exists(); coding = coding.Next() {
			if code, ok := textBytes(coding.Get("code")); ok && x.start(a, AspectOfType) {
				x.key = appendOfTypeValue(x.key, value, coding.Get("system").Text(), code)
				x.addPosting()
			}
		}
	}
	x.addText(a, typ.Get("text"))
}

func identifierParts(v fhirjson.Value) (system, value []byte, typ fhirjson.Value) {
	for m := v.First(); m.Exists(); m = m.Next() {
		switch string(m.Name()) {
		case "system":
			system = m.Text()
		case "value":
			value = m.Text()
		case "type":
			typ = m
		}
	}
	return system, value, typ
}

// contactToken adds what to call or write to. The system of a ContactPoint is
// no URI, and no part of the token.
func contactToken(x *extractor, a *action, v fhirjson.Value) {
	x.present(a)
	textToken(x, a, v.Get("value"))
}

func textToken(x *extractor, a *action, v fhirjson.Value) {
	if text, ok := textBytes(v); ok {
		x.present(a)
		x.addToken(a, AspectValue, nil, text, NoSystem)
	}
}

// codeToken adds a code with the system that its element implies.
func codeToken(x *extractor, a *action, v fhirjson.Value) {
	code, ok := textBytes(v)
	if !ok {
		return
	}
	x.present(a)
	if system := a.systemOf(code); system != "" {
		x.systemText = append(x.systemText[:0], system...)
		x.addToken(a, AspectValue, x.systemText, code, ImpliedSystem)
		return
	}
	x.addToken(a, AspectValue, nil, code, NoSystem)
}

// systemOf is the system of a code of the element, empty if it is not known.
func (a *action) systemOf(code []byte) string {
	switch len(a.systems) {
	case 0:
		return ""
	case 1:
		return a.systems[0]
	}
	for _, system := range a.systems {
		if a.codes.Has([]byte(system), code) {
			return system
		}
	}
	return ""
}

// rawToken adds a boolean or number as it is written.
func rawToken(x *extractor, a *action, v fhirjson.Value) {
	switch v.Kind() {
	case fhirjson.True, fhirjson.False, fhirjson.Number:
		x.present(a)
		x.addToken(a, AspectValue, nil, v.Raw(), NoSystem)
	}
}

func trueToken(x *extractor, a *action, _ fhirjson.Value) { tokenOf(x, a, true) }

func tokenOf(x *extractor, a *action, is bool) {
	x.present(a)
	word := "false"
	if is {
		word = "true"
	}
	if x.start(a, AspectValue) {
		x.key = AppendTokenValue(x.key, "", word, NoSystem)
		x.posting(a)
	}
}
