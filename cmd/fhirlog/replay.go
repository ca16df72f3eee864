package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"fhirlog/domain/feed"
)

// replayCommand is `fhirlog replay`.
type replayCommand struct {
	archiveFlags
	URL   string `name:"url" placeholder:"URL" help:"Read from a running server instead, such as http://127.0.0.1:8080 (with --metrics-listen, that address)."`
	Token string `env:"FHIRLOG_LOG_EVENTS_TOKEN" placeholder:"FILE" help:"File whose first line is the token that this server wants (serve --log-events-token)."`

	From        string   `placeholder:"MOMENT" help:"Where to begin: a position, an instant such as 2026-03-01T10:00:00Z, or now. Default: the beginning."`
	Until       string   `placeholder:"MOMENT" help:"Where to end, inclusive; default what there is."`
	Follow      bool     `help:"Go on with what comes; from a server only."`
	Type        []string `help:"Only these resource types."`
	Resource    string   `placeholder:"TYPE/ID" help:"Only this resource."`
	Author      string   `help:"Only what this author did."`
	Agent       string   `help:"Only what was done with this program, by the whole of its name."`
	Address     string   `placeholder:"IP" help:"Only what came from this address."`
	Interaction []string `help:"Only these: create, update, patch, delete, hard-delete, purge-history, administer."`
	All         bool     `default:"true" negatable:"" help:"Tell as well of jobs and the like, and of what is left of erased versions: never their content. --no-all leaves both out."`
	Bodies      bool     `help:"Add the contents that can still be read."`
	Format      string   `enum:"text,ndjson" default:"text" help:"text, or ndjson: a CloudEvent in each line."`

	Stdout io.Writer `kong:"-"`
}

// Help says what replay is for.
func (*replayCommand) Help() string {
	return `Who changed what, when: every event of the log, in order.

    fhirlog replay --data copy
    fhirlog replay --data copy --resource Patient/1
    fhirlog replay --data copy --from 2026-03-01T00:00:00Z --until 2026-03-31T23:59:59Z --type Observation --interaction delete,hard-delete
    fhirlog replay --data copy --format ndjson --bodies | gzip > log.ndjson.gz
    fhirlog replay --url http://127.0.0.1:8080 --from now --follow

A position is the number of an event, from 0 and without gaps; --as-of of show, search and diff takes it. ` +
		`With ndjson each line begins where the one before has ended (data.from), so that a gap would be seen, and the last one is a mark of type ` + feed.MarkType + `.`
}

// Run replays.
func (c *replayCommand) Run(ctx context.Context) error {
	if c.Stdout == nil {
		c.Stdout = os.Stdout
	}
	p := &printer{out: bufio.NewWriterSize(c.Stdout, 64<<10), ndjson: c.Format == "ndjson", live: c.Follow}
	if c.URL != "" {
		return c.replayServer(ctx, p)
	}
	if c.Follow {
		return errors.New("--follow needs a running server: give its address with --url; nothing comes to a folder that no server is running on")
	}
	a, err := c.open(ctx)
	if err != nil {
		return err
	}
	err = c.replayFolder(ctx, a, p)
	return errors.Join(err, a.Close())
}

func (c *replayCommand) words() feed.Words {
	return feed.Words{Type: strings.Join(c.Type, ","), Resource: c.Resource, Author: c.Author, Agent: c.Agent, Address: c.Address, Interaction: strings.Join(c.Interaction, ",")}
}

func (c *replayCommand) replayFolder(ctx context.Context, a *archive, p *printer) error {
	q := feed.Query{Bodies: c.Bodies}
	var err error
	if q.Filter, err = c.words().Parse(a.isType); err != nil {
		return err
	}
	q.Filter.All = c.All
	if c.From != "" {
		m, err := feed.ParseMoment(c.From)
		if err == nil {
			q.From, err = m.First(a)
		}
		if err != nil {
			return fmt.Errorf("--from: %w", err)
		}
	}
	if q.Until, err = a.snapshot("--until", c.Until); err != nil {
		return err
	}
	p.source, p.from, p.next = a.Source(), q.From, q.From
	if isTerminal(os.Stderr) && !isTerminal(os.Stdout) {
		bar := newBar(int64(q.Until), "replaying")
		p.progress = func(next uint64) { _ = bar.Set64(int64(next)) } // a terminal that cannot be written is no reason to stop
		defer func() { _ = bar.Finish() }()
	}
	return errors.Join(a.Walk(ctx, q, p), p.end())
}

// printer prints events.
type printer struct {
	out        *bufio.Writer
	source     string
	ndjson     bool
	live       bool // each event is to be seen at once
	line       []byte
	from, next uint64 // what was reached and not told
	progress   func(next uint64)
}

// Entry prints an event.
func (p *printer) Entry(e *feed.Entry) error {
	if p.ndjson {
		p.line = e.AppendJSON(p.line[:0], p.source)
	} else {
		p.line = e.AppendText(p.line[:0])
	}
	p.from, p.next = e.Position+1, e.Position+1
	_, err := p.out.Write(append(p.line, '\n'))
	return err
}

// Reached shows what was printed, to whom waits for it.
func (p *printer) Reached(from, next uint64) (bool, error) {
	p.from, p.next = from, next
	if p.progress != nil {
		p.progress(next)
	}
	if p.live {
		return false, p.out.Flush()
	}
	return false, nil
}

// end prints how far the log was read.
func (p *printer) end() error {
	if p.ndjson {
		p.line = append(feed.AppendMark(p.line[:0], p.source, p.from, p.next), '\n')
		if _, err := p.out.Write(p.line); err != nil {
			return err
		}
	}
	return p.out.Flush()
}
