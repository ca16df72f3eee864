package search

import (
	"strconv"
	"strings"

	"fhirlog/domain"
)

// resultParameters are the parameters that say how matches are answered
// (https://hl7.org/fhir/R4/search.html#return), by what reads them.
var resultParameters map[string]func(p *queryParser, i int, modifier, value string) error

func init() { // the readers come back here
	resultParameters = map[string]func(p *queryParser, i int, modifier, value string) error{
		"_count":         (*queryParser).readCount,
		"_total":         (*queryParser).readTotal,
		"_sort":          (*queryParser).readSort,
		"_include":       (*queryParser).readInclude,
		"_revinclude":    (*queryParser).readRevInclude,
		"_includesCount": (*queryParser).readIncludesCount,
		"_summary":       (*queryParser).readShape,
		"_elements":      (*queryParser).readShape,
		"_contained":     (*queryParser).readContained,
		"_containedType": (*queryParser).readContained,
		"_asOf":          (*queryParser).readAsOf,
		"_explain":       (*queryParser).readExplain,
		"ct":             (*queryParser).readToken,
	}
}

// conditionalResults are those that make sense beside the criteria of a write:
// how many it may change, and what goes with them.
var conditionalResults = map[string]bool{"_count": true, "_include": true, "_revinclude": true, "_includesCount": true}

// repeatable are those that may be given several times.
var repeatable = map[string]bool{"_include": true, "_revinclude": true}

// parseResults reads the result parameters.
func (p *queryParser) parseResults() error {
	for i, pair := range p.ask.Pairs {
		name, modifier, _ := strings.Cut(pair.Name, ":")
		read := resultParameters[name]
		if read == nil || p.dropped[i] {
			continue
		}
		if err := p.readResult(i, name, modifier, read); err != nil {
			return err
		}
	}
	return nil
}

func (p *queryParser) readResult(i int, name, modifier string, read func(p *queryParser, i int, modifier, value string) error) error {
	value := p.ask.Pairs[i].Value
	switch {
	case p.ask.Conditional && !conditionalResults[name]:
		return fault("the parameter %s selects nothing and has no place in the criteria of a conditional interaction", name)
	case modifier != "" && !repeatable[name]:
		return fault("the parameter %s takes no modifier, not %s", name, brief(":"+modifier))
	case p.seen[name] && !repeatable[name]:
		return fault("the parameter %s is given more than once", name)
	}
	p.seen[name] = true
	return read(p, i, modifier, value)
}

// readCount reads _count. Zero asks for the total alone, as _summary=count does.
func (p *queryParser) readCount(i int, _, value string) error {
	n, err := strconv.ParseUint(value, 10, 31)
	if err != nil {
		return fault("the value %s of _count is not a whole number from 0 on", brief(value))
	}
	most := p.ask.mostCount()
	if int(n) > most && !p.ask.Conditional { // how much a write may select is not for the parser to say
		p.warn("informational", "the value of _count exceeds limit of %d, which is used instead", most)
		p.applied[i].Value = strconv.Itoa(most)
		n = uint64(most)
	}
	p.query.Count = int(n)
	return nil
}

func (p *queryParser) readTotal(_ int, _, value string) error {
	switch value {
	case "none":
		p.query.Total = TotalNone
	case "accurate":
		p.query.Total = TotalAccurate
	case "estimate":
		p.query.Total = TotalEstimate
	default:
		return fault("the value %s of _total is none of none, estimate and accurate", brief(value))
	}
	return nil
}

func (p *queryParser) readIncludesCount(i int, _, value string) error {
	n, err := strconv.ParseUint(value, 10, 31)
	if err != nil || n == 0 {
		return fault("the value %s of _includesCount is not a whole number from 1 on", brief(value))
	}
	if most := p.ask.mostIncludes(); int(n) > most {
		p.query.Warnings = append(p.query.Warnings, domain.Issue{
			Severity: domain.Information, Code: "informational",
			Message: "Search: the value of _includesCount exceeds limit of " + strconv.Itoa(most) + ", which is used instead.",
		})
		p.applied[i].Value = strconv.Itoa(most)
		n = uint64(most)
	}
	p.query.IncludesCount = int(n)
	return nil
}

// readShape keeps _summary and _elements in Applied; what they do to the
// resources of an answer is not a matter of search.
func (p *queryParser) readShape(int, string, string) error { return nil }

// readContained refuses to find contained resources
// (https://hl7.org/fhir/R4/search.html#contained): they are part of those that
// contain them here.
func (p *queryParser) readContained(i int, _, value string) error {
	name := p.ask.Pairs[i].Name
	if name == "_contained" && value == "false" || name == "_containedType" && value == "container" {
		return nil
	}
	return notOffered("contained resources are not searched for by themselves; _contained=false is possible, which is also the default")
}

func (p *queryParser) readAsOf(i int, _, value string) error {
	if value == "" {
		return fault("the parameter _asOf has no value; an instant or the position of a log record is right")
	}
	p.query.AsOf = value
	return nil
}

func (p *queryParser) readExplain(_ int, _, value string) error {
	switch value {
	case "true":
		p.query.Explain = true
	case "false":
	default:
		return fault("the value %s of _explain is neither true nor false", brief(value))
	}
	return nil
}

func (p *queryParser) readToken(_ int, _, value string) error {
	if value == "" {
		return fault("the parameter ct has no value; it comes from the link to the next page")
	}
	p.query.Token = value
	return nil
}
