package resource

import (
	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
)

// AppendStored appends the stored form of a resource, which must be an object
// whose id, if any, is a string and whose meta, if any, is an object. links are
// replacements of links within it, sorted by place. metaAt is the offset, from
// the beginning of the appended bytes, where versionId and lastUpdated go.
func AppendStored(dst []byte, v fhirjson.Value, id domain.LogicalID, links []fhirjson.Edit) (stored []byte, metaAt int) {
	f := form{base: len(dst), out: dst, id: id, links: links}
	f.hasID, f.hasMeta = v.Get("id").Exists(), v.Get("meta").Exists()
	f.out = append(f.out, '{')
	if !v.Get("resourceType").Exists() {
		f.afterType()
	}
	for m := v.First(); m.Exists(); m = m.Next() {
		f.member(m)
	}
	f.out = append(f.out, '}')
	return f.out, f.metaAt
}

// form is a stored body that is being put together.
type form struct {
	base           int
	out            []byte
	id             domain.LogicalID
	links          []fhirjson.Edit // those not yet applied
	hasID, hasMeta bool
	metaAt         int
}

func (f *form) name(name string) {
	if f.out[len(f.out)-1] != '{' {
		f.out = append(f.out, ',')
	}
	f.out = fhirjson.AppendQuoted(f.out, name)
	f.out = append(f.out, ':')
}

func (f *form) member(m fhirjson.Value) {
	switch name := string(m.Name()); name {
	case "resourceType":
		f.plain(name, m)
		f.afterType()
	case "id":
		f.writeID()
		if !f.hasMeta {
			f.emptyMeta()
		}
	case "meta":
		f.name("meta")
		f.meta(m)
	default:
		f.plain(name, m)
	}
}

// afterType adds what is missing behind resourceType.
func (f *form) afterType() {
	if f.hasID {
		return
	}
	f.writeID()
	if !f.hasMeta {
		f.emptyMeta()
	}
}

func (f *form) writeID() {
	f.name("id")
	f.out = fhirjson.AppendQuoted(f.out, string(f.id))
}

func (f *form) emptyMeta() {
	f.name("meta")
	f.out = append(f.out, '{')
	f.metaAt = len(f.out) - f.base
	f.out = append(f.out, '}')
}

// meta copies the members of meta but for those that the log assigns.
func (f *form) meta(meta fhirjson.Value) {
	f.out = append(f.out, '{')
	f.metaAt = len(f.out) - f.base
	for m := meta.First(); m.Exists(); m = m.Next() {
		if name := string(m.Name()); name != "versionId" && name != "lastUpdated" {
			f.plain(name, m)
		}
	}
	f.out = append(f.out, '}')
}

func (f *form) plain(name string, m fhirjson.Value) {
	f.name(name)
	f.out = fhirjson.AppendCompact(f.out, m, f.linksWithin(m))
}

// linksWithin takes the edits that lie within m off the front; those of members
// that are left out before it are dropped.
func (f *form) linksWithin(m fhirjson.Value) []fhirjson.Edit {
	for len(f.links) > 0 && f.links[0].Start < m.Start() {
		f.links = f.links[1:]
	}
	n := 0
	for n < len(f.links) && f.links[n].Start < m.End() {
		n++
	}
	within := f.links[:n]
	f.links = f.links[n:]
	return within
}
