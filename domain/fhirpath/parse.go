package fhirpath

import "fmt"

const (
	// maxText is the greatest length of an expression in bytes.
	maxText = 64 << 10
	// maxNesting is how deep parentheses, arguments and signs may nest, since
	// parser and evaluator recurse.
	maxNesting = 200
)

// Parse reads an expression: the grammar of FHIRPath 2.0, of which R4's N1 is a
// part (https://hl7.org/fhirpath/N1/grammar.html). Whether functions and types
// exist is for Compile to say. An error is a *domain.Error that names the
// column.
func Parse(text string) (Node, error) {
	if len(text) > maxText {
		return nil, syntaxError(text, 0, fmt.Sprintf("an expression has at most %d bytes", maxText))
	}
	p := &parser{lexer: lexer{text: text}}
	if err := p.advance(); err != nil {
		return nil, err
	}
	n, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	if p.now.kind != endToken {
		return nil, p.unexpected("the end of the expression or an operator")
	}
	return n, nil
}

// parser is a precedence parser with one token of foresight.
type parser struct {
	lexer   lexer
	now     token
	nesting int
}

// advance goes to the next token.
func (p *parser) advance() (err error) {
	p.now, err = p.lexer.next()
	return err
}

// sees tells whether the current token is this sign.
func (p *parser) sees(sign string) bool { return p.now.kind == signToken && p.now.text == sign }

// expect goes over a sign that has to be there.
func (p *parser) expect(sign string) error {
	if !p.sees(sign) {
		return p.unexpected("'" + sign + "'")
	}
	return p.advance()
}

func (p *parser) unexpected(wanted string) error {
	found := "the end"
	switch p.now.kind {
	case endToken:
	case stringToken:
		found = "a string"
	case dateToken:
		found = "a date or time"
	default:
		found = "'" + p.now.text + "'"
	}
	return syntaxError(p.lexer.text, p.now.offset, wanted+" is expected, not "+found)
}

// expression reads operands and the operators between them that bind tighter
// than above.
func (p *parser) expression(above int) (Node, error) {
	if p.nesting++; p.nesting > maxNesting {
		return nil, syntaxError(p.lexer.text, p.now.offset, fmt.Sprintf("parentheses, arguments and signs may nest %d deep", maxNesting))
	}
	defer func() { p.nesting-- }()
	left, err := p.signed()
	if err != nil {
		return nil, err
	}
	for {
		op := p.now
		strength := 0
		if op.kind == signToken || op.kind == wordToken {
			strength = binding(op.text)
		}
		if strength == 0 || strength <= above {
			return left, nil
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
		if op.text == Is || op.text == As {
			name, err := p.typeName()
			if err != nil {
				return nil, err
			}
			left = &Typed{At: At(op.offset), Of: left, Op: op.text, Type: name}
			continue
		}
		right, err := p.expression(strength)
		if err != nil {
			return nil, err
		}
		left = &Binary{At: At(op.offset), Op: op.text, Left: left, Right: right}
	}
}

// signed reads a term with the signs before it.
func (p *parser) signed() (Node, error) {
	if !p.sees("+") && !p.sees("-") {
		return p.path()
	}
	op := p.now
	if p.nesting++; p.nesting > maxNesting {
		return nil, syntaxError(p.lexer.text, op.offset, "too many signs")
	}
	defer func() { p.nesting-- }()
	if err := p.advance(); err != nil {
		return nil, err
	}
	of, err := p.signed()
	if err != nil {
		return nil, err
	}
	return &Unary{At: At(op.offset), Op: op.text, Of: of}, nil
}

// path reads a term with the steps and indexers after it.
func (p *parser) path() (Node, error) {
	n, err := p.term()
	for err == nil {
		at := p.now.offset
		switch {
		case p.sees("."):
			if err = p.advance(); err == nil {
				n, err = p.invocation(n)
			}
		case p.sees("["):
			if err = p.advance(); err != nil {
				break
			}
			var index Node
			if index, err = p.expression(0); err == nil {
				n, err = &Indexer{At: At(at), Of: n, Index: index}, p.expect("]")
			}
		default:
			return n, nil
		}
	}
	return nil, err
}
