package validate

import (
	"bytes"
	"slices"
	"strings"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// linkTypes are the types whose values lead to a resource.
type linkTypes struct {
	reference, codeable, canonical *definitions.Type
}

func newLinkTypes(d *definitions.Definitions) linkTypes {
	return linkTypes{d.Type("Reference"), d.Type("CodeableReference"), d.Type("canonical")}
}

// linkContext is what links are looked up in: the resource around them, and the
// Bundle around that.
type linkContext struct {
	bases  []string
	typeOf func(link []byte) string // may be nil
	root   fhirjson.Value
	typ    *definitions.Type // of root
	bundle fhirjson.Value

	contained map[string]fhirjson.Value  // of root, by id; made when it is needed
	entries   *map[string]fhirjson.Value // of bundle, by fullUrl and by type and id; as well

	inside  fhirjson.Value          // the contained resource that is walked, if one is
	named   map[string]bool         // ids in the fragments that were met in root
	pointed map[fhirjson.Value]bool // contained resources that refer to root
}

// note notes a link that is a fragment.
func (l *linkContext) note(link []byte) {
	switch {
	case len(link) == 0 || link[0] != '#':
	case len(link) > 1:
		if l.named == nil {
			l.named = map[string]bool{}
		}
		l.named[string(link[1:])] = true
	case l.inside.Exists():
		if l.pointed == nil {
			l.pointed = map[fhirjson.Value]bool{}
		}
		l.pointed[l.inside] = true
	}
}

// enter goes into a resource that is no contained one.
func (l *linkContext) enter(v fhirjson.Value, t *definitions.Type) {
	l.root, l.typ, l.contained = v, t, nil
	l.inside, l.named, l.pointed = fhirjson.Value{}, nil, nil
	if t.Name == "Bundle" {
		l.bundle, l.entries = v, new(map[string]fhirjson.Value)
	}
}

// inContained finds a contained resource.
func (l *linkContext) inContained(id []byte) fhirjson.Value {
	if l.contained == nil {
		l.contained = map[string]fhirjson.Value{}
		for c := l.root.Get("contained").First(); c.Exists(); c = c.Next() {
			l.contained[c.Get("id").String()] = c
		}
	}
	return l.contained[string(id)]
}

// inBundle finds the resource of an entry of the Bundle around, by its fullUrl or
// by type and id at the end of one.
func (l *linkContext) inBundle(link []byte) fhirjson.Value {
	if !l.bundle.Exists() {
		return fhirjson.Value{}
	}
	if *l.entries == nil {
		*l.entries = map[string]fhirjson.Value{}
		for e := l.bundle.Get("entry").First(); e.Exists(); e = e.Next() {
			resource := e.Get("resource")
			url := e.Get("fullUrl").String()
			if url == "" || !resource.Exists() {
				continue
			}
			(*l.entries)[url] = resource
			if typ := resource.Get("resourceType").String(); strings.Contains(url, "/"+typ+"/") {
				(*l.entries)[url[strings.LastIndex(url, "/"+typ+"/")+1:]] = resource
			}
		}
	}
	return (*l.entries)[string(link)]
}

// resolve finds resources for FHIRPath.
func (l *linkContext) resolve(link string) (fhirjson.Value, error) {
	return l.inBundle([]byte(link)), nil
}

// leadsTo tells the type of the resource that a link leads to; nil if that
// cannot be known. It is known of fragments, of relative links such as Patient/1
// or Patient?identifier=1, of such links below a base of this service, and of what
// is in the same Bundle.
func (w *walker) leadsTo(link []byte) *definitions.Type {
	l := &w.rules.links
	if len(link) > 0 && link[0] == '#' {
		if len(link) == 1 {
			return l.typ
		}
		return w.typeNamed(l.inContained(link[1:]).Get("resourceType").Text())
	}
	if t := w.typeNamed(typeIn(l.below(link))); t != nil {
		return t
	}
	if t := w.typeNamed(l.inBundle(link).Get("resourceType").Text()); t != nil || l.typeOf == nil {
		return t
	}
	return w.definitions.Type(l.typeOf(link))
}

// below cuts the base of this service off.
func (l *linkContext) below(link []byte) []byte {
	for _, base := range l.bases {
		if rest, ok := bytes.CutPrefix(link, []byte(base)); ok {
			return rest
		}
	}
	return link
}

// typeNamed finds a resource type; nil if there is none of this name.
func (w *walker) typeNamed(name []byte) *definitions.Type {
	if t := w.definitions.TypeOf(name); t != nil && t.Kind == definitions.Resource && !t.Abstract {
		return t
	}
	return nil
}

// typeIn returns the type in a relative link: Type/id, Type/id/_history/version
// or Type?criteria. It is nil in links of another form.
func typeIn(link []byte) []byte {
	path, query, hasQuery := bytes.Cut(link, []byte{'?'})
	if hasQuery {
		if len(query) == 0 || bytes.IndexByte(path, '/') >= 0 {
			return nil
		}
		return path
	}
	name, id, _ := bytes.Cut(path, []byte{'/'})
	id, version, versioned := bytes.Cut(id, []byte("/_history/"))
	if !isID(id) || versioned && !isID(version) {
		return nil
	}
	return name
}

// allows tells whether a reference may lead to a type. Targets that are profiles
// say nothing here, and neither does their absence.
func (va *Validator) allows(targets []string, t *definitions.Type) bool {
	return len(targets) == 0 || slices.ContainsFunc(targets, func(target string) bool {
		wanted := va.definitions.Type(target)
		return wanted == nil || wanted.Abstract || wanted == t
	})
}
