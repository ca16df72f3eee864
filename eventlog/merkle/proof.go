package merkle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"fhirlog/eventlog/record"
)

// What stands in every proof file: in that of a record whose metadata were erased, a
// format of its own, as an older program would ask for what nobody has any more.
const (
	ProofFormat       = "fhirlog-proof/1"
	ErasedProofFormat = "fhirlog-proof/2"
)

// Proof shows that a record is on a log, as a signed checkpoint says. Whoever
// checks it needs the public key of the log, and nothing of the log itself.
type Proof struct {
	Format   string `json:"format"`
	Position uint64 `json:"position"`
	Instant  int64  `json:"instant"` // milliseconds since 1970
	// Time is the instant for people; it is checked as well.
	Time      string `json:"time"`
	CommitEnd bool   `json:"commitEnd"`
	Metadata  []byte `json:"metadata"`
	// MetadataErased says that the metadata were erased: what stands for them, and the
	// instant, are what the server says, and only the place of the record is proven.
	MetadataErased bool `json:"metadataErased,omitempty"`
	// MetadataSalt is what the metadata commitment was salted with; nobody has it when
	// the metadata were erased.
	MetadataSalt       []byte `json:"metadataSalt"`
	MetadataCommitment Hash   `json:"metadataCommitment"`
	BodyCommitment     Hash   `json:"bodyCommitment"`
	// HasBody and Erased are what the server says: there is a body; there was one,
	// and it was erased, so that nobody has its salt any more.
	HasBody bool `json:"hasBody"`
	Erased  bool `json:"erased,omitempty"`
	// BodySalt lets whoever has the body show that it is the one that was committed
	// to. Only there if it was asked for.
	BodySalt []byte `json:"bodySalt,omitempty"`
	// Body is the stored body. Only there if it was asked for.
	Body []byte `json:"body,omitempty"`

	Path       []Hash `json:"path"`
	Checkpoint string `json:"checkpoint"` // signed
	// From, if there, shows that the checkpoint continues an earlier one.
	From *Consistency `json:"from,omitempty"`
}

// Consistency shows that the log, when it had Size records and that root, is the
// beginning of the log at a checkpoint.
type Consistency struct {
	Size uint64 `json:"size"`
	Root Hash   `json:"root"`
	Path []Hash `json:"path"`
	// Checkpoint is the signed one of that size, if it was given.
	Checkpoint string `json:"checkpoint,omitempty"`
}

// ConsistencyFormat stands in every ConsistencyProof.
const ConsistencyFormat = "fhirlog-consistency/1"

// ConsistencyProof shows that one state of the log is the beginning of another.
type ConsistencyProof struct {
	Format string      `json:"format"`
	From   Consistency `json:"from"`
	Size   uint64      `json:"size"`
	Root   Hash        `json:"root"`
	// Checkpoint is the newest signed one; Size is its size unless another was asked for.
	Checkpoint string `json:"checkpoint"`
}

// Limits of a proof that is read.
const (
	mostPath     = TileHeight*TileLevels + 2
	mostMetadata = 1 << 20
)

// ParseProof reads a proof file. What it proves is for Check.
func ParseProof(text []byte) (*Proof, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	p := &Proof{}
	if err := decoder.Decode(p); err != nil {
		return nil, fmt.Errorf("not a proof file: %w", err)
	}
	if decoder.More() {
		return nil, errors.New("not a proof file: something follows the proof")
	}
	if p.Format != ProofFormat && p.Format != ErasedProofFormat {
		return nil, fmt.Errorf("the proof has the format %q; this program reads %s and %s", p.Format, ProofFormat, ErasedProofFormat)
	}
	return p, nil
}

// TimeText is an instant as proofs show it.
func TimeText(instant int64) string {
	return time.UnixMilli(instant).UTC().Format("2006-01-02T15:04:05.000Z")
}

// Check checks everything that a proof says, with the keys that are known, and
// returns the checkpoint. Whether that is of the right log is for the caller.
func (p *Proof) Check(known note.Verifiers) (Checkpoint, error) {
	checkpoint, err := OpenCheckpoint([]byte(p.Checkpoint), known)
	if err != nil {
		return Checkpoint{}, err
	}
	if err := p.checkRecord(); err != nil {
		return Checkpoint{}, err
	}
	if p.Position >= checkpoint.Size {
		return Checkpoint{}, fmt.Errorf("the proof is of record %d, and its checkpoint covers the first %d only", p.Position, checkpoint.Size)
	}
	if len(p.Path) > mostPath {
		return Checkpoint{}, fmt.Errorf("a path has at most %d hashes", mostPath)
	}
	leaf := Leaf{CommitEnd: p.CommitEnd, Metadata: p.MetadataCommitment, Body: p.BodyCommitment}
	if tlog.CheckRecord(p.Path, int64(checkpoint.Size), checkpoint.Root, int64(p.Position), leaf.Hash()) != nil {
		return Checkpoint{}, errors.New("the path does not lead from the record to the root of the checkpoint: one of them was changed")
	}
	if p.From != nil {
		if err := p.From.Check(checkpoint, known); err != nil {
			return Checkpoint{}, err
		}
	}
	return checkpoint, nil
}

