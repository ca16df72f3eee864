package patch

import (
	"bytes"
	"errors"
	"fmt"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
)

// tree is a resource while a patch changes it: nodes over one or more
// Documents. It belongs to one Apply, and no Document is ever changed.
type tree struct {
	resource fhirjson.Value // as it was before the patch
	root     node
	copied   int // bytes so far
	opened   int // nodes made so far
	work     int // steps so far
}

// node is a value of the tree. As long as nobody looks inside it is just a
// place in a Document, and is copied from there when the tree is written: what
// no operation touches keeps its digits, spelling and order.
type node struct {
	name   []byte         // decoded, of a member of an object
	origin fhirjson.Value // where it was read from, or what was put here
	parts  *parts         // nil while it is as it was
}

// parts is the content of an array or object that was opened.
type parts struct {
	kind fhirjson.Kind
	list []node
}

func newTree(resource fhirjson.Value) *tree {
	return &tree{resource: resource, root: node{origin: resource}}
}

// kind returns the kind of the value.
func (n *node) kind() fhirjson.Kind {
	if n.parts != nil {
		return n.parts.kind
	}
	return n.origin.Kind()
}

// open makes the members or elements of a node accessible; nil if it can have
// none. If there are too many the answer is a list without any, and afford
// tells.
func (t *tree) open(n *node) *parts {
	if n.parts != nil {
		return n.parts
	}
	kind := n.origin.Kind()
	if kind != fhirjson.Object && kind != fhirjson.Array {
		return nil
	}
	count := n.origin.Len()
	t.opened += count
	t.work += count
	if t.opened > greatestOpened {
		return &parts{kind: kind}
	}
	n.parts = &parts{kind: kind, list: make([]node, 0, count+1)}
	for v := n.origin.First(); v.Exists(); v = v.Next() {
		n.parts.list = append(n.parts.list, node{name: v.Name(), origin: v})
	}
	return n.parts
}

// member returns the index of a member of an object, -1 if there is none.
func (t *tree) member(p *parts, name string) int {
	t.work += len(p.list)
	for i := range p.list {
		if string(p.list[i].name) == name {
			return i
		}
	}
	return -1
}

// get returns the member of an object, nil if there is none.
func (t *tree) get(p *parts, name string) *node {
	if i := t.member(p, name); i >= 0 {
		return &p.list[i]
	}
	return nil
}

// put makes n the member of an object with this name, in the place of the one
// that has it or at the end.
func (t *tree) put(p *parts, name string, n node) {
	if i := t.member(p, name); i >= 0 {
		n.name = p.list[i].name
		p.list[i] = n
		return
	}
	n.name = []byte(name)
	p.list = append(p.list, n)
}

// insert puts n into a list, before the element at index i.
func (t *tree) insert(p *parts, i int, n node) {
	t.work += len(p.list) - i
	n.name = nil
	p.list = append(p.list, node{})
	copy(p.list[i+1:], p.list[i:])
	p.list[i] = n
}

// remove takes the member or element at index i out.
func (t *tree) remove(p *parts, i int) node {
	t.work += len(p.list) - i
	n := p.list[i]
	copy(p.list[i:], p.list[i+1:])
	p.list[len(p.list)-1] = node{}
	p.list = p.list[:len(p.list)-1]
	return n
}

// fresh makes the node of a value that a patch puts in. An empty array or
// object counts as opened, so that it does not stay if it stays empty.
func (t *tree) fresh(v fhirjson.Value) node {
	n := node{origin: v}
	if !v.First().Exists() {
		t.open(&n)
	}
	return n
}

// clone copies a node with everything below.
func (t *tree) clone(n *node) node {
	if n.parts == nil {
		t.copied += n.origin.End() - n.origin.Start()
		return t.fresh(n.origin)
	}
	t.opened += len(n.parts.list)
	t.work += len(n.parts.list)
	copied := node{name: n.name, origin: n.origin, parts: &parts{kind: n.parts.kind, list: make([]node, 0, len(n.parts.list)+1)}}
	for i := range n.parts.list {
		part := t.clone(&n.parts.list[i])
		part.name = n.parts.list[i].name
		t.copied += len(part.name) + len(`"":,`)
		copied.parts.list = append(copied.parts.list, part)
	}
	return copied
}

// afford tells why the tree has become too costly, "" if it has not. A single
// operation at most doubles the tree, so it is enough to ask after each, whether
// it failed or not.
func (t *tree) afford() string {
	switch {
	case t.copied > max(greatestCopies, t.resource.End()-t.resource.Start()):
		return fmt.Sprintf("the patch copies more than is permitted: %d bytes, or as much as the resource has.", greatestCopies)
	case t.opened > greatestOpened:
		return fmt.Sprintf("the patch reaches into lists that together have more than %d elements. Send the whole resource by PUT.", greatestOpened)
	case t.work > greatestWork:
		return "the patch costs too much on a resource of this size. Send fewer operations at once, or the whole resource by PUT."
	}
	return ""
}

// append writes the node without insignificant white space.
func (n *node) append(dst []byte) []byte {
	if n.parts == nil {
		return fhirjson.AppendCompact(dst, n.origin, nil)
	}
	brackets := "{}"
	if n.parts.kind == fhirjson.Array {
		brackets = "[]"
	}
	dst = append(dst, brackets[0])
	for i := range n.parts.list {
		part := &n.parts.list[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		if n.parts.kind == fhirjson.Object {
			dst = append(part.appendName(dst), ':')
		}
		dst = part.append(dst)
	}
	return append(dst, brackets[1])
}

// appendName writes the name of a member, as it is spelled where it comes from.
func (n *node) appendName(dst []byte) []byte {
	if !n.origin.IsMember() || !bytes.Equal(n.origin.Name(), n.name) {
		return fhirjson.AppendQuoted(dst, string(n.name))
	}
	spelled := n.origin.Document().Source()[n.origin.NameStart():]
	end := 1
	for spelled[end] != '"' {
		if spelled[end] == '\\' {
			end++
		}
		end++
	}
	return append(dst, spelled[:end+1]...)
}

// read writes the tree as it stands and reads it again.
func (t *tree) read() (*fhirjson.Document, error) {
	text := t.root.append(make([]byte, 0, t.resource.End()-t.resource.Start()+t.copied+512))
	t.work += len(text)/4 + 2*t.opened
	document, err := fhirjson.Parse(text, fhirjson.Limits{})
	if err != nil {
		wrong, ok := errors.AsType[*fhirjson.SyntaxError](err)
		if !ok {
			return nil, err
		}
		return nil, &domain.Error{Kind: domain.Invalid, Issues: []domain.Issue{{
			Code: "processing", Message: "The result of the patch cannot be stored: " + wrong.Message + ".", Expression: []string{wrong.Path},
		}}}
	}
	return document, nil
}

// finish drops what the patch has left empty and reads the result.
func (t *tree) finish() (*fhirjson.Document, error) {
	t.root.prune()
	return t.read()
}
