package search

import (
	"errors"
	"fmt"
	"strings"

	"fhirlog/domain"
)

// fault makes the error of a search that asks for something impossible. It is
// never overlooked, also when handling is lenient: the answer would be one to
// another question.
func fault(format string, args ...any) *domain.Error {
	return domain.NewError(domain.Invalid, "Search: "+fmt.Sprintf(format, args...)+".")
}

// notOffered makes the error of a search that means something which this server
// does not do.
func notOffered(format string, args ...any) *domain.Error {
	return domain.NewError(domain.NotSupported, "Search: "+fmt.Sprintf(format, args...)+".")
}

// tooMuch makes the error of a search beyond a limit.
func tooMuch(format string, args ...any) *domain.Error {
	return domain.NewError(domain.TooCostly, "Search: "+fmt.Sprintf(format, args...)+".")
}

// unusable is the error of a parameter that a lenient search leaves out.
type unusable struct{ why string }

func (u *unusable) Error() string { return u.why }

func leaveOut(format string, args ...any) *unusable {
	return &unusable{"Search: " + fmt.Sprintf(format, args...)}
}

func isUnusable(err error) bool {
	_, is := errors.AsType[*unusable](err)
	return is
}

// harden turns an unusable parameter into a fault, for where leaving it out
// would leave nothing sensible: inside of chains and filters.
func harden(err error) error {
	if u, is := errors.AsType[*unusable](err); is {
		return domain.NewError(domain.Invalid, withoutIgnoring(u.why)+".")
	}
	return err
}

// withoutIgnoring takes the words about leaving out from a message.
func withoutIgnoring(why string) string {
	for _, words := range []string{", which is ignored", ", and is ignored", " and is ignored there", " and is ignored", " is ignored"} {
		if before, after, found := strings.Cut(why, words); found {
			return before + after
		}
	}
	return why
}

// listed writes names as a list, at most a dozen of them.
func listed[S ~string](names []S) string {
	const most = 12
	text := make([]string, 0, most)
	for _, name := range names[:min(len(names), most)] {
		text = append(text, string(name))
	}
	if more := len(names) - most; more > 0 {
		return strings.Join(text, ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(text, ", ")
}
