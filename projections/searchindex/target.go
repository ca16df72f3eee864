package searchindex

import (
	"bytes"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/search"
)

// LocalTarget reads the resource of this server that a reference leads to, from
// the value part of its key; ok is false where it leads elsewhere. version is
// empty unless the reference names one.
func LocalTarget(r search.Reference, target []byte) (t domain.ResourceType, id domain.LogicalID, version string, ok bool) {
	first, rest, ok := search.CutComponent(target)
	if !ok {
		return "", "", "", false
	}
	if url, absolute := bytes.CutPrefix(first, []byte{2}); absolute {
		t, id, ok = belowBase(r, string(url))
		last, _, _ := search.CutComponent(rest)
		version = string(last)
	} else {
		name, rest, _ := search.CutComponent(rest)
		last, _, _ := search.CutComponent(rest)
		t, id, version = domain.ResourceType(name), domain.LogicalID(first), string(last)
	}
	return t, id, version, ok && t != "" && id != "" && (r.Target == "" || r.Target == t)
}

// belowBase reads an absolute reference to this server; its version stands by
// itself.
func belowBase(r search.Reference, url string) (t domain.ResourceType, id domain.LogicalID, ok bool) {
	for _, base := range r.Bases {
		if place, below := strings.CutPrefix(url, base); below {
			name, rest, found := strings.Cut(place, "/")
			if found && rest != "" && !strings.Contains(rest, "/") {
				return domain.ResourceType(name), domain.LogicalID(rest), true
			}
		}
	}
	return "", "", false
}
