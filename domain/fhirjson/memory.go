package fhirjson

import "sync"

// pooledNodes is how many nodes of scratch space a pooled parser keeps: 160
// kB, enough for all but large Bundles.
const pooledNodes = 8192

// grow makes space for more nodes when offset i is reached, and answers false
// if there are too many already. It reckons with as
// many nodes per byte as there were up to here, but at most four times what is
// there: a dense beginning must not make a text expensive.
func (p *parser) grow(i int) bool {
	if len(p.nodes) >= p.maxNodes {
		return false
	}
	used := uint64(len(p.nodes))
	expected := used*uint64(len(p.src))/uint64(i+1) + used/16
	size := int(min(max(expected, used*3/2+16), used*4+16))
	if size <= pooledNodes {
		size = min(int(used)*4+16, pooledNodes)
	}
	grown := make([]node, used, min(size, p.maxNodes))
	copy(grown, p.nodes)
	p.nodes = grown
	if cap(grown) <= pooledNodes {
		p.nodeScratch = grown
	}
	return true
}

// takeNodes gives d its nodes: a copy of exact size if they stand in scratch
// space, or if much of their space is unused.
func (d *Document) takeNodes(nodes []node) {
	used := len(nodes)
	if cap(nodes) > pooledNodes && cap(nodes) < used+used/4 {
		d.nodes = nodes
		return
	}
	if used <= pooledNodes {
		d.space, _ = nodeSpaces.Get().(*nodeSpace)
	}
	if d.space == nil || cap(d.space.nodes) < used {
		d.nodes = make([]node, used)
	} else {
		d.nodes = d.space.nodes[:used]
	}
	copy(d.nodes, nodes)
}

// nodeSpace is space of a released Document. Documents themselves are not
// pooled, so that a Value kept too long meets no nodes rather than another
// patient's.
type nodeSpace struct{ nodes []node }

var nodeSpaces sync.Pool

// Release gives the memory of the tree back for later Documents, which saves
// Parse one of its two allocations. It is optional, may be called once
// nobody uses the Document or its Values any more, and makes them unusable:
// afterwards methods of a Value panic or find nothing, but never something
// else. What Text, Raw, Name, Path and Source returned before stays valid.
func (d *Document) Release() {
	nodes, space := d.nodes, d.space
	d.nodes, d.space = nil, nil
	if nodes == nil || cap(nodes) > pooledNodes {
		return
	}
	if space == nil {
		space = new(nodeSpace)
	}
	if cap(space.nodes) < cap(nodes) {
		space.nodes = nodes
	}
	nodeSpaces.Put(space)
}
