package profile

import (
	"fmt"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// extensionContext is one place where an extension may stand
// (https://hl7.org/fhir/R4/defining-extensions.html#context).
type extensionContext struct {
	kind       string // element, extension, fhirpath
	expression string
	path       *rule // of kind fhirpath
}

// readContexts reads where an extension may stand. STU3 has one contextType for
// all, and calls elements resource or datatype.
func readContexts(v fhirjson.Value) (contexts []extensionContext) {
	stated := v.Get("contextType").String()
	for c := items(v.Get("context")); c.Exists() && len(contexts) < mostOfAKind; c = c.Next() {
		made := extensionContext{stated, c.String(), nil}
		if c.Kind() == fhirjson.Object {
			made.kind, made.expression = c.Get("type").String(), c.Get("expression").String()
		}
		switch made.kind {
		case "resource", "datatype":
			made.kind = "element"
		case "fhirpath":
			made.path = &rule{key: "context", expression: made.expression}
		}
		contexts = append(contexts, made)
	}
	return contexts
}

// readDemands reads contextInvariant: rules for the element that has the
// extension.
func readDemands(v fhirjson.Value) (demands []*rule) {
	for _, text := range texts(v.Get("contextInvariant")) {
		demands = append(demands, &rule{key: "contextInvariant", expression: text, human: "A condition for the use of the extension."})
	}
	return demands
}

// completeExtension makes the URL of an extension a fixed value, also where the
// definition leaves it to its own URL: slices are told apart by it.
func (p *profile) completeExtension(url string) {
	for _, c := range p.root.children {
		if c.name == "url" && c.fixed.Exists() {
			return
		}
	}
	p.root.children = append(p.root.children, extensionURL(url))
	p.root.discriminates = true
}

// extensionURL demands the URL of an extension.
func extensionURL(url string) *shape {
	return &shape{name: "url", id: "Extension.url", max: definitions.Unbounded, fixed: textValue(url), discriminates: true}
}

// textValue is a string as a value.
func textValue(text string) fhirjson.Value {
	doc, err := fhirjson.Parse(fhirjson.AppendQuoted(nil, text), fhirjson.Limits{})
	if err != nil {
		return fhirjson.Value{}
	}
	return doc.Root()
}

// extension checks an extension against its definition, if that is known. One
// whose URL is relative is part of another, whose definition describes it. A
// modifier that nobody can look up is worth a warning.
func (w *walk) extension(holder, v spot, modifier bool, path string) {
	url := v.place.Get("url").String()
	if url == "" || !strings.Contains(url, ":") {
		return
	}
	p, err := w.find(url)
	switch {
	case w.err != nil:
	case err != nil:
		w.once(domain.Warning, codeExtension, firstMessage(err))
	case p == nil && modifier:
		w.once(domain.Warning, codeExtension, "The definition of the modifier extension "+shown(url)+" is not known here, so it was not checked.")
	case p == nil:
	case p.typ.Name != "Extension":
		w.fault(codeExtension, "The URL of the extension, "+shown(url)+", is that of a profile for "+p.typ.Name+".")
	default:
		w.conform(p, v)
		w.standsWell(p, holder, path)
	}
}

// standsWell checks that an extension is where its definition lets it be.
func (w *walk) standsWell(p *profile, holder spot, path string) {
	former := w.profile
	w.profile = p
	defer func() { w.profile = former }()
	if len(p.contexts) > 0 {
		fits := false
		for i := range p.contexts {
			fits = fits || w.isContext(&p.contexts[i], holder, path)
		}
		if !fits && w.err == nil {
			w.fault(codeExtension, fmt.Sprintf("The extension %s may not stand here; its definition lets it stand at %s.", shown(p.url), contextNames(p.contexts)))
		}
	}
	w.rules(p.demands, holder)
}

func contextNames(contexts []extensionContext) string {
	names := make([]string, len(contexts))
	for i, c := range contexts {
		names[i] = c.expression
		if c.kind == "extension" {
			names[i] = "the extension " + c.expression
		}
	}
	return list(names)
}

// isContext says whether an element with a path is the one that a context means.
func (w *walk) isContext(c *extensionContext, holder spot, path string) bool {
	switch c.kind {
	case "extension":
		return holder.typ.Name == "Extension" && string(holder.place.Get("url").Text()) == strings.TrimSuffix(c.expression, "#")
	case "fhirpath":
		return w.selects(c.path, holder)
	}
	expression := strings.ReplaceAll(c.expression, "[x]", "")
	if expression == "*" || expression == "Element" || expression == path { // Element stands for resources as well
		return true
	}
	if slice := strings.IndexByte(expression, ':'); slice >= 0 { // an element's id: slices are not looked at
		expression = expression[:slice]
		if expression == path {
			return true
		}
	}
	for t := holder.typ; t != nil; t = w.d.Type(t.Base) {
		if t.Name == expression {
			return true
		}
	}
	if w.isMember(expression, path) {
		return true
	}
	first, _, _ := strings.Cut(expression, ".")
	return w.d.Type(first) == nil // such as CanonicalResource, which the tables do not know
}

// isMember says whether HumanName.family means the element at Patient.name.family.
func (w *walk) isMember(expression, path string) bool {
	typ, rest, ok := strings.Cut(expression, ".")
	if !ok || !strings.HasSuffix(path, "."+rest) {
		return false
	}
	above := strings.Split(strings.TrimSuffix(path, "."+rest), ".")
	t := w.d.Type(above[0])
	for _, name := range above[1:] {
		if t == nil {
			return false
		}
		m, ok := memberOf(t, name, true)
		if !ok || m.Type == nil {
			return m.Element != nil && m.Element.Choice // which type it has, the path does not tell
		}
		t = m.Type
	}
	for ; t != nil; t = w.d.Type(t.Base) {
		if t.Name == typ {
			return true
		}
	}
	return false
}

// selects says whether an expression on the resource finds an element.
func (w *walk) selects(r *rule, holder spot) bool {
	expression, err := r.compile(w.d)
	if err != nil || expression == nil {
		return true // what cannot be evaluated forbids nothing
	}
	found, err := expression.Eval(w.context(w.resource))
	if err != nil {
		return true
	}
	for _, item := range found {
		if item.Place() == holder.at() || holder.typ.Kind == definitions.Resource && item.Place() == w.resource.place {
			return true
		}
	}
	return false
}
