package fhirjson

import (
	"fmt"
	"math"
	"sync"
)

// Limits bounds what Parse accepts.
type Limits struct {
	// MaxDepth is the greatest nesting of arrays and objects; the root counts
	// as 1. 0 means 256. More than 10,000 is taken as 10,000: readers of the
	// tree may recurse.
	MaxDepth int
	// MaxNodes is the greatest number of values in the tree, which takes 20
	// bytes for each. 0 means 16 Mi.
	MaxNodes int
}

const (
	defaultDepth  = 256
	greatestDepth = 10_000
	defaultNodes  = 16 << 20
	greatestName  = math.MaxUint16
)

// parser reads one text. Parsers are pooled for their scratch space.
type parser struct {
	src      []byte
	nodes    []node
	frames   []frame // the open containers, outermost first
	maxDepth int
	maxNodes int
	spaced   bool

	nodeScratch []node   // the space that nodes begins with
	nameScratch []byte   // a decoded name, for nameBit
	hashes      []uint64 // for findDuplicate
}

// frame is an open container.
type frame struct {
	node  uint32 // its node
	last  uint32 // the node of its latest child, 0 if there is none yet
	count uint32 // children so far
	close byte   // '}' or ']'
	names uint64 // one bit for each hash that a member name had so far
}

var parsers = sync.Pool{New: func() any {
	return &parser{nodeScratch: make([]node, 0, 512), frames: make([]frame, 0, 32)}
}}

// Parse reads a JSON text. The Document keeps src, which must not be changed
// as long as the Document is in use. Every error is a *SyntaxError.
func Parse(src []byte, limits Limits) (*Document, error) {
	p := parsers.Get().(*parser)
	p.begin(src, limits)
	fault := p.text()
	if fault != nil {
		p.end()
		return nil, fault
	}
	d := &Document{src: src, nodes: p.takeNodes(), spaced: p.spaced}
	p.end()
	return d, nil
}

func (p *parser) begin(src []byte, limits Limits) {
	p.src, p.spaced, p.frames = src, false, p.frames[:0]
	p.maxDepth, p.maxNodes = limits.MaxDepth, limits.MaxNodes
	if p.maxDepth <= 0 {
		p.maxDepth = defaultDepth
	}
	p.maxDepth = min(p.maxDepth, greatestDepth)
	if p.maxNodes <= 0 {
		p.maxNodes = defaultNodes
	}
	p.nodes = p.nodeScratch[:0:min(cap(p.nodeScratch), p.maxNodes)]
}

func (p *parser) end() {
	p.src, p.nodes = nil, nil
	parsers.Put(p)
}

// text reads the whole text: one value between white space.
func (p *parser) text() *SyntaxError {
	if uint64(len(p.src)) > math.MaxUint32 {
		return p.fault(0, outside, "the text is too large: 4 GiB or more")
	}
	if len(p.src) >= 3 && string(p.src[:3]) == "\uFEFF" {
		return p.fault(0, outside, "the text begins with a byte order mark; JSON is sent without one")
	}
	i := skipSpace(p.src, 0)
	if i == len(p.src) {
		return p.fault(i, outside, "there is no JSON: the text is empty")
	}
	fault := p.addNode(i, node{})
	for more := true; more && fault == nil; {
		if i, fault = p.value(i); fault == nil {
			i, more, fault = p.follow(i)
		}
	}
	if fault != nil {
		return fault
	}
	if i = skipSpace(p.src, i); i < len(p.src) {
		return p.fault(i, outside, "only white space may follow after the end of the JSON value")
	}
	return nil
}

// value reads the value at i into the latest node: the whole of a string,
// number or literal, the opening bracket of a container.
func (p *parser) value(i int) (int, *SyntaxError) {
	if i >= len(p.src) {
		return i, p.fault(i, inValue, "the text ends where a value was expected")
	}
	n := &p.nodes[len(p.nodes)-1]
	n.start = uint32(i)
	var wrong string
	switch c := p.src[i]; c {
	case '"':
		var escaped bool
		n.kind = String
		i, escaped, wrong = scanString(p.src, i+1)
		if escaped {
			n.flags |= textEscaped
		}
	case '{':
		n.kind = Object
		return p.open(i, '}')
	case '[':
		n.kind = Array
		return p.open(i, ']')
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		n.kind = Number
		i, wrong = scanNumber(p.src, i)
	case 't':
		n.kind = True
		i, wrong = p.literal(i, "true")
	case 'f':
		n.kind = False
		i, wrong = p.literal(i, "false")
	case 'n':
		n.kind = Null
		i, wrong = p.literal(i, "null")
	default:
		wrong = noValue(p.src, i)
	}
	if wrong != "" {
		return i, p.fault(i, inValue, wrong)
	}
	n.end = uint32(i)
	return i, nil
}

