package replay

import (
	"bytes"
	"errors"
	"fmt"
	"iter"

	"fhirlog/projections/store"
)

// Difference is one key that two folders of projections do not agree on.
type Difference struct {
	Key         []byte
	Left, Right []byte // values; nil where the key is missing
}

// String shows the key and the values in hexadecimal, for tests: these may be a
// patient's data.
func (d Difference) String() string {
	return fmt.Sprintf("%q: %x against %x", d.Key, d.Left, d.Right)
}

// Outline shows the difference and nothing that may be a patient's: the letter of
// the key's family (package keys draws them) and lengths.
func (d Difference) Outline() string {
	size := func(value []byte) string {
		if value == nil {
			return "nothing"
		}
		return fmt.Sprintf("%d bytes", len(value))
	}
	return fmt.Sprintf("a key of family %.1q and %d bytes: %s against %s", d.Key, len(d.Key), size(d.Left), size(d.Right))
}

// Compare reads two folders of projections that nobody has open, key by key, and
// returns at most limit differences. It opens them as a server would, with o.
func Compare(left, right string, o store.Options, limit int) (differences []Difference, keys int, err error) {
	a, err := store.Open(left, o)
	if err != nil {
		return nil, 0, err
	}
	b, err := store.Open(right, o)
	if err != nil {
		return nil, 0, errors.Join(err, a.Close())
	}
	differences, keys, err = compare(a, b, limit)
	return differences, keys, errors.Join(err, a.Close(), b.Close())
}

type pair struct{ key, value []byte }

// all iterates over a store; an error ends it.
func all(s *store.Store, failure *error) iter.Seq[pair] {
	return func(yield func(pair) bool) {
		*failure = s.Scan(store.Range{}, func(key, value []byte) (bool, error) {
			return yield(pair{bytes.Clone(key), append([]byte{}, value...)}), nil
		})
	}
}

func compare(a, b *store.Store, limit int) (differences []Difference, keys int, err error) {
	var errA, errB error
	nextA, stopA := iter.Pull(all(a, &errA))
	defer stopA()
	nextB, stopB := iter.Pull(all(b, &errB))
	defer stopB()
	l, moreL := nextA()
	r, moreR := nextB()
	for (moreL || moreR) && len(differences) < limit {
		keys++
		order := bytes.Compare(l.key, r.key)
		switch {
		case !moreR || moreL && order < 0:
			differences = append(differences, Difference{l.key, l.value, nil})
			l, moreL = nextA()
		case !moreL || order > 0:
			differences = append(differences, Difference{r.key, nil, r.value})
			r, moreR = nextB()
		default:
			if !bytes.Equal(l.value, r.value) {
				differences = append(differences, Difference{l.key, l.value, r.value})
			}
			l, moreL = nextA()
			r, moreR = nextB()
		}
	}
	return differences, keys, errors.Join(errA, errB)
}
