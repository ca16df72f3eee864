package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/feed"
	"fhirlog/domain/search"
	"fhirlog/eventlog"
	"fhirlog/projections"
	"fhirlog/replay"
)

// searchCommand is `fhirlog search`.
type searchCommand struct {
	archiveFlags
	Query  string `arg:"" name:"query" help:"A search as it stands in a URL, such as 'Patient?family=smith&birthdate=gt1990'."`
	AsOf   string `placeholder:"MOMENT" help:"As of this moment, inclusive: a position, or an instant such as 2026-03-01T10:00:00Z."`
	Format string `enum:"ndjson,list" default:"ndjson" help:"ndjson: the resources; list: what and where they are, without contents."`
	Index  string `placeholder:"DIR" help:"Keep the index in this folder, for the next search; made if it is not there."`

	Stdout io.Writer `kong:"-"`
}

// Help says what search is for.
func (*searchCommand) Help() string {
	return `All matches, in the order of the search, with what they include; how many there are, on standard error. Unknown parameters are refused.

    fhirlog search --data copy 'Patient?family=smith'
    fhirlog search --data copy 'Observation?subject=Patient/1&_sort=-date' --as-of 2026-03-01T10:00:00Z
    fhirlog search --data copy 'Patient?_lastUpdated=ge2026&_count=5' --format list --index index

It answers with a copy of the projections in the data folder, brought up to date with the log, or with such as it makes from the log, in a temporary folder: that takes about a second for 20,000 events, and --index keeps them.`
}

// searchPage is how many matches are asked for at once.
const searchPage = 500

// Run searches.
func (c *searchCommand) Run(ctx context.Context) error {
	if c.Stdout == nil {
		c.Stdout = os.Stdout
	}
	types, pairs, err := c.parse()
	if err != nil {
		return err
	}
	// The temporary index holds patients' data: it is removed however this ends, also
	// when the terminal is closed, or nobody reads on.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP)
	defer stop()
	a, err := c.open(ctx)
	if err != nil {
		return err
	}
	err = c.search(ctx, a, types, pairs)
	if errors.Is(err, syscall.EPIPE) {
		err = nil // whoever reads has read enough
	}
	return errors.Join(err, a.Close())
}

// parse takes the query apart.
func (c *searchCommand) parse() (types []domain.ResourceType, pairs []search.Pair, err error) {
	path, raw, _ := strings.Cut(c.Query, "?")
	if strings.Contains(path, "/") {
		return nil, nil, fmt.Errorf("%q: begin with a resource type, as in 'Patient?family=smith', or with '?' for all types", path)
	}
	if path != "" {
		types = []domain.ResourceType{domain.ResourceType(path)}
	}
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, errName := url.QueryUnescape(name)
		value, errValue := url.QueryUnescape(value)
		if errName != nil || errValue != nil {
			return nil, nil, fmt.Errorf("%q is not encoded as in a URL: a percent sign is written %%25", pair)
		}
		if slices.Contains([]string{"_summary", "_elements", "_format", "_pretty", "_contained", "_containedType", "ct", "_asOf", "_explain"}, name) {
			return nil, nil, fmt.Errorf("%s has no meaning here: resources are told whole; --as-of says as of when", name)
		}
		pairs = append(pairs, search.Pair{Name: name, Value: value})
	}
	return types, pairs, nil
}

func (c *searchCommand) search(ctx context.Context, a *archive, types []domain.ResourceType, pairs []search.Pair) error {
	for _, t := range types {
		if !a.isType(string(t)) {
			return fmt.Errorf("FHIR %s has no resource type %s; type names are case-sensitive", a.folder.FHIRVersion, t)
		}
	}
	snapshot, err := a.snapshot("--as-of", c.AsOf)
	if err != nil {
		return err
	}
	index, remove, err := c.openIndex(ctx, a)
	if err != nil {
		return err
	}
	err = c.answer(ctx, a, index, snapshot, search.Ask{Types: types, Pairs: pairs, Strict: true, Now: time.Now().UTC()})
	return errors.Join(err, index.Close(), remove())
}

