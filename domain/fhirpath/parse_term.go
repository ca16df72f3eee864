package fhirpath

import "strings"

// term reads what a path can begin with.
func (p *parser) term() (Node, error) {
	t := p.now
	at := At(t.offset)
	switch t.kind {
	case stringToken:
		return &Literal{At: at, Value: String(t.text)}, p.advance()
	case numberToken:
		return p.number()
	case dateToken:
		return p.date()
	case wordToken:
		if t.text == "true" || t.text == "false" {
			return &Literal{At: at, Value: Boolean(t.text == "true")}, p.advance()
		}
		return p.invocation(nil)
	case nameToken, specialToken:
		return p.invocation(nil)
	case signToken:
		switch t.text {
		case "(":
			if err := p.advance(); err != nil {
				return nil, err
			}
			n, err := p.expression(0)
			if err != nil {
				return nil, err
			}
			return n, p.expect(")")
		case "{":
			if err := p.advance(); err != nil {
				return nil, err
			}
			return &Empty{At: at}, p.expect("}")
		case "%":
			return p.variable()
		}
	}
	return nil, p.unexpected("a path, value or function")
}

func (p *parser) variable() (Node, error) {
	at := At(p.now.offset)
	if err := p.advance(); err != nil {
		return nil, err
	}
	switch p.now.kind {
	case wordToken, nameToken, stringToken:
		if p.now.text != "" {
			return &Variable{At: at, Name: p.now.text}, p.advance()
		}
	}
	return nil, p.unexpected("the name of a variable")
}

// invocation reads a member, a function or $this and its like.
func (p *parser) invocation(of Node) (Node, error) {
	t := p.now
	at := At(t.offset)
	switch t.kind {
	case specialToken:
		if of != nil || t.text != "$this" && t.text != "$index" && t.text != "$total" {
			return nil, p.unexpected("a name")
		}
		return &Special{At: at, Name: t.text}, p.advance()
	case wordToken, nameToken:
	default:
		return nil, p.unexpected("a name")
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if !p.sees("(") {
		return &Member{At: at, Of: of, Name: t.text}, nil
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if t.text == Is || t.text == As || t.text == OfType {
		name, err := p.typeName()
		if err != nil {
			return nil, err
		}
		return &Typed{At: at, Of: of, Op: t.text, Type: name, Function: true}, p.expect(")")
	}
	args, err := p.arguments()
	return &Call{At: at, Of: of, Name: t.text, Args: args}, err
}

// arguments reads what stands between the parentheses of a function.
func (p *parser) arguments() (args []Node, err error) {
	for !p.sees(")") {
		if len(args) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		arg, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
	}
	return args, p.advance()
}

// typeName reads a type: Quantity, FHIR.Quantity, System.String. In quotes,
// as some implementation guides write it, it is understood as well.
func (p *parser) typeName() (TypeName, error) {
	var parts []string
	for {
		if k := p.now.kind; k != wordToken && k != nameToken && (k != stringToken || len(parts) > 0) {
			return TypeName{}, p.unexpected("the name of a type")
		}
		for part := range strings.SplitSeq(p.now.text, ".") {
			if part == "" {
				return TypeName{}, p.unexpected("the name of a type")
			}
			parts = append(parts, part)
		}
		if err := p.advance(); err != nil {
			return TypeName{}, err
		}
		if !p.sees(".") {
			break
		}
		if err := p.advance(); err != nil {
			return TypeName{}, err
		}
	}
	if len(parts) > 1 && (parts[0] == "FHIR" || parts[0] == "System") {
		return TypeName{parts[0], strings.Join(parts[1:], ".")}, nil
	}
	return TypeName{Name: strings.Join(parts, ".")}, nil
}
