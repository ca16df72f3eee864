// Package notary keeps the Merkle tree of a log on disk, and signs what the log
// holds. Package merkle says what the tree, checkpoints and proofs are.
//
// # What it promises
//
//   - A checkpoint is signed only over what is durable in the log, and published
//     only when it is durable itself: nobody ever holds one that a crash takes back.
//   - Checkpoints never contradict each other: each is a continuation of all
//     before it, also across restarts. Open compares the tree with the last one,
//     and refuses a log that is shorter, or another.
//   - It never slows a commit: it follows the log as any projection does, from
//     the records in memory.
//   - What fails here (a full disk) does not stop the log. It is tried again from
//     the last checkpoint on, and Failing says so meanwhile.
//
// # The folder
//
//	level-0 … level-5  entries of the levels of tiles, 32 bytes each, one after the
//	                   other: tile n of a level is bytes 8192·n … of its file.
//	                   Derived from the log; what is beyond the last checkpoint
//	                   after a start, or does not give its root, is computed anew
//	checkpoints        all checkpoints ever published, signed notes with an empty
//	                   line after each; only ever appended to. Not derived from
//	                   anything: keep copies elsewhere
//	cosigned           those that witnesses have cosigned, likewise; see Cosign
//	key                the private key, readable by its owner only, and sealed where the
//	                   log is encrypted; absent when the key is given from elsewhere
//	key.pub            the public key, as verifiers take it; give it away
//
// One file per level, not one per tile as the format has it in URLs: a log of a
// hundred million records would have 390,000 of them. A tile is a range of its file.
//
// # After a crash
//
// Only the checkpoints' file may have a torn end, of one that was never published;
// Open cuts it off. Levels are synced before each checkpoint, so the entries that
// it covers are whole; those after it are computed from the log again, at most
// what came in between.
//
// # What is checked when
//
// At Open: the signature of the last checkpoint; that the log has as many records;
// that the tree gives its root; that the latest records below it are those in the
// tree. Check does so for all records, and is meant to run now and then beside the
// server. That contents are what was committed to is checked by eventlog.Verify.
//
// # The key
//
// One key signs all of a history: who verifies needs one public key, and a folder
// whose key was exchanged does not open. To begin with another key, stop, move the
// folder away and keep it: its checkpoints stay verifiable with the former key, and
// `fhirlog verify --checkpoint` still holds the log to them.
//
// A sealed key is one line: "sealed-key-1", a space, and in base64 what keyring.Seal gives
// for the text of the key, under the key "proof-key" of the keyring and for the purpose
// "checkpoints". The tree is not encrypted: it has hashes of salted hashes.
//
// All methods are safe for concurrent use; Run is called once.
package notary
