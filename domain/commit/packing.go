package commit

import (
	"slices"

	"fhirlog/eventlog"
)

// packing keeps the compressed bodies from one plan to the next: a second plan
// mostly writes the same.
type packing struct {
	bodies [][]byte
	packed *eventlog.Packed
}

// pack makes the batch of a plan.
func (k *packing) pack(log Log, p *plan) eventlog.Batch {
	bodies := make([][]byte, len(p.writes))
	metadata := make([][]byte, len(p.writes))
	for i := range p.writes {
		bodies[i] = p.writes[i].body
		metadata[i] = p.writes[i].event.Append(make([]byte, 0, 96))
	}
	if k.packed == nil || !slices.EqualFunc(k.bodies, bodies, sameSlice) {
		k.bodies, k.packed = bodies, log.Pack(bodies)
	}
	return eventlog.Batch{Metadata: metadata, Bodies: k.packed}
}

// sameSlice says whether two bodies are the same bytes in memory.
func sameSlice(a, b []byte) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}
