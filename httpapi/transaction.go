package httpapi

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/fhirjson"
)

// transaction carries out all entries or none
// (https://hl7.org/fhir/R4/http.html#transaction).
//
// The writes are one commit. Reads belong to the transaction as well: one that
// fails makes all fail. As a commit cannot be taken back, reads of what the
// transaction does not write are tried before it, and the version found is what
// is shown. Reads of what it writes are answered from its outcomes.
func (j *job) transaction(ctx context.Context) (response, error) {
	if issues := j.check(); issues != nil {
		return response{}, &domain.Error{Kind: domain.Invalid, Issues: issues}
	}
	for i := range j.entries {
		e := &j.entries[i]
		if e.fault != nil {
			return response{}, e.failed(e.fault)
		}
	}
	writes := j.writes()
	commands := make([]commit.Command, len(writes))
	for i, e := range writes {
		err := j.s.checkParameters(&e.request)
		if err == nil {
			commands[i], err = e.request.call.plan(j.s, &e.request)
			commands[i].Profiles = j.s.profileCheck(&e.request)
		}
		if err == nil && commands[i].Limit > 1 {
			err = invalid("In a transaction a conditional delete may match one resource at most, so _count cannot be more than 1.", e.expression(".request.url"))
		}
		if err != nil {
			return response{}, e.failed(err)
		}
	}
	reads, err := j.tryReads(ctx, writes)
	if err != nil {
		return response{}, err
	}
	if len(commands) > 0 {
		outcomes, err := j.s.writer.Commit(ctx, j.outer.caller(), commands)
		if err != nil {
			return response{}, j.blame(err, writes)
		}
		for i, e := range writes {
			e.answer, e.answered = e.request.call.done(j.s, &e.request, &outcomes[i]), true
			reads.wrote(e, &outcomes[i])
		}
	}
	return j.respond(ctx, reads.answer), nil
}

// check looks for what no transaction may have, and names all of it.
func (j *job) check() []domain.Issue {
	var issues []domain.Issue
	report := func(e *entry, part, message string) {
		issues = append(issues, domain.Issue{Message: message, Expression: []string{e.expression(part)}})
	}
	resources, links := map[string]int{}, map[string]int{}
	for i := range j.entries {
		if len(issues) > mostIssues {
			break
		}
		e := &j.entries[i]
		if e.fault != nil {
			if domain.KindOf(e.fault) == domain.Invalid {
				if fault, ok := errors.AsType[*domain.Error](e.fault); ok {
					issues = append(issues, fault.Issues...)
				}
			}
			continue
		}
		if e.request.call.form {
			report(e, ".request.method", "In a transaction a search is asked for with GET.")
		}
		if e.request.call.plan == nil {
			continue
		}
		if string(e.resource.Get("resourceType").Text()) == "Bundle" {
			report(e, ".resource", "A Bundle cannot be part of a transaction.")
		}
		if key := e.key(); key != "" {
			if other, taken := resources[key]; taken {
				report(e, ".request.url", "Two entries write "+key+"; the other is "+j.entries[other].expression("")+".")
			} else {
				resources[key] = i
			}
		}
		if link := strings.ToLower(e.request.fullURL); link != "" && e.resource.Kind() != fhirjson.Absent {
			if other, taken := links[link]; taken {
				report(e, ".fullUrl", "Two entries have this fullUrl; the other is "+j.entries[other].expression("")+".")
			} else {
				links[link] = i
			}
		}
	}
	return issues
}

// writes returns the entries that write in the order of processing.
func (j *job) writes() []*entry {
	writes := make([]*entry, 0, len(j.entries))
	for i := range j.entries {
		if j.entries[i].request.call.plan != nil {
			writes = append(writes, &j.entries[i])
		}
	}
	slices.SortStableFunc(writes, func(a, b *entry) int { return cmp.Compare(rank(a.request.method), rank(b.request.method)) })
	return writes
}

// failed makes the failure of the transaction of an entry's: its status and
// issues, after one that names the entry.
func (e *entry) failed(err error) error {
	cause, ok := errors.AsType[*domain.Error](err)
	if !ok || cause.Kind == domain.Internal {
		return err
	}
	whole := &domain.Error{Kind: cause.Kind, Version: cause.Version, Err: err, Issues: []domain.Issue{{
		Code:       "processing",
		Message:    "The transaction failed at " + e.request.method + " " + e.link() + ".",
		Expression: []string{e.expression("")},
	}}}
	for _, issue := range cause.Issues {
		issue.Expression = e.within(issue.Expression)
		whole.Issues = append(whole.Issues, issue)
	}
	if refused, ok := errors.AsType[*notAllowedError](err); ok {
		return &notAllowedError{failure: whole, allow: refused.allow}
	}
	return whole
}

