package searchtest

import (
	"regexp"
	"slices"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/search"
)

// reference is where a Reference or a search value leads: to a resource of this
// server, which has an id, or to a URL elsewhere.
type reference struct {
	typ, id, version string
	url, fragment    string
	written          string // the absolute URL of a local one, if that is how it is written
	canonical        bool   // an absolute URL leads by canonical URL as well
}

func localReference(typ, id string) reference { return reference{typ: typ, id: id} }

func (r reference) isLocal() bool { return r.id != "" }

// The forms of references (https://hl7.org/fhir/R4/references.html#literal).
var (
	local    = regexp.MustCompile(`^(?:([A-Z][A-Za-z]*)/)?([A-Za-z0-9.-]{1,64})(?:/_history/([A-Za-z0-9.-]{1,64}))?$`)
	absolute = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:`)
	history  = regexp.MustCompile(`^(.+)/_history/([A-Za-z0-9.-]{1,64})$`)
)

// parseReference reads a reference; an absolute one below a URL of this service
// is local.
func (e *Evaluator) parseReference(text string) (r reference) {
	if before, fragment, found := strings.Cut(text, "#"); found {
		text, r.fragment = before, fragment
	}
	for _, base := range e.Bases {
		if below, found := strings.CutPrefix(text, base); found && local.MatchString(below) && strings.Contains(below, "/") {
			text, r.written = below, strings.TrimSuffix(text, "/_history/"+lastSegment(text))
		}
	}
	if absolute.MatchString(text) {
		r.url = text
		if url, version, found := strings.Cut(text, "|"); found {
			r.url, r.version = url, version
		} else if parts := history.FindStringSubmatch(text); parts != nil {
			r.url, r.version = parts[1], parts[2]
		}
		return r
	}
	if parts := local.FindStringSubmatch(text); parts != nil && (parts[1] != "" || parts[3] == "") {
		r.typ, r.id, r.version = parts[1], parts[2], parts[3]
	}
	return r
}

func lastSegment(text string) string { return text[strings.LastIndexByte(text, '/')+1:] }

// references are the references of a parameter in a version.
func (e *Evaluator) references(v *Version, of *search.Parameter) (all []reference) {
	holds := slices.Contains(of.Yields, "canonical") || slices.Contains(of.Yields, "uri")
	for _, el := range e.elements(v, of) {
		r := e.referenceOf(el)
		r.canonical = holds && (el.name != "Reference" || !strings.HasPrefix(r.url, "urn:"))
		all = append(all, r)
	}
	return all
}

// referenceOf reads an element; Reference.type tells the type where the
// reference itself does not.
func (e *Evaluator) referenceOf(el element) reference {
	switch el.name {
	case "Reference":
		r := e.parseReference(el.get("reference").String())
		if r.isLocal() && r.typ == "" {
			r.typ = el.get("type").String()
		}
		return r
	case "Resource": // within a Bundle
		return localReference(el.get("resourceType").String(), el.get("id").String())
	}
	return e.parseReference(el.text())
}

// referenceMatches compares with id, Type/id or a URL
// (https://hl7.org/fhir/R4/search.html#reference). A stored reference without a
// type is found by its id alone, or where the parameter leads to one type only.
func (e *Evaluator) referenceMatches(of *search.Parameter, target domain.ResourceType, o search.Operand, el element, _ *Version) bool {
	asked, stored := e.parseReference(o.Text), e.referenceOf(el)
	if asked.version != "" && asked.version != stored.version {
		return false
	}
	if !asked.isLocal() {
		return asked.url != "" && asked.url == stored.url && (asked.fragment == "" || asked.fragment == stored.fragment)
	}
	if asked.id != stored.id {
		return false
	}
	if asked.typ == "" {
		asked.typ = string(target)
	}
	if asked.typ == "" {
		// An id asks for relative references; URLs of this service count with them
		// where the parameter leads to their type.
		return stored.written == "" || leadsTo(of, domain.ResourceType(stored.typ))
	}
	if asked.typ == stored.typ {
		return true
	}
	only := slices.DeleteFunc(slices.Clone(of.Targets), func(t domain.ResourceType) bool { return string(t) == asked.typ })
	return stored.typ == "" && len(of.Targets) == 1 && len(only) == 0
}

// targets are the versions that a reference of a parameter leads to as of the
// snapshot: by its place, or by canonical URL every one with that URL, and the
// version if one is named (https://hl7.org/fhir/R4/references.html#canonical).
// local tells which of them it leads to by its place.
func (e *Evaluator) targets(of *search.Parameter, r reference) (all []*Version, local *Version) {
	if local = e.target(r); local != nil && (of.Narrow == "" || of.Narrow == local.Type) {
		all = append(all, local)
	}
	url := r.url
	if r.written != "" {
		url = r.written
	}
	if !r.canonical || url == "" {
		return all, local
	}
	for _, v := range e.live {
		if v == local || !leadsTo(of, v.Type) || !e.hasCanonicalURL(v.Type) {
			continue
		}
		if v.Resource.Get("url").String() == url && (r.version == "" || r.version == v.Resource.Get("version").String()) {
			all = append(all, v)
		}
	}
	return all, local
}

// leadsTo tells whether a parameter is defined to lead to a type.
func leadsTo(of *search.Parameter, t domain.ResourceType) bool {
	anyType := of.Narrow == "" && (len(of.Targets) == 0 || slices.Contains(of.Targets, "Resource"))
	return anyType || slices.Contains(of.Targets, t)
}

// hasCanonicalURL tells whether the url of a type is its canonical URL: all such
// types can be marked as experimental.
func (e *Evaluator) hasCanonicalURL(t domain.ResourceType) bool {
	_, ok := e.Definitions.Type(string(t)).Member([]byte("experimental"))
	return ok
}

// target is the version that a reference leads to as of the snapshot.
func (e *Evaluator) target(r reference) *Version {
	if !r.isLocal() || r.typ == "" {
		return nil
	}
	return e.World.Current(domain.ResourceType(r.typ), domain.LogicalID(r.id), e.snapshot)
}
