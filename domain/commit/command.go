package commit

import (
	"context"
	"fmt"
	"net/netip"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/patch"
	"fhirlog/domain/resource"
	"fhirlog/domain/search"
)

// Caller says on whose behalf a commit is made.
type Caller struct {
	// What goes into every event of the commit; see event.Event, and CheckText there
	// for what may stand in it. Author is empty where nobody is authenticated, one of
	// the names of event/authors.go for the server itself.
	Author    string
	RequestID string // the server's own id of the request
	Agent     string
	Address   netip.Addr
	Reason    string
	// Bases are the URLs of this service, each ending in a slash, that conditional
	// references may use in their criteria.
	Bases []string
	// Findings asks for Outcome.Findings.
	Findings bool
	// Reserve, if set, is asked before memory is taken for what is stored, rather than
	// for what the caller sent: a patch of a few bytes may be about a resource of many
	// megabytes. It may wait, and refuses with a domain.Error.
	Reserve func(ctx context.Context, bytes int64) error
}

// sign puts into an event who causes it, with what, and why.
func (c *Caller) sign(e *event.Event) {
	e.Author, e.RequestID = c.Author, c.RequestID
	e.Agent, e.Address, e.Reason = c.Agent, c.Address, c.Reason
}

// Command asks for one change. The commands of one commit succeed or fail
// together.
type Command struct {
	// Interaction is Create, Update, Patch, Delete, HardDelete or PurgeHistory.
	Interaction event.Interaction
	Type        domain.ResourceType
	ID          domain.LogicalID // not for Create: the server assigns it
	// Resource is the content for Create and Update. The service validates it.
	Resource fhirjson.Value
	// Patch, for a Patch, is what to do to the current version.
	Patch patch.Patch
	// Profiles says whether the content, also that which a patch leads to, is checked
	// against the profiles that it declares.
	Profiles ProfileCheck
	// FullURL is Bundle.entry.fullUrl: links to it in the resources of the same
	// commit are rewritten to the resource's place on this server.
	FullURL string
	// IfMatch, when set, is the version that must be current (the text inside
	// W/"…"). For a resource that never existed it fails with NotFound.
	IfMatch *string
	// MustNotExist is If-None-Match: * on an update: it may only create.
	MustNotExist bool
	// KeepNoMetaHistory is _meta-history=false: if only meta changes, the version
	// before is not kept.
	KeepNoMetaHistory bool
	// ProvenanceOf, for a Create of a Provenance, is 1 + the index of the command
	// whose result becomes its target (the X-Provenance header); 0 for none.
	ProvenanceOf int
	// Criteria, when set, selects the resource instead of ID, which is empty then: a
	// conditional interaction (https://hl7.org/fhir/R4/http.html#ccreate and the
	// paragraphs behind it). For Create it is If-None-Exist; for an Update the
	// content need not have an id; for a Patch there must be a match; a deletion takes
	// what the criteria include along.
	// They were parsed with search parameters that State has returned.
	Criteria *search.Query
	// Limit, for a deletion by criteria, is how many matches it may delete, at most
	// MaxLimit; 0 and 1 demand that there is one match at most.
	Limit int
}

// MaxLimit is the greatest Limit of a Command.
const MaxLimit = 100

// Change says what a command did.
type Change uint8

// What a command did.
const (
	Created   Change = iota + 1 // version 1 was written
	Updated                     // a later version was written
	Unchanged                   // the content was there already: no new version
	Deleted                     // a deletion was written, or the resource was erased
	Nothing                     // there was nothing to delete, erase or purge
	Purged                      // the history was purged
	Existing                    // a conditional create found the resource
)

// Outcome is what became of one command. Version is the version now current;
// for a Deleted change it is the deletion, and after an erasure or where there
// was nothing it is zero. A deletion by criteria has a Version if there was one
// match, and none if there were several.
type Outcome struct {
	Change  Change
	Version resource.Version
	// Findings are what was found in the content beside what would be a fault, if the
	// caller asked for it.
	Findings []domain.Issue
	Items    int // of a deletion by criteria: how many resources were deleted, included ones too
}

// CommandError names the command that made a commit of several fail.
type CommandError struct {
	Index int
	Err   error
	// Others are further commands with faulty content, so that a client hears of
	// all at once.
	Others []*CommandError
}

// Error names the command and its fault.
func (e *CommandError) Error() string { return fmt.Sprintf("command %d: %v", e.Index, e.Err) }

// Unwrap returns the fault.
func (e *CommandError) Unwrap() error { return e.Err }

// VersioningPolicy decides what becomes of the version that an update replaces
// (CapabilityStatement.rest.resource.versioning).
type VersioningPolicy uint8

// The versioning policies.
const (
	Versioned       VersioningPolicy = iota // every version is kept
	VersionedUpdate                         // and an update must name the version it replaces
	NoVersion                               // only the current version is kept
)
