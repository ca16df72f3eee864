package patch

import (
	"errors"
	"fmt"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirxml"
)

// xmlPatch is an XML Patch (RFC 5261): it changes a resource in its XML form.
type xmlPatch struct {
	definitions *definitions.Definitions
	operations  []xmlOperation
}

// greatestTarget is the size in bytes of the XML that an XML Patch changes. As a
// tree it takes about fifteen times as much.
const greatestTarget = 8 << 20

// xmlBytesPerByte is about how much memory the XML of a resource and its tree take
// for each byte of its JSON.
const xmlBytesPerByte = 20

// BytesPerByte tells how much memory Apply needs for each byte of a resource beyond
// what other patches need.
func (p *xmlPatch) BytesPerByte() int { return xmlBytesPerByte }

// ParseXML reads an XML Patch document (https://hl7.org/fhir/R4/http.html#patch, RFC
// 5261): an element, whatever its name, that holds elements add, replace and remove
// of its namespace.
//
// Names without prefix in selectors are in the default namespace of the document, as
// the RFC has it, or else in FHIR's. The prefixes f and h need no declaration: they
// are FHIR's and XHTML's, as in HL7's own patches.
func ParseXML(d *definitions.Definitions, diff []byte) (Patch, error) {
	document, err := parseXMLTree(diff)
	if err != nil {
		return nil, &domain.Error{Kind: domain.Invalid, Issues: []domain.Issue{{Code: "structure", Message: "The XML Patch is not well-formed: " + err.Error() + "."}}}
	}
	root := document.root()
	p := &xmlPatch{definitions: d}
	for _, child := range root.children {
		switch {
		case child.kind == xmlText && !isBlank(child.spelled):
			return nil, invalid("An XML Patch holds elements add, replace and remove; text cannot stand between them.")
		case child.kind != xmlElement:
			continue
		}
		if len(p.operations) == greatestPaths {
			return nil, domain.NewError(domain.TooCostly, fmt.Sprintf("The patch has more than %d operations, which is as many as are taken at once.", greatestPaths))
		}
		o := xmlOperation{label: label{number: len(p.operations) + 1}}
		if err := o.parse(child, root.space); err != nil {
			return nil, err
		}
		p.operations = append(p.operations, o)
	}
	if len(p.operations) == 0 {
		return nil, invalid("The XML Patch has no operations: its element must hold elements add, replace or remove.")
	}
	return p, nil
}

// Apply implements Patch.
func (p *xmlPatch) Apply(resource fhirjson.Value) (*fhirjson.Document, error) {
	before, err := fhirxml.Append(nil, p.definitions, resource, fhirxml.Layout{})
	if err != nil {
		return nil, fmt.Errorf("write a resource in XML to patch it: %w", err)
	}
	after, err := p.applyTo(before)
	if err != nil {
		return nil, err
	}
	result, err := p.read(after)
	if err != nil {
		return nil, err
	}
	return p.keepNarrative(resource, before, result)
}

// applyTo applies the operations in order to a document.
func (p *xmlPatch) applyTo(text []byte) ([]byte, error) {
	if len(text) > greatestTarget {
		return nil, domain.NewError(domain.TooCostly, fmt.Sprintf("The resource has more than %d MiB in XML, which is as much as an XML Patch changes; JSON Patch has a higher limit.", greatestTarget>>20))
	}
	document, err := parseXMLTree(text)
	if err != nil {
		return nil, fmt.Errorf("read what is to be patched: %w", err)
	}
	work := 0
	for i := range p.operations {
		o := &p.operations[i]
		if err := o.apply(o, document, &work); err != nil {
			return nil, err
		}
		if work > greatestWork {
			return nil, o.tooCostly("the patch looks at too many elements.")
		}
	}
	return document.append(make([]byte, 0, len(text))), nil
}

// read reads the resource that came out.
func (p *xmlPatch) read(text []byte) (*fhirjson.Document, error) {
	document, _, err := fhirxml.Decode(p.definitions, text, nil, fhirxml.Limits{})
	if fault, ok := errors.AsType[*fhirxml.DecodeError](err); ok {
		issue := domain.Issue{Code: "structure", Message: "The result of the patch is not a resource: " + fault.Message + "."}
		if fault.Path != "" {
			issue.Expression = []string{fault.Path}
		}
		return nil, &domain.Error{Kind: domain.Invalid, Issues: []domain.Issue{issue}}
	}
	return document, err
}

// keepNarrative gives a narrative that the patch left alone the spelling that it had
// in JSON, where XML has another one: of HTML's entities and white space around it.
func (p *xmlPatch) keepNarrative(resource fhirjson.Value, before []byte, result *fhirjson.Document) (*fhirjson.Document, error) {
	was, is := resource.Get("text").Get("div"), result.Root().Get("text").Get("div")
	if !was.Exists() || !is.Exists() || fhirjson.Equal(was, is) {
		return result, nil
	}
	unpatched, err := p.read(before)
	if err != nil || !fhirjson.Equal(unpatched.Root().Get("text").Get("div"), is) {
		return result, err
	}
	edit := fhirjson.Edit{Start: is.Start(), End: is.End(), With: was.Raw()}
	return fhirjson.Parse(fhirjson.AppendCompact(nil, result.Root(), []fhirjson.Edit{edit}), fhirjson.Limits{})
}
