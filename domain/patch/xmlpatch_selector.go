package patch

import "strings"

// selectorParser reads a selector.
type selectorParser struct {
	text    string
	at      int
	element *xmlNode // the operation, where prefixes are declared
	wrong   string
}

const selectorForm = "a path of names with '/' between them, each with predicates such as [2], [@id='a'] or [f:system/@value='x'], and perhaps an attribute such as @value or text() at its end"

// parseSelector reads the attribute sel of an operation.
func parseSelector(text string, element *xmlNode) (s selector, wrong string) {
	p := &selectorParser{text: text, element: element}
	p.space()
	p.take("/")
	s.none = true
	for p.wrong == "" {
		st := p.step()
		if st.kind != elementStep {
			s.last, s.none = st, false
			break
		}
		s.steps = append(s.steps, st)
		if !p.take("/") {
			break
		}
		if len(s.steps) > greatestDepth {
			p.fail("it has too many steps")
		}
	}
	p.space()
	if p.wrong == "" && p.at < len(p.text) {
		p.fail("it goes on where it should end")
	}
	if len(s.steps) == 0 {
		p.fail("it must begin with the name of the root element")
	}
	return s, p.wrong
}

func (p *selectorParser) fail(what string) {
	if p.wrong == "" {
		p.wrong = what + "; a selector is " + selectorForm
	}
}

func (p *selectorParser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

// take moves over a token, if it is the next one.
func (p *selectorParser) take(token string) bool {
	p.space()
	if !strings.HasPrefix(p.text[p.at:], token) {
		return false
	}
	p.at += len(token)
	return true
}

// step reads a step with its predicates.
func (p *selectorParser) step() (st xmlStep) {
	switch {
	case p.take("@"):
		return p.named(attributeStep)
	case p.take("attribute::"):
		return p.named(attributeStep)
	case p.take("namespace::"):
		st.kind, st.local = namespaceStep, p.word()
		return st
	case p.take("text()"):
		st.kind = textStep
	case p.take("comment()"):
		st.kind = commentStep
	case p.take("processing-instruction("):
		st.kind = instructionStep
		if !p.take(")") {
			st.local = p.literal()
			if !p.take(")") {
				p.fail("a ')' is missing")
			}
		}
	case p.take("id("):
		p.fail("id() needs a document type, which FHIR does not have: use [@id='…']")
		return st
	case p.take("*"):
		st.local = "*"
	default:
		p.take("child::")
		st = p.named(elementStep)
	}
	for p.wrong == "" && p.take("[") {
		st.predicates = append(st.predicates, p.predicate())
		if !p.take("]") {
			p.fail("a ']' is missing")
		}
		if len(st.predicates) > 16 {
			p.fail("a step has too many predicates")
		}
	}
	return st
}

// predicate reads what stands in brackets.
func (p *selectorParser) predicate() (q xmlPredicate) {
	p.space()
	digits := p.at
	for digits < len(p.text) && p.text[digits] >= '0' && p.text[digits] <= '9' {
		digits++
	}
	if digits > p.at {
		if q.position = position(p.text[p.at:digits]); q.position == 0 {
			p.fail("positions count from 1")
		}
		p.at = digits
		return q
	}
	switch {
	case p.take("@"):
		q.path = []xmlStep{p.named(attributeStep)}
	case p.take("."):
		// The element itself: no path.
	default:
		q.path = p.childPath()
	}
	if !p.take("=") {
		p.fail("a predicate is a position or compares with '='")
	}
	q.value = p.literal()
	return q
}

// childPath reads the path of a predicate: FHIR's values are attributes of children.
func (p *selectorParser) childPath() (path []xmlStep) {
	for p.wrong == "" {
		if p.take("@") {
			return append(path, p.named(attributeStep))
		}
		path = append(path, p.named(elementStep))
		if !p.take("/") {
			return path
		}
	}
	return path
}

// named reads a name and finds its namespace.
func (p *selectorParser) named(kind xmlStepKind) xmlStep {
	st := xmlStep{kind: kind, local: p.word()}
	prefix, local, prefixed := strings.Cut(st.local, ":")
	if prefixed {
		st.local = local
	}
	var wrong string
	if st.space, wrong = spaceOf(p.element, prefix, prefixed, kind == attributeStep); wrong != "" {
		p.fail(wrong)
	}
	return st
}

// spaceOf finds the namespace of a name in a selector or type.
func spaceOf(element *xmlNode, prefix string, prefixed, attribute bool) (space, wrong string) {
	if !prefixed {
		if attribute {
			return "", ""
		}
		space, _ = element.prefixSpace("")
		return space, ""
	}
	space, declared := element.prefixSpace(prefix)
	switch {
	case declared:
		return space, ""
	case prefix == "f":
		return fhirNamespace, ""
	case prefix == "h":
		return xhtmlNamespace, ""
	}
	return "", "the prefix " + shown(prefix) + " is not declared"
}

// word reads a name, with its prefix.
func (p *selectorParser) word() string {
	p.space()
	start := p.at
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n/[]()@='\"*!<>|+,$&;", p.text[p.at]) < 0 {
		p.at++
	}
	if p.at == start {
		p.fail("a name is missing")
	}
	return p.text[start:p.at]
}

// literal reads a text in quotes.
func (p *selectorParser) literal() string {
	p.space()
	if p.at < len(p.text) && (p.text[p.at] == '\'' || p.text[p.at] == '"') {
		if end := strings.IndexByte(p.text[p.at+1:], p.text[p.at]); end >= 0 {
			value := p.text[p.at+1 : p.at+1+end]
			p.at += end + 2
			return value
		}
	}
	p.fail("a text in quotes is missing")
	return ""
}
