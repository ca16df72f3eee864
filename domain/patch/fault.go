package patch

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"fhirlog/domain"
)

// label says which operation of a patch is meant, in messages.
type label struct {
	number int    // from 1, as they are posted
	verb   string // "" if it could not be read
	path   string // "" if it could not be read
}

// String writes the label, such as "Operation 2 (replace, path Patient.name)".
func (l label) String() string {
	switch {
	case l.verb != "" && l.path != "":
		return fmt.Sprintf("Operation %d (%s, path %s)", l.number, l.verb, shown(l.path))
	case l.verb != "":
		return fmt.Sprintf("Operation %d (%s)", l.number, l.verb)
	case l.path != "":
		return fmt.Sprintf("Operation %d (path %s)", l.number, shown(l.path))
	}
	return fmt.Sprintf("Operation %d", l.number)
}

// malformed says that the operation itself is wrong, whatever the resource.
func (l label) malformed(format string, values ...any) error {
	return domain.NewError(domain.Invalid, l.String()+": "+fmt.Sprintf(format, values...))
}

// failed says that the operation cannot be applied to the resource; the
// expression is the place, if it is known.
func (l label) failed(expression, format string, values ...any) error {
	issue := domain.Issue{Code: "processing", Message: l.String() + ": " + fmt.Sprintf(format, values...)}
	if expression != "" {
		issue.Expression = []string{expression}
	}
	return &domain.Error{Kind: domain.Invalid, Issues: []domain.Issue{issue}}
}

// tooCostly says that the patch goes beyond its limits with this operation.
func (l label) tooCostly(message string) error {
	return domain.NewError(domain.TooCostly, l.String()+": "+message)
}

// wrap puts the label before the message of an error that a part of the
// operation has caused.
func (l label) wrap(err error) error {
	var known *domain.Error
	if !errors.As(err, &known) || len(known.Issues) == 0 {
		return fmt.Errorf("%s: %w", l, err)
	}
	return domain.NewError(known.Kind, l.String()+": "+known.Issues[0].Message)
}

// invalid is a fault of the patch as a whole.
func invalid(format string, values ...any) error {
	return domain.NewError(domain.Invalid, fmt.Sprintf(format, values...))
}

// greatestShown is how many bytes of a text of the client a message repeats.
const greatestShown = 200

// shown makes a text of the client fit to be repeated in a message.
func shown(text string) string {
	if len(text) > greatestShown {
		cut := greatestShown
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return '?'
		}
		return r
	}, text)
}
