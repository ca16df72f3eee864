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
	"fhirlog/replay"
)

// diffCommand is `fhirlog diff`.
type diffCommand struct {
	archiveFlags
	From     string   `arg:"" name:"former" help:"The former moment: a position, an instant such as 2026-03-01T10:00:00Z; with --resource also a version such as v1."`
	To       string   `arg:"" optional:"" name:"latter" help:"The latter moment, inclusive; default now."`
	Type     []string `help:"Only these resource types."`
	Resource string   `placeholder:"TYPE/ID" help:"Only this resource."`
	Format   string   `enum:"text,json-patch" default:"text" help:"text; or json-patch (RFC 6902): of one --resource the patch, else a line of JSON for each resource that changed."`

	Stdout io.Writer `kong:"-"`
}

// Help says what diff is for.
func (*diffCommand) Help() string {
	return `What was created, updated, deleted and erased between two moments, by resource, and what changed in it. Both moments are inclusive: diff 100 200 leaves out what position 100 did, and takes what position 200 did.

    fhirlog diff --data copy 2026-03-01T00:00:00Z 2026-04-01T00:00:00Z
    fhirlog diff --data copy 1200 --type Patient,Observation
    fhirlog diff --data copy v1 v3 --resource Patient/1
    fhirlog diff --data copy v1 v3 --resource Patient/1 --format json-patch

Contents are compared without meta.versionId and meta.lastUpdated, which always change, and numbers digit by digit. ` +
		`A patch leads from the former content to the latter; it can be sent with PATCH. It reads the log alone, and needs no projections.`
}

// Run compares.
func (c *diffCommand) Run(ctx context.Context) error {
	if c.Stdout == nil {
		c.Stdout = os.Stdout
	}
	a, err := c.open(ctx)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(c.Stdout, 64<<10)
	err = c.diff(ctx, a, out)
	return errors.Join(err, out.Flush(), a.Close())
}

func (c *diffCommand) diff(ctx context.Context, a *archive, out io.Writer) error {
	f, err := feed.Words{Type: strings.Join(c.Type, ","), Resource: c.Resource}.Parse(a.isType)
	if err != nil {
		return err
	}
	tell := func(r *replay.Revision) error {
		text := r.AppendText(nil)
		switch {
		case c.Format == "json-patch" && c.Resource != "":
			if text, err = r.AppendPatch(nil); err != nil {
				return err
			}
			text = append(text, '\n')
		case c.Format == "json-patch":
			text = append(r.AppendJSON(nil), '\n')
		}
		_, err := out.Write(text)
		return err
	}
	if c.Resource != "" {
		return c.diffResource(ctx, a, f, tell)
	}
	from, err := a.snapshot("the former moment", c.From)
	if err != nil {
		return err
	}
	to, err := a.snapshot("the latter moment", c.To)
	if err != nil {
		return err
	}
	if from > to {
		return errors.New("the former moment is after the latter: exchange them")
	}
	return a.Revisions(ctx, from, to, f, tell)
}

// diffResource compares two states of one resource, in either order.
func (c *diffCommand) diffResource(ctx context.Context, a *archive, f feed.Filter, tell func(*replay.Revision) error) error {
	life, err := a.Life(ctx, f.Type, f.ID)
	if err != nil {
		return err
	}
	if len(life) == 0 {
		return fmt.Errorf("%s is not on the log: it never was", c.Resource)
	}
	before, _, err := a.state(life, "the former moment", c.From)
	if err != nil {
		return err
	}
	after, _, err := a.state(life, "the latter moment", c.To)
	if err != nil {
		return err
	}
	if before != nil && after != nil && before.Position == after.Position {
		return nil // nothing happened in between
	}
	if before != nil && after == nil {
		return errors.New("the former moment is after the latter: exchange them")
	}
	r, err := a.Revise(before, after)
	if err != nil || r == nil {
		return err
	}
	return tell(r)
}
