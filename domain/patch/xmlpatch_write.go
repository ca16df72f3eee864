package patch

import "fhirlog/domain/fhirxml"

// xmlWriter writes a document.
type xmlWriter struct {
	out   []byte
	scope []xmlBinding // the declarations in force, innermost last
}

// xmlBinding is a prefix with its namespace.
type xmlBinding struct{ prefix, space string }

// append writes a node with all below.
func (n *xmlNode) append(dst []byte) []byte {
	w := xmlWriter{out: dst}
	w.node(n)
	return w.out
}

func (w *xmlWriter) node(n *xmlNode) {
	switch n.kind {
	case xmlDocument:
		w.children(n)
	case xmlElement:
		w.element(n)
	default:
		w.out = append(w.out, n.spelled...)
	}
}

func (w *xmlWriter) children(n *xmlNode) {
	for _, child := range n.children {
		w.node(child)
	}
}

// element writes an element. What declares namespaces for it is made complete: it may
// have come from another document, in which they were declared further out.
func (w *xmlWriter) element(n *xmlNode) {
	outside := len(w.scope)
	for i := range n.attributes {
		if a := &n.attributes[i]; a.declares {
			w.scope = append(w.scope, xmlBinding{a.local, a.value()})
		}
	}
	w.declare(n, n.prefix, n.space)
	for i := range len(n.attributes) {
		if a := n.attributes[i]; !a.declares && a.prefix != "" && a.prefix != "xml" {
			w.declare(n, a.prefix, a.space)
		}
	}
	if n.startTag != "" {
		w.out = append(w.out, n.startTag...)
	} else {
		w.out = n.appendStartTag(w.out)
	}
	if !n.isEmptyTag() {
		w.children(n)
		if n.endTag != "" {
			w.out = append(w.out, n.endTag...)
		} else {
			w.out = append(append(append(w.out, "</"...), n.name()...), '>')
		}
	}
	w.scope = w.scope[:outside]
}

// declare declares a prefix at an element unless that is done already.
func (w *xmlWriter) declare(n *xmlNode, prefix, space string) {
	in := ""
	for i := len(w.scope) - 1; i >= 0; i-- {
		if b := &w.scope[i]; b.prefix == prefix {
			in = b.space
			break
		}
	}
	if in == space {
		return
	}
	a := xmlAttribute{local: prefix, declares: true, spelled: quotedXML(space)}
	if prefix != "" {
		a.prefix = "xmlns"
	}
	n.attributes = append(n.attributes, a)
	n.startTag = ""
	w.scope = append(w.scope, xmlBinding{prefix, space})
}

// isEmptyTag tells whether the element is written as an empty tag.
func (n *xmlNode) isEmptyTag() bool {
	if n.startTag != "" {
		return n.endTag == ""
	}
	return len(n.children) == 0
}

// name is the name with its prefix.
func (n *xmlNode) name() string { return spelledName(n.prefix, n.local) }

func spelledName(prefix, local string) string {
	if prefix == "" {
		return local
	}
	return prefix + ":" + local
}

func (n *xmlNode) appendStartTag(dst []byte) []byte {
	dst = append(append(dst, '<'), n.name()...)
	for i := range n.attributes {
		a := &n.attributes[i]
		name := spelledName(a.prefix, a.local)
		if a.declares && a.local == "" {
			name = "xmlns"
		}
		dst = append(append(append(append(dst, ' '), name...), '='), a.spelled...)
	}
	if n.isEmptyTag() {
		dst = append(dst, '/')
	}
	return append(dst, '>')
}

// quotedXML is a value with quotes, as an attribute spells it.
func quotedXML(value string) string {
	return string(append(fhirxml.AppendEscaped([]byte{'"'}, []byte(value)), '"'))
}
