package profile

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
)

// within fails a test that takes too long: what clients write must not keep the
// server busy.
func within(t *testing.T, limit time.Duration, act func()) {
	t.Helper()
	start := time.Now()
	act()
	if took := time.Since(start); took > limit {
		t.Errorf("took %v, more than %v", took, limit)
	}
}

func TestHostileDefinitions(t *testing.T) {
	many := func(n int, element func(i int) string) string {
		var list []string
		for i := range n {
			list = append(list, element(i))
		}
		return strings.Replace(constrain("p", "Patient", "Patient"), `"element":[]`, `"element":[`+strings.Join(list, ",")+`]`, 1)
	}
	t.Run("too many elements", func(t *testing.T) {
		va, _ := newValidator(t, definitions.R4, many(mostElements+1, func(int) string { return `{"path":"Patient.name"}` }))
		expect(t, va, patient(``), []string{here + "p"}, "error invalid Patient: *has more than 10000 elements")
	})
	t.Run("as many slices as possible", func(t *testing.T) {
		va, _ := newValidator(t, definitions.R4, many(mostElements/2-1, func(i int) string {
			if i == 0 {
				return `{"path":"Patient.identifier",` + sliced("value", "system") + `}`
			}
			return fmt.Sprintf(`{"path":"Patient.identifier","sliceName":"s%d","max":"1"},{"path":"Patient.identifier.system","fixedUri":"urn:%[1]d"}`, i)
		}))
		var identifiers []string
		for i := range 10_000 {
			identifiers = append(identifiers, fmt.Sprintf(`{"system":"urn:x%d"}`, i))
		}
		resource := patient(`"identifier":[` + strings.Join(identifiers, ",") + `]`)
		within(t, 20*time.Second, func() {
			_, err := va.Validate(t.Context(), parse(t, resource), []string{here + "p"})
			if domain.KindOf(err) != domain.TooCostly {
				t.Errorf("got %v, want the error that it is too costly", err)
			}
		})
	})
	t.Run("a deep element", func(t *testing.T) {
		va, _ := newValidator(t, definitions.R4, many(1, func(int) string { return `{"path":"Patient` + strings.Repeat(".extension", 50) + `","min":1}` }))
		expect(t, va, patient(``), []string{here + "p"}, "error invalid Patient: *an element deeper than 40")
	})
	t.Run("a long chain of bases", func(t *testing.T) {
		var all []string
		for i := range longestChain + 2 {
			all = append(all, constrain(fmt.Sprintf("p%d", i), "Patient", fmt.Sprintf("p%d", i+1)))
		}
		va, _ := newValidator(t, definitions.R4, all...)
		expect(t, va, patient(``), []string{here + "p0"}, "error invalid Patient: *derived in more than 32 steps")
	})
	t.Run("profiles in a circle", func(t *testing.T) {
		element := func(other string) string {
			return `"type":[{"code":"Extension","profile":["` + here + other + `"]}]`
		}
		va, _ := newValidator(t, definitions.R4,
			constrain("p", "Extension", "Extension", "Extension", element("q"), "Extension.extension", element("q")),
			constrain("q", "Extension", "Extension", "Extension", element("p"), "Extension.extension", element("p")))
		nested := `{"url":"` + here + `p","valueString":"x"}`
		for range 40 {
			nested = `{"url":"` + here + `p","extension":[` + nested + `]}`
		}
		within(t, 5*time.Second, func() {
			if _, err := va.Validate(t.Context(), parse(t, patient(`"extension":[`+nested+`]`)), nil); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("profiles that try each other", func(t *testing.T) {
		var all []string
		for i := range 30 {
			next := fmt.Sprintf(`"%sp%d","%[1]sq%[2]d"`, here, i+1)
			for _, name := range []string{"p", "q"} {
				all = append(all, constrain(fmt.Sprintf("%s%d", name, i), "Extension", "Extension", "Extension", `"type":[{"code":"Extension","profile":[`+next+`]}]`, "Extension.extension", `"type":[{"code":"Extension","profile":[`+next+`]}]`))
			}
		}
		all = append(all, constrain("p30", "Extension", "Extension", "Extension.id", `"min":1`), constrain("q30", "Extension", "Extension", "Extension.id", `"min":1`))
		va, _ := newValidator(t, definitions.R4, all...)
		nested := `{"url":"u","valueString":"x"}`
		for range 30 {
			nested = `{"url":"` + here + `p0","extension":[` + nested + `]}`
		}
		within(t, 10*time.Second, func() {
			issues, err := va.Validate(t.Context(), parse(t, patient(`"extension":[`+nested+`]`)), nil)
			if err != nil || len(issues) == 0 {
				t.Error(told(issues), err)
			}
		})
	})
	t.Run("rules without end", func(t *testing.T) {
		rules := `"constraint":[`
		for i := range 1000 {
			rules += fmt.Sprintf(`{"key":"k%d","severity":"error","human":"h","expression":"%%resource.descendants().where(%%resource.descendants().where($this = %%context).exists()).count() > -1"},`, i)
		}
		va, _ := newValidator(t, definitions.R4, constrain("p", "Patient", "Patient", "Patient.name", strings.TrimSuffix(rules, ",")+"]"))
		names := strings.TrimSuffix(strings.Repeat(`{"text":"a"},`, 1000), ",")
		within(t, 20*time.Second, func() {
			_, err := va.Validate(t.Context(), parse(t, patient(`"name":[`+names+`]`)), []string{here + "p"})
			if domain.KindOf(err) != domain.TooCostly {
				t.Errorf("got %v, want the error that it is too costly", err)
			}
		})
	})
	t.Run("profiles that are not there", func(t *testing.T) {
		va, s := newValidator(t, definitions.R4)
		var urls []string
		for i := range 100_000 {
			urls = append(urls, fmt.Sprintf(`"u:%d"`, i))
		}
		_, err := va.Validate(t.Context(), parse(t, patient(`"meta":{"profile":[`+strings.Join(urls, ",")+`]}`)), nil)
		if domain.KindOf(err) != domain.TooCostly || s.finds.Load() > 10_000 {
			t.Errorf("got %v after %d searches, want the error that it is too costly", err, s.finds.Load())
		}
	})
	t.Run("more issues than anyone reads", func(t *testing.T) {
		va, _ := newValidator(t, definitions.R4, constrain("p", "Patient", "Patient", "Patient.name.family", `"min":1`))
		issues, err := va.Validate(t.Context(), parse(t, patient(`"name":[`+strings.TrimSuffix(strings.Repeat(`{"text":"a"},`, 5000), ",")+`]`)), []string{here + "p"})
		if err != nil || len(issues) != mostIssues {
			t.Errorf("got %d issues, %v, want %d", len(issues), err, mostIssues)
		}
	})
}

func TestCancelled(t *testing.T) {
	va, _ := newValidator(t, definitions.R4, clinicDefinitions()...)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	big := resourceOf("Bundle", `"entry":[`+strings.TrimSuffix(strings.Repeat(`{"resource":`+clinicPatient()+`},`, 100), ",")+`]`)
	if _, err := va.Validate(ctx, parse(t, big), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was cancelled", err)
	}
	expect(t, va, clinicPatient(), nil) // nothing wrong was kept
}

// TestLost lets the library fail for a while, in words that a client may hear.
func TestLost(t *testing.T) {
	va, s := newValidator(t, definitions.R4, constrain("p", "Patient", "Patient", "Patient.maritalStatus", `"binding":{"strength":"required","valueSet":"http://example.org/ValueSet/v"}`))
	married := patient(`"maritalStatus":{"text":"x"}`)
	for range 2 { // without the profile, then without the value set
		s.lost = domain.NewError(domain.Unavailable, "too much at once")
		if _, err := va.Validate(t.Context(), parse(t, married), []string{here + "p"}); domain.KindOf(err) != domain.Unavailable {
			t.Errorf("got %v, want %v", err, s.lost)
		}
		s.lost = nil
		expect(t, va, patient(``), []string{here + "p"})
	}
	expect(t, va, married, []string{here + "p"}, "warning not-supported ")
}

// TestForgetting lets clients ask for more profiles than are kept.
func TestForgetting(t *testing.T) {
	va, _ := newValidator(t, definitions.R4, constrain("p", "Patient", "Patient", "Patient.name", `"min":1`))
	for i := 0; i < mostKept+100; i += 100 { // no more than one validation may look up
		var urls []string
		for j := range 100 {
			urls = append(urls, fmt.Sprintf(`"urn:x:%d"`, i+j))
		}
		if _, err := va.Validate(t.Context(), parse(t, patient(`"meta":{"profile":[`+strings.Join(urls, ",")+`]}`)), nil); err != nil {
			t.Fatal(err)
		}
	}
	if k := va.known.Load(); len(k.profiles) > mostKept {
		t.Errorf("%d definitions are kept", len(k.profiles))
	}
	expect(t, va, patient(``), []string{here + "p"}, "error required Patient.name: ")
}

func TestConcurrentUse(t *testing.T) {
	va, _ := newValidator(t, definitions.R4, clinicDefinitions()...)
	resource := parse(t, clinicPatient())
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				issues, err := va.Validate(context.Background(), resource, []string{here + "p"})
				if err != nil || len(issues) > 0 {
					t.Error(told(issues), err)
					return
				}
			}
		})
	}
	all.Wait()
}
