package searchtest

import (
	"math/big"
	"strings"
	"time"
	"unicode"

	"fhirlog/domain/search"
	"fhirlog/domain/ucum"
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
	values := []string{m.operand(v, of, modifier)}
	for m.chance(3) {
		values = append(values, m.operand(m.any(v.Type), of, modifier))
	}
	return of.Code + modifier, strings.Join(values, ",")
}

func (m *Maker) modifier(of *search.Parameter) string {
	switch of.Type {
	case search.String:
		return m.word("", "", "", ":exact", ":contains", ":text")
	case search.Token:
		return m.word("", "", "", "", ":not", ":text", ":of-type")
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
