package xmltext

// declares tells whether an attribute declares a namespace.
func (s *Scanner) declares(name Name) bool {
	if name.HasPrefix() {
		return name.Local == name.Start+6 && string(s.src[name.Start:name.Start+5]) == "xmlns"
	}
	return string(s.src[name.Start:name.End]) == "xmlns"
}

// declare notes the declaration of a namespace.
func (s *Scanner) declare(a *Attribute) bool {
	b := binding{start: a.Name.Local, end: a.Name.End}
	if !a.Name.HasPrefix() {
		b.start = b.end
	}
	uri := s.src[a.Start:a.End]
	if a.Coded {
		uri = AppendValue(nil, uri)
	}
	var ok bool
	if b.space, ok = s.space(uri); !ok || len(s.spaces) >= mostAttributes {
		return s.fail(int(a.Name.Start), "too many namespaces are declared")
	}
	prefix := string(s.src[b.start:b.end])
	switch {
	case prefix == "xmlns", (prefix == "xml") != (b.space == XMLSpace), b.space == DeclarationSpace:
		return s.fail(int(a.Name.Start), "the prefixes xml and xmlns have fixed namespaces")
	case prefix != "" && b.space == NoSpace:
		return s.fail(int(a.Name.Start), "a prefix cannot be declared for no namespace")
	}
	for _, other := range s.spaces[s.mark:] {
		if string(s.src[other.start:other.end]) == prefix {
			return s.fail(int(a.Name.Start), "the attribute "+s.shown(a.Name)+" is there twice")
		}
	}
	s.spaces = append(s.spaces, b)
	if prefix == "" {
		s.plainSpace = b.space
	}
	return true
}

// endSpaces ends the bindings beyond the first count ones.
func (s *Scanner) endSpaces(count int) {
	s.spaces = s.spaces[:count]
	s.plainSpace = NoSpace
	for _, b := range s.spaces {
		if b.start == b.end {
			s.plainSpace = b.space
		}
	}
}

// space finds a namespace, or takes it among the others; false if there are too
// many.
func (s *Scanner) space(uri []byte) (space Space, ok bool) {
	for i, known := range s.options.Known {
		if string(uri) == known {
			return Known + Space(i), true
		}
	}
	for i, fixed := range fixedSpaces {
		if string(uri) == fixed {
			return Space(i), true
		}
	}
	for i, other := range s.others {
		if string(uri) == string(other) {
			return Known + Space(len(s.options.Known)+i), true
		}
	}
	if len(s.others) >= mostSpaces {
		return NoSpace, false
	}
	s.others = append(s.others, uri)
	return Known + Space(len(s.options.Known)+len(s.others)-1), true
}

// DeclaresDefault tells whether the element of an Open declares the namespace of
// names without prefix by itself.
func (s *Scanner) DeclaresDefault() bool {
	for _, b := range s.spaces[s.mark:] {
		if b.start == b.end {
			return true
		}
	}
	return false
}

// bind finds the namespace of a name with a prefix.
func (s *Scanner) bind(name *Name) bool {
	prefix := s.src[name.Start : name.Local-1]
	for i := len(s.spaces) - 1; i >= 0; i-- {
		if b := &s.spaces[i]; string(s.src[b.start:b.end]) == string(prefix) {
			name.Space = b.space
			return true
		}
	}
	if string(prefix) == "xml" {
		name.Space = XMLSpace
		return true
	}
	return s.fail(int(name.Start), "the prefix "+ShownName(prefix)+" is not declared: it needs an attribute that begins with xmlns:")
}

// bindAttributes finds the namespaces of the attributes, and refuses two with
// the same name.
func (s *Scanner) bindAttributes() bool {
	for i := range s.attributes {
		a := &s.attributes[i]
		if a.Name.HasPrefix() && a.Name.Space == NoSpace && !s.bind(&a.Name) {
			return false
		}
		for j := range s.attributes[:i] {
			if other := &s.attributes[j]; other.Name.Space == a.Name.Space && string(s.Local(other.Name)) == string(s.Local(a.Name)) {
				return s.fail(int(a.Name.Start), "the attribute "+ShownName(s.Local(a.Name))+" is there twice")
			}
		}
	}
	return true
}
