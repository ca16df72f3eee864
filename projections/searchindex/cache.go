package searchindex

import (
	"container/list"
	"sync"

	"fhirlog/domain/search"
)

// postingCacheBytes bounds the postings kept in memory.
const postingCacheBytes = 32 << 20

// postingCache keeps the postings of keys, and of all keys with a beginning, in
// all blocks of the store. Blocks in the store change by late values only, so what is
// kept of a whole key is extended, or forgotten.
type postingCache struct {
	limit int

	mu    sync.Mutex // guards the fields below
	byKey map[string]*list.Element
	order list.List // of *cached, the latest used first
	bytes int
	age   uint64 // counts how often blocks have changed
}

// cached is the postings of a key in the blocks below through.
type cached struct {
	key     string
	through uint32
	parts   result
	bytes   int
}

func newPostingCache(limit int) *postingCache {
	return &postingCache{limit: limit, byKey: map[string]*list.Element{}}
}

// get returns the postings of a key, or of all keys that begin so, in the blocks
// of the store that the view sees, and maybe in later ones.
func (c *postingCache) get(v *view, key []byte, whole bool) (result, error) {
	name := string(key)
	if !whole {
		name += "\x02*" // no component begins like this
	}
	c.mu.Lock()
	var known cached
	if at := c.byKey[name]; at != nil {
		c.order.MoveToFront(at)
		known = *at.Value.(*cached)
	}
	age := c.age
	c.mu.Unlock()
	if known.through >= v.stored {
		return known.parts, nil
	}
	// The whole store is read, whatever the snapshot, so that all can use it.
	all := *v
	all.blocks = v.stored
	if !whole {
		known = cached{}
	}
	g := newGatherer()
	if err := all.gather(g, search.Match{Key: key, Whole: whole}, known.through); err != nil {
		return nil, err
	}
	parts := append(known.parts[:len(known.parts):len(known.parts)], g.result()...)
	c.put(&cached{key: name, through: v.stored, parts: parts}, age)
	return parts, nil
}

// put keeps a result, unless blocks have changed since it was begun at an age.
func (c *postingCache) put(made *cached, age uint64) {
	made.bytes = 200 + len(made.key)
	for i := range made.parts {
		made.bytes += 48 + 2*cap(made.parts[i].lows)
		if made.parts[i].dense != nil {
			made.bytes += BlockSize / 8
		}
	}
	if made.bytes > c.limit/4 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.age != age {
		return
	}
	if at := c.byKey[made.key]; at != nil {
		before := at.Value.(*cached)
		if before.through >= made.through {
			return
		}
		c.bytes += made.bytes - before.bytes
		at.Value = made
		c.order.MoveToFront(at)
	} else {
		c.byKey[made.key] = c.order.PushFront(made)
		c.bytes += made.bytes
	}
	for c.bytes > c.limit {
		last := c.order.Back()
		c.bytes -= last.Value.(*cached).bytes
		delete(c.byKey, last.Value.(*cached).key)
		c.order.Remove(last)
	}
}
