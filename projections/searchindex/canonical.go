package searchindex

import (
	"slices"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/search"
)

// named is what a resource is called by canonicals.
type named struct {
	position     uint64
	known        bool
	url, version string
}

// nameOf reads URL and version of the resource at a position. The last one is
// remembered, as it is asked for reference by reference.
func (e *evaluation) nameOf(position uint64) (named, error) {
	if e.name.known && e.name.position == position {
		return e.name, nil
	}
	e.name = named{position: position}
	err := e.source.Load(position, func(resource fhirjson.Value) error {
		e.name.url, e.name.version = resource.Get("url").String(), resource.Get("version").String()
		return nil
	})
	e.name.known = err == nil
	return e.name, err
}

// eachReferenceByURL looks up the references of a parameter to a resource by its
// canonical URL.
func (e *evaluation) eachReferenceByURL(r search.Reference, t domain.ResourceType, position uint64, use func(found result)) error {
	if !slices.ContainsFunc(r.Canonicals, func(c search.Canonical) bool { return c.Type == t }) {
		return nil
	}
	name, err := e.nameOf(position)
	if err != nil || name.url == "" {
		return err
	}
	found, err := e.match(r.ByURL(name.url, name.version))
	if err == nil {
		use(found)
	}
	return err
}

// eachCanonical hands over the current versions that a target leads to by canonical
// URL; only those of type t, if that is given. It ends early when use returns
// false.
func (e *evaluation) eachCanonical(r search.Reference, target []byte, t domain.ResourceType, use func(position uint64) bool) error {
	if len(r.Canonicals) == 0 {
		return nil
	}
	url, version, ok := search.CutCanonical(target)
	if !ok {
		return nil
	}
	for _, c := range r.Canonicals {
		if r.Target != "" && r.Target != c.Type || t != "" && t != c.Type {
			continue
		}
		if used, err := e.isUsed(c.Slot); err != nil {
			return err
		} else if !used {
			continue
		}
		found, err := e.matchKey(c.Key(url))
		if err != nil {
			return err
		}
		err = e.walk(known{found}, 0, false, func(block uint32, holds *set) (more bool, err error) {
			more = true
			holds.each(func(low uint16) bool {
				position := uint64(block)*BlockSize + uint64(low)
				var fits bool
				if fits, err = e.isVersion(position, version); err == nil && fits {
					more = use(position)
				}
				return err == nil && more
			})
			return more, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// isVersion tells whether the resource at a position has the version that a
// canonical names, if it names one.
func (e *evaluation) isVersion(position uint64, version []byte) (bool, error) {
	if len(version) == 0 {
		return true, nil
	}
	name, err := e.nameOf(position)
	return err == nil && search.StandsFor(version, name.version), err
}
