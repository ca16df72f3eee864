package commit

import (
	"context"
	"fmt"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/event"
	"fhirlog/domain/patch"
	"fhirlog/domain/resource"
	"fhirlog/domain/search"
	"fhirlog/eventlog"
)

// sink is a Log that forgets and a State that knows only what its searches find:
// what remains is the work of a commit itself. It is used by one goroutine.
type sink struct {
	next  uint64
	set   *search.Set
	found []search.Found
	// What Read returns.
	metadata, body []byte
}

func newSink(found []search.Found, body string, metaAt int) *sink {
	e := event.Event{Kind: event.Written, Interaction: event.Update, Type: "Patient", ID: "1", Version: 1, Previous: event.NoPosition, MetaAt: metaAt}
	return &sink{set: parameters(), found: found, metadata: e.Append(nil), body: []byte(body)}
}

func (k *sink) Next() eventlog.Position                   { return eventlog.Position(k.next) }
func (k *sink) Pack(bodies [][]byte) *eventlog.Packed     { return &eventlog.Packed{} }
func (k *sink) Applied() uint64                           { return k.next }
func (k *sink) Parameters() *search.Set                   { return k.set }
func (k *sink) WaitApplied(context.Context, uint64) error { return nil }

func (k *sink) Append(_ context.Context, b eventlog.Batch) (eventlog.Appended, error) {
	a := eventlog.Appended{First: eventlog.Position(k.next), Count: len(b.Metadata)}
	k.next += uint64(a.Count)
	return a, nil
}

func (k *sink) Read(eventlog.Position) (eventlog.Record, error) {
	return eventlog.Record{Metadata: k.metadata, Body: k.body}, nil
}

func (k *sink) Current(domain.ResourceType, domain.LogicalID, uint64) (resource.State, error) {
	return resource.State{Exists: len(k.found) > 0, Version: 1}, nil
}

func (k *sink) Find(context.Context, *search.Query, uint64, int) ([]search.Found, error) {
	return k.found, nil
}

func (k *sink) Include(context.Context, search.IncludeRequest) (search.Included, error) {
	return search.Included{}, nil
}

// observation is an invented laboratory result of about 1 kB.
func observation(subject string) string {
	return fmt.Sprintf(`{"resourceType":"Observation","meta":{"profile":["http://example.org/fhir/StructureDefinition/lab"]},`+
		`"identifier":[{"system":"https://lab.example.org/results","value":"R-000001"}],"status":"final",`+
		`"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory","display":"Laboratory"}]}],`+
		`"code":{"coding":[{"system":"http://loinc.org","code":"2339-0","display":"Glucose [Mass/volume] in Blood"}],"text":"Glucose"},`+
		`"subject":{"reference":%q,"display":"Zoé Müller"},"encounter":{"reference":"Encounter/e-1"},`+
		`"effectiveDateTime":"2024-03-01T08:30:00+01:00","issued":"2024-03-01T09:15:27.120+01:00",`+
		`"valueQuantity":{"value":61.01,"unit":"mg/dL","system":"http://unitsofmeasure.org","code":"mg/dL"},`+
		`"referenceRange":[{"low":{"value":70.0,"unit":"mg/dL"},"high":{"value":99.0,"unit":"mg/dL"},"text":"70 - 99 \"fasting\""}]}`, subject)
}

const benchPatient = `{"resourceType":"Patient","identifier":[{"system":"https://p.example.org","value":"1"}],"active":true,` +
	`"name":[{"family":"Example","given":["Anna","Maria"]}],"gender":"female","birthDate":"1980-02-03",` +
	`"address":[{"line":["1 Street"],"city":"Town","postalCode":"12345","country":"DE"}]}`

// BenchmarkCommit reports what a commit costs beside parsing, storing and
// waiting: alone as in W1, and small and large transactions as in W8 and W2.
func BenchmarkCommit(b *testing.B) {
	d, err := definitions.Load(definitions.R4)
	if err != nil {
		b.Fatal(err)
	}
	single := []Command{create(b, "Observation", observation("Patient/1"))}
	transaction := func(n int) []Command {
		commands := make([]Command, 0, n)
		p := create(b, "Patient", benchPatient)
		p.FullURL = "urn:uuid:00000000-0000-4000-8000-000000000001"
		commands = append(commands, p)
		for len(commands) < n {
			commands = append(commands, create(b, "Observation", observation(p.FullURL)))
		}
		return commands
	}
	for _, c := range []struct {
		name     string
		commands []Command
	}{
		{"create", single},
		{"transaction_2", transaction(2)},
		{"transaction_300", transaction(300)},
	} {
		b.Run(c.name, func(b *testing.B) { benchmarkCommit(b, d, c.commands, nil) })
	}
}

// BenchmarkConditional is BenchmarkCommit of conditional forms that find what
// they look for.
func BenchmarkConditional(b *testing.B) {
	found := []search.Found{{Type: "Patient", ID: "1"}}
	update := Command{
		Interaction: event.Update, Type: "Patient", Resource: parse(b, benchPatient),
		Criteria: query(b, "Patient", "identifier", "https://p.example.org|1"),
	}
	commands := make([]Command, 300)
	for i := range commands {
		commands[i] = create(b, "Observation", observation(fmt.Sprintf("Patient?identifier=https://p.example.org|%d", i%50)))
	}
	b.Run("update", func(b *testing.B) { benchmarkCommit(b, r4(), []Command{update}, found) })
	b.Run("references_300", func(b *testing.B) { benchmarkCommit(b, r4(), commands, found) })
}

// BenchmarkPatch is a patch of one field of an observation of 1 kB, read and
// committed: what a PATCH costs beside HTTP, the state and the log.
func BenchmarkPatch(b *testing.B) {
	tree := parse(b, observation("Patient/1"))
	body, metaAt := resource.AppendStored(nil, tree, "1", nil)
	k := newSink([]search.Found{{}}, string(body), metaAt)
	s := New(k, k, r4(), Options{})
	n := 0
	run := func(name, document string, read func(document string) (patch.Patch, error)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n++
				p, err := read(fmt.Sprintf(document, n%1000))
				if err == nil {
					_, err = s.Commit(b.Context(), Caller{}, []Command{{Interaction: event.Patch, Type: "Observation", ID: "1", Patch: p}})
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("JSON", `[{"op":"replace","path":"/valueQuantity/value","value":%d}]`, func(document string) (patch.Patch, error) { return patch.ParseJSON([]byte(document)) })
	run("FHIRPath", `{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"replace"},`+
		`{"name":"path","valueString":"Observation.value.value"},{"name":"value","valueDecimal":%d}]}]}`,
		func(document string) (patch.Patch, error) { return patch.ParseFHIRPath(r4(), parse(b, document)) })
}

func benchmarkCommit(b *testing.B, d *definitions.Definitions, commands []Command, found []search.Found) {
	k := newSink(found, "{}", 0)
	s := New(k, k, d, Options{})
	size := 0
	for i := range commands {
		size += len(commands[i].Resource.Raw())
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Commit(b.Context(), Caller{RequestID: "request"}, commands); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(commands)), "ns/resource")
}
