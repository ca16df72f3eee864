package searchindex

import (
	"bytes"
	"slices"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/search"
	"fhirlog/projections/keys"
)

// A chain can be followed from the targets, by looking up who refers to each, or
// from the references, by reading where all of them lead. These are about what
// they cost: a lookup for a target, and a block of references.
const (
	lookupCost = 1
	blockCost  = 16
)

// chained finds the versions whose reference leads to a match of the targets.
func (e *evaluation) chained(c search.Chained) (result, error) {
	inner := make([]result, len(c.Targets))
	n := 0
	for i, target := range c.Targets {
		var err error
		if inner[i], err = e.scope(target); err != nil {
			return nil, err
		}
		n += inner[i].size()
	}
	if n == 0 {
		return nil, nil
	}
	if n*lookupCost > int(e.blocks)*blockCost {
		return e.leadingTo(c.Reference, c.Targets, inner)
	}
	g := newGatherer()
	for i := range inner {
		var failed error
		inner[i].each(func(position uint64) bool {
			failed = e.gatherReferrers(g, c.Reference, position)
			return failed == nil
		})
		if failed != nil {
			return nil, failed
		}
	}
	return g.result(), nil
}

// gatherReferrers adds those that refer to the resource of a version.
func (e *evaluation) gatherReferrers(g *gatherer, r search.Reference, position uint64) error {
	t, id, err := e.source.Identify(position)
	if err != nil {
		return err
	}
	if r.Target != "" && r.Target != t {
		return nil
	}
	return e.eachReferenceTo(r, t, id, position, func(found result) {
		for i := range found {
			g.addPart(&found[i])
		}
	})
}

// eachReferenceTo looks up the references of a parameter to a resource, whose
// current version is at a position, in every spelling and by canonical URL.
func (e *evaluation) eachReferenceTo(r search.Reference, t domain.ResourceType, id domain.LogicalID, position uint64, use func(found result)) error {
	local := search.Key(r.Slot, search.AspectValue)
	local = search.AppendComponent(search.AppendComponent(local, id), t)
	spellings := [][]byte{local}
	for _, base := range r.Bases {
		absolute := search.Key(r.Slot, search.AspectValue)
		spellings = append(spellings, search.AppendComponent(absolute, "\x02"+base+string(t)+"/"+string(id)))
	}
	for _, key := range spellings {
		found, err := e.match(search.Match{Key: key}) // with any version
		if err != nil {
			return err
		}
		use(found)
	}
	return e.eachReferenceByURL(r, t, position, use)
}

// mostRemembered bounds the memory for targets that were met already.
const mostRemembered = 1 << 17

// leadingTo reads where all references of a parameter lead.
func (e *evaluation) leadingTo(r search.Reference, targets []search.Scope, inner []result) (result, error) {
	matches := map[string]bool{} // by target as stored
	var all result
	err := e.eachForward(r.Slot, nil, func(block uint32, f *forward) error {
		leads := make([]bool, len(f.targets))
		for i, name := range f.targets {
			is, seen := matches[string(name)]
			if !seen {
				var err error
				if is, err = e.isAmong(r, name, targets, inner); err != nil {
					return err
				}
				if len(matches) < mostRemembered {
					matches[string(name)] = is
				}
			}
			leads[i] = is
		}
		var s set
		for i, low := range f.lows {
			if leads[f.leads[i]] {
				s.add(low)
			}
		}
		if !s.isEmpty() {
			all = append(all, partOf(block, &s))
		}
		return nil
	})
	return all, err
}

// isAmong says whether a target is the resource of one of the matches.
func (e *evaluation) isAmong(r search.Reference, target []byte, targets []search.Scope, inner []result) (is bool, err error) {
	for i := 0; i < len(targets) && !is && err == nil; i++ {
		err = e.eachCanonical(r, target, targets[i].Type, func(position uint64) bool {
			is = inner[i].has(position)
			return !is
		})
	}
	t, id, _, ok := LocalTarget(r, target)
	if !ok || is || err != nil {
		return is, err
	}
	for i := range targets {
		if targets[i].Type != "" && targets[i].Type != t {
			continue
		}
		position, ok, err := e.source.Resolve(t, id, e.snapshot)
		if err != nil {
			return false, err
		}
		if ok && inner[i].has(position) {
			return true, nil
		}
	}
	return false, nil
}

// LocalTarget reads the resource of this server that a reference leads to, from
// the value part of its key; ok is false where it leads elsewhere. version is
// empty unless the reference names one.
func LocalTarget(r search.Reference, target []byte) (t domain.ResourceType, id domain.LogicalID, version string, ok bool) {
	first, rest, ok := search.CutComponent(target)
	if !ok {
		return "", "", "", false
	}
	if url, absolute := bytes.CutPrefix(first, []byte{2}); absolute {
		t, id, ok = belowBase(r, string(url))
		last, _, _ := search.CutComponent(rest)
		version = string(last)
	} else {
		name, rest, _ := search.CutComponent(rest)
		last, _, _ := search.CutComponent(rest)
		t, id, version = domain.ResourceType(name), domain.LogicalID(first), string(last)
	}
	return t, id, version, ok && t != "" && id != "" && (r.Target == "" || r.Target == t)
}

