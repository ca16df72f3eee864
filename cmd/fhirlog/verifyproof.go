package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/mod/sumdb/note"

	"fhirlog/domain/event"
	"fhirlog/eventlog/merkle"
)

// mostProofBytes bounds a proof file: one with a body has all of it, in base64.
const mostProofBytes = 512 << 20

// verifyProof checks a proof file alone.
func (c *verifyCommand) verifyProof() error {
	public, err := readKey(c.Key)
	if err != nil {
		return err
	}
	if public == "" {
		return errors.New("a proof is verified with the public key of the log, from elsewhere than the proof: give it with --key")
	}
	known, err := knownKey(public)
	if err != nil {
		return err
	}
	text, err := readBounded(c.Proof, mostProofBytes)
	if err != nil {
		return err
	}
	proof, err := merkle.ParseProof(text)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Proof, err)
	}
	checkpoint, err := proof.Check(known)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Proof, err)
	}
	for _, file := range c.Checkpoint {
		if err := continuesKept(proof, checkpoint, file, known); err != nil {
			return err
		}
	}
	printProof(os.Stdout, proof, checkpoint)
	return nil
}

// continuesKept checks that a proof says something of a checkpoint that was kept.
func continuesKept(proof *merkle.Proof, signed merkle.Checkpoint, file string, known note.Verifiers) error {
	text, err := readBounded(file, merkle.MaxSignedBytes)
	if err != nil {
		return err
	}
	kept, err := merkle.OpenCheckpoint(text, known)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", file, err)
	case kept == signed:
		return nil
	case kept.Size == signed.Size && kept.Origin == signed.Origin:
		return fmt.Errorf("%s and the checkpoint of the proof are both signed, of %d records, and contradict each other: the log was changed", file, kept.Size)
	case proof.From == nil || proof.From.Size != kept.Size:
		return fmt.Errorf("the proof does not say whether the log continues the checkpoint of %d records in %s: make one with `fhirlog prove --from %s`, or ask for it with size=%d", kept.Size, file, file, kept.Size)
	case proof.From.Root != kept.Root || kept.Origin != signed.Origin:
		return fmt.Errorf("the log does not continue the checkpoint of %d records in %s: it was changed", kept.Size, file)
	}
	return nil
}

// printProof says in words what was proven.
func printProof(w io.Writer, p *merkle.Proof, c merkle.Checkpoint) {
	fmt.Fprintf(w, "record       %d of the log %s\n", p.Position, c.Origin)
	fmt.Fprintf(w, "time         %s, as the server's clock said\n", p.Time)
	if p.MetadataErased {
		fmt.Fprintln(w, "erased       its id, and with it all that could prove what it was: what follows, and the time, are what the server says; that it is there is proven")
	}
	if e, err := event.Decode(p.Metadata); err != nil {
		fmt.Fprintf(w, "event        not readable by this program: %v\n", err)
	} else {
		fmt.Fprintf(w, "event        %s\n", describeEvent(&e))
		fmt.Fprintf(w, "request      %s\n", e.RequestID)
		printCaller(w, &e)
	}
	switch {
	case p.Body != nil:
		fmt.Fprintf(w, "body         %d bytes, as committed to\n", len(p.Body))
	case p.Erased:
		fmt.Fprintln(w, "body         erased, as the server says; its commitment is proven")
	default:
		fmt.Fprintln(w, "body         not shown; its commitment is proven")
	}
	if p.From != nil {
		fmt.Fprintf(w, "continues    the checkpoint of %d records\n", p.From.Size)
	}
	fmt.Fprintf(w, "checkpoint   signed, of %d records\n", c.Size)
}

// printCaller says who caused an event, with what, and why. It came from a client, so
// it is quoted.
func printCaller(w io.Writer, e *event.Event) {
	if e.Author != "" {
		fmt.Fprintf(w, "author       %q\n", e.Author)
	}
	if e.Address.IsValid() {
		fmt.Fprintf(w, "address      %s\n", e.Address)
	}
	if e.Agent != "" {
		fmt.Fprintf(w, "agent        %q\n", e.Agent)
	}
	if e.Reason != "" {
		fmt.Fprintf(w, "reason       %q\n", e.Reason)
	}
}

// describeEvent says what an event did.
func describeEvent(e *event.Event) string {
	of := string(e.Type) + "/" + string(e.ID)
	if e.IDErased {
		of = "a " + string(e.Type) + " whose id is erased"
	}
	switch e.Kind {
	case event.Written:
		return fmt.Sprintf("version %s of %s was written (%s)", e.Version, of, e.Interaction.Method())
	case event.Deleted:
		return fmt.Sprintf("%s was deleted; the deletion is version %s", of, e.Version)
	case event.Erased:
		return fmt.Sprintf("%s was erased, with all versions up to %s", of, e.Version)
	case event.HistoryPurged:
		return fmt.Sprintf("the history of %s was purged, but for version %s", of, e.Version)
	case event.JobChanged:
		return fmt.Sprintf("the job %s changed", e.ID)
	case event.IDsErased:
		return "the ids of records were erased from the log"
	default:
		return "search parameters were switched on or off"
	}
}
