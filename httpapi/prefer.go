package httpapi

import "strings"

// preferences is what the Prefer header asks for
// (https://hl7.org/fhir/R4/http.html#ops, RFC 7240).
type preferences struct {
	returns returnForm
	strict  bool
	proof   bool // where the version of the answer is proven to be on the log
}

// returnForm says what a write answers with.
type returnForm uint8

const (
	returnRepresentation returnForm = iota
	returnMinimal
	returnOutcome
)

// parsePrefer reads the values of Prefer headers. Of a preference that stands
// twice the first counts; preferences of other kinds are left to others.
func parsePrefer(headers []string) (preferences, error) {
	var p preferences
	var seenReturn, seenHandling bool
	for _, header := range headers {
		for len(header) > 0 {
			var item string
			if end := strings.IndexAny(header, ",;"); end >= 0 {
				item, header = header[:end], header[end+1:]
			} else {
				item, header = header, ""
			}
			name, value, _ := strings.Cut(item, "=")
			name = strings.TrimSpace(name)
			value = strings.Trim(strings.TrimSpace(value), `"`)
			switch {
			case strings.EqualFold(name, "return") && !seenReturn:
				seenReturn = true
				form, err := parseReturn(value)
				if err != nil {
					return p, err
				}
				p.returns = form
			case strings.EqualFold(name, "proof"):
				p.proof = true
			case strings.EqualFold(name, "handling") && !seenHandling:
				seenHandling = true
				switch {
				case strings.EqualFold(value, "strict"):
					p.strict = true
				case !strings.EqualFold(value, "lenient"):
					return p, invalid("Prefer: handling must be strict or lenient.")
				}
			}
		}
	}
	return p, nil
}

func parseReturn(value string) (returnForm, error) {
	switch {
	case strings.EqualFold(value, "representation"):
		return returnRepresentation, nil
	case strings.EqualFold(value, "minimal"):
		return returnMinimal, nil
	case strings.EqualFold(value, "OperationOutcome"):
		return returnOutcome, nil
	}
	return 0, invalid("Prefer: return must be minimal, representation or OperationOutcome.")
}
