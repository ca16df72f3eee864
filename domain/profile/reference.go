package profile

import (
	"fmt"
	"strings"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// target checks what a reference leads to: its type, and its profile if it is in
// the same resource or Bundle.
func (w *walk) target(urls []string, v spot) {
	switch v.typ.Name {
	case "Reference":
	case "CodeableReference": // R5
		v.place = v.place.Get("reference")
	default:
		return // a canonical names what may be anywhere
	}
	to := w.follow(v)
	if to.typ == nil {
		return
	}
	var candidates []*profile
	for _, url := range urls {
		if !w.spend() {
			return
		}
		if t := coreType(w.d, url); t != nil {
			if isA(w.d, to.typ, t) {
				return
			}
			continue
		}
		p, err := w.find(url)
		if p == nil {
			w.unchecked(url, err)
			return
		}
		if isA(w.d, to.typ, p.typ) {
			candidates = append(candidates, p)
		}
	}
	if len(candidates) == 0 {
		w.fault(codeStructure, fmt.Sprintf("%sa reference to %s, not to %s.", w.demands(), list(urls), to.typ.Name))
		return
	}
	if !to.place.Exists() {
		return
	}
	for _, p := range candidates {
		if w.conformsThere(p, to) {
			return
		}
	}
	w.fault(codeStructure, fmt.Sprintf("%sa reference to %s, and what it refers to does not conform.", w.demands(), list(urls)))
}

// conformsThere tries a resource elsewhere in the same text.
func (w *walk) conformsThere(p *profile, to spot) bool {
	resource, container := w.resource, w.container
	defer func() { w.resource, w.container = resource, container }()
	return w.conforms(p, to)
}

// follow finds what a reference leads to. What is not in the same resource or
// Bundle may still tell its type.
func (w *walk) follow(v spot) spot {
	reference := v.place.Get("reference").String()
	found := spot{index: noIndex}
	if id, contained := strings.CutPrefix(reference, "#"); contained {
		if id == "" {
			return w.container
		}
		for c := items(w.container.place.Get("contained")); c.Exists(); c = c.Next() {
			w.left--
			if string(c.Get("id").Text()) == id {
				found.place = c
			}
		}
	} else if reference != "" {
		found.place = w.entry(reference)
	}
	switch {
	case found.place.Exists():
		found.typ = w.d.TypeOf(found.place.Get("resourceType").Text())
	case reference != "":
		found.typ = referenceType(w.d, reference)
	}
	if found.typ == nil {
		if t := w.d.TypeOf(v.place.Get("type").Text()); t != nil && t.Kind == definitions.Resource {
			found.typ = t
		}
	}
	return found
}

// referenceType reads the type from Patient/1 or a URL that ends in it.
func referenceType(d *definitions.Definitions, reference string) *definitions.Type {
	if at := strings.IndexAny(reference, "?#|"); at >= 0 {
		if reference[at] == '?' && d.IsResource(reference[:at]) { // a conditional reference
			return d.Type(reference[:at])
		}
		reference = reference[:at]
	}
	reference, _, _ = strings.Cut(reference, "/_history/")
	id := strings.LastIndexByte(reference, '/')
	if id < 0 {
		return nil
	}
	name := reference[strings.LastIndexByte(reference[:id], '/')+1 : id]
	if !d.IsResource(name) {
		return nil
	}
	return d.Type(name)
}

// entry finds the resource of a Bundle's entry by what a reference says.
func (w *walk) entry(reference string) fhirjson.Value {
	if string(w.root.Get("resourceType").Text()) != "Bundle" {
		return fhirjson.Value{}
	}
	if w.entries == nil {
		w.entries = map[string]fhirjson.Value{}
		for e := items(w.root.Get("entry")); e.Exists(); e = e.Next() {
			w.left--
			resource := e.Get("resource")
			if !resource.Exists() {
				continue
			}
			if url := e.Get("fullUrl").String(); url != "" {
				w.entries[url] = resource
			}
			if id := resource.Get("id").String(); id != "" {
				w.entries[resource.Get("resourceType").String()+"/"+id] = resource
			}
		}
	}
	return w.entries[reference]
}
