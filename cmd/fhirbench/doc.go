// Command fhirbench drives any FHIR server over HTTP with the workloads that
// public comparisons use, and says what each request cost: in time, in the
// server's processor seconds and on its disk.
//
// It shares the machine with the server, so it is built to cost little: its
// own HTTP/1.1 client on bare connections (client.go), resources rendered from
// compiled templates straight into the request (resources.go), answers read
// whole but parsed only for what a workload needs. Every outcome is checked;
// what went wrong is counted by kind, with the first example kept.
//
// One file per workload: crud.go (W1), bundles.go (W2), mixed.go (W5) and
// pairs.go (W8). run.go turns a workload and a number of clients into a
// result, measure.go reads what the machine knows about the server, report.go
// prints. Everything random comes from --seed.
package main
