package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"fhirlog/domain/commit"
	"fhirlog/domain/event"
	"fhirlog/domain/feed"
	"fhirlog/eventlog"
	"fhirlog/eventlog/merkle"
	"fhirlog/eventlog/notary"
	"fhirlog/replay"
	"fhirlog/replay/backup"
)

// restoreCommand is `fhirlog restore`.
type restoreCommand struct {
	From  string `required:"" placeholder:"TARGET" help:"Where the backup is: a folder, or s3://bucket/folder."`
	Data  string `required:"" placeholder:"DIR" help:"Data folder to make: not there, or empty."`
	Until string `default:"now" placeholder:"MOMENT" help:"Restore the server of that moment: an instant such as 2026-03-01T10:00:00Z, or a position; up to the end of its commit. Default all that is in the backup."`
	Fork  bool   `help:"Make another log of it, also of all: for a copy beside a server that goes on. Part of a log is always another one."`
	Key   string `placeholder:"KEY" help:"Public key of the log, or a file with it, as you got it from elsewhere. Without it the backup's own is taken, which proves only that the backup agrees with itself."`
	encryptionFlags
}

// Help says what a restored log is.
func (c *restoreCommand) Help() string {
	return `Without --until and --fork the folder goes on as the log that was backed up: the same identity, the same checkpoints, the same key (in the backup only if --with-key was given; else give it to serve with --log-key). Do that only if the first one does not go on: two logs that are signed with one key and differ are what checkpoints are there to uncover, and whoever holds a checkpoint of records that the backup does not have will see that they are missing.

With --until, or --fork, it is another log with the same beginning: it gets an identity, an origin and a key of its own at the first start, and keeps in the folder "ancestor" the proof that it begins as the first one did. fhirlog verify checks that proof.

What was compacted away before the backup ran is in none of its moments. A resource whose content is lost that way is erased in the restored log as well, by an event that says so. What was erased by name after the moment, and not compacted yet, comes back.`
}

// Run restores.
func (c *restoreCommand) Run(ctx context.Context) error {
	until, err := feed.ParseMoment(c.Until)
	if err != nil {
		return fmt.Errorf("--until: %w", err)
	}
	key, err := readKey(c.Key)
	if err != nil {
		return err
	}
	if err := apart(c.Data, c.From); err != nil {
		return err
	}
	stored, err := openBackup(ctx, c.From)
	if err != nil {
		return err
	}
	began := time.Now()
	var lost replay.Lost
	restored, err := stored.Restore(ctx, backup.RestoreOptions{
		Dir: c.Data, Log: dictionaryOptions(), OpenKeys: c.openKeys(ctx, &folder{path: c.From}), Until: until, Fork: c.Fork, Key: key, Progress: bytesProgress("restoring"),
		Finish: func(r *backup.Restored, description []byte) (err error) {
			lost, err = c.completeFolder(ctx, r, description)
			return err
		},
	})
	if err != nil {
		return explainDamage(err)
	}
	c.print(&restored, stored, lost, time.Since(began))
	return nil
}

// completeFolder makes the description of a restored folder, and sees to what a fork
// lacks.
func (c *restoreCommand) completeFolder(ctx context.Context, r *backup.Restored, description []byte) (lost replay.Lost, err error) {
	f := &folder{path: c.Data}
	if err := json.Unmarshal(description, f); err != nil {
		return lost, fmt.Errorf("%s in the backup is not readable: %w", descriptionFile, err)
	}
	if f.Format != folderFormat {
		return lost, fmt.Errorf("the backup is of a folder of format %d; this fhirlog reads format %d", f.Format, folderFormat)
	}
	if f.Identity != r.Identity {
		return lost, fmt.Errorf("%s in the backup is of another log than its manifest says", descriptionFile)
	}
	if r.Forked {
		f.Fork = &fork{Of: f.Identity, Records: r.Records, Until: merkle.TimeText(r.Instant), Made: time.Now().UTC().Format(time.RFC3339), Before: f.Fork}
		f.Identity = ulid.Make().String()
		if err = f.unlock(ctx, c.encryptionFlags, toWrite); err != nil {
			return lost, err
		}
		if lost, err = f.eraseLost(ctx); err != nil {
			return lost, fmt.Errorf("erase what has lost its content: %w", err)
		}
	}
	return lost, f.save()
}

