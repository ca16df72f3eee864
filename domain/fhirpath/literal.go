package fhirpath

import "strings"

// number reads a number, or a quantity if a unit follows.
func (p *parser) number() (Node, error) {
	t := p.now
	if err := p.advance(); err != nil {
		return nil, err
	}
	value, ok := parseDecimal(t.text)
	if !ok {
		return nil, syntaxError(p.lexer.text, t.offset, "a number has at most 400 digits")
	}
	at := At(t.offset)
	switch p.now.kind {
	case stringToken:
		return &Literal{At: at, Value: &Quantity{Value: value, Unit: p.now.text}}, p.advance()
	case wordToken:
		if _, isUnit := calendarUnits[p.now.text]; isUnit {
			return &Literal{At: at, Value: &Quantity{Value: value, Unit: p.now.text, Calendar: true}}, p.advance()
		}
	}
	if strings.Contains(t.text, ".") {
		return &Literal{At: at, Value: value}, nil
	}
	n, ok := parseInteger(t.text)
	if !ok {
		return nil, syntaxError(p.lexer.text, t.offset, "an integer this large is written with a decimal point")
	}
	return &Literal{At: at, Value: n}, nil
}

// date reads what followed an @: @2015 and @2015-02-04 are dates, @2015T and
// @2015-02-04T14:34 are dateTimes, @T14:34 is a time.
func (p *parser) date() (Node, error) {
	t := p.now
	kind, text := dateKind, t.text
	switch strings.IndexByte(text, 'T') {
	case -1:
	case 0:
		kind, text = timeKind, text[1:]
	default:
		kind = dateTimeKind
	}
	value, ok := parseTemporal(text, kind)
	if !ok {
		return nil, syntaxError(p.lexer.text, t.offset, "there is no such date or time; the forms are @YYYY-MM-DD, @YYYY-MM-DDThh:mm:ss.fff+zz:zz and @Thh:mm:ss.fff")
	}
	return &Literal{At: At(t.offset), Value: value}, p.advance()
}
