package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// tree is JSON as these tests compare it: members in their order, numbers with
// all their digits. It shares no code with the program under test.
type tree struct {
	kind     byte   // { [ " 0 (number) t f n
	text     string // of a string, decoded; of a number, as written
	names    []string
	children []*tree
}

func parseTree(text []byte) (*tree, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	t, err := readTree(decoder)
	if err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, fmt.Errorf("more than one value")
	}
	return t, nil
}

func readTree(decoder *json.Decoder) (*tree, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	switch token := token.(type) {
	case string:
		return &tree{kind: '"', text: token}, nil
	case json.Number:
		return &tree{kind: '0', text: token.String()}, nil
	case bool:
		return &tree{kind: strconv.FormatBool(token)[0]}, nil
	case nil:
		return &tree{kind: 'n'}, nil
	case json.Delim:
		t := &tree{kind: byte(token)}
		for decoder.More() {
			if t.kind == '{' {
				name, err := decoder.Token()
				if err != nil {
					return nil, err
				}
				t.names = append(t.names, name.(string))
			}
			child, err := readTree(decoder)
			if err != nil {
				return nil, err
			}
			t.children = append(t.children, child)
		}
		_, err := decoder.Token()
		return t, err
	}
	return nil, fmt.Errorf("unexpected %v", token)
}

// get returns a member, nil if there is none.
func (t *tree) get(name string) *tree {
	if t == nil {
		return nil
	}
	for i, n := range t.names {
		if n == name {
			return t.children[i]
		}
	}
	return nil
}

// string returns the text of a string or number, "" for everything else.
func (t *tree) string() string {
	if t == nil {
		return ""
	}
	return t.text
}

// String writes the tree without white space.
func (t *tree) String() string {
	var b strings.Builder
	t.write(&b)
	return b.String()
}

func (t *tree) write(b *strings.Builder) {
	if t == nil {
		b.WriteString("nothing")
		return
	}
	switch t.kind {
	case '{', '[':
		b.WriteByte(t.kind)
		for i, child := range t.children {
			if i > 0 {
				b.WriteByte(',')
			}
			if t.kind == '{' {
				b.WriteString(quote(t.names[i]) + ":")
			}
			child.write(b)
		}
		b.WriteByte(t.kind + 2) // } and ] stand two after { and [
	case '"':
		b.WriteString(quote(t.text))
	case '0':
		b.WriteString(t.text)
	case 'n':
		b.WriteString("null")
	default:
		b.WriteString(map[byte]string{'t': "true", 'f': "false"}[t.kind])
	}
}

func quote(s string) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(s) // a string can always be encoded
	return strings.TrimSuffix(b.String(), "\n")
}

// at follows a path such as entry[0].resource.meta or
// resource[type=Patient].interaction[code=read].
func (t *tree) at(path string) (*tree, error) {
	for rest := path; rest != "" && t != nil; {
		name, after := nextStep(rest)
		switch {
		case !strings.HasPrefix(name, "["):
			t = t.get(name)
		case strings.Contains(name, "="):
			member, want, _ := strings.Cut(name[1:len(name)-1], "=")
			t = t.find(member, want)
		default:
			i, err := strconv.Atoi(name[1 : len(name)-1])
			if err != nil {
				return nil, fmt.Errorf("%q is not a place in an array", name)
			}
			if t.kind != '[' || i >= len(t.children) {
				return nil, nil
			}
			t = t.children[i]
		}
		rest = after
	}
	return t, nil
}

// find returns the first object of an array that has a member with a text.
func (t *tree) find(member, text string) *tree {
	for _, child := range t.children {
		if m := child.get(member); m != nil && m.text == text {
			return child
		}
	}
	return nil
}

// nextStep cuts the first step off a path.
func nextStep(path string) (step, rest string) {
	if path[0] == '[' {
		end := strings.IndexByte(path, ']') + 1
		if end == 0 {
			end = len(path)
		}
		return path[:end], strings.TrimPrefix(path[end:], ".")
	}
	end := strings.IndexAny(path, ".[")
	if end < 0 {
		return path, ""
	}
	return path[:end], strings.TrimPrefix(path[end:], ".")
}
