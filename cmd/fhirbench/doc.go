// Command fhirbench drives any FHIR server over HTTP with the workloads that
// public comparisons use, and says what each request cost: in time, in the
// server's processor seconds and on its disk.
//
// It shares the machine with the server, so it is built to cost little: its
// own HTTP/1.1 client on bare connections (client.go), resources rendered from
// compiled templates straight into the request (resources.go), answers read
// whole but parsed only for what a workload needs (scan.go). Every outcome is
// checked; what went wrong is counted by kind, with the first example kept.
//
// run.go turns a workload and a number of clients into a result, measure.go
// reads what the machine knows about the server, report.go prints. Everything
// random comes from --seed. past.go lists the workloads:
//
//   - crud.go (W1), bundles.go (W2), mixed.go (W5) and pairs.go (W8) write
//     what they make up or read from files.
//   - searches.go (W3, W4), downloads.go (W9) and past.go (W11, both as of the
//     middle of the load) search what is loaded already. ground.go learns what
//     that is, by plain searches before the clock runs: sample.go collects
//     values, build.go, searchshapes.go and mixshapes.go make queries of them.
//
// A shape (shape.go) is one kind of search; its queries differ in their values
// only. Each answer is held to what was asked: a searchset of the right type,
// no longer than _count, without warnings, with the same total every time; a
// value that was read from a resource finds something, a value that nothing has
// finds nothing; a download brings each resource once and all of them. What is
// told of a fault is the shape and the codes of the outcome, no value.
package main
