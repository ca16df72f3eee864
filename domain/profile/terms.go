package profile

import (
	"context"
	"errors"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/valueset"
)

type foundSet struct {
	set   *valueset.Set
	fault error
}

// valueSet returns the value set of a canonical URL, nil if there is none. The cost
// is in steps.
func (k *knowledge) valueSet(ctx context.Context, url string) (set *valueset.Set, cost int, err error) {
	k.mu.Lock()
	found, known := k.sets[url]
	k.mu.Unlock()
	if known {
		return found.set, stepsOfKnown, found.fault
	}
	set, err = valueset.Compile(url, &terms{ctx, k})
	cost = stepsOfSearch + set.Size()
	if _, told := asDomain(err); err != nil && !told {
		return nil, cost, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.makeRoomLocked(set.Size()*codeBytes + len(url))
	k.sets[url] = foundSet{set, err}
	return set, cost, err
}

// terms is what value sets are made of, for one of them.
type terms struct {
	ctx context.Context
	k   *knowledge
}

// ValueSet finds a value set.
func (t *terms) ValueSet(url, version string) (fhirjson.Value, error) {
	return t.k.look(t.ctx, ValueSet, url, version)
}

// CodeSystem finds a code system.
func (t *terms) CodeSystem(url, version string) (fhirjson.Value, error) {
	return t.k.look(t.ctx, CodeSystem, url, version)
}

// Listed finds the codes of a value set of the specification.
func (t *terms) Listed(url string) *definitions.Codes { return t.k.d.ValueSet(url) }

// look asks the library. Its failures say nothing of a definition, so they are not
// kept.
func (k *knowledge) look(ctx context.Context, t domain.ResourceType, url, version string) (fhirjson.Value, error) {
	v, err := k.library.Find(ctx, t, url, version)
	if err != nil {
		return v, &lookError{err}
	}
	return v, nil
}

// lookError is a failure of the library.
type lookError struct{ err error }

// Error is that of the library.
func (e *lookError) Error() string { return "look for a definition: " + e.err.Error() }

// Unwrap returns the library's error.
func (e *lookError) Unwrap() error { return e.err }

// asDomain returns what is wrong with a definition.
func asDomain(err error) (*domain.Error, bool) {
	if _, failed := errors.AsType[*lookError](err); failed {
		return nil, false
	}
	e, ok := errors.AsType[*domain.Error](err)
	return e, ok && e.Kind != domain.Internal
}
