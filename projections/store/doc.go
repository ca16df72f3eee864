// Package store keeps sorted keys in Badger, as a cache of the log: everything
// in it can be computed again, nothing in it is ever synced on the write path.
//
// # After an unclean stop
//
// Badger's memtable logs are not synced when they rotate, so after a power cut
// keys can be missing below keys that are there. A marker file says whether the
// last stop was clean. If not, Open removes the memtable logs first; what is
// left are the tables, and they hold a prefix of all writes in their order.
// Since every batch writes its cursor last, the cursor that is found then is
// never ahead of the keys, and replaying the log from it gives everything back.
//
// # Damage
//
// Open checks every table first. Badger would end the process, at each start
// again, where the end of a table is damaged, and would answer as if the keys of
// a damaged block had never been there.
//
// # Encryption
//
// With Options.Keys everything that Badger writes is encrypted, with AES-256-CTR. A
// folder gets a key of its own when it is made, and the file KEY in it, one line, has the
// name of that key: "projections-" and 32 hexadecimal digits. The file is synced before
// Badger writes anything. Badger itself makes the keys of its files, and keeps them in
// KEYREGISTRY, encrypted under the key of the folder; MANIFEST and DISCARD have numbers
// only. A folder that is removed takes its key along: DropKeys.
//
// # Batches and concurrency
//
// A batch too large for one transaction of Badger is split, in the order of its
// writes; it is atomic for readers only through the applied position that they
// read at, never through Badger.
//
// A Store is safe for concurrent use; a Batch belongs to one goroutine.
package store
