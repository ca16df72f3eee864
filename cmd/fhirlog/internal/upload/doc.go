// Package upload posts FHIR resources from files to a FHIR server, several at
// a time.
//
// Files hold JSON values: one per line (NDJSON), or one or several laid out
// over many lines; each file may be gzipped. A transaction or batch Bundle is
// posted as it is. Of other Bundles each resource goes on its own, like a
// resource that stands alone: with PUT when it has an id, else with POST.
//
// What it promises: files whose names contain ".support." are complete before
// any other begins; no more than a bounded number of bytes is in memory beside
// the values being sent; a stop lets finish what is in flight and tells with
// how many values to go on later; what failed is grouped by its reason, with
// the places of the first few. It does not look into resources: that is the
// server's part.
package upload
