package registry

import (
	"fmt"
	"strings"
	"testing"

	"fhirlog/domain/search"
)

const (
	u1      = "http://a.example/SearchParameter/1"
	u2      = "http://a.example/SearchParameter/2"
	builtIn = "http://hl7.org/fhir/SearchParameter/individual-birthdate"
)

// TestStates: what becomes of a parameter, step by step. Each step ends with
// states that hold after it, "url: state".
func TestStates(t *testing.T) {
	for name, steps := range map[string][]string{
		"enabled by a reindex": {
			"put a U1 > U1: Supported", "reindex > U1: Supported", "run > U1: Supported", "complete > U1: Enabled",
		},
		"not enabled by a job that ends otherwise": {
			"put a U1", "reindex", "fail > U1: Supported", "reindex", "run", "cancel > U1: Supported", "reindex", "complete > U1: Enabled",
		},
		"deleted": {
			"put a U1", "reindex", "complete", "delete a > U1: PendingDelete", "reindex > U1: PendingDelete", "complete > U1: Deleted",
		},
		"erased": {
			"put a U1", "erase a > U1: PendingHardDelete", "reindex", "complete > U1: Deleted",
		},
		"deleted and then erased": {
			"put a U1", "delete a > U1: PendingDelete", "erase a > U1: PendingHardDelete", "reindex", "complete > U1: Deleted",
		},
		"disabled": {
			"put a U1", "reindex", "complete", "off U1 > U1: PendingDisable", "reindex", "complete > U1: Disabled",
		},
		"switched on again before the reindex": {
			"put a U1", "reindex", "complete", "off U1", "on U1 > U1: Supported", "reindex", "complete > U1: Enabled",
		},
		"switched on again after the reindex": {
			"put a U1", "off U1", "reindex", "complete > U1: Disabled", "on U1 > U1: Supported", "reindex", "complete > U1: Enabled",
		},
		"changed while it is disabled": {
			"put a U1", "off U1", `put a U1 code="other" > U1: PendingDisable`, "reindex", "complete > U1: Disabled",
			"on U1 > U1: Supported",
		},
		"deleted while it is disabled": {
			"put a U1", "off U1", "delete a > U1: PendingDelete", "reindex", "complete > U1: Deleted",
		},
		"deleted when it is out of the index": {
			"put a U1", "off U1", "reindex", "complete", "delete a > U1: Deleted",
		},
		"another expression": {
			"put a U1", "reindex", "complete", `put a U1 expression="Patient.name.family" > U1: Supported`, "reindex", "complete > U1: Enabled",
		},
		"another type": {
			"put a U1", "reindex", "complete", `put a U1 expression="Patient.gender" type="token" > U1: Supported`,
		},
		"another base": {
			"put a U1 expression=\"Patient.name.family|Person.name.family\"", "reindex", "complete",
			`put a U1 expression="Patient.name.family|Person.name.family" base=["Patient","Person"] > U1: Supported`,
		},
		"what the index does not depend on": {
			"put a U1", "reindex", "complete", `put a U1 description="x" > U1: Enabled`, `put a U1 code="other" > U1: Enabled`,
		},
		"another url": {
			"put a U1", "reindex", "complete", "put a U2 > U1: PendingDelete U2: Supported", "reindex", "complete > U1: Deleted U2: Enabled",
		},
		"another url while it is disabled": {
			"put a U1", "off U1", "put a U2 > U1: PendingDelete U2: Supported", "reindex", "complete > U1: Deleted U2: Enabled",
		},
		"defined anew": {
			"put a U1", "reindex", "complete", "delete a", "put b U1 > U1: Supported", "reindex", "complete > U1: Enabled", "delete b > U1: PendingDelete",
		},
		"defined while a job runs": {
			"put a U1", "reindex", "run", "put b U2 code=\"two\"", "complete > U1: Enabled U2: Supported",
		},
		"not usable": {
			`put a U1 expression="Patient.nonsense" > U1: Unsupported`, "reindex", "complete > U1: Unsupported",
			"put a U1 > U1: Supported", "reindex", "complete > U1: Enabled",
		},
		"not usable any more": {
			"put a U1", "reindex", "complete", `put a U1 expression="" > U1: Unsupported`, "off U1 > U1: Disabled", "on U1 > U1: Unsupported",
		},
		"one of the specification": {
			"off STD > STD: PendingDisable", "on STD > STD: Supported", "off STD", "reindex", "complete > STD: Disabled",
			"on STD > STD: Supported", "reindex", "complete > STD: Enabled",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t)
			set, err := search.NewSet(s.r.definitions, nil)
			if err != nil {
				t.Fatal(err)
			}
			replace := strings.NewReplacer("U1", u1, "U2", u2, "STD", builtIn)
			for _, step := range steps {
				do, expect, _ := strings.Cut(step, " > ")
				s.do(replace.Replace(do))
				states, err := s.r.States(set)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, state := range states {
					if strings.HasPrefix(state.URL, "http://a.example/") || strings.Contains(expect, "STD") && state.URL == builtIn {
						got = append(got, fmt.Sprintf("%s: %s", state.URL, state.Status))
					}
				}
				if want := replace.Replace(expect); want != "" && strings.Join(got, " ") != want {
					t.Fatalf("after %q: %q, want %q", do, strings.Join(got, " "), want)
				}
			}
		})
	}
}

