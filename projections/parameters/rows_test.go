package parameters

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"fhirlog/domain/definitions"
	"fhirlog/domain/event"
	"fhirlog/domain/registry"
	"fhirlog/projections/keys"
	"fhirlog/projections/store/storetest"
)

func load(t testing.TB) *definitions.Definitions {
	t.Helper()
	d, err := definitions.Load(definitions.R4)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// lives is a registry with one of everything, step by step.
func lives(t *testing.T) (steps []*registry.Registry) {
	r := registry.New(load(t))
	position := uint64(0)
	apply := func(e event.Event, body string) {
		t.Helper()
		after, err := r.Apply(position, int64(100+position), &e, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		r, position = after, position+1
		steps = append(steps, r)
	}
	parameter := func(id, code, expression string) {
		t.Helper()
		apply(event.Event{Kind: event.Written, Type: "SearchParameter", ID: "id"}, fmt.Sprintf(
			`{"resourceType":"SearchParameter","url":"http://a.example/%s","code":%q,"base":["Patient"],"type":"string","expression":%q,
			"multipleOr":false,"comparator":["eq"],"target":["Group"],"xpathUsage":"other","component":[{"definition":"d","expression":"e"}]}`, id, code, expression))
	}
	job := func(state registry.JobState) {
		t.Helper()
		j := r.Active()
		if j == nil {
			j, _ = r.NewReindex(fmt.Sprint("job", position), registry.ReindexRequest{Limits: registry.Limits{PerQuery: 3}})
		}
		changed := *j
		changed.State, changed.Total, changed.Done = state, 10, 9
		if state == registry.Failed {
			changed.Failure = "why"
		}
		body, err := changed.Body()
		if err != nil {
			t.Fatal(err)
		}
		apply(event.Event{Kind: event.JobChanged, ID: "job" + "", Interaction: event.Administer}, string(body))
	}
	parameter("one", "one", "Patient.name.given")
	parameter("one", "one", "Patient.nonsense")
	parameter("two", "two", "Patient.name.given")
	apply(event.Event{Kind: event.ParameterStatus}, `{"http://a.example/two":"Disabled","http://hl7.org/fhir/SearchParameter/individual-birthdate":"Disabled"}`)
	job(registry.Queued)
	job(registry.Running)
	job(registry.Failed)
	apply(event.Event{Kind: event.ParameterStatus}, `{"http://a.example/two":"Supported"}`)
	parameter("three", "three", "Patient.name.given")
	job(registry.Queued)
	job(registry.Completed)
	apply(event.Event{Kind: event.Deleted, Type: "SearchParameter", ID: "id"}, "")
	return steps
}

// TestWhatIsSavedIsReadBack, at each step, whether the rows were written step by
// step or at once.
func TestWhatIsSavedIsReadBack(t *testing.T) {
	s := storetest.New(t)
	rows, r, same, err := Open(s, load(t))
	if err != nil || !same || r.Through != 0 {
		t.Fatalf("Open of nothing: %+v, %t, %v", r, same, err)
	}
	for i, step := range lives(t) {
		b := s.NewBatch()
		if err := rows.Save(b, step); err != nil {
			t.Fatal(err)
		}
		if err := b.Commit(); err != nil {
			t.Fatal(err)
		}
		_, r, same, err := Open(s, load(t))
		if err != nil || !same {
			t.Fatalf("step %d: Open: %t, %v", i, same, err)
		}
		want, err := encode(step)
		if err != nil {
			t.Fatal(err)
		}
		got, err := encode(r)
		if err != nil || !maps.Equal(got, want) {
			t.Fatalf("step %d: read back as\n%v\n%v\nwant\n%v", i, got, err, want)
		}
		fresh := storetest.New(t)
		atOnce, _, _, err := Open(fresh, load(t))
		if err != nil {
			t.Fatal(err)
		}
		b = fresh.NewBatch()
		if err := errors.Join(atOnce.Save(b, step), b.Commit()); err != nil {
			t.Fatal(err)
		}
		if a, b := storetest.Contents(t, s), storetest.Contents(t, fresh); !maps.Equal(a, b) {
			t.Fatalf("step %d: step by step there are %d rows, at once %d, or others", i, len(a), len(b))
		}
	}
}

// TestRowsAboutTheFolder: how far numbers are filled, and which are unclean.
func TestRowsAboutTheFolder(t *testing.T) {
	s := storetest.New(t)
	rows, _, _, err := Open(s, load(t))
	if err != nil {
		t.Fatal(err)
	}
	b := s.NewBatch()
	rows.Fill(b, 7, 3)
	rows.Fill(b, 7, 2)
	rows.Fill(b, 8, 1)
	rows.Soil(b, 8)
	rows.Soil(b, 5)
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	for _, which := range []string{"as it was", "opened again"} {
		if rows.Filled(7) != 3 || rows.Filled(8) != 1 || rows.Filled(9) != 0 || !slices.Equal(rows.Unclean(), []uint32{5, 8}) {
			t.Errorf("%s: filled %d, %d, %d; unclean %v", which, rows.Filled(7), rows.Filled(8), rows.Filled(9), rows.Unclean())
		}
		if rows, _, _, err = Open(s, load(t)); err != nil {
			t.Fatal(err)
		}
	}
	rows.Clear(b, 8)
	rows.Clear(b, 5)
	rows.Clear(b, 7)
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	if left := storetest.Contents(t, s); len(left) != 0 || len(rows.Unclean()) != 0 || rows.Filled(7) != 0 {
		t.Errorf("%d rows are left: %v", len(left), left)
	}
}

// TestDamagedRowsAreErrors instead of another registry.
func TestDamagedRowsAreErrors(t *testing.T) {
	for key, value := range map[string]string{
		"": "", "h": "{", "n\x00\x00\x00\x01": "7", "n\x00\x00\x00\x02": `{"definition":7}`, "rid": "[]", "g": "{}", "j": "x", "f\x00": "1234",
		"f\x00\x00\x00\x01": "1", "c": "", "?": "",
	} {
		s := storetest.New(t)
		b := s.NewBatch()
		b.Put(append([]byte{keys.RegistryFamily}, key...), []byte(value))
		if err := b.Commit(); err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := Open(s, load(t)); !errors.Is(err, errDamaged) {
			t.Errorf("row %q = %q: %v", key, value, err)
		}
	}
}

// TestAnotherUsabilityIsTold: the index must be computed anew.
func TestAnotherUsabilityIsTold(t *testing.T) {
	s := storetest.New(t)
	b := s.NewBatch()
	b.Put([]byte("qn\x00\x00\x00\x01"), []byte(`{"number":1,"id":"a","from":0,"definition":{"url":"http://a.example/x","code":"x","type":"string","base":["Patient"],"expression":"Patient.nonsense"}}`))
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	_, r, same, err := Open(s, load(t))
	if err != nil || same || r.Number(1).Fault == "" {
		t.Errorf("a number that has become unusable: %t, %v", same, err)
	}
}
