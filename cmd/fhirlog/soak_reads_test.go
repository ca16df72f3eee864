package main

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
)

// compareRead reads in one of many ways, and compares the answer with what is known
// while others write.
func (w *writer) compareRead() error {
	reads := []func() error{w.readAcknowledged, w.readAcknowledged, w.readThePast, w.readThePast, w.countThePast, w.walkSearch, w.walkHistory}
	return reads[w.random.IntN(len(reads))]()
}

// acknowledged is a version that the server said it has.
type acknowledged struct {
	place    string
	version  int
	resource string // "" for a deletion
}

// pick chooses one; false if there is none yet.
func (l *ledger) pick(random *rand.Rand) (a acknowledged, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	skip := random.IntN(20) // the order of a map is random already, more or less
	for place, versions := range l.writes {
		for version, resource := range versions {
			a, ok = acknowledged{place, version, resource}, true
			break
		}
		if skip--; skip < 0 {
			break
		}
	}
	return a, ok
}

// mayBeErased says that somebody has asked for that.
func (l *ledger) mayBeErased(place string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, asked := l.erased[place]
	return asked || l.purged[place]
}

// readAcknowledged reads a version that was acknowledged.
func (w *writer) readAcknowledged() error {
	known, ok := w.known.pick(w.random)
	if !ok {
		return nil
	}
	path := fmt.Sprintf("/%s/_history/%d", known.place, known.version)
	a, err := w.ask("GET", path, "", 200, 404, 410)
	switch {
	case err != nil:
		return err
	case a.status == 404 && w.known.mayBeErased(known.place):
		return nil
	case known.resource == "" && a.status == 410, a.status == 200 && string(a.body) == known.resource:
		return nil
	}
	return fmt.Errorf("GET %s: %d\n%s\nwas acknowledged as\n%s", path, a.status, a.body, known.resource)
}

// readThePast reads a resource as of the instant at which it was written: that is this
// version, or a later one of the same millisecond.
func (w *writer) readThePast() error {
	known, ok := w.known.pick(w.random)
	if !ok || known.resource == "" {
		return nil
	}
	written, err := parseTree([]byte(known.resource))
	if err != nil {
		return err
	}
	at := written.get("meta").get("lastUpdated").string()
	path := "/" + known.place + "?_asOf=" + url.QueryEscape(at)
	a, err := w.ask("GET", path, "", 200, 404, 410)
	switch {
	case err != nil:
		return err
	case a.status == 404 && w.known.mayBeErased(known.place):
		return nil
	case a.status == 200 && string(a.body) == known.resource:
		return nil
	case a.status != 404 && versionOf(a) > known.version && writtenAt(a, at):
		return nil
	}
	return fmt.Errorf("GET %s: %d\n%s\nwritten then was\n%s", path, a.status, a.body, known.resource)
}

// writtenAt says that an answer, if it shows a resource, shows one of an instant.
func writtenAt(a answer, instant string) bool {
	shown, err := parseTree(a.body)
	return a.status != 200 || err == nil && shown.get("meta").get("lastUpdated").string() == instant
}

// howMany asks for a total.
func (w *writer) howMany(path string) (int, error) {
	a, err := w.ask("GET", path, "", 200)
	if err != nil {
		return 0, err
	}
	bundle, err := parseTree(a.body)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(bundle.get("total").string())
}

// countThePast counts all resources of an instant, then those of each kind, then all
// again: what is erased meanwhile makes it less, and nothing makes it more.
func (w *writer) countThePast() error {
	known, ok := w.known.pick(w.random)
	if !ok || known.resource == "" {
		return nil
	}
	written, err := parseTree([]byte(known.resource))
	if err != nil {
		return err
	}
	asOf := "/Basic?_summary=count&_asOf=" + url.QueryEscape(written.get("meta").get("lastUpdated").string())
	before, err := w.howMany(asOf)
	sum := 0
	for kind := 0; kind < kinds && err == nil; kind++ {
		var n int
		n, err = w.howMany(asOf + "&code=" + url.QueryEscape(fmt.Sprintf("%s|k%d", kindSystem, kind)))
		sum += n
	}
	var after int
	if err == nil {
		after, err = w.howMany(asOf)
	}
	if err == nil && (sum > before || sum < after) {
		err = fmt.Errorf("GET %s: %d, then %d by kind, then %d", asOf, before, sum, after)
	}
	return err
}

// walk follows a few pages, and hands over their entries.
func (w *writer) walk(path string, entry func(*tree) error) error {
	for range 5 {
		a, err := w.ask("GET", path, "", 200)
		if err != nil {
			return err
		}
		page, err := parseTree(a.body)
		if err != nil {
			return err
		}
		for _, e := range page.get("entry").items() {
			if err := entry(e); err != nil {
				return fmt.Errorf("GET %s: %w", path, err)
			}
		}
		next, _ := page.at("link[relation=next].url")
		if path = strings.TrimPrefix(next.string(), w.server.base); path == "" {
			break
		}
	}
	return nil
}

// walkSearch pages through a search, which shows what matches and nothing twice.
func (w *writer) walkSearch() error {
	code, seen := fmt.Sprintf("k%d", w.random.IntN(kinds)), map[string]bool{}
	sort := []string{"", "&_sort=-_lastUpdated"}[w.random.IntN(2)]
	return w.walk("/Basic?_count=40&code="+url.QueryEscape(kindSystem+"|"+code)+sort, func(e *tree) error {
		id := e.get("resource").get("id").string()
		if got, _ := e.at("resource.code.coding[0].code"); got.string() != code || seen[id] {
			return fmt.Errorf("Basic/%s with code %s; shown before: %t", id, got.string(), seen[id])
		}
		seen[id] = true
		return nil
	})
}

// walkHistory pages through a history, newest first.
func (w *writer) walkHistory() error {
	path, before := []string{"", "/Basic", "/Basic/shared-1"}[w.random.IntN(3)]+"/_history?_count=40", "~"
	if strings.HasPrefix(path, "/Basic/shared-1") {
		if a, err := w.ask("GET", "/Basic/shared-1", "", 200, 404, 410); err != nil || a.status == 404 {
			return err
		}
	}
	return w.walk(path, func(e *tree) error {
		at := e.get("response").get("lastModified").string()
		if at > before {
			return fmt.Errorf("a version of %s follows one of %s", at, before)
		}
		before = at
		return nil
	})
}
