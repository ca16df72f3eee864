// Package replay reads the log from any position and derives things from it
// again: today it rebuilds the projections, and compares them with others.
//
// It applies events through the very functions of the running server, in
// package projections, and has no effects of its own; so what it rebuilds is
// what the server would have, key by key and value by value.
//
// It only reads the log. A folder of projections belongs to one process at a
// time.
package replay
