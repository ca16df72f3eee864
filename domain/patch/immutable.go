package patch

import (
	"fmt"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
)

// immutable lists what no patch may change: what names a resource and its
// version, and the narrative, which a change of data would leave untrue
// unless somebody reads it. A PUT can write a new one.
var immutable = [][]string{
	{"resourceType"}, {"id"}, {"meta", "versionId"}, {"meta", "lastUpdated"}, {"text", "status"}, {"text", "div"},
}

// CheckImmutable compares a resource before and after a patch and refuses one
// that changed, added or removed something that must stay as it is. Both are
// resources as clients read them, with version and instant.
func CheckImmutable(before, after fhirjson.Value) error {
	if after.Kind() != fhirjson.Object {
		return invalid("The result of the patch is %s, not a resource.", described(after.Kind()))
	}
	var issues []domain.Issue
	for _, path := range immutable {
		was, is := before, after
		for _, name := range path {
			was, is = was.Get(name), is.Get(name)
		}
		if fhirjson.Equal(was, is) {
			continue
		}
		name := strings.Join(path, ".")
		issues = append(issues, domain.Issue{
			Message:    fmt.Sprintf("The patch %s %s, which is immutable: a patch must leave it as it is.", change(was, is), name),
			Expression: []string{before.Path() + "." + name},
		})
	}
	if len(issues) > 0 {
		return &domain.Error{Kind: domain.Invalid, Issues: issues}
	}
	return nil
}

// change says what happened to a value.
func change(was, is fhirjson.Value) string {
	switch {
	case !was.Exists():
		return "adds"
	case !is.Exists():
		return "removes"
	}
	return "changes"
}
