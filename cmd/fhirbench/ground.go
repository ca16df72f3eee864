package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
)

// ground is what searches start from: samples of the loaded data, how much of
// it there is, the codes to count, and the moment in the middle of the load.
// Each part is read once and shared by the runs of a workload.
type ground struct {
	samples *samples
	notes   []string // what could not be sampled
	lacking []string // shapes without values
	loaded  map[string]int
	codes   []codeClass
	middle  string
}

// A codeClass is a few Observation codes of about the same frequency.
type codeClass struct {
	name  string
	codes []string // system|code
}

// learn reads the samples and counts.
func (g *ground) learn(ctx context.Context, u *user) (err error) {
	if g.samples != nil {
		return nil
	}
	samples, notes, err := collect(ctx, u)
	if err != nil {
		return err
	}
	g.loaded = make(map[string]int)
	for _, typeName := range []string{"Patient", "Observation", "Encounter"} {
		if g.loaded[typeName], err = u.countOf(ctx, typeName+"?"); err != nil {
			return fmt.Errorf("count %s: %w", typeName, err)
		}
	}
	g.samples, g.notes = samples, notes
	return nil
}

// maxCounted bounds the codes that are counted to choose from.
const maxCounted = 150

// chooseCodes counts Observations by code and chooses three rare, three common
// and three dense ones. Common lies halfway by the logarithm.
func (g *ground) chooseCodes(ctx context.Context, u *user) error {
	if g.codes != nil {
		return nil
	}
	type counted struct {
		code string
		n    int
	}
	var all []counted
	for _, code := range g.samples.codes.list[:min(maxCounted, len(g.samples.codes.list))] {
		n, err := u.countOf(ctx, "Observation?code="+escape(fhirToken(code))+"&")
		if err != nil {
			return fmt.Errorf("count Observations by code: %w", err)
		}
		if n == 0 {
			return errors.New("count Observations by code: none of a code that was read from one")
		}
		all = append(all, counted{code, n})
	}
	if len(all) == 0 {
		return errors.New("no Observations on the server")
	}
	slices.SortStableFunc(all, func(a, b counted) int { return cmp.Compare(a.n, b.n) })
	few := min(3, (len(all)+2)/3)
	middle, _ := slices.BinarySearchFunc(all, all[0].n*all[len(all)-1].n, func(c counted, product int) int {
		return cmp.Compare(c.n*c.n, product)
	})
	middle = min(max(middle-few/2, min(few, len(all)-few)), max(len(all)-2*few, 0))
	take := func(name string, from int) {
		class := codeClass{name: name}
		for _, c := range all[from : from+few] {
			class.codes = append(class.codes, c.code)
		}
		g.codes = append(g.codes, class)
	}
	take("rare", 0)
	take("common", middle)
	take("dense", len(all)-few)
	return nil
}

// findMiddle sets the moment that half the patients had been loaded: what
// --as-of says, else the lastUpdated of the patient in the middle.
func (g *ground) findMiddle(ctx context.Context, u *user) error {
	if g.middle != "" {
		return nil
	}
	if given := u.run.options.AsOf; given != "" {
		g.middle = given
		return nil
	}
	half, seen, last := g.loaded["Patient"]/2, 0, ""
	sorted := true
	err := u.readPages(ctx, "Patient?_sort=_lastUpdated&_elements=meta&_count=1000", half/1000+2000, func(r any) bool {
		at := first(strs(r, "meta", "lastUpdated"))
		sorted = sorted && at >= last && at != ""
		seen, last = seen+1, at
		return seen <= half && sorted
	})
	switch {
	case err != nil:
	case !sorted:
		err = errors.New("Patient?_sort=_lastUpdated is not in this order")
	case seen <= half:
		err = errors.New("fewer Patients than were counted")
	}
	if err != nil {
		return fmt.Errorf("find the middle of the load (or give --as-of): %w", err)
	}
	g.middle = last
	return nil
}
