package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"

	"fhirlog/eventlog"
	"fhirlog/eventlog/merkle"
	"fhirlog/eventlog/notary"
)

// verifyCommand is `fhirlog verify`.
type verifyCommand struct {
	Data        string   `default:"./data" env:"FHIRLOG_DATA" help:"Folder that no server is running on; nothing in it is changed."`
	Key         string   `placeholder:"KEY" help:"Public key of the log, or a file with it, as you got it from elsewhere (GET /log/key, proof/key.pub). Without it the folder's own is taken, which proves only that the folder agrees with itself."`
	Checkpoint  []string `placeholder:"FILE" help:"Signed checkpoint that you kept (GET /log/checkpoint); the log must continue it. May be repeated."`
	Witness     []string `placeholder:"KEY" help:"Public key of a witness: what it has cosigned is verified and told. May be repeated."`
	Projections bool     `help:"Compare the projections with the log as well, key by key. They are computed anew for that, which takes long; what the last stop left unapplied is applied first."`
	Proof       string   `placeholder:"FILE" help:"Check this proof file, and no data folder; needs --key."`
	encryptionFlags
}

// Help says what verify is for.
func (c *verifyCommand) Help() string {
	return `Reads the whole log: every frame, the chain of commits, whether every content is what was committed to, and whether what was erased was erased by name. Hashes all records to the tree, and compares it with every checkpoint that was ever signed and with the stored tree. The first damage is named.`
}

// Run verifies.
func (c *verifyCommand) Run(ctx context.Context) error {
	if c.Proof != "" {
		return c.verifyProof()
	}
	f, err := openFolder(c.Data, "")
	if err == nil {
		err = f.unlock(ctx, c.encryptionFlags, toRead)
	}
	if err != nil {
		return err
	}
	stored, err := notary.ReadStored(eventlog.Disk(), f.proofs())
	if err != nil {
		return err
	}
	err = c.verifyFolder(ctx, f, stored)
	if err := errors.Join(err, stored.Close()); err != nil {
		return err
	}
	if c.Projections {
		check := rebuildCommand{Data: c.Data, Check: true, encryptionFlags: c.encryptionFlags}
		return check.Run(ctx)
	}
	return nil
}

func (c *verifyCommand) verifyFolder(ctx context.Context, f *folder, stored *notary.Stored) error {
	public, err := readKey(c.Key)
	if err != nil {
		return err
	}
	if public == "" {
		public = stored.PublicKey
	}
	checkpoints, err := c.checkpoints(stored, public)
	if err != nil {
		return err
	}
	seen, cosigned, err := c.cosigned(stored, public)
	if err != nil {
		return err
	}
	origins, err := f.ancestry()
	if err != nil {
		return err
	}
	audit, err := merkle.NewAudit(inOrder(append(origins.began(cosigned), checkpoints...)))
	if err != nil {
		return err
	}
	l := &logAudit{audit: audit, stored: stored}
	began := time.Now()
	v, err := eventlog.Verify(ctx, f.log(), f.logOptions(), eventlog.VerifyOptions{Segment: l.segment, Progress: bytesProgress("reading the log")})
	if err != nil {
		return f.explainNoKey(explainLocked(err, f))
	}
	if err := l.end(); err != nil {
		return err
	}
	fmt.Printf("log          %d records in %d segments, %s, in %v: every content is what was committed to\n",
		v.Records, v.Segments, humanize.Bytes(uint64(v.Bytes)), time.Since(began).Round(time.Millisecond))
	fmt.Printf("erased       %d bodies, each taken by an event on the log\n", v.Erased)
	if v.MetadataErased > 0 {
		fmt.Printf("ids erased   from %d records, each listed by an event on the log; of these it is proven that they are there, and not what they were\n", v.MetadataErased)
	}
	if f.keys != nil {
		fmt.Printf("encrypted    %d of %d segments, under the key %s\n", v.Encrypted, v.Segments, f.keys.Operator())
	}
	if v.TornSegment != 0 {
		fmt.Printf("torn         segment %d ends at %d in a write that was never acknowledged; the next start sets it aside\n", v.TornSegment, v.TornOffset)
	}
	if stored.Torn > 0 {
		fmt.Printf("torn         %d bytes after the last checkpoint are none: of one that was never published, or that somebody changed\n", stored.Torn)
	}
	origins.print()
	if len(checkpoints) == 0 && origins != nil {
		fmt.Println("unsigned     this log signs its first checkpoint at the next start")
		return nil
	}
	if len(checkpoints) == 0 && stored.Torn > 0 {
		return fmt.Errorf("the file of checkpoints in %s is damaged from its beginning: bring it back from a backup, or give a checkpoint that you kept with --checkpoint; the log is whole in itself, and nothing says that it is the one there was", f.proofs())
	}
	if len(checkpoints) == 0 {
		return fmt.Errorf("there is no signed checkpoint in %s: the log is whole in itself, and nothing says that it is the one there was; give a checkpoint that you kept with --checkpoint", f.proofs())
	}
	last := checkpoints[len(checkpoints)-1]
	fmt.Printf("checkpoints  %d, all signed and of this log; the last one is of %d records\n", len(checkpoints), last.Size)
	for _, line := range seen {
		fmt.Printf("witness      %s\n", line)
	}
	if v.Records > last.Size {
		fmt.Printf("unsigned     the latest %d records; they are signed at the next start\n", v.Records-last.Size)
	}
	if err := l.tree(); err != nil {
		return err
	}
	fmt.Printf("tree         as the log gives\nroot         %s\nkey          %s\n", audit.Root(), public)
	if c.Key == "" {
		fmt.Println("             this key is the folder's own: compare it with the one that you got from elsewhere, or give that one with --key")
	}
	return nil
}