// openIndex opens the projections to search in; remove removes them, unless they are to
// be kept.
func (c *searchCommand) openIndex(ctx context.Context, a *archive) (index *replay.Index, remove func() error, err error) {
	o := a.folder.projectionOptions()
	remove = func() error { return nil }
	if c.Index != "" {
		o.Dir = c.Index
		if o.Store.Keys, err = a.folder.indexKeys(ctx, c.Index); err != nil {
			return nil, nil, err
		}
	} else {
		scratch, err := os.MkdirTemp("", "fhirlog-index-")
		if err != nil {
			return nil, nil, err
		}
		remove = func() error { return os.RemoveAll(scratch) }
		o.Dir = filepath.Join(scratch, "projections")
		if err := copyProjections(a.folder.projections(), o.Dir); err != nil {
			return nil, nil, errors.Join(err, remove())
		}
	}
	if index, err = a.Project(ctx, o, rebuildProgress()); err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	return index, remove, nil
}

// copyProjections copies what is in force, if there is anything.
func copyProjections(from, to string) error {
	for from, to := range map[string]string{from: to, projections.SuccessorOf(from): projections.SuccessorOf(to)} {
		if _, err := os.Stat(from); err != nil {
			continue
		}
		if err := os.CopyFS(to, os.DirFS(from)); err != nil {
			return fmt.Errorf("copy the projections: %w", err)
		}
	}
	return projections.Settle(to)
}

// answer prints all matches.
func (c *searchCommand) answer(ctx context.Context, a *archive, index *replay.Index, snapshot uint64, ask search.Ask) error {
	q, err := search.Parse(a.definitions, index.Parameters(), ask)
	if err != nil {
		return err
	}
	for _, warning := range q.Warnings {
		fmt.Fprintln(os.Stderr, warning.Message)
	}
	out := bufio.NewWriterSize(c.Stdout, 64<<10)
	left, found := q.Count, 0 // _count is how many are wanted at most
	request := search.PageRequest{Query: q, Snapshot: snapshot, Count: searchPage}
	included := map[uint64]bool{}
	for left != 0 {
		if left > 0 {
			request.Count = min(searchPage, left)
		}
		page, err := index.Search(ctx, request)
		if err != nil {
			return err
		}
		if err := c.print(ctx, a, index, page.Matches, out); err != nil {
			return err
		}
		if err := c.include(ctx, a, index, q, snapshot, page.Matches, included, out); err != nil {
			return err
		}
		found += len(page.Matches)
		if left > 0 {
			left -= len(page.Matches)
		}
		if !page.HasNext {
			break
		}
		request.Cursor, request.HasCursor = page.Next, true
	}
	fmt.Fprintf(os.Stderr, "%d found among the first %d of %d records\n", found, snapshot, a.Applied())
	return out.Flush()
}

// include prints what matches include, each resource once.
func (c *searchCommand) include(ctx context.Context, a *archive, index *replay.Index, q *search.Query, snapshot uint64, matches []uint64, told map[uint64]bool, out io.Writer) error {
	if len(q.Include)+len(q.RevInclude) == 0 {
		return nil
	}
	for skip := 0; ; {
		more, err := index.Include(ctx, search.IncludeRequest{Query: q, Snapshot: snapshot, Matches: matches, Skip: skip, Limit: searchPage})
		if err != nil {
			return err
		}
		skip += len(more.Positions)
		fresh := slices.DeleteFunc(more.Positions, func(p uint64) bool { return told[p] })
		for _, p := range fresh {
			told[p] = true
		}
		if err := c.print(ctx, a, index, fresh, out); err != nil || !more.More {
			return err
		}
	}
}

func (c *searchCommand) print(ctx context.Context, a *archive, index *replay.Index, positions []uint64, out io.Writer) error {
	var line []byte
	for _, position := range positions {
		v, err := index.ReadAt(ctx, position)
		if err != nil {
			return err
		}
		if c.Format == "list" {
			r, err := a.Log.ReadMetadata(eventlog.Position(position))
			if err != nil {
				return err
			}
			e := feed.Entry{Position: position, Instant: v.Instant, Content: feed.Present}
			if e.Event, err = event.Decode(r.Metadata); err != nil {
				return err
			}
			line = e.AppendText(line[:0])
		} else {
			line = v.AppendJSON(line[:0])
		}
		if _, err := out.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return nil
}
