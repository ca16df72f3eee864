package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// A page is what is looked at in the answer to a search. Its slices hold as
// long as the answer.
type page struct {
	searchset bool // it is a Bundle of this type
	total     int  // -1 when not told
	next      []byte
	matches   int
	strange   bool   // a match is of another type than asked for, or has no id
	warning   []byte // code of the first issue that is more than information
	ids       []uint64
}

// idSeed makes hashes of ids differ from one start to the next, so that a
// collision (one in 10^8 for a download of a million) does not come twice.
var idSeed = maphash.MakeSeed()

// parse reads an answer whose matches should be of a type. It returns false
// when the text is no JSON object, or is cut off.
func (p *page) parse(text []byte, typeName string) bool {
	*p = page{total: -1, ids: p.ids[:0]}
	var bundle, searchset bool
	s := scanner{text: text}
	ok := s.object(func(name []byte) bool {
		switch string(name) {
		case "resourceType":
			value, ok := s.str()
			bundle = string(value) == "Bundle"
			return ok
		case "type":
			value, ok := s.str()
			searchset = string(value) == "searchset"
			return ok
		case "total":
			var ok bool
			p.total, ok = s.number()
			return ok
		case "link":
			return s.array(func() bool { return p.link(&s) })
		case "entry":
			return s.array(func() bool { return p.entry(&s, typeName) })
		}
		return s.skip()
	})
	p.searchset = bundle && searchset
	return ok && s.peek() == 0
}

// link reads one link and keeps the next.
func (p *page) link(s *scanner) bool {
	var relation, address []byte
	ok := s.object(func(name []byte) (ok bool) {
		switch string(name) {
		case "relation":
			relation, ok = s.str()
		case "url":
			address, ok = s.str()
		default:
			ok = s.skip()
		}
		return ok
	})
	if string(relation) == "next" {
		p.next = address
	}
	return ok
}

// entry reads one entry.
func (p *page) entry(s *scanner, typeName string) bool {
	var resource, mode []byte
	ok := s.object(func(name []byte) (ok bool) {
		switch string(name) {
		case "resource":
			resource, ok = s.value()
		case "search":
			ok = s.object(func(name []byte) (ok bool) {
				if string(name) == "mode" {
					mode, ok = s.str()
					return ok
				}
				return s.skip()
			})
		default:
			ok = s.skip()
		}
		return ok
	})
	if !ok {
		return false
	}
	switch string(mode) {
	case "outcome":
		if p.warning == nil {
			p.warning = warningOf(resource)
		}
	case "include":
	default:
		p.matches++
		kind, id := identify(resource)
		if string(kind) != typeName || len(id) == 0 {
			p.strange = true
		}
		p.ids = append(p.ids, maphash.Bytes(idSeed, id))
	}
	return true
}

// identify finds the type and id of a resource. They usually come first.
func identify(resource []byte) (kind, id []byte) {
	s := scanner{text: resource}
	s.object(func(name []byte) (ok bool) {
		switch string(name) {
		case "resourceType":
			kind, ok = s.str()
		case "id":
			id, ok = s.str()
		default:
			ok = s.skip()
		}
		return ok && (kind == nil || id == nil)
	})
	return kind, id
}

// repeats tells whether an id is there twice. It is meant for small pages.
func (p *page) repeats() bool {
	for i, a := range p.ids {
		for _, b := range p.ids[:i] {
			if a == b {
				return true
			}
		}
	}
	return false
}

// outcome is what is read of an OperationOutcome: no text, which may tell of
// people.
type outcome struct {
	ResourceType string
	Issue        []struct{ Severity, Code string }
}

// warningOf returns the code of the first issue that says that something was
// not done as asked.
func warningOf(text []byte) []byte {
	var o outcome
	if json.Unmarshal(text, &o) != nil || len(o.Issue) == 0 {
		return []byte("unreadable")
	}
	for _, i := range o.Issue {
		if i.Severity != "information" && i.Severity != "success" {
			return []byte(i.Code)
		}
	}
	return nil
}

// outcomeCodes tells the severities and codes of an answer's issues, and
// nothing else of it.
func outcomeCodes(body []byte) []byte {
	var o outcome
	if json.Unmarshal(body, &o) != nil || o.ResourceType != "OperationOutcome" {
		return fmt.Appendf(nil, "an answer of %d bytes that is no OperationOutcome", len(body))
	}
	var codes []string
	for _, i := range o.Issue {
		codes = append(codes, i.Severity+" "+i.Code)
	}
	return []byte("OperationOutcome: " + strings.Join(codes, ", "))
}

// follow turns the URL of a next link, as it stands in JSON, into the path of a
// request to the target. Its host is not looked at: the server may know itself
// by another name.
func (t *target) follow(dst, link []byte) ([]byte, error) {
	if bytes.IndexByte(link, '\\') >= 0 {
		plain, err := jsontext.AppendUnquote(nil, `"`+string(link)+`"`)
		if err != nil {
			return nil, err
		}
		link = plain
	}
	u, err := url.Parse(string(link))
	if err != nil {
		return nil, err
	}
	u = (&url.URL{Scheme: "http", Host: "host", Path: t.base + "/"}).ResolveReference(u)
	return append(dst[:0], u.RequestURI()...), nil
}
