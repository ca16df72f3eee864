package httpapi

import (
	"context"
	"net/http"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/fhirpath"
	"fhirlog/domain/fhirxml"
)

// What one evaluation may cost. Two may be at work at the same time, and wait
// for each other no longer than for any turn (Server.evaluations).
const (
	evaluationsAtOnce  = 2
	evaluationTime     = 5 * time.Second
	evaluationSteps    = 4_000_000 // for all items of the context
	evaluationItems    = 100_000   // in a collection
	evaluationText     = 256 << 10 // bytes of a string that is made
	evaluationContexts = 10_000    // items of the context
	evaluationResult   = 4 << 20   // bytes of all results and traces
)

// fhirpathPlaces are where expressions are evaluated. The form of Parameters in
// and out is that of the FHIRPath Lab's engines
// (https://github.com/brianpos/fhirpath-lab/blob/develop/server-api.md), since
// FHIR defines no operation for it.
func (s *Server) fhirpathPlaces() []place {
	takes := []string{"expression", "context", asOfParameter}
	posted := func(k kind) call {
		return call{method: http.MethodPost, kind: k, takes: takes, content: true, optional: true, answer: (*Server).evaluate}
	}
	return []place{
		{template: "/$fhirpath", calls: []call{posted(fhirpathKind)}},
		{template: "/{type}/{id}/$fhirpath", calls: []call{
			{method: http.MethodGet, kind: fhirpathInstanceKind, takes: takes, answer: (*Server).evaluate},
			posted(fhirpathInstanceKind),
		}},
	}
}

// evaluate answers $fhirpath.
func (s *Server) evaluate(ctx context.Context, r *request) (response, error) {
	if err := refuseCount(r); err != nil {
		return response{}, err
	}
	if err := s.seesPast(r); err != nil {
		return response{}, err
	}
	if err := s.evaluations.enter(ctx); err != nil {
		return response{}, err
	}
	defer s.evaluations.leave()
	e := &evaluation{s: s, r: r, variables: map[string]fhirpath.Collection{}}
	if err := e.read(ctx); err != nil {
		return response{}, err
	}
	answer, err := e.run(ctx)
	if err == nil && (r.format.isXML() || r.inXML) {
		err = s.writable(answer)
	}
	return response{status: http.StatusOK, fhir: answer}, err
}

// writable tells whether an answer can be written as XML: what is evaluated need
// not be valid, and JSON can write anything.
func (s *Server) writable(answer []byte) error {
	if _, err := appendXML(nil, s.fhir, answer, fhirxml.Layout{}); err != nil {
		return invalid("The answer cannot be written as XML, since the resource or a variable is not valid FHIR; ask for application/fhir+json, or see $validate.")
	}
	return nil
}

// run evaluates what was read and writes the Parameters of the answer.
func (e *evaluation) run(ctx context.Context) ([]byte, error) {
	compiled, err := e.compile(e.expression)
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, evaluationTime)
	defer cancel()
	within := e.within(ctx, limited)
	roots := fhirpath.Collection{e.resource}
	if e.context.given() {
		if roots, err = e.roots(within); err != nil {
			return nil, err
		}
	}
	out := newPartsWriter(e.s.fhir, e.resource.Place())
	out.dst = append(out.dst, `{"resourceType":"Parameters","id":"fhirpath","parameter":[`...)
	out.open("parameters")
	e.describe(out, compiled, roots)
	out.close()
	out.bound()
	for i := range roots {
		within.Root = roots[i]
		if err := e.result(out, compiled, within, i); err != nil {
			return nil, err
		}
	}
	return out.finish(), nil
}

// compile compiles an expression that was asked for; an error tells where it
// stands.
func (e *evaluation) compile(x asked) (*fhirpath.Expression, error) {
	compiled, err := fhirpath.Compile(e.s.fhir, x.text, fhirpath.Options{})
	return compiled, x.explain(err)
}

// within is what the expressions are evaluated in. Nothing outside this server
// is asked.
func (e *evaluation) within(ctx, limited context.Context) fhirpath.Context {
	resolver := &resolver{e: e, seen: map[string]resolved{}}
	left := evaluationSteps
	return fhirpath.Context{
		Root: e.resource, Resource: e.resource, RootResource: e.resource, Variables: e.variables,
		Now:      e.s.options.Clock(),
		Resolve:  resolver.resolve(ctx),
		MemberOf: memberOf(e.s.fhir),
		Stopped: func() error {
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case limited.Err() != nil:
				return domain.NewError(domain.TooCostly, "The evaluation took more than "+evaluationTime.String()+"; a narrower expression or a smaller resource would take less.")
			}
			return nil
		},
		Limits: fhirpath.Limits{MaxSteps: evaluationSteps, MaxItems: evaluationItems, MaxText: evaluationText},
		Left:   &left,
	}
}

// roots evaluates the context: the expression is evaluated on each of its items.
func (e *evaluation) roots(within fhirpath.Context) (fhirpath.Collection, error) {
	compiled, err := e.compile(e.context)
	if err != nil {
		return nil, err
	}
	roots, err := compiled.Eval(within)
	if err == nil && len(roots) > evaluationContexts {
		err = domain.NewError(domain.TooCostly, "The context has more than 10,000 items.")
	}
	return roots, e.context.explain(err)
}

// result evaluates the expression on one root and writes what it gave.
func (e *evaluation) result(out *partsWriter, compiled *fhirpath.Expression, within fhirpath.Context, i int) error {
	if err := within.Stopped(); err != nil {
		return err
	}
	traces := newPartsWriter(e.s.fhir, e.resource.Place())
	traces.most = out.most - len(out.dst)
	within.Trace = func(name string, items fhirpath.Collection) {
		traces.begin("trace")
		traces.value("valueString", name)
		traces.parts(items)
		traces.end()
	}
	items, err := compiled.Eval(within)
	if err != nil {
		return e.expression.explain(err)
	}
	out.begin("result")
	if e.context.given() {
		out.value("valueString", out.pathOr(within.Root, e.context.text, i))
	}
	out.partsAnd(items, traces)
	out.end()
	if out.over() {
		return domain.NewError(domain.TooCostly, "The result is larger than "+bytesText(evaluationResult)+"; a narrower expression would give less.")
	}
	return nil
}

// What /OperationDefinition tells of the parameters.
var (
	fhirpathParameters = []parameterDefinition{
		{Name: "expression", Use: "in", Min: 1, Max: "1", Documentation: "The expression, at most 64 KiB", Type: "string"},
		{Name: "context", Use: "in", Min: 0, Max: "1", Documentation: "An expression for the items on which the first one is evaluated, each by itself; without it, that is the resource", Type: "string"},
		{Name: "variables", Use: "in", Min: 0, Max: "*", Documentation: "Variables as parts, each with its name and a value or a resource; parts of the same name are one collection", Type: "Element"},
		{Name: "validate", Use: "in", Min: 0, Max: "1", Documentation: "Whether to tell, in a part validation, of elements in the expression that the types at hand do not have, and the tree of the expression", Type: "boolean"},
	}
	fhirpathResource = parameterDefinition{Name: "resource", Use: "in", Min: 0, Max: "1", Documentation: "The resource to evaluate on: itself, or a string such as Patient/1 that names one stored here, or the extension " + jsonValueURL + " with its text", Type: "Resource"}
	fhirpathResult   = parameterDefinition{Name: "return", Use: "out", Min: 1, Max: "1", Documentation: "In parameters what was asked; in result, for each item of the context, a part for each item of the result, with its type as the name, its value and its place, and the parts trace. What has no value[x] is JSON in the extension " + jsonValueURL, Type: "Parameters"}
)
