package profile

import (
	"fmt"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirpath"
)

// context is what an expression about a value is evaluated in.
func (w *walk) context(v spot) fhirpath.Context {
	return fhirpath.Context{
		Root: v.item(), Resource: w.resource.item(), RootResource: w.container.item(),
		Now:     w.now,
		Resolve: func(reference string) (fhirjson.Value, error) { return w.entry(reference), nil },
		MemberOf: func(item fhirpath.Item, valueSet string) (bool, error) {
			return w.memberOf(spot{typ: item.FHIRType(), place: item.Place(), sibling: item.Sibling(), index: noIndex}, valueSet)
		},
		ConformsTo: func(item fhirpath.Item, url string) (bool, error) {
			p, problem := w.find(url)
			if p == nil {
				return false, problem
			}
			return w.conforms(p, spot{typ: item.FHIRType(), place: item.Place(), sibling: item.Sibling(), index: noIndex}), w.err
		},
		Stopped: w.ctx.Err,
		Limits:  fhirpath.Limits{MaxSteps: mostRuleSteps},
		Left:    &w.left,
	}
}

// rules checks invariants. What an expression cannot be evaluated for, such as
// functions that need terminology, is told as a warning.
func (w *walk) rules(rules []*rule, v spot) {
	for _, r := range rules {
		if !w.spend() {
			return
		}
		expression, err := r.compile(w.d)
		if err != nil {
			w.once(domain.Warning, codeNotSupported, fmt.Sprintf("The rule %s of the profile %s could not be checked: %s", shown(r.key), shown(w.profile.url), firstMessage(err)))
			continue
		}
		if expression == nil { // a rule in words
			continue
		}
		holds, known, err := expression.Test(w.context(v))
		switch {
		case w.ctx.Err() != nil:
			w.err = w.ctx.Err()
			return
		case w.left < 0:
			return
		case err != nil:
			w.once(domain.Warning, codeNotSupported, fmt.Sprintf("The rule %s of the profile %s could not be checked: %s", shown(r.key), shown(w.profile.url), firstMessage(err)))
		case known && !holds:
			severity := domain.Fault
			if r.warning {
				severity = domain.Warning
			}
			w.report(severity, codeInvariant, fmt.Sprintf("The rule %s of the profile %s does not hold: %s (%s)", shown(r.key), shown(w.profile.url), long(r.human), long(r.expression)))
		}
	}
}

// long is a longer text of a definition in a message.
func long(text string) string {
	const most = 500
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

func firstMessage(err error) string {
	if e, ok := asDomain(err); ok && len(e.Issues) > 0 {
		return e.Issues[0].Message
	}
	return "it fails."
}
