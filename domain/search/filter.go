package search

import (
	"slices"
	"strings"

	"fhirlog/domain"
)

// Filter is a _filter taken apart
// (https://hl7.org/fhir/R4/search_filter.html). And binds tighter than or.
type Filter struct {
	Op   FilterOp
	Of   []Filter   // of FilterAnd and FilterOr, and the one of FilterNot
	Test *Criterion // of FilterTest
}

// FilterOp says what a Filter is.
type FilterOp uint8

// The kinds of Filter.
const (
	FilterAnd FilterOp = iota + 1
	FilterOr
	FilterNot
	FilterTest
)

// Comparison is the operator of a test in a _filter.
type Comparison string

// The operators that are answered. Where the search by parameters has the same
// comparison, they mean the same.
const (
	CompareEqual        Comparison = "eq" // a value is equal; strings whatever case and accents
	CompareNotEqual     Comparison = "ne" // there is a value that is not equal
	CompareContains     Comparison = "co"
	CompareBegins       Comparison = "sw"
	CompareEnds         Comparison = "ew"
	CompareGreater      Comparison = "gt"
	CompareLess         Comparison = "lt"
	CompareGreaterEqual Comparison = "ge"
	CompareLessEqual    Comparison = "le"
	CompareApproximate  Comparison = "ap"
	CompareStartsAfter  Comparison = "sa"
	CompareEndsBefore   Comparison = "eb"
	ComparePresent      Comparison = "pr" // Text of the operand is true or false
	CompareOverlaps     Comparison = "po" // the periods overlap
	CompareRefers       Comparison = "re"
)

// filterTerminology are the operators that need a terminology server.
var filterTerminology = []string{"ss", "sb", "in", "ni"}

// comparisonsOf are the operators that a type of parameter takes.
var comparisonsOf = map[ParameterType][]Comparison{
	Number:  {CompareEqual, CompareNotEqual, CompareGreater, CompareLess, CompareGreaterEqual, CompareLessEqual, CompareApproximate, CompareStartsAfter, CompareEndsBefore, ComparePresent},
	Date:    {CompareEqual, CompareNotEqual, CompareGreater, CompareLess, CompareGreaterEqual, CompareLessEqual, CompareApproximate, CompareStartsAfter, CompareEndsBefore, CompareOverlaps, ComparePresent},
	String:  {CompareEqual, CompareNotEqual, CompareContains, CompareBegins, CompareEnds, CompareGreater, CompareLess, CompareGreaterEqual, CompareLessEqual, ComparePresent},
	Token:   {CompareEqual, CompareNotEqual, CompareContains, CompareBegins, CompareEnds, ComparePresent},
	ReferTo: {CompareEqual, CompareNotEqual, CompareRefers, ComparePresent},
	URI:     {CompareEqual, CompareNotEqual, CompareContains, CompareBegins, CompareEnds, ComparePresent},

	Composite: {CompareEqual},
	Special:   {CompareEqual, ComparePresent},
}

func init() { comparisonsOf[Quantity] = comparisonsOf[Number] }

// filterCriterion parses _filter.
func (p *queryParser) filterCriterion(t domain.ResourceType, c Criterion, modifier, value string) (Criterion, error) {
	if _, err := only(c.Code, modifier); err != nil {
		return c, err
	}
	f := filterParser{parser: p, typ: t, text: value}
	filter, err := f.whole()
	if err != nil {
		return c, err
	}
	c.Operands = []Operand{{Text: value}}
	c.Filter = &filter
	return c, nil
}

// test makes the criterion of path, operator and value.
func (f *filterParser) test(t domain.ResourceType, path, operator, value string, depth int) (Criterion, error) {
	p := f.parser
	if depth > maxChain {
		return Criterion{}, tooMuch("a path in _filter has more than %d steps", maxChain)
	}
	n, err := cutName(path)
	if err != nil {
		return Criterion{}, err
	}
	c := Criterion{Name: path, Code: n.code, Compare: Comparison(operator)}
	if !n.chained && (n.code == "_id" || n.code == "_lastUpdated") {
		err := f.specialTest(&c, value)
		return c, err
	}
	if specialCriteria[n.code] != nil {
		return c, notOffered("the parameter %s is not possible in _filter, but beside it", n.code)
	}
	c.Parameter = p.find(t, n.code)
	if c.Parameter == nil {
		return c, p.unknownParameter(t, n.code)
	}
	if n.chained {
		err := f.chain(&c, n, operator, value, depth)
		return c, err
	}
	if n.modifier != "" {
		return c, fault("the path %s in _filter has a modifier, where an operator says how to compare", brief(path))
	}
	if err := p.take(1); err != nil {
		return c, err
	}
	if err := checkComparison(c.Parameter.Type, c.Compare, path); err != nil {
		return c, err
	}
	operand, err := f.operand(c.Parameter, c.Compare, value)
	c.Operands = []Operand{operand}
	return c, err
}

