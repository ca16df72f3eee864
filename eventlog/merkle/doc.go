// Package merkle proves what a log holds: it hashes records to the leaves of a
// Merkle tree, and makes and checks checkpoints and proofs. It does no input or
// output, and every value is safe for concurrent reading.
//
// # The leaf
//
// The leaf of a record is RFC 6962's (section 2.1), SHA-256(0x00 ‖ data), over
// these LeafSize bytes:
//
//	 0  1  0x01: this form of the leaf
//	 1  1  flags: 1 the record is the last one of its commit
//	 2 32  metadata commitment
//	34 32  body commitment
//
// The commitments are those of package record. That of the metadata covers the
// position and the instant as well, so neither is repeated. An erasure keeps
// both, so it changes no leaf: proofs from before it stay good.
//
// # The tree
//
// All records in order of position, hashed as RFC 6962 says:
// SHA-256(0x01 ‖ left ‖ right). It is kept and served as tiles
// (https://c2sp.org/tlog-tiles) of height 8: entry i of level 0 is the leaf hash
// of position i, entry i of level l+1 the hash of the whole tile i of level l. The
// entries of one level, one after the other, are one sequence of 32 bytes each:
// tile n is entries 256·n … 256·n+255 of it. That is all that Levels has to give.
//
// The bundles of entries that the format offers besides are not served: they
// would be the records themselves, hence patients' data.
//
// # The checkpoint
//
// A signed note (https://c2sp.org/signed-note, Ed25519) whose text is a
// checkpoint (https://c2sp.org/tlog-checkpoint):
//
//	fhirlog/01K9…            origin: which log; the name of the key as well
//	1234                     records
//	GgIl…=                   root hash, base64
//
//	— fhirlog/01K9… Az3g…    signature
//
// # The proof
//
// A Proof is JSON, bytes in base64. By hand, with SHA-256 alone:
//
//  1. metadataCommitment = SHA-256(0x01 ‖ metadataSalt ‖ position ‖ instant ‖
//     metadata), both numbers in 8 bytes, little-endian.
//  2. Whoever has the stored body: bodyCommitment = SHA-256(0x02 ‖ bodySalt ‖
//     body), or SHA-256(0x03 ‖ bodySalt) if there never was one.
//  3. The leaf, as drawn above.
//  4. Go up to the root (RFC 6962, 2.1.1; RFC 9162, 2.1.3.2) with path, position
//     and the checkpoint's size; the result is the checkpoint's root.
//  5. The signature of the checkpoint, under the key that you got from elsewhere.
//
// A proof of a record whose metadata were erased has format fhirlog-proof/2, says
// metadataErased, and has no salts: steps 1 and 2 cannot be done by anybody. Steps 3 to
// 5 prove that the record is there, at its position, with the commitments that it
// always had; metadata and instant are what the server says.
//
// # What is proven, and what is not
//
// A checkpoint that somebody keeps pins the whole past: a log that was changed,
// cut or replaced before that point cannot give a consistency proof from it. It
// does not prevent that two people are shown two logs, each consistent in itself:
// compare checkpoints with each other, or have witnesses cosign them
// (https://c2sp.org/tlog-cosignature). It does not prove the clock: instants are
// what the server said. Who has the signing key and the data folder can write
// another history, and is found out by whoever kept an older checkpoint.
package merkle
