// Package dictionary holds the zstd dictionaries that bodies are compressed
// with. They are trained on HL7's public examples only, never on stored data: a
// dictionary trained on patients would keep pieces of them after an erasure.
//
// The log names the dictionary that it was written with, so a dictionary that
// was ever released stays here for ever; a better one gets a new file and id.
package dictionary

import _ "embed"

// V1 is the dictionary of all logs so far; its id is 1001.
//
//go:embed v1.zdict
var V1 []byte
