package httpapi

import "fhirlog/domain/resource"

// The sizes of a page of a history or a search.
const (
	standardCount = 10
	mostCount     = 1000
)

// beginBundle begins a Bundle that answers a request; an unknown total is negative.
func (s *Server) beginBundle(b *bodyWriter, requestID, kind string, total int) {
	b.beginResource("Bundle")
	b.value("id", requestID)
	b.beginElement("meta")
	b.instant("lastUpdated", s.now())
	b.endElement("meta")
	b.value("type", kind)
	if total >= 0 {
		b.number("total", total)
	}
}

// links writes Bundle.link (https://hl7.org/fhir/R4/http.html#paging): add for
// each, then end.
type links struct {
	to    string // URL of what is paged, without its query
	count int
}

func (l *links) add(b *bodyWriter, relation, query string) { l.addTo(b, relation, l.to+query) }

// addTo adds a link that leads elsewhere.
func (l *links) addTo(b *bodyWriter, relation, url string) {
	b.beginItem("link", l.count)
	b.value("relation", relation)
	b.beginValue("url")
	b.text(url)
	b.endValue()
	b.endElement("link")
	l.count++
}

func (l *links) end(b *bodyWriter) { b.endList(l.count) }

// fullURL writes where a version's resource lives, without the version.
func (b *bodyWriter) fullURL(base string, v *resource.Version) {
	b.beginValue("fullUrl")
	b.text(base)
	b.buf = append(b.buf, '/')
	b.buf = appendReference(b.buf, v)
	b.endValue()
}

func appendReference(dst []byte, v *resource.Version) []byte {
	dst = append(dst, v.Type...)
	dst = append(dst, '/')
	return append(dst, v.ID...)
}

// resourceIn writes an element that holds the resource of an answer.
func (s *Server) resourceIn(b *bodyWriter, name string, answer *response, sh *shape) error {
	b.beginWrapper(name)
	err := s.writeResource(b, answer, sh)
	b.endWrapper(name)
	return err
}

// outcomeIn writes an element that holds an OperationOutcome.
func (s *Server) outcomeIn(b *bodyWriter, name, requestID string, answer *response) error {
	b.beginWrapper(name)
	err := s.writeOutcome(b, requestID, answer)
	b.endWrapper(name)
	return err
}
