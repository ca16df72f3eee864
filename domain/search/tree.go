package search

// node is a place in a resource that paths of parameters lead to or through.
// The paths of all parameters of a type are merged into one tree, so that one
// walk over a resource serves them all.
type node struct {
	shape     *shape
	next      []*edge // by index of the shape's members; nil where no path goes on
	actions   []*action
	guards    []guard
	resources map[string]*node // where a resource stands, by its type
	group     *group           // composites whose element this is; nil if there are none
}

// edge leads to the values of a member.
type edge struct {
	all *node         // for each value; nil if there are only places
	at  map[int]*node // for the value at an index
}

// guard leads on where a condition holds.
type guard struct {
	when condition
	key  string
	node *node
}

// add gives the node that a path leads to, making what is not there yet.
func (n *node) add(shapes *shapes, p path) *node {
	for i := range p.steps {
		s := &p.steps[i]
		switch {
		case s.member != "":
			n = n.member(shapes, s)
		case s.resource != "":
			n = n.resource(shapes, s.resource)
		default:
			n = n.guarded(s.when)
		}
	}
	return n
}

func (n *node) member(shapes *shapes, s *step) *node {
	index := n.shape.find([]byte(s.member))
	if n.next == nil {
		n.next = make([]*edge, len(n.shape.members))
	}
	e := n.next[index]
	if e == nil {
		e = &edge{}
		n.next[index] = e
	}
	shape := n.shape.members[index].shape
	if s.index < 0 {
		if e.all == nil {
			e.all = &node{shape: shape}
		}
		return e.all
	}
	if e.at == nil {
		e.at = map[int]*node{}
	}
	if e.at[s.index] == nil {
		e.at[s.index] = &node{shape: shape}
	}
	return e.at[s.index]
}

func (n *node) resource(shapes *shapes, typ string) *node {
	if n.resources == nil {
		n.resources = map[string]*node{}
	}
	if n.resources[typ] == nil {
		n.resources[typ] = &node{shape: shapes.of(shapes.definitions.Type(typ))}
	}
	return n.resources[typ]
}

func (n *node) guarded(when condition) *node {
	key := when.String()
	for i := range n.guards {
		if n.guards[i].key == key {
			return n.guards[i].node
		}
	}
	guarded := &node{shape: n.shape}
	n.guards = append(n.guards, guard{when: when, key: key, node: guarded})
	return guarded
}

// addAction puts an action at the end of a path, unless it stands there: paths
// of parameters that share a slot may overlap.
func (n *node) addAction(shapes *shapes, p path, a *action) {
	end := n.add(shapes, p)
	for _, there := range end.actions {
		if there.slot == a.slot {
			return
		}
	}
	end.actions = append(end.actions, a)
}
