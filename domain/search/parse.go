package search

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
)

// Parse understands a search (https://hl7.org/fhir/R4/search.html): it checks
// all of it and puts it in terms of the index. What it cannot answer exactly is
// an error, a *domain.Error that says what would be right. A parameter that
// does not exist is left out with a warning, unless the search is strict or
// conditional.
func Parse(d *definitions.Definitions, set *Set, ask Ask) (*Query, error) {
	if len(ask.Pairs) > maxPairs {
		return nil, tooMuch("there are %d parameters, at most %d are possible", len(ask.Pairs), maxPairs)
	}
	p := &queryParser{
		definitions: d, set: set, ask: ask,
		query:   &Query{Count: -1},
		applied: slices.Clone(ask.Pairs),
		dropped: make([]bool, len(ask.Pairs)),
		seen:    map[string]bool{},
	}
	query, err := p.parse()
	if err != nil {
		return nil, err
	}
	return query, nil
}

// queryParser holds one search while it is parsed.
type queryParser struct {
	definitions *definitions.Definitions
	set         *Set
	ask         Ask
	query       *Query

	types     []domain.ResourceType // of the scopes; none for one scope of all types
	excluded  []domain.ResourceType // by _type:not
	anyType   bool                  // no types were named: a search of the system
	criteria  []int                 // which of the pairs select resources
	applied   []Pair                // as they go into Query.Applied
	dropped   []bool                // which of them do not
	seen      map[string]bool       // result parameters that are given once at most
	left      []domain.Issue        // what is left out, and why
	emptyOnes int                   // how many of these merely have no value
	operands  int                   // in the scope that is being parsed
}

func (p *queryParser) parse() (*Query, error) {
	if err := p.findTypes(); err != nil {
		return nil, err
	}
	for i, pair := range p.ask.Pairs {
		if err := p.sortOut(i, pair); err != nil {
			return nil, err
		}
	}
	parsed, err := p.parseScopes()
	if err != nil {
		return nil, err
	}
	if err := p.parseResults(); err != nil {
		return nil, err
	}
	if err := p.settle(); err != nil {
		return nil, err
	}
	if err := p.compile(parsed); err != nil {
		return nil, err
	}
	p.query.Identity = p.identity()
	for i, pair := range p.applied {
		if !p.dropped[i] {
			p.query.Applied = append(p.query.Applied, pair)
		}
	}
	return p.query, nil
}

// sortOut tells criteria from result parameters, and from what has no name or
// no value.
func (p *queryParser) sortOut(i int, pair Pair) error {
	head, _, _ := strings.Cut(pair.Name, ":")
	switch {
	case head == "_type" || head == "_format" || head == "_pretty":
		p.dropped[i] = p.dropped[i] || head != "_type"
		return nil
	case pair.Name == "":
		p.leave(i, leaveOut("a parameter without a name is ignored"))
		return nil
	case resultParameters[head] != nil:
		return nil // once all scopes are known
	case strings.Trim(pair.Value, ", \t") == "":
		p.leave(i, leaveOut("the parameter %s has no value and is ignored", brief(pair.Name)))
		p.emptyOnes++
		return nil
	}
	p.criteria = append(p.criteria, i)
	return nil
}

// leave drops a parameter from the search.
func (p *queryParser) leave(i int, why error) {
	p.dropped[i] = true
	p.left = append(p.left, domain.Issue{Severity: domain.Warning, Code: "not-supported", Message: why.Error() + "."})
}

// keep says which values of a list are used after all, when others are left out.
func (p *queryParser) keep(i int, used []string) {
	p.dropped[i] = len(used) == 0
	p.applied[i].Value = strings.Join(used, ",")
}

// warn adds a warning that leaves nothing out.
func (p *queryParser) warn(code, format string, args ...any) {
	p.query.Warnings = append(p.query.Warnings, domain.Issue{
		Severity: domain.Warning, Code: code, Message: "Search: " + fmt.Sprintf(format, args...) + ".",
	})
}

// settle decides what becomes of the parameters that were left out.
func (p *queryParser) settle() error {
	refused := p.ask.Strict || p.ask.Conditional
	if p.ask.Conditional && p.query.Criteria == 0 && p.emptyOnes == len(p.left) {
		refused = false // no criteria at all, which the caller judges
	}
	if !refused || len(p.left) == 0 {
		p.query.Warnings = append(p.left, p.query.Warnings...)
		return nil
	}
	e := &domain.Error{Kind: domain.Invalid, Issues: p.left}
	for i := range e.Issues {
		e.Issues[i].Severity = domain.Fault
		e.Issues[i].Message = withoutIgnoring(e.Issues[i].Message)
	}
	return e
}

// parseScopes parses the criteria once for each scope, as the same name may be
// another parameter for another type.
func (p *queryParser) parseScopes() ([]ScopeCriteria, error) {
	types := p.types
	if p.anyType {
		types = []domain.ResourceType{""}
	}
	if len(types) == 0 {
		return nil, nil
	}
	scopes := make([]ScopeCriteria, len(types))
	for i, t := range types {
		scopes[i].Type = t
	}
	budgets := make([]int, len(types))
	for _, i := range p.criteria {
		pair := p.ask.Pairs[i]
		var unknown error
		var lacking []domain.ResourceType
		for at, t := range types {
			p.operands = budgets[at]
			criterion, err := p.criterion(t, pair.Name, pair.Value, 0)
			budgets[at] = p.operands
			switch {
			case isUnusable(err):
				unknown = err
				lacking = append(lacking, t)
			case err != nil:
				return nil, err
			default:
				scopes[at].Criteria = append(scopes[at].Criteria, criterion)
			}
		}
		switch {
		case len(lacking) == len(types):
			p.leave(i, unknown)
		case unknown != nil:
			return nil, fault("the parameter %s does not apply to all types that are searched: not to %s; narrow the search by _type", brief(pair.Name), listed(lacking))
		default:
			p.query.Criteria++
		}
	}
	return scopes, nil
}

// take counts alternatives against what one search may have.
func (p *queryParser) take(operands int) error {
	if p.operands += operands; p.operands > maxOperands {
		return tooMuch("the criteria have more than %d values", maxOperands)
	}
	return nil
}

// now is the instant of the search in ticks.
func (p *queryParser) now() Ticks { return ticksOf(p.ask.Now) }

func ticksOf(t time.Time) Ticks { return t.Unix()*second + Ticks(t.Nanosecond())/100 }

// find returns a parameter of a type, or nil; with no type, one that all types
// have in common.
func (p *queryParser) find(t domain.ResourceType, code string) *Parameter {
	if t != "" {
		return p.usable(p.set.Find(t, code))
	}
	var common *Parameter
	for _, name := range p.definitions.Resources() {
		found := p.usable(p.set.Find(domain.ResourceType(name), code))
		if found == nil || !found.Shared || common != nil && common.Slot != found.Slot {
			return nil
		}
		common = found
	}
	return common
}

// usable leaves out what is not indexed as other parameters are: specialCriteria
// knows those that can be asked for.
func (p *queryParser) usable(found *Parameter) *Parameter {
	if found == nil || found.Slot < firstStandardSlot || found.Pending && !p.ask.PartialIndices {
		return nil
	}
	return found
}
