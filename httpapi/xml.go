package httpapi

import (
	"bytes"
	"context"
	"errors"
	"mime"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirxml"
)

// XML is read into the JSON that is stored, so that whatever comes after knows
// nothing of it.

// bodyIsXML tells whether the body is a resource in XML.
func (x *exchange) bodyIsXML() bool {
	given := x.h.Header.Get("Content-Type")
	if given == media[fhirJSON] || given == media[plainJSON] { // what nearly all clients send
		return false
	}
	mediaType, _, _ := mime.ParseMediaType(given)
	f, known := formatOf(mediaType)
	return known && f.isXML()
}

// parseXML reads a body in XML.
func (x *exchange) parseXML(ctx context.Context) error {
	text := x.body.bytes
	if len(text) == 0 {
		return invalid("The body is empty; a resource is needed.")
	}
	if err := x.body.share.growBy(ctx, xmlBytes(text)); err != nil {
		return err
	}
	space, err := x.body.forJSON(ctx)
	if err != nil {
		return err
	}
	document, places, err := x.s.decodeXML(text, space)
	if err != nil {
		return err
	}
	document.Locate(places.At)
	x.request.content = document.Root()
	return nil
}

// decodeXML reads a resource in XML, within the limits for all; into space, if there
// is room in it.
func (s *Server) decodeXML(text, space []byte) (*fhirjson.Document, *fhirxml.Places, error) {
	document, places, err := fhirxml.Decode(s.fhir, text, space, fhirxml.Limits{MaxDepth: s.options.MaxDepth, MaxNodes: s.options.MaxNodes})
	if err != nil {
		return nil, nil, malformedXML(err)
	}
	return document, places, nil
}

// xmlBytes is what it takes to decode XML: the trees, and the JSON, which is no
// longer than the XML but for escapes.
func xmlBytes(text []byte) int64 {
	nodes := bytes.Count(text, []byte{'<'}) + bytes.Count(text, []byte{'='})
	return fhirxml.NodeBytes*int64(nodes) + 2*int64(len(text))
}

// malformedXML explains XML that could not be read.
func malformedXML(err error) error {
	fault, ok := errors.AsType[*fhirxml.DecodeError](err)
	if !ok {
		return err
	}
	issue := domain.Issue{Code: "structure", Message: "The body is not a resource in XML: " + fault.Error() + "."}
	issue.Line, issue.Column = fault.Line, fault.Column
	if fault.Path != "" {
		issue.Expression = []string{fault.Path}
	}
	return &domain.Error{Kind: domain.Invalid, Issues: []domain.Issue{issue}}
}

// xmlTreeBytes is what a tree with all that XML has takes, as XML Patch makes it.
func xmlTreeBytes(text []byte) int64 {
	const perElement, perAttribute = 256, 96
	return int64(len(text)) + perElement*int64(bytes.Count(text, []byte{'<'})) + perAttribute*int64(bytes.Count(text, []byte{'='}))
}
