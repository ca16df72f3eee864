package commit

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/registry"
	"fhirlog/domain/resource"
	"fhirlog/domain/search"
	"fhirlog/domain/validate"
	"fhirlog/eventlog"
)

// Log is what commits need of a log. Append orders a batch at once and returns
// before it is durable; all methods are safe for concurrent use.
type Log interface {
	Next() eventlog.Position
	Pack(bodies [][]byte) *eventlog.Packed
	Append(ctx context.Context, b eventlog.Batch) (eventlog.Appended, error)
	Read(p eventlog.Position) (eventlog.Record, error)
}

// State is the applied state that commits are planned against. What it applies
// is durable. All methods are safe for concurrent use.
type State interface {
	// Applied is the number of records that reads may see.
	Applied() uint64
	// Current is the state of a resource as of the first snapshot records.
	Current(t domain.ResourceType, id domain.LogicalID, snapshot uint64) (resource.State, error)
	// WaitApplied returns when Applied() ≥ upTo; it fails with ctx, or when nothing
	// more will be applied.
	WaitApplied(ctx context.Context, upTo uint64) error
	// Parameters is the set of search parameters now in force, never nil. As long as
	// it does not change, the same set is returned.
	Parameters() *search.Set
	// Find returns what matches the query as of the first snapshot records, at most
	// limit resources, in the order of positions.
	Find(ctx context.Context, q *search.Query, snapshot uint64, limit int) ([]search.Found, error)
	// Include returns what matches include. All are current at the snapshot.
	Include(ctx context.Context, r search.IncludeRequest) (search.Included, error)
}

// Options tune a Service; the zero value keeps every version.
type Options struct {
	Versioning   VersioningPolicy                         // of types that are not named below
	VersioningOf map[domain.ResourceType]VersioningPolicy // exceptions
	// Validation says what becomes of findings beyond structure: of broken invariants,
	// codes outside of their value set, references to wrong types.
	Validation validate.Policy
	// Profiles checks the contents of commands that ask for it.
	Profiles Profiles
	// Validator checks contents; one is made if it is nil.
	Validator      *validate.Validator
	NoUpdateCreate bool                    // refuse updates of resources that do not exist
	NewID          func() domain.LogicalID // ids for new resources; default ULIDs
	// Handoff, if set, gets the index values of each commit that the log has taken,
	// in the order of the log and before the next commit is ordered, so that whoever
	// follows the log need not read the bodies. values[i] belongs to the event at
	// first+i, and is nil for one without content; set is what they were extracted
	// by. All belongs to the receiver, who must be quick.
	//
	// The follower may meet an event before its values are handed over. It may also
	// have a newer set in force than the values were extracted by, if a change of the
	// set was ordered just before; then it has to extract anew.
	Handoff func(first eventlog.Position, set *search.Set, values []*search.Values)
	// Registry, if set, is what is known of search parameters and jobs: never less
	// than State has applied. Without it, SearchParameters are resources like any
	// other, and nothing is administered.
	Registry func() *registry.Registry
}

func (o *Options) policy(t domain.ResourceType) VersioningPolicy {
	if p, named := o.VersioningOf[t]; named {
		return p
	}
	return o.Versioning
}

// Service commits commands.
type Service struct {
	log         Log
	state       State
	definitions *definitions.Definitions
	validator   *validate.Validator
	options     Options
	decider     *decider
	lines       *lines
	begin       uint64       // records that were there when the service was made
	coming      atomic.Int64 // small commits that are being made
	alone       atomic.Int64 // commits that have taken the turn before they plan, 1 at most
}

// New makes a Service over a log and the state that follows it.
func New(log Log, state State, d *definitions.Definitions, o Options) *Service {
	if o.NewID == nil {
		o.NewID = newULIDs()
	}
	if o.Validator == nil {
		o.Validator = validate.New(d)
	}
	begin := uint64(log.Next())
	return &Service{
		log: log, state: state, definitions: d, validator: o.Validator, options: o,
		decider: newDecider(begin), lines: newLines(), begin: begin,
	}
}

