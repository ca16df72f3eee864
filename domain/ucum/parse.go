package ucum

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

const (
	// maxCode is the greatest length of a code in bytes; UCUM's own longest is
	// far below it.
	maxCode = 128
	// maxExponent keeps hostile codes such as km99999999 from taking memory.
	maxExponent = 64
	// maxFactorBits is the greatest size of a factor, for codes that nest
	// exponents.
	maxFactorBits = 1 << 13
)

// Parse reads a case-sensitive code such as mmol/L, 10*9/L, mm[Hg] or {beats}/min.
func Parse(code string) (Unit, error) {
	if code == "" || len(code) > maxCode {
		return Unit{}, fmt.Errorf("a unit code has 1 to %d bytes", maxCode)
	}
	p := &parser{code: code, find: lookUp}
	return p.all()
}

// parser reads one code.
type parser struct {
	code string
	pos  int
	find func(symbol string) (Unit, bool)
}

func (p *parser) all() (Unit, error) {
	u, err := p.term()
	if err != nil {
		return Unit{}, err
	}
	if p.pos < len(p.code) {
		return Unit{}, p.fault("the code should end here")
	}
	return u, nil
}

func (p *parser) fault(what string) error {
	return fmt.Errorf("unit code, column %d: %s", p.pos+1, what)
}

func (p *parser) peek() byte {
	if p.pos < len(p.code) {
		return p.code[p.pos]
	}
	return 0
}

// term reads components that are multiplied and divided from left to right. A
// unit with an offset, Cel or [degF], keeps it only where it stands alone.
func (p *parser) term() (Unit, error) {
	sign := 1
	if p.peek() == '/' {
		p.pos++
		sign = -1
	}
	alone := sign == 1
	var product Unit
	for {
		u, exponent, err := p.component()
		if err != nil {
			return Unit{}, err
		}
		next := p.peek()
		if alone && exponent == 1 && next != '.' && next != '/' {
			return u, nil
		}
		if alone = false; product.factor == nil && len(product.powers) == 0 && sign*exponent == 1 && u.offset == nil {
			product = u
		} else {
			product = product.times(u, sign*exponent)
		}
		if bits(product.multiplier()) > maxFactorBits {
			return Unit{}, p.fault("the unit is too large or too small")
		}
		switch next {
		case '.':
			sign = 1
		case '/':
			sign = -1
		default:
			return product, nil
		}
		p.pos++
	}
}

// bits tells the size of a factor.
func bits(factor *big.Rat) int { return factor.Num().BitLen() + factor.Denom().BitLen() }

// component reads a unit with its exponent, a number, an annotation, or a term
// in parentheses.
func (p *parser) component() (u Unit, exponent int, err error) {
	switch c := p.peek(); {
	case c == '(':
		p.pos++
		if u, err = p.term(); err != nil {
			return Unit{}, 0, err
		}
		if p.peek() != ')' {
			return Unit{}, 0, p.fault("')' is missing")
		}
		p.pos++
		return u, 1, p.annotation()
	case c == '{':
		return Unit{}, 1, p.annotation()
	case c >= '0' && c <= '9' && !strings.HasPrefix(p.code[p.pos:], "10*") && !strings.HasPrefix(p.code[p.pos:], "10^"):
		digits := p.digits()
		factor, _ := new(big.Rat).SetString(digits)
		if factor.Sign() == 0 {
			return Unit{}, 0, p.fault("a factor cannot be 0")
		}
		return Unit{factor: factor}, 1, p.annotation()
	}
	symbol := p.symbol()
	u, known := p.find(symbol)
	if !known {
		return Unit{}, 0, p.fault(fmt.Sprintf("the unit %q before it is unknown", symbol))
	}
	if exponent, err = p.exponent(); err != nil {
		return Unit{}, 0, err
	}
	return u, exponent, p.annotation()
}

// symbol reads the name of a unit with its prefix. Digits may stand in square
// brackets only, and in 10* and 10^.
func (p *parser) symbol() string {
	start := p.pos
	if p.peek() == '1' {
		p.pos += len("10*")
		return p.code[start:p.pos]
	}
	for inside := false; p.pos < len(p.code); p.pos++ {
		switch c := p.code[p.pos]; {
		case c == '[':
			inside = true
		case c == ']':
			inside = false
		case c <= ' ' || c > '~':
			return p.code[start:p.pos]
		case !inside && (strings.IndexByte("./(){}+-", c) >= 0 || c >= '0' && c <= '9'):
			return p.code[start:p.pos]
		}
	}
	return p.code[start:p.pos]
}

func (p *parser) digits() string {
	start := p.pos
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.pos++
	}
	return p.code[start:p.pos]
}

// exponent reads an optional whole number with an optional sign.
func (p *parser) exponent() (int, error) {
	sign := 1
	switch p.peek() {
	case '-':
		sign = -1
		p.pos++
	case '+':
		p.pos++
	default:
		if c := p.peek(); c < '0' || c > '9' {
			return 1, nil
		}
	}
	n, err := strconv.Atoi(p.digits())
	if err != nil || n == 0 || n > maxExponent {
		return 0, p.fault(fmt.Sprintf("an exponent is a whole number from 1 to %d, with or without a sign", maxExponent))
	}
	return sign * n, nil
}

// annotation goes over text in braces, which means nothing.
func (p *parser) annotation() error {
	if p.peek() != '{' {
		return nil
	}
	end := strings.IndexByte(p.code[p.pos:], '}')
	if end < 0 {
		return p.fault("'}' is missing")
	}
	p.pos += end + 1
	return nil
}
