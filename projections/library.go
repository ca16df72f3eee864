package projections

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/profile"
	"fhirlog/domain/resource"
	"fhirlog/domain/search"
)

var _ profile.Library = (*Library)(nil)

// Library finds the definitions that are stored on the server: those of the
// profiles, value sets and code systems that clients have written. It keeps
// nothing of them: they are found by the search index. It is safe for concurrent
// use.
type Library struct {
	live *Live
	last atomic.Pointer[libraryState]
}

// libraryState is the state as of a number of applied records.
type libraryState struct {
	applied uint64
	text    string
}

// Library returns the definitions that are stored.
func (l *Live) Library() *Library { return &Library{live: l} }

// State tells how many versions of definitions there are, and the position of the
// last: every change changes one of the two. The same is never there again with
// other content, since what comes later has a higher position.
func (l *Library) State(ctx context.Context) (string, error) {
	applied := l.live.Applied()
	if last := l.last.Load(); last != nil && last.applied == applied {
		return last.text, nil
	}
	text := ""
	for _, t := range []domain.ResourceType{profile.StructureDefinition, profile.ValueSet, profile.CodeSystem} {
		is, err := ask(ctx, l.live, func(p *Projections) (string, error) { return p.versionsOf(t, applied) })
		if err != nil {
			return "", err
		}
		text += is
	}
	l.last.Store(&libraryState{applied, text})
	return text, nil
}

// versionsOf tells how many versions of a type there are and the position of the
// last.
func (p *Projections) versionsOf(t domain.ResourceType, before uint64) (string, error) {
	count, err := p.history.Count(t, 0, before, nil)
	if err != nil || count == 0 {
		return "0 ", err
	}
	var last uint64
	err = p.history.Walk(t, 0, before, true, nil, func(position uint64) (bool, error) {
		last = position
		return false, nil
	})
	return fmt.Sprintf("%d@%d ", count, last), err
}

// Find returns the definition with a URL. Of several the one that was written
// last counts.
func (l *Library) Find(ctx context.Context, t domain.ResourceType, url, version string) (fhirjson.Value, error) {
	const most = 100 // resources with the same URL
	found := fhirjson.Value{}
	err := l.each(ctx, t, []search.Pair{{Name: "url", Value: escape(url)}}, most, func(v fhirjson.Value) {
		if version == "" || string(v.Get("version").Text()) == version {
			found = v
		}
	})
	return found, err
}

// Profiles lists the profiles of resources.
func (l *Library) Profiles(ctx context.Context) ([]profile.Summary, error) {
	var all []profile.Summary
	err := l.each(ctx, profile.StructureDefinition, nil, profile.MostProfiles, func(v fhirjson.Value) {
		if s, ok := profile.Summarize(v); ok {
			all = append(all, s)
		}
	})
	return all, err
}

// each visits the resources that a search finds, in the order they were written.
func (l *Library) each(ctx context.Context, t domain.ResourceType, pairs []search.Pair, most int, visit func(fhirjson.Value)) error {
	snapshot := l.live.Applied()
	d := l.live.answering().p.definitions
	query, err := search.Parse(d, l.live.Parameters(), search.Ask{Types: []domain.ResourceType{t}, Pairs: pairs, Strict: true, MostCount: most, Now: time.Now()})
	if err != nil {
		return fmt.Errorf("find %s definitions: %w", t, err)
	}
	page, err := l.live.Search(ctx, search.PageRequest{Query: query, Snapshot: snapshot, Horizon: snapshot, Count: most})
	if err != nil {
		return err
	}
	for _, position := range page.Matches {
		v, err := l.live.ReadAt(ctx, position)
		if errors.Is(err, errContentGone) { // erased since
			continue
		}
		if err != nil {
			return err
		}
		root, err := parsed(&v)
		if err != nil {
			return err
		}
		visit(root)
	}
	return nil
}

func parsed(v *resource.Version) (fhirjson.Value, error) {
	document, err := fhirjson.Parse(v.AppendJSON(nil), fhirjson.Limits{})
	if err != nil {
		return fhirjson.Value{}, fmt.Errorf("parse the stored %s/%s: %w", v.Type, v.ID, err)
	}
	return document.Root(), nil
}

// escape writes a URL as the value of a search parameter.
func escape(url string) string {
	return strings.NewReplacer(`\`, `\\`, `,`, `\,`, `$`, `\$`, `|`, `\|`).Replace(url)
}