func (p *parser) literal(i int, word string) (end int, wrong string) {
	if len(p.src)-i >= len(word) && string(p.src[i:i+len(word)]) == word {
		return i + len(word), ""
	}
	return i, noValue(p.src, i)
}

// open begins the container whose bracket stands at i.
func (p *parser) open(i int, close byte) (int, *SyntaxError) {
	if len(p.frames) >= p.maxDepth {
		return i, p.fault(i, inValue, fmt.Sprintf("arrays and objects are nested too deeply; at most %d levels are read", p.maxDepth))
	}
	p.frames = append(p.frames, frame{node: uint32(len(p.nodes) - 1), close: close})
	return i + 1, nil
}

// follow goes from the end of a value, or from an opening bracket, to the next
// value and adds its node. Containers that end on the way are closed; there is
// no more when the outermost is.
func (p *parser) follow(i int) (next int, more bool, fault *SyntaxError) {
	for len(p.frames) > 0 {
		f := &p.frames[len(p.frames)-1]
		i = p.space(i)
		if i >= len(p.src) {
			return i, false, p.fault(i, inContainer, fmt.Sprintf("the text ends before the %s is closed with '%c'", f.kind(), f.close))
		}
		switch c := p.src[i]; {
		case c == ',' && f.count > 0:
			i = p.space(i + 1)
			if i < len(p.src) && p.src[i] == f.close {
				return i, false, p.fault(i, inContainer, fmt.Sprintf("a comma must be followed by another %s, not by the end of the %s", f.part(), f.kind()))
			}
		case c == f.close:
			i++
			if fault := p.close(f, i); fault != nil {
				return i, false, fault
			}
			continue
		case f.count > 0:
			return i, false, p.fault(i, inContainer, fmt.Sprintf("expected ',' or '%c' after the %s, found %s", f.close, f.part(), describe(p.src[i])))
		}
		if f.close == '}' {
			i, fault = p.member(i, f)
		} else {
			fault = p.addChild(i, f, node{})
		}
		return i, true, fault
	}
	return i, false, nil
}

// space skips white space and remembers that there was some.
func (p *parser) space(i int) int {
	if i < len(p.src) && p.src[i] > ' ' {
		return i
	}
	end := skipSpace(p.src, i)
	p.spaced = p.spaced || end > i
	return end
}

// close ends the innermost container before offset end.
func (p *parser) close(f *frame, end int) *SyntaxError {
	p.nodes[f.node].end = uint32(end)
	if f.close == '}' && f.count > fewMembers {
		if twin := p.findDuplicate(f); twin != nil {
			return p.fault(int(twin.name), inContainer, duplicateMessage(p.src, twin)).under(p.src, twin)
		}
	}
	p.frames = p.frames[:len(p.frames)-1]
	return nil
}

// member reads the name at i and the colon after it, and adds the node for the
// value, whose offset it returns.
func (p *parser) member(i int, f *frame) (int, *SyntaxError) {
	if i >= len(p.src) || p.src[i] != '"' {
		return i, p.fault(i, inContainer, fmt.Sprintf("expected the name of a member in double quotes, found %s", describeAt(p.src, i)))
	}
	end, escaped, wrong := scanString(p.src, i+1)
	if wrong != "" {
		return end, p.fault(end, inContainer, "in the name of a member: "+wrong)
	}
	if end-i-2 > greatestName {
		return i, p.fault(i, inContainer, fmt.Sprintf("the name of a member is longer than %d bytes", greatestName))
	}
	n := node{name: uint32(i), nameLen: uint16(end - i - 2), flags: member}
	if escaped {
		n.flags |= nameEscaped
	}
	if f.count < fewMembers && p.repeats(&n, f) {
		return i, p.fault(i, inContainer, duplicateMessage(p.src, &n)).under(p.src, &n)
	}
	if fault := p.addChild(i, f, n); fault != nil {
		return i, fault
	}
	i = p.space(end)
	if i >= len(p.src) || p.src[i] != ':' {
		return i, p.fault(i, inValue, fmt.Sprintf("expected ':' after the name of a member, found %s", describeAt(p.src, i)))
	}
	return p.space(i + 1), nil
}

// addChild adds a node to the container f.
func (p *parser) addChild(i int, f *frame, n node) *SyntaxError {
	index := uint32(len(p.nodes))
	if fault := p.addNode(i, n); fault != nil {
		return fault
	}
	if f.last != 0 {
		p.nodes[f.last].next = index
	}
	f.last = index
	f.count++
	return nil
}
