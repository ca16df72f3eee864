// Package keyring keeps the keys of a folder that is encrypted at rest, in one file,
// under the one key that its operator has.
//
// # What it promises
//
//   - The operator's key does nothing but wrap one key, that of the folder. It may be a
//     file, or be in a service that never gives it away; see Wrapper.
//   - A key that New has given is durable: nothing is ever encrypted under a key that a
//     crash takes back.
//   - The file is replaced whole. A crash or a failure at any moment leaves it as it was
//     or as it was to be; so Rotate leaves a folder that the former operator's key opens,
//     or the new one, and all of it.
//   - What another process has written to the file is never overwritten unseen.
//   - What was changed in the file by anybody else does not pass: every key is sealed
//     together with its name.
//
// # The keys
//
//	operator's key       wraps the folder's key, and nothing else
//	└─ folder key        random; made anew by Rotate. Seals the data keys
//	   ├─ segment-<id>   one for each file of the log; see eventlog
//	   ├─ projections-<id>  one for each folder of projections; see projections/store
//	   ├─ proof-key      seals the private key that checkpoints are signed with
//	   └─ …              whatever else has a name
//
// Each data key is random, 256 bits, and serves one file or folder. So a file is made
// unreadable by dropping its key.
//
// # What a dropped key is worth
//
// Drop takes a key out of the file. Whoever has an older copy of the file (a backup of
// the folder, a snapshot, blocks that the disk has freed) and the operator's key still
// reads what was encrypted under it. To put that beyond everybody's reach, Rotate to
// another operator's key and destroy the former one.
//
// Rotate makes no new data keys: it helps against an operator's key that got into other
// hands, together with a copy of the file, from then on; not against data keys that were
// read out of the memory of a process. Where a folder is copied, the copies have the same
// data keys for what they have in common, and each drops its own.
//
// # The file
//
// JSON, one object:
//
//	{
//	  "schema": 1,
//	  "operator": "aes256-…",   the name that the operator's key gives itself
//	  "folder": "…",            the folder key, as Wrapper.Wrap gave it, in base64
//	  "keys": {                 sealed under the folder key, in base64, by name
//	    "segment-0123456789abcdef": "…"
//	  }
//	}
//
// A sealed key is 60 bytes: a random nonce (12), the key encrypted with AES-256-GCM (32),
// the tag (16). Additional data is "keyring 1 " and the name of the key. The local
// operator's key of this package wraps in the same way, with "operator" for a name.
//
// The file is written as keyring.new, synced, renamed, and its folder synced. One process
// at a time may change it: the one that has the lock of the log.
//
// A Ring is safe for concurrent use.
package keyring
