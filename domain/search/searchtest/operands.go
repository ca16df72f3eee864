package searchtest

import (
	"slices"
	"strings"
	"unicode"

	"fhirlog/domain/search"
)

// escape makes a text a single value of a search
// (https://hl7.org/fhir/R4/search.html#escaping).
var escape = strings.NewReplacer(`\`, `\\`, ",", `\,`, "|", `\|`, "$", `\$`).Replace

// parameter makes name, with a modifier, and value of a parameter.
func (m *Maker) parameter(v *Version, of *search.Parameter) (name, value string) {
	if of.Type != search.Composite && m.chance(10) {
		return of.Code + ":missing", m.word("true", "false")
	}
	modifier := m.modifier(of)
	if modifier == "" && of.Type == search.ReferTo && m.chance(2) && slices.ContainsFunc(m.e.elements(v, of), isLogical) {
		modifier = ":identifier"
	}
	values := []string{m.operand(v, of, modifier)}
	for m.chance(3) {
		values = append(values, m.operand(m.any(v.Type), of, modifier))
	}
	return of.Code + modifier, strings.Join(values, ",")
}

// isLogical tells whether a reference has an identifier.
func isLogical(el element) bool { return el.get("identifier").Exists() }

func (m *Maker) modifier(of *search.Parameter) string {
	switch of.Type {
	case search.String:
		return m.word("", "", "", ":exact", ":contains", ":text")
	case search.Token:
		if slices.Contains(of.Yields, "Identifier") {
			return m.word("", "", ":not", ":text", ":of-type", ":of-type")
		}
		return m.word("", "", "", "", ":not", ":text", ":text")
	case search.URI:
		return m.word("", "", ":above", ":below")
	case search.ReferTo:
		modifiers := []string{"", "", "", "", ":identifier", ":text"}
		for _, t := range of.Targets {
			if m.byType[t] != nil {
				modifiers = append(modifiers, ":"+string(t))
			}
		}
		return one(m, modifiers)
	}
	return ""
}

// operand makes one alternative: of a value of the version, if it has one.
func (m *Maker) operand(v *Version, of *search.Parameter, modifier string) string {
	elements := m.e.elements(v, of)
	if len(elements) == 0 {
		return m.stranger(of)
	}
	el := one(m, elements)
	if needed := map[string]string{":identifier": "identifier", ":of-type": "type", ":text": "display"}[modifier]; needed != "" {
		for _, other := range elements {
			if other.get(needed).Exists() {
				el = other
			}
		}
	}
	if of.Type == search.Composite {
		parts := make([]string, len(of.Components))
		for i := range of.Components {
			parts[i] = m.stranger(&of.Components[i])
			if found := m.e.componentElements(v, of, i, el); len(found) > 0 {
				parts[i] = m.value(v, &of.Components[i], one(m, found), "")
			}
		}
		return strings.Join(parts, "$")
	}
	return m.value(v, of, el, modifier)
}

// stranger makes a value that hardly any resource has.
func (m *Maker) stranger(of *search.Parameter) string {
	switch of.Type {
	case search.Date:
		return m.prefix() + m.word("1990", "1997-03", "2031-01-01T00:00:00Z")
	case search.Number, search.Quantity:
		return m.prefix() + m.word("7", "-3.5", "1e3", "5.4")
	case search.Special:
		return "52.5|13.4|100|km"
	case search.ReferTo:
		return m.word("Patient/r1", "r2", "http://elsewhere.example.org/fhir/Patient/r1")
	}
	return m.word("strange", "a", "http://example.org/fhir")
}

// value makes one alternative out of an element.
func (m *Maker) value(v *Version, of *search.Parameter, el element, modifier string) string {
	switch {
	case modifier == ":text":
		return m.textValue(displaysOf(el, of.Type))
	case modifier == ":of-type":
		return m.ofType(el)
	case modifier == ":identifier":
		id := el.get("identifier")
		return m.tokenValue([]token{{system: id.Get("system").String(), code: id.Get("value").String()}})
	}
	switch of.Type {
	case search.String:
		return m.stringValue(stringsOf(el), modifier)
	case search.Token:
		return m.tokenValue(m.e.tokensOf(el, v))
	case search.ReferTo:
		return m.referenceValue(m.e.referenceOf(el))
	case search.URI:
		return m.uriValue(el.text(), modifier)
	case search.Date:
		if period, ok := periodOf(el); ok {
			return m.dateValue(period)
		}
	case search.Number:
		if low, high, ok := numberOf(el); ok {
			return m.prefix() + m.number(m.end(low, high))
		}
	case search.Quantity:
		if q, ok := quantityOf(el); ok {
			return m.quantityValue(q)
		}
	case search.Special:
		return string(el.get("latitude").Raw()) + "|" + string(el.get("longitude").Raw()) + m.word("", "|0", "|11", "|800.5|km", "|20000|km", "|100|m", "|500|[mi_i]")
	}
	return m.stranger(of)
}

func (m *Maker) stringValue(texts []string, modifier string) string {
	if len(texts) == 0 {
		return "nobody"
	}
	text := one(m, texts)
	runes := []rune(text)
	switch n := m.rand.IntN(8); {
	case n == 0:
		text = strings.ToUpper(text)
	case n == 1:
		text = normalize(text)
	case n == 2:
		text += "x"
	case n < 6 && modifier == ":contains" && len(runes) > 2:
		at := m.rand.IntN(len(runes) - 1)
		text = string(runes[at : at+1+m.rand.IntN(len(runes)-at)])
	case n < 6 && modifier == "" && len(runes) > 0:
		text = string(runes[:1+m.rand.IntN(len(runes))])
	}
	return escape(text)
}

// textValue makes a value of :text: what a word and more begin with.
func (m *Maker) textValue(texts []string) string {
	if len(texts) == 0 {
		return "nothing"
	}
	words := strings.Fields(one(m, texts))
	if len(words) == 0 {
		return "nothing"
	}
	at := m.rand.IntN(len(words))
	text := strings.Join(words[at:at+1+m.rand.IntN(len(words)-at)], " ")
	runes := []rune(text)
	return escape(string(runes[:1+m.rand.IntN(len(runes))]))
}

func (m *Maker) tokenValue(tokens []token) string {
	if len(tokens) == 0 {
		return "nothing"
	}
	t := one(m, tokens)
	code := escape(t.code)
	switch m.rand.IntN(12) {
	case 0:
		code = strings.ToUpper(code)
	case 1:
		code = strings.ToLower(code)
	case 2:
		code += "x"
	}
	switch m.rand.IntN(5) {
	case 0:
		return "|" + code
	case 1:
		if t.system != "" {
			return escape(t.system) + "|"
		}
	case 2, 3:
		if t.system != "" {
			return escape(t.system) + "|" + code
		}
	}
	return code
}

func (m *Maker) ofType(el element) string {
	for _, c := range members(el.get("type"), "coding") {
		if !c.Get("system").Exists() || !c.Get("code").Exists() || !el.get("value").Exists() {
			continue
		}
		return escape(c.Get("system").String()) + "|" + escape(c.Get("code").String()) + "|" + escape(el.get("value").String())
	}
	return "http://example.org/codes|a|1"
}

func (m *Maker) referenceValue(r reference) string {
	if r.id == "" {
		return escape(r.url) + m.word("", "", "|"+escape(r.version))
	}
	typ := r.typ
	if typ == "" || m.chance(8) {
		typ = m.word("Patient", "Practitioner", "Organization", "Group", "Encounter")
	}
	switch m.rand.IntN(8) {
	case 0, 1:
		return r.id
	case 2:
		if len(m.e.Bases) > 0 {
			return one(m, m.e.Bases) + typ + "/" + r.id
		}
	case 3:
		return typ + "/" + r.id + "/_history/" + m.word("1", "2")
	case 4:
		return strings.ToLower(typ) + "/" + r.id
	}
	return typ + "/" + r.id
}

func (m *Maker) uriValue(uri, modifier string) string {
	url, rest, _ := strings.Cut(uri, "|")
	switch modifier {
	case ":above":
		return escape(url + m.word("", "/x", "more", ".5"))
	case ":below":
		return escape(url[:max(5, m.rand.IntN(len(url)+1))])
	}
	if rest != "" && m.chance(2) {
		version, _, _ := strings.Cut(rest, "#")
		return escape(url) + "|" + m.word(rest, version, "9")
	}
	return escape(m.word(url, url, uri, url+"x"))
}

// words makes a value of _content or _text.
func (m *Maker) words(v *Version) string {
	var known []string
	for _, text := range m.e.wordsOf(v, m.word("_content", "_text")) {
		for _, word := range text {
			if len(word) > 1 {
				known = append(known, word)
			}
		}
	}
	if len(known) == 0 {
		return "fever"
	}
	word := func() string {
		w := one(m, known)
		if runes := []rune(w); m.chance(4) && len(runes) > 2 {
			return string(runes[:2]) + "*"
		}
		return strings.Map(unicode.ToTitle, w)
	}
	switch m.rand.IntN(6) {
	case 0:
		return word() + " " + word()
	case 1:
		return word() + " or " + word()
	case 2:
		return "not " + word()
	case 3:
		return "(" + word() + " or fever) and not " + word()
	case 4:
		at := m.rand.IntN(len(known))
		return `"` + strings.Join(known[at:min(len(known), at+2)], " ") + `"`
	}
	return word()
}
