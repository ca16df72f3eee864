package upload

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/go-json-experiment/json/jsontext"
)

// A Summary is what became of a load.
type Summary struct {
	Progress
	Elapsed time.Duration
	Skipped int
	Stopped bool  // before the end
	Resume  int64 // so many values at the start need not be loaded again
	Groups  []Group
}

// A Group is what failed for one reason.
type Group struct {
	Status string // of HTTP, "" when nothing was sent
	Reason string // the first issue's diagnostics
	Count  int
	Places []string // the first few
}

// A problem is something that failed.
type problem struct {
	status, reason string
	place          place
	data           []byte // what to write for another try, nil when there is nothing
}

const (
	maxGroups = 200 // kept apart; the rest becomes one group
	maxPlaces = 3
)

// problems collects what failed. Safe for concurrent use.
type problems struct {
	mu    sync.Mutex // guards the fields below
	known map[[2]string]*Group
	out   io.Writer
	err   error // of out
}

// add notes a problem and writes its data.
func (p *problems) add(one problem) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil {
		p.known = make(map[[2]string]*Group)
	}
	key := [2]string{one.status, one.reason}
	if p.known[key] == nil && len(p.known) >= maxGroups {
		key = [2]string{"", "other reasons"}
	}
	g := p.known[key]
	if g == nil {
		g = &Group{Status: key[0], Reason: key[1]}
		p.known[key] = g
	}
	g.Count++
	if len(g.Places) < maxPlaces {
		g.Places = append(g.Places, one.place.String())
	}
	if p.out == nil || one.data == nil || p.err != nil {
		return
	}
	_, p.err = p.out.Write(oneLine(one.data))
}

// oneLine makes a line of NDJSON; what is no JSON only loses its line ends.
func oneLine(data []byte) []byte {
	text := jsontext.Value(bytes.Clone(data))
	if text.Compact(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) != nil {
		text = bytes.ReplaceAll(bytes.ReplaceAll(bytes.Clone(data), []byte("\r"), []byte(" ")), []byte("\n"), []byte(" "))
	}
	return append(text, '\n')
}

// groups returns the groups, largest first.
func (p *problems) groups() []Group {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []Group
	for _, g := range p.known {
		out = append(out, *g)
	}
	slices.SortFunc(out, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Status, b.Status), cmp.Compare(a.Reason, b.Reason))
	})
	return out
}

// writeError tells whether the failures could be written.
func (p *problems) writeError() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		return nil
	}
	return fmt.Errorf("write the failures: %w", p.err)
}

// Print prints the summary for a person.
func (s *Summary) Print(w io.Writer) {
	seconds := max(s.Elapsed.Seconds(), 1e-3)
	fmt.Fprintf(w, "%s resources in %s requests, %s, %.1f s: %s resources/s, %s/s\n", humanize.Comma(s.Resources),
		humanize.Comma(s.Requests), humanize.Bytes(uint64(s.SentBytes)), s.Elapsed.Seconds(),
		humanize.Comma(int64(float64(s.Resources)/seconds+0.5)), humanize.Bytes(uint64(float64(s.SentBytes)/seconds)))
	if s.Retries > 0 {
		fmt.Fprintf(w, "%s requests were sent again because the server was busy\n", humanize.Comma(s.Retries))
	}
	if s.Failed > 0 {
		fmt.Fprintf(w, "%s failed:\n", humanize.Comma(s.Failed))
	}
	for _, g := range s.Groups {
		status := g.Status
		if status != "" {
			status += ": "
		}
		fmt.Fprintf(w, "  %s × %s%s\n", humanize.Comma(int64(g.Count)), status, g.Reason)
		for _, p := range g.Places {
			fmt.Fprintf(w, "      %s\n", p)
		}
		if more := g.Count - len(g.Places); more > 0 {
			fmt.Fprintf(w, "      and %s more\n", humanize.Comma(int64(more)))
		}
	}
	if s.Stopped {
		fmt.Fprintf(w, "stopped before the end; to go on, call the same with --skip %d\n", max(s.Resume, int64(s.Skipped)))
	}
}
