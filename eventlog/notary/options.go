package notary

import (
	"context"
	"crypto/rand"
	"io"
	"time"

	"fhirlog/eventlog"
	"fhirlog/eventlog/merkle"
)

// Log is the log that is followed; *eventlog.Log is one. It is called concurrently.
type Log interface {
	// Durable is the number of durable records.
	Durable() eventlog.Position
	// WaitDurable waits until there are more; see eventlog.Log.
	WaitDurable(ctx context.Context, upTo eventlog.Position) error
	// Follow gives all records from a position on, without bodies, in order, and
	// waits for more; see eventlog.Log.
	Follow(ctx context.Context, from eventlog.Position, fn func([]eventlog.Record) error) error
	// Scan gives the records that are durable now; see eventlog.Log.
	Scan(ctx context.Context, from eventlog.Position, withBodies bool, fn func(eventlog.Record) error) error
	// Read and ReadMetadata give one record, or eventlog.ErrNotFound.
	Read(p eventlog.Position) (eventlog.Record, error)
	ReadMetadata(p eventlog.Position) (eventlog.Record, error)
}

var _ Log = (*eventlog.Log)(nil)

// Options of a Notary. Dir is needed, and, as long as there is no key, a name for one.
type Options struct {
	// Dir is the folder, made if it is not there. It belongs to one process, the one
	// that has the log.
	Dir string
	// FS is the disk; default the real one.
	FS eventlog.FileSystem
	// Origin, if set, is what the log must be named in checkpoints: the name of the
	// key, which has neither spaces nor plus signs.
	Origin string
	// DefaultOrigin names the key that is made at the first start, if Origin is empty.
	DefaultOrigin string
	// Key is the private key, as note.GenerateKey makes it; default one that is made
	// in the folder at the first start.
	Key string
	// Keys, if set, seal the private key in the folder: one that is there unsealed is
	// sealed by Open. Without them a folder whose key is sealed does not open for signing:
	// eventlog.ErrEncrypted.
	Keys eventlog.Keys
	// Unsigned opens the folder without the private key: what the newest checkpoint
	// covers can be proven, and no new one is made. Run must not be called.
	Unsigned bool
	// Every is how often a checkpoint is made while the log grows; default a minute.
	Every time.Duration
	// Gap is the least time between two, however many are asked for; default a
	// second. Each takes about 250 bytes of the checkpoints' file, for ever.
	Gap time.Duration
	// Random makes the key; default crypto/rand.
	Random io.Reader
	// Witnesses are those whose cosignatures are taken.
	Witnesses []*merkle.Witness
	// Failed, if set, is told why checkpoints cannot be made at the moment.
	Failed func(error)
}

func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS = eventlog.Disk()
	}
	if o.Every <= 0 {
		o.Every = time.Minute
	}
	if o.Gap <= 0 {
		o.Gap = time.Second
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.Failed == nil {
		o.Failed = func(error) {}
	}
	return o
}

const (
	// mostPending is how many leaves wait for a checkpoint in memory; with as many,
	// one is made. It bounds what a start after a crash computes again.
	mostPending = 1 << 18
	// rest is how long the notary waits before it looks at what came while it was
	// level with the log: to wake at every commit would cost more than to hash it.
	rest = 20 * time.Millisecond
	// tailChecked is how many records before the last checkpoint Open compares with
	// the tree.
	tailChecked = 1 << 16
	// retryFirst and retryMost bound the wait after a failure.
	retryFirst, retryMost = time.Second, time.Minute
)
