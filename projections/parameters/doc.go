// Package parameters keeps the registry of search parameters and jobs (package
// domain/registry) in rows, so that a start need not read the whole log for it,
// and how far the index has come with it.
//
//	key              value
//	q h              through and last number, JSON
//	q n number       a number: id, from, until, end, complete, fault, definition, JSON
//	q r id           a SearchParameter: number, how it is switched, definition, JSON
//	q g              URLs of parameters that are gone, JSON
//	q s url          state of a parameter of the specification, text
//	q j position     a job, by the position of its first event, JSON
//	q f number       filled: how many blocks of the store, the first ones, hold the
//	                 entries of a number that are older than it is; 4 bytes
//	q c number       there may still be entries of a number that is gone
//
// Numbers and blocks are 4 bytes, positions 8, big-endian. The rows of a registry
// are written together, those that have changed only.
//
// q f and q c say something of this folder, all other rows of the log. They are
// what makes up for writes that an unclean stop has lost: the log may know of a job
// that has completed, while what it did is missing from the store.
//
// A Rows belongs to the applier, but for its Filled and Cleared, which are safe
// for concurrent use.
package parameters
