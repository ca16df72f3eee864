package httpapi

// writeLinks writes the links of a page of a search. All lead into the same
// snapshot, and all are links to GET. self shows what was really used.
func (p *results) writeLinks(b *bodyWriter) {
	l := links{to: p.r.base + p.r.searchPath()}
	l.add(b, "self", p.selfQuery("ct"))
	if p.count > 0 {
		l.add(b, "first", p.linkTo(0, false))
		if p.page.HasPrevious {
			l.add(b, "previous", p.linkTo(p.page.Previous, true))
		}
		if p.page.HasNext {
			l.add(b, "next", p.linkTo(p.page.Next, true))
		}
	}
	if p.overflow != "" {
		l.addTo(b, "related", p.overflow)
	}
	l.end(b)
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
