package fhirpath

// The binding strength of operators; greater binds tighter
// (https://hl7.org/fhirpath/N1/#operator-precedence).
const (
	bindImplies = iota + 1
	bindOr
	bindAnd
	bindIn
	bindEqual
	bindLess
	bindUnion
	bindType
	bindAdd
	bindMultiply
	bindSign
	bindTerm
)

// binding returns the strength of a binary operator, 0 for other words.
func binding(op string) int {
	switch op {
	case "implies":
		return bindImplies
	case "or", "xor":
		return bindOr
	case "and":
		return bindAnd
	case "in", "contains":
		return bindIn
	case "=", "~", "!=", "!~":
		return bindEqual
	case "<", ">", "<=", ">=":
		return bindLess
	case "|":
		return bindUnion
	case Is, As:
		return bindType
	case "+", "-", "&":
		return bindAdd
	case "*", "/", "div", "mod":
		return bindMultiply
	}
	return 0
}

// strength tells how tightly the outermost part of a node binds.
func strength(n Node) int {
	switch n := n.(type) {
	case *Binary:
		return binding(n.Op)
	case *Typed:
		if !n.Function {
			return bindType
		}
	case *Unary:
		return bindSign
	}
	return bindTerm
}

// printIn writes a node where only parts that bind as tightly as least may
// stand without parentheses.
func printIn(dst []byte, n Node, least int) []byte {
	if strength(n) >= least {
		return n.print(dst)
	}
	return append(n.print(append(dst, '(')), ')')
}

// printOf writes what a step is taken from.
func printOf(dst []byte, of Node) []byte {
	if of == nil {
		return dst
	}
	return append(printIn(dst, of, bindTerm), '.')
}

func (n *Literal) print(dst []byte) []byte  { return appendLiteral(dst, n.Value) }
func (n *Empty) print(dst []byte) []byte    { return append(dst, "{}"...) }
func (n *Special) print(dst []byte) []byte  { return append(dst, n.Name...) }
func (n *Variable) print(dst []byte) []byte { return appendIdentifier(append(dst, '%'), n.Name) }

func (n *Member) print(dst []byte) []byte {
	if n.Of == nil && (n.Name == "true" || n.Name == "false") {
		return append(append(append(dst, '`'), n.Name...), '`')
	}
	return appendIdentifier(printOf(dst, n.Of), n.Name)
}

func (n *Call) print(dst []byte) []byte {
	dst = append(appendIdentifier(printOf(dst, n.Of), n.Name), '(')
	for i, arg := range n.Args {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = arg.print(dst)
	}
	return append(dst, ')')
}

func (n *Typed) print(dst []byte) []byte {
	if n.Function {
		dst = append(append(printOf(dst, n.Of), n.Op...), '(')
		return append(n.Type.print(dst), ')')
	}
	dst = append(printIn(dst, n.Of, bindType), ' ')
	return n.Type.print(append(append(dst, n.Op...), ' '))
}

func (n *Indexer) print(dst []byte) []byte {
	return append(n.Index.print(append(printIn(dst, n.Of, bindTerm), '[')), ']')
}

func (n *Unary) print(dst []byte) []byte { return printIn(append(dst, n.Op...), n.Of, bindSign) }

func (n *Binary) print(dst []byte) []byte {
	least := binding(n.Op)
	dst = append(printIn(dst, n.Left, least), ' ')
	return printIn(append(append(dst, n.Op...), ' '), n.Right, least+1)
}

func (t TypeName) print(dst []byte) []byte {
	if t.Namespace != "" {
		dst = append(appendIdentifier(dst, t.Namespace), '.')
	}
	start := 0
	for i := 0; i <= len(t.Name); i++ {
		if i < len(t.Name) && t.Name[i] != '.' {
			continue
		}
		if start > 0 {
			dst = append(dst, '.')
		}
		dst = appendIdentifier(dst, t.Name[start:i])
		start = i + 1
	}
	return dst
}

// String writes the name as in an expression.
func (t TypeName) String() string { return string(t.print(nil)) }

// String writes the expression.
func (n *Literal) String() string { return string(n.print(nil)) }

// String writes the expression.
func (n *Empty) String() string { return string(n.print(nil)) }

// String writes the expression.
func (n *Variable) String() string { return string(n.print(nil)) }

// String writes the expression.
func (n *Special) String() string { return string(n.print(nil)) }

// String writes the expression.
func (n *Member) String() string { return string(n.print(nil)) }

// String writes the expression.
func (n *Call) String() string { return string(n.print(nil)) }

// String writes the expression.
func (n *Typed) String() string { return string(n.print(nil)) }

// String writes the expression.
func (n *Indexer) String() string { return string(n.print(nil)) }

// String writes the expression.
func (n *Unary) String() string { return string(n.print(nil)) }

// String writes the expression.
func (n *Binary) String() string { return string(n.print(nil)) }

// appendIdentifier writes a name, in backticks if it is no plain identifier.
func appendIdentifier(dst []byte, name string) []byte {
	if isIdentifier(name) {
		return append(dst, name...)
	}
	return append(appendEscaped(append(dst, '`'), name, '`'), '`')
}

// isIdentifier tells whether a name can stand without backticks.
func isIdentifier(name string) bool {
	for i := 0; i < len(name); i++ {
		if !isLetter(name[i]) && (i == 0 || !isDigit(name[i])) {
			return false
		}
	}
	return name != ""
}

// appendEscaped writes the content of a string or delimited identifier.
func appendEscaped(dst []byte, text string, quote byte) []byte {
	const hex = "0123456789abcdef"
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == quote || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\r':
			dst = append(dst, `\r`...)
		case c == '\t':
			dst = append(dst, `\t`...)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
