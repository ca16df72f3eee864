package httpapi

import (
	"net/url"
	"slices"
	"strings"
)

// parameter is one name=value of a query.
type parameter struct{ name, value string }

// parameters is a query in the order it was written.
type parameters []parameter

// mostParameters bounds a query, and the elements that it may name; no
// interaction here has a use for more. longestQuery bounds those that do not
// come in the line of an HTTP request: forms, and the queries of a Bundle.
const (
	mostParameters = 200
	longestQuery   = 1 << 20
)

// parseParameters reads a raw query.
func parseParameters(raw string) (parameters, error) {
	if raw == "" {
		return nil, nil
	}
	var ps parameters
	for len(raw) > 0 {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		if pair == "" {
			continue
		}
		if len(ps) == mostParameters {
			return nil, invalid("The query has too many parameters.")
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err == nil {
			value, err = url.QueryUnescape(value)
		}
		if err != nil {
			return nil, invalid("The query is not well encoded: a '%' must be followed by two hexadecimal digits.")
		}
		ps = append(ps, parameter{name, value})
	}
	return ps, nil
}

// one returns the value of a parameter that may stand once. Repeating it with
// the same value does no harm.
func (ps parameters) one(name string) (value string, given bool, err error) {
	for _, p := range ps {
		switch {
		case p.name != name:
		case given && p.value != value:
			return "", true, invalid("The parameter " + name + " is given more than once.")
		default:
			value, given = p.value, true
		}
	}
	return value, given, nil
}

// boolean reads a parameter that is true or false, nothing else.
func (ps parameters) boolean(name string, absent bool) (bool, error) {
	value, given, err := ps.one(name)
	switch {
	case err != nil || !given:
		return absent, err
	case strings.EqualFold(value, "true"):
		return true, nil
	case strings.EqualFold(value, "false"):
		return false, nil
	}
	return absent, invalid("The parameter " + name + " must be true or false.")
}

// encode writes the parameters for a link.
func (ps parameters) encode(dst []byte) []byte {
	separator := byte('?')
	for _, p := range ps {
		dst = append(dst, separator)
		dst = append(dst, url.QueryEscape(p.name)...)
		dst = append(dst, '=')
		dst = append(dst, url.QueryEscape(p.value)...)
		separator = '&'
	}
	return dst
}

// without returns the parameters but those of some names.
func (ps parameters) without(names ...string) parameters {
	kept := make(parameters, 0, len(ps)+1)
	for _, p := range ps {
		if !slices.Contains(names, p.name) {
			kept = append(kept, p)
		}
	}
	return kept
}

// with returns the parameters with one more, at the end and only there.
func (ps parameters) with(name, value string) parameters {
	return append(ps.without(name), parameter{name, value})
}

// everywhere are the parameters that every interaction takes.
var everywhere = []string{"_format", "_pretty", "_summary", "_elements"}

// unknownParameters names the parameters that the call makes nothing of.
func (r *request) unknownParameters() []string {
	var unknown []string
	for _, p := range r.query {
		if !slices.Contains(everywhere, p.name) && !slices.Contains(r.call.takes, p.name) && !slices.Contains(unknown, p.name) {
			unknown = append(unknown, p.name)
		}
	}
	return unknown
}

// checkParameters refuses unknown parameters when handling is strict. Those of
// searches are checked when they are parsed.
func (s *Server) checkParameters(r *request) error {
	if !r.prefer.strict || len(r.query) == 0 || r.call.searches {
		return nil
	}
	unknown := r.unknownParameters()
	if len(unknown) == 0 {
		return nil
	}
	return invalid(unknownMessage(unknown) + " With Prefer: handling=strict they are refused.")
}

func unknownMessage(unknown []string) string {
	for i := range unknown {
		unknown[i] = printable(unknown[i], 64)
	}
	return "Not understood here: " + strings.Join(unknown, ", ") + "."
}
