package main

import (
	"bytes"
	"embed"
	"fmt"
	"math"
	"strconv"
	"time"
)

// A kind is a template of resources that fhirbench can make.
type kind int

// The first nine are the walk of W1, each referring to those before.
const (
	patient kind = iota
	location
	organization
	practitioner
	encounter
	observation
	medicationRequest
	claim
	explanationOfBenefit
	condition
	procedure
	diagnosticReport
	immunization
	measurement // an Observation that refers to a Patient only
	kinds
)

var kindNames = [kinds]string{"Patient", "Location", "Organization", "Practitioner", "Encounter", "Observation",
	"MedicationRequest", "Claim", "ExplanationOfBenefit", "Condition", "Procedure", "DiagnosticReport", "Immunization",
	"Measurement"}

// typeName is the FHIR resource type of the kind.
func (k kind) typeName() string {
	if k == measurement {
		return "Observation"
	}
	return kindNames[k]
}

//go:embed templates/*.json
var templateFiles embed.FS

// templates holds the compiled template of each kind. The files belong to the
// program, so one that does not compile is a fault that any test shows.
var templates = func() (all [kinds]template) {
	for k, name := range kindNames {
		text, err := templateFiles.ReadFile("templates/" + name + ".json")
		if err == nil {
			all[k], err = compile(text)
		}
		if err != nil {
			panic(fmt.Sprintf("template %s: %v", name, err))
		}
	}
	return all
}()

// references holds, by kind, what a template's ${ref:Patient} becomes:
// "Patient/17" or "urn:uuid:…".
type references [kinds][]byte

// A resource is one rendering of a template. The same kind, seed and
// references give the same text, so an update needs no copy of what was
// created: it raises the revision, which changes one field.
type resource struct {
	kind     kind
	seed     uint64
	revision int
	id       []byte // left out of the text when empty
	refs     *references
}

// epoch is the earliest moment of care a resource tells of; careSeconds later
// is the latest.
const (
	epoch       = 1420070400 // 2015-01-01T00:00:00Z
	careSeconds = 9 * 365 * 24 * 3600
)

// clinicZone gives the dateTimes their offset.
var clinicZone = time.FixedZone("", -5*3600)

// appendTo renders the resource as compact JSON. It allocates nothing when dst
// has room.
func (r *resource) appendTo(dst []byte) []byte {
	rng := random(r.seed)
	moment := time.Unix(epoch+int64(rng.below(careSeconds)), 0).In(clinicZone)
	for i := range templates[r.kind] {
		p := &templates[r.kind][i]
		dst = append(dst, p.text...)
		dst = p.slot.appendTo(dst, r, &rng, moment)
	}
	return dst
}

// appendTo renders what the slot stands for.
func (s *slot) appendTo(dst []byte, r *resource, rng *random, moment time.Time) []byte {
	switch s.op {
	case opID:
		if len(r.id) > 0 {
			dst = append(dst, `"id":"`...)
			dst = append(dst, r.id...)
			dst = append(dst, `",`...)
		}
	case opRef:
		dst = append(dst, r.refs[s.target]...)
	case opRevision:
		dst = strconv.AppendInt(dst, int64(r.revision), 10)
	case opColumn:
		dst = append(dst, s.row(r.seed)[s.column]...)
	case opBetween:
		row := s.row(r.seed)
		low, _ := strconv.ParseInt(row[s.column], 10, 64)
		high, _ := strconv.ParseInt(row[s.column+1], 10, 64)
		digits, _ := strconv.Atoi(row[s.column+2])
		dst = appendDecimal(dst, rng, low, high, digits)
	case opDecimal:
		dst = appendDecimal(dst, rng, s.low, s.high, s.digits)
	case opDigits:
		for range s.digits {
			dst = append(dst, '0'+byte(rng.below(10)))
		}
	case opUUID:
		dst = rng.appendUUID(dst)
	case opTime:
		dst = moment.Add(time.Duration(s.low)*time.Minute).AppendFormat(dst, time.RFC3339)
	case opInstant:
		dst = moment.Add(time.Duration(s.low)*time.Minute).AppendFormat(dst, "2006-01-02T15:04:05.000Z07:00")
	case opDay:
		dst = moment.AddDate(0, 0, int(s.low)).AppendFormat(dst, time.DateOnly)
	case opBirthDate:
		day := mix(r.seed, math.MaxUint16) % (80 * 365)
		dst = time.Unix(-1262304000+int64(day)*86400, 0).UTC().AppendFormat(dst, time.DateOnly) // from 1930
	}
	return dst
}

// row chooses the table's row for a resource: always the same for one seed and
// ordinal.
func (s *slot) row(seed uint64) []string {
	return s.table.rows[mix(seed, s.salt)%uint64(len(s.table.rows))]
}

// appendDecimal renders a number from low up to high with so many digits after
// the point.
func appendDecimal(dst []byte, rng *random, low, high int64, digits int) []byte {
	scale := int64(1)
	for range digits {
		scale *= 10
	}
	n := low*scale + int64(rng.below(uint64((high-low)*scale+1)))
	if n < 0 {
		dst = append(dst, '-')
		n = -n
	}
	dst = strconv.AppendInt(dst, n/scale, 10)
	if digits == 0 {
		return dst
	}
	dst = append(dst, '.')
	for rest := n % scale; scale > 1; {
		scale /= 10
		dst = append(dst, '0'+byte(rest/scale))
		rest %= scale
	}
	return dst
}

// bundleEntry renders one transaction entry that creates the resource under
// the given urn:uuid.
func (r *resource) appendEntry(dst, urn []byte) []byte {
	if !bytes.HasSuffix(dst, []byte{'['}) {
		dst = append(dst, ',')
	}
	dst = append(dst, `{"fullUrl":"`...)
	dst = append(dst, urn...)
	dst = append(dst, `","resource":`...)
	dst = r.appendTo(dst)
	dst = append(dst, `,"request":{"method":"POST","url":"`...)
	dst = append(dst, r.kind.typeName()...)
	return append(dst, `"}}`...)
}

// The frame of a transaction around its entries.
const (
	bundleOpen  = `{"resourceType":"Bundle","type":"transaction","entry":[`
	bundleClose = `]}`
)
