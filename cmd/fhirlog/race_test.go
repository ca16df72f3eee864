//go:build race

package main

// Under the race detector the program is built with it too. A server that finds
// a race ends with an error, which fails the test that stops it.
func init() { buildFlags = append(buildFlags, "-race") }