// Commit carries out the commands, all or none, and returns what became of
// each. It fails with a domain.Error, wrapped in a CommandError if it is one of
// several commands that is at fault. ctx bounds the waiting: a commit already
// decided is not taken back.
func (s *Service) Commit(ctx context.Context, caller Caller, commands []Command) ([]Outcome, error) {
	// An answer that writes nothing rests on the applied state alone, so it must
	// hold all that was acknowledged before this service began.
	if err := s.state.WaitApplied(ctx, s.begin); err != nil {
		return nil, refusal(err)
	}
	arrived := s.announce(commands)
	defer arrived()
	w, err := s.prepare(caller, commands)
	if err == nil {
		err = s.checkAllProfiles(ctx, w)
	}
	if err != nil {
		return nil, unwrapSingle(commands, err)
	}
	leave := func() {}
	defer func() { leave() }()
	for {
		p, appended, waitFor, err := s.attempt(ctx, caller, w)
		if err != nil {
			return nil, unwrapSingle(commands, err)
		}
		if waitFor == 0 {
			w.tell(p.outcomes)
		}
		if waitFor == 0 && len(p.writes) == 0 {
			return p.outcomes, nil
		}
		arrived()
		if waitFor == 0 {
			p.release()
			return s.finish(ctx, p, appended)
		}
		if w.patches && w.plans == 1 {
			if leave, err = s.lines.join(ctx, w.line); err != nil {
				return nil, refusal(err)
			}
		}
		if err := s.state.WaitApplied(ctx, waitFor); err != nil {
			return nil, refusal(err)
		}
	}
}

// smallCommit is the number of commands up to which a commit is worth waiting
// for: it will be ordered within a millisecond or so.
const smallCommit = 64

// announce counts a commit as coming until arrived is called for the first time.
func (s *Service) announce(commands []Command) (arrived func()) {
	if len(commands) > smallCommit {
		return func() {}
	}
	s.coming.Add(1)
	isComing := true
	return func() {
		if isComing {
			isComing = false
			s.coming.Add(-1)
		}
	}
}

// Coming says whether commits are being made that the log is about to get: those
// could share a sync. None comes while one commit has the turn and waits for all
// that is ordered.
func (s *Service) Coming() bool { return s.coming.Load() > 0 && s.alone.Load() == 0 }

// finish waits for the batch and completes the outcomes with what the log
// assigned.
func (s *Service) finish(ctx context.Context, p *plan, a eventlog.Appended) ([]Outcome, error) {
	if err := s.state.WaitApplied(ctx, uint64(a.First)+uint64(a.Count)); err != nil {
		return nil, unknownOutcome(err)
	}
	for i := range p.writes {
		w := &p.writes[i]
		v := &p.outcomes[w.command].Version
		if v.Version != 0 && !w.aside && p.outcomes[w.command].Change != Purged {
			v.Position, v.Instant = uint64(a.First)+uint64(i), a.Instant
		}
	}
	return p.outcomes, nil
}

// unwrapSingle gives the fault itself where there is one command only.
func unwrapSingle(commands []Command, err error) error {
	if failed, ok := errors.AsType[*CommandError](err); ok && len(commands) == 1 {
		return failed.Err
	}
	return err
}

// refusal says why a commit was not accepted; nothing has changed.
func refusal(err error) error {
	var tooLarge *eventlog.TooLargeError
	switch {
	case errors.Is(err, eventlog.ErrDiskFull):
		return wrap(domain.StorageFull, "The server's storage is full: nothing was written. Reading still works. Try again when its operator has made room.", err)
	case errors.As(err, &tooLarge):
		return wrap(domain.TooLarge, "the request is too large to be stored in one piece", err)
	case errors.Is(err, eventlog.ErrOutcomeUnknown), errors.Is(err, eventlog.ErrFailed), errors.Is(err, eventlog.ErrClosed):
		return wrap(domain.Unavailable, "the server is stopping: nothing was written", err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return wrap(domain.Timeout, "the request was not finished in time: nothing was written", err)
	}
	return fmt.Errorf("order a commit: %w", err)
}

// unknownOutcome says that a commit was decided and its end not seen.
func unknownOutcome(err error) error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return wrap(domain.Timeout, "the request was not finished in time; it may still take effect, read the resource to find out", err)
	}
	return wrap(domain.Unavailable, "the server stopped while it wrote; whether the change took effect shows after the restart", err)
}

func wrap(kind domain.Kind, message string, err error) error {
	e := domain.NewError(kind, message)
	e.Err = err
	return e
}
