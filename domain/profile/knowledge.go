package profile

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
)

// What is kept of compiled definitions. Beyond it all of it is forgotten and made
// anew as it is needed.
const (
	mostKept      = 10_000   // definitions, those that are not there included
	mostKeptBytes = 64 << 20 // about
	shapeBytes    = 400      // what a shape takes, about
	codeBytes     = 64       // and a code
	largestSource = 16 << 20 // bytes of one StructureDefinition
	longestChain  = 32       // of bases
)

// What it costs to find a definition, in the steps of a walk: a client can name
// thousands that are not there.
const (
	stepsOfKnown  = 20
	stepsOfSearch = 2_000
	bytesPerStep  = 8 // of a definition that is read
)

// knowledge is what is known of a Library in one of its states.
type knowledge struct {
	d       *definitions.Definitions
	library Library
	state   string

	mu       sync.Mutex // guards the fields below
	profiles map[string]foundProfile
	sets     map[string]foundSet
	lists    map[domain.ResourceType][]string // of profiles; nil before they are asked for
	bytes    int
}

// foundProfile is the profile of a URL; or why it cannot be used; or neither, if
// there is none.
type foundProfile struct {
	profile *profile
	fault   error
}

func newKnowledge(d *definitions.Definitions, l Library, state string) *knowledge {
	return &knowledge{d: d, library: l, state: state, profiles: map[string]foundProfile{}, sets: map[string]foundSet{}}
}

// makeRoom forgets everything if there would be too much of it with some more.
// The caller holds mu.
func (k *knowledge) makeRoomLocked(bytes int) {
	if len(k.profiles)+len(k.sets) >= mostKept || k.bytes+bytes > mostKeptBytes {
		clear(k.profiles)
		clear(k.sets)
		k.bytes = 0
	}
	k.bytes += bytes
}

// find returns the profile of a canonical URL; nil, and no error, if there is none.
// A definition that cannot be used is a *domain.Error. The cost is in steps.
func (k *knowledge) find(ctx context.Context, url string) (p *profile, cost int, err error) {
	k.mu.Lock()
	found, known := k.profiles[url]
	k.mu.Unlock()
	if known {
		return found.profile, stepsOfKnown, found.fault
	}
	p, bytes, err := k.compile(ctx, url)
	cost = stepsOfSearch + bytes/bytesPerStep
	if _, told := asDomain(err); err != nil && !told {
		return nil, cost, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if found, known := k.profiles[url]; known { // another was faster
		return found.profile, cost, found.fault
	}
	k.makeRoomLocked(bytes + len(url))
	k.profiles[url] = foundProfile{p, err}
	return p, cost, err
}

// compile makes the profile of a URL.
func (k *knowledge) compile(ctx context.Context, url string) (p *profile, bytes int, err error) {
	if len(url) > longestCanonical {
		return nil, 0, nil
	}
	if t := coreType(k.d, url); t != nil {
		return &profile{url: url, typ: t, root: &shape{name: t.Name, id: t.Name, max: definitions.Unbounded}}, shapeBytes, nil
	}
	def, root, err := k.tree(ctx, url, nil)
	if def == nil || err != nil {
		return nil, 0, err
	}
	shapes, size, err := compileShapes(k.d, def.typ, root)
	if err != nil {
		return nil, 0, err
	}
	p = &profile{url: url, typ: def.typ, root: shapes, abstract: def.abstract, contexts: def.contexts, demands: def.demands}
	if def.typ.Name == "Extension" {
		p.completeExtension(def.url)
	}
	return p, size*shapeBytes + def.bytes, nil
}

// tree returns the elements of a definition: its own if it has a snapshot, else
// those of its base with what it says itself.
func (k *knowledge) tree(ctx context.Context, url string, above []string) (*definition, *element, error) {
	address, version, _ := strings.Cut(url, "|")
	version, _, _ = strings.Cut(version, "#")
	if slices.Contains(above, address) {
		return nil, nil, domain.NewError(domain.Invalid, fmt.Sprintf("The StructureDefinition %s cannot be used: it is derived from itself.", shown(address)))
	}
	if len(above) >= longestChain {
		return nil, nil, domain.NewError(domain.Invalid, fmt.Sprintf("The StructureDefinition %s cannot be used: it is derived in more than %d steps.", shown(above[0]), longestChain))
	}
	v, err := k.look(ctx, StructureDefinition, address, version)
	if err != nil || !v.Exists() {
		return nil, nil, err
	}
	if v.End()-v.Start() > largestSource {
		return nil, nil, domain.NewError(domain.Invalid, fmt.Sprintf("The StructureDefinition %s cannot be used: it is larger than %d MiB.", shown(address), largestSource>>20))
	}
	def, err := readDefinition(k.d, v)
	if err != nil {
		return nil, nil, err
	}
	if !def.constraint {
		return nil, nil, def.fault("defines a type of its own, and does not constrain one (derivation is not 'constraint')")
	}
	if def.whole {
		return def, def.root, nil
	}
	if t := coreType(k.d, def.base); t != nil {
		if !isA(k.d, def.typ, t) {
			return nil, nil, def.fault("constrains the type " + def.typ.Name + ", and its baseDefinition is of another type")
		}
		return def, def.root, nil
	}
	base, root, err := k.tree(ctx, def.base, append(above, address))
	switch {
	case err != nil:
		return nil, nil, err
	case base == nil:
		return nil, nil, def.fault("has no snapshot, and its baseDefinition " + shown(def.base) + " is not known here")
	case base.typ != def.typ:
		return nil, nil, def.fault("constrains the type " + def.typ.Name + ", and its baseDefinition is of another type")
	}
	def.bytes += base.bytes
	return def, overlay(root, def.root), nil
}

// supported lists the profiles of a type of resource, sorted.
func (k *knowledge) supported(ctx context.Context, t domain.ResourceType) ([]string, error) {
	k.mu.Lock()
	lists := k.lists
	k.mu.Unlock()
	if lists == nil {
		all, err := k.library.Profiles(ctx)
		if err != nil {
			return nil, err
		}
		lists = map[domain.ResourceType][]string{}
		for _, s := range all {
			lists[s.Type] = append(lists[s.Type], s.URL)
		}
		for _, list := range lists {
			slices.Sort(list)
		}
		k.mu.Lock()
		k.lists = lists
		k.mu.Unlock()
	}
	return lists[t], nil
}

// find is the knowledge's for the walk, which ends when the library fails.
func (w *walk) find(url string) (*profile, error) {
	p, cost, err := w.known.find(w.ctx, url)
	w.left -= cost
	if _, told := asDomain(err); err != nil && !told {
		w.err = err
	}
	return p, err
}
