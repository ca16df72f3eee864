// Package record is the form of the log on disk: it turns records, commits and
// segment descriptions into bytes and back. It does no input or output.
//
// Every function is pure; values are safe for concurrent reading. What a
// decoder returns shares memory with the bytes it was given.
//
// # A segment file
//
// All integers are little-endian. All parts start at multiples of 8.
//
//	┌────────┬───────────────── commit ────────────────┬─ commit ─┬┄┄┬───────┬─────────┐
//	│ header │ records frame … records frame  commit f.│ …        │  │ index │ trailer │
//	└────────┴─────────────────────────────────────────┴──────────┴┄┄┴───────┴─────────┘
//	0        96                                                       only when sealed
//
// An active segment is allocated ahead: zeros follow its last frame. A sealed
// one ends with its trailer and is read-only.
//
// # Header (HeaderSize bytes)
//
//	 0  8  magic "evlogseg"
//	 8  2  format version: 1, or 2 if anything below says what only 2 can say
//	10  2  size of this header, 96
//	12  4  segment number, from 1
//	16  4  id of the zstd dictionary of its blocks, 0 for none
//	20  4  chain value at the end of the previous segment, 0 for the first
//	24 16  log id: random, the same in every segment of one log
//	40  8  segment id: random, new for every file (the "epoch")
//	48  8  position of its first record
//	56  8  instant of creation, milliseconds since 1970
//	64  8  instant of the last record before it, 0 if there is none
//	72  1  encryption of the records frames (version 2): 0 none, 1 AES-256-GCM
//	73  1  flags (version 2): 1 metadata may be erased (descriptor flag 4)
//	74  6  zero
//	80  8  id of the file that an encrypted one was written in place of (version 2),
//	       0 for none
//	88  4  zero
//	92  4  CRC32C of bytes 0…91
//
// # Frame
//
//	 0  4  CRC32C of bytes 4…end, padding included, seeded with the segment's Key
//	 4  4  length of the payload
//	 8  1  0xE7
//	 9  1  kind: 1 records, 2 commit, 3 index, 4 trailer
//	10  1  flags
//	11  1  zero
//	12  4  CRC32C of bytes 4…11, seeded likewise: the length can be trusted
//	       before the payload is read
//	16  …  payload, then zeros up to a multiple of 8
//
// The Key is made of segment id and number, so bytes left over from another
// segment, or from an earlier file of the same number, are never a frame.
//
// # Records frame (kind 1)
//
// A run of consecutive records of one commit. Flags: 1 first frame of its
// commit, 2 last frame of its commit, 4 the block is compressed with zstd.
//
//	 0  8  position of the first record
//	 8  8  instant of the commit, milliseconds since 1970
//	16  4  count of records, at least 1
//	20  4  stored length of the block
//	24  …  one descriptor per record:
//	         1   flags: 1 has a body, 2 its body was erased, 4 its metadata were erased,
//	             which only a record can have that has no body (any more)
//	         1…  length of the metadata (uvarint), or of what stands in their place
//	         1…  length of the body (uvarint), 0 when absent or erased
//	        16   seed; when the body was erased, the metadata salt; when the metadata
//	             were erased, zeros
//	        32   metadata commitment
//	        32   body commitment
//	 …  …  the metadata of all records, one after the other
//	 …  …  the block: the bodies of all records, one after the other, compressed
//	       together; stored as they are where compression does not pay
//
// # Encrypted records frame
//
// In a segment with encryption 1, the payload of each records frame is
//
//	 0 12  nonce, random
//	12  …  the payload as drawn above, encrypted with AES-256-GCM under the key of the
//	       file, which is random and serves this file alone
//	 … 16  tag
//
// Additional data are segment id (8), offset of the frame in the file (8), and bytes
// 8…11 of the frame: no frame can stand in the place of another. All other frames are
// as they are: they hold positions, instants, lengths, checksums, and chain values over
// commitments, which are salted. Checksums and the hash of the file run over what
// stands in the file, so whether it is whole can be said without the key, and a torn
// tail is known as ever. What is appended after a torn tail has nonces of its own.
//
// # Commitments
//
//	metadata salt       = first 16 bytes of SHA-256(0x11 ‖ seed)
//	body salt           = first 16 bytes of SHA-256(0x12 ‖ seed)
//	metadata commitment = SHA-256(0x01 ‖ metadata salt ‖ position (8) ‖ instant (8) ‖ metadata)
//	body commitment     = SHA-256(0x02 ‖ body salt ‖ body), or
//	                      SHA-256(0x03 ‖ body salt) for a record without a body
//
// Both salts come from one random seed, so a record pays for one. To erase a
// body, a rewrite drops the body and puts the metadata salt in place of the
// seed: the metadata can still be checked, the body can no longer be guessed
// (its salt cannot be computed from the other), and both commitments, hence
// every proof over them, stay what they were.
//
// To erase the metadata as well, a rewrite drops what is left of the seed, so that
// nothing of the record can be guessed any more, and puts a stub in the place of the
// metadata: up to 64 KiB that whoever reads the log needs to go on, in the form of
// other metadata. The stub is not committed to: of such a record it is proven only that
// it is there, at its position. The file then has format version 2, as
// an older program would take the stub for metadata that were tampered with.
//
// # Commit frame (kind 2)
//
//	 0  8  position after the last record of the commit
//	 8  8  synced through: the file offset up to which everything was known to be
//	       durable when this frame was written; in a rewritten segment the offset
//	       of the frame itself, as the file got its name only when it was durable
//	16  4  count of records in the commit; 0 for a mark, see below
//	20  4  chain value
//
// The chain value is CRC32C over the previous chain value (4), the two
// commitments of every record of the commit (64 each), and the position after
// it (8). It runs over the commitments and not over the frames' bytes because
// the frames have a CRC of their own, and so an erasure does not break it.
//
// A commit frame with count 0 is a mark: it repeats the chain value and says
// only that everything before it is durable. A clean stop writes one, so damage
// in the last commits is not mistaken for a torn tail.
//
// # Torn tail or damage
//
// Only the last segment may end in the middle of something. Take the first
// offset X where no valid frame stands and that is not followed by zeros alone,
// or where a commit lacks its commit frame. If any valid commit frame of this
// segment after X has "synced through" > X, or an index or trailer frame
// follows, bytes that were durable have changed: that is damage, and the log
// does not open. Otherwise X lies in the last group, which was being written:
// it was never acknowledged and is set aside. Within that group the pieces may
// have reached the disk in any order, so valid frames after X prove nothing by
// themselves.
//
// # Index frame (kind 3)
//
//	0  4  offset of the frame that holds the first record, divided by 8
//	4  4  the same for the next record, and so on
//
// # Trailer frame (kind 4), the last TrailerSize bytes of the file
//
//	 0  8  position of the first record
//	 8  8  position after the last record
//	16  8  instant of the first record
//	24  8  instant of the last record
//	32  8  offset of the index frame
//	40  4  chain value at the end
//	44  4  zero
//	48 32  SHA-256 of the file up to this frame
package record
