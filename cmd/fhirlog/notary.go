package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"fhirlog/eventlog/merkle"
	"fhirlog/eventlog/notary"
)

// keyFlags say under which name and key checkpoints of the log are signed.
type keyFlags struct {
	Origin string `env:"FHIRLOG_ORIGIN" placeholder:"NAME" help:"Name of the log in its checkpoints, such as fhir.example.org/log; chosen at the first start. Default fhirlog/<identity of the data folder>."`
	LogKey string `name:"log-key" env:"FHIRLOG_LOG_KEY" placeholder:"FILE" help:"File with the private key that signs checkpoints; default one that is made in the data folder at the first start."`
}

// checkpointFlags say how the log is proven.
type checkpointFlags struct {
	keyFlags
	Witness         []string      `placeholder:"KEY" env:"FHIRLOG_WITNESS" help:"Public key of a witness whose cosignatures are taken at POST /log/cosigned; may be repeated."`
	CheckpointEvery time.Duration `default:"1m" env:"FHIRLOG_CHECKPOINT_EVERY" help:"How often a checkpoint is signed while the log grows. A proof of what is newer makes one at once, at most one a second."`
}

func (f *folder) proofs() string { return filepath.Join(f.path, "proof") }

// notaryOptions are the same for every command that signs.
func (f *folder) notaryOptions(k *keyFlags) (notary.Options, error) {
	o := notary.Options{Dir: f.proofs(), Origin: k.Origin, DefaultOrigin: "fhirlog/" + f.Identity}
	if f.keys != nil {
		o.Keys = f.keys
	}
	if k.LogKey != "" {
		private, err := os.ReadFile(k.LogKey)
		if err != nil {
			return o, fmt.Errorf("--log-key: %w", err)
		}
		opened, err := notary.OpenPrivate(string(private), o.Keys) // a copy of the folder's may be sealed
		if err != nil {
			return o, fmt.Errorf("--log-key: %w", err)
		}
		o.Key = strings.TrimSpace(opened)
	}
	return o, f.refuseAncestor(o)
}

// openProofs opens what proves the log, and follows the log. It refuses a log that is
// not the one that was signed.
func (n *node) openProofs(ctx context.Context, c checkpointFlags, log zerolog.Logger) error {
	o, err := n.folder.notaryOptions(&c.keyFlags)
	if err != nil {
		return err
	}
	o.Every = c.CheckpointEvery
	if o.Witnesses, err = readWitnesses(c.Witness); err != nil {
		return err
	}
	o.Failed = func(err error) {
		log.Error().Err(err).Msg("checkpoints of the log cannot be made at the moment; it is tried again. Everything else goes on")
	}
	opened, opening, err := notary.Open(ctx, n.log, o)
	if err != nil {
		return explainAltered(err, n.folder)
	}
	if opening.KeyMade && n.log.Durable() > 0 {
		log.Warn().Str("key", opened.PublicKey()).Uint64("records", uint64(n.log.Durable())).Msg("the log has records and no key that signs checkpoints of it: one was made; if there was one before, stop and bring the folder proof back from a backup")
	} else if opening.KeyMade {
		log.Info().Str("key", opened.PublicKey()).Msg("a key that signs checkpoints of the log was made; give this public key to those who verify")
	}
	if opening.Torn > 0 {
		log.Warn().Int64("bytes", opening.Torn).Msg("a checkpoint that was never published was cut off by the last stop and removed")
	}
	if opening.Rebuilt && opened.Latest() != nil {
		log.Warn().Dur("elapsed", opening.Elapsed).Msg("the tree of the log was lost or damaged, and computed anew; it has the signed root")
	}
	signed := uint64(0)
	if latest := opened.Latest(); latest != nil {
		signed = latest.Size
	}
	log.Info().Uint64("signed", signed).Dur("elapsed", opening.Elapsed).Msg("the log is the one that was signed, as far as a start looks")
	n.notary, n.notaryEnded = opened, make(chan error, 1)
	go func() { n.notaryEnded <- opened.Run(context.Background()) }()
	return nil
}

// readWitnesses reads the public keys of witnesses.
func readWitnesses(keys []string) (witnesses []*merkle.Witness, err error) {
	for _, key := range keys {
		witness, err := merkle.NewWitness(key)
		if err != nil {
			return nil, fmt.Errorf("--witness %s: %w", key, err)
		}
		witnesses = append(witnesses, witness)
	}
	return witnesses, nil
}

// closeProofs waits for the last checkpoint. The log is closed.
func (n *node) closeProofs() error {
	if n.notary == nil {
		return nil
	}
	return errors.Join(<-n.notaryEnded, n.notary.Close())
}

// explainAltered says what to do about a log that is not the one that was signed.
func explainAltered(err error, f *folder) error {
	_, altered := errors.AsType[*merkle.AlteredError](err)
	_, shorter := errors.AsType[*merkle.ShorterError](err)
	if !altered && !shorter {
		return err
	}
	return fmt.Errorf("%w\nThe log in %s is not the one that was signed, so it is not served. `fhirlog verify --data %s` tells more. Restore log and proofs from a backup of the same moment; what the log holds now stays as it is", err, f.log(), f.path)
}

// checkProofs compares the whole log with what was signed, gently.
func (n *node) checkProofs(ctx context.Context, log zerolog.Logger) error {
	if n.notary == nil {
		return nil
	}
	checked, err := n.notary.Check(ctx, scrubPause)
	if errors.Is(err, context.Canceled) {
		return err
	}
	if err != nil {
		log.Error().Err(err).Msg("the log is not what was signed: run fhirlog verify on a copy, and restore it from a backup")
		return err
	}
	if checked.Mended > 0 {
		log.Warn().Uint64("entries", checked.Mended).Msg("the tree of the log was damaged, and mended; the log itself is what was signed")
	}
	return nil
}