// eraseLost erases, by events on the log, what has no content in it: a compaction had
// removed that, for an event that the log does not have.
func (f *folder) eraseLost(ctx context.Context) (lost replay.Lost, err error) {
	log, _, err := eventlog.Open(f.log(), f.logOptions())
	if err != nil {
		return lost, err
	}
	lost, err = replay.FindLost(ctx, log)
	if err := errors.Join(err, log.Close()); err != nil || len(lost.Resources)+len(lost.IDs) == 0 {
		return lost, err
	}
	n, err := openNode(f, nil)
	if err != nil {
		return lost, err
	}
	if err := n.start(commit.Options{}, nil); err != nil {
		return lost, errors.Join(err, n.close())
	}
	err = n.catchUp(ctx, func(uint64, uint64) {})
	caller := commit.Caller{Author: event.ByRestore, RequestID: ulid.Make().String()}
	const together = 1000
	for some := range slices.Chunk(lost.Resources, together) {
		if err != nil {
			break
		}
		commands := make([]commit.Command, len(some))
		for i, l := range some {
			commands[i] = commit.Command{Interaction: event.HardDelete, Type: l.Type, ID: l.ID}
			if l.Former {
				commands[i].Interaction = event.PurgeHistory
			}
		}
		_, err = n.commits.Commit(ctx, caller, commands)
	}
	if err == nil {
		err = commit.AnnounceErasedIDs(ctx, n.log, caller, slices.Values(lost.IDs))
	}
	return lost, errors.Join(err, n.close())
}

func (c *restoreCommand) print(r *backup.Restored, s *backup.Stored, lost replay.Lost, elapsed time.Duration) {
	fmt.Printf("restored   %d of %d records of the log %s, up to %s, in %v\n", r.Records, s.Records, r.Identity, merkle.TimeText(r.Instant), elapsed.Round(time.Millisecond))
	switch {
	case r.Prefix == nil:
		fmt.Println("unsigned   there is no checkpoint in the backup: nothing says that this is the log there was")
	case r.Prefix.From.Size < r.Records:
		fmt.Printf("signed     the first %d records; the others were not signed yet when they were backed up\n", r.Prefix.From.Size)
		fmt.Printf("key        %s\n", r.Key)
	default:
		fmt.Printf("prefix     proven: these records are the first ones of the %d that a checkpoint was signed of\n", r.Prefix.Size)
		fmt.Printf("root       %s\nkey        %s\n", r.Prefix.From.Root, r.Key)
	}
	if c.Key == "" && r.Prefix != nil {
		fmt.Println("           this key is the backup's own: compare it with the one that you got from elsewhere, or give that one with --key")
	}
	if n := len(lost.Resources); n > 0 {
		fmt.Printf("erased     %d resources, as their contents had been compacted away before the backup ran\n", n)
	}
	if n := len(lost.IDs); n > 0 {
		fmt.Printf("ids erased from %d records, likewise: nothing answers with these\n", n)
	}
	switch {
	case r.Forked:
		fmt.Printf("fork       another log from here on: it has an identity of its own, and signs with a key of its own\n")
	case r.WithKey:
		fmt.Println("continues  the log that was backed up, with its key: do not let the first one go on")
	default:
		fmt.Println("continues  the log that was backed up, without its private key: serve it with --log-key, and do not let the first one go on")
	}
	fmt.Printf("next       fhirlog serve --data %s\n", c.Data)
}

// fork says what a folder is that has the beginning of another log.
type fork struct {
	Of      string `json:"of"` // the identity of that log
	Records uint64 `json:"records"`
	Until   string `json:"until"` // the instant of the last of these
	Made    string `json:"made"`
	Before  *fork  `json:"before,omitempty"` // what that log was itself
}

// refuseAncestor refuses to sign a fork in the name of the log that it was forked from.
func (f *folder) refuseAncestor(o notary.Options) error {
	if f.Fork == nil {
		return nil
	}
	public, err := os.ReadFile(filepath.Join(f.path, backup.AncestorFolder, "key.pub"))
	if errors.Is(err, os.ErrNotExist) {
		return nil // nothing was ever signed
	}
	if err != nil {
		return err
	}
	ancestor, _, _ := strings.Cut(string(public), "+")
	private := o.Key
	if private == "" {
		if private, err = notary.PrivateKey(o); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(private, "PRIVATE+KEY+"), "+")
	if o.Origin == ancestor || name == ancestor {
		return fmt.Errorf("%s is a fork of the log %s, and must not be signed in its name: whoever holds a checkpoint of that log would find it contradicted. Leave --origin and --log-key out, or give those of another log", f.path, ancestor)
	}
	return nil
}
