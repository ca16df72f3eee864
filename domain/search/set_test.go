package search

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
)

// notOfferedOf are the parameters of the specification that have an expression
// and are left out, with a part of the reason.
var notOfferedOf = map[definitions.Version]map[string]string{
	definitions.R4:  {},
	definitions.R4B: {},
	definitions.STU3: {
		"Location near":          "Location.position", // of type token; R4 made it special
		"Location near-distance": "Location.position",
	},
	definitions.R5: {
		"CareTeam date":                         `no element "start"`, // no branch of clinical-date is about CareTeam
		"EvidenceVariable topic":                "nothing about",      // no branch either
		"Composition section-text":              "Narrative",
		"Composition section-code-text":         "Narrative",
		"Device code-value-concept":             `no element "specification"`,
		"Location contains":                     "special", // needs geometry
		"Observation value-canonical":           "canonical",
		"Observation component-value-canonical": "canonical",
	},
}

func TestEveryParameterCompiles(t *testing.T) {
	for _, v := range definitions.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			set := loadSet(t, v)
			skipped := map[string]bool{}
			for _, s := range set.Skipped() {
				def, err := set.definitions.SearchParameter(s.URL)
				if err != nil {
					t.Fatal(err)
				}
				name := string(s.Resource) + " " + def.Code
				skipped[name] = true
				if want, known := notOfferedOf[v][name]; !known || !strings.Contains(s.Reason, want) {
					t.Errorf("%s is left out: %s", name, s.Reason)
				}
			}
			for name := range notOfferedOf[v] {
				if !skipped[name] {
					t.Errorf("%s is not left out", name)
				}
			}
			count := 0
			for _, resource := range set.definitions.Resources() {
				count += checkParameters(t, set, domain.ResourceType(resource), skipped)
			}
			t.Logf("%d parameters of types, %d left out", count, len(skipped))
		})
	}
}

// checkParameters checks what everybody relies on in the parameters of a type.
func checkParameters(t *testing.T, set *Set, resource domain.ResourceType, skipped map[string]bool) int {
	of := set.Of(resource)
	if !slices.IsSortedFunc(of, func(a, b *Parameter) int { return strings.Compare(a.Code, b.Code) }) {
		t.Errorf("the parameters of %s are not sorted", resource)
	}
	defs, err := set.definitions.SearchParameters(string(resource))
	if err != nil {
		t.Fatal(err)
	}
	for _, def := range defs {
		if def.Expression != "" && set.Find(resource, def.Code) == nil && !skipped[string(resource)+" "+def.Code] {
			t.Errorf("%s has no parameter %s", resource, def.Code)
		}
	}
	for _, p := range of {
		if set.Find(resource, p.Code) != p || p.Resource != resource || !slices.Contains(set.ByURL(p.URL), p) {
			t.Errorf("%s.%s is not found as itself", resource, p.Code)
		}
		if _, special := elsewhere[p.Code]; special {
			continue
		}
		if p.Slot < firstStandardSlot || p.Slot >= firstCustomSlot {
			t.Errorf("%s.%s has the slot %d", resource, p.Code, p.Slot)
		}
		if len(p.Yields) == 0 && p.program.late == nil {
			t.Errorf("%s.%s yields nothing", resource, p.Code)
		}
		if p.Type != ReferTo && len(p.Targets) > 0 {
			t.Errorf("%s.%s of type %s has the targets %v", resource, p.Code, p.Type, p.Targets)
		}
		if p.Narrow != "" && (len(p.Targets) != 1 || p.Targets[0] != p.Narrow) {
			t.Errorf("%s.%s is narrowed to %s of %v", resource, p.Code, p.Narrow, p.Targets)
		}
		if (p.Type == Composite) != (len(p.Components) > 1) {
			t.Errorf("%s.%s of type %s has %d components", resource, p.Code, p.Type, len(p.Components))
		}
		for _, c := range p.Components {
			if c.Type == "" || len(c.Yields) == 0 {
				t.Errorf("%s.%s has the component %+v", resource, p.Code, c)
			}
		}
	}
	return len(of)
}

