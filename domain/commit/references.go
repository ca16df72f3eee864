package commit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/search"
)

// references are the conditional references of a commit by their text: each is
// parsed once, and searched for once with each plan
// (https://hl7.org/fhir/R4/http.html#trules). They are resolved against stored
// resources, not against what the same commit makes.
type references struct {
	service *Service
	set     *search.Set
	bases   []string
	byText  map[string]*reference
	list    []*reference // in the order of the first use
	size    int          // of all texts
}

// The different conditional references of one commit are bounded in number and
// in bytes together, as each is kept with its parsed criteria and searched for.
const (
	maxReferences     = 10_000
	maxReferenceBytes = 4 << 20
)

// tooManyReferences stands for those beyond the bounds.
var tooManyReferences = reference{fault: domain.NewError(domain.TooCostly, fmt.Sprintf(
	"there are more than %d different ones in the request, or more than %d bytes of them; send it in several parts", maxReferences, maxReferenceBytes))}

// reference is a conditional reference, such as Practitioner?identifier=s|1.
type reference struct {
	typ      domain.ResourceType
	query    *search.Query
	reliance reliance
	fault    error // it is no search that can be carried out
	to       destination
	found    []search.Found // with the present plan, two at most
}

// citation is one place where a conditional reference stands.
type citation struct {
	reference *reference
	at        fhirjson.Value
}

// isConditional says whether a reference is a search: a type, a question mark
// and criteria.
func isConditional(reference []byte) bool {
	cut := bytes.IndexByte(reference, '?')
	return cut > 0 && !bytes.ContainsAny(reference[:cut], ":/#")
}

// cite notes a conditional reference.
func (c *collector) cite(v fhirjson.Value) {
	r := c.references.of(v.Text())
	c.citations = append(c.citations, citation{r, v})
	c.add(link{start: v.Start(), end: v.End(), to: &r.to})
}

// of returns the reference with a text.
func (rs *references) of(text []byte) *reference {
	if r, known := rs.byText[string(text)]; known {
		return r
	}
	if len(rs.list) == maxReferences || rs.size+len(text) > maxReferenceBytes {
		return &tooManyReferences
	}
	rs.size += len(text)
	t, criteria, _ := bytes.Cut(text, []byte("?"))
	r := &reference{typ: domain.ResourceType(t)}
	r.query, r.fault = rs.parse(r.typ, string(criteria))
	if r.fault == nil {
		r.reliance = rs.service.decider.reliance(r.typ, r.query)
	}
	if rs.byText == nil {
		rs.byText = map[string]*reference{}
	}
	rs.byText[string(text)] = r
	rs.list = append(rs.list, r)
	return r
}

// parse reads the criteria of a conditional reference as those of a URL.
func (rs *references) parse(t domain.ResourceType, criteria string) (*search.Query, error) {
	d := rs.service.definitions
	if !d.IsResource(string(t)) {
		return nil, domain.NewError(domain.Invalid, "what stands before the question mark is not a resource type; type names are case-sensitive")
	}
	ask := search.Ask{Types: []domain.ResourceType{t}, Conditional: true, Bases: rs.bases, Now: time.Now()}
	for part := range strings.SplitSeq(criteria, "&") {
		name, value, _ := strings.Cut(part, "=")
		name, badName := url.QueryUnescape(name)
		value, badValue := url.QueryUnescape(value)
		if badName != nil || badValue != nil {
			return nil, domain.NewError(domain.Invalid, "a percent sign is not followed by two hexadecimal digits; one that stands for itself is written %25")
		}
		if part != "" {
			ask.Pairs = append(ask.Pairs, search.Pair{Name: name, Value: value})
		}
	}
	q, err := search.Parse(d, rs.set, ask)
	if err != nil {
		return nil, err
	}
	if q.Criteria == 0 {
		return nil, domain.NewError(domain.Invalid, "name at least one search parameter with a value, such as identifier=system|value")
	}
	return q, checkCriteria(q)
}

// citationIssues tells of the references among citations that cannot be searched
// for.
func citationIssues(citations []citation) (issues []domain.Issue) {
	for _, c := range citations {
		if c.reference.fault == nil {
			continue
		}
		message := "its criteria cannot be used"
		if fault, ok := errors.AsType[*domain.Error](c.reference.fault); ok && len(fault.Issues) > 0 {
			message = fault.Issues[0].Message
		}
		issue := domain.Issue{
			Code: "invalid", Expression: []string{c.at.Path()},
			Message: "This reference is a search, which must find exactly one resource: " + message,
		}
		issue.Line, issue.Column = c.at.Document().Position(c.at.NameStart())
		issues = append(issues, issue)
		if len(issues) == maxIssues {
			break
		}
	}
	return issues
}

// resolveReferences searches for what the conditional references mean at the
// snapshot of a plan, and makes the plan rely on it.
func (s *Service) resolveReferences(ctx context.Context, p *plan, w *work) error {
	unresolved := false
	for _, r := range w.references.list {
		var err error
		if r.found, err = s.find(ctx, r.query, p.snapshot, 2); err != nil {
			return err
		}
		if len(r.found) != 1 {
			unresolved = true
			continue
		}
		f := &r.found[0]
		r.to.found(placeOf(f.Type, f.ID), w.plans)
		p.relyOn(s.decider.key(f.Type, f.ID))
		p.relyOnSearch(&r.reliance)
	}
	if !unresolved {
		return nil
	}
	var failed failures
	for i := range w.commands {
		if issues := unresolvedIssues(&w.commands[i]); issues != nil {
			failed.add(i, &domain.Error{Kind: domain.Invalid, Issues: issues})
		}
	}
	return failed.err()
}

// unresolvedIssues tells of the references in the content of a command that do
// not find exactly one resource.
func unresolvedIssues(p *prepared) (issues []domain.Issue) {
	if p.content.late == nil {
		return nil
	}
	for _, c := range p.content.late.citations {
		r := c.reference
		if len(r.found) == 1 {
			continue
		}
		finds := fmt.Sprintf("and it finds no %s", r.typ)
		if len(r.found) > 1 {
			finds = fmt.Sprintf("and it finds more than one %s", r.typ)
		}
		issues = append(issues, domain.Issue{
			Code: "invalid", Expression: []string{c.at.Path()},
			Message: "This reference is a search, which must find exactly one resource that is stored already, " + finds + ".",
		})
		if len(issues) == maxIssues {
			break
		}
	}
	return issues
}

// maxIssues bounds how many references of one resource are told of.
const maxIssues = 100

func placeOf(t domain.ResourceType, id domain.LogicalID) string {
	return string(t) + "/" + string(id)
}
