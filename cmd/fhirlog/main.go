// Command fhirlog is a FHIR server whose only truth is an append-only log, and
// the tools to feed and check it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set by the linker in releases.
var version = "development"

// cli is what a user can say; each command is in a file of its own.
type cli struct {
	Serve   serveCommand     `cmd:"" help:"Serve FHIR over HTTP."`
	Load    loadCommand      `cmd:"" help:"Post Bundles and resources from files to any FHIR server."`
	Rebuild rebuildCommand   `cmd:"" help:"Compute all projections anew from the log, or check those that are there."`
	Compact compactCommand   `cmd:"" help:"Remove from all files, for good, the content of what was erased."`
	Verify  verifyCommand    `cmd:"" help:"Verify that the log is whole, and the one that was signed; or check a proof."`
	Prove   proveCommand     `cmd:"" help:"Prove that a record is on the log, for somebody who has only the public key."`
	Replay  replayCommand    `cmd:"" help:"List who changed what, when: the events of the log."`
	Show    showCommand      `cmd:"" help:"Show a resource as of any instant, or its history."`
	Search  searchCommand    `cmd:"" help:"Search as of any instant, without a server."`
	Diff    diffCommand      `cmd:"" help:"Tell what changed between two moments."`
	Backup  backupCommand    `cmd:"" help:"Copy the log to another place, incrementally, while a server runs or not."`
	Restore restoreCommand   `cmd:"" help:"Make a data folder of a backup: the server of any moment."`
	Key     keyCommand       `cmd:"" help:"Make, show and rotate the key that data folders are encrypted under."`
	Version kong.VersionFlag `help:"Print the version."`
}

const description = `A FHIR server whose only truth is an append-only log.

  fhirlog serve                      serve FHIR R4 at http://127.0.0.1:8080/fhir, data in ./data
  fhirlog load patients.ndjson.gz    post Bundles or resources to it

For auditors, with a copy of the data folder:

  fhirlog replay --data copy                            who changed what, when
  fhirlog show Patient/1 --data copy --as-of MOMENT     a resource in the past
  fhirlog search 'Patient?name=x' --data copy --as-of …
  fhirlog diff FORMER LATTER --data copy                what changed between two moments

Every flag of serve can also be set in the environment, as its help shows.`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "fhirlog:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	parser, err := kong.New(&cli{},
		kong.Name("fhirlog"),
		kong.Description(description),
		kong.Vars{"version": "fhirlog " + version},
		kong.UsageOnError(),
	)
	if err != nil {
		return err
	}
	if err := refuseUnknownEnvironment(parser.Model, os.Environ()); err != nil {
		return err
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		parser.FatalIfErrorf(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	parsed.BindTo(ctx, (*context.Context)(nil))
	err = parsed.Run()
	if errors.Is(err, context.Canceled) {
		return errors.New("stopped")
	}
	return err
}
