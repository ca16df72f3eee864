package projections_test

import (
	"slices"
	"strings"
	"testing"

	"fhirlog/domain/commit"
	"fhirlog/domain/event"
	"fhirlog/domain/registry"
)

// definition is one that a random client gives the parameter nick, with what it
// finds.
type definition struct {
	typ, expression string
	value           func(m *parameterMachine) string
	holds           func(v *patient, value string) bool
}

var randomDefinitions = []definition{
	{"string", "Patient.name.given", (*parameterMachine).name, func(v *patient, value string) bool { return given(value)(v) }},
	{"string", "Patient.name.given[0]", (*parameterMachine).name, func(v *patient, value string) bool { return v.given[0] == value }},
	{"date", "Patient.birthDate", func(m *parameterMachine) string {
		if len(m.versions) == 0 {
			return "1950"
		}
		return m.versions[m.rand.IntN(len(m.versions))].born
	}, func(v *patient, value string) bool { return v.born == value }},
}

// client is what a random client has done to the parameter nick.
type client struct {
	*parameterMachine
	defined *definition // nil: it is not there
	off     bool
	state   registry.Status
	from    uint64 // versions from here on are indexed in any case
}

// TestRandomClientsOfOneParameter: definitions, deletions, switches, jobs that
// end, are canceled or interrupted, restarts with the folder as it is or as it was
// before, and writes all the while. What the parameter finds, now and at any time
// before, is what the list of versions says; in the end a rebuild gives the same
// keys and values.
func TestRandomClientsOfOneParameter(t *testing.T) {
	rounds := 2
	if testing.Short() {
		rounds = 1
	}
	for range rounds * effort(t) {
		c := &client{parameterMachine: newParameterMachine(t)}
		t.Logf("seed %d", c.seed)
		c.patients(30)
		old, oldSteps := c.saved(), 0
		for step := range 45 {
			c.step()
			c.check()
			switch n := c.rand.IntN(30); {
			case n == 0:
				old, oldSteps = c.saved(), step
			case n == 1 && step > oldSteps:
				c.rewind(old)
				c.check()
			case n < 4:
				c.restart()
				c.check()
			}
		}
		c.reindex()
		c.settled()
		c.check()
		c.checkRebuild()
		c.check()
		c.stop()
	}
}

func (c *client) step() {
	c.t.Helper()
	switch n := c.rand.IntN(14); {
	case n < 5:
		c.patients(1 + c.rand.IntN(40))
	case n == 5:
		c.erase()
	case n < 8:
		d := &randomDefinitions[c.rand.IntN(len(randomDefinitions))]
		same := c.defined != nil && c.defined.expression == d.expression
		c.define(d.typ, d.expression)
		if c.defined = d; !same && !c.off {
			c.state, c.from = registry.Supported, c.projections.Applied()-1
		}
	case n == 8 && c.defined != nil:
		c.commit(commit.Command{Interaction: []event.Interaction{event.Delete, event.HardDelete}[c.rand.IntN(2)], Type: "SearchParameter", ID: "nick"})
		c.defined, c.off, c.state = nil, false, ""
	case n == 9 && c.defined != nil:
		to := registry.Disabled
		if c.off {
			to = registry.Supported
		}
		if _, err := c.commits.SwitchParameters(c.t.Context(), commit.Caller{}, []registry.StatusChange{{URL: nickURL, Status: to}}); err != nil {
			c.t.Fatal(err)
		}
		if c.off = !c.off; !c.off {
			c.state, c.from = registry.Supported, c.projections.Applied()-1
		}
	case n < 12:
		c.reindex()
		c.settled()
	case n == 12: // a job that a restart interrupts
		job, err := c.commits.Reindex(c.t.Context(), commit.Caller{}, registry.ReindexRequest{Limits: registry.Limits{DelayMillis: 20}})
		if err != nil {
			c.t.Fatal(err)
		}
		c.restart()
		c.awaitJob(job.ID)
		c.settled()
	case n == 13: // a job that is canceled, unless it is too fast for that
		job, err := c.commits.Reindex(c.t.Context(), commit.Caller{}, registry.ReindexRequest{})
		if err != nil {
			c.t.Fatal(err)
		}
		if err := c.commits.CancelJob(c.t.Context(), commit.Caller{}, job.ID); err != nil {
			c.awaitJob(job.ID)
			c.settled()
		}
	}
}

// settled notes that a job has completed.
func (c *client) settled() {
	if c.defined != nil && !c.off {
		c.state = registry.Enabled
	}
}

func (c *client) check() {
	c.t.Helper()
	applied := c.projections.Applied()
	if c.defined == nil || c.off {
		if _, known := c.find("nick", "1950", applied, true); known {
			c.t.Fatalf("seed %d: a parameter that is not in force is known (defined: %t, off: %t)", c.seed, c.defined != nil, c.off)
		}
		return
	}
	c.status(c.state)
	value := c.defined.value(c.parameterMachine)
	holds := func(v *patient) bool { return c.defined.holds(v, value) }
	if c.state == registry.Supported {
		if _, known := c.find("nick", value, applied, false); known {
			c.t.Fatalf("seed %d: a pending parameter is known", c.seed)
		}
		got, _ := c.find("nick", value, applied, true)
		all := c.want(applied, 0, holds)
		for _, position := range c.want(applied, c.from, holds) {
			if !slices.Contains(got, position) {
				c.t.Fatalf("seed %d: nick=%s does not find %d, which was written since %d", c.seed, value, position, c.from)
			}
		}
		for _, position := range got {
			if !slices.Contains(all, position) {
				c.t.Fatalf("seed %d: nick=%s finds %d, which does not match", c.seed, value, position)
			}
		}
		return
	}
	for _, snapshot := range []uint64{applied, c.rand.Uint64N(applied + 1)} {
		got, known := c.find("nick", value, snapshot, false)
		if want := c.want(snapshot, 0, holds); !known || !slices.Equal(got, want) {
			c.t.Fatalf("seed %d: at %d of %d: nick=%s (%s) finds %v (known: %t), want %v", c.seed, snapshot, applied, value, strings.TrimPrefix(c.defined.expression, "Patient."), got, known, want)
		}
	}
}
