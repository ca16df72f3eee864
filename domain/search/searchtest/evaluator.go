package searchtest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirpath"
	"fhirlog/domain/search"
)

// Evaluator answers queries about a World.
type Evaluator struct {
	Definitions *definitions.Definitions
	Set         *search.Set
	World       *World
	Bases       []string  // URLs of this service, each ending in a slash
	Now         time.Time // what the prefix ap measures from

	expressions map[string]*fhirpath.Expression
	found       map[foundKey][]element
	texts       map[textKey][][]string
	implied     map[*definitions.Element]*impliedCodes

	running // what is known of the running search
}

// running is one search at work.
type running struct {
	snapshot   uint64
	live       []*Version
	chained    map[chainAt]bool
	referred   map[*search.Criterion]map[*Version]bool
	referenced map[*search.Criterion]map[*search.Parameter]map[*Version]bool
	sources    map[*search.Include]map[*Version][]*Version
	err        error // the first fault of an expression
}

// chainAt is a question whether a version matches the end of a chain.
type chainAt struct {
	c *search.Criterion
	v *Version
}

// foundKey names the elements of one parameter in one version.
type foundKey struct {
	position  uint64
	parameter *definitions.SearchParameter
}

// NewEvaluator makes an Evaluator.
func NewEvaluator(d *definitions.Definitions, set *search.Set, w *World) *Evaluator {
	return &Evaluator{
		Definitions: d, Set: set, World: w,
		expressions: map[string]*fhirpath.Expression{},
		found:       map[foundKey][]element{},
		texts:       map[textKey][][]string{},
		implied:     map[*definitions.Element]*impliedCodes{},
	}
}

// Search returns the versions that match as of a snapshot, in the order that
// the query asks for. The query is what was parsed of ask.
func (e *Evaluator) Search(ask search.Ask, q *search.Query, snapshot uint64) ([]*Version, error) {
	e.begin(snapshot)
	excluded := excludedTypes(ask)
	var matches []*Version
	for _, v := range e.live {
		if !slices.Contains(excluded, v.Type) && e.inCompartment(ask, v) && e.inScopes(q.Parsed, v) {
			matches = append(matches, v)
		}
	}
	e.sort(q.Sort, matches)
	return matches, e.err
}

func (e *Evaluator) begin(snapshot uint64) {
	e.running = running{
		snapshot: snapshot, live: e.World.Live(snapshot),
		chained:    map[chainAt]bool{},
		referred:   map[*search.Criterion]map[*Version]bool{},
		referenced: map[*search.Criterion]map[*search.Parameter]map[*Version]bool{},
		sources:    map[*search.Include]map[*Version][]*Version{},
	}
}

// excludedTypes are those of _type:not.
func excludedTypes(ask search.Ask) (types []domain.ResourceType) {
	for _, pair := range ask.Pairs {
		if pair.Name == "_type:not" {
			for name := range strings.SplitSeq(pair.Value, ",") {
				types = append(types, domain.ResourceType(name))
			}
		}
	}
	return types
}

// inCompartment tells whether a version belongs to the compartment asked for:
// one of the parameters of its definition refers to the resource, or it is the
// resource itself (https://hl7.org/fhir/R4/compartmentdefinition.html).
func (e *Evaluator) inCompartment(ask search.Ask, v *Version) bool {
	if ask.Compartment == "" {
		return true
	}
	compartments, err := e.Definitions.Compartments()
	e.note(err)
	asked := search.Operand{Text: string(ask.Compartment) + "/" + string(ask.CompartmentID)}
	for _, c := range compartments {
		if c.Code != string(ask.Compartment) {
			continue
		}
		for _, member := range c.Resources {
			if member.Type != string(v.Type) {
				continue
			}
			for _, code := range member.Parameters {
				if code == "{def}" {
					if v.Type == ask.Compartment && v.ID == ask.CompartmentID {
						return true
					}
					continue
				}
				if e.refersTo(v, e.Set.Find(v.Type, code), asked) {
					return true
				}
			}
		}
	}
	return false
}

// refersTo tells whether a search for the reference by the parameter finds the
// version.
func (e *Evaluator) refersTo(v *Version, of *search.Parameter, asked search.Operand) bool {
	return of != nil && slices.ContainsFunc(e.elements(v, of), func(el element) bool {
		return e.referenceMatches(of, "", asked, el, v)
	})
}

func (e *Evaluator) inScopes(scopes []search.ScopeCriteria, v *Version) bool {
	return slices.ContainsFunc(scopes, func(s search.ScopeCriteria) bool { return e.inScope(&s, v) })
}

func (e *Evaluator) inScope(s *search.ScopeCriteria, v *Version) bool {
	if s.Type != "" && s.Type != v.Type {
		return false
	}
	for i := range s.Criteria {
		if !e.holds(&s.Criteria[i], v) {
			return false
		}
	}
	return true
}

// note keeps the first fault.
func (e *Evaluator) note(err error) {
	if err != nil && e.err == nil {
		e.err = fmt.Errorf("reference evaluator: %w", err)
	}
}
