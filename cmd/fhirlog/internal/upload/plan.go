package upload

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"

	"github.com/go-json-experiment/json/jsontext"
)

// A place is where something stands in the input.
type place struct {
	file  string
	line  int
	entry int // of a Bundle, from 1; 0 for the whole value
}

// String is "file:line", with the entry when it is about one.
func (p place) String() string {
	text := p.file
	if p.line > 0 {
		text = fmt.Sprintf("%s:%d", text, p.line)
	}
	if p.entry > 0 {
		text += fmt.Sprintf(" entry %d", p.entry)
	}
	return text
}

// A request is what a value, or a part of it, asks of the server.
type request struct {
	method  string
	path    string // below the base, "" for a Bundle
	body    []byte
	place   place
	entries int // of a transaction or batch
}

// Types and ids that may stand in a URL; the server would refuse others.
var (
	typePattern = regexp.MustCompile(`^[A-Z][A-Za-z]{1,63}$`)
	idPattern   = regexp.MustCompile(`^[A-Za-z0-9\-.]{1,64}$`)
)

// plan turns a JSON value into requests.
func plan(data []byte, where place) ([]request, error) {
	top, err := outline(data, true)
	if err != nil {
		return nil, err
	}
	if top.resourceType != "Bundle" {
		one, err := planResource(data, top, where)
		if err != nil {
			return nil, err
		}
		return []request{one}, nil
	}
	switch top.bundleType {
	case "transaction", "batch":
		return []request{{method: "POST", body: data, place: where, entries: len(top.entries)}}, nil
	case "":
		return nil, errors.New("a Bundle without a type")
	}
	return planEntries(top, where)
}

// planResource makes the request for one resource.
func planResource(data []byte, o shape, where place) (request, error) {
	if !typePattern.MatchString(o.resourceType) {
		return request{}, fmt.Errorf("no FHIR resource: resourceType is %q", o.resourceType)
	}
	if o.id == "" {
		return request{method: "POST", path: "/" + o.resourceType, body: data, place: where}, nil
	}
	if !idPattern.MatchString(o.id) {
		return request{}, fmt.Errorf("%q is no id", o.id)
	}
	return request{method: "PUT", path: "/" + o.resourceType + "/" + o.id, body: data, place: where}, nil
}

// planEntries makes a request for each resource of a Bundle that is not for a
// server to process. The outcome of a search is left out, and of a history
// everything but the newest version of each resource.
func planEntries(top shape, where place) ([]request, error) {
	var out []request
	seen := make(map[string]bool)
	for i, raw := range top.entries {
		where.entry = i + 1
		entry, err := outline(raw, false)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", i+1, err)
		}
		if entry.resource == nil {
			continue
		}
		inner, err := outline(entry.resource, false)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", i+1, err)
		}
		if inner.resourceType == "OperationOutcome" && top.bundleType == "searchset" {
			continue
		}
		one, err := planResource(entry.resource, inner, where)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", i+1, err)
		}
		if top.bundleType == "history" && inner.id != "" {
			if seen[one.path] {
				continue
			}
			seen[one.path] = true
		}
		out = append(out, one)
	}
	return out, nil
}

// A shape is what the outermost members of an object tell.
type shape struct {
	resourceType, id string
	bundleType       string // the member type, when it is a string
	resource         []byte // the member resource
	entries          [][]byte
}

// outline reads the outermost members of an object; the whole text is read, so
// one that is not JSON is found. The parts share the memory of data.
func outline(data []byte, withEntries bool) (o shape, err error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if d.PeekKind() != '{' {
		return o, errors.New("not a JSON object")
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("not JSON: %w", err)
		}
	}()
	if _, err := d.ReadToken(); err != nil {
		return o, err
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return o, err
		}
		if err := o.member(name.String(), data, d, withEntries); err != nil {
			return o, err
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return o, err
	}
	if rest := bytes.TrimSpace(data[d.InputOffset():]); len(rest) > 0 {
		return o, fmt.Errorf("text after the object: %.20q", rest)
	}
	return o, nil
}

// member reads the value of one member.
func (o *shape) member(name string, data []byte, d *jsontext.Decoder, withEntries bool) error {
	kind := d.PeekKind()
	if name == "entry" && kind == '[' && withEntries {
		return o.readEntries(data, d)
	}
	from := d.InputOffset()
	value, err := d.ReadValue()
	if err != nil {
		return err
	}
	if name == "resource" && kind == '{' {
		end := d.InputOffset()
		o.resource = data[max(from, end-int64(len(value))):end]
	}
	into := map[string]*string{"resourceType": &o.resourceType, "id": &o.id, "type": &o.bundleType}[name]
	if into == nil || kind != '"' {
		return nil
	}
	text, err := jsontext.AppendUnquote(nil, value)
	*into = string(text)
	return err
}

// readEntries notes where each element of an array stands.
func (o *shape) readEntries(data []byte, d *jsontext.Decoder) error {
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != ']' {
		value, err := d.ReadValue()
		if err != nil {
			return err
		}
		end := d.InputOffset()
		o.entries = append(o.entries, data[end-int64(len(value)):end])
	}
	_, err := d.ReadToken()
	return err
}

// batchOf makes a batch of one entry of a Bundle, so that it can be tried
// again without the others.
func batchOf(data []byte, index int) []byte {
	top, err := outline(data, true)
	if err != nil || index >= len(top.entries) {
		return data
	}
	out := append([]byte(`{"resourceType":"Bundle","type":"batch","entry":[`), top.entries[index]...)
	return append(out, "]}"...)
}
