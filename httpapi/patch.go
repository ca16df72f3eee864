package httpapi

import (
	"bytes"
	"context"
	"encoding/base64"
	"mime"
	"net/http"
	"slices"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/event"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/patch"
)

// A patch comes in one of two shapes (https://hl7.org/fhir/R4/http.html#patch): as
// a Parameters resource, a FHIRPath Patch, which is read like any other resource;
// or as a document of its own format, one of patchFormats. In a Bundle such a
// document travels within a Binary.

// patchFormat is a format of patch documents.
type patchFormat struct {
	media string
	// bytes is what a document takes in memory once it is parsed.
	bytes func(document []byte) int64
	parse func(s *Server, document []byte) (patch.Patch, error)
}

// patchFormats are all that are read here: a further one is a further line.
var patchFormats = []patchFormat{
	{"application/json-patch+json", treeBytes, func(_ *Server, document []byte) (patch.Patch, error) { return patch.ParseJSON(document) }},
	{"application/xml-patch+xml", xmlTreeBytes, func(s *Server, document []byte) (patch.Patch, error) { return patch.ParseXML(s.fhir, document) }},
}

// patchDocument is a patch that is no resource; format is nil for one that is.
type patchDocument struct {
	format *patchFormat
	text   []byte
}

// bytes is what the document takes in memory, text and all.
func (p *patchDocument) bytes() int64 {
	if p.format == nil {
		return 0
	}
	return int64(len(p.text)) + p.format.bytes(p.text)
}

// mayRefer says whether a patch, or the resource that it is, may bring references
// that are searches. Where they would stand is known only when it is applied.
func (p *patchDocument) mayRefer(resource fhirjson.Value) bool {
	text := p.text
	if p.format == nil {
		text = resource.Raw()
	}
	return bytes.IndexByte(text, '?') >= 0 || bytes.Contains(text, []byte(`\u`)) || bytes.Contains(text, []byte("&#"))
}

// patchMedia lists the media types of patches, for Accept-Patch and /metadata.
func patchMedia() []string {
	return append([]string{media[fhirJSON], media[fhirXML]}, documentMedia()...)
}

// documentMedia lists those that are no resources.
func documentMedia() []string {
	list := make([]string, len(patchFormats))
	for i := range patchFormats {
		list[i] = patchFormats[i].media
	}
	return list
}

// findPatchFormat finds the format of a media type; nil if there is none.
func findPatchFormat(media string) *patchFormat {
	i := slices.IndexFunc(patchFormats, func(f patchFormat) bool { return f.media == media })
	if i < 0 {
		return nil
	}
	return &patchFormats[i]
}

// checkNoJSONPatch refuses a JSON Patch that came with the type of a resource, which
// is what clients get wrong most often.
func checkNoJSONPatch(body []byte) error {
	if !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("[")) {
		return nil
	}
	return invalid("A FHIRPath Patch is a resource of type Parameters. An array of operations is a JSON Patch, which is sent as application/json-patch+json.")
}

// planPatch makes the command of PATCH /{type}/{id}.
func (s *Server) planPatch(r *request) (c commit.Command, err error) {
	if c, err = s.newPatch(r); err != nil {
		return c, err
	}
	c.ID, err = s.writableID(r)
	return c, err
}

// planConditionalPatch makes the command of PATCH /{type}?…
func (s *Server) planConditionalPatch(r *request) (c commit.Command, err error) {
	given := r.query.without(everywhere...).without("_meta-history")
	if len(given) == 0 {
		return c, noCriteria(domain.PreconditionFailed)
	}
	if c, err = s.newPatch(r); err != nil {
		return c, err
	}
	c.Criteria, err = s.criteria(r, given, domain.PreconditionFailed)
	return c, err
}

// newPatch makes what the commands of all patches share.
func (s *Server) newPatch(r *request) (commit.Command, error) {
	c := commit.Command{Interaction: event.Patch, Type: r.resourceType(), FullURL: r.fullURL}
	if err := r.planReplacement(&c); err != nil {
		return c, err
	}
	if c.MustNotExist {
		return c, invalid("If-None-Match: * allows only to create, and a patch changes what exists.")
	}
	var err error
	c.Patch, err = s.parsePatch(r)
	return c, err
}

func (s *Server) parsePatch(r *request) (patch.Patch, error) {
	if r.patch.format != nil {
		return r.patch.format.parse(s, r.patch.text)
	}
	return patch.ParseFHIRPath(s.fhir, r.content)
}

// choosePatchFormat finds out what the body of a patch is.
func (s *Server) choosePatchFormat(r *request, h http.Header) error {
	media, parameters, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err == nil {
		r.patch.format = findPatchFormat(media)
	}
	if r.patch.format == nil {
		err := s.checkContentType(h)
		if domain.KindOf(err) == domain.UnsupportedMedia && err != nil {
			return unsupportedMedia("A patch is read as one of these types: " + strings.Join(patchMedia(), ", ") + ".")
		}
		return err
	}
	return s.checkMediaParameters(parameters)
}

// takePatch makes the body the patch of the request.
func (x *exchange) takePatch(ctx context.Context) error {
	p := &x.request.patch
	if p.text = x.body.bytes; len(p.text) == 0 {
		return invalid("The body is empty; a patch is needed.")
	}
	return x.body.share.growBy(ctx, p.format.bytes(p.text))
}

// preparePatch finds the patch in the resource of a Bundle's entry: Parameters are
// one, a Binary holds one.
func (e *entry) preparePatch() error {
	r, at := &e.request, e.expression(".resource")
	if r.call == nil || !r.call.patch {
		return nil
	}
	switch string(e.resource.Get("resourceType").Text()) {
	case "Parameters":
		return nil
	case "Binary":
	default:
		return invalid("The resource of an entry that patches must be Parameters, a FHIRPath Patch, or a Binary that holds a patch.", at)
	}
	if err := textOnly(e.resource, at, "contentType", "data"); err != nil {
		return err
	}
	media, _, _ := mime.ParseMediaType(e.resource.Get("contentType").String())
	if r.patch.format = findPatchFormat(media); r.patch.format == nil {
		return domain.NewError(domain.UnsupportedMedia, "The contentType of a Binary that patches must be "+strings.Join(documentMedia(), " or ")+".", at+".contentType")
	}
	data := e.resource.Get("data")
	if len(data.Text()) == 0 {
		return invalid("The Binary has no data; the patch is needed, in base64.", at+".data")
	}
	text, err := decodeBase64(data)
	if err != nil {
		return invalid("The data of the Binary is not base64.", at+".data")
	}
	r.patch.text = text
	return nil
}

// decodeBase64 decodes a base64Binary, in which FHIR allows white space
// (https://hl7.org/fhir/R4/datatypes.html#base64Binary).
func decodeBase64(v fhirjson.Value) ([]byte, error) {
	text := v.Text()
	if bytes.ContainsAny(text, " \t") { // line ends are skipped anyway
		text = slices.DeleteFunc(slices.Clone(text), func(c byte) bool { return c == ' ' || c == '\t' })
	}
	return base64.StdEncoding.AppendDecode(nil, text)
}
