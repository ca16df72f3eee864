package profile

import (
	"fmt"

	"fhirlog/domain"
)

// slices divides the values of an element among its slices and checks each part
// (https://hl7.org/fhir/R4/profiling.html#slicing).
func (w *walk) slices(s *shape, values []spot) {
	m := w.matchers(s)
	if w.err != nil {
		return
	}
	if m.problem != "" {
		w.once(domain.Warning, codeNotSupported, "The slices of "+shown(s.id)+" in the profile "+shown(w.profile.url)+" were not checked: "+m.problem)
		return
	}
	for number, problem := range m.skipped {
		if problem != "" {
			w.once(domain.Warning, codeNotSupported, "The slice "+shown(s.slices[number].id)+" in the profile "+shown(w.profile.url)+" was not checked: "+problem)
		}
	}
	start := len(w.spots)
	defer func() { w.spots = w.spots[:start] }()
	assigned := make([]int, len(values)) // 1 + the slice
	for i := range values {
		assigned[i] = 1 + w.sliceFor(s, m, values[i], i)
		if w.err != nil {
			return
		}
	}
	w.order(s, values, assigned)
	for number, slice := range s.slices {
		if m.skipped[number] != "" {
			continue
		}
		w.spots = w.spots[:start]
		for i := range values {
			if assigned[i] == 1+number {
				w.spots = append(w.spots, values[i])
			}
		}
		w.element(slice, w.spots[start:])
	}
}

// sliceFor finds the slice of a value: the first that its discriminators fit.
// @default takes what no other slice has.
func (w *walk) sliceFor(s *shape, m *matchers, v spot, index int) int {
	rest := -1
	for number, slice := range s.slices {
		if !w.spend() {
			return -1
		}
		if slice.slice == "@default" {
			rest = number
			continue
		}
		if m.skipped[number] == "" && w.fits(slice, m.of[number], v, index) {
			return number
		}
	}
	return rest
}

// order checks the rules about values of no slice and about the order of slices.
func (w *walk) order(s *shape, values []spot, assigned []int) {
	last, outside := 0, -1
	for i, number := range assigned {
		if number == 0 {
			if s.slicing.rules == rulesClosed {
				w.push(s.name, values[i])
				w.fault(codeStructure, fmt.Sprintf("The profile %s allows only the slices %s of %s here, and this is none of them.", shown(w.profile.url), sliceNames(s), s.name))
				w.pop()
			}
			outside = i
			continue
		}
		if s.slicing.rules == rulesOpenAtEnd && outside >= 0 {
			w.push(s.name, values[outside])
			w.fault(codeStructure, fmt.Sprintf("The profile %s allows values of no slice of %s only behind those of its slices.", shown(w.profile.url), s.name))
			w.pop()
			outside = -1
		}
		if s.slicing.ordered && number < last {
			w.push(s.name, values[i])
			w.fault(codeStructure, fmt.Sprintf("%sthe slices of %s in the order %s; %s comes too late.", w.demands(), s.name, sliceNames(s), shown(s.slices[number-1].slice)))
			w.pop()
		}
		last = max(last, number)
	}
}

func sliceNames(s *shape) string {
	if len(s.slices) == 0 {
		return "(none)"
	}
	names := make([]string, len(s.slices))
	for i, slice := range s.slices {
		names[i] = slice.slice
	}
	return list(names)
}
