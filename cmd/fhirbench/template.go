package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
)

// A template is a resource cut into constant text and the slots between.
//
// Template files are valid JSON. A slot stands in a string: "${digits:8}"; one
// that makes a number is written "#{int:1:9}" and loses its quotes. The slots:
//
//	${id}               the member id as a whole, absent on creation
//	${ref:Encounter}    the reference to the resource of that kind
//	${revision}         how often the resource was changed
//	${places.city}      a column of a row of a table, ${places@2.city} of another
//	${uuid}             ${digits:8}  ${int:1:99}  #{decimal:-5:20:2}
//	#{col:measures.low} a column as a number
//	#{between:measures} a number between the columns low and high, with digits
//	${time:+15}         a dateTime, so many minutes after the moment of care
//	${instant:+1}       the same to the millisecond; ${day:-30} a date, in days
//	${birthdate}        a date
type template []part

// A part is constant text and the slot after it.
type part struct {
	text []byte
	slot slot
}

// An opcode says how a slot is rendered.
type opcode int

const (
	opNothing opcode = iota
	opID
	opRef
	opRevision
	opColumn
	opBetween
	opDecimal
	opDigits
	opUUID
	opTime
	opInstant
	opDay
	opBirthDate
)

// A slot is a place in a template that differs from resource to resource.
type slot struct {
	op        opcode
	target    kind   // opRef
	table     *table // opColumn, opBetween
	column    int
	salt      uint64 // which row: the table's name and the ordinal
	low, high int64  // bounds, or an offset of time in low
	digits    int
}

// compile cuts the text of a template file at its slots.
func compile(text []byte) (template, error) {
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return nil, err
	}
	rest := strings.ReplaceAll(compact.String(), `"id":"${id}",`, `${id}`)
	var t template
	for {
		at := strings.IndexAny(rest, "$#")
		for at >= 0 && !strings.HasPrefix(rest[at+1:], "{") {
			next := strings.IndexAny(rest[at+1:], "$#")
			if next < 0 {
				at = -1
				break
			}
			at += 1 + next
		}
		if at < 0 {
			return append(t, part{text: []byte(rest)}), nil
		}
		end := strings.IndexByte(rest[at:], '}')
		if end < 0 {
			return nil, fmt.Errorf("a slot without end: %.40s", rest[at:])
		}
		before, name, after := rest[:at], rest[at+2:at+end], rest[at+end+1:]
		if rest[at] == '#' {
			before, after = strings.TrimSuffix(before, `"`), strings.TrimPrefix(after, `"`)
		}
		s, err := parseSlot(name)
		if err != nil {
			return nil, fmt.Errorf("slot %s: %w", name, err)
		}
		t, rest = append(t, part{[]byte(before), s}), after
	}
}

// parseSlot reads what stands between the braces.
func parseSlot(text string) (slot, error) {
	name, argument, _ := strings.Cut(text, ":")
	switch name {
	case "id":
		return slot{op: opID}, nil
	case "ref":
		for k := range kinds {
			if kindNames[k] == argument {
				return slot{op: opRef, target: k}, nil
			}
		}
		return slot{}, fmt.Errorf("no kind %q", argument)
	case "revision":
		return slot{op: opRevision}, nil
	case "uuid":
		return slot{op: opUUID}, nil
	case "birthdate":
		return slot{op: opBirthDate}, nil
	case "digits":
		n, err := strconv.Atoi(argument)
		return slot{op: opDigits, digits: n}, err
	case "time", "instant", "day":
		s := slot{op: map[string]opcode{"time": opTime, "instant": opInstant, "day": opDay}[name]}
		if argument == "" {
			return s, nil
		}
		var err error
		s.low, err = strconv.ParseInt(argument, 10, 64)
		return s, err
	case "int", "decimal":
		return parseRange(argument)
	case "between":
		return parseColumn(argument+".low", opBetween)
	case "col":
		return parseColumn(argument, opColumn)
	}
	return parseColumn(text, opColumn)
}

// parseRange reads "1:99" or "-5:20:2".
func parseRange(text string) (slot, error) {
	s := slot{op: opDecimal}
	fields := append(strings.Split(text, ":"), "0")
	if len(fields) < 3 {
		return s, fmt.Errorf("%q is no range", text)
	}
	var err error
	if s.low, err = strconv.ParseInt(fields[0], 10, 64); err != nil {
		return s, err
	}
	if s.high, err = strconv.ParseInt(fields[1], 10, 64); err != nil {
		return s, err
	}
	s.digits, err = strconv.Atoi(fields[2])
	return s, err
}

// parseColumn reads "table.column" or "table@2.column".
func parseColumn(text string, op opcode) (slot, error) {
	row, name, _ := strings.Cut(text, ".")
	s := slot{op: op}
	tableName, _, _ := strings.Cut(row, "@")
	if s.table = vocabulary[tableName]; s.table == nil {
		return s, fmt.Errorf("no table %q", tableName)
	}
	if s.column = s.table.index(name); s.column < 0 {
		return s, fmt.Errorf("no column %q", name)
	}
	h := fnv.New64a()
	h.Write([]byte(row))
	s.salt = h.Sum64()
	return s, nil
}
