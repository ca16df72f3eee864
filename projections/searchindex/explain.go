package searchindex

import (
	"fmt"
	"math"
	"strings"
	"time"

	"fhirlog/domain/search"
)

// explain notes how a scope was prepared: its conditions in the order in which
// they decide, each with what it has found or why it must look at values.
func (e *evaluation) explain(scope search.Scope, o operator, took time.Duration) {
	name := string(scope.Type)
	if name == "" {
		name = "all types"
	}
	e.steps = append(e.steps, fmt.Sprintf("%s: prepared in %s", name, took.Round(time.Microsecond)))
	e.explainOperator(o, 1)
}

func (e *evaluation) explainOperator(o operator, depth int) {
	line := func(format string, args ...any) {
		e.steps = append(e.steps, strings.Repeat("  ", depth)+fmt.Sprintf(format, args...))
	}
	switch x := o.(type) {
	case known:
		line("postings: %d versions in %d blocks, ended ones included", x.size(), len(x.result))
	case span:
		line("positions %d to %d", x.from, x.before)
	case *between:
		line("values of %d columns, block by block", len(x.columns))
	case *both:
		line("all of, in this order:")
		for _, part := range x.parts {
			e.explainOperator(part, depth+1)
		}
	case either:
		line("any of:")
		for _, part := range x {
			e.explainOperator(part, depth+1)
		}
	case neither:
		line("none of:")
		e.explainOperator(x.operator, depth+1)
	case checked:
		line("each resource is read and checked, of:")
		e.explainOperator(x.operator, depth+1)
	case unreferenced:
		if x.isComplete {
			line("where all references lead, by %d parameters", len(x.references))
			break
		}
		line("references to each candidate are looked up, by %d parameters", len(x.references))
	default:
		line("%T", o)
	}
	if n := o.size(); depth == 1 && n < math.MaxInt-1 {
		line("at most %d", n)
	}
}
