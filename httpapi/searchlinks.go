package httpapi

// appendLinks writes the links of a page of a search. All lead into the same
// snapshot, and all are links to GET. self shows what was really used.
func (p *results) appendLinks(dst []byte) []byte {
	l := links{to: p.r.base + p.r.searchPath()}
	dst = l.add(dst, "self", p.selfQuery("ct"))
	if p.count > 0 {
		dst = l.add(dst, "first", p.linkTo(0, false))
		if p.page.HasPrevious {
			dst = l.add(dst, "previous", p.linkTo(p.page.Previous, true))
		}
		if p.page.HasNext {
			dst = l.add(dst, "next", p.linkTo(p.page.Next, true))
		}
	}
	if p.overflow != "" {
		dst = l.addTo(dst, "related", p.overflow)
	}
	return l.end(dst)
}

// selfQuery writes the query of the answer itself, with its token, if it has
// one.
func (p *results) selfQuery(paging string) string {
	query := p.shown()
	if text, paged, _ := p.r.query.one(paging); paged {
		query = query.with(paging, text)
	}
	return string(query.encode(nil))
}

// shown are the parameters of all links: those that were used, and those that
// say how the answer is written.
func (p *results) shown() parameters {
	shown := p.applied()
	for _, one := range p.r.query.distinct() {
		if one.name == "_format" || one.name == "_pretty" {
			shown = append(shown, one)
		}
	}
	return shown
}

// linkTo writes the query of the page that begins at a cursor, or of the first.
func (p *results) linkTo(cursor uint64, has bool) string {
	t := p.token
	t.start, t.hasStart = cursor, has
	token := p.s.sealToken(&t, p.scope("ct", p.applied()))
	return string(p.shown().with("ct", token).encode(nil))
}

// searchPath is the path of a search below the base, without _search and
// $includes.
func (r *request) searchPath() string {
	path := ""
	for _, segment := range []string{r.typ, r.id, r.compartment} {
		if segment != "" {
			path += "/" + segment
		}
	}
	return path
}
