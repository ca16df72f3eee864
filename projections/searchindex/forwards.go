package searchindex

import (
	"fhirlog/domain/search"
	"fhirlog/projections/keys"
)

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
