package keysource

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"fhirlog/eventlog/keyring"
)

// Source is where the operator's keys are. Safe for concurrent use.
type Source struct {
	places []place
}

// place is one of the places where keys are.
type place interface {
	// keys finds the keys that are there now, the one in force first. Errors are
	// keyring.ErrDenied and keyring.ErrUnreachable.
	keys() ([]keyring.Wrapper, error)
	String() string // as it was given; no secret is in it
}

// Parse reads the names of sources, the one with the key in force first. It looks into
// none of them.
func Parse(names []string) (*Source, error) {
	s := &Source{}
	for _, name := range names {
		scheme, rest, ok := strings.Cut(name, ":")
		parse := schemes[scheme]
		if !ok || parse == nil {
			// What was given may be a key, so nothing of it is said.
			return nil, errors.New("say where the key is: file:PATH, env:NAME, hcvault://HOST/transit/keys/NAME or aws-kms://ARN")
		}
		p, err := parse(rest)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", scheme, err)
		}
		s.places = append(s.places, p)
	}
	if len(s.places) == 0 {
		return nil, errors.New("no source of a key is given")
	}
	return s, nil
}

var schemes = map[string]func(rest string) (place, error){
	"file":         parseFile,
	"env":          parseVariable,
	"aws-kms":      parseAWS,
	"hcvault":      parseVault,
	"hcvault+http": parseVaultPlain,
}

// String names all sources.
func (s *Source) String() string {
	names := make([]string, len(s.places))
	for i, p := range s.places {
		names[i] = p.String()
	}
	return strings.Join(names, ", ")
}

// Files are the paths of the files among the sources.
func (s *Source) Files() (paths []string) {
	for _, p := range s.places {
		if f, ok := p.(file); ok {
			paths = append(paths, string(f))
		}
	}
	return paths
}

// Load finds the keys that are there now.
func (s *Source) Load() (*Operator, error) {
	keys, _, err := s.keys()
	if err != nil {
		return nil, err
	}
	return &Operator{source: s, first: keys[0]}, nil
}

// keys are those of all places, in order. It fails if the first place cannot be looked
// into; a former key may have been taken away already, and missing says so.
func (s *Source) keys() (all []keyring.Wrapper, missing, err error) {
	for i, p := range s.places {
		keys, failed := p.keys()
		if failed != nil {
			failed = fmt.Errorf("%s: %w", p, failed)
		}
		if failed != nil && i == 0 {
			return nil, nil, failed
		}
		missing = errors.Join(missing, failed)
		all = append(all, keys...)
	}
	return all, missing, nil
}

// Operator is the operator's key: it wraps by the first key of the source, as it was
// when it was loaded, and unwraps by any that is there at that moment.
type Operator struct {
	source *Source
	first  keyring.Wrapper
}

var _ keyring.Wrapper = (*Operator)(nil)

// Reload finds the keys that are there now, in the same source.
func (o *Operator) Reload() (*Operator, error) { return o.source.Load() }

// Name is the name of the first key.
func (o *Operator) Name() string { return o.first.Name() }

// Wrap encrypts by the first key.
func (o *Operator) Wrap(ctx context.Context, plain []byte) ([]byte, error) {
	return o.first.Wrap(ctx, plain)
}

// Unwrap decrypts by the key that has encrypted. If none does, it tells of the one that
// might have.
func (o *Operator) Unwrap(ctx context.Context, wrapped []byte) ([]byte, error) {
	keys, missing, err := o.source.keys()
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		plain, err := key.Unwrap(ctx, wrapped)
		if err == nil {
			return plain, nil
		}
		if !errors.Is(err, keyring.ErrWrongKey) {
			missing = errors.Join(missing, err)
		}
	}
	if missing != nil {
		return nil, missing
	}
	return nil, keyring.ErrWrongKey
}
