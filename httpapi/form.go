package httpapi

import (
	"context"
	"mime"
	"net/http"
	"slices"
	"strings"
)

// checkFormType refuses bodies of POST …/_search that are no forms
// (https://hl7.org/fhir/R4/http.html#search).
func checkFormType(h http.Header) error {
	given := h.Get("Content-Type")
	if given == "" || given == "application/x-www-form-urlencoded" {
		return nil
	}
	media, parameters, err := mime.ParseMediaType(given)
	if err != nil || media != "application/x-www-form-urlencoded" {
		return invalid("The body of a search is a form: its Content-Type must be application/x-www-form-urlencoded.")
	}
	if charset, ok := parameters["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return invalid("The form of a search is read in UTF-8 only.")
	}
	return nil
}

// parseForm adds the parameters of the body to those of the URL, and reads
// again what depends on them.
func (x *exchange) parseForm(ctx context.Context) error {
	r := &x.request
	// The form as text, and its names and values.
	if err := r.memory.growBy(ctx, 2*int64(len(x.body.bytes))); err != nil {
		return err
	}
	form, err := parseParameters(string(x.body.bytes))
	if err != nil {
		return err
	}
	if r.query = slices.Concat(r.query, form).distinct(); len(r.query) > mostParameters {
		return invalid("URL and form together have too many parameters.")
	}
	if r.shape, err = parseShape(r.query); err != nil {
		return err
	}
	r.format, err = x.s.negotiate(x.h.Header, r.query)
	return err
}

// distinct returns the parameters without repetitions. To ask for the same
// thing twice is to ask for it once.
func (ps parameters) distinct() parameters {
	kept := make(parameters, 0, len(ps))
	seen := make(map[parameter]bool, len(ps))
	for _, p := range ps {
		if !seen[p] {
			seen[p] = true
			kept = append(kept, p)
		}
	}
	return kept
}

// A part of a criterion takes splitBytes in memory when the criterion is taken
// apart, and partBytes as an expression with its key. The parser refuses a
// search of more than mostParts before it makes expressions.
const (
	splitBytes = 32
	partBytes  = 256
	mostParts  = 1000
)

// criteriaBytes is what the criteria of a request take in memory once they are
// parsed: many small pieces.
func (r *request) criteriaBytes() int64 {
	parts := r.conditions.ifNoneExist.parts()
	if r.call != nil && r.call.searches {
		parts += r.query.parts()
	}
	return splitBytes*int64(parts) + partBytes*int64(min(parts, mostParts))
}

// holdCriteria takes room in the budget for the criteria. An entry of a Bundle
// has got it already.
func (r *request) holdCriteria(ctx context.Context) error {
	if r.memory == nil {
		return nil
	}
	return r.memory.growBy(ctx, r.criteriaBytes())
}

// parts counts the alternatives in a query.
func (ps parameters) parts() int {
	n := len(ps)
	for _, p := range ps {
		n += strings.Count(p.value, ",")
	}
	return n
}