// checkRecord checks the commitments against what they commit to.
func (p *Proof) checkRecord() error {
	if len(p.Metadata) > mostMetadata {
		return fmt.Errorf("metadata have at most %d bytes", mostMetadata)
	}
	if p.Time != TimeText(p.Instant) {
		return fmt.Errorf("the time is not that of the instant, which is %s", TimeText(p.Instant))
	}
	if p.MetadataErased != (p.Format == ErasedProofFormat) {
		return fmt.Errorf("a proof says %s if, and only if, the metadata were erased", ErasedProofFormat)
	}
	if p.MetadataErased {
		return p.checkErased()
	}
	if len(p.MetadataSalt) != record.SaltSize {
		return fmt.Errorf("metadataSalt has %d bytes, and not %d", len(p.MetadataSalt), record.SaltSize)
	}
	salt := [record.SaltSize]byte(p.MetadataSalt)
	if record.CommitMetadata(salt, p.Position, p.Instant, p.Metadata) != p.MetadataCommitment {
		return errors.New("position, instant and metadata are not what the metadata commitment is of: one of them was changed")
	}
	switch {
	case len(p.BodySalt) == 0 && p.Body == nil:
		return nil
	case p.Erased:
		return errors.New("the proof has a body, or its salt, and says that it was erased")
	case p.HasBody && p.Body == nil:
		return nil // the salt alone: whoever has the body can check it
	case !p.HasBody && p.Body != nil:
		return errors.New("the proof has a body, and says that there is none")
	}
	return p.CheckBody(p.Body)
}

// checkErased checks that a proof shows nothing of a record that nobody has any more.
func (p *Proof) checkErased() error {
	if len(p.MetadataSalt) > 0 || len(p.BodySalt) > 0 || p.Body != nil || p.HasBody {
		return errors.New("the proof says that the metadata were erased, and has a salt, or a body")
	}
	return nil
}

// CheckBody checks that a stored body is the one that was committed to; nil is
// none. It needs the salt.
func (p *Proof) CheckBody(body []byte) error {
	if len(p.BodySalt) != record.SaltSize {
		return errors.New("the proof has no salt of the body: ask for one with it")
	}
	if record.CommitBody([record.SaltSize]byte(p.BodySalt), body) != p.BodyCommitment {
		return errors.New("the body is not the one that was committed to")
	}
	return nil
}

// Check checks that the log continued to a checkpoint.
func (c *Consistency) Check(to Checkpoint, known note.Verifiers) error {
	if c.Checkpoint != "" {
		earlier, err := OpenCheckpoint([]byte(c.Checkpoint), known)
		if err != nil {
			return fmt.Errorf("earlier checkpoint: %w", err)
		}
		if earlier != (Checkpoint{to.Origin, c.Size, c.Root}) {
			return errors.New("the earlier checkpoint is of another log, size or root than the proof says")
		}
	}
	return checkConsistency(c, to.Size, to.Root)
}

func checkConsistency(c *Consistency, size uint64, root Hash) error {
	switch {
	case len(c.Path) > mostPath:
		return fmt.Errorf("a path has at most %d hashes", mostPath)
	case c.Size > size || size > MaxSize:
		return fmt.Errorf("a log of %d records does not begin with %d", size, c.Size)
	case c.Size == 0:
		if c.Root != emptyRoot || len(c.Path) > 0 {
			return errors.New("the empty log has another root, and its path is empty")
		}
		return nil
	}
	if tlog.CheckTree(c.Path, int64(size), root, int64(c.Size), c.Root) != nil {
		return fmt.Errorf("the log of %d records is not the beginning of the one of %d: the log was changed, or the proof", c.Size, size)
	}
	return nil
}

// Check checks that From is the beginning of the other state, and the signature of
// the checkpoint. If that is of another size, From and the other state are
// consistent, and nothing says that either is signed.
func (p *ConsistencyProof) Check(known note.Verifiers) (Checkpoint, error) {
	checkpoint, err := OpenCheckpoint([]byte(p.Checkpoint), known)
	if err != nil {
		return Checkpoint{}, err
	}
	if p.Size == checkpoint.Size && p.Root != checkpoint.Root {
		return Checkpoint{}, errors.New("the root is not that of the checkpoint")
	}
	return checkpoint, checkConsistency(&p.From, p.Size, p.Root)
}
