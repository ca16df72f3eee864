package main

// supportKinds are the resources that records refer to and share.
var supportKinds = [3]kind{organization, location, practitioner}

// supports holds the references to them by the index in supportKinds, as the
// server named them.
type supports [len(supportKinds)][]string

// supportCount is how many of each kind there are.
const supportCount = 40

// makeSupports makes a Bundle of hospitals, their wards and practitioners.
func makeSupports(rng *random) bundle {
	var (
		refs references
		urn  []byte
		b    bundle
	)
	b.text = append(b.text, bundleOpen...)
	for range supportCount {
		for _, k := range supportKinds {
			urn = rng.appendUUID(append(urn[:0], "urn:uuid:"...))
			refs[k] = append(refs[k][:0], urn...)
			r := resource{kind: k, seed: rng.next(), refs: &refs}
			b.text = r.appendEntry(b.text, urn)
			b.entries++
		}
	}
	b.text = append(b.text, bundleClose...)
	return b
}

// makeRecords makes the records of some patients, each one transaction.
func makeRecords(seed uint64, patients int, s *supports) []bundle {
	out := make([]bundle, patients)
	var buffer []byte
	for i := range out {
		rec := record{rng: random(mix(seed, uint64(i)+1)), supports: s, text: append(buffer[:0], bundleOpen...)}
		rec.fill()
		buffer = append(rec.text, bundleClose...)
		out[i] = bundle{append([]byte(nil), buffer...), rec.entries}
	}
	return out
}

// A record is one patient's Bundle in the making. What it refers to is the
// latest of each kind, so everything refers to something before it.
type record struct {
	rng      random
	supports *supports
	refs     references
	text     []byte
	entries  int
}

// fill adds the patient and the visits. The proportions are those of Synthea:
// half of all are Observations, then Encounters with a Claim and an
// ExplanationOfBenefit each, Immunizations, and few of the rest.
func (r *record) fill() {
	r.visitSite()
	r.add(patient)
	for visit := range 4 + int(r.rng.below(17)) {
		if r.rng.below(4) == 0 {
			r.visitSite()
		}
		r.add(encounter)
		r.addSome(observation, 3, 10)
		if visit == 0 {
			r.add(medicationRequest) // claims refer to one
		} else {
			r.addSome(medicationRequest, 0, 1)
		}
		r.addSome(condition, 0, 1)
		r.addSome(procedure, 0, 1)
		r.addSome(immunization, 0, 2)
		r.addSome(diagnosticReport, 0, 1)
		r.add(claim)
		r.add(explanationOfBenefit)
	}
}

// visitSite chooses the hospital, ward and practitioner of what follows.
func (r *record) visitSite() {
	for i, k := range supportKinds {
		names := r.supports[i]
		r.refs[k] = append(r.refs[k][:0], names[r.rng.below(uint64(len(names)))]...)
	}
}

// addSome adds a number of resources between two bounds.
func (r *record) addSome(k kind, low, high uint64) {
	for range low + r.rng.below(high-low+1) {
		r.add(k)
	}
}

// add adds one resource of a kind.
func (r *record) add(k kind) {
	urn := r.rng.appendUUID([]byte("urn:uuid:"))
	one := resource{kind: k, seed: r.rng.next(), refs: &r.refs}
	r.text = one.appendEntry(r.text, urn)
	r.refs[k] = append(r.refs[k][:0], urn...)
	r.entries++
}