// belowBase reads an absolute reference to this server; its version stands by
// itself.
func belowBase(r search.Reference, url string) (t domain.ResourceType, id domain.LogicalID, ok bool) {
	for _, base := range r.Bases {
		if place, below := strings.CutPrefix(url, base); below {
			name, rest, found := strings.Cut(place, "/")
			if found && rest != "" && !strings.Contains(rest, "/") {
				return domain.ResourceType(name), domain.LogicalID(rest), true
			}
		}
	}
	return "", "", false
}

// eachForward hands over where the references of a slot lead, block by block;
// only the blocks of within if that is given.
func (e *evaluation) eachForward(slot search.Slot, within result, use func(block uint32, f *forward) error) error {
	key := search.Key(slot, search.AspectForward)
	var f forward
	visit := func(block uint32, value []byte) error {
		if err := decodeForward(&f, value); err != nil {
			return err
		}
		return use(block, &f)
	}
	var err error
	if within == nil {
		err = e.keysIn(keys.Forwards, key, 0, func(_ []byte, block uint32, value []byte) error {
			if err := e.ctx.Err(); err != nil {
				return err
			}
			return visit(block, value)
		})
	}
	for i := 0; i < len(within) && err == nil; i++ {
		if block := within[i].block; block < e.stored {
			_, err = e.x.store.Get(keys.Index(keys.Forwards, string(key), block), func(value []byte) error { return visit(block, value) })
		}
	}
	if err != nil {
		return err
	}
	for _, h := range e.heads {
		if within != nil && within.find(h.block) == nil || h.block >= e.blocks {
			continue
		}
		if f := e.forwardOf(h, key); f != nil {
			if err := use(h.block, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// everyForward hands over where the references of all slots lead.
func (e *evaluation) everyForward(use func(block uint32, f *forward) error) error {
	var f forward
	err := e.keysIn(keys.Forwards, nil, 0, func(_ []byte, block uint32, value []byte) error {
		err := e.ctx.Err()
		if err == nil {
			err = decodeForward(&f, value)
		}
		if err == nil {
			err = use(block, &f)
		}
		return err
	})
	for i := 0; i < len(e.heads) && err == nil; i++ {
		h := e.heads[i]
		if h.block >= e.blocks {
			continue
		}
		for _, key := range e.forwardKeys(h) {
			if err := use(h.block, e.forwardOf(h, key)); err != nil {
				return err
			}
		}
	}
	return err
}

// forwardKeys lists the keys of references in a head.
func (e *evaluation) forwardKeys(h *head) (all [][]byte) {
	e.x.mu.RLock()
	defer e.x.mu.RUnlock()
	for id := range h.groups {
		if id.aspect == search.AspectForward {
			all = append(all, search.Key(id.slot, id.aspect))
		}
	}
	return all
}

// forwardOf copies the references that a head holds under a key, with only the
// targets that they lead to.
func (e *evaluation) forwardOf(h *head, key []byte) *forward {
	e.x.mu.RLock()
	defer e.x.mu.RUnlock()
	at := h.byKey[string(key)]
	if at == nil {
		return nil
	}
	f := &forward{lows: append([]uint16(nil), at.lows...)}
	numbers := map[uint32]uint32{}
	for _, lead := range at.leads {
		number, seen := numbers[lead]
		if !seen {
			number = uint32(len(f.targets))
			numbers[lead] = number
			f.targets = append(f.targets, []byte(h.targets[lead]))
		}
		f.leads = append(f.leads, number)
	}
	return f
}

// referenced finds the resources of type t that a match of the source refers to.
func (e *evaluation) referenced(t domain.ResourceType, r search.Referenced) (result, error) {
	sources, err := e.scope(r.Source)
	if err != nil || len(sources) == 0 {
		return nil, err
	}
	g := newGatherer()
	seen := map[string]bool{}
	err = e.eachForward(r.Reference.Slot, sources, func(block uint32, f *forward) error {
		p := sources.find(block)
		if p == nil {
			return nil
		}
		var s set
		p.into(&s)
		wanted := make([]bool, len(f.targets))
		for i, low := range f.lows {
			if s.has(low) {
				wanted[f.leads[i]] = true
			}
		}
		for i, name := range f.targets {
			if !wanted[i] || seen[string(name)] {
				continue
			}
			seen[string(name)] = true
			if err := e.gatherTarget(g, t, r.Reference, name); err != nil {
				return err
			}
		}
		return nil
	})
	return g.result(), err
}

// gatherTarget adds the current version of what a reference leads to.
func (e *evaluation) gatherTarget(g *gatherer, t domain.ResourceType, r search.Reference, name []byte) error {
	err := e.eachCanonical(r, name, t, func(position uint64) bool {
		g.addPosition(position)
		return true
	})
	if err != nil {
		return err
	}
	target, id, _, ok := LocalTarget(r, name)
	if !ok || t != "" && target != t {
		return nil
	}
	position, ok, err := e.source.Resolve(target, id, e.snapshot)
	if err == nil && ok {
		g.addPosition(position)
	}
	return err
}

// listed finds the items of a List, as the List is as of the snapshot.
func (e *evaluation) listed(t domain.ResourceType, l search.Listed) (result, error) {
	position, ok, err := e.source.Resolve("List", l.List, e.snapshot)
	if err != nil || !ok {
		return nil, err
	}
	g := newGatherer()
	err = e.source.Load(position, func(list fhirjson.Value) error {
		for item := list.Get("entry").First(); item.Exists(); item = item.Next() {
			if item.Get("deleted").Kind() == fhirjson.True {
				continue
			}
			of, id, ok := itemOf(item.Get("item"), l.Bases)
			if !ok || t != "" && of != t {
				continue
			}
			at, ok, err := e.source.Resolve(of, id, e.snapshot)
			if err != nil {
				return err
			}
			if ok {
				g.addPosition(at)
			}
		}
		return nil
	})
	return g.result(), err
}

// itemOf reads which resource of this server a Reference leads to.
func itemOf(item fhirjson.Value, bases []string) (domain.ResourceType, domain.LogicalID, bool) {
	id, typ, _, url, _, ok := search.ParseReference(item.Get("reference").String())
	if url != "" {
		t, id, ok := belowBase(search.Reference{Bases: bases}, url)
		return t, id, ok
	}
	if typ == "" {
		typ = item.Get("type").String()
	}
	return domain.ResourceType(typ), domain.LogicalID(id), ok && id != "" && typ != ""
}

// unreferenced holds for resources that no current version refers to.
type unreferenced struct {
	operator
	e          *evaluation
	references []search.Reference
	referenced result // what is referred to
	isComplete bool   // referenced is computed; else each candidate is looked up
}

// mostLookups is up to how many lookups candidates are looked up one by one,
// rather than reading where all references lead.
const mostLookups = 10_000

func (e *evaluation) unreferenced(t domain.ResourceType, u search.Unreferenced) (operator, error) {
	all, err := e.allOf(t)
	o := unreferenced{operator: all, e: e, references: u.References}
	if err == nil && (len(u.References) == 0 || all.size()*len(u.References) > mostLookups) {
		o.isComplete = true
		o.referenced, err = e.allReferenced(t, u)
	}
	return o, err
}

// allReferenced finds the resources of type t that current versions refer to.
func (e *evaluation) allReferenced(t domain.ResourceType, u search.Unreferenced) (result, error) {
	g := newGatherer()
	if len(u.References) == 0 {
		if err := e.everyForward(e.targetsInto(g, t, search.Reference{Bases: u.Bases})); err != nil {
			return nil, err
		}
	}
	for _, r := range slices.Concat(u.References, u.Canonicals) {
		if t != "" && r.Target != "" && r.Target != t {
			continue
		}
		if err := e.eachForward(r.Slot, nil, e.targetsInto(g, t, r)); err != nil {
			return nil, err
		}
	}
	return g.result(), nil
}

// targetsInto gathers the resources of type t that the references of current
// versions lead to.
func (e *evaluation) targetsInto(g *gatherer, t domain.ResourceType, r search.Reference) func(block uint32, f *forward) error {
	seen := map[string]bool{}
	return func(block uint32, f *forward) error {
		var live set
		if err := e.liveIn(block, &live); err != nil {
			return err
		}
		for i, low := range f.lows {
			name := f.targets[f.leads[i]]
			if !live.has(low) || seen[string(name)] {
				continue
			}
			seen[string(name)] = true
			if err := e.gatherTarget(g, t, r, name); err != nil {
				return err
			}
		}
		return nil
	}
}

func (o unreferenced) fill(block uint32, mask, dst *set) error {
	var candidates set
	if err := o.operator.fill(block, mask, &candidates); err != nil {
		return err
	}
	candidates.and(mask)
	if o.isComplete {
		var referenced set
		if p := o.referenced.find(block); p != nil {
			p.into(&referenced)
		}
		candidates.andNot(&referenced)
		dst.or(&candidates)
		return nil
	}
	start := uint64(block) * BlockSize
	var failed error
	candidates.each(func(low uint16) bool {
		var is bool
		if is, failed = o.isReferenced(start + uint64(low)); failed == nil && !is {
			dst.add(low)
		}
		return failed == nil
	})
	return failed
}

func (o unreferenced) isReferenced(position uint64) (is bool, err error) {
	t, id, err := o.e.source.Identify(position)
	if err != nil {
		return false, err
	}
	for _, r := range o.references {
		if r.Target != "" && r.Target != t {
			continue
		}
		var found result
		if err := o.e.eachReferenceTo(r, t, id, position, func(more result) { found = append(found, more...) }); err != nil {
			return false, err
		}
		if is, err := o.e.anyLive(found); is || err != nil {
			return is, err
		}
	}
	return false, nil
}

// anyLive says whether one of the positions is a current version.
func (e *evaluation) anyLive(found result) (bool, error) {
	for i := range found {
		var live, s set
		if err := e.liveIn(found[i].block, &live); err != nil {
			return false, err
		}
		found[i].into(&s)
		s.and(&live)
		if !s.isEmpty() {
			return true, nil
		}
	}
	return false, nil
}
