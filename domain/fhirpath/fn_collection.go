package fhirpath

import "fhirlog/domain"

func empty(k *call, dst Collection) (Collection, error) {
	return appendBoolean(dst, len(k.in) == 0), nil
}

func count(k *call, dst Collection) (Collection, error) {
	return append(dst, NewItem(Integer(len(k.in)))), nil
}

// booleans builds allTrue, anyTrue, allFalse and anyFalse: whether all or any
// items are what is wanted. An empty collection has all, and not any.
func booleans(wanted truth, all bool) builder {
	return plain(func(k *call, dst Collection) (Collection, error) {
		result := all
		for i := range k.in {
			v, _ := k.in[i].System()
			b, ok := v.(Boolean)
			if !ok {
				return nil, k.fault("is called on Booleans, and there is a %s", k.in[i].Type().Name)
			}
			if is := truthOf(bool(b)) == wanted; is != all {
				result = !all
			}
		}
		return appendBoolean(dst, result), nil
	})
}

func subsetOf(k *call, dst Collection) (Collection, error) {
	return appendBoolean(dst, containsAll(k.set(k.args[0]), k.in)), nil
}

func supersetOf(k *call, dst Collection) (Collection, error) {
	return appendBoolean(dst, containsAll(k.set(k.in), k.args[0])), nil
}

func containsAll(s *set, items Collection) bool {
	for i := range items {
		if !s.has(&items[i]) {
			return false
		}
	}
	return true
}

func distinct(k *call, dst Collection) (Collection, error) {
	return append(dst, k.set(k.in).members...), nil
}

func isDistinct(k *call, dst Collection) (Collection, error) {
	return appendBoolean(dst, len(k.set(k.in).members) == len(k.in)), nil
}

// single fails where the others of its group give fewer items.
func single(k *call, dst Collection) (Collection, error) {
	if len(k.in) > 1 {
		return nil, k.fault("is called on at most one item, and there are %d", len(k.in))
	}
	return append(dst, k.in...), nil
}

func first(k *call, dst Collection) (Collection, error) {
	return append(dst, k.in[:min(1, len(k.in))]...), nil
}

func last(k *call, dst Collection) (Collection, error) {
	return append(dst, k.in[max(0, len(k.in)-1):]...), nil
}

func tail(k *call, dst Collection) (Collection, error) {
	return append(dst, k.in[min(1, len(k.in)):]...), nil
}

func skip(k *call, dst Collection) (Collection, error) {
	n, ok, err := k.integer(0)
	if !ok || err != nil {
		return dst, err
	}
	return append(dst, k.in[min(max(0, n), len(k.in)):]...), nil
}

func take(k *call, dst Collection) (Collection, error) {
	n, ok, err := k.integer(0)
	if !ok || err != nil {
		return dst, err
	}
	return append(dst, k.in[:min(max(0, n), len(k.in))]...), nil
}

// intersect keeps what both have, once each.
func intersect(k *call, dst Collection) (Collection, error) {
	other, result := k.set(k.args[0]), k.set(nil)
	for i := range k.in {
		if other.has(&k.in[i]) {
			result.add(k.in[i])
		}
	}
	return append(dst, result.members...), nil
}

// exclude removes what the other has, and keeps duplicates.
func exclude(k *call, dst Collection) (Collection, error) {
	other := k.set(k.args[0])
	for i := range k.in {
		if !other.has(&k.in[i]) {
			dst = append(dst, k.in[i])
		}
	}
	return dst, nil
}

func union(k *call, dst Collection) (Collection, error) {
	s := k.set(k.in)
	s.addAll(k.args[0])
	return append(dst, s.members...), nil
}

func combine(k *call, dst Collection) (Collection, error) {
	return append(append(dst, k.in...), k.args[0]...), nil
}

// negation is not().
func negation(k *call, dst Collection) (Collection, error) {
	t, err := k.c.truth(k.in, k.n.At, role{text: "what not() is called on"})
	return not(t).append(dst), err
}

// typeInfo is type().
func typeInfo(k *call, dst Collection) (Collection, error) {
	for i := range k.in {
		dst = append(dst, NewItem(k.in[i].Type()))
	}
	return dst, nil
}

// unsupported is what functions are that FHIR names and fhirlog does not have.
func unsupported(k *call, _ Collection) (Collection, error) {
	return nil, k.c.fault(k.n.At, domain.NotSupported, "%s() is not supported", k.n.Name)
}
