package httpapi

import (
	"bytes"
	"context"
	"regexp"

	"golang.org/x/sync/errgroup"

	"fhirlog/domain/fhirjson"
)

// batch carries out entries that do not depend on each other: verb by verb, and
// within a verb many at once, since each write waits for its commit. Writes to
// the same resource keep their order, so that the result is the same as one
// after the other.
func (j *job) batch(ctx context.Context) (response, error) {
	var byRank [4][]*entry
	for i := range j.entries {
		e := &j.entries[i]
		switch {
		case e.fault != nil:
			e.answer, e.answered = j.s.failure(j.outer.requestID, e.fault), true
		case e.request.call.plan != nil:
			byRank[rank(e.request.method)] = append(byRank[rank(e.request.method)], e)
		}
	}
	for _, entries := range byRank {
		for len(entries) > 0 {
			n := j.together(entries)
			j.runGroup(ctx, entries[:n])
			entries = entries[n:]
		}
	}
	return j.respond(ctx, func(ctx context.Context, e *entry) response {
		return j.s.perform(ctx, &e.request)
	}), nil
}

// together counts the entries that may be carried out at once. What an entry
// finds by criteria depends on all that come before and on none that come after,
// so it is carried out alone, unless parallel processing is asked for.
func (j *job) together(entries []*entry) int {
	if j.logic == parallel {
		return len(entries)
	}
	for i, e := range entries {
		if e.request.conditional() || e.refersByCriteria() {
			return max(i, 1)
		}
	}
	return len(entries)
}

// conditionalReference finds references that are searches, such as
// Practitioner?identifier=1.
var conditionalReference = regexp.MustCompile(`"reference"\s*:\s*"[A-Za-z]+\?`)

// refersByCriteria says whether the content has conditional references.
func (e *entry) refersByCriteria() bool {
	if e.request.call.patch {
		return e.request.patch.mayRefer(e.resource)
	}
	if e.resource.Kind() != fhirjson.Object {
		return false
	}
	text := e.resource.Raw()
	return bytes.IndexByte(text, '?') >= 0 && conditionalReference.Match(text)
}

// runGroup carries out writes of one verb that do not look at each other.
func (j *job) runGroup(ctx context.Context, entries []*entry) {
	chains := make([][]*entry, 0, len(entries))
	byKey := make(map[string]int)
	for _, e := range entries {
		key := e.key()
		if at, taken := byKey[key]; taken && key != "" {
			if j.logic == parallel {
				e.answer, e.answered = j.s.failure(j.outer.requestID, invalid(
					"Another entry writes "+key+" as well; with parallel processing only one of them is carried out.", e.expression(".request.url"))), true
				continue
			}
			chains[at] = append(chains[at], e)
			continue
		}
		byKey[key] = len(chains)
		chains = append(chains, []*entry{e})
	}
	j.runChains(ctx, chains)
}

// runChains carries out chains at the same time, the entries of a chain one
// after the other.
func (j *job) runChains(ctx context.Context, chains [][]*entry) {
	run := func(chain []*entry) {
		for _, e := range chain {
			e.answer, e.answered = j.s.perform(ctx, &e.request), true
		}
	}
	if len(chains) == 1 {
		run(chains[0])
		return
	}
	var workers errgroup.Group
	workers.SetLimit(j.s.options.BundleWorkers)
	for _, chain := range chains {
		workers.Go(func() error {
			run(chain)
			return nil
		})
	}
	_ = workers.Wait() // failures are the entries' answers
}
