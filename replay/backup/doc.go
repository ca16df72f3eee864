// Package backup keeps copies of a log in another place, from which a folder can be
// made that is the server of any moment.
//
// # What it promises
//
//   - A backup is made of a folder that a server writes to, and holds everything that
//     was durable when the run began. Nothing in the folder is changed, no lock is taken.
//   - What is copied was verified on the way: frames, chain, commitments, hashes. It is
//     read back from the target before anything says that it is there.
//   - A run that is stopped anywhere, or fails, leaves the backup before it whole.
//   - What a compaction has removed from the log is in no object of the target after
//     the next run. (A store that keeps former versions of its objects, or holds them
//     by a lock, keeps them beyond that.)
//   - A log that is not the one of the backup, or has not grown out of it, is refused.
//
// # The target
//
// A target holds objects by name; each is written once, whole, and never changed.
//
//	chunks/<SHA-256>                        a piece of a file: ChunkBytes of it, less at
//	                                        its end
//	manifests/<run>-<SHA-256>-1.json, -2.json
//	                                        two copies of what the last run found, and
//	                                        which chunks its files are made of
//
// Both are named after their content in hexadecimal, so a damaged one is known by its
// name. The manifest is written when all chunks are there; then what it does not name
// is deleted, the manifests before it included: a log has one past, so the newest backup
// holds all there was. Files only grow, so a chunk that is full stays what it is: a run
// copies what is new, and the last chunk again of each file that has grown.
//
//	fhirlog.json        what the folder is
//	proof/checkpoints   all signed checkpoints; proof/cosigned: those of witnesses
//	proof/key.pub       the public key of the log
//	proof/key           the private key, only if that was asked for
//	keyring             if the log is encrypted: its keys, under the operator's key
//	ancestor/key.pub, ancestor/prefix.json
//	                    of a fork: what proves which log it was forked from
//	log/00000001.seg …  segments; the last one up to its last durable commit
//
// The tree over the log and the projections are computed from the log, and not copied.
//
// What is encrypted is copied as it is, and verified with the keys on the way; that takes
// the operator's key. The keyring is copied after the segments, so that it has the keys
// of all: a segment that was replaced in between is copied again. It is under the
// operator's key of that moment; a run after a rotation brings the new one.
//
// # Restoring
//
// All records come back, or those up to a moment, up to the end of a commit. A copy of
// all goes on as the log that it is a copy of. A copy up to a moment is a fork: another
// log with the same beginning, which must not be signed as the first one is. It keeps
// in the folder "ancestor" what proves where it comes from.
//
// Who has the same target open twice for writing must see to it that this does not
// happen; a folder is locked.
package backup
