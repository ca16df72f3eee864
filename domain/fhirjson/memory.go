package fhirjson

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

// takeNodes returns the nodes for a Document to keep: a copy of exact size if
// they stand in the scratch space, or if much of their space is unused.
func (p *parser) takeNodes() []node {
	used := len(p.nodes)
	if cap(p.nodes) > pooledNodes && cap(p.nodes) < used+used/4 {
		return p.nodes
	}
	nodes := make([]node, used)
	copy(nodes, p.nodes)
	return nodes
}
