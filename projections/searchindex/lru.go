package searchindex

import (
	"container/list"
	"sync"
)

// lru keeps values by key up to a limit of bytes, and drops those that were not
// used for the longest time. What it gives must not be changed. It is safe for
// concurrent use.
type lru[K comparable, V any] struct {
	limit int

	mu    sync.Mutex // guards the fields below
	byKey map[K]*list.Element
	order list.List // of *kept[K, V], the latest used first
	bytes int
	age   uint64 // how often something was dropped on purpose
}

type kept[K comparable, V any] struct {
	key   K
	value V
	bytes int
}

func newLRU[K comparable, V any](limit int) *lru[K, V] {
	return &lru[K, V]{limit: limit, byKey: map[K]*list.Element{}}
}

// get returns what is kept under a key, and the age that a value that is made
// now has to be put with.
func (c *lru[K, V]) get(key K) (value V, age uint64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.byKey[key]
	if at == nil {
		return value, c.age, false
	}
	c.order.MoveToFront(at)
	return at.Value.(*kept[K, V]).value, c.age, true
}

// put keeps a value in the place of the one before, unless it is so large that
// it would drive out too much, or something was dropped since it began to be
// made: it may be made of that.
func (c *lru[K, V]) put(key K, value V, bytes int, age uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if age != c.age {
		return
	}
	if at := c.byKey[key]; at != nil {
		c.removeLocked(at)
	}
	if bytes > c.limit/4 {
		return
	}
	c.byKey[key] = c.order.PushFront(&kept[K, V]{key, value, bytes})
	for c.bytes += bytes; c.bytes > c.limit; {
		c.removeLocked(c.order.Back())
	}
}

func (c *lru[K, V]) removeLocked(at *list.Element) {
	k := c.order.Remove(at).(*kept[K, V])
	delete(c.byKey, k.key)
	c.bytes -= k.bytes
}

// drop forgets the values whose key is meant, those included that are being
// made.
func (c *lru[K, V]) drop(meant func(key K) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.age++
	for key, at := range c.byKey {
		if meant(key) {
			c.removeLocked(at)
		}
	}
}
