package commit

import (
	"context"
	"fmt"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/patch"
	"fhirlog/domain/resource"
	"fhirlog/eventlog"
)

// A patch is applied with each plan, to the version that is current at the plan's
// snapshot. What it leads to is then content like any other: it is validated as a
// whole, its links are followed, and the body is written whole. So the log needs no
// patch engine to be read, and patches that were decided at the same time all
// take effect, one after the other.

// patched is what a patch was applied to.
type patched struct {
	before  resource.State
	version resource.Version
	remains remains
}

// reservePerByte is about how much memory a patch takes for each byte of the
// resource: texts and trees of what the patch reads, of what it makes on the way and
// in the end, the stored body and its index values.
const reservePerByte = 8

// slowPatches is the time from which on the patches of a commit take too long for
// others to wait for.
const slowPatches = 20 * time.Millisecond

// applyPatches makes the content that the patches of a commit lead to at the
// snapshot of a plan.
func (s *Service) applyPatches(ctx context.Context, p *plan, w *work) error {
	if !w.patches {
		return nil
	}
	begin := time.Now()
	defer func() { w.slow = w.slow || time.Since(begin) > slowPatches }()
	var failed failures
	for i := range w.commands {
		c := &w.commands[i]
		if c.command.Interaction != event.Patch {
			continue
		}
		err := s.applyPatch(ctx, p, w, c)
		if err != nil && domain.KindOf(err) != domain.Invalid {
			return &CommandError{Index: i, Err: err}
		}
		if err != nil {
			failed.add(i, err)
		}
	}
	return failed.err()
}

// applyPatch makes the content that one patch leads to, unless the last plan has
// applied it to the same version.
func (s *Service) applyPatch(ctx context.Context, p *plan, w *work, c *prepared) error {
	if err := ctx.Err(); err != nil {
		return refusal(err)
	}
	before, err := s.before(p, c)
	if err != nil {
		return err
	}
	if err := s.checkTarget(c, before); err != nil {
		return err
	}
	w.line = s.decider.key(c.command.Type, c.id)
	if c.patched != nil && c.patched.before == before {
		return nil
	}
	version, err := s.read(before.Position)
	if err != nil {
		return err
	}
	if err := c.reserve(ctx, &p.caller, len(version.Body)); err != nil {
		return err
	}
	original, err := fhirjson.Parse(version.AppendJSON(make([]byte, 0, len(version.Body)+96)), fhirjson.Limits{})
	if err != nil {
		return fmt.Errorf("read the resource to be patched: %w", err)
	}
	tree, err := applied(c.command.Patch, original.Root())
	if err != nil {
		return err
	}
	if err := c.reserve(ctx, &p.caller, tree.End()); err != nil {
		return err
	}
	c.patched, c.content = &patched{before, version, w.links.mentioned(original.Root())}, content{tree: tree}
	err = s.examine(w, c)
	if err == nil {
		err = s.checkProfiles(ctx, c)
	}
	if err != nil {
		c.patched = nil
		return err
	}
	c.content.late = w.links.late()
	return nil
}

// reserve takes room for a resource of a size, unless the command has it already. A
// patch that needs more than others, since it works on another form of the resource,
// says so.
func (p *prepared) reserve(ctx context.Context, caller *Caller, size int) error {
	perByte := int64(reservePerByte)
	// An XML Patch has the resource in XML and as a tree of that as well.
	if hungry, ok := p.command.Patch.(interface{ BytesPerByte() int }); ok {
		perByte += int64(hungry.BytesPerByte())
	}
	more := perByte*int64(size) - p.reserved
	if caller.Reserve == nil || more <= 0 {
		return nil
	}
	p.reserved += more
	return caller.Reserve(ctx, more)
}

// checkTarget says why a resource cannot be patched. A client that names a version
// of what is not there learns that rather than that the version is wrong (RFC 9110,
// 13.2.1).
func (s *Service) checkTarget(c *prepared, before resource.State) error {
	switch t := c.command.Type; {
	case !before.Exists:
		return domain.NewError(domain.NotFound, fmt.Sprintf("there is no such %s here to patch", t))
	case before.Deleted:
		e := domain.NewError(domain.Deleted, fmt.Sprintf("this %s is deleted, and what is deleted cannot be patched: an update brings it back", t))
		e.Version = before.Version
		return e
	}
	return s.checkPreconditions(c, before)
}

// applied applies a patch to a resource as clients see it, with its versionId and
// lastUpdated.
func applied(by patch.Patch, original fhirjson.Value) (fhirjson.Value, error) {
	made, err := by.Apply(original)
	if err != nil {
		return fhirjson.Value{}, err
	}
	return made.Root(), patch.CheckImmutable(original, made.Root())
}

// errErasedMeanwhile: the content of what a plan is about was erased and compacted away.
var errErasedMeanwhile = domain.NewError(domain.Unavailable, "What is to be changed was erased while that was being done. Ask again.")

// read reads a version of a resource that is not a deletion.
func (s *Service) read(position uint64) (resource.Version, error) {
	record, err := s.log.Read(eventlog.Position(position))
	if err != nil {
		return resource.Version{}, err
	}
	if record.Erased || record.MetadataErased { // and compacted away since the plan's snapshot
		return resource.Version{}, errErasedMeanwhile
	}
	e, err := event.Decode(record.Metadata)
	if err != nil {
		return resource.Version{}, err
	}
	return resource.FromEvent(&e, position, record.Instant, record.Body), nil
}
