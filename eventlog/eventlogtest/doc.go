// Package eventlogtest is what every backend of the log must pass: Run states
// the promises of package eventlog as tests over an interface.
package eventlogtest
