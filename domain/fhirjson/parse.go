package fhirjson

import (
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
	nameScratch []byte   // a decoded name
	hashes      []uint64 // for findDuplicate
}

// frame is an open container.
type frame struct {
	names uint64 // objects: one bit for each hash that a member name had so far
	node  uint32 // its node
	last  uint32 // the node of its latest child, 0 if there is none yet
	count uint32 // children so far
	close byte   // '}' or ']'
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
	d := &Document{src: src, spaced: p.spaced}
	d.takeNodes(p.nodes)
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
	i, fault := p.root(i)
	if fault != nil {
		return fault
	}
	if i = skipSpace(p.src, i); i < len(p.src) {
		return p.fault(i, outside, "only white space may follow after the end of the JSON value")
	}
	return nil
}

// root reads the root value, which begins at i, and returns the offset after
// it. One loop does it all, a turn for each value: a function for each construct
// was measured, and took half as long again for calls and for carrying state
// through memory. What is rare has functions of its own.
func (p *parser) root(i int) (int, *SyntaxError) {
	src := p.src
	p.nodes = append(p.nodes, node{})
	n := &p.nodes[0] // the latest node
	var f *frame     // the innermost open container
	for {
		// Step 1: the value at i, for which n is meant. Of a container only
		// the opening bracket.
		if i >= len(src) {
			return i, p.fault(i, inValue, "the text ends where a value was expected")
		}
		n.start = uint32(i)
		opened := false
		switch c := src[i]; c {
		case '"':
			end := skipPlain(src, i+1)
			if end < len(src) && src[end] == '"' {
				end++
			} else {
				var escaped bool
				var wrong string
				if end, escaped, wrong = scanString(src, end); wrong != "" {
					return end, p.fault(end, inValue, wrong)
				}
				if escaped {
					n.flags |= textEscaped
				}
			}
			n.kind = String
			n.end = uint32(end)
			i = end
		case '{', '[':
			if len(p.frames) >= p.maxDepth {
				return i, p.tooDeep(i)
			}
			f = p.open(n, c)
			i = p.space(i + 1)
			opened = i < len(src) && src[i] != f.close
		default:
			end, kind, wrong := scanScalar(src, i)
			if wrong != "" {
				return end, p.fault(end, inValue, wrong)
			}
			n.kind = kind
			n.end = uint32(end)
			i = end
		}

		// Step 2: what follows the value. Containers that end here are closed;
		// after a comma there is another value.
		for !opened {
			if len(p.frames) == 0 {
				return i, nil
			}
			i = p.space(i)
			if i < len(src) && src[i] == ',' && f.count > 0 {
				i = p.space(i + 1)
				break
			}
			if i >= len(src) || src[i] != f.close {
				return i, p.notClosed(i, f)
			}
			i++
			p.nodes[f.node].end = uint32(i)
			if f.count > fewMembers && f.close == '}' {
				if twin := p.findDuplicate(f); twin != nil {
					return i, p.duplicate(twin)
				}
			}
			p.frames = p.frames[:len(p.frames)-1]
			if len(p.frames) > 0 {
				f = &p.frames[len(p.frames)-1]
			}
		}

		// Step 3: the node of the next value, and in an object its name.
		if len(p.nodes) == cap(p.nodes) && !p.grow(i) {
			return i, p.tooMany(i)
		}
		k := len(p.nodes)
		p.nodes = p.nodes[:k+1]
		n = &p.nodes[k]
		*n = node{}
		if f.last != 0 {
			p.nodes[f.last].next = uint32(k)
		}
		f.last = uint32(k)
		f.count++
		if f.close == '}' {
			end := 0
			if i < len(src) && src[i] == '"' {
				end = skipPlain(src, i+1)
			}
			if end == 0 || end >= len(src) || src[end] != '"' {
				var fault *SyntaxError
				if end, fault = p.unusualName(i, n, f); fault != nil {
					return i, fault
				}
			}
			n.name = uint32(i)
			n.nameLen = uint16(end - i - 1)
			n.flags |= member
			bit := nameBit(src, i+1, end-i-1)
			if n.flags != member || f.names&bit != 0 || end-i-1 > greatestName {
				if fault := p.checkName(n, f, end-i-1); fault != nil {
					return i, fault
				}
			}
			f.names |= bit
			i = p.space(end + 1)
			if i >= len(src) || src[i] != ':' {
				return i, p.noColon(i)
			}
			i = p.space(i + 1)
		} else if i < len(src) && src[i] == ']' {
			return i, p.danglingComma(i, f)
		}
	}
}

// open begins the container of node n, the latest, whose bracket is given.
func (p *parser) open(n *node, bracket byte) *frame {
	f := frame{node: uint32(len(p.nodes) - 1), close: '}'}
	n.kind = Object
	if bracket == '[' {
		f.close = ']'
		n.kind = Array
	}
	p.frames = append(p.frames, f)
	return &p.frames[len(p.frames)-1]
}

// space skips white space and remembers that there was some.
func (p *parser) space(i int) int {
	if i < len(p.src) && p.src[i] > ' ' {
		return i
	}
	return p.longSpace(i)
}

// longSpace is not inlined so that space can be.
//
//go:noinline
func (p *parser) longSpace(i int) int {
	end := skipSpace(p.src, i)
	p.spaced = p.spaced || end > i
	return end
}

// unusualName reads the name of a member, which begins at i, if the loop of
// root cannot: it is spelled with escapes or other than ASCII, or wrong. It
// returns the offset of the closing quote.
func (p *parser) unusualName(i int, n *node, f *frame) (int, *SyntaxError) {
	if i < len(p.src) && p.src[i] == '}' {
		return i, p.danglingComma(i, f)
	}
	if i >= len(p.src) || p.src[i] != '"' {
		return i, p.fault(i, inContainer, "expected the name of a member in double quotes, found "+describeAt(p.src, i))
	}
	end, escaped, wrong := scanString(p.src, i+1)
	if wrong != "" {
		return end, p.fault(end, inContainer, "in the name of a member: "+wrong)
	}
	if escaped {
		n.flags |= nameEscaped
	}
	return end - 1, nil
}
