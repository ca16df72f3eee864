package patch

import (
	"runtime"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
)

// repeat writes a list of n texts.
func repeat(text string, n int) string {
	return "[" + strings.TrimSuffix(strings.Repeat(text+",", n), ",") + "]"
}

// TestLimits applies hostile patches: each is refused before it takes much time
// or memory.
func TestLimits(t *testing.T) {
	big := `{"resourceType":"Patient","name":[{"given":` + repeat(`"a"`, 300_000) + `}],"active":true}`
	huge := `{"resourceType":"Patient","name":[{"given":` + repeat(`"a"`, greatestOpened+1) + `}],"active":true}`
	path := func(n int, operation string) string {
		return parameters(strings.Split(strings.Repeat(operation+"\n", n), "\n")[:n]...)
	}
	insert := op("insert", "Patient.name.given", at("index", 0), with(`"valueString":"x"`))
	tests := []struct {
		name, patch, resource string
		kind                  domain.Kind
		want                  string
	}{
		{"copies of copies", repeat(`{"op":"copy","from":"/name","path":"/name/-"}`, 60), patientJSON, domain.TooCostly, "Operation "},
		{"copies of the resource", repeat(`{"op":"copy","from":"","path":"/name/-"}`, 60), patientJSON, domain.TooCostly, "Operation "},
		{"copies of copies without looking inside", repeat(`{"op":"copy","from":"/name/0/given","path":"/a"},{"op":"copy","from":"/name/0","path":"/name/0/b"}`, 60), big, domain.TooCostly, "the patch copies more than is permitted"},
		{"copies side by side", repeat(`{"op":"copy","from":"/name/0","path":"/name/-"}`, 1000), big, domain.TooCostly, "the patch copies more than is permitted: 4194304 bytes, or as much as the resource has."},
		{"inserts at the front", repeat(`{"op":"add","path":"/name/0/given/0","value":"x"}`, 2000), big, domain.TooCostly, "the patch costs too much on a resource of this size."},
		{"a list too long to be opened", `[{"op":"remove","path":"/name/0/given/7"}]`, huge, domain.TooCostly, "Operation 1 (remove, path /name/0/given/7): the patch reaches into lists that together have more than 4194304 elements."},
		{"a list too long beside what is patched", `[{"op":"remove","path":"/active"}]`, huge, 0, ""},
		{"an object deeper than can be read", repeat(`{"op":"move","from":"","path":""},{"op":"add","path":"/x","value":{}},{"op":"move","from":"/a","path":"/x/a"},{"op":"move","from":"/x","path":"/a"}`, 300), `{"a":{}}`, domain.Invalid, "The result of the patch cannot be stored: arrays and objects are nested too deeply"},
		{"too many operations", repeat(`{"op":"test","path":"","value":1}`, greatestOperations+1), patientJSON, domain.TooCostly, "The patch has 10001 operations; at most 10000 are taken at once."},
		{"many operations", repeat(`{"op":"replace","path":"/active","value":false}`, greatestOperations), patientJSON, 0, ""},

		{"FHIRPath: too many operations", path(greatestPaths+1, op("delete", "Patient.photo")), patientJSON, domain.TooCostly, "The patch has 1001 operations; at most 1000 are taken at once."},
		{"FHIRPath: many operations", path(greatestPaths, op("replace", "Patient.active", with(`"valueBoolean":true`))), patientJSON, 0, ""},
		{"FHIRPath: a costly path", parameters(op("delete", "Patient.descendants().where(%resource.descendants().where(%resource.descendants().exists($this = 1)).exists())")), big, domain.TooCostly, "FHIRPath, column"},
		{"FHIRPath: reading again and again", path(1000, insert), big, domain.TooCostly, "the patch costs too much"},
		{"FHIRPath: a list too long to be opened", parameters(add("Patient.name[0]", "given", `"valueString":"x"`)), huge, domain.TooCostly, "the patch reaches into lists"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			p, err := ParseJSON([]byte(test.patch))
			if strings.HasPrefix(test.patch, "{") {
				p, err = ParseFHIRPath(load(t, definitions.R4), parse(t, test.patch))
			}
			if err == nil {
				_, err = p.Apply(parse(t, test.resource))
			}
			runtime.ReadMemStats(&after)
			if kind, message := fault(t, err); kind != test.kind || !strings.Contains(message, test.want) {
				t.Errorf("kind %d, %q, want kind %d, %q", kind, message, test.kind, test.want)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 2<<30 {
				t.Errorf("it took %d MB", used>>20)
			}
		})
	}
}

// TestGrowth makes the largest copies that the limits permit, of a small and of a
// large resource.
func TestGrowth(t *testing.T) {
	copies := func(n int) string { return repeat(`{"op":"copy","from":"/a/0","path":"/a/-"}`, n) }
	for _, test := range []struct{ size, permitted int }{{1 << 16, 64}, {6 << 20, 1}} {
		resource := `{"a":["` + strings.Repeat("x", test.size-2) + `"]}`
		if got, err := applyJSON(t, copies(test.permitted), resource); err != nil || len(got) < test.size*(test.permitted+1) {
			t.Errorf("%d copies of %d bytes are refused: %v", test.permitted, test.size, err)
		}
		if _, err := applyJSON(t, copies(test.permitted+1), resource); domain.KindOf(err) != domain.TooCostly {
			t.Errorf("%d copies of %d bytes are not refused: %v", test.permitted+1, test.size, err)
		}
	}
}