// TestNumbersLive: which versions have entries under which number.
func TestNumbersLive(t *testing.T) {
	s := newScript(t)
	s.at = 10
	s.do("put a " + u1)
	s.at = 20
	n := s.r.Number(1)
	check := func(when string, want ...bool) {
		t.Helper()
		n := s.r.Number(1)
		for i, position := range []uint64{0, 9, 10, 19, 25, 30, 40} {
			if got := n != nil && n.Extracts(position); got != want[i] {
				t.Errorf("%s: Extracts(%d) = %t, want %t", when, position, got, want[i])
			}
		}
	}
	if n == nil || len(s.r.InForce()) != 1 {
		t.Fatalf("InForce: %v", s.r.InForce())
	}
	check("pending", false, false, true, true, true, true, true)
	s.do("reindex")
	s.do("complete")
	check("complete", true, true, true, true, true, true, true)
	s.at = 30
	s.do("delete a")
	check("deleted", true, true, true, true, true, false, false)
	if len(s.r.InForce()) != 0 {
		t.Errorf("a deleted parameter is in force: %v", s.r.InForce())
	}
	s.do("reindex")
	s.do("complete")
	check("gone", false, false, false, false, false, false, false)
}

// TestNumbersDoNotDependOnBodies: what was erased counts as well.
func TestNumbersDoNotDependOnBodies(t *testing.T) {
	whole, partly := newScript(t), newScript(t)
	for _, s := range []*script{whole, partly} {
		body := parameter(u2, "code", `"two"`)
		if s == partly {
			body = nil
		}
		s.apply(written("gone"), body)
		s.do("erase gone")
		s.do("put a " + u1)
	}
	if w, p := whole.r.Resources["a"].Number, partly.r.Resources["a"].Number; w != p || w != 2 {
		t.Errorf("the number is %d, and %d where an earlier body was erased; want 2", w, p)
	}
}

func TestApplyingAgainChangesNothing(t *testing.T) {
	s := newScript(t)
	s.do("put a " + u1)
	e := written("b")
	for position := range s.at {
		again, err := s.r.Apply(position, 5, &e, parameter(u2))
		if err != nil || again != s.r {
			t.Errorf("Apply(%d) again: %v, %v", position, again, err)
		}
	}
}

// TestOldRegistriesStayAsTheyAre: others still read them.
func TestOldRegistriesStayAsTheyAre(t *testing.T) {
	s := newScript(t)
	var before []*Registry
	var looks []string
	look := func(r *Registry) string {
		text := fmt.Sprint(r.Through, r.Last, r.Gone, r.Standard)
		for _, id := range r.ids() {
			text += fmt.Sprintf(" %s %+v", id, *r.Resources[id])
		}
		for _, n := range r.Numbers {
			text += fmt.Sprintf(" %+v", *n)
		}
		for _, j := range r.Jobs {
			text += fmt.Sprintf(" %+v", *j)
		}
		return text
	}
	for _, step := range []string{
		"put a " + u1, `put b ` + u2 + ` code="two"`, "off " + u2, "off " + builtIn, "reindex", "run", "complete",
		`put a ` + u1 + ` expression="Patient.name.family"`, "on " + u2, "delete a", "erase a", "put b " + u1, "reindex", "cancel",
	} {
		before, looks = append(before, s.r), append(looks, look(s.r))
		s.do(step)
	}
	for i, r := range before {
		if now := look(r); now != looks[i] {
			t.Errorf("the registry after %d steps has changed:\n%s\nwas\n%s", i, now, looks[i])
		}
	}
}
