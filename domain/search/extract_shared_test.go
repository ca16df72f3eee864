package search

import (
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/publicdata"
)

// TestSharedExamples extracts HL7's examples and checks the form of every
// entry. It logs the parameters that no example has a value of.
func TestSharedExamples(t *testing.T) {
	for _, v := range definitions.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			set := loadSet(t, v)
			used := map[Slot]bool{}
			entries := 0
			publicdata.EachExample(t, v, func(name string, text []byte) {
				document, err := fhirjson.Parse(text, fhirjson.Limits{})
				if err != nil {
					return // a fault of the example, which domain/validate names
				}
				for _, e := range checkEntries(t, set, name, document.Root()) {
					used[SlotOf(e.Key)] = true
					entries++
				}
			})
			slots := map[Slot]bool{}
			for _, resource := range set.definitions.Resources() {
				for _, p := range set.Of(domain.ResourceType(resource)) {
					slots[p.Slot] = true
				}
			}
			t.Logf("%d entries; %d of %d slots have values", entries, len(used), len(slots))
		})
	}
}

// components is how many components the value part of a key has; a composite
// has more than its parts.
func checkEntries(t *testing.T, set *Set, name string, resource fhirjson.Value) []Entry {
	t.Helper()
	typ := domain.ResourceType(resource.Get("resourceType").String())
	of := map[Slot]*Parameter{}
	for _, p := range set.Of(typ) {
		of[p.Slot] = p
	}
	seen := map[string]bool{}
	all := extractAll(set, resource)
	for _, e := range all {
		whole := string(e.Key) + "\xff" + string(e.Target)
		if e.Kind == Column {
			whole += string(AppendInt64Component(AppendInt64Component(nil, e.Low), e.High))
		}
		if seen[whole] {
			t.Errorf("%s: the entry %q is there twice", name, e.Key)
		}
		seen[whole] = true
		if e.Kind == Column && e.Low > e.High && of[SlotOf(e.Key)].Code != "near" {
			t.Errorf("%s: %q is from %d to %d", name, e.Key, e.Low, e.High)
		}
		slot := SlotOf(e.Key)
		p := of[slot]
		if slot <= SlotText {
			continue
		}
		if p == nil {
			t.Errorf("%s: %q is of no parameter", name, e.Key)
			continue
		}
		if got, want := countComponents(ValueOf(e.Key)), wantComponents(p, AspectOf(e.Key)); got != want && want >= 0 {
			t.Errorf("%s: %s.%s: %s has %d components, want %d", name, typ, p.Code, describe(p.Type, e), got, want)
		}
		if len(e.Key) > 4*MaxKeyText {
			t.Errorf("%s: a key of %d bytes", name, len(e.Key))
		}
	}
	return all
}

func countComponents(value []byte) int {
	n := 0
	for {
		_, rest, ok := CutComponent(value)
		if !ok {
			return n
		}
		value, n = rest, n+1
	}
}

func wantComponents(p *Parameter, a Aspect) int {
	switch a {
	case AspectPresent:
		if p.Type == ReferTo {
			return 1
		}
		return 0
	case AspectSystem, AspectText:
		return 1
	case AspectIdentifier:
		return 2
	case AspectOfType:
		return 3
	case AspectForward:
		return 0
	}
	switch p.Type {
	case String, Token, URI:
		return 2
	case ReferTo, Quantity:
		return 3
	case Composite:
		return -1
	}
	return 0
}

// BenchmarkSynthea makes the index values of Synthea's Observations.
func BenchmarkSynthea(b *testing.B) {
	set := loadSet(b, definitions.R4)
	for _, name := range []string{"Observation", "Patient", "Encounter", "Condition", "Claim", "ExplanationOfBenefit"} {
		b.Run(name, func(b *testing.B) {
			var resources []fhirjson.Value
			publicdata.EachLine(b, publicdata.Path(b, "synthea", "dev", "bulk-r4-2021-uscore", name+".ndjson.gz"), func(line []byte) bool {
				resources = append(resources, parseResource(b, string(line)))
				return len(resources) < 500
			})
			benchmarkExtract(b, set, resources)
		})
	}
}
