// Package faultfs is a file system in memory for tests of the log: its n-th
// operation fails, with or without its effect, and a power cut forgets what was
// not synced.
//
// It models what the log has to reckon with, and not a kind disk:
//
//   - Written bytes are readable at once and durable after a sync. In a power
//     cut, pieces of what was not synced may survive, of any length, in any order.
//   - A failed sync leaves the bytes readable, and takes them for clean: a later
//     sync succeeds and does not write them.
//   - A name (created, renamed, removed) is durable after the sync of its
//     folder; in a power cut the changes up to some point survive.
//   - Space is counted, so a disk can be full.
//   - When the process dies, its locks go and its file handles are dead; what it
//     wrote stays readable.
//
// All methods are safe for concurrent use.
package faultfs
