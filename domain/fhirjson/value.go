package fhirjson

// Kind is the kind of a JSON value.
type Kind uint8

// The kinds of JSON values. The zero Kind belongs to absent values.
const (
	Absent Kind = iota
	Null
	False
	True
	Number
	String
	Array
	Object
)

// String names the kind in the words of the JSON specification.
func (k Kind) String() string {
	names := [...]string{"nothing", "null", "false", "true", "number", "string", "array", "object"}
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown"
}

// Value is a cursor at one value of a Document. The zero Value is absent: all
// its methods may be called and answer with nothing, so that a chain such as
// v.Get("meta").Get("tag").First() needs no checks. Values are comparable:
// equal cursors stand at the same value of the same Document.
type Value struct {
	d *Document
	i uint32
}

func (v Value) node() *node { return &v.d.nodes[v.i] }

// Exists tells whether there is a value. JSON null is a value.
func (v Value) Exists() bool { return v.d != nil }

// Kind returns the kind of the value, Absent for the zero Value.
func (v Value) Kind() Kind {
	if v.d == nil {
		return Absent
	}
	return v.node().kind
}

// Document returns the document that the value belongs to, nil for the zero
// Value.
func (v Value) Document() *Document { return v.d }

// Start returns the offset of the value's first byte.
func (v Value) Start() int {
	if v.d == nil {
		return 0
	}
	return int(v.node().start)
}

// End returns the offset after the value's last byte.
func (v Value) End() int {
	if v.d == nil {
		return 0
	}
	return int(v.node().end)
}

// Raw returns the bytes of the value as posted: numbers with all their digits,
// strings with quotes and escapes. They must not be changed.
func (v Value) Raw() []byte {
	if v.d == nil {
		return nil
	}
	n := v.node()
	return v.d.src[n.start:n.end:n.end]
}

// IsMember tells whether the value is a member of an object and so has a name.
func (v Value) IsMember() bool { return v.d != nil && v.node().flags&member != 0 }

// Name returns the decoded name of a member of an object, nil for other
// values. It shares the source unless the name is spelled with escapes, and
// must not be changed.
func (v Value) Name() []byte {
	if v.d == nil {
		return nil
	}
	n := v.node()
	if n.flags&(member|nameEscaped) == member { // nearly all
		start := int(n.name) + 1
		end := start + int(n.nameLen)
		return v.d.src[start:end:end]
	}
	if n.flags&member == 0 {
		return nil
	}
	return decodedName(v.d.src, n)
}

// NameStart returns the offset of the opening quote of the member's name, and
// the Start of values that have no name.
func (v Value) NameStart() int {
	if !v.IsMember() {
		return v.Start()
	}
	return int(v.node().name)
}

// First returns the first member of an object or the first element of an
// array.
func (v Value) First() Value {
	if v.d == nil {
		return Value{}
	}
	child := v.i + 1
	if int(child) < len(v.d.nodes) && v.d.nodes[child].start < v.node().end {
		return Value{v.d, child}
	}
	return Value{}
}

// Next returns the member or element that follows v in its object or array.
func (v Value) Next() Value {
	if v.d == nil {
		return Value{}
	}
	if next := v.node().next; next != 0 {
		return Value{v.d, next}
	}
	return Value{}
}

// Len counts the members of an object or the elements of an array, by walking
// over them.
func (v Value) Len() int {
	count := 0
	for child := v.First(); child.Exists(); child = child.Next() {
		count++
	}
	return count
}

// Get returns the member of an object with this name. It looks at the members
// one after the other: to use many of them, walk once instead.
func (v Value) Get(name string) Value {
	if v.Kind() != Object {
		return Value{}
	}
	for child := v.First(); child.Exists(); child = child.Next() {
		n := child.node()
		if n.flags&nameEscaped == 0 {
			if int(n.nameLen) == len(name) && string(v.d.spelledName(n)) == name {
				return child
			}
		} else if string(decodedName(v.d.src, n)) == name {
			return child
		}
	}
	return Value{}
}

// HasEscapes tells whether the value is a string spelled with escapes, so that
// Text differs from the bytes between the quotes.
func (v Value) HasEscapes() bool { return v.d != nil && v.node().flags&textEscaped != 0 }

// Text returns the decoded content of a string, nil for other kinds. It shares
// the source if there are no escapes, and must not be changed.
func (v Value) Text() []byte {
	if v.Kind() != String {
		return nil
	}
	n := v.node()
	end := n.end - 1
	content := v.d.src[n.start+1 : end : end]
	if n.flags&textEscaped != 0 {
		return appendUnescaped(make([]byte, 0, len(content)), content)
	}
	return content
}

// AppendText appends what Text returns.
func (v Value) AppendText(dst []byte) []byte {
	if !v.HasEscapes() {
		return append(dst, v.Text()...)
	}
	n := v.node()
	return appendUnescaped(dst, v.d.src[n.start+1:n.end-1])
}

// String returns the decoded content of a string, and "" for other kinds.
func (v Value) String() string { return string(v.Text()) }