// within makes expressions that begin at the entry's resource begin at the
// Bundle.
func (e *entry) within(expressions []string) []string {
	moved := make([]string, len(expressions))
	for i, expression := range expressions {
		typ := string(e.resource.Get("resourceType").Text())
		rest, fits := strings.CutPrefix(expression, typ)
		switch {
		case strings.HasPrefix(expression, "Bundle.entry["):
			moved[i] = expression
		case fits && typ != "" && (rest == "" || rest[0] == '.'):
			moved[i] = e.expression(".resource" + rest)
		case e.request.call != nil && e.request.call.patch:
			moved[i] = expression // it is about what the patch leads to
		default:
			moved[i] = e.expression(".resource." + expression)
		}
	}
	return moved
}

// link names the path of an entry for a message.
func (e *entry) link() string {
	if e.request.place == nil {
		return "an unknown path"
	}
	path := e.request.place.name()
	if len(path) > 1 {
		path = path[1:]
	}
	return strings.NewReplacer("{type}", e.request.typ, "{id}", e.request.id, "{version}", e.request.version).Replace(path)
}

// blame finds the entries whose commands made the commit fail.
func (j *job) blame(err error, writes []*entry) error {
	if failed, ok := errors.AsType[*commit.CommandError](err); ok {
		whole := writes[failed.Index].failed(failed.Err)
		if told, ok := errors.AsType[*domain.Error](whole); ok {
			for _, other := range failed.Others {
				if len(told.Issues) > mostIssues {
					break
				}
				if more, ok := errors.AsType[*domain.Error](writes[other.Index].failed(other.Err)); ok {
					told.Issues = append(told.Issues, more.Issues...)
				}
			}
		}
		return whole
	}
	if len(writes) == 1 {
		return writes[0].failed(err)
	}
	return err
}

// reads are the reading entries of a transaction.
type reads struct {
	s       *Server
	written map[string]*commit.Outcome // by type and id, nil before the commit
	found   map[int]domain.VersionID   // by number of the entry: the version it shows
}

// tryReads makes sure that the reads will succeed.
func (j *job) tryReads(ctx context.Context, writes []*entry) (*reads, error) {
	rs := &reads{s: j.s}
	if len(writes) == len(j.entries) {
		return rs, nil
	}
	rs.written, rs.found = make(map[string]*commit.Outcome, len(writes)), make(map[int]domain.VersionID)
	removed := make(map[string]bool)
	for _, e := range writes {
		if key := e.key(); key != "" {
			rs.written[key] = nil
			removed[key] = e.request.call.kind == deleteKind
		}
	}
	for i := range j.entries {
		e := &j.entries[i]
		if e.answered || e.request.call.plan != nil {
			continue
		}
		_, touched := rs.written[e.key()]
		touched = touched && !e.request.past()
		switch {
		case touched && e.request.call.kind == readKind && removed[e.key()]:
			return nil, e.failed(domain.NewError(domain.Deleted, e.key()+" is deleted by the same transaction."))
		case touched:
			continue
		}
		answer, err := j.s.try(ctx, &e.request)
		if err != nil {
			return nil, e.failed(err)
		}
		if e.request.call.kind == readKind && answer.resource != nil {
			rs.found[i] = answer.version
		}
	}
	return rs, nil
}

// wrote notes the outcome of a write that a read may ask for. What a
// conditional one wrote is known only now.
func (rs *reads) wrote(e *entry, o *commit.Outcome) {
	key := e.key()
	if e.request.conditional() && o.Version.ID != "" {
		key = string(o.Version.Type) + "/" + string(o.Version.ID)
	}
	if rs.written != nil && key != "" {
		rs.written[key] = o
	}
}

// answer carries out a read after the commit.
func (rs *reads) answer(ctx context.Context, e *entry) response {
	r := &e.request
	if r.call.kind != readKind {
		return rs.s.perform(ctx, r)
	}
	if o := rs.written[e.key()]; o != nil && !r.past() {
		if o.Version.Body != nil {
			return show(r, &o.Version)
		}
		return rs.s.perform(ctx, r)
	}
	if version, ok := rs.found[e.number]; ok {
		found, err := rs.s.reader.ReadVersion(ctx, r.resourceType(), domain.LogicalID(r.id), version)
		if err != nil {
			return rs.s.failure(r.requestID, err)
		}
		return show(r, &found)
	}
	return rs.s.perform(ctx, r)
}
