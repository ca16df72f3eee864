package patch

import (
	"fmt"
	"slices"
	"strings"

	"fhirlog/domain/fhirxml/xmltext"
)

// xmlNode is a node of a document in XML. Everything is kept as it is spelled, so
// that what no operation touches is written as it was.
type xmlNode struct {
	kind     xmlKind
	parent   *xmlNode
	children []*xmlNode // of an element, and of the document

	// An element: its name, its attributes with the declarations of namespaces, and
	// its tags as spelled. Tags that do not hold any more are empty.
	space, prefix, local string
	attributes           []xmlAttribute
	startTag, endTag     string

	spelled string // text, comment, instruction
}

type xmlKind uint8

const (
	xmlDocument xmlKind = iota
	xmlElement
	xmlText // also of CDATA sections: adjacent ones are one node, as in XPath
	xmlComment
	xmlInstruction
)

// xmlAttribute is an attribute. A declaration of a namespace has local as the
// prefix that it declares, "" for the default one.
type xmlAttribute struct {
	space, prefix, local string
	declares             bool
	spelled              string // the value with its quotes
}

// value is the value of an attribute.
func (a *xmlAttribute) value() string {
	return string(xmltext.AppendValue(nil, []byte(a.spelled[1:len(a.spelled)-1])))
}

// The namespaces of FHIR's XML.
const (
	fhirNamespace  = "http://hl7.org/fhir"
	xhtmlNamespace = "http://www.w3.org/1999/xhtml"
)

// parseXMLTree reads a document. The strings of the tree are pieces of one copy of
// the text.
func parseXMLTree(text []byte) (*xmlNode, error) {
	var s xmltext.Scanner
	s.Reset(text, xmltext.Options{Declarations: true, MaxDepth: 2 * greatestDepth, Known: []string{fhirNamespace, xhtmlNamespace}})
	document := &xmlNode{kind: xmlDocument}
	at, src := document, string(text)
	for s.Next() {
		switch s.Kind {
		case xmltext.Open:
			element := newElement(&s, src)
			at.append1(element)
			if !s.Empty {
				at = element
			}
		case xmltext.Close:
			at.endTag = src[s.Start:s.End]
			at = at.parent
		case xmltext.Text, xmltext.CData:
			if last := len(at.children) - 1; last >= 0 && at.children[last].kind == xmlText {
				text := at.children[last] // it stands right before
				text.spelled = src[s.Start-len(text.spelled) : s.End]
				continue
			}
			at.append1(&xmlNode{kind: xmlText, spelled: src[s.Start:s.End]})
		case xmltext.Comment:
			at.append1(&xmlNode{kind: xmlComment, spelled: src[s.Start:s.End]})
		case xmltext.Instruction:
			at.append1(&xmlNode{kind: xmlInstruction, spelled: src[s.Start:s.End]})
		}
	}
	if fault := s.Fault(); fault != nil {
		line, column := xmltext.Position(text, fault.Offset)
		return nil, &xmlFault{line, column, fault.Message}
	}
	return document, nil
}

func newElement(s *xmltext.Scanner, src string) *xmlNode {
	n := &xmlNode{kind: xmlElement, space: s.SpaceName(s.Name.Space), local: src[s.Name.Local:s.Name.End], startTag: src[s.Start:s.End]}
	if s.Name.HasPrefix() {
		n.prefix = src[s.Name.Start : s.Name.Local-1]
	}
	n.attributes = make([]xmlAttribute, 0, len(s.Attributes()))
	for _, a := range s.Attributes() {
		made := xmlAttribute{local: src[a.Name.Local:a.Name.End], declares: a.Name.Space == xmltext.DeclarationSpace, spelled: src[a.Start-1 : a.End+1]}
		if a.Name.HasPrefix() {
			made.prefix = src[a.Name.Start : a.Name.Local-1]
		}
		switch {
		case made.declares && made.prefix == "":
			made.local = ""
		case !made.declares:
			made.space = s.SpaceName(a.Name.Space)
		}
		n.attributes = append(n.attributes, made)
	}
	return n
}

// root is the element of a document.
func (n *xmlNode) root() *xmlNode {
	i := slices.IndexFunc(n.children, func(c *xmlNode) bool { return c.kind == xmlElement })
	if i < 0 {
		return nil
	}
	return n.children[i]
}

// append1 adds a child at the end.
func (n *xmlNode) append1(child *xmlNode) { n.insert(len(n.children), child) }

// insert adds children before the one at an index. Texts that come to stand side by
// side become one. It tells what that cost, in steps of greatestWork.
func (n *xmlNode) insert(index int, nodes ...*xmlNode) (work int) {
	if strings.HasSuffix(n.startTag, "/>") {
		n.startTag = ""
	}
	for _, child := range nodes {
		child.parent = n
	}
	work = len(nodes) + (len(n.children)-index)/4
	n.children = slices.Insert(n.children, index, nodes...)
	return work + n.join(index+len(nodes)) + n.join(index)
}

// removeChildren takes children out, from an index on.
func (n *xmlNode) removeChildren(index, count int) (work int) {
	n.children = slices.Delete(n.children, index, index+count)
	return len(n.children) + n.join(index)
}

// join makes one of the children before and at an index if both are text.
func (n *xmlNode) join(index int) (work int) {
	if index <= 0 || index >= len(n.children) || n.children[index-1].kind != xmlText || n.children[index].kind != xmlText {
		return 0
	}
	n.children[index-1].spelled += n.children[index].spelled
	n.children = slices.Delete(n.children, index, index+1)
	return (len(n.children[index-1].spelled) + len(n.children) - index) / 4
}

// copied returns a copy of a node, with all below: a patch may be applied again.
func (n *xmlNode) copied() *xmlNode {
	made := *n
	made.parent, made.children = nil, make([]*xmlNode, len(n.children))
	made.attributes = slices.Clone(n.attributes)
	for i, child := range n.children {
		made.children[i] = child.copied()
		made.children[i].parent = &made
	}
	return &made
}

// characters is the text of a node and all below.
func (n *xmlNode) characters() string {
	if n.kind == xmlText {
		return resolvedText(n.spelled)
	}
	var b strings.Builder
	for _, child := range n.children {
		if child.kind == xmlText || child.kind == xmlElement {
			b.WriteString(child.characters())
		}
	}
	return b.String()
}

// resolvedText is the text that is spelled with references and CDATA sections.
func resolvedText(spelled string) string {
	const start, end = "<![CDATA[", "]]>"
	var b []byte
	for {
		before, rest, found := strings.Cut(spelled, start)
		b = xmltext.AppendText(b, []byte(before))
		if !found {
			return string(b)
		}
		literal, behind, _ := strings.Cut(rest, end)
		b = append(b, literal...)
		spelled = behind
	}
}

// prefixSpace is the namespace that a prefix stands for at a node; declared is
// false if nothing declares it.
func (n *xmlNode) prefixSpace(prefix string) (space string, declared bool) {
	if prefix == "xml" {
		return "http://www.w3.org/XML/1998/namespace", true
	}
	for ; n != nil; n = n.parent {
		for i := range n.attributes {
			if a := &n.attributes[i]; a.declares && a.local == prefix {
				return a.value(), true
			}
		}
	}
	return "", false
}

func isBlank(spelled string) bool { return strings.Trim(spelled, " \t\r\n") == "" }

// xmlFault is what is wrong with a text, and where.
type xmlFault struct {
	line, column int
	message      string
}

// Error puts everything in one sentence.
func (f *xmlFault) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", f.line, f.column, f.message)
}
