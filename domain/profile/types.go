package profile

import (
	"fmt"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
)

// types checks that a value is of a type that the profile permits, and conforms to
// one of the profiles that the profile demands of that type.
func (w *walk) types(s *shape, v spot) {
	if s.types == nil || v.typ == nil {
		return
	}
	var fitting []typeRule
	for _, rule := range s.types {
		if isA(w.d, v.typ, rule.typ) {
			fitting = append(fitting, rule)
		}
	}
	if fitting == nil {
		w.fault(codeStructure, fmt.Sprintf("%s%s to be of type %s, not %s.", w.demands(), s.name, typeNames(s.types), v.typ.Name))
		return
	}
	var profiles, targets []string
	free, anywhere := false, false // a type without profile is enough
	for _, rule := range fitting {
		profiles, targets = append(profiles, rule.profiles...), append(targets, rule.targets...)
		free, anywhere = free || len(rule.profiles) == 0, anywhere || len(rule.targets) == 0
	}
	if !free {
		w.oneOf(profiles, v)
	}
	if !anywhere {
		w.target(targets, v)
	}
}

func typeNames(rules []typeRule) string {
	names := make([]string, len(rules))
	for i := range rules {
		names[i] = rules[i].typ.Name
	}
	return strings.Join(names, " or ")
}

// oneOf checks a value against the profiles of its type: it must conform to one of
// them. If there is only one, its faults are told, else only that there are some.
func (w *walk) oneOf(urls []string, v spot) {
	var known []*profile
	for _, url := range urls {
		if !w.spend() || w.isMet(url, v) {
			return
		}
		p, err := w.find(url)
		if p == nil {
			w.unchecked(url, err)
			continue
		}
		known = append(known, p)
	}
	switch {
	case len(known) < len(urls): // one that is not known may be met
	case len(known) == 1:
		w.conform(known[0], v)
	default:
		for _, p := range known {
			if w.conforms(p, v) {
				return
			}
		}
		w.fault(codeStructure, fmt.Sprintf("%sone of the profiles %s, and none is met.", w.demands(), list(urls)))
	}
}

// isMet says that the profile is a type of the specification that the value has.
func (w *walk) isMet(url string, v spot) bool {
	t := coreType(w.d, url)
	return t != nil && v.typ != nil && isA(w.d, v.typ, t)
}

// coreType is the type of the specification that a canonical URL stands for, or
// nil.
func coreType(d *definitions.Definitions, url string) *definitions.Type {
	name, core := strings.CutPrefix(url, coreURL)
	if !core {
		return nil
	}
	name, _, _ = strings.Cut(name, "|")
	t := d.Type(name)
	if t != nil && t.Kind == definitions.Backbone {
		return nil
	}
	return t
}

func list(texts []string) string {
	const most = 8
	if len(texts) > most {
		return shown(strings.Join(texts[:most], ", ")) + ", …"
	}
	parts := make([]string, len(texts))
	for i := range texts {
		parts[i] = shown(texts[i])
	}
	return strings.Join(parts, ", ")
}

// unchecked tells, once, that a profile which another one refers to is not known
// or cannot be used.
func (w *walk) unchecked(url string, err error) {
	message := "The profile " + shown(url) + ", which " + shown(w.profile.url) + " refers to, is not known here, so it was not checked."
	if err != nil {
		message = "The profile " + shown(url) + ", which " + shown(w.profile.url) + " refers to, was not checked: " + firstMessage(err)
	}
	w.once(domain.Warning, codeNotFound, message)
}
