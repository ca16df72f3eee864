package projections

import "fhirlog/projections/history"

// Shown calls fn with the positions of the versions, from one position to before
// another, that a history still shows: those that were neither erased nor purged nor
// replaced. They come in ascending order until fn answers false.
func (p *Projections) Shown(from, before uint64, fn func(position uint64) (bool, error)) error {
	return p.history.Walk(history.System, from, before, false, nil, fn)
}

// Shown calls fn with the positions of the versions that are still shown; see that
// of Projections.
func (l *Live) Shown(from, before uint64, fn func(position uint64) (bool, error)) error {
	_, err := hear(l.enter(), func(p *Projections) (struct{}, error) { return struct{}{}, p.Shown(from, before, fn) })
	return err
}
