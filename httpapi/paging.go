package httpapi

import (
	"strconv"

	"fhirlog/domain/fhirjson"
	"fhirlog/domain/resource"
)

// The sizes of a page of a history or a search.
const (
	standardCount = 10
	mostCount     = 1000
)

// appendBundleStart begins a Bundle that answers a request; an unknown total is
// negative.
func (s *Server) appendBundleStart(dst []byte, requestID, kind string, total int) []byte {
	dst = append(dst, `{"resourceType":"Bundle","id":"`...)
	dst = append(dst, requestID...)
	dst = append(dst, `","meta":{"lastUpdated":"`...)
	dst = resource.AppendInstant(dst, s.now())
	dst = append(dst, `"},"type":"`...)
	dst = append(dst, kind...)
	dst = append(dst, '"')
	if total >= 0 {
		dst = append(dst, `,"total":`...)
		dst = strconv.AppendInt(dst, int64(total), 10)
	}
	return dst
}

// links writes Bundle.link (https://hl7.org/fhir/R4/http.html#paging): add for
// each, then end.
type links struct {
	to    string // URL of what is paged, without its query
	count int
}

func (l *links) add(dst []byte, relation, query string) []byte {
	return l.addTo(dst, relation, l.to+query)
}

// addTo adds a link that leads elsewhere.
func (l *links) addTo(dst []byte, relation, url string) []byte {
	if l.count++; l.count == 1 {
		dst = append(dst, `,"link":[`...)
	} else {
		dst = append(dst, ',')
	}
	dst = append(dst, `{"relation":"`...)
	dst = append(dst, relation...)
	dst = append(dst, `","url":`...)
	dst = fhirjson.AppendQuoted(dst, url)
	return append(dst, '}')
}

func (l *links) end(dst []byte) []byte {
	if l.count == 0 {
		return dst
	}
	return append(dst, ']')
}

// openEntry begins an entry, and the array before the first one.
func openEntry(b *bodyWriter, number int) {
	if number == 0 {
		b.buf = append(b.buf, `,"entry":[{`...)
	} else {
		b.buf = append(b.buf, `,{`...)
	}
}

// appendFullURL writes where a version's resource lives, without the version.
func appendFullURL(dst []byte, base string, v *resource.Version) []byte {
	dst = append(dst, `"fullUrl":"`...)
	dst = append(dst, base...)
	dst = append(dst, '/')
	dst = appendReference(dst, v)
	return append(dst, `",`...)
}

func appendReference(dst []byte, v *resource.Version) []byte {
	dst = append(dst, v.Type...)
	dst = append(dst, '/')
	return append(dst, v.ID...)
}