func TestSlots(t *testing.T) {
	set := loadSet(t, definitions.R4)
	find := func(resource, code string) *Parameter {
		t.Helper()
		p := set.Find(domain.ResourceType(resource), code)
		if p == nil {
			t.Fatalf("%s has no %s", resource, code)
		}
		return p
	}
	patient, subject := find("Observation", "patient"), find("Observation", "subject")
	if patient.Slot != subject.Slot || patient.Narrow != "Patient" || subject.Narrow != "" || !slices.Equal(patient.Targets, []domain.ResourceType{"Patient"}) {
		t.Errorf("patient %d to %s of %v, subject %d", patient.Slot, patient.Narrow, patient.Targets, subject.Slot)
	}
	if own := find("AllergyIntolerance", "patient"); own.Narrow != "" || own.Slot == patient.Slot {
		t.Errorf("AllergyIntolerance.patient has slot %d, narrow %q", own.Slot, own.Narrow)
	}
	for _, code := range []string{"_tag", "_security", "_profile", "_source"} {
		if a, b := find("Patient", code), find("Observation", code); a.Slot != b.Slot || !a.Shared || !b.Shared {
			t.Errorf("%s has the slots %d and %d", code, a.Slot, b.Slot)
		}
	}
	if a, b := find("Patient", "identifier"), find("Observation", "identifier"); a.Slot == b.Slot || a.Shared {
		t.Errorf("identifier has the slot %d for both types", a.Slot)
	}
	for code, slot := range map[string]Slot{"_content": SlotContent, "_text": SlotText, "_id": 0, "_lastUpdated": 0} {
		if p := find("Patient", code); p.Slot != slot || p.program != nil {
			t.Errorf("%s has the slot %d", code, p.Slot)
		}
	}
	again := buildSet(t, definitions.R4)
	if again.Digest() != set.Digest() || len(set.Digest()) != 64 {
		t.Errorf("digests %s and %s", set.Digest(), again.Digest())
	}
	for _, resource := range set.definitions.Resources() {
		for _, p := range set.Of(domain.ResourceType(resource)) {
			if other := again.Find(p.Resource, p.Code); other.Slot != p.Slot {
				t.Errorf("%s.%s has slot %d, then %d", resource, p.Code, p.Slot, other.Slot)
			}
		}
	}
	if r5 := loadSet(t, definitions.R5); r5.Digest() == set.Digest() {
		t.Error("R4 and R5 have the same digest")
	}
}

// TestSlotsBelongToOneType checks that slots are shared only by parameters of
// one type, or by the same parameter of all.
func TestSlotsBelongToOneType(t *testing.T) {
	for _, v := range definitions.Versions() {
		set := loadSet(t, v)
		owner := map[Slot]string{}
		for _, resource := range set.definitions.Resources() {
			for _, p := range set.Of(domain.ResourceType(resource)) {
				if p.program == nil {
					continue
				}
				name := fmt.Sprint(p.Resource, " ", p.Type)
				if p.Shared {
					name = p.URL
				}
				if there := owner[p.Slot]; there != "" && there != name {
					t.Errorf("%s: slot %d is that of %s and of %s", v, p.Slot, there, name)
				}
				owner[p.Slot] = name
			}
		}
	}
}

func TestFindNothing(t *testing.T) {
	set := loadSet(t, definitions.R4)
	for _, name := range [][2]string{{"Patient", "nothing"}, {"Nothing", "code"}, {"", "code"}, {"patient", "name"}, {"Patient", "Name"}, {"Patient", ""}} {
		if p := set.Find(domain.ResourceType(name[0]), name[1]); p != nil {
			t.Errorf("Find(%q, %q) = %s", name[0], name[1], p.URL)
		}
	}
	var v Values
	for _, text := range []string{`{}`, `[]`, `5`, `{"resourceType":5}`, `{"resourceType":"Nothing","id":"x"}`} {
		set.Extract(&v, parseResource(t, text))
	}
}
