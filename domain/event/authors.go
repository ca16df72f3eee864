package event

import "strings"

// The authors of what the server does by itself, rather than for a client.
const (
	ByRestore = ownAuthor + "restore" // what a restored log lacks is erased there
	ByJobs    = ownAuthor + "jobs"    // a job goes on, completes or fails
	ByCompact = ownAuthor + "compact" // ids are erased
)

// ownAuthor begins the names of all of them, and of nobody else.
const ownAuthor = "fhirlog "

// IsOwnAuthor says whether an author is the server itself. No client may be called so.
func IsOwnAuthor(author string) bool { return strings.HasPrefix(author, ownAuthor) }
