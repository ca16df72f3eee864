package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/eventlog"
	"fhirlog/eventlog/merkle"
	"fhirlog/eventlog/notary"
)

// proveCommand is `fhirlog prove`.
type proveCommand struct {
	Data     string  `default:"./data" env:"FHIRLOG_DATA" help:"Folder that no server is running on, or a copy that may be written to. Of a server that runs, ask GET /log/proof."`
	Position *uint64 `placeholder:"N" help:"The record to prove, by its position in the log."`
	Resource string  `placeholder:"TYPE/ID" help:"The resource to prove a version of."`
	Version  uint64  `name:"version-id" placeholder:"V" help:"The version; default the latest. A deletion is a version too."`
	From     string  `placeholder:"FILE" help:"Signed checkpoint that was kept (GET /log/checkpoint): the proof shows as well that the log continued it."`
	WithBody bool    `help:"Put the stored body into the proof, and the salt of its commitment. Without it a proof holds no content, and nothing to guess it by."`
	Sign     bool    `help:"Sign a new checkpoint if no former one covers the record. Needs the private key."`
	keyFlags
	encryptionFlags
}

// Run prints the proof.
func (c *proveCommand) Run(ctx context.Context) error {
	if (c.Position == nil) == (c.Resource == "") {
		return errors.New("say what to prove: either --position N, or --resource TYPE/ID and --version-id V")
	}
	f, err := openFolder(c.Data, "")
	if err == nil {
		err = f.unlock(ctx, c.encryptionFlags, toWrite)
	}
	if err != nil {
		return err
	}
	log, _, err := eventlog.Open(f.log(), f.logOptions())
	if errors.Is(err, eventlog.ErrLocked) {
		return fmt.Errorf("%s is in use by another process: ask the server instead, GET /log/proof?position=… or ?resource=…&version=…", f.path)
	}
	if err != nil {
		return f.explainNoKey(err)
	}
	text, err := c.prove(ctx, f, log)
	if err := errors.Join(err, log.Close()); err != nil {
		return err
	}
	_, err = os.Stdout.Write(text)
	return err
}

func (c *proveCommand) prove(ctx context.Context, f *folder, log *eventlog.Log) ([]byte, error) {
	o, err := f.notaryOptions(&c.keyFlags)
	if err != nil {
		return nil, err
	}
	o.Unsigned = !c.Sign
	n, _, err := notary.Open(ctx, log, o)
	if err != nil {
		return nil, explainAltered(err, f)
	}
	stop := func() {}
	if c.Sign {
		following, cancel := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- n.Run(following) }()
		stop = func() { cancel(); <-ended }
	}
	text, err := c.proveBy(ctx, n, log)
	stop()
	return text, errors.Join(err, n.Close())
}

func (c *proveCommand) proveBy(ctx context.Context, n *notary.Notary, log *eventlog.Log) ([]byte, error) {
	wanted := notary.Wanted{Body: c.WithBody}
	kept, err := c.kept(n)
	if err != nil {
		return nil, err
	}
	wanted.From = kept.Size
	if c.Position != nil {
		wanted.Position = *c.Position
	} else if wanted.Position, err = c.find(ctx, log); err != nil {
		return nil, err
	}
	proof, err := n.Prove(ctx, wanted)
	if errors.Is(err, notary.ErrStopped) {
		return nil, fmt.Errorf("no checkpoint covers record %d yet: start the server, which signs one, or say --sign", wanted.Position)
	}
	if err != nil {
		return nil, err
	}
	if proof.From != nil {
		if proof.From.Root != kept.Root {
			return nil, fmt.Errorf("the log does not continue the checkpoint of %d records in %s: its root was another", kept.Size, c.From)
		}
		text, err := os.ReadFile(c.From)
		if err != nil {
			return nil, err
		}
		proof.From.Checkpoint = string(text)
	}
	return marshalProof(proof)
}

// kept opens the checkpoint that the proof is to continue, if there is one.
func (c *proveCommand) kept(n *notary.Notary) (kept merkle.Checkpoint, err error) {
	if c.From == "" {
		return kept, nil
	}
	known, err := knownKey(n.PublicKey())
	if err != nil {
		return kept, err
	}
	signed, err := readBounded(c.From, merkle.MaxSignedBytes)
	if err != nil {
		return kept, err
	}
	if kept, err = merkle.OpenCheckpoint(signed, known); err != nil {
		return kept, fmt.Errorf("%s: %w", c.From, err)
	}
	return kept, nil
}

// find finds the record of a version. After a hard delete versions of the same id
// begin at 1 again, so the latest such record is meant.
func (c *proveCommand) find(ctx context.Context, log *eventlog.Log) (uint64, error) {
	name, rest, ok := strings.Cut(c.Resource, "/")
	id, err := domain.ParseLogicalID(rest)
	if !ok || err != nil {
		return 0, fmt.Errorf("--resource %q must be a type and an id, such as Patient/a", c.Resource)
	}
	var position uint64
	found := false
	err = log.Scan(ctx, 0, false, func(r eventlog.Record) error {
		e, err := event.Decode(r.Metadata)
		if err != nil {
			return fmt.Errorf("record %d: %w", r.Position, err)
		}
		if string(e.Type) == name && e.ID == id && (e.Kind == event.Written || e.Kind == event.Deleted) &&
			(c.Version == 0 || uint64(e.Version) == c.Version) {
			position, found = uint64(r.Position), true
		}
		return nil
	})
	if err == nil && !found {
		err = fmt.Errorf("the log has no such version of %s", c.Resource)
	}
	return position, err
}
