package httpapi

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// shape says how a resource is shown: whole, or a part of it
// (https://hl7.org/fhir/R4/search.html#summary, #elements).
type shape struct {
	pretty   bool
	summary  summary
	elements []string // nil for all
}

// summary is a value of _summary.
type summary uint8

const (
	summaryFalse summary = iota
	summaryTrue
	summaryText
	summaryData
	summaryCount
)

// whole says that nothing is left out.
func (sh *shape) whole() bool { return sh.summary == summaryFalse && sh.elements == nil }

// parseShape reads _pretty, _summary and _elements.
func parseShape(query parameters) (shape, error) {
	var sh shape
	if len(query) == 0 {
		return sh, nil
	}
	var err error
	if sh.pretty, err = query.boolean("_pretty", false); err != nil {
		return sh, err
	}
	if sh.summary, err = parseSummary(query); err != nil {
		return sh, err
	}
	if sh.elements, err = parseElements(query); err != nil {
		return sh, err
	}
	if sh.summary != summaryFalse && sh.elements != nil {
		return sh, invalid("_summary and _elements cannot be used together: each says what is left out.")
	}
	return sh, nil
}

func parseSummary(query parameters) (summary, error) {
	value, given, err := query.one("_summary")
	if err != nil || !given {
		return summaryFalse, err
	}
	for s, name := range []string{"false", "true", "text", "data", "count"} {
		if strings.EqualFold(value, name) {
			return summary(s), nil
		}
	}
	return summaryFalse, invalid("_summary must be true, text, data, count or false.")
}

func parseElements(query parameters) ([]string, error) {
	var names []string
	for _, p := range query {
		if p.name != "_elements" {
			continue
		}
		for name := range strings.SplitSeq(p.value, ",") {
			if name = strings.TrimSpace(name); name != "" {
				if len(names) == mostParameters {
					return nil, invalid("_elements names too many elements.")
				}
				names = append(names, strings.TrimSuffix(name, "[x]"))
			}
		}
		if names == nil {
			return nil, invalid("_elements must name at least one element.")
		}
	}
	return names, nil
}

// subsettedSystem is the code system of the tag SUBSETTED.
func (s *Server) subsettedSystem() string {
	if s.fhir.Version() == definitions.STU3 {
		return "http://hl7.org/fhir/v3/ObservationValue"
	}
	return "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
}

// appendShaped appends the part of a resource that the shape asks for, tagged
// as SUBSETTED. What stays is copied as it was stored.
func (s *Server) appendShaped(dst, source []byte, sh *shape) ([]byte, error) {
	document, err := fhirjson.Parse(source, fhirjson.Limits{MaxDepth: 10_000, MaxNodes: 1 << 31})
	if err != nil {
		return dst, fmt.Errorf("read a stored resource: %w", err)
	}
	defer document.Release()
	root := document.Root()
	t := s.fhir.TypeOf(root.Get("resourceType").Text())
	if t == nil {
		return dst, fmt.Errorf("a stored resource is of no known type")
	}
	edits := s.tagSubsetted(nil, root)
	if sh.summary == summaryTrue {
		edits = keepSummary(edits, root, t, true)
	} else {
		edits = fhirjson.RemoveMembers(edits, root, func(name []byte) bool { return !sh.keeps(t, name) })
	}
	slices.SortStableFunc(edits, func(a, b fhirjson.Edit) int { return a.Start - b.Start })
	return fhirjson.AppendCompact(dst, root, edits), nil
}

// keeps says whether a member of a resource stays: those that name the
// resource, those that are mandatory, and those asked for.
func (sh *shape) keeps(t *definitions.Type, name []byte) bool {
	if sh.summary == summaryData {
		return string(name) != "text"
	}
	name = bytes.TrimPrefix(name, []byte("_"))
	switch string(name) {
	case "resourceType", "id", "meta":
		return true
	case "text":
		if sh.summary == summaryText {
			return true
		}
	}
	m, ok := t.Member(name)
	if !ok || m.Element.Min > 0 {
		return true
	}
	if sh.summary == summaryText {
		return false
	}
	if string(name) == "implicitRules" || string(name) == "modifierExtension" {
		return true // they change the meaning of what is shown
	}
	for _, wanted := range sh.elements {
		wanted = strings.TrimPrefix(wanted, t.Name+".")
		wanted, _, _ = strings.Cut(wanted, ".")
		if wanted == string(name) || wanted == m.Element.Name {
			return true
		}
	}
	return false
}

// keepSummary removes, at every depth, the elements that are neither marked as
// summary nor mandatory.
func keepSummary(edits []fhirjson.Edit, object fhirjson.Value, t *definitions.Type, top bool) []fhirjson.Edit {
	keeps := func(name []byte) bool {
		name = bytes.TrimPrefix(name, []byte("_"))
		if top && (string(name) == "resourceType" || string(name) == "id" || string(name) == "meta") {
			return true
		}
		m, ok := t.Member(name)
		return !ok || m.Element.Summary || m.Element.Min > 0
	}
	kept := 0
	for m := object.First(); m.Exists(); m = m.Next() {
		if keeps(m.Name()) {
			kept++
		}
	}
	if kept == 0 {
		return edits // FHIR has no empty objects
	}
	edits = fhirjson.RemoveMembers(edits, object, func(name []byte) bool { return !keeps(name) })
	for child := object.First(); child.Exists(); child = child.Next() {
		name := child.Name()
		m, ok := t.Member(name)
		if !ok || !keeps(name) || m.Type == nil || !summarised(m.Type) {
			continue
		}
		switch child.Kind() {
		case fhirjson.Object:
			edits = keepSummary(edits, child, m.Type, false)
		case fhirjson.Array:
			for item := child.First(); item.Exists(); item = item.Next() {
				if item.Kind() == fhirjson.Object {
					edits = keepSummary(edits, item, m.Type, false)
				}
			}
		}
	}
	return edits
}

// summarised says whether a summary looks into values of a type: not into
// meta, which is needed whole, and not into extensions, whose value would go.
func summarised(t *definitions.Type) bool {
	return (t.Kind == definitions.Complex || t.Kind == definitions.Backbone) && t.Name != "Meta" && t.Name != "Extension"
}

// tagSubsetted adds the tag to meta.
func (s *Server) tagSubsetted(edits []fhirjson.Edit, root fhirjson.Value) []fhirjson.Edit {
	tag := `{"system":"` + s.subsettedSystem() + `","code":"SUBSETTED"}`
	insert := func(at int, text string) []fhirjson.Edit {
		return append(edits, fhirjson.Edit{Start: at, End: at, With: []byte(text)})
	}
	comma := func(of fhirjson.Value) string {
		if of.First().Exists() {
			return ","
		}
		return ""
	}
	meta := root.Get("meta")
	tags := meta.Get("tag")
	for t := tags.First(); t.Exists(); t = t.Next() {
		if t.Get("code").String() == "SUBSETTED" {
			return edits
		}
	}
	switch {
	case !meta.Exists():
		return insert(root.Get("resourceType").End(), `,"meta":{"tag":[`+tag+`]}`)
	case !tags.Exists():
		return insert(meta.End()-1, comma(meta)+`"tag":[`+tag+`]`)
	}
	return insert(tags.End()-1, comma(tags)+tag)
}
