package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"fhirlog/domain/event"
	"fhirlog/domain/feed"
	"fhirlog/replay"
)

// showCommand is `fhirlog show`.
type showCommand struct {
	archiveFlags
	Resource string `arg:"" name:"type/id" help:"The resource, such as Patient/1."`
	AsOf     string `placeholder:"MOMENT" help:"As of this moment, inclusive: a position, an instant such as 2026-03-01T10:00:00Z, or a version such as v2."`
	History  bool   `help:"List all that happened to it, without contents."`

	Stdout io.Writer `kong:"-"`
}

// Help says what show is for.
func (*showCommand) Help() string {
	return `The resource in JSON, as a server would have given it, on standard output; where it comes from, on standard error.

    fhirlog show --data copy Patient/1
    fhirlog show --data copy Patient/1 --as-of 2026-03-01T10:00:00Z
    fhirlog show --data copy Patient/1 --history
    fhirlog show --data copy Patient/1 --as-of v2

It reads the log alone, and needs no projections. The exit code is 1 when there is nothing to show: it never was, was deleted, or is erased.`
}

// Run shows.
func (c *showCommand) Run(ctx context.Context) error {
	if c.Stdout == nil {
		c.Stdout = os.Stdout
	}
	a, err := c.open(ctx)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(c.Stdout)
	err = c.show(ctx, a, out)
	return errors.Join(err, out.Flush(), a.Close())
}

func (c *showCommand) show(ctx context.Context, a *archive, out io.Writer) error {
	t, id, err := feed.ParseResource(c.Resource, a.isType)
	if err != nil {
		return err
	}
	life, err := a.Life(ctx, t, id)
	if err != nil {
		return err
	}
	if len(life) == 0 {
		return fmt.Errorf("%s is not on the log: it never was", c.Resource)
	}
	e, snapshot, err := a.state(life, "--as-of", c.AsOf)
	if err != nil {
		return err
	}
	if c.History {
		return c.list(life, snapshot, out)
	}
	return c.print(a, e, out)
}

// list prints all that happened up to a snapshot.
func (c *showCommand) list(life replay.Life, snapshot uint64, out io.Writer) error {
	for i := range life {
		if life[i].Position >= snapshot {
			break
		}
		if _, err := out.Write(append(life[i].AppendText(nil), '\n')); err != nil {
			return err
		}
	}
	return nil
}

// print prints the version that an entry wrote, or says why there is none.
func (c *showCommand) print(a *archive, e *feed.Entry, out io.Writer) error {
	switch {
	case e == nil:
		return fmt.Errorf("%s was not there yet; --history lists all that happened", c.Resource)
	case e.Event.Kind == event.Erased:
		return fmt.Errorf("%s was erased, with all its versions:\n%s", c.Resource, e.AppendText(nil))
	case e.Content == feed.Erased:
		return fmt.Errorf("this version of %s is erased; what is left of it:\n%s", c.Resource, e.AppendText(nil))
	case e.Event.Kind == event.Deleted:
		return fmt.Errorf("%s was deleted:\n%s", c.Resource, e.AppendText(nil))
	}
	stored, err := a.Stored(e)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%s\n", e.AppendText(nil))
	e.SetBody(stored)
	_, err = out.Write(append(e.Body, '\n'))
	return err
}
