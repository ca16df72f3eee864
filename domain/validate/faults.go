package validate

import (
	"strconv"
	"unicode"
	"unicode/utf8"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
)

// The issue codes in use (https://hl7.org/fhir/R4/valueset-issue-type.html).
const (
	codeStructure    = "structure"
	codeRequired     = "required"
	codeValue        = "value"
	codeInvariant    = "invariant"
	codeCodeInvalid  = "code-invalid"
	codeInvalid      = "invalid"
	codeNotSupported = "not-supported"
	codeTooCostly    = "too-costly"
)

// greatestQuote is how many characters of a client's text a message shows.
const greatestQuote = 64

// noIndex marks a step that is not into an array.
const noIndex = -1

// step is one step of a path: an element, the position in its array, and where
// it stands in the text. It is small and keeps no document alive, as the walk
// makes one for every member.
type step struct {
	name  string
	index int32
	place int32 // an offset, nowhere for what is missing
}

// nowhere marks a step to what is not there.
const nowhere = -1

// placeOf is where a value stands.
func placeOf(v fhirjson.Value) int32 {
	if !v.Exists() {
		return nowhere
	}
	return int32(v.NameStart())
}

func (w *walker) push(name string, place fhirjson.Value) {
	w.path = append(w.path, step{name, noIndex, placeOf(place)})
}

// at moves the last step to an item of its array, or, with noIndex, to the array.
func (w *walker) at(index int, place fhirjson.Value) {
	last := &w.path[len(w.path)-1]
	last.index, last.place = int32(index), placeOf(place)
}

func (w *walker) pop() { w.path = w.path[:len(w.path)-1] }

// full tells that no more faults are taken, so that there is no point in
// looking for them.
func (w *walker) full() bool { return w.faults >= MaxIssues }

// fault reports a fault of the value at the current path.
func (w *walker) fault(code, message string) { w.report(domain.Fault, code, message) }

// report reports a finding of the value at the current path.
func (w *walker) report(severity domain.Severity, code, message string) {
	switch {
	case severity != domain.Fault:
		if len(w.issues)-w.faults >= MaxIssues {
			return
		}
	case w.full():
		return
	default:
		w.faults++
	}
	issue := domain.Issue{Severity: severity, Code: code, Message: message, Expression: []string{w.expression()}}
	for i := len(w.path) - 1; i >= 0; i-- { // what is missing has the place of its parent
		if place := w.path[i].place; place != nowhere {
			issue.Line, issue.Column = w.document.Position(int(place))
			break
		}
	}
	w.issues = append(w.issues, issue)
}

// expression writes the current path.
func (w *walker) expression() string {
	var path []byte
	for i, s := range w.path {
		if i > 0 {
			path = append(path, '.')
		}
		path = append(path, s.name...)
		if s.index != noIndex {
			path = append(path, '[')
			path = strconv.AppendInt(path, int64(s.index), 10)
			path = append(path, ']')
		}
	}
	return string(path)
}

// faultAt reports a fault of an element below the current path, which stands at
// place if it is there.
func (w *walker) faultAt(name string, place fhirjson.Value, code, message string) {
	w.push(name, place)
	w.fault(code, message)
	w.pop()
}

// name is the name of the current element, for messages.
func (w *walker) name() string { return w.path[len(w.path)-1].name }

// quoted shows a text of the client in a message: cut, and without anything
// that could confuse a terminal or a log.
func quoted(text []byte) string {
	var shown []byte
	for count := 0; len(text) > 0; count++ {
		if count == greatestQuote {
			shown = append(shown, "…"...)
			break
		}
		r, size := utf8.DecodeRune(text)
		if r == '"' || !unicode.IsPrint(r) {
			r = '?'
		}
		shown = utf8.AppendRune(shown, r)
		text = text[size:]
	}
	return `"` + string(shown) + `"`
}

// pathName is a member name as a step of a FHIRPath: plain, or in backticks.
func pathName(name []byte) string {
	plain := len(name) > 0 && len(name) <= greatestQuote
	for i, c := range name {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_'
		plain = plain && (letter || i > 0 && isDigit(c))
	}
	if plain {
		return string(name)
	}
	shown := []byte(quoted(name))
	for i, c := range shown {
		if c == '`' || c == '\\' {
			shown[i] = '?'
		}
	}
	shown[0], shown[len(shown)-1] = '`', '`'
	return string(shown)
}

// described names the kind of a JSON value with its article.
func described(kind fhirjson.Kind) string {
	switch kind {
	case fhirjson.Object, fhirjson.Array:
		return "an " + kind.String()
	case fhirjson.Number, fhirjson.String:
		return "a " + kind.String()
	}
	return kind.String()
}
