package patch

import (
	"slices"
	"strings"

	"fhirlog/domain/fhirxml/xmltext"
)

// xmlOperation is one operation of an XML Patch.
type xmlOperation struct {
	label
	element  *xmlNode // as it stands in the patch
	selector selector
	position string // of add: "" for the end, or prepend, before, after
	space    string // of remove: which blank texts go as well: "", before, after, both
	adds     *xmlAttribute
	apply    func(o *xmlOperation, document *xmlNode, work *int) error
}

// xmlVerb says which attributes an operation has beside sel, and how it is applied.
type xmlVerb struct {
	attributes map[string][]string // with the values that they may have; nil for any
	apply      func(o *xmlOperation, document *xmlNode, work *int) error
}

var xmlVerbs = map[string]xmlVerb{
	"add":     {map[string][]string{"pos": {"prepend", "before", "after"}, "type": nil}, (*xmlOperation).add},
	"replace": {nil, (*xmlOperation).replace},
	"remove":  {map[string][]string{"ws": {"before", "after", "both"}}, (*xmlOperation).remove},
}

// parse reads an operation, whose element must be in a namespace.
func (o *xmlOperation) parse(element *xmlNode, space string) error {
	o.element = element
	verb, known := xmlVerbs[element.local]
	if !known || element.space != space {
		return o.malformed("there is no such operation; expected is one of add, replace, remove, in lower case and in the namespace of the element around it.")
	}
	o.verb, o.apply = element.local, verb.apply
	given := map[string]string{}
	for i := range element.attributes {
		a := &element.attributes[i]
		allowed, known := verb.attributes[a.local]
		switch {
		case a.declares:
			continue
		case a.space != "" || a.local != "sel" && !known:
			return o.malformed("there is no attribute %s.", shown(a.local))
		case allowed != nil && !slices.Contains(allowed, a.value()):
			return o.malformed("the attribute %s must be one of %s.", a.local, strings.Join(allowed, ", "))
		}
		given[a.local] = a.value()
	}
	sel, selected := given["sel"]
	if !selected {
		return o.malformed("the attribute sel is missing: it selects what is changed, such as f:Patient/f:birthDate.")
	}
	o.path = sel
	var wrong string
	if o.selector, wrong = parseSelector(sel, element); wrong != "" {
		return o.malformed("sel is wrong: %s.", wrong)
	}
	o.position, o.space = given["pos"], given["ws"]
	if typ, typed := given["type"]; typed {
		return o.parseType(typ)
	}
	if o.verb == "remove" && !o.isBlank() {
		return o.malformed("it must be empty.")
	}
	return nil
}

// parseType reads what an add adds instead of nodes: @name or namespace::prefix.
func (o *xmlOperation) parseType(typ string) error {
	const form = "type must be @ and the name of an attribute, or namespace:: and a prefix."
	if o.position != "" {
		return o.malformed("pos is for nodes; an attribute has no place among others.")
	}
	value, ok := o.text()
	if !ok {
		return o.malformed("the value of what type names must be text alone.")
	}
	o.adds = &xmlAttribute{spelled: quotedXML(value)}
	if prefix, isNamespace := strings.CutPrefix(typ, "namespace::"); isNamespace {
		if !isXMLName(prefix) || prefix == "xml" || prefix == "xmlns" || value == "" {
			return o.malformed("%s", form)
		}
		o.adds.prefix, o.adds.local, o.adds.declares = "xmlns", prefix, true
		return nil
	}
	name, isAttribute := strings.CutPrefix(typ, "@")
	prefix, local, prefixed := strings.Cut(name, ":")
	if !prefixed {
		prefix, local = "", name
	}
	if !isAttribute || !isXMLName(local) || prefixed && !isXMLName(prefix) || local == "xmlns" {
		return o.malformed("%s", form)
	}
	space, wrong := spaceOf(o.element, prefix, prefixed, true)
	if wrong != "" {
		return o.malformed("%s.", wrong)
	}
	o.adds.space, o.adds.prefix, o.adds.local = space, prefix, local
	return nil
}

// isXMLName tells whether a text is a name without prefix.
func isXMLName(text string) bool {
	var s xmltext.Scanner
	s.Reset([]byte("<"+text+"/>"), xmltext.Options{Fragment: true})
	return s.Next() && string(s.Local(s.Name)) == text && s.Empty && len(s.Attributes()) == 0
}

// isBlank tells whether the operation holds nothing but white space and comments.
func (o *xmlOperation) isBlank() bool {
	return !slices.ContainsFunc(o.element.children, func(n *xmlNode) bool {
		return n.kind == xmlElement || n.kind == xmlText && !isBlank(n.spelled)
	})
}

// text is what the operation holds, if that is text alone.
func (o *xmlOperation) text() (string, bool) {
	if slices.ContainsFunc(o.element.children, func(n *xmlNode) bool { return n.kind != xmlText }) {
		return "", false
	}
	return o.element.characters(), true
}

