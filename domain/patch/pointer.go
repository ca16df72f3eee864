package patch

import (
	"fmt"
	"strconv"
	"strings"

	"fhirlog/domain/fhirjson"
)

// pointer is a JSON Pointer, split and unescaped (RFC 6901).
type pointer []string

// parsePointer reads a pointer; wrong says what is wrong with it.
func parsePointer(text string) (p pointer, wrong string) {
	if text == "" {
		return nil, ""
	}
	if text[0] != '/' {
		return nil, "a JSON Pointer begins with '/', such as /name/0/family, or is empty for the whole resource."
	}
	if strings.Count(text, "/") > greatestDepth {
		return nil, fmt.Sprintf("the pointer has more than %d steps, and no resource is nested so deeply.", greatestDepth)
	}
	p = strings.Split(text[1:], "/")
	for i, token := range p {
		if !strings.Contains(token, "~") {
			continue
		}
		if strings.Count(token, "~") != strings.Count(token, "~0")+strings.Count(token, "~1") {
			return nil, "in a JSON Pointer '~' is followed by 0 or 1: ~0 stands for '~' and ~1 for '/'."
		}
		p[i] = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
	}
	return p, ""
}

// String writes the pointer with its escapes.
func (p pointer) String() string {
	var b strings.Builder
	for _, token := range p {
		b.WriteByte('/')
		b.WriteString(strings.ReplaceAll(strings.ReplaceAll(token, "~", "~0"), "/", "~1"))
	}
	return b.String()
}

// begins tells whether p leads to something that contains what q leads to.
func (p pointer) begins(q pointer) bool {
	if len(p) >= len(q) {
		return false
	}
	for i := range p {
		if p[i] != q[i] {
			return false
		}
	}
	return true
}

// index reads a step as an index of an array: digits without leading zeros, at
// most limit. The step "-" stands for the end and is read if the limit is.
func index(token string, limit int) (i int, ok bool) {
	if len(token) == 0 || len(token) > 1 && token[0] == '0' {
		return 0, false
	}
	for _, c := range []byte(token) {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	i, err := strconv.Atoi(token)
	return i, err == nil && i <= limit
}

// follow returns what a pointer leads to, or says why it leads nowhere.
func (t *tree) follow(p pointer) (n *node, wrong string) {
	n = &t.root
	for i, token := range p {
		inside := t.open(n)
		switch {
		case inside == nil:
			return nil, fmt.Sprintf("what stands at %s is %s, which has no %s.", p[:i].place(), described(n.kind()), shown(token))
		case inside.kind == fhirjson.Array:
			k, ok := index(token, len(inside.list)-1)
			if !ok {
				return nil, noIndex(p[:i], token, len(inside.list), len(inside.list)-1)
			}
			n = &inside.list[k]
		default:
			if n = t.get(inside, token); n == nil {
				return nil, fmt.Sprintf("there is no %s in %s.", shown(pointer{token}.String()[1:]), p[:i].place())
			}
		}
	}
	return n, ""
}

// noIndex says that a step is not an index of the array before it.
func noIndex(array pointer, token string, length, last int) string {
	if last < 0 {
		return fmt.Sprintf("%s is an empty array, which has no element %s.", array.place(), shown(token))
	}
	return fmt.Sprintf("%s is an array of %d, which has no element %s; expected is an index from 0 to %d without leading zeros.",
		array.place(), length, shown(token), last)
}

// place writes the pointer for messages.
func (p pointer) place() string {
	if len(p) == 0 {
		return "the resource"
	}
	return shown(p.String())
}

// path writes the pointer as fhirjson.Value.Path does, for OperationOutcomes.
func (p pointer) path(root fhirjson.Value) string {
	var b strings.Builder
	b.WriteString(root.Path())
	for _, token := range p {
		if _, ok := index(token, 1<<30); ok {
			b.WriteString("[" + token + "]")
			continue
		}
		b.WriteString("." + shown(token))
	}
	return b.String()
}
