// Package eventlog keeps records in order and safe on disk. It knows bytes,
// positions and checksums, and nothing of what they mean.
//
// # What it promises
//
//   - A batch is on the log entirely or not at all, at consecutive positions,
//     in the order in which Append was called.
//   - Once WaitDurable returned nil, the records survive a crash and a power cut.
//   - Instants never decrease, and all records of a commit share one.
//   - After a failed write or sync nothing is appended any more: who waits gets
//     ErrOutcomeUnknown. A sync is never tried again, since the kernel may have
//     dropped what it could not write.
//   - Only the end of the last segment may be torn, by what was never
//     acknowledged; Open sets that aside and says so. All other damage is a
//     CorruptError that names segment and offset.
//   - A full disk is refused in Append, before anything is accepted: space is
//     allocated before a commit is given a place in it.
//   - One process has the folder.
//   - A body whose record Compact was given is in no file of the folder when it has
//     returned, and nothing else has changed: positions, instants, metadata,
//     commitments and the chain stay. The same holds for metadata, if they are to go
//     too: a stub stands in their place, and nothing of such a record can be checked or
//     guessed any more but that it is there.
//
// # How it works
//
// Append gives a batch its positions, instant and place in the file, and queues
// it. One goroutine, Run, takes all that is queued, writes it in one go, syncs
// once, and tells those who wait; what comes meanwhile is the next group.
// Reading uses pread and checks the checksum of each frame; a file is never
// mapped, since a failing disk would then kill the process.
//
// # Compaction
//
// A sealed segment is never changed. Compact writes a new file beside it, with
// the same number and another id, checks every frame, the chain and the hash of the
// old one on the way, syncs it, and renames it over the old one; so a crash leaves
// one of the two, whole. Who reads the old file at that moment goes on with it. What
// is left on the disk is beyond the log: blocks that the file system has freed keep
// their bytes until they are written to again, and so do snapshots and copies.
//
// # The folder
//
//	lock                 held while the log is open
//	00000001.seg …       segments; all but the last are sealed
//	prepared-….tmp       the next segment, allocated ahead; removed by Open
//	compact-….tmp        a segment that is being written anew; removed by Open. Where
//	                     the log is encrypted, both have the id of the file in their name
//	torn-00000007-….bin  a torn tail that Open set aside; nothing reads it again,
//	                     and a compaction removes it
//
// The form of a segment, and the rule that tells a torn tail from damage, are
// drawn in package record.
//
// # Encryption
//
// With Options.Keys, what is personal in a segment is encrypted under a key of that file
// alone; package record draws it, package keyring keeps the keys. A log that was begun
// without is encrypted from the next segment on, and by the next compaction as a whole;
// the way back does not exist. The tail in memory and the cache have what was decrypted.
//
// The key of a file is made before the file has a byte, and dropped
//
//   - when a compaction has written another in its place, whose header names it, and the
//     name of that one is durable;
//   - when Open or Close removes a file that never became a segment.
//
// What a crash keeps from being dropped, the next Open or Compact drops. The key of a
// file that is merely missing stays, as the file may come back.
//
// # Files by themselves
//
// A SegmentReader reads and verifies segments one by one, of a folder that another
// process writes to or of a copy. It takes no lock: a sealed segment never changes, and
// one that is written to only grows.
//
// # What it leaves to others
//
// Who may append, what a record means, that a batch still fits what was decided
// when it is appended: that is domain/commit. It starts no goroutine: the caller
// runs Run.
//
// A Log is safe for concurrent use.
package eventlog
