package httpapi

import (
	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirpath"
)

// largestEcho is the size up to which the answer repeats the resource.
const largestEcho = 1 << 20

// describe writes what was asked, and what is known of it before it is
// evaluated.
func (e *evaluation) describe(out *partsWriter, compiled *fhirpath.Expression, roots fhirpath.Collection) {
	out.text("evaluator", "fhirlog "+e.s.options.SoftwareVersion+" ("+e.s.fhir.Version().String()+")")
	if e.validate {
		if len(e.expression.text) <= largestTree {
			out.text("parseDebugTree", string(appendTree(nil, compiled)))
		}
		if issues := e.check(compiled, roots); issues != nil {
			o := outcome{id: e.r.requestID, instant: e.s.now(), issues: issues}
			out.begin("validation")
			out.dst = o.appendJSON(append(out.dst, `,"resource":`...))
			out.end()
		}
	}
	if e.context.given() {
		out.text("context", e.context.text)
	}
	out.text("expression", e.expression.text)
	switch resource := e.resource.Place(); {
	case e.stored != "":
		out.text("resource", e.stored)
	case resource.Exists() && resource.End()-resource.Start() <= largestEcho:
		out.begin("resource")
		out.dst = fhirjson.AppendCompact(append(out.dst, `,"resource":`...), resource, nil)
		out.end()
	}
	for _, p := range e.given {
		if p.End()-p.Start() <= largestEcho {
			out.next()
			out.dst = fhirjson.AppendCompact(out.dst, p, nil)
		}
	}
}

// check finds what can give nothing on the types at hand: mistakes most likely.
func (e *evaluation) check(compiled *fhirpath.Expression, roots fhirpath.Collection) []domain.Issue {
	var issues []domain.Issue
	warn := func(x asked, compiled *fhirpath.Expression, t *definitions.Type) {
		if t == nil || compiled == nil {
			return
		}
		err := x.explain(compiled.Check(t))
		if known, ok := err.(*domain.Error); ok {
			issue := known.Issues[0]
			issue.Severity, issue.Code = domain.Warning, "not-found"
			issues = append(issues, issue)
		}
	}
	if e.context.given() {
		selected, _ := e.compile(e.context)
		warn(e.context, selected, e.resource.FHIRType())
	}
	checked := map[*definitions.Type]bool{}
	for _, root := range roots {
		if t := root.FHIRType(); !checked[t] {
			checked[t] = true
			warn(e.expression, compiled, t)
		}
	}
	return issues
}