// select1 finds the one thing that the selector selects.
func (o *xmlOperation) select1(document *xmlNode, work *int) (selected, error) {
	found := o.selector.find(document, work)
	switch len(found) {
	case 0:
		if first := o.selector.steps[0]; first.space == "" && first.local != "*" {
			return selected{}, o.failed("", "sel selects nothing: its names are of no namespace. Say xmlns=%q in the root of the patch, or f:%s in sel.", fhirNamespace, shown(first.local))
		}
		return selected{}, o.failed("", "sel selects nothing.")
	case 1:
		return found[0], nil
	}
	return selected{}, o.failed("", "sel selects %d nodes, and must select one.", len(found))
}

// add adds an attribute, or nodes at the place that pos names.
func (o *xmlOperation) add(document *xmlNode, work *int) error {
	at, err := o.select1(document, work)
	if err != nil {
		return err
	}
	n := at.node
	switch {
	case at.attribute >= 0:
		return o.failed("", "sel selects an attribute, to which nothing can be added; replace changes it.")
	case o.adds != nil:
		return o.addAttribute(n)
	case o.position == "before" || o.position == "after":
		if n.parent.kind == xmlDocument && !o.isBlank() {
			return o.failed("", "nothing can stand beside the root element.")
		}
		index := slices.Index(n.parent.children, n)
		if o.position == "after" {
			index++
		}
		*work += len(n.parent.children) + n.parent.insert(index, o.content()...)
	case n.kind != xmlElement:
		return o.failed("", "sel must select an element, to which something is added.")
	case o.position == "prepend":
		*work += n.insert(0, o.content()...)
	default:
		*work += n.insert(len(n.children), o.content()...)
	}
	return nil
}

// content is what the operation holds, with the namespaces that it has there.
func (o *xmlOperation) content() []*xmlNode {
	nodes := make([]*xmlNode, 0, len(o.element.children))
	for _, child := range o.element.children {
		nodes = append(nodes, child.copied())
	}
	return nodes
}

func (o *xmlOperation) addAttribute(n *xmlNode) error {
	if n.kind != xmlElement {
		return o.failed("", "sel must select an element, to which the attribute is added.")
	}
	for i := range n.attributes {
		if a := &n.attributes[i]; a.declares == o.adds.declares && a.local == o.adds.local && a.space == o.adds.space {
			return o.failed("", "the attribute is there already; replace changes it.")
		}
	}
	n.attributes = append(n.attributes, *o.adds)
	n.startTag = ""
	return nil
}

// replace puts something of the same kind in place of what is selected.
func (o *xmlOperation) replace(document *xmlNode, work *int) error {
	at, err := o.select1(document, work)
	if err != nil {
		return err
	}
	n := at.node
	if at.attribute >= 0 || n.kind == xmlText {
		text, ok := o.text()
		switch {
		case !ok:
			return o.failed("", "an attribute or a text is replaced by text alone.")
		case at.attribute >= 0:
			n.attributes[at.attribute].spelled, n.startTag = quotedXML(text), ""
		case text == "":
			*work += n.parent.removeChildren(slices.Index(n.parent.children, n), 1)
		default:
			n.spelled = string(escapedText(text))
		}
		return nil
	}
	var with *xmlNode
	for _, child := range o.element.children {
		switch {
		case child.kind == xmlText && isBlank(child.spelled):
		case child.kind == n.kind && with == nil:
			with = child
		default:
			return o.failed("", "what is replaced must be replaced by one of its kind: an element by one element, a comment by one comment.")
		}
	}
	if with == nil {
		return o.failed("", "the operation does not hold what is put in place.")
	}
	made := with.copied()
	made.parent = n.parent
	n.parent.children[slices.Index(n.parent.children, n)] = made
	*work += len(n.parent.children)
	return nil
}

// escapedText is a text as it is spelled between tags.
func escapedText(text string) []byte {
	return []byte(strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#13;").Replace(text))
}

// remove takes out what is selected, and blank texts beside it.
func (o *xmlOperation) remove(document *xmlNode, work *int) error {
	at, err := o.select1(document, work)
	if err != nil {
		return err
	}
	n := at.node
	if at.attribute >= 0 {
		if o.space != "" {
			return o.failed("", "ws is for nodes; an attribute has no white space beside it.")
		}
		n.attributes = slices.Delete(n.attributes, at.attribute, at.attribute+1)
		n.startTag = ""
		return nil
	}
	if n.kind == xmlElement && n.parent.kind == xmlDocument {
		return o.failed("", "the root element cannot be removed; to delete a resource is another interaction.")
	}
	*work += len(n.parent.children)
	index := slices.Index(n.parent.children, n)
	from, to := index, index+1
	if o.space == "before" || o.space == "both" {
		from--
	}
	if o.space == "after" || o.space == "both" {
		to++
	}
	for i := from; i < to; i++ {
		if i != index && (i < 0 || i >= len(n.parent.children) || n.parent.children[i].kind != xmlText || !isBlank(n.parent.children[i].spelled)) {
			return o.failed("", "there is no white space %s what is removed, as ws has it.", map[bool]string{true: "before", false: "behind"}[i < index])
		}
	}
	*work += n.parent.removeChildren(from, to-from)
	return nil
}
