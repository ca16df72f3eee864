package fhirpath

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"fhirlog/domain"
)

// syntaxError says what is wrong with an expression, and where. The message may
// name words of the expression, which is the client's own, and never content of
// a resource.
func syntaxError(text string, offset int, message string) *domain.Error {
	return domain.NewError(domain.Invalid, "FHIRPath, "+column(text, offset)+": "+message)
}

// fault is an error of the evaluation.
func fault(text string, offset int, kind domain.Kind, format string, values ...any) *domain.Error {
	return domain.NewError(kind, "FHIRPath, "+column(text, offset)+": "+fmt.Sprintf(format, values...))
}

// column writes the place of a byte: the column counts characters from 1, and
// the line is named from the second on.
func column(text string, offset int) string {
	before := text[:min(offset, len(text))]
	line := strings.Count(before, "\n") + 1
	n := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	if line > 1 {
		return fmt.Sprintf("line %d, column %d", line, n)
	}
	return fmt.Sprintf("column %d", n)
}