// chain parses a path through a reference. Other than a chained parameter it may
// lead to several types, as the specification's own example does, since the
// grammar has no place for their names. fhirlog takes them nevertheless.
func (f *filterParser) chain(c *Criterion, n paramName, operator, value string, depth int) error {
	p, of := f.parser, c.Parameter
	if of.Type != ReferTo {
		return fault("the parameter %s in _filter is of type %s; only a reference can be followed by a point", of.Code, of.Type)
	}
	if !of.Followed() {
		return notOffered("the parameter %s in _filter %s, which a path does not follow", of.Code, of.leads())
	}
	targets := p.reached(of)
	if n.modifier != "" {
		c.Target = domain.ResourceType(n.modifier)
		if !p.definitions.IsResource(n.modifier) {
			return fault("%s in the path %s of _filter is not a resource type", brief(n.modifier), brief(c.Name))
		}
		if err := p.checkTarget(of, c.Target); err != nil {
			return err
		}
		targets = []domain.ResourceType{c.Target}
	}
	for _, target := range targets {
		test, err := f.test(target, n.rest, operator, value, depth+1)
		switch {
		case err == nil:
			c.Chain = append(c.Chain, ScopeCriteria{Type: target, Criteria: []Criterion{test}})
		case !isUnusable(err):
			return err
		}
	}
	if len(c.Chain) == 0 {
		return fault("none of the types that %s can refer to has the parameter %s", of.Code, brief(n.rest))
	}
	return nil
}

// specialTest parses tests of what every resource has.
func (f *filterParser) specialTest(c *Criterion, value string) error {
	if err := f.parser.take(1); err != nil {
		return err
	}
	of := ParameterType(Date)
	if c.Code == "_id" {
		of = Token
		if !slices.Contains([]Comparison{CompareEqual, CompareNotEqual, ComparePresent}, c.Compare) {
			return fault("the operator %s of _filter does not apply to _id; eq and ne do", brief(string(c.Compare)))
		}
	}
	if err := checkComparison(of, c.Compare, c.Code); err != nil {
		return err
	}
	operand := Operand{Text: value}
	var err error
	switch {
	case c.Compare == ComparePresent:
		operand, err = presentOperand(value)
	case of == Date:
		operand, err = timeOperand(c.Code, prefixOf(c.Compare), value)
	}
	c.Operands = []Operand{operand}
	return err
}

func checkComparison(of ParameterType, compare Comparison, path string) error {
	switch {
	case slices.Contains(comparisonsOf[of], compare):
		return nil
	case slices.Contains(filterTerminology, string(compare)):
		return notOffered("the operator %s of _filter needs terminology, which this server does not have yet", compare)
	}
	return fault("the operator %s of _filter does not apply to %s of type %s; possible are %s", brief(string(compare)), brief(path), of, listed(comparisonsOf[of]))
}

// operand parses the value of a test. Commas separate nothing in it.
func (f *filterParser) operand(of *Parameter, compare Comparison, value string) (Operand, error) {
	p := f.parser
	switch {
	case compare == ComparePresent:
		return presentOperand(value)
	case of.Type == Number:
		return decimalOperand(of.Code, prefixOf(compare), value)
	case of.Type == Date:
		return timeOperand(of.Code, prefixOf(compare), value)
	case of.Type == Quantity:
		operand, err := p.quantityOperand(of.Code, value)
		if err == nil && !strings.HasPrefix(value, operand.Text) {
			err = fault("the value %s of %s in _filter begins with a prefix; the operator says how to compare", brief(value), of.Code)
		}
		operand.Prefix = prefixOf(compare)
		return operand, err
	case of.Type == Token && compare != CompareEqual && compare != CompareNotEqual:
		return p.textOperand(of.Code, value)
	}
	return p.operandOf(of, "", value)
}

func presentOperand(value string) (Operand, error) {
	if value != "true" && value != "false" {
		return Operand{}, fault("the value of pr in _filter is neither true nor false")
	}
	return Operand{Text: value}, nil
}

// prefixOf gives the prefix that compares as an operator does.
func prefixOf(compare Comparison) Prefix {
	if compare == CompareOverlaps {
		return overlapping
	}
	return Prefix(compare)
}

// overlapping compares as po does; it cannot be written as a prefix.
const overlapping Prefix = "po"
