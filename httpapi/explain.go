package httpapi

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/search"
)

// Bounds on what _explain=true tells: few lines, and the bytes of one.
const (
	mostExplanations   = 40
	longestExplanation = 2000
)

// explain adds to the remarks what was looked up, in terms of the index, and
// how, line by line (_explain=true).
func (p *results) explain() {
	if !p.query.Explain {
		return
	}
	names := p.s.searcher.Parameters().SlotNames()
	var sought []string
	for _, scope := range p.query.Scopes {
		sought = append(sought, cmp.Or(string(scope.Type), "all types")+": "+search.ExplainNamed(scope.Where, names))
	}
	for _, line := range slices.Concat(shorten(sought), shorten(p.page.Explain)) {
		if len(line) > longestExplanation {
			line = strings.ToValidUTF8(line[:longestExplanation], "") + "…"
		}
		p.remark(domain.Information, "informational", line)
	}
}

// shorten leaves lines out before the last one where there are too many.
func shorten(lines []string) []string {
	more := len(lines) - mostExplanations
	if more <= 0 {
		return lines
	}
	kept := slices.Clone(lines[:mostExplanations-1])
	return append(kept, fmt.Sprintf("… %d more …", more), lines[len(lines)-1])
}
