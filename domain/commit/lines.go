package commit

import "context"

// lines is where patches stand that have lost a plan. Of many patches of one
// resource at once one takes effect with each sync; if all others planned again each
// time, all but one of them would apply and validate in vain. So the first in line
// plans, and the next one when that is applied. Who comes anew tries without
// standing in line.
//
// A line is no lock: nothing depends on it but the work that is done in vain.
// Whoever is in one waits for no other.
type lines [64]chan struct{}

func newLines() *lines {
	l := new(lines)
	for i := range l {
		l[i] = make(chan struct{}, 1)
	}
	return l
}

// join waits for the head of the line of a resource, given by the decider's key; it
// fails with ctx. Whoever was there calls leave.
func (l *lines) join(ctx context.Context, key uint64) (leave func(), err error) {
	line := l[key%uint64(len(l))]
	select {
	case line <- struct{}{}:
		return func() { <-line }, nil
	case <-ctx.Done():
		return func() {}, ctx.Err()
	}
}
